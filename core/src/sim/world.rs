//! The state of the world, in arenas. What stays addressable in the traces (pods, replicas) is a `Vec` that only grows;
//! what churns (connections, calls) is a slab whose slots are reused, and whose generation makes stale references harmless.

use std::collections::VecDeque;

pub(super) use super::channels::{Channel, Connectivity, Pooled, ResolverState, Subchannel, SubchannelState};
pub(super) use super::slab::{Handle, Slab, Slotted};
pub(super) use super::waiting::Waiting;

use super::handle::errors::Answering;
use super::handle::pace::Pace;
use super::handle::sharing::Sharing;
use super::observation::{CloseReason, FailureReason, PodPhase};
use crate::ids::{
    Address, CallIx, CallerId, ConnectionIx, DeploymentId, NodeId, OwnerId, PodId, ReplicaId, SlotIx, WorkerId,
};
use crate::model::Server;
use crate::narrow::u32_of;
use crate::pick::Report;
use crate::policy::route::Endpoints;
use crate::random::mix;
use crate::units::Time;

/// The `place_in_pod` of a connection that no pod has accepted.
pub(super) const NOT_ACCEPTED: u32 = u32::MAX;

/// A pod.
#[derive(Debug)]
pub(super) struct Pod<'a> {
    pub server: DeploymentId,
    pub settings: &'a Server,
    pub node: NodeId,
    pub revision: u32,
    pub uid: u64,
    /// Identifies its random draws: server name, revision and number.
    pub key: u64,
    pub phase: PodPhase,
    /// Accepts connections: from Ready to SIGTERM or SIGKILL.
    pub listening: bool,
    /// Serves requests: from Ready until it is killed or gone.
    pub serving: bool,
    /// Restarts of the container: events of an earlier incarnation are void.
    pub incarnation: u32,
    pub created: Time,
    /// When it last became Ready.
    pub ready_since: Time,
    /// When it last became Ready or lost its container; when it was created, if it never did.
    pub ready_changed: Time,
    /// Its readiness probe fails until then.
    pub unready_until: Time,
    /// Changes of its endpoint so far.
    pub endpoint_changes: u64,
    /// Its first slot in the engine's tree of completions.
    pub first_slot: SlotIx,
    /// Idle slots, as offsets from `first_slot`.
    pub idle: Vec<u16>,
    /// Jobs that wait for a slot, first in first out. Calls that ended meanwhile are still in it and are skipped.
    pub queue: VecDeque<(Job, Time)>,
    /// Live jobs in `queue`.
    pub queued: u32,
    /// Connections that it has accepted and that are not closed.
    pub connections: Vec<ConnectionIx>,
    /// Those that are READY and not draining.
    pub established: u32,
    /// Slot-time of all jobs started, in ns; what is left of those in service is subtracted when read.
    pub work_started: u64,
    /// Slot-time used that the samples so far have counted, in ns.
    pub work_sampled: u64,
    /// Requests that came, and those of them that it turned away.
    pub requests: u64,
    pub refused: u64,
    /// Its load report of the last second, and what the next one is counted from.
    pub report: Report,
    pub reported: Reported,
    /// What makes its slots take another time than the server's laws.
    pub pace: Pace,
    /// What it answers in place of serving.
    pub errors: Option<Box<Answering>>,
    /// The processor that what is in its slots shares, if it does.
    pub sharing: Option<Box<Sharing>>,
    /// Drains after SIGTERM: gone when its last connection closes.
    pub draining: bool,
    /// A proxy that sends GOAWAY by and by: since when.
    pub sheds_since: Option<Time>,
    /// Of a gateway's pod that is up: its other side.
    pub forwarder: Option<Forwarder>,
}

impl Pod<'_> {
    /// Slots in use, for a pod with `concurrency` slots.
    pub(super) fn in_service(&self, concurrency: u32) -> u32 {
        concurrency - u32_of(self.idle.len())
    }
}

/// What a gateway's pod does on the other side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forwarder {
    /// The replica that calls the servers.
    pub replica: ReplicaId,
    /// Requests that it has taken and not answered.
    pub under_way: u32,
}

/// What a pod had done when it made its last load report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reported {
    /// Slot-time used, in ns.
    pub work: u64,
    pub requests: u64,
    pub refused: u64,
}

