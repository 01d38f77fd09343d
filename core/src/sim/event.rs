//! Everything that can be scheduled, except calls, responses and completions, which have queues of their own.

use super::observation::CloseReason;
use super::world::Handle;
use crate::ids::{Address, ChannelId, PodId, ReplicaId};
use crate::policy::route::Condition;

/// A scheduled event. References that may be stale carry a generation, an incarnation or an epoch.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A pod (in this incarnation) becomes Ready.
    PodReady { pod: PodId, incarnation: u32 },
    /// The preStop hook is over.
    SigTerm { pod: PodId },
    /// The termination grace period is over.
    SigKill { pod: PodId },
    /// A slow pod is slow no longer, if it was not made slow again.
    SlowOver { pod: PodId },
    /// A pod's readiness probe succeeds again.
    ReadinessBack { pod: PodId },
    /// A change of a pod's endpoint reaches a node, or the cluster DNS.
    EndpointChange { view: u32, pod: PodId, to: Condition },
    /// A SYN reaches the pod that the connection was placed on.
    Syn(Handle),
    /// A connection is READY.
    Connected(Handle),
    /// A connection attempt failed.
    Refused(Handle),
    /// Nothing has answered a connection attempt.
    DialTimeout(Handle),
    /// TCP gives up, if nothing has been acknowledged meanwhile.
    TcpTimeout(Handle),
    /// A GOAWAY reaches the client.
    GoAway { connection: Handle, reason: CloseReason },
    /// MaxConnectionAge.
    AgeOver(Handle),
    /// MaxConnectionAgeGrace.
    GraceOver(Handle),
    /// MaxConnectionIdle may have been reached.
    IdleCheck(Handle),
    /// The client's own limit on a connection's age.
    LifetimeOver(Handle),
    /// Keepalive has something to do, or had.
    Keepalive(Handle),
    /// A keepalive ping reaches the pod; this many calls were open when it was sent.
    Ping { connection: Handle, streams: u32 },
    /// The answer to a keepalive ping reaches the client.
    Pong(Handle),
    /// A keep-alive pool's idle timeout may have been reached.
    PoolIdleCheck(Handle),
    /// The news that connections have been reset reaches their clients: index into the engine's list.
    Resets(u32),
    /// A subchannel may try again.
    BackoffOver { channel: ChannelId, address: Address, epoch: u32 },
    /// pick_first's connection attempt delay (Happy Eyeballs).
    AttemptDelayOver { channel: ChannelId, attempt: u32 },
    /// What a client's replicas on a node are told of the EndpointSlices.
    Push { client: u32, node: u32 },
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
    AtProxy(Handle),
    /// An answer has come from the proxy beside its client.
    Answered(Handle),
    /// A call fails without having been sent.
    FailFast(Handle),
    /// A call's back-off between two attempts is over.
    Retry(Handle),
    /// A stream ends.
    StreamOver(Handle),
    /// A message of a stream reaches its pod.
    Message(Handle),
    /// The deadline of a call that has been tried more than once: the first attempt's is in the queue of its client.
    Deadline(Handle),
    /// A client replica starts.
    ReplicaStart { replica: ReplicaId },
    /// The Deployment controller looks at a server.
    Reconcile { server: u32 },
    /// The Deployment controller looks at a client.
    ReconcileClient { client: u32 },
    /// What becomes of a black hole: the pod's readiness fails, or the hole is over.
    BlackHole { pod: PodId, incarnation: u32, over: bool },
    /// An entry of the scenario's timeline.
    Timeline { action: u32 },
    /// metrics-server looks at the pods of a server that has an autoscaler.
    Scrape { server: u32 },
    /// The autoscaler of a server looks.
    Autoscale { server: u32 },
    /// A window ends.
    Sample,
}
