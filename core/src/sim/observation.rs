//! The engine's output vocabulary: everything that can be seen of a run. Observers get these values and nothing else: no
//! world, no random stream, no schedule, so they cannot change what happens.

pub use super::close_reason::CloseReason;
pub use super::failure_reason::FailureReason;
pub use super::observer::{Handled, Intercepted, Observer};
pub use super::samples::{ConnectionSample, PodSample};
pub use crate::ids::PodId;
use crate::model::Errors;
pub use crate::policy::cpu::Periods;
use crate::units::{Span, Time};

/// A connection, numbered from 0 in order of dialling over the whole run; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// How a call ended that did not end well: a gRPC status code (HTTP/1.1 requests use the same words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// The deadline passed first.
    DeadlineExceeded,
    /// The pod's queue was full, or it answered so.
    ResourceExhausted,
    /// The connection died, or there was none to be had, or the pod answered so.
    Unavailable,
    /// The pod answered so.
    Internal,
    /// The pod answered so.
    Unknown,
}

impl Status {
    /// The keys of `requests.by_status`: gRPC statuses of failed calls by their names in the gRPC specification
    /// (`doc/statuscodes.md`), in order.
    pub const NAMES: [&str; 5] = ["DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "UNKNOWN"];

    /// All of them, in order.
    pub const ALL: [Status; 5] =
        [Status::DeadlineExceeded, Status::ResourceExhausted, Status::Unavailable, Status::Internal, Status::Unknown];

    /// The name in the gRPC specification (`doc/statuscodes.md`).
    #[must_use]
    pub fn name(self) -> &'static str {
        Status::NAMES[self as usize]
    }

    /// The number in the gRPC specification.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Status::DeadlineExceeded => 4,
            Status::Internal => 13,
            Status::ResourceExhausted => 8,
            Status::Unavailable => 14,
            Status::Unknown => 2,
        }
    }
}

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PodPhase {
    /// Created (or its container restarted) and not Ready yet.
    Starting,
    /// Ready: its endpoint is published, after the endpoint lag.
    Ready,
    /// Deleted, still serving: preStop, then draining.
    Terminating,
    /// Gone.
    Gone,
    /// Its readiness probe fails: its endpoint is withdrawn, and it serves what comes all the same.
    Unready,
}

impl PodPhase {
    /// The word in `pods.csv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PodPhase::Starting => "starting",
            PodPhase::Ready => "ready",
            PodPhase::Terminating => "terminating",
            PodPhase::Gone => "gone",
            PodPhase::Unready => "unready",
        }
    }
}

/// A connection's whole life, given when it ends (or at the end of the run, with `closed: None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionRecord {
    /// Which.
    pub id: ConnectionId,
    /// Index of the client in the model.
    pub client: u32,
    /// The client's replica, by its ordinal.
    pub replica: u32,
    /// The pod it was placed on; `None` if the Service had no endpoint.
    pub pod: Option<PodId>,
    /// When it was dialled.
    pub opened: Time,
    /// When the client learned that it must take no new calls.
    pub draining: Option<Time>,
    /// When it ended; `None` if it was open at the end of the run.
    pub closed: Option<Time>,
    /// Why it ended or drains; `None` while it is in use.
    pub reason: Option<CloseReason>,
    /// Calls sent on it.
    pub requests: u64,
    /// READY and not draining when this was said.
    pub ready: bool,
}

/// Who changed the wanted number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaledBy {
    /// The scenario.
    Timeline,
    /// An autoscaler.
    Hpa {
        /// The mean CPU utilization that it saw, in percent of the request; `None`: no pod had a sample that counts.
        cpu_percent: Option<u32>,
    },
}

/// The `method` of calls whose client does not tell methods apart.
pub const NO_METHOD: u16 = 0;

