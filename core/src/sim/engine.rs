//! The main loop, and what it runs on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::event::Event;
use super::fifo::Fifo;
use super::handle::autoscale::Autoscaler;
use super::handle::idle::{Idleness, counts_calls};
use super::handle::plans::learns;
use super::handle::resets::{CallsByConnection, Why};
use super::lanes::Lanes;
use super::load::{ClientState, ClosedLoad, Worker};
use super::lookout::Lookout;
use super::observation::{CloseReason, ConnectionSample, Observation, Observer};
use super::pings::Ends;
use super::plans::Outliers;
use super::schedule::{Rank, Schedule, key, rank_of, time_of};
use super::tree::Tree;
use super::world::{
    Call, Channel, Connection, Deployment, DnsCache, Handle, Job, Pod, Pool, Pooled, Replica, Slab, View,
};
use super::{Options, RunEnd, SimError};
use crate::ids::{
    Address, CallIx, CallerId, ChannelId, ConnectionIx, DeploymentId, LoadId, PodId, PoolId, ReplicaId, SlotIx, Table,
    ViewId, WorkerId,
};
use crate::model::{Client, Model, Server, ServiceType};
use crate::narrow::u32_of;
use crate::pick::Memories;
use crate::policy::accrual::Breaker;
use crate::policy::budget::InUse;
use crate::policy::retry::Throttle;
use crate::random::Streams;
use crate::units::{Span, Time};

