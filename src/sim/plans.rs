//! What a channel's policy keeps beside its list of connections: weights, a schedule, a ring.

use crate::policy::counted::Counted;
use crate::policy::edf::Edf;
use crate::policy::maglev::Maglev;
use crate::policy::outlier::Host;
use crate::policy::ring_hash::Ring;
use crate::policy::weighted_round_robin::Stride;
use crate::units::Time;

/// A plan of picks.
#[derive(Debug)]
pub enum Plan {
    /// weighted_round_robin: positions in the picker.
    Stride(Stride),
    /// Envoy's slow start: positions in the picker.
    Edf(Edf),
    /// ring_hash, over these addresses.
    Ring(Vec<u32>, Ring),
    /// Maglev, over these addresses.
    Maglev(Vec<u32>, Maglev),
    /// What NGINX or HAProxy counts: positions in the picker.
    Counted(Counted),
}

/// What outlier detection knows of the endpoints of a channel, or of all workers of a proxy.
#[derive(Debug, Default)]
pub struct Outliers {
    /// Sorted.
    pub addresses: Vec<u32>,
    /// In the same order.
    pub hosts: Vec<Host>,
    /// Draws so far: which of the outliers are ejected.
    pub draws: u64,
}

impl Outliers {
    /// The place of an address.
    pub fn find(&self, address: u32) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }

    /// A new list of addresses: what is known of those that stay is kept.
    pub fn update(&mut self, addresses: &[u32]) {
        let kept = |a: &u32| self.find(*a).map(|i| self.hosts[i]).unwrap_or_default();
        self.hosts = addresses.iter().map(kept).collect();
        self.addresses = addresses.to_vec();
    }
}

/// When each host joined, for slow start; sorted by address.
#[derive(Debug, Default)]
pub struct Joined(pub Vec<(u32, Time)>);

impl Joined {
    /// A new list of addresses, sorted.
    pub fn update(&mut self, addresses: &[u32], now: Time) {
        let old = std::mem::take(&mut self.0);
        let since = |a: u32| old.binary_search_by_key(&a, |j| j.0).map_or(now, |i| old[i].1);
        self.0 = addresses.iter().map(|&a| (a, since(a))).collect();
    }
}

/// A pod's address and port, as hashes of addresses see it.
pub fn address_of(pod: u32) -> String {
    let [a, b, c, d] = pod.to_be_bytes();
    format!("{}.{b}.{c}.{d}:50051", 10 + u32::from(a))
}
