//! Digests that two people can compare in one line. `Digest` covers the ordered stream of events, `Arrivals`
//! (`arrivals.rs`) what the clients asked for. Both are 64 bits wide: made to notice differences, not to withstand an adversary.
//!
//! The values are part of what a version promises: whatever changes them (constants, kinds, order of fields) makes it `v2`.

use super::arrivals::call_hash;
use crate::model::Errors;
use crate::narrow::u32_of;
use crate::sim::observation::{ConnectionRecord, Observation, PodId, ScaledBy};
use crate::units::{Span, Time};

// The fractional parts of the square roots of 2, 3, 5 and 7 (as in SHA-512) with the top bit set: times, counts and indices
// never reach it, so that no factor of a product below becomes zero.
pub(super) const K0: u64 = 0x6a09_e667_f3bc_c908 | 1 << 63;
pub(super) const K1: u64 = 0xbb67_ae85_84ca_a73b;
pub(super) const K2: u64 = 0x3c6e_f372_fe94_f82b | 1 << 63;
pub(super) const K3: u64 = 0xa54f_f53a_5f1d_36f1;
/// Odd, so that multiplying by it loses nothing.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Multiplies to 128 bits and folds: each bit of the result depends on all bits of both factors.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product & 0xffff_ffff_ffff_ffff) as u64 ^ ((product >> 64) as u64)
}

/// `v1:` and 16 hexadecimal digits.
pub(super) fn text(value: u64) -> String {
    format!("v1:{value:016x}")
}

/// A pod that may be missing, as a number.
fn pod_or_none(pod: Option<PodId>) -> u64 {
    pod.map_or(u64::MAX, |p| u64::from(p.0))
}

/// A time that may be missing, as a number.
fn time_or_none(time: Option<Time>) -> u64 {
    time.map_or(u64::MAX, |t| t.0)
}

/// A client and a method of it; there are at most some thousand of either.
#[inline]
fn of(client: u32, method: u16) -> u32 {
    client | u32::from(method) << 16
}

/// Two halves of a word.
#[inline]
pub(super) fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A rolling digest of all observations but `Window`: sampling is not an event, and must not change the digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    state: u64,
}