/// One run in progress.
pub(super) struct Engine<'a, O> {
    pub model: &'a Model,
    pub streams: Streams,
    pub options: Options<'a>,
    pub observer: &'a mut O,
    pub now: Time,
    pub end: Time,
    /// Nothing from this key on happens; 0 once all is done.
    pub end_key: u64,
    pub events: u64,

    // What comes next. Calls, requests, responses and completions are too many for the heap.
    pub schedule: Schedule<Event>,
    /// The next call of each open load.
    pub arrivals: Tree,
    /// Requests on their way to pods: all take the same time, so they arrive in order.
    pub deliveries: Fifo,
    /// Responses on their way to clients.
    pub responses: Fifo,
    /// When each slot of each pod is done.
    pub slots: Tree,
    /// The first deadline of each queue of them.
    pub deadlines: Tree,
    /// Deadlines of each client's calls, by method: constant per method, so they pass in order.
    pub deadline_queues: Vec<VecDeque<(Time, Handle<CallIx>)>>,

    // The world.
    /// The servers', then the gateways'.
    pub deployments: Table<DeploymentId, Deployment<'a>>,
    pub pods: Table<PodId, Pod<'a>>,
    pub slot_jobs: Table<SlotIx, Job>,
    pub slot_pods: Table<SlotIx, PodId>,
    /// The clients', then the gateways'.
    pub clients: Table<CallerId, ClientState<'a>>,
    /// How many of them are clients.
    pub originators: u32,
    pub replicas: Table<ReplicaId, Replica>,
    /// By replica: where its last connection through the Service went, and when; empty without session affinity.
    pub last_pods: BTreeMap<ReplicaId, (PodId, Time)>,
    pub channels: Table<ChannelId, Channel<'a>>,
    /// By channel: the connection of each next call, where it is always the same; `NONE`: ask the channel.
    pub only_connection: Table<ChannelId, ConnectionIx>,
    pub pools: Table<PoolId, Pool>,
    pub workers: Table<WorkerId, Worker>,
    pub closed: Table<LoadId, ClosedLoad>,
    pub connections: Slab<ConnectionIx, Connection>,
    pub lanes: Lanes,
    /// By channel and address: the connections of a pool beyond the first.
    pub pooled: BTreeMap<(ChannelId, Address), Pooled>,
    /// By connection of a pool: whose calls it carries, where that matters.
    pub sessions: Table<ConnectionIx, u64>,
    /// What policies remember of connections, for those whose channels pick by it; empty if there is none.
    pub memories: Memories,
    /// By the channel that judges: what outlier detection knows.
    pub outliers: BTreeMap<ChannelId, Outliers>,
    /// Breakers of Linkerd's failure accrual that have seen a failure, by channel and endpoint.
    pub breakers: BTreeMap<(ChannelId, Address), Breaker>,
    /// Somebody learns from the calls that end.
    pub learns: bool,
    /// By replica: what circuit breakers count; empty if there are none.
    pub in_use: Table<ReplicaId, InUse>,
    /// Keepalive, by connection; empty if there is none.
    pub pings: Table<ConnectionIx, Option<Box<Ends>>>,
    /// Channels that were told to ping less often: the keepalive time of their new connections.
    pub slowed: BTreeMap<ChannelId, Span>,
    /// Pods that answer nothing.
    pub black_holes: BTreeSet<PodId>,
    /// By connection: what was sent into a black hole, and when TCP gives up on it.
    pub unacknowledged: BTreeMap<ConnectionIx, (Handle<ConnectionIx>, Time)>,
    pub calls: Slab<CallIx, Call>,
    /// By call: the one that its gateway makes for it; empty if there is no gateway.
    pub forwarded: Table<CallIx, Handle<CallIx>>,
    /// By call of a gateway: the one that it is made for.
    pub asked: Table<CallIx, CallIx>,
    /// By channel: tokens for retries, from the first failure on; empty if nobody has had one.
    pub throttles: Table<ChannelId, Option<Throttle>>,
    /// Beginnings and ends of calls are counted: some client throttles its retries, or has channels that can become idle in time.
    pub counts_calls: bool,
    /// By channel: what its idle timeout needs to know; empty if there is none.
    pub idleness: Table<ChannelId, Idleness>,
    pub dialled: u64,
    /// By server: its autoscaler.
    pub autoscalers: Table<DeploymentId, Option<Box<Autoscaler>>>,
    /// What each node knows of the servers' endpoints, then the cluster DNS; then the same for each gateway.
    pub views: Table<ViewId, View>,
    /// Some client watches the EndpointSlices.
    pub watched: bool,
    /// DNS caches: one per node, then CoreDNS's.
    pub dns_caches: Vec<DnsCache>,
    /// Connections whose resets are on their way to the clients.
    pub resets: Vec<(Why, Vec<Handle<ConnectionIx>>)>,
    pub call_index: CallsByConnection,
    pub window_start: Time,
    /// Windows so far, as they are after the last widening.
    pub windows: usize,
    /// Pods that were not gone at the start of the window.
    pub sampled_pods: Vec<PodId>,
    /// The observer wants to know what each connection did in a window; those that have ended in this one.
    pub samples_connections: bool,
    pub ended_connections: Vec<ConnectionSample>,
    /// Half of the round trip, to the pod and back again.
    pub to_pod: Span,
    pub to_client: Span,
    /// Calls that closed loads still have to make or to wait for, and loads that never end.
    pub unfinished_closed: u64,
    pub lookout: Lookout,
}

/// A run whose closed loads are not done by then (for ever waiting for a pod, say) is given up.
const LONGEST_WITHOUT_DURATION: Span = Span::from_secs(24 * 3600);

/// Queues of deadlines that a client has: one per method.
pub(super) fn deadline_queues(client: &Client) -> usize {
    client.methods.len().max(1)
}

