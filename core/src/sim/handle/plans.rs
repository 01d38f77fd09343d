//! Picks by weight and by key: weighted_round_robin, Envoy's slow start, ring_hash, Maglev.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::Observer;
use super::super::plans::{Plan, address_of};
use super::super::schedule::Rank;
use super::super::world::{Channel, Handle, Pod, Reported, SubchannelState, reach};
use crate::model::{Client, GrpcClient, Policy, Protocol};
use crate::policy::counted::Counted;
use crate::policy::edf::Edf;
use crate::policy::keys;
use crate::policy::least_request::active_weight;
use crate::policy::maglev::Maglev;
use crate::policy::ring_hash::Ring;
use crate::policy::slow_start::SlowStart;
use crate::policy::weighted_round_robin::{Cap, Report, Stride, Weighing, Weight};
use crate::random::Purpose;
use crate::units::{Span, Time};

/// How often a pod makes a load report: an assumption. Each response carries the latest one.
const REPORT_PERIOD: Span = Span::from_secs(1);

/// True if a client's policy learns from the calls that end.
pub fn learns(client: &Client) -> bool {
    match &client.protocol {
        Protocol::Grpc(GrpcClient { policy, outlier_detection, .. }) => {
            outlier_detection.is_some() || matches!(policy, Policy::PeakEwma { .. } | Policy::WeightedRoundRobin(_))
        }
        Protocol::Http1(_) => false,
    }
}

fn weighs(client: &Client) -> bool {
    matches!(&client.protocol, Protocol::Grpc(GrpcClient { policy: Policy::WeightedRoundRobin(_), .. }))
}