impl Digest {
    /// Covers one observation, with its time, kind and all fields; of a failure the status, and neither the reason nor the replica.
    #[inline(always)]
    pub fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Emitted { client, replica, n, demand, key, open } => {
                self.call(at, client, call_hash(at, replica, n, demand, key, open));
            }
            Observation::Received { pod, connection } => self.event(at, 1, pod.0.into(), connection.0),
            Observation::Started { pod, waited } => self.event(at, 2, pod.0.into(), waited.0),
            Observation::Completed { client, method, pod, emitted } => {
                self.event(at, 3, pair(of(client, method), pod.0), emitted.0);
            }
            Observation::Failed { client, method, pod, why, emitted, .. } => {
                let status = why.status() as u64;
                self.words(at, 4, &[u64::from(of(client, method)), pod_or_none(pod), status, emitted.0]);
            }
            _ => self.rare(at, what),
        }
    }

    /// Covers an emitted call whose `call_hash` is known.
    #[inline]
    pub fn call(&mut self, at: Time, client: u32, hash: u64) {
        self.event(at, 0, client.into(), hash);
    }

    /// The digest so far.
    #[must_use]
    pub fn text(&self) -> String {
        text(mix(self.state ^ K0, K3))
    }

    /// One step: the mixing of the words is off the chain from state to state, which is a bijection: no state is lost, however
    /// long the stream.
    #[inline]
    fn absorb(&mut self, word: u64) {
        self.state = (self.state ^ word).wrapping_mul(ODD).rotate_left(29);
    }

    /// What happens for each request: one product. `who` is spread over the word, so that small numbers (indices, ids) do not
    /// meet those of `word`.
    #[inline]
    fn event(&mut self, at: Time, kind: u64, who: u64, word: u64) {
        self.absorb(mix(at.0 ^ kind.wrapping_mul(ODD) ^ K0 | 1 << 63, who.wrapping_mul(ODD) ^ word ^ K1));
    }

    fn words(&mut self, at: Time, kind: u32, words: &[u64]) {
        let mut hash = mix(at.0 ^ K0, pair(kind, u32_of(words.len())) ^ K1);
        for &word in words {
            hash = mix(hash ^ K2, word.rotate_left(32) ^ K3);
        }
        self.absorb(hash);
    }

    fn connection(&mut self, at: Time, kind: u32, c: &ConnectionRecord) {
        let reason = c.reason.map_or(u64::MAX, |r| r as u64);
        let (draining, closed) = (time_or_none(c.draining), time_or_none(c.closed));
        let owner = pair(c.client, c.replica);
        self.words(at, kind, &[c.id.0, owner, pod_or_none(c.pod), c.opened.0, draining, closed, reason, c.requests]);
    }

    /// Everything that does not happen for each request.
    #[inline(never)]
    fn rare(&mut self, at: Time, what: &Observation<'_>) {
        use Observation as O;
        match *what {
            O::Unfinished { client, method, emitted } => self.words(at, 5, &[u64::from(of(client, method)), emitted.0]),
            O::PodCreated { pod, server, revision, number, node } => {
                self.words(at, 6, &[pair(pod.0, server), pair(revision, number), u64::from(node)]);
            }
            O::PodPhase { pod, phase } => self.words(at, 7, &[pair(pod.0, phase as u32)]),
            O::PodDraining { pod, connections } => self.words(at, 8, &[pair(pod.0, connections)]),
            O::PodKilled { pod, connections } => self.words(at, 9, &[pair(pod.0, connections)]),
            O::RolloutStarted { server, revision } => self.words(at, 10, &[pair(server, revision)]),
            O::RolloutFinished { server } => self.words(at, 11, &[u64::from(server)]),
            O::Scaled { server, from, to, by: ScaledBy::Timeline } => {
                self.words(at, 12, &[u64::from(server), pair(from, to)]);
            }
            O::Scaled { server, from, to, by: ScaledBy::Hpa { cpu_percent } } => {
                let cpu = cpu_percent.map_or(u64::MAX, u64::from);
                self.words(at, 12, &[u64::from(server), pair(from, to), cpu]);
            }
            O::RateChanged { client, to, over } => self.words(at, 13, &[u64::from(client), to.to_bits(), over.0]),
            O::ClientRollout { client, finished } => self.words(at, 14, &[pair(client, u32::from(finished))]),
            O::ReplicaStarted { client, replica } => self.words(at, 15, &[pair(client, replica)]),
            O::ReplicaStopped { client, replica } => self.words(at, 16, &[pair(client, replica)]),
            O::Resolved { client, replica, addresses } => {
                self.words(at, 17, &[pair(client, replica), u64::from(addresses)]);
            }
            O::Dialled { connection, client, replica, pod } => {
                self.words(at, 18, &[connection.0, pair(client, replica), pod_or_none(pod)]);
            }
            O::Connected { connection, client, replica, pod } => {
                self.words(at, 19, &[connection.0, pair(client, replica), u64::from(pod.0)]);
            }
            O::Draining { connection, pod, reason } => {
                self.words(at, 20, &[connection.0, pair(pod.0, reason as u32)]);
            }
            O::Closed(record) => self.connection(at, 21, record),
            O::OpenAtEnd(record) => self.connection(at, 22, record),
            O::Slowed { pod, factor, lasts } => {
                self.words(at, 23, &[u64::from(pod.0), factor.to_bits(), lasts.map_or(u64::MAX, |s| s.0)]);
            }
            O::Ejected { client, replica, pod, back } => {
                self.words(at, 24, &[u64::from(client), u64::from(replica), u64::from(pod.0), u64::from(back)]);
            }
            O::Retried { client, pod, why, emitted, after } => {
                let status = why.status() as u64;
                self.words(at, 25, &[u64::from(client), pod_or_none(pod), status, emitted.0, after.0]);
            }
            O::Errors { pod, errors } => {
                let what = errors.map_or([u64::MAX; 4], |Errors { share, status, takes, lasts, of: _ }| {
                    let span = |span: Option<Span>| span.map_or(u64::MAX, |s| s.0);
                    [share.to_bits(), status as u64, span(takes), span(lasts)]
                });
                self.words(at, 27, &[&[u64::from(pod.0)][..], &what].concat());
            }
            O::Message { pod } => self.words(at, 26, &[u64::from(pod.0)]),
            O::Window { .. } => {}
            // Covered by `observe`.
            O::Emitted { .. } | O::Received { .. } | O::Started { .. } | O::Completed { .. } | O::Failed { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorStatus;
    use crate::sim::observation::{CloseReason, ConnectionId, FailureReason, PodPhase};
    use std::collections::BTreeSet;

    const RECORD: ConnectionRecord = ConnectionRecord {
        id: ConnectionId(1),
        client: 2,
        replica: 3,
        pod: Some(PodId(4)),
        opened: Time(5),
        draining: Some(Time(6)),
        closed: Some(Time(7)),
        reason: Some(CloseReason::MaxAge),
        requests: 8,
        ready: false,
    };

    /// Each line: an observation, then the same with one field changed.
    fn all_kinds_and_fields() -> Vec<Observation<'static>> {
        use Observation as O;
        let (p, q) = (PodId(1), PodId(2));
        let (c, d) = (ConnectionId(1), ConnectionId(2));
        let e = |client, replica, n, demand, key, open| O::Emitted { client, replica, n, demand, key, open };
        let failed = |client, method, pod, why, emitted| O::Failed { client, replica: 0, method, pod, why, emitted };
        let created = |pod, server, revision, number, node| O::PodCreated { pod, server, revision, number, node };
        let dialled = |connection, client, replica, pod| O::Dialled { connection, client, replica, pod };
        let connected = |connection, client, replica, pod| O::Connected { connection, client, replica, pod };
        let draining = |connection, pod, reason| O::Draining { connection, pod, reason };
        let completed = |client, method, pod, emitted| O::Completed { client, method, pod, emitted };
        let rate = |client, to, over| O::RateChanged { client, to, over };
        let scaled = |by| O::Scaled { server: 0, from: 1, to: 1, by };
        let mut all = vec![e(0, 0, 0, 0, 0, true), e(1, 0, 0, 0, 0, true), e(0, 1, 0, 0, 0, true)];
        all.extend([e(0, 0, 1, 0, 0, true), e(0, 0, 0, 1, 0, true), e(0, 0, 0, 0, 1, true), e(0, 0, 0, 0, 0, false)]);
        all.extend([O::Received { pod: p, connection: c }, O::Received { pod: q, connection: c }]);
        all.extend([O::Received { pod: p, connection: d }, O::Started { pod: p, waited: Span(0) }]);
        all.extend([O::Started { pod: q, waited: Span(0) }, O::Started { pod: p, waited: Span(1) }]);
        all.extend([completed(0, 0, p, Time(0)), completed(1, 0, p, Time(0)), completed(0, 0, q, Time(0))]);
        all.extend([completed(0, 0, p, Time(1)), completed(0, 1, p, Time(0))]);
        let (lost, late) = (FailureReason::Reset, FailureReason::Deadline);
        all.extend([failed(0, 0, Some(p), lost, Time(0)), failed(1, 0, Some(p), lost, Time(0))]);
        all.extend([failed(0, 0, None, lost, Time(0)), failed(0, 0, Some(p), late, Time(0))]);
        all.extend([failed(0, 0, Some(p), lost, Time(1)), failed(0, 1, Some(p), lost, Time(0))]);
        let unfinished = |client, method, emitted| O::Unfinished { client, method, emitted };
        all.extend([unfinished(0, 0, Time(0)), unfinished(1, 0, Time(0)), unfinished(0, 1, Time(0))]);
        all.extend([unfinished(0, 0, Time(1)), created(p, 0, 1, 0, 0), created(q, 0, 1, 0, 0)]);
        all.extend([created(p, 1, 1, 0, 0), created(p, 0, 2, 0, 0), created(p, 0, 1, 1, 0), created(p, 0, 1, 0, 1)]);
        all.extend([O::PodPhase { pod: p, phase: PodPhase::Ready }, O::PodPhase { pod: q, phase: PodPhase::Ready }]);
        all.extend([O::PodPhase { pod: p, phase: PodPhase::Gone }]);
        for (pod, connections) in [(p, 0), (q, 0), (p, 1)] {
            all.extend([O::PodDraining { pod, connections }, O::PodKilled { pod, connections }]);
        }
        for (a, b) in [(0, 1), (1, 1), (0, 2)] {
            all.push(O::RolloutStarted { server: a, revision: b });
            all.push(O::ClientRollout { client: a, finished: b == 2 });
            all.push(O::ReplicaStarted { client: a, replica: b });
            all.push(O::ReplicaStopped { client: a, replica: b });
            all.push(O::Resolved { client: a, replica: b, addresses: 0 });
            all.push(O::Scaled { server: a, from: b, to: 0, by: ScaledBy::Timeline });
        }
        all.extend([O::RolloutFinished { server: 0 }, O::RolloutFinished { server: 1 }]);
        all.extend([O::Resolved { client: 0, replica: 1, addresses: 1 }, scaled(ScaledBy::Timeline)]);
        all.extend([None, Some(1), Some(2)].map(|cpu_percent| scaled(ScaledBy::Hpa { cpu_percent })));
        all.extend([rate(0, 1.0, Span(0)), rate(1, 1.0, Span(0)), rate(0, 2.0, Span(0)), rate(0, 1.0, Span(1))]);
        let slowed = |pod, factor, lasts| O::Slowed { pod, factor, lasts };
        all.extend([slowed(p, 2.0, None), slowed(q, 2.0, None), slowed(p, 3.0, None), slowed(p, 2.0, Some(Span(1)))]);
        let failing = Errors::default();
        let errors = |pod, errors| O::Errors { pod, errors };
        let (half, soon) = (Errors { share: 0.5, ..failing }, Some(Span(1)));
        let unknown = Errors { status: ErrorStatus::Unknown, ..failing };
        let all_errors = [failing, half, unknown, Errors { takes: soon, ..failing }, Errors { lasts: soon, ..failing }];
        all.extend(all_errors.map(|what| errors(p, Some(what))).into_iter().chain([errors(p, None), errors(q, None)]));
        let ejected = |client, replica, pod, back| O::Ejected { client, replica, pod, back };
        all.extend([ejected(0, 0, p, false), ejected(1, 0, p, false), ejected(0, 1, p, false)]);
        all.extend([ejected(0, 0, q, false), ejected(0, 0, p, true)]);
        all.extend([dialled(c, 0, 0, Some(p)), dialled(d, 0, 0, Some(p)), dialled(c, 1, 0, Some(p))]);
        all.extend([dialled(c, 0, 1, Some(p)), dialled(c, 0, 0, None), connected(c, 0, 0, p)]);
        all.extend([connected(d, 0, 0, p), connected(c, 1, 0, p), connected(c, 0, 1, p), connected(c, 0, 0, q)]);
        all.extend([draining(c, p, CloseReason::MaxAge), draining(d, p, CloseReason::MaxAge)]);
        all.extend([draining(c, q, CloseReason::MaxAge), draining(c, p, CloseReason::MaxIdle)]);
        all
    }

    fn retries() -> [Observation<'static>; 6] {
        let of = |client, pod, why, emitted, after| {
            let (emitted, after) = (Time(emitted), Span(after));
            Observation::Retried { client, pod, why, emitted, after }
        };
        let (p, why) = (Some(PodId(1)), FailureReason::Reset);
        let first = [of(0, p, why, 0, 0), of(1, p, why, 0, 0), of(0, None, why, 0, 0)];
        let second = [of(0, p, FailureReason::QueueFull, 0, 0), of(0, p, why, 1, 0), of(0, p, why, 0, 1)];
        [first[0], first[1], first[2], second[0], second[1], second[2]]
    }

    fn records() -> Vec<ConnectionRecord> {
        let mut all = vec![RECORD; 10];
        all[1].id = ConnectionId(9);
        all[2].client = 9;
        all[3].replica = 9;
        all[4].pod = None;
        all[5].opened = Time(9);
        all[6].draining = None;
        all[7].closed = None;
        all[8].reason = None;
        all[9].requests = 9;
        all
    }

    fn digest(stream: &[(u64, Observation<'_>)]) -> String {
        let mut digest = Digest::default();
        for (at, what) in stream {
            digest.observe(Time(*at), what);
        }
        digest.text()
    }

    #[test]
    fn every_kind_field_and_time_counts() {
        let records = records();
        let mut all = all_kinds_and_fields();
        all.extend(retries());
        all.extend([1, 2].map(|pod| Observation::Message { pod: PodId(pod) }));
        all.extend(records.iter().map(Observation::Closed));
        all.extend(records.iter().map(Observation::OpenAtEnd));
        let mut seen = BTreeSet::new();
        for what in &all {
            for at in [10, 11] {
                assert!(seen.insert(digest(&[(at, *what)])), "{what:?} at {at} looks like another one");
            }
        }
    }

    #[test]
    fn order_counts_and_windows_do_not() {
        let a = Observation::Received { pod: PodId(0), connection: ConnectionId(0) };
        let b = Observation::Received { pod: PodId(1), connection: ConnectionId(1) };
        let w = Observation::Window { from: Time(0), partial: false, pods: &[], connections: &[] };
        assert_ne!(digest(&[(1, a), (1, b)]), digest(&[(1, b), (1, a)]));
        assert_ne!(digest(&[(1, a)]), digest(&[(1, a), (1, a)]));
        assert_eq!(digest(&[(1, a), (1, b)]), digest(&[(0, w), (1, a), (1, w), (1, b), (2, w)]));
    }

    /// Written down once: a change of this value is a change of what digests mean.
    #[test]
    fn the_value_of_a_short_stream_is_kept() {
        let stream: Vec<_> = all_kinds_and_fields().into_iter().enumerate().map(|(i, o)| (i as u64, o)).collect();
        assert_eq!(digest(&stream), "v1:96f58a1f153c8273");
    }
}
