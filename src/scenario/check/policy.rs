//! Load-balancing policies.

use super::Check;
use super::client::ONE_ADDRESS;
use crate::model::defaults;
use crate::model::{
    Keys, LeastRequest, Maglev, PeakEwma, PickFirst, Policy, Random, Reconnect, RingHash, RotationStart, RoundRobin,
    WeightedRoundRobin,
};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::policy::{
    KeysFile, LeastRequestFile, MaglevFile, PeakEwmaFile, PickFirstFile, PolicyFile, ReconnectFile, RingHashFile,
    RotationFile, RoundRobinFile, WeightedRoundRobinFile,
};
use crate::scenario::rules::Code;
use crate::units::Span;

pub(super) fn policy(
    cx: &mut Check<'_>,
    policy: Key<PolicyFile>,
    virtual_ip: bool,
    rotation: RotationStart,
) -> Option<Policy> {
    let At { value, place } = policy?;
    Some(match value {
        PolicyFile::PickFirst(At { value: PickFirstFile { reconnect, shuffle }, .. }) => {
            if virtual_ip {
                cx.no_effect(&shuffle, "shuffle", ONE_ADDRESS);
            }
            Policy::PickFirst(PickFirst {
                reconnect: match reconnect.map(|r| r.value) {
                    None | Some(ReconnectFile::Lazy) => Reconnect::Lazy,
                    Some(ReconnectFile::Eager) => Reconnect::Eager,
                },
                shuffle: shuffle.is_some_and(|s| s.value),
            })
        }
        // On a ClusterIP it has one address to rotate over: a mistake that people make, so it can be simulated.
        PolicyFile::RoundRobin(At { value: RoundRobinFile { start }, .. }) => {
            if virtual_ip {
                cx.no_effect(&start, "start", ONE_ADDRESS);
            }
            Policy::RoundRobin(RoundRobin {
                start: match start.map(|s| s.value) {
                    None => rotation,
                    Some(RotationFile::RandomOrder) => RotationStart::RandomOrder,
                    Some(RotationFile::Random) => RotationStart::Random,
                    Some(RotationFile::First) => RotationStart::First,
                    Some(RotationFile::Continue) => RotationStart::Continue,
                    Some(RotationFile::NextSubchannel) => RotationStart::NextSubchannel,
                },
            })
        }
        PolicyFile::Random => {
            if virtual_ip {
                one_address(cx, place, "random");
            }
            Policy::Random(Random)
        }
        PolicyFile::LeastRequest(At { value: LeastRequestFile { choice_count }, .. }) => {
            if virtual_ip {
                one_address(cx, place, "least_request");
            }
            let (least, most) = LEAST_REQUEST_CHOICES;
            let choice_count = cx.count_or(choice_count, "choice_count", least, most, defaults::CHOICE_COUNT);
            Policy::LeastRequest(LeastRequest { choice_count })
        }
        PolicyFile::PeakEwma(At { value: PeakEwmaFile { default_rtt, decay }, .. }) => {
            if virtual_ip {
                one_address(cx, place, "peak_ewma");
            }
            Policy::PeakEwma(PeakEwma {
                default_rtt: cx.positive(default_rtt, "default_rtt").unwrap_or(defaults::DEFAULT_RTT),
                decay: cx.positive(decay, "decay").unwrap_or(defaults::DECAY),
            })
        }
        PolicyFile::WeightedRoundRobin(At { value, place }) => {
            if virtual_ip {
                one_address(cx, place, "weighted_round_robin");
            }
            Policy::WeightedRoundRobin(weighing(cx, value))
        }
        PolicyFile::RingHash(file) => ring_hash(cx, file, virtual_ip),
        PolicyFile::Maglev(file) => table(cx, file, virtual_ip),
    })
}