/// What can be seen. Times are those of the `observe` call. Per-request kinds come first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation<'a> {
    /// A client's application made a call.
    Emitted {
        /// Index of the client in the model.
        client: u32,
        /// The replica, by its ordinal.
        replica: u32,
        /// The index of the call, from 0: among those of the client (open loads) or of the replica (closed loads).
        n: u64,
        /// The uniform draw that decides its service time.
        demand: u64,
        /// The uniform draw that stands for its routing key.
        key: u64,
        /// True for open loads, whose emission times do not depend on responses.
        open: bool,
    },
    /// A request reached a pod (each attempt counts).
    Received {
        /// Where.
        pod: PodId,
        /// On which connection.
        connection: ConnectionId,
    },
    /// A pod began to serve a request.
    Started {
        /// Where.
        pod: PodId,
        /// How long it waited in the pod.
        waited: Span,
    },
    /// A response reached the client: the call is done.
    Completed {
        /// Index of the client in the model.
        client: u32,
        /// Its method: index in the client's list, from 1; `NO_METHOD` without one.
        method: u16,
        /// Who served it.
        pod: PodId,
        /// When the call was emitted.
        emitted: Time,
    },
    /// A call ended without a response.
    Failed {
        /// Index of the client in the model.
        client: u32,
        /// The replica, by its ordinal.
        replica: u32,
        /// Its method: index in the client's list, from 1; `NO_METHOD` without one.
        method: u16,
        /// Where it was, if it had reached a connection: the pod that made it fail, or kept it waiting.
        pod: Option<PodId>,
        /// Why, which decides the status.
        why: FailureReason,
        /// When the call was emitted.
        emitted: Time,
    },
    /// An attempt of a call failed, and there will be another one.
    Retried {
        /// Index of the client in the model.
        client: u32,
        /// Where it was, if it had reached a connection.
        pod: Option<PodId>,
        /// Why it failed.
        why: FailureReason,
        /// When the call was emitted.
        emitted: Time,
        /// The back-off before the next attempt.
        after: Span,
    },
    /// A call was still open when the run ended.
    Unfinished {
        /// Index of the client in the model.
        client: u32,
        /// Its method: index in the client's list, from 1; `NO_METHOD` without one.
        method: u16,
        /// When the call was emitted.
        emitted: Time,
    },
    /// A message of a stream reached a pod.
    Message {
        /// Where.
        pod: PodId,
    },
    /// A pod was created. Its name is `<server>-<revision>-<number>`.
    PodCreated {
        /// Its id: the next one.
        pod: PodId,
        /// Index of the server in the model.
        server: u32,
        /// Revision of the template, from 1.
        revision: u32,
        /// Number within the revision, from 0.
        number: u32,
        /// The node that it runs on.
        node: u32,
    },
    /// A pod entered a phase. `Starting` after `Ready` is a container restart.
    PodPhase {
        /// Which pod.
        pod: PodId,
        /// Its new phase.
        phase: PodPhase,
    },
    /// A pod got SIGTERM: it closed its listener and sent GOAWAY on all its connections.
    PodDraining {
        /// Which pod.
        pod: PodId,
        /// How many connections got GOAWAY.
        connections: u32,
    },
    /// A pod's container was killed (SIGKILL); its connections were reset.
    PodKilled {
        /// Which pod.
        pod: PodId,
        /// How many connections were reset.
        connections: u32,
    },
    /// A rollout of a server began.
    RolloutStarted {
        /// Index of the server in the model.
        server: u32,
        /// The new revision.
        revision: u32,
    },
    /// A rollout of a server is complete: all pods are new and available.
    RolloutFinished {
        /// Index of the server in the model.
        server: u32,
    },
    /// The wanted number of pods changed.
    Scaled {
        /// Index of the server in the model.
        server: u32,
        /// Before.
        from: u32,
        /// After.
        to: u32,
        /// By whom.
        by: ScaledBy,
    },
    /// A pod became slow, or is no longer.
    Slowed {
        /// Which pod.
        pod: PodId,
        /// What enters a slot takes this many times longer; 1 if that is over.
        factor: f64,
        /// For how long; `None`: to the end of the run.
        lasts: Option<Span>,
    },
    /// A pod begins to answer errors, or stops.
    Errors {
        /// Which pod.
        pod: PodId,
        /// What it answers; `None`: that is over.
        errors: Option<Errors>,
    },
    /// Outlier detection of a channel (or of its proxy) leaves a pod out, or takes it back.
    Ejected {
        /// Index of the client in the model.
        client: u32,
        /// The replica, by its ordinal.
        replica: u32,
        /// Which pod.
        pod: PodId,
        /// True if it is taken back.
        back: bool,
    },
    /// A client's rate changes from now on.
    RateChanged {
        /// Index of the client in the model.
        client: u32,
        /// The new total rate, in calls per second.
        to: f64,
        /// Length of the ramp.
        over: Span,
    },
    /// A rollout of a client began or ended.
    ClientRollout {
        /// Index of the client in the model.
        client: u32,
        /// True at its end.
        finished: bool,
    },
    /// A client replica started (it may connect and call).
    ReplicaStarted {
        /// Index of the client in the model.
        client: u32,
        /// Its ordinal.
        replica: u32,
    },
    /// A client replica stopped calling.
    ReplicaStopped {
        /// Index of the client in the model.
        client: u32,
        /// Its ordinal.
        replica: u32,
    },
    /// A channel got an answer from DNS.
    Resolved {
        /// Index of the client in the model.
        client: u32,
        /// The replica, by its ordinal.
        replica: u32,
        /// How many addresses it has.
        addresses: u32,
    },
    /// A client dialled.
    Dialled {
        /// The new connection.
        connection: ConnectionId,
        /// Index of the client in the model.
        client: u32,
        /// The replica, by its ordinal.
        replica: u32,
        /// Where it was placed; `None` if the Service had no endpoint.
        pod: Option<PodId>,
    },
    /// A connection is READY.
    Connected {
        /// Which.
        connection: ConnectionId,
        /// Index of the client in the model.
        client: u32,
        /// The replica, by its ordinal.
        replica: u32,
        /// Where.
        pod: PodId,
    },
    /// A client learned that a connection takes no new calls.
    Draining {
        /// Which.
        connection: ConnectionId,
        /// Where.
        pod: PodId,
        /// Why.
        reason: CloseReason,
    },
    /// A connection ended.
    Closed(&'a ConnectionRecord),
    /// A connection was still there when the run ended (`closed` is `None`).
    OpenAtEnd(&'a ConnectionRecord),
    /// A window ended.
    Window {
        /// When it began.
        from: Time,
        /// True if it is shorter than the others: the run ended in it.
        partial: bool,
        /// All pods that were not Gone before the window, in order of id.
        pods: &'a [PodSample],
        /// All connections to servers' pods that were READY in it, if the observer wants them: those that ended in it first.
        connections: &'a [ConnectionSample],
    },
}