impl<'a, O: Observer> Engine<'a, O> {
    pub(super) fn new(model: &'a Model, seed: u64, options: Options<'a>, observer: &'a mut O) -> Self {
        let nodes = model.cluster.nodes as usize;
        let to_pod = Span(model.cluster.rtt.0 / 2);
        Engine {
            model,
            streams: Streams::new(seed),
            options,
            observer,
            now: Time::ZERO,
            end: Time::ZERO + model.duration.unwrap_or(LONGEST_WITHOUT_DURATION),
            end_key: 0,
            events: 0,
            schedule: Schedule::default(),
            arrivals: Tree::new(model.clients.len(), Rank::Arrival),
            deliveries: Fifo::new(Rank::Delivery),
            responses: Fifo::new(Rank::Response),
            slots: Tree::new(0, Rank::Completion),
            deadlines: Tree::new(model.clients.iter().map(deadline_queues).sum(), Rank::Expiry),
            deadline_queues: model.clients.iter().flat_map(|c| vec![VecDeque::new(); deadline_queues(c)]).collect(),
            deployments: Table::default(),
            pods: Table::default(),
            slot_jobs: Table::default(),
            slot_pods: Table::default(),
            clients: Table::default(),
            originators: u32_of(model.clients.len()),
            replicas: Table::default(),
            last_pods: BTreeMap::new(),
            channels: Table::default(),
            only_connection: Table::default(),
            pools: Table::default(),
            workers: Table::default(),
            closed: Table::default(),
            connections: Slab::default(),
            lanes: Lanes::default(),
            pooled: BTreeMap::new(),
            sessions: Table::default(),
            memories: Memories::default(),
            outliers: BTreeMap::new(),
            breakers: BTreeMap::new(),
            learns: model.callers().any(learns),
            in_use: Table::default(),
            pings: Table::default(),
            slowed: BTreeMap::new(),
            black_holes: BTreeSet::new(),
            unacknowledged: BTreeMap::new(),
            calls: Slab::default(),
            forwarded: Table::default(),
            asked: Table::default(),
            throttles: Table::default(),
            counts_calls: model.clients.iter().any(|c| counts_calls(model, c)),
            idleness: Table::default(),
            dialled: 0,
            autoscalers: Table::default(),
            views: (0..(nodes + 1) * (1 + model.gateways.len())).map(|_| View::default()).collect::<Vec<_>>().into(),
            watched: model.callers().any(Client::watches),
            dns_caches: (0..=nodes).map(|_| DnsCache::default()).collect(),
            resets: Vec::new(),
            call_index: CallsByConnection::default(),
            window_start: Time::ZERO,
            windows: 0,
            sampled_pods: Vec::new(),
            samples_connections: false,
            ended_connections: Vec::new(),
            to_pod,
            to_client: model.cluster.rtt - to_pod,
            unfinished_closed: 0,
            lookout: Lookout::default(),
        }
    }

    /// The main loop: takes the earliest of what comes next, by the tie rule, until the end.
    pub(super) fn run(mut self) -> Result<RunEnd, SimError> {
        self.look()?;
        self.samples_connections = self.observer.wants_connections();
        self.populate();
        self.end_key = if self.all_done() { 0 } else { key(self.end, Rank::World) };
        loop {
            let scheduled = self.schedule.next_key();
            let on_the_way = self.deliveries.next_key().min(self.responses.next_key());
            let own = self.arrivals.next_key().min(self.slots.next_key());
            let first = scheduled.min(self.deadlines.next_key()).min(on_the_way).min(own);
            if first >= self.end_key {
                break;
            }
            self.events += 1;
            self.now = time_of(first);
            if self.events >= self.lookout.next {
                self.look()?;
            }
            const COMPLETION: u64 = Rank::Completion as u64;
            const RESPONSE: u64 = Rank::Response as u64;
            const DELIVERY: u64 = Rank::Delivery as u64;
            const ARRIVAL: u64 = Rank::Arrival as u64;
            match rank_of(first) {
                ARRIVAL => self.on_arrival(),
                DELIVERY => self.on_delivery(),
                COMPLETION => self.on_completion(),
                RESPONSE => self.on_response(),
                // The rest is scheduled, but for deadlines; an expiry that was scheduled precedes one at the same instant.
                _ if first == scheduled => {
                    if let Some(event) = self.schedule.pop() {
                        self.dispatch(event);
                    }
                }
                _ => self.on_deadline(),
            }
        }
        let at = if self.all_done() { self.now } else { self.end };
        if self.model.duration.is_none() && !self.all_done() {
            return Err(self.endless(at));
        }
        Ok(self.finish(at))
    }