impl<O: Observer> Engine<'_, O> {
    /// Makes the plan of a channel whose picker has been rebuilt, if its policy has one.
    pub fn make_plan(&mut self, index: u32) {
        let key = self.channel_key(index);
        let channel = &self.channels[index as usize];
        let drawn = self.streams.draw(Purpose::Plan, key, u64::from(channel.pickers));
        let plan = match *channel.policy {
            Policy::WeightedRoundRobin(weighing) => {
                if channel.plan.is_none() {
                    self.after(weighing.update, Rank::Expiry, Event::Reweigh { channel: index });
                }
                let mut stride = Stride::new(0, drawn as u32);
                stride.set(&self.weights_of(index, &weighing), Cap::None);
                Plan::Stride(stride)
            }
            Policy::RingHash { min, max } => {
                let Some(addresses) = self.addresses_to_hash(index) else { return };
                let ring = Ring::new(&named(&addresses), min, max);
                Plan::Ring(addresses, ring)
            }
            Policy::Maglev { table } => {
                let Some(addresses) = self.addresses_to_hash(index) else { return };
                let table = Maglev::new(&named(&addresses), table);
                Plan::Maglev(addresses, table)
            }
            Policy::Counted(counting) => {
                let addresses: Vec<u32> = channel.subchannels.iter().map(|s| s.address).collect();
                let before = self.channels[index as usize].counted();
                Plan::Counted(Counted::new(counting, &addresses, before.as_deref()))
            }
            _ if !channel.pools => return,
            _ => {
                let plan = self.slow_starting(index).map(|s| self.schedule_slowly(index, s, drawn));
                self.channels[index as usize].plan = plan.map(Box::new);
                return;
            }
        };
        self.channels[index as usize].plan = Some(Box::new(plan));
    }

    // weighted_round_robin

    /// The weights of the connections of a channel's picker.
    fn weights_of(&mut self, index: u32, weighing: &Weighing) -> Vec<f64> {
        let (channel, now) = (&self.channels[index as usize], self.now);
        channel.picker.iter().map(|&c| self.weights[c as usize].get(now, weighing)).collect()
    }

    pub fn on_reweigh(&mut self, index: u32) {
        let channel = &self.channels[index as usize];
        let Policy::WeightedRoundRobin(weighing) = *channel.policy else { return };
        if channel.stopped {
            return;
        }
        // A picker that is stale takes the weights when it is rebuilt.
        if !channel.stale {
            let weights = self.weights_of(index, &weighing);
            if let Some(Plan::Stride(stride)) = self.channels[index as usize].plan.as_deref_mut() {
                stride.set(&weights, Cap::None);
            }
        }
        self.after(weighing.update, Rank::Expiry, Event::Reweigh { channel: index });
    }

    /// A connection is READY: nothing has been reported on it.
    pub fn begin_weighing(&mut self, connection: u32) {
        reach(&mut self.weights, connection, Weight::default()).reconnected();
    }

    /// A response carries the load report of its pod.
    pub fn weigh(&mut self, connection: u32, weighing: &Weighing) {
        let report = self.pods[self.lanes[connection].pod as usize].report;
        self.weights[connection as usize].report(self.now, &report, weighing);
    }

    /// Pods report their load if anybody asks.
    pub fn start_reports(&mut self) {
        if self.model.clients.iter().any(weighs) {
            self.after(REPORT_PERIOD, Rank::Controller, Event::Report);
        }
    }

    pub fn on_report(&mut self) {
        let period = REPORT_PERIOD.as_secs_f64();
        for pod in 0..self.pods.len() as u32 {
            if !self.pods[pod as usize].serving {
                continue;
            }
            let (_, work) = self.work_of(pod);
            let Pod { requests, refused, reported, settings, .. } = self.pods[pod as usize];
            let slots = f64::from(settings.concurrency) * settings.usable() * period;
            let report = Report {
                qps: (requests - reported.requests) as f64 / period,
                eps: (refused - reported.refused) as f64 / period,
                application: 0.0,
                cpu: Span(work.saturating_sub(reported.work)).as_secs_f64() / slots,
            };
            let p = &mut self.pods[pod as usize];
            (p.report, p.reported) = (report, Reported { work, requests, refused });
        }
        self.after(REPORT_PERIOD, Rank::Controller, Event::Report);
    }

    // Slow start

    /// A new list of addresses for a channel. A proxy that ran before the run began knows the pods of the start as long as they are there.
    pub fn note_joins(&mut self, index: u32, addresses: &[u32]) {
        let Channel { replica, joined: Some(_), .. } = self.channels[index as usize] else { return };
        let r = &self.replicas[replica as usize];
        // Replicas of the start may start some time into the run; those of a rollout, and pods of a gateway that come later, are new.
        let of_the_start = r.ready_since == Time::ZERO || r.client < self.originators && r.revision == 1;
        let pods = &self.pods;
        let were_there = |pod: u32| of_the_start && pods[pod as usize].ready_since == Time::ZERO;
        if let Some(joined) = &mut self.channels[index as usize].joined {
            joined.update(addresses, self.now, were_there);
        }
    }

    /// Slow start, if the channel has it and a host is within its window.
    fn slow_starting(&self, index: u32) -> Option<SlowStart> {
        let client = self.clients[self.client_of(index) as usize].settings;
        let slow_start = client.via.as_ref()?.cluster?.slow_start?;
        let joined = &self.channels[index as usize].joined.as_ref()?.hosts;
        let newest = joined.iter().filter_map(|j| j.1).max()?;
        slow_start.lasts(self.now.since(newest)).then_some(slow_start)
    }

    fn schedule_slowly(&self, index: u32, slow_start: SlowStart, seed: u64) -> Plan {
        let n = self.channels[index as usize].picker.len();
        Plan::Edf(Edf::new(n, |i| self.slow_weight(index, i, slow_start), seed))
    }

    /// The weight of the `i`-th host of a picker.
    fn slow_weight(&self, index: u32, i: usize, slow_start: SlowStart) -> f64 {
        let channel = &self.channels[index as usize];
        let address = channel.subchannels[channel.picker[i] as usize].address;
        let since = channel.joined.as_ref().and_then(|joined| joined.since(address));
        let factor = slow_start.factor(since.map_or(slow_start.window, |since| self.now.since(since)));
        match channel.policy {
            Policy::LeastRequest { .. } => active_weight(factor, self.active_on(index, i), 1.0),
            _ => factor,
        }
    }

    /// The host that the schedule of a slow start has next: as a position in the picker.
    pub fn pick_slowly(&mut self, index: u32) -> Option<usize> {
        let client = self.clients[self.client_of(index) as usize].settings;
        let slow_start = client.via.as_ref()?.cluster?.slow_start?;
        let mut plan = self.channels[index as usize].plan.take();
        let picked = match plan.as_deref_mut() {
            Some(Plan::Edf(edf)) => edf.pick(|i| self.slow_weight(index, i, slow_start)),
            _ => None,
        };
        self.channels[index as usize].plan = plan;
        picked
    }

    // Hashes

    /// The addresses of a channel; `None` if its plan is of these already.
    fn addresses_to_hash(&self, index: u32) -> Option<Vec<u32>> {
        let channel = &self.channels[index as usize];
        let addresses: Vec<u32> = channel.subchannels.iter().map(|s| s.address).collect();
        match channel.plan.as_deref() {
            Some(Plan::Ring(same, _) | Plan::Maglev(same, _)) if *same == addresses => None,
            _ => Some(addresses),
        }
    }

    /// The endpoint that a call's key leads to: as an index into the channel's subchannels. Endpoints that are left out or, but
    /// for pools, not READY are passed over.
    pub fn pick_by_key(&self, index: u32, call: Handle) -> Option<usize> {
        let channel = &self.channels[index as usize];
        let hash = keys::hash(&self.settings(index).keys, self.calls.items[call.index as usize].key);
        let usable = |i: &usize| {
            let subchannel = &channel.subchannels[*i];
            let connected = channel.pools || subchannel.state == SubchannelState::Ready;
            connected && !self.is_ejected(index, subchannel.address)
        };
        match channel.plan.as_deref()? {
            Plan::Counted(_) | Plan::Answer(_) => None,
            Plan::Ring(_, ring) => ring.pick(hash, |i| usable(&i)),
            // Envoy's table has healthy hosts only; what is left out here goes to the next one.
            Plan::Maglev(addresses, maglev) => {
                let i = maglev.pick(hash)?;
                let n = addresses.len();
                (0..n).map(|k| (i + k) % n).find(usable)
            }
            Plan::Stride(_) | Plan::Edf(_) => None,
        }
    }
}

/// Addresses as hashes see them, all of one weight.
fn named(addresses: &[u32]) -> Vec<(String, u32)> {
    addresses.iter().map(|&a| (address_of(a), 1)).collect()
}
