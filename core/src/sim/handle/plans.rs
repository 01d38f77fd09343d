//! Picks by weight and by key: weighted_round_robin, Envoy's slow start, ring_hash, Maglev.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::Observer;
use super::super::plans::Plan;
use super::super::schedule::Rank;
use super::super::world::{Channel, Handle, Pod, Reported, SubchannelState};
use crate::ids::{Address, CallIx, ChannelId};
use crate::model::{Client, GrpcClient, Protocol};
use crate::pick::{Endpoints, PickPolicy, Registered, Report, on_policy};
use crate::policy::edf::Edf;
use crate::policy::keys;
use crate::policy::slow_start::SlowStart;
use crate::random::Purpose;
use crate::units::{Span, Time};

/// How often a pod makes a load report: an assumption. Each response carries the latest one.
const REPORT_PERIOD: Span = Span::from_secs(1);

/// True if a client's policy learns from the calls that end.
pub(crate) fn learns(client: &Client) -> bool {
    match &client.protocol {
        Protocol::Grpc(GrpcClient { policy, outlier_detection, .. }) => outlier_detection.is_some() || policy.learns(),
        Protocol::Http1(_) => false,
    }
}

fn asks_for_reports(client: &Client) -> bool {
    matches!(&client.protocol, Protocol::Grpc(GrpcClient { policy, .. }) if policy.asks_for_reports())
}