    #[inline(never)]
    fn dispatch(&mut self, event: Event) {
        match event {
            Event::PodReady { pod, incarnation } => self.on_pod_ready(pod, incarnation),
            Event::SigTerm { pod } => self.on_sigterm(pod),
            Event::SigKill { pod } => self.on_sigkill(pod),
            Event::SlowOver { pod } => self.on_slow_over(pod),
            Event::PenaltyOver { channel, address } => self.on_penalty_over(channel, address),
            Event::ErrorsOver { pod } => self.on_errors_over(pod),
            Event::NextCall { worker } => self.next_closed_call(worker),
            Event::ReadinessBack { pod } => self.on_readiness_back(pod),
            Event::EndpointChange { view, pod, to } => self.on_endpoint_change(view, pod, to),
            Event::Syn(connection) => self.on_syn(connection),
            Event::Connected(connection) => self.on_connected(connection),
            Event::Refused(connection) => self.on_dial_failed(connection, CloseReason::Refused),
            Event::DialTimeout(connection) => self.on_dial_failed(connection, CloseReason::DialTimeout),
            Event::TcpTimeout(connection) => self.on_tcp_timeout(connection),
            Event::GoAway { connection, reason } => self.on_goaway(connection, reason),
            Event::AgeOver(connection) => self.on_age_over(connection),
            Event::GraceOver(connection) => self.on_grace_over(connection),
            Event::IdleCheck(connection) => self.on_idle_check(connection),
            Event::LifetimeOver(connection) => self.on_lifetime_over(connection),
            Event::Keepalive(connection) => self.on_keepalive(connection),
            Event::Ping { connection, streams } => self.on_ping(connection, streams),
            Event::Pong(connection) => self.on_pong(connection),
            Event::PoolIdleCheck(connection) => self.on_pool_idle_check(connection),
            Event::Resets(i) => self.on_resets(i),
            Event::BackoffOver { channel, address, epoch } => self.on_backoff_over(channel, address, epoch),
            Event::AttemptDelayOver { channel, attempt } => self.on_attempt_delay_over(channel, attempt),
            Event::Push { client, node } => self.on_push(client, node),
            Event::ChannelIdle { channel } => self.on_channel_idle(channel),
            Event::DnsAnswer { channel, life } => self.on_dns_answer(channel, life),
            Event::Dispatch { channel } => self.on_dispatch(channel),
            Event::Reweigh { channel } => self.on_reweigh(channel),
            Event::Sweep { channel } => self.on_sweep(channel),
            Event::Report => self.on_report(),
            Event::AtProxy(call) => self.on_at_proxy(call),
            Event::Answered(call) => self.on_answered(call),
            Event::FailFast(call) => self.on_fail_fast(call),
            Event::Retry(call) => self.on_retry(call),
            Event::StreamOver(call) => self.on_stream_over(call),
            Event::Message(call) => self.on_message(call),
            Event::Deadline(call) => self.on_own_deadline(call),
            Event::ReplicaStart { replica } => self.on_replica_start(replica),
            Event::Reconcile { server } => self.on_reconcile(server),
            Event::ReconcileClient { client } => self.on_reconcile_client(client),
            Event::BlackHole { pod, incarnation, over } => self.on_black_hole(pod, incarnation, over),
            Event::Timeline { action } => self.on_timeline(action),
            Event::Scrape { server } => self.on_scrape(server),
            Event::Autoscale { server } => self.on_autoscale(server),
            Event::Sample => self.on_sample(),
        }
    }

    /// True when only closed loads were asked for, without a duration or before its end, and all their calls are done.
    #[inline]
    pub(super) fn all_done(&self) -> bool {
        self.unfinished_closed == 0
    }

    /// Tells the observer.
    #[inline(always)]
    pub(super) fn observe(&mut self, what: &Observation<'_>) {
        self.observer.observe(self.now, what);
    }

    /// Schedules `event` after `span`.
    #[inline]
    pub(super) fn after(&mut self, span: Span, rank: Rank, event: Event) {
        debug_assert!(rank.is_scheduled(), "the main loop looks for {rank:?} in a queue of its own");
        self.schedule.at(self.now + span, rank, event);
    }

    /// The settings of the server that `pod` belongs to.
    #[inline]
    pub(super) fn server_of(&self, pod: PodId) -> &'a Server {
        self.pods[pod].settings
    }

    /// True of a client, whose calls an application makes; false of a gateway, which makes them for others.
    #[inline(always)]
    pub(super) fn originates(&self, caller: CallerId) -> bool {
        caller.0 < self.originators
    }

    /// True if clients know pods by their own addresses.
    pub(super) fn headless(&self) -> bool {
        self.model.service == ServiceType::Headless
    }
}
