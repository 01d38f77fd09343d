//! Load-balancing policies.

use super::Check;
use super::client::ONE_ADDRESS;
use crate::scenario::defaults;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::policy::{
    LeastRequestFile, PeakEwmaFile, PickFirstFile, PolicyFile, ReconnectFile, RotationFile, RoundRobinFile,
};
use crate::scenario::model::{Policy, Reconnect, RotationStart};

pub(super) fn policy(
    cx: &mut Check<'_>,
    policy: Key<PolicyFile>,
    virtual_ip: bool,
    rotation: RotationStart,
) -> Option<Policy> {
    Some(match policy?.value {
        PolicyFile::PickFirst(At { value: PickFirstFile { reconnect, shuffle }, .. }) => {
            if virtual_ip {
                cx.no_effect(&shuffle, "shuffle", ONE_ADDRESS);
            }
            Policy::PickFirst {
                reconnect: match reconnect.map(|r| r.value) {
                    None | Some(ReconnectFile::Lazy) => Reconnect::Lazy,
                    Some(ReconnectFile::Eager) => Reconnect::Eager,
                },
                shuffle: shuffle.is_some_and(|s| s.value),
            }
        }
        // On a ClusterIP it has one address to rotate over: a mistake that people make, so it can be simulated.
        PolicyFile::RoundRobin(At { value: RoundRobinFile { start }, .. }) => {
            if virtual_ip {
                cx.no_effect(&start, "start", ONE_ADDRESS);
            }
            Policy::RoundRobin {
                start: match start.map(|s| s.value) {
                    None => rotation,
                    Some(RotationFile::RandomOrder) => RotationStart::RandomOrder,
                    Some(RotationFile::Random) => RotationStart::Random,
                    Some(RotationFile::First) => RotationStart::First,
                    Some(RotationFile::Continue) => RotationStart::Continue,
                },
            }
        }
        PolicyFile::Random => Policy::Random,
        PolicyFile::LeastRequest(At { value: LeastRequestFile { choice_count }, .. }) => {
            if virtual_ip {
                cx.no_effect(&choice_count, "choice_count", ONE_ADDRESS);
            }
            let (least, most) = LEAST_REQUEST_CHOICES;
            let choice_count = cx.count_or(choice_count, "choice_count", least, most, defaults::CHOICE_COUNT);
            Policy::LeastRequest { choice_count }
        }
        PolicyFile::PeakEwma(At { value: PeakEwmaFile { default_rtt, decay }, .. }) => {
            if virtual_ip {
                cx.no_effect(&default_rtt, "default_rtt", ONE_ADDRESS);
                cx.no_effect(&decay, "decay", ONE_ADDRESS);
            }
            Policy::PeakEwma {
                default_rtt: cx.positive(default_rtt, "default_rtt").unwrap_or(defaults::DEFAULT_RTT),
                decay: cx.positive(decay, "decay").unwrap_or(defaults::DECAY),
            }
        }
    })
}

/// gRFC A48: below 2 it is refused, and more than 10 count as 10.
const LEAST_REQUEST_CHOICES: (u32, u32) = (2, 10);