/// Something that uses a slot of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Nothing.
    Idle,
    /// A request.
    Call(CallIx),
    /// Accepting a connection.
    Handshake(Handle<ConnectionIx>),
    /// A message of a stream, for which nobody waits: the upper half of the draw that decides its service time.
    Message(u32),
}

/// Where a call is. Exactly one place holds it, and frees it once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallState {
    /// On its way to the proxy beside it.
    ToProxy,
    /// In its channel, for a READY connection, or in its pool.
    WaitsForChannel,
    /// On its connection, for a free stream.
    WaitsForStream,
    /// On its way to the pod.
    Sent,
    /// In the pod's queue.
    Queued,
    /// In a slot of the pod.
    InService,
    /// On its way back.
    Returning,
    /// On its way from the proxy beside it, over for all others.
    FromProxy,
    /// A stream that is open. Nothing holds it.
    Streaming,
    /// Lost with its pod; the client does not know yet. Nothing holds it.
    Lost,
    /// About to fail: the application has not been told yet.
    Failing,
    /// Between two attempts.
    BacksOff,
}

impl CallState {
    /// True if it counts among the streams of its connection.
    pub(super) fn has_stream(self) -> bool {
        use CallState::{BacksOff, Failing, FromProxy, InService, Lost, Queued, Returning, Sent, Streaming, ToProxy};
        match self {
            ToProxy | CallState::WaitsForChannel | CallState::WaitsForStream | Failing | FromProxy | BacksOff => false,
            Sent | Queued | InService | Streaming | Returning | Lost => true,
        }
    }

    /// True if no pod has to do with it: it is with its caller.
    pub(super) fn is_with_caller(self) -> bool {
        use CallState::{BacksOff, Failing, ToProxy, WaitsForChannel};
        matches!(self, ToProxy | WaitsForChannel | Failing | BacksOff)
    }
}

/// A call in progress.
#[derive(Debug)]
pub(super) struct Call {
    pub emitted: Time,
    /// The uniform draw that decides its service time, whoever serves it.
    pub demand: u64,
    /// The uniform draw that stands for its routing key.
    pub key: u64,
    pub client: CallerId,
    /// Its channel or pool.
    pub owner: OwnerId,
    /// Slot of its connection, if it has one.
    pub connection: ConnectionIx,
    /// When it was sent on it.
    pub sent: Time,
    /// The pod that it counts at: its connection's, while it has one, or of a call that a gateway has answered the one behind it.
    /// Between two attempts the pod of the last one, if the next one is to go elsewhere.
    pub pod: PodId,
    /// The worker of a closed load that made it, if one did.
    pub worker: WorkerId,
    pub generation: u32,
    pub state: CallState,
    /// Its method, counted from 1; `NO_METHOD` if its client does not tell them apart.
    pub method: u16,
    /// How its attempt failed, if it did: what the response says, or why there is none. Between two attempts, how the last one failed.
    pub failure: Option<FailureReason>,
    /// The application has its answer, or another attempt has taken over; the place that holds the call frees it.
    pub ended: bool,
    /// Attempts before this one.
    pub retries: u8,
}

/// There are as many as calls in progress, and each touches most of it: one line of a cache.
const _: () = assert!(size_of::<Call>() == 64);

impl Call {
    /// The pod that it is at, or on the way to; `NONE` while it is with its caller, whatever pod an attempt before was at.
    pub(super) fn at(&self) -> PodId {
        if self.state.is_with_caller() { PodId::NONE } else { self.pod }
    }

    /// What the draws of its pick come from: its own demand, and another one for each attempt.
    #[inline]
    pub(super) fn draws(&self) -> u64 {
        if self.retries == 0 { self.demand } else { mix(self.demand, self.retries.into()) }
    }
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// Dialled, not READY.
    Connecting,
    /// Takes calls.
    Ready,
    /// Takes no new calls, finishes those it has.
    Draining,
}

