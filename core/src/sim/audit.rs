//! Checks of the world against itself, at the end of each window, in builds with debug assertions. A number that is kept
//! beside what it counts is counted again here.

use super::engine::Engine;
use super::observation::Observer;
use super::world::{Call, ConnectionState, Job, NOT_ACCEPTED, SubchannelState};
use crate::ids::{CallIx, ConnectionIx, OwnerId, PodId, PoolId, Table};
use crate::narrow::u32_of;

impl<O: Observer> Engine<'_, O> {
    /// Stops with a message if something does not add up.
    pub(super) fn audit(&mut self) {
        let (calls, connections) = (self.calls.used(), self.connections.used());
        self.audit_streams(&calls, &connections);
        self.audit_pods(&connections);
        for (i, channel) in self.channels.ids().zip(&self.channels) {
            let ready = channel.subchannels.iter().filter(|s| s.state == SubchannelState::Ready);
            let takes_calls = |c: ConnectionIx| {
                let (lane, c) = (&self.lanes[c], &self.connections[c]);
                lane.state == ConnectionState::Ready && !lane.http1 && c.owner == OwnerId::from(i)
            };
            assert!(ready.clone().all(|s| takes_calls(s.connection)), "{i:?}: READY without a connection");
            assert_eq!(u32_of(ready.count()), channel.ready, "{i:?}: READY subchannels");
        }
        self.audit_pools(&connections);
    }

    /// Streams are the calls on a connection, within its limit.
    fn audit_streams(&mut self, calls: &[CallIx], connections: &[ConnectionIx]) {
        let mut streams: Table<ConnectionIx, u32> = vec![0; self.connections.items.len()].into();
        for &index in calls {
            let call: &Call = &self.calls[index];
            match call.state {
                state if !state.has_stream() => {
                    assert!(!call.ended, "{index:?} has ended and nobody holds it");
                }
                _ if call.ended => {}
                _ => streams[call.connection] += 1,
            }
        }
        for &index in connections {
            let on = streams[index];
            let counted = self.lanes.streams(index);
            let lane = &self.lanes[index];
            assert_eq!(counted, on, "connection {}: streams", lane.id);
            assert!(on <= lane.streams_max, "connection {}: {on} streams, at most {}", lane.id, lane.streams_max);
            let most = if lane.http1 { 1 } else { u32::MAX };
            assert!(on <= most, "connection {}: {on} requests at once, HTTP/1.1", lane.id);
            let waits = !self.connections[index].waiting.is_empty();
            let plain = lane.state == ConnectionState::Ready && !lane.http1 && !waits;
            assert!(plain || !self.lanes.is_plain(index), "connection {}: plain", lane.id);
            streams[index] = 0;
        }
        assert!(streams.iter().all(|n| *n == 0), "a call on a connection that is gone");
    }

    /// Queues, slots and connections of pods.
    fn audit_pods(&self, connections: &[ConnectionIx]) {
        let mut established: Table<PodId, u32> = vec![0; self.pods.len()].into();
        for &index in connections {
            let (lane, c) = (&self.lanes[index], &self.connections[index]);
            if lane.state == ConnectionState::Ready {
                established[lane.pod] += 1;
            }
            if lane.pod != PodId::NONE && c.place_in_pod != NOT_ACCEPTED {
                let at = self.pods[lane.pod].connections.get(c.place_in_pod as usize);
                assert_eq!(at, Some(&index), "connection {} is not in its place", lane.id);
            }
        }
        for (i, pod) in self.pods.ids().zip(&self.pods) {
            assert_eq!(pod.established, established[i], "{i:?}: established connections");
            let waits = |job: &Job| match *job {
                Job::Call(call) => !self.calls[call].ended,
                Job::Handshake(_) | Job::Message(_) => true,
                Job::Idle => false,
            };
            let queued = u32_of(pod.queue.iter().filter(|(job, _)| waits(job)).count());
            assert_eq!(pod.queued, queued, "{i:?}: queue");
            let all = pod.settings.concurrency;
            assert!(pod.queued == 0 || pod.idle.is_empty(), "{i:?}: {queued} wait, {} of {all} idle", pod.idle.len());
        }
    }

    /// Open connections of pools, and their idle ones.
    fn audit_pools(&self, connections: &[ConnectionIx]) {
        let mut open: Table<PoolId, u32> = vec![0; self.pools.len()].into();
        for &index in connections {
            let lane = &self.lanes[index];
            if lane.http1 && lane.state != ConnectionState::Draining {
                open[self.connections[index].owner.pool()] += 1;
            }
        }
        for (i, pool) in self.pools.ids().zip(&self.pools) {
            assert_eq!(pool.open, open[i], "{i:?}: open connections");
            for &index in &pool.idle {
                let lane = &self.lanes[index];
                let own = lane.http1 && self.connections[index].owner == OwnerId::from(i);
                assert!(own && lane.state == ConnectionState::Ready, "{i:?}: connection {} is not idle", lane.id);
            }
        }
    }
}