fn ring_hash(cx: &mut Check<'_>, file: At<RingHashFile>, virtual_ip: bool) -> Policy {
    let At { value: RingHashFile { min_ring_size, max_ring_size }, place } = file;
    if virtual_ip {
        one_address(cx, place, "ring_hash");
    }
    let (least, most) = defaults::RING_SIZE;
    let limit = max_ring_size.as_ref().or(min_ring_size.as_ref()).map_or(place, |m| m.place);
    let min = cx.count_or(min_ring_size, "min_ring_size", 1, MAX_RING_SIZE, least);
    let max = cx.count_or(max_ring_size, "max_ring_size", 1, MAX_RING_SIZE, most.max(min));
    if max < min {
        let message = format!("`max_ring_size` ({max}) is below `min_ring_size` ({min})");
        cx.problem(Code::Contradiction, limit, message);
    }
    Policy::RingHash(RingHash { min_ring_size: min, max_ring_size: max })
}

fn table(cx: &mut Check<'_>, file: At<MaglevFile>, virtual_ip: bool) -> Policy {
    let At { value: MaglevFile { table_size }, place } = file;
    if virtual_ip {
        one_address(cx, place, "maglev");
    }
    let size_place = table_size.as_ref().map_or(place, |t| t.place);
    let table = cx.count_or(table_size, "table_size", 2, MAX_TABLE_SIZE, defaults::TABLE_SIZE);
    if !is_prime(table) {
        cx.problem(Code::OutOfRange, size_place, format!("`table_size` is {table}, and must be a prime number"));
    }
    Policy::Maglev(Maglev { table_size: table })
}

/// What weighs or hashes needs addresses to choose from.
fn one_address(cx: &mut Check<'_>, place: Place, policy: &str) {
    cx.problem(Code::NoEffect, place, format!("`{policy}` has no effect {ONE_ADDRESS}"));
}

fn weighing(cx: &mut Check<'_>, file: WeightedRoundRobinFile) -> WeightedRoundRobin {
    let WeightedRoundRobinFile {
        blackout_period,
        weight_expiration_period,
        weight_update_period,
        error_utilization_penalty,
    } = file;
    let default = WeightedRoundRobin::default();
    WeightedRoundRobin {
        error_utilization_penalty: error_utilization_penalty
            .map_or(default.error_utilization_penalty, |p| cx.number(&p, "error_utilization_penalty", 0.0, 1e6)),
        blackout_period: blackout_period.map_or(default.blackout_period, |b| b.value.0),
        weight_expiration_period: cx
            .positive(weight_expiration_period, "weight_expiration_period")
            .unwrap_or(default.weight_expiration_period),
        // gRFC A58: less counts as 100 ms.
        weight_update_period: weight_update_period
            .map_or(default.weight_update_period, |u| u.value.0)
            .max(Span::from_millis(100)),
    }
}

/// What calls are routed by.
pub(super) fn keys(cx: &mut Check<'_>, file: Key<KeysFile>, policy: &Policy) -> Keys {
    if !policy.hashes() {
        cx.no_effect(&file, "keys", "with a policy other than ring_hash and maglev");
    }
    let Some(At { value: KeysFile { count, zipf }, place }) = file else { return Keys { cumulative: None } };
    let count = cx.required(count, "count", place, "`keys`").map_or(1, |n| cx.count(n, "count", 1, MAX_KEYS) as u32);
    let zipf = zipf.map_or(0.0, |z| cx.number(&z, "zipf", 0.0, 10.0));
    let mut sum = 0.0;
    let mut weigh = |k: u32| {
        sum += libm::pow(f64::from(k), -zipf);
        sum
    };
    let mut cumulative: Vec<f64> = (1..=count).map(&mut weigh).collect();
    cumulative.iter_mut().for_each(|c| *c /= sum);
    Keys { cumulative: Some(cumulative.into()) }
}

fn is_prime(n: u32) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

/// Envoy's bound (`ring_hash.proto`).
const MAX_RING_SIZE: u32 = 8_388_608;
/// Envoy's bound (`maglev.proto`).
const MAX_TABLE_SIZE: u32 = 5_000_011;
const MAX_KEYS: u64 = 1_000_000;
/// gRFC A48: below 2 it is refused, and more than 10 count as 10.
const LEAST_REQUEST_CHOICES: (u32, u32) = (2, 10);
