//! Everything that can be scheduled, except calls, responses and completions, which have queues of their own.

use super::observation::CloseReason;
use super::world::Handle;
use crate::ids::{
    Address, CallIx, CallerId, ChannelId, ConnectionIx, DeploymentId, NodeId, PodId, ReplicaId, ViewId, WorkerId,
};
use crate::policy::route::Condition;

/// A scheduled event. References that may be stale carry a generation, an incarnation or an epoch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A pod (in this incarnation) becomes Ready.
    PodReady { pod: PodId, incarnation: u32 },
    /// The preStop hook is over.
    SigTerm { pod: PodId },
    /// The termination grace period is over.
    SigKill { pod: PodId },
    /// A slow pod is slow no longer, if it was not made slow again.
    SlowOver { pod: PodId },
    /// A penalty of Linkerd's failure accrual is over.
    PenaltyOver { channel: ChannelId, address: Address },
    /// A pod answers errors no longer, if it was not made to again.
    ErrorsOver { pod: PodId },
    /// A worker of a closed load makes its next call.
    NextCall { worker: WorkerId },
    /// A pod's readiness probe succeeds again.
    ReadinessBack { pod: PodId },
    /// A change of a pod's endpoint reaches a node, or the cluster DNS.
    EndpointChange { view: ViewId, pod: PodId, to: Condition },
    /// A SYN reaches the pod that the connection was placed on.
    Syn(Handle<ConnectionIx>),
    /// A connection is READY.
    Connected(Handle<ConnectionIx>),
    /// A connection attempt failed.
    Refused(Handle<ConnectionIx>),
    /// Nothing has answered a connection attempt.
    DialTimeout(Handle<ConnectionIx>),
    /// TCP gives up, if nothing has been acknowledged meanwhile.
    TcpTimeout(Handle<ConnectionIx>),
    /// A GOAWAY reaches the client.
    GoAway { connection: Handle<ConnectionIx>, reason: CloseReason },
    /// MaxConnectionAge.
    AgeOver(Handle<ConnectionIx>),
    /// MaxConnectionAgeGrace.
    GraceOver(Handle<ConnectionIx>),
    /// MaxConnectionIdle may have been reached.
    IdleCheck(Handle<ConnectionIx>),
    /// The client's own limit on a connection's age.
    LifetimeOver(Handle<ConnectionIx>),
    /// Keepalive has something to do, or had.
    Keepalive(Handle<ConnectionIx>),
    /// A keepalive ping reaches the pod; this many calls were open when it was sent.
    Ping { connection: Handle<ConnectionIx>, streams: u32 },
    /// The answer to a keepalive ping reaches the client.
    Pong(Handle<ConnectionIx>),
    /// A keep-alive pool's idle timeout may have been reached.
    PoolIdleCheck(Handle<ConnectionIx>),
    /// The news that connections have been reset reaches their clients: index into the engine's list.
    Resets(u32),
    /// A subchannel may try again.
    BackoffOver { channel: ChannelId, address: Address, epoch: u32 },
    /// pick_first's connection attempt delay (Happy Eyeballs).
    AttemptDelayOver { channel: ChannelId, attempt: u32 },
    /// What a client's replicas on a node are told of the EndpointSlices.
    Push { client: CallerId, node: NodeId },
    /// DNS answers a channel, if it has not been idle since it asked.
    DnsAnswer { channel: ChannelId, life: u32 },
    /// A channel's idle timeout may have been reached.
    ChannelIdle { channel: ChannelId },
    /// A channel puts a waiting call on the wire.
    Dispatch { channel: ChannelId },
    /// A channel reads the weights of its endpoints.
    Reweigh { channel: ChannelId },
    /// Outlier detection judges.
    Sweep { channel: ChannelId },
    /// Pods report their load.
    Report,
    /// A call has come to the proxy beside its client.
    AtProxy(Handle<CallIx>),
    /// An answer has come from the proxy beside its client.
    Answered(Handle<CallIx>),
    /// A call fails without having been sent.
    FailFast(Handle<CallIx>),
    /// A call's back-off between two attempts is over.
    Retry(Handle<CallIx>),
    /// A stream ends.
    StreamOver(Handle<CallIx>),
    /// A message of a stream reaches its pod.
    Message(Handle<CallIx>),
    /// The deadline of a call that has been tried more than once: the first attempt's is in the queue of its client.
    Deadline(Handle<CallIx>),
    /// A client replica starts.
    ReplicaStart { replica: ReplicaId },
    /// The Deployment controller looks at a server.
    Reconcile { server: DeploymentId },
    /// The Deployment controller looks at a client.
    ReconcileClient { client: CallerId },
    /// What becomes of a black hole: the pod's readiness fails, or the hole is over.
    BlackHole { pod: PodId, incarnation: u32, over: bool },
    /// An entry of the scenario's timeline.
    Timeline { action: u32 },
    /// metrics-server looks at the pods of a server that has an autoscaler.
    Scrape { server: DeploymentId },
    /// The autoscaler of a server looks.
    Autoscale { server: DeploymentId },
    /// A window ends.
    Sample,
}
