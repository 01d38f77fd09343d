//! Outlier detection: which endpoints a channel, or the Envoy beside it, leaves out.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observation, Observer, Status};
use super::super::plans::Outliers;
use super::super::schedule::Rank;
use super::super::world::{Channel, SubchannelState};
use crate::ids::{Address, ChannelId, ConnectionIx};
use crate::narrow::u32_of;
use crate::policy::outlier::{Host, Rules};
use crate::policy::panic::{self, Level};
use crate::random::{Purpose, Streams};

impl<O: Observer> Engine<'_, O> {
    /// Who judges for a channel: itself, or the proxy that its workers share, which goes by the replica's first channel.
    fn judge_of(&self, index: ChannelId) -> ChannelId {
        let channel = &self.channels[index];
        if channel.pools { self.replicas[channel.replica].first.channel() } else { index }
    }

    /// A new list of addresses for a channel with outlier detection.
    pub(crate) fn judge_addresses(&mut self, index: ChannelId, addresses: &[Address]) {
        let Some(detection) = self.settings(index).outlier_detection else { return };
        let judge = self.judge_of(index);
        if !self.outliers.contains_key(&judge) {
            self.after(detection.interval, Rank::Expiry, Event::Sweep { channel: judge });
        }
        self.outliers.entry(judge).or_default().update(addresses);
    }

    /// A request to `address` has ended, or could not be sent there. Envoy does not judge by what its client gave up: its deadline ends
    /// the request downstream, and says nothing of the host.
    pub(crate) fn judge(&mut self, index: ChannelId, address: Address, failure: Option<FailureReason>) {
        let Some(detection) = self.settings(index).outlier_detection else { return };
        let failure = failure.map(FailureReason::status);
        if detection.rules != Rules::Grpc && failure == Some(Status::DeadlineExceeded) {
            return;
        }
        // Envoy judges by HTTP status: RESOURCE_EXHAUSTED is 429, which is no fault of the server's.
        let excused = detection.rules != Rules::Grpc && failure == Some(Status::ResourceExhausted);
        let success = failure.is_none() || excused;
        let judge = self.judge_of(index);
        let (key, now, streams) = (self.channel_key(judge), self.now, &self.streams);
        let Some(outliers) = self.outliers.get_mut(&judge) else { return };
        let Some(i) = outliers.find(address) else { return };
        let mut draw = drawing(streams, key, &mut outliers.draws);
        let ejected = detection.ended(&mut outliers.hosts, i, success, now, &mut draw);
        drop(draw);
        if ejected {
            self.ejection(judge, address, false);
        }
    }

    pub(crate) fn on_sweep(&mut self, judge: ChannelId) {
        let Some(detection) = self.settings(judge).outlier_detection else { return };
        if self.channels[judge].stopped {
            return;
        }
        let (key, now, streams) = (self.channel_key(judge), self.now, &self.streams);
        let Some(outliers) = self.outliers.get_mut(&judge) else { return };
        let is_out = |host: &Host| host.ejected.is_some();
        let before: Vec<bool> = outliers.hosts.iter().map(is_out).collect();
        detection.sweep(&mut outliers.hosts, now, &mut drawing(streams, key, &mut outliers.draws));
        let changed = outliers.hosts.iter().map(is_out).zip(before).zip(&outliers.addresses);
        let changed = changed.filter(|((now, before), _)| now != before).map(|((_, before), &a)| (a, before));
        let changed: Vec<(Address, bool)> = changed.collect();
        changed.into_iter().for_each(|(address, back)| self.ejection(judge, address, back));
        self.after(detection.interval, Rank::Expiry, Event::Sweep { channel: judge });
    }

    /// An endpoint is left out, or comes back: pickers follow, and observers are told.
    pub(super) fn ejection(&mut self, judge: ChannelId, address: Address, back: bool) {
        let Channel { replica, pools, .. } = self.channels[judge];
        let replica = &self.replicas[replica];
        let (client, ordinal) = (replica.client, replica.ordinal);
        let workers = if pools { self.clients[client].settings.channels } else { 1 };
        judge.series(workers).for_each(|channel| self.channels[channel].stale = true);
        if let Some(pod) = address.pod() {
            self.observe(&Observation::Ejected { client: client.0, replica: ordinal, pod, back });
        }
        if pools && !back {
            judge.series(workers).for_each(|channel| self.drain_host(channel, address));
        }
    }

    /// Envoy's pools for a host that is ejected drain: what is under way ends, and the next call dials (`onHostHealthFailure`).
    fn drain_host(&mut self, index: ChannelId, address: Address) {
        let Some(i) = self.find_subchannel(index, address) else { return };
        let first = self.channels[index].subchannels[i];
        let first = (first.state == SubchannelState::Ready).then_some(first.connection);
        let more = self.pooled.get(&(index, address)).into_iter().flat_map(|more| more.all.values()).copied();
        let all: Vec<ConnectionIx> = first.into_iter().chain(more).collect();
        // Those that are being dialled go on.
        all.into_iter().for_each(|connection| self.drain(connection, CloseReason::Ejected));
    }

    /// Whether the channel leaves `address` out.
    pub(crate) fn is_ejected(&self, index: ChannelId, address: Address) -> bool {
        if self.is_shut(index, address) {
            return true;
        }
        if self.outliers.is_empty() {
            return false;
        }
        let Some(outliers) = self.outliers.get(&self.judge_of(index)) else { return false };
        let ejected = outliers.find(address).is_some_and(|i| outliers.hosts[i].ejected.is_some());
        ejected && !self.panics(index, outliers)
    }

    /// Envoy: this many are out that health is ignored.
    fn panics(&self, index: ChannelId, outliers: &Outliers) -> bool {
        let client = self.clients[self.client_of(index)].settings;
        let Some(cluster) = client.via.as_ref().and_then(|via| via.cluster) else { return false };
        let healthy = u32_of(outliers.hosts.iter().filter(|h| h.ejected.is_none()).count());
        let level = Level { hosts: u32_of(outliers.hosts.len()), healthy, degraded: 0 };
        panic::shares(&[level], cluster.panic_threshold, panic::OVERPROVISIONING)[0].panic
    }
}

/// Numbered draws of one judge.
fn drawing<'a>(streams: &'a Streams, key: u64, draws: &'a mut u64) -> impl FnMut() -> u64 + 'a {
    move || {
        *draws += 1;
        streams.draw(Purpose::Ejection, key, *draws)
    }
}
