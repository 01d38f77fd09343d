//! What a channel's policy keeps beside its list of connections: weights, a schedule, a ring.

use crate::ids::{Address, EndpointIx};
use crate::narrow::u32_of;
use crate::pick::{PolicyPlan, Registered};
use crate::policy::edf::Edf;
use crate::policy::outlier::Host;
use crate::units::Time;

/// A plan of picks.
#[derive(Debug)]
pub(super) enum Plan {
    /// Of the policy itself.
    Policy(PolicyPlan),
    /// Envoy's slow start: positions in the picker.
    Edf(Edf),
    /// round_robin in the order of the resolver's answer.
    Answer(Answer),
}

impl Plan {
    /// The plan of the policy.
    #[inline(always)]
    pub(super) fn of<P: Registered>(&mut self) -> Option<&mut P::Plan> {
        if let Plan::Policy(plan) = self { P::kept_mut(plan) } else { None }
    }

    /// Takes the plan of the policy away, if there is one.
    pub(super) fn take<P: Registered>(plan: &mut Option<Box<Plan>>) -> Option<P::Plan> {
        match *plan.take()? {
            Plan::Policy(of) => P::kept(of),
            other => {
                *plan = Some(Box::new(other));
                None
            }
        }
    }
}

/// The order of a resolver's answer, and what a picker made of it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Addresses with their places, sorted by address.
    places: Vec<(Address, u32)>,
    /// The addresses of the picker's connections, in its order.
    listed: Vec<Address>,
}

impl Answer {
    /// A new answer, which begins at `from`.
    pub(super) fn update(&mut self, addresses: &[Address], from: usize) {
        let n = addresses.len();
        let place = |i: usize| u32_of((i + n - from) % n);
        self.places = addresses.iter().enumerate().map(|(i, &a)| (a, place(i))).collect();
        self.places.sort_unstable();
    }

    /// Brings the connections of a new picker into order; returns the place of the one whose turn it was in the last.
    pub(super) fn arrange(
        &mut self,
        picker: &mut [EndpointIx],
        next: u32,
        address: impl Fn(EndpointIx) -> Address,
    ) -> Option<u32> {
        let last = self.listed.get(next as usize).copied();
        let place = |a: Address| self.places.binary_search_by_key(&a, |p| p.0).map_or(u32::MAX, |i| self.places[i].1);
        picker.sort_by_key(|&endpoint| place(address(endpoint)));
        self.listed = picker.iter().map(|&endpoint| address(endpoint)).collect();
        last.and_then(|last| self.listed.iter().position(|a| *a == last)).map(u32_of)
    }

    /// No connection is READY: the next picker begins at the first.
    pub(super) fn forget(&mut self) {
        self.listed.clear();
    }
}

/// What outlier detection knows of the endpoints of a channel, or of all workers of a proxy.
#[derive(Debug, Default)]
pub(super) struct Outliers {
    /// Sorted.
    pub addresses: Vec<Address>,
    /// In the same order.
    pub hosts: Vec<Host>,
    /// Draws so far: which of the outliers are ejected.
    pub draws: u64,
}

impl Outliers {
    /// The place of an address.
    pub(super) fn find(&self, address: Address) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }

    /// A new list of addresses: what is known of those that stay is kept.
    pub(super) fn update(&mut self, addresses: &[Address]) {
        let kept = |a: &Address| self.find(*a).map(|i| self.hosts[i]).unwrap_or_default();
        self.hosts = addresses.iter().map(kept).collect();
        self.addresses = addresses.to_vec();
    }
}

/// When each host joined, for slow start, or `None` if that was before the run began; sorted by address.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub hosts: Vec<(Address, Option<Time>)>,
    /// There has been a list.
    listed: bool,
}

impl Joined {
    /// A new list of addresses, sorted. In the first list, the hosts that `were_there` before the run began are old ones.
    pub(super) fn update(&mut self, addresses: &[Address], now: Time, were_there: impl Fn(Address) -> bool) {
        let old = std::mem::take(&mut self.hosts);
        let new = |a: Address| if !self.listed && were_there(a) { None } else { Some(now) };
        let since = |a: Address| old.binary_search_by_key(&a, |j| j.0).map_or_else(|_| new(a), |i| old[i].1);
        self.hosts = addresses.iter().map(|&a| (a, since(a))).collect();
        self.listed = true;
    }

    /// When a host joined.
    pub(super) fn since(&self, address: Address) -> Option<Time> {
        let place = self.hosts.binary_search_by_key(&address, |j| j.0).ok()?;
        self.hosts[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picker_goes_on_with_the_next_connection_or_begins_anew() {
        // Connections are named after their addresses here.
        let arrange = |answer: &mut Answer, picker: &[u32], next| {
            let mut picker: Vec<EndpointIx> = picker.iter().copied().map(EndpointIx).collect();
            let place = answer.arrange(&mut picker, next, |endpoint| Address(endpoint.0));
            (picker.iter().map(|endpoint| endpoint.0).collect::<Vec<_>>(), place)
        };
        let mut answer = Answer::default();
        answer.update(&[5, 3, 8].map(Address), 1);
        // The answer begins at its second address.
        assert_eq!(arrange(&mut answer, &[3, 5, 8], 0), (vec![3, 8, 5], None));
        // 8 would have been next. 3 is gone.
        assert_eq!(arrange(&mut answer, &[5, 8], 1), (vec![8, 5], Some(0)));
        // 5 would have been next, and is gone.
        assert_eq!(arrange(&mut answer, &[8], 1), (vec![8], None));
        answer.update(&[8, 9].map(Address), 0);
        assert_eq!(arrange(&mut answer, &[8, 9], 0), (vec![8, 9], Some(0)));
        answer.forget();
        assert_eq!(arrange(&mut answer, &[8, 9], 1), (vec![8, 9], None));
    }
}
