//! What connections did in the phase that goes on: which pods they were on, since when, and what was sent on them.

use std::collections::BTreeMap;

use crate::ids::{ConnectionIx, OwnerId, Table};
use crate::metrics::attribution::{Attribution, ChannelShares, Loads, attribute};
use crate::model::{Client, Model};
use crate::sim::observation::{ConnectionSample, PodId};
use crate::units::{Span, Time};

use super::pods::PodInfo;

/// A connection in the phase so far.
#[derive(Clone, Copy, Debug)]
struct Live {
    sample: ConnectionSample,
    ready: Span,
    sent: u64,
}

/// The weight of the connections to each pod, and what was sent on them.
type ByPod = BTreeMap<PodId, (f64, u64)>;

/// Connections, and what is left of those that have ended.
#[derive(Debug, Default)]
pub(super) struct Placing {
    /// By slot.
    live: Table<ConnectionIx, Option<Live>>,
    /// By caller, then channel or pool.
    channels: BTreeMap<(u32, OwnerId), ByPod>,
    /// Weights of drawn connections by how many changes of the Ready pods there had been when they were dialled.
    dialled_after: BTreeMap<usize, f64>,
    /// Sum of the squares of these connections' weights.
    squares: f64,
}

/// True if no connection outlives its request: then each request is a draw, and how long it takes says nothing.
fn per_request(model: &Model) -> bool {
    model.balancers().all(Client::connects_per_request)
}

/// How long after a change of the Ready pods a dial can know of it, on average.
fn known_after(model: &Model) -> Span {
    Span::from_secs_f64(model.cluster.endpoint_lag.mean())
}

impl Placing {
    /// Adds what connections did in a window. `changes` are those of the Ready pods so far.
    pub(super) fn add(&mut self, model: &Model, samples: &[ConnectionSample], changes: &[(Time, PodId)]) {
        for sample in samples {
            let live = self.live.reach(sample.slot, || None).get_or_insert(Live {
                sample: *sample,
                ready: Span::ZERO,
                sent: 0,
            });
            live.ready = live.ready + sample.ready;
            live.sent += sample.sent;
            if sample.ended {
                let live = *live;
                self.live[sample.slot] = None;
                self.fold(model, &live, changes);
            }
        }
    }

    fn fold(&mut self, model: &Model, live: &Live, changes: &[(Time, PodId)]) {
        let Live { sample, ready, sent } = live;
        let weight = if per_request(model) { *sent as f64 } else { ready.as_secs_f64() };
        let pods = self.channels.entry((sample.client, sample.owner)).or_default();
        let pod = pods.entry(sample.pod).or_default();
        *pod = (pod.0 + weight, pod.1 + sent);
        if !model.connects_on_demand(model.caller(sample.client as usize)) {
            let lag = known_after(model);
            // What there is at the start is known.
            let before = changes.partition_point(|(at, _)| *at == Time::ZERO || *at + lag <= sample.opened);
            *self.dialled_after.entry(before).or_default() += weight;
            self.squares += weight * weight;
        }
    }

    /// What the shares of the phase are made of. `loads` are the pods' requests received and time of being Ready.
    pub(super) fn finish(
        mut self,
        (model, pods): (&Model, &Table<PodId, PodInfo>),
        loads: &[(PodId, u64, Span)],
        length: Span,
        changes: &[(Time, PodId)],
    ) -> Option<Attribution> {
        for live in std::mem::take(&mut self.live).into_iter().flatten() {
            self.fold(model, live, changes);
        }
        let callers: Vec<usize> = (0..model.callers().count()).collect();
        // Clients of a gateway call no server.
        let called: Vec<usize> =
            callers.into_iter().filter(|c| self.channels.keys().any(|(client, _)| *client as usize == *c)).collect();
        let channel = |(&(client, _), by_pod): (&(u32, OwnerId), &ByPod)| ChannelShares {
            caller: called.iter().position(|c| *c == client as usize).unwrap_or(0),
            pods: by_pod
                .iter()
                .filter_map(|(id, (weight, sent))| Some((place(loads, *id)?, *weight, *sent as f64)))
                .collect(),
            on_demand: model.connects_on_demand(model.caller(client as usize)),
        };
        let channels: Vec<ChannelShares> = self.channels.iter().map(channel).collect();
        let drawn: f64 = self.dialled_after.values().sum();
        let loads = Loads {
            names: loads.iter().map(|(id, ..)| pods[*id].name.clone()).collect(),
            received: loads.iter().map(|(_, requests, _)| *requests as f64).collect(),
            ready: loads.iter().map(|(.., ready)| ready.as_secs_f64()).collect(),
            drawn_evenly: self.drawn_evenly(loads, changes),
            draws: if self.squares > 0.0 { drawn * drawn / self.squares } else { 0.0 },
            length: length.as_secs_f64(),
        };
        let names: Vec<String> = called.iter().map(|c| model.caller(*c).name.clone()).collect();
        attribute(&loads, &names, &channels)
    }

    /// The part of the drawn connections that each pod would have if each were on one of the pods that were Ready at its dial; even
    /// for those that were dialled when none was.
    fn drawn_evenly(&self, loads: &[(PodId, u64, Span)], changes: &[(Time, PodId)]) -> Vec<f64> {
        let total: f64 = self.dialled_after.values().sum();
        let n = loads.len() as f64;
        // Connections that are not READY in the phase, but drain, have no weight, and may carry streams all the same.
        if total <= 0.0 {
            return vec![1.0 / n; loads.len()];
        }
        // What a pod has that was Ready at all dials so far, and what all pods have of dials at which none was.
        let (mut ready, mut nowhere) = (0.0, 0.0);
        let mut parts = vec![0.0; loads.len()];
        // Of a pod that is Ready: what one that always was had by then.
        let mut since: BTreeMap<usize, f64> = BTreeMap::new();
        let mut done = 0;
        for (&before, weight) in &self.dialled_after {
            // Those that have gone since have no part: the connection was drawn from those that are left.
            for i in changes[done..before].iter().filter_map(|(_, pod)| place(loads, *pod)) {
                match since.remove(&i) {
                    Some(at) => parts[i] += ready - at,
                    None => drop(since.insert(i, ready)),
                }
            }
            done = before;
            match since.len() {
                0 => nowhere += weight / total / n,
                of => ready += weight / total / of as f64,
            }
        }
        since.iter().for_each(|(i, at)| parts[*i] += ready - at);
        parts.iter_mut().for_each(|part| *part += nowhere);
        parts
    }
}

/// The place of a pod among those of the phase, which are in order.
fn place(loads: &[(PodId, u64, Span)], pod: PodId) -> Option<usize> {
    loads.binary_search_by_key(&pod, |(id, ..)| *id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One was opened when the first of two pods was there: it has all of it, or, if it only drained, nothing says who has what.
    #[test]
    fn connections_that_only_drain_are_no_draws() {
        let loads = [(PodId(0), 5, Span::from_secs(1)), (PodId(1), 0, Span::from_secs(1))];
        let changes = [(Time::ZERO, PodId(0)), (Time::ZERO + Span::from_secs(1), PodId(1))];
        let placing = |weight: f64| Placing { dialled_after: [(1, weight)].into(), ..Placing::default() };
        assert_eq!(placing(3.0).drawn_evenly(&loads, &changes), [1.0, 0.0]);
        assert_eq!(placing(0.0).drawn_evenly(&loads, &changes), [0.5, 0.5]);
        assert_eq!(Placing::default().drawn_evenly(&loads, &changes), [0.5, 0.5]);
    }
}