impl<O: Observer> Engine<'_, O> {
    /// Makes the plan of a channel whose picker has been rebuilt, if its policy has one.
    pub(crate) fn make_plan(&mut self, index: ChannelId) {
        on_policy!(*self.channels[index].policy, policy => self.make_plan_by(policy, index));
    }

    fn make_plan_by<P: Registered>(&mut self, policy: P, index: ChannelId) {
        let key = self.channel_key(index);
        let Channel { plan, picker, subchannels, pools, pickers, .. } = &mut self.channels[index];
        let drawn = self.streams.draw(Purpose::Plan, key, u64::from(*pickers));
        let (first, pools) = (plan.is_none(), *pools);
        let before = Plan::take::<P>(plan);
        let all = || subchannels.iter().map(|s| s.address).collect();
        let memories = P::memories(&mut self.memories);
        let made = policy.plan(&mut Endpoints { usable: picker, memories, all: &all, now: self.now, drawn }, before);
        let plan = match made {
            Some(made) => {
                if let (true, Some(period)) = (first, policy.renewal()) {
                    self.after(period, Rank::Expiry, Event::Reweigh { channel: index });
                }
                Some(Plan::Policy(P::keep(made)))
            }
            None if pools => self.slow_starting(index).map(|s| self.schedule_slowly(index, s, drawn)),
            None => return,
        };
        self.channels[index].plan = plan.map(Box::new);
    }

    pub(crate) fn on_reweigh(&mut self, index: ChannelId) {
        on_policy!(*self.channels[index].policy, policy => self.renew_by(policy, index));
    }

    fn renew_by<P: Registered>(&mut self, policy: P, index: ChannelId) {
        let Some(period) = policy.renewal() else { return };
        let Channel { plan, picker, subchannels, stopped, stale, .. } = &mut self.channels[index];
        if *stopped {
            return;
        }
        // The plan of a picker that is stale is made anew when it is rebuilt.
        if let (false, Some(plan)) = (*stale, plan.as_deref_mut().and_then(Plan::of::<P>)) {
            let all = || subchannels.iter().map(|s| s.address).collect();
            let memories = P::memories(&mut self.memories);
            policy.renew(plan, &mut Endpoints { usable: picker, memories, all: &all, now: self.now, drawn: 0 });
        }
        self.after(period, Rank::Expiry, Event::Reweigh { channel: index });
    }

    // Load reports

    /// Pods report their load if anybody asks.
    pub(crate) fn start_reports(&mut self) {
        if self.model.clients.iter().any(asks_for_reports) {
            self.after(REPORT_PERIOD, Rank::Controller, Event::Report);
        }
    }

    pub(crate) fn on_report(&mut self) {
        let period = REPORT_PERIOD.as_secs_f64();
        for pod in self.pods.ids() {
            if !self.pods[pod].serving {
                continue;
            }
            let (_, work) = self.work_of(pod);
            let Pod { requests, refused, reported, settings, .. } = self.pods[pod];
            let slots = f64::from(settings.concurrency) * settings.usable() * period;
            let report = Report {
                qps: (requests - reported.requests) as f64 / period,
                eps: (refused - reported.refused) as f64 / period,
                application: 0.0,
                cpu: Span(work.saturating_sub(reported.work)).as_secs_f64() / slots,
            };
            let p = &mut self.pods[pod];
            (p.report, p.reported) = (report, Reported { work, requests, refused });
        }
        self.after(REPORT_PERIOD, Rank::Controller, Event::Report);
    }

    // Slow start

    /// A new list of addresses for a channel. A proxy that ran before the run began knows the pods of the start as long as they are there.
    pub(crate) fn note_joins(&mut self, index: ChannelId, addresses: &[Address]) {
        let Channel { replica, joined: Some(_), .. } = self.channels[index] else { return };
        let r = &self.replicas[replica];
        // Replicas of the start may start some time into the run; those of a rollout, and pods of a gateway that come later, are new.
        let of_the_start = r.ready_since == Time::ZERO || self.originates(r.client) && r.revision == 1;
        let pods = &self.pods;
        let were_there = |a: Address| of_the_start && a.pod().is_some_and(|pod| pods[pod].ready_since == Time::ZERO);
        if let Some(joined) = &mut self.channels[index].joined {
            joined.update(addresses, self.now, were_there);
        }
    }

    /// Slow start, if the channel has it and a host is within its window.
    fn slow_starting(&self, index: ChannelId) -> Option<SlowStart> {
        let client = self.clients[self.client_of(index)].settings;
        let slow_start = client.via.as_ref()?.cluster?.slow_start?;
        let joined = &self.channels[index].joined.as_ref()?.hosts;
        let newest = joined.iter().filter_map(|j| j.1).max()?;
        slow_start.lasts(self.now.since(newest)).then_some(slow_start)
    }

    fn schedule_slowly(&self, index: ChannelId, slow_start: SlowStart, seed: u64) -> Plan {
        let n = self.channels[index].picker.len();
        Plan::Edf(Edf::new(n, |i| self.slow_weight(index, i, slow_start), seed))
    }

    /// The weight of the `i`-th host of a picker.
    fn slow_weight(&self, index: ChannelId, i: usize, slow_start: SlowStart) -> f64 {
        let channel = &self.channels[index];
        let address = channel.subchannels[channel.picker[i].host()].address;
        let since = channel.joined.as_ref().and_then(|joined| joined.since(address));
        let factor = slow_start.factor(since.map_or(slow_start.window, |since| self.now.since(since)));
        on_policy!(*channel.policy, policy => policy.slow_weight(factor, || self.active_on(index, i)))
    }

    /// The host that the schedule of a slow start has next: as a position in the picker.
    pub(crate) fn pick_slowly(&mut self, index: ChannelId) -> Option<usize> {
        let client = self.clients[self.client_of(index)].settings;
        let slow_start = client.via.as_ref()?.cluster?.slow_start?;
        let mut plan = self.channels[index].plan.take();
        let picked = match plan.as_deref_mut() {
            Some(Plan::Edf(edf)) => edf.pick(|i| self.slow_weight(index, i, slow_start)),
            _ => None,
        };
        self.channels[index].plan = plan;
        picked
    }

    // Hashes

    /// The endpoint that a call's key leads to: as an index into the channel's subchannels. Endpoints that are left out or, but
    /// for pools, not READY are passed over.
    pub(crate) fn pick_by_key(&self, index: ChannelId, call: Handle<CallIx>) -> Option<usize> {
        on_policy!(*self.channels[index].policy, policy => self.pick_by_key_by(policy, index, call))
    }

    fn pick_by_key_by<P: Registered>(&self, policy: P, index: ChannelId, call: Handle<CallIx>) -> Option<usize> {
        let channel = &self.channels[index];
        let Plan::Policy(plan) = channel.plan.as_deref()? else { return None };
        let hash = keys::hash(&self.settings(index).keys, self.calls[call.index].key);
        policy.pick_by_key(P::kept_ref(plan)?, hash, |i| {
            let subchannel = &channel.subchannels[i];
            let connected = channel.pools || subchannel.state == SubchannelState::Ready;
            connected && !self.is_ejected(index, subchannel.address)
        })
    }

    // What NGINX and HAProxy count

    /// A call goes to a host, as an index into the subchannels of the channel.
    pub(crate) fn count_on(&mut self, index: ChannelId, host: usize) {
        let channel = &mut self.channels[index];
        if channel.policy.counts() {
            on_policy!(*channel.policy, policy => channel.count(policy, |policy, plan| policy.began(plan, host)));
        }
    }

    /// A call that went to this address is over.
    pub(crate) fn count_end(&mut self, index: ChannelId, address: Address) {
        let channel = &mut self.channels[index];
        on_policy!(*channel.policy, policy => channel.count(policy, |policy, plan| policy.ended(plan, address)));
    }
}

impl Channel<'_> {
    fn count<P: Registered>(&mut self, policy: P, change: impl FnOnce(P, &mut P::Plan)) {
        if let Some(plan) = self.plan.as_deref_mut().and_then(Plan::of::<P>) {
            change(policy, plan);
        }
    }
}
