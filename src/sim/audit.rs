//! Checks of the world against itself, at the end of each window, in builds with debug assertions. A number that is kept
//! beside what it counts is counted again here.

use super::engine::Engine;
use super::observation::Observer;
use super::world::{Call, CallState, Connection, ConnectionState, Job, NONE, SubchannelState};

impl<O: Observer> Engine<'_, O> {
    /// Stops with a message if something does not add up.
    pub fn audit(&self) {
        let (calls, connections) = (self.calls.used(), self.connections.used());
        self.audit_streams(&calls, &connections);
        self.audit_pods(&connections);
        for (i, channel) in self.channels.iter().enumerate() {
            let ready = channel.subchannels.iter().filter(|s| s.state == SubchannelState::Ready);
            let takes_calls = |c: u32| {
                let c = &self.connections.items[c as usize];
                c.state == ConnectionState::Ready && !c.http1 && c.owner == i as u32
            };
            assert!(ready.clone().all(|s| takes_calls(s.connection)), "channel {i}: READY without a connection");
            assert_eq!(ready.count() as u32, channel.ready, "channel {i}: READY subchannels");
        }
        self.audit_pools(&connections);
    }

    /// Streams are the calls on a connection, within its limit.
    fn audit_streams(&self, calls: &[u32], connections: &[u32]) {
        let mut streams = vec![0; self.connections.items.len()];

        for &index in calls {
            let call: &Call = &self.calls.items[index as usize];
            match call.state {
                CallState::WaitsForChannel | CallState::WaitsForStream | CallState::Failing => {
                    assert!(!call.ended, "call {index} has ended and nobody holds it");
                }
                _ if call.ended => {}
                _ => streams[call.connection as usize] += 1,
            }
        }
        for &index in connections {
            let c: &Connection = &self.connections.items[index as usize];
            let on = streams[index as usize];
            assert_eq!(c.streams, on, "connection {}: streams", c.id);
            assert!(on <= c.streams_max, "connection {}: {on} streams, at most {}", c.id, c.streams_max);
            let most = if c.http1 { 1 } else { u32::MAX };
            assert!(on <= most, "connection {}: {on} requests at once, HTTP/1.1", c.id);
            streams[index as usize] = 0;
        }
        assert!(streams.iter().all(|n| *n == 0), "a call on a connection that is gone");
    }

    /// Queues, slots and connections of pods.
    fn audit_pods(&self, connections: &[u32]) {
        let mut established = vec![0; self.pods.len()];
        for &index in connections {
            let c = &self.connections.items[index as usize];
            if c.state == ConnectionState::Ready {
                established[c.pod as usize] += 1;
            }
            if c.pod != NONE && c.place != NONE {
                let at = self.pods[c.pod as usize].connections.get(c.place as usize);
                assert_eq!(at, Some(&index), "connection {} is not in its place", c.id);
            }
        }
        for (i, pod) in self.pods.iter().enumerate() {
            assert_eq!(pod.established, established[i], "pod {i}: established connections");
            let waits = |job: &Job| match *job {
                Job::Call(call) => !self.calls.items[call as usize].ended,
                Job::Handshake(_) => true,
                Job::Idle => false,
            };
            let queued = pod.queue.iter().filter(|(job, _)| waits(job)).count() as u32;
            assert_eq!(pod.queued, queued, "pod {i}: queue");
            let all = self.server_of(i as u32).concurrency;
            assert!(pod.queued == 0 || pod.idle.is_empty(), "pod {i}: {queued} wait, {} of {all} idle", pod.idle.len());
        }
    }

    /// Open connections of pools, and their idle ones.
    fn audit_pools(&self, connections: &[u32]) {
        let mut open = vec![0; self.pools.len()];
        for &index in connections {
            let c = &self.connections.items[index as usize];
            if c.http1 && c.state != ConnectionState::Draining {
                open[c.owner as usize] += 1;
            }
        }
        for (i, pool) in self.pools.iter().enumerate() {
            assert_eq!(pool.open, open[i], "pool {i}: open connections");
            for &index in &pool.idle {
                let c = &self.connections.items[index as usize];
                let idle = c.http1 && c.owner == i as u32 && c.streams == 0 && c.state == ConnectionState::Ready;
                assert!(idle, "pool {i}: connection {} is not idle", c.id);
            }
        }
    }
}
