//! kube-proxy: which pod a new connection to the virtual IP lands on.

use crate::ids::PodId;
use crate::random::below;
use crate::units::{Span, Time};

/// The endpoints of one Service as one node knows them, each list in order of pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Ready ones.
    pub ready: Vec<PodId>,
    /// Terminating ones that still serve.
    pub terminating: Vec<PodId>,
}

impl Endpoints {
    /// What kube-proxy chooses among: ready endpoints; if there are none, serving terminating ones (KEP-1669,
    /// `CategorizeEndpoints` in `pkg/proxy/topology.go`).
    #[must_use]
    pub fn usable(&self) -> &[PodId] {
        if self.ready.is_empty() { &self.terminating } else { &self.ready }
    }

    /// The endpoint for a new connection: uniform over the usable ones in their order, as the `statistic` match chain
    /// (iptables) and `numgen random` (nftables) are up to 1e-7. `None`: no endpoint, the connection is rejected.
    #[must_use]
    pub fn choose(&self, draw: u64) -> Option<PodId> {
        let usable = self.usable();
        (!usable.is_empty()).then(|| usable[below(draw, usable.len())])
    }

    /// The endpoint that `sessionAffinity: ClientIP` prefers: where the client's last new connection went, at most `timeout` ago, if that
    /// may still be chosen (iptables: a rule `recent --rcheck --seconds` per endpoint, and `recent --set` for each new connection, so that
    /// the time counts from the last one). Not modelled: that a node remembers 100 clients per endpoint (`ip_list_tot` of `xt_recent`).
    #[must_use]
    pub fn kept(&self, last: Option<(PodId, Time)>, timeout: Span, now: Time) -> Option<PodId> {
        let (pod, at) = last?;
        (now.since(at) <= timeout && self.usable().binary_search(&pod).is_ok()).then_some(pod)
    }

    /// Records a pod's new condition.
    pub fn change(&mut self, pod: PodId, to: Condition) {
        for list in [&mut self.ready, &mut self.terminating] {
            if let Ok(i) = list.binary_search(&pod) {
                list.remove(i);
            }
        }
        let list = match to {
            Condition::Absent => return,
            Condition::Ready => &mut self.ready,
            Condition::Terminating => &mut self.terminating,
        };
        if let Err(i) = list.binary_search(&pod) {
            list.insert(i, pod);
        }
    }
}

/// What an EndpointSlice says of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Not listed, or neither ready nor serving.
    Absent,
    /// `ready`.
    Ready,
    /// `serving` and `terminating`.
    Terminating,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminating_endpoints_are_the_last_resort() {
        let mut e = Endpoints::default();
        assert_eq!(e.choose(0), None);
        let (one, three) = (PodId(1), PodId(3));
        e.change(three, Condition::Ready);
        e.change(one, Condition::Ready);
        e.change(three, Condition::Terminating);
        assert_eq!(e.usable(), [one]);
        e.change(one, Condition::Terminating);
        assert_eq!(e.usable(), [one, three]);
        e.change(one, Condition::Absent);
        assert_eq!(e.choose(u64::MAX), Some(three));
    }

    #[test]
    fn one_draw_maps_to_the_endpoints_in_equal_parts() {
        let e = Endpoints { ready: (0..5).map(PodId).collect(), terminating: vec![] };
        for i in 0..5u64 {
            assert_eq!(e.choose((u64::MAX / 5) * i + 1_000), Some(PodId(i as u32)));
        }
    }
}
