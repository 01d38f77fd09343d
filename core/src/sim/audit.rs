//! Checks of the world against itself, at the end of each window, in builds with debug assertions. A number that is kept
//! beside what it counts is counted again here.

use super::engine::Engine;
use super::observation::Observer;
use super::world::{Call, ConnectionState, Job, NONE, SubchannelState};
use crate::ids::{OwnerId, PodId};

impl<O: Observer> Engine<'_, O> {
    /// Stops with a message if something does not add up.
    pub fn audit(&mut self) {
        let (calls, connections) = (self.calls.used(), self.connections.used());
        self.audit_streams(&calls, &connections);
        self.audit_pods(&connections);
        for (i, channel) in self.channels.ids().zip(&self.channels) {
            let ready = channel.subchannels.iter().filter(|s| s.state == SubchannelState::Ready);
            let takes_calls = |c: u32| {
                let (lane, c) = (&self.lanes[c], &self.connections.items[c as usize]);
                lane.state == ConnectionState::Ready && !lane.http1 && c.owner == OwnerId::from(i)
            };
            assert!(ready.clone().all(|s| takes_calls(s.connection)), "{i:?}: READY without a connection");
            assert_eq!(ready.count() as u32, channel.ready, "{i:?}: READY subchannels");
        }
        self.audit_pools(&connections);
    }

    /// Streams are the calls on a connection, within its limit.
    fn audit_streams(&mut self, calls: &[u32], connections: &[u32]) {
        let mut streams = vec![0; self.connections.items.len()];

        for &index in calls {
            let call: &Call = &self.calls.items[index as usize];
            match call.state {
                state if !state.has_stream() => {
                    assert!(!call.ended, "call {index} has ended and nobody holds it");
                }
                _ if call.ended => {}
                _ => streams[call.connection as usize] += 1,
            }
        }
        for &index in connections {
            let on = streams[index as usize];
            let counted = self.lanes.streams(index);
            let lane = &self.lanes[index];
            assert_eq!(counted, on, "connection {}: streams", lane.id);
            assert!(on <= lane.streams_max, "connection {}: {on} streams, at most {}", lane.id, lane.streams_max);
            let most = if lane.http1 { 1 } else { u32::MAX };
            assert!(on <= most, "connection {}: {on} requests at once, HTTP/1.1", lane.id);
            let waits = !self.connections.items[index as usize].waiting.is_empty();
            let plain = lane.state == ConnectionState::Ready && !lane.http1 && !waits;
            assert!(plain || !self.lanes.is_plain(index), "connection {}: plain", lane.id);
            streams[index as usize] = 0;
        }
        assert!(streams.iter().all(|n| *n == 0), "a call on a connection that is gone");
    }

    /// Queues, slots and connections of pods.
    fn audit_pods(&self, connections: &[u32]) {
        let mut established = vec![0; self.pods.len()];
        for &index in connections {
            let (lane, c) = (&self.lanes[index], &self.connections.items[index as usize]);
            if lane.state == ConnectionState::Ready {
                established[lane.pod.0 as usize] += 1;
            }
            if lane.pod != PodId::NONE && c.place != NONE {
                let at = self.pods[lane.pod].connections.get(c.place as usize);
                assert_eq!(at, Some(&index), "connection {} is not in its place", lane.id);
            }
        }
        for (i, pod) in self.pods.iter().enumerate() {
            assert_eq!(pod.established, established[i], "pod {i}: established connections");
            let waits = |job: &Job| match *job {
                Job::Call(call) => !self.calls.items[call as usize].ended,
                Job::Handshake(_) | Job::Message(_) => true,
                Job::Idle => false,
            };
            let queued = pod.queue.iter().filter(|(job, _)| waits(job)).count() as u32;
            assert_eq!(pod.queued, queued, "pod {i}: queue");
            let all = pod.settings.concurrency;
            assert!(pod.queued == 0 || pod.idle.is_empty(), "pod {i}: {queued} wait, {} of {all} idle", pod.idle.len());
        }
    }

    /// Open connections of pools, and their idle ones.
    fn audit_pools(&self, connections: &[u32]) {
        let mut open = vec![0; self.pools.len()];
        for &index in connections {
            let lane = &self.lanes[index];
            if lane.http1 && lane.state != ConnectionState::Draining {
                open[self.connections.items[index as usize].owner.pool().0 as usize] += 1;
            }
        }
        for (i, pool) in self.pools.iter().enumerate() {
            assert_eq!(pool.open, open[i], "pool {i}: open connections");
            for &index in &pool.idle {
                let lane = &self.lanes[index];
                let own = lane.http1 && self.connections.items[index as usize].owner == OwnerId(i as u32);
                assert!(own && lane.state == ConnectionState::Ready, "pool {i}: connection {} is not idle", lane.id);
            }
        }
    }
}