/// A connection, but for what each call needs of it (`Lane`).
#[derive(Debug)]
pub(super) struct Connection {
    /// When its last stream ended (or it became READY), while somebody asks.
    pub idle_since: Time,
    /// Calls that wait for a free stream, first in first out.
    pub waiting: Waiting,
    pub generation: u32,
    /// The pod has sent GOAWAY.
    pub goaway: bool,
    /// Its client has learned of the reset.
    pub reset: bool,
    pub reason: Option<CloseReason>,
    /// Its channel or pool.
    pub owner: OwnerId,
    /// The address that its subchannel has.
    pub address: Address,
    /// Requests that the pod has received on it, if it counts them.
    pub received: u32,
    /// Incarnation of the pod that accepted it.
    pub incarnation: u32,
    /// Its place in the list of the pod that accepted it, or `NOT_ACCEPTED`.
    pub place_in_pod: u32,
    /// How-manieth dial of its replica it was.
    pub dial: u32,
    pub opened: Time,
    /// When it became READY; `NEVER` before.
    pub ready_since: Time,
    pub draining_since: Time,
    /// Messages of streams sent on it.
    pub messages: u64,
    /// Requests and messages sent on it that the samples so far have counted.
    pub sampled: u64,
}

impl Slotted for Call {
    fn generation(&self) -> u32 {
        self.generation
    }
    fn set_generation(&mut self, generation: u32) {
        self.generation = generation;
    }
}

impl Slotted for Connection {
    fn generation(&self) -> u32 {
        self.generation
    }
    fn set_generation(&mut self, generation: u32) {
        self.generation = generation;
    }
}

/// An HTTP/1.1 client's connections.
#[derive(Debug)]
pub(super) struct Pool {
    pub replica: ReplicaId,
    pub stopped: bool,
    /// Idle connections, oldest use first.
    pub idle: VecDeque<ConnectionIx>,
    /// Open or being dialled.
    pub open: u32,
    /// Being dialled.
    pub dialling: u32,
    /// Calls that wait for a connection, first in first out.
    pub waiting: Waiting,
}

impl Pool {
    pub(super) fn new(replica: ReplicaId) -> Pool {
        Pool { replica, stopped: false, idle: VecDeque::new(), open: 0, dialling: 0, waiting: Waiting::default() }
    }
}

/// A replica that makes the calls of an open load: what an arrival needs to know of it, so that a call of one of a million
/// replicas touches little memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The replica; `NONE` if the one in this place has not started yet.
    pub replica: ReplicaId,
    pub ordinal: u32,
    /// First of its channels, or its pool.
    pub first: OwnerId,
    /// Channel of the next call, as an offset.
    pub next_channel: u32,
}

/// A replica of a client.
#[derive(Debug)]
pub(super) struct Replica {
    pub client: CallerId,
    /// Its number within the client.
    pub ordinal: u32,
    pub node: NodeId,
    pub revision: u32,
    /// First of its channels, or its pool.
    pub first: OwnerId,
    pub dials: u32,
    /// The first of its workers, if its load is closed, and how many there are.
    pub first_worker: WorkerId,
    pub workers: u32,
    pub phase: ReplicaPhase,
    pub ready_since: Time,
}

/// Where a client replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplicaPhase {
    Starting,
    Running,
    Stopped,
}

/// A Deployment of servers, or of a gateway.
#[derive(Debug)]
pub(super) struct Deployment<'a> {
    pub settings: &'a Server,
    pub key: u64,
    pub desired: u32,
    pub revision: u32,
    /// Pods created in the current revision.
    pub numbered: u32,
    /// Pods that are not Gone, in order of creation.
    pub pods: Vec<PodId>,
    /// Those of them that are not terminating.
    pub alive: u32,
    pub rolling: bool,
    /// A `Reconcile` event is already scheduled for this instant.
    pub reconciling: bool,
    /// Slot ranges of gone pods.
    pub free_slots: Vec<SlotIx>,
}

/// What one node, or the cluster DNS, knows of the endpoints.
#[derive(Debug, Default)]
pub(super) struct View {
    pub endpoints: Endpoints,
    /// Changes arrive in order: none before this.
    pub latest: Time,
    /// Pods that joined or left `endpoints.ready`, in order, if somebody watches.
    pub log: Vec<PodId>,
}

/// A push that waits for the changes to end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Push {
    pub pending: bool,
    /// The first change that it waits with, and the latest.
    pub first: Time,
    pub latest: Time,
}

/// A cache of DNS answers.
#[derive(Debug, Default)]
pub(super) struct DnsCache {
    pub answer: Vec<PodId>,
    pub expires: Time,
    pub filled: bool,
    /// Answers cached so far: numbers the draws.
    pub fills: u64,
}
