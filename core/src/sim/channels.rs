//! The state of gRPC channels.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::observation::FailureReason;
use super::plans::{Answer, Joined, Plan};
use super::world::Waiting;
use crate::ids::{Address, ChannelId, ConnectionIx, EndpointIx, ReplicaId};
use crate::model::Policy;
use crate::pick;
use crate::units::Time;

/// The state of one address in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubchannelState {
    /// Not connected, not trying.
    Idle,
    /// A dial is under way.
    Connecting,
    /// Connected.
    Ready,
    /// Waiting to try again.
    Backoff,
}

/// One address of a channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subchannel {
    pub address: Address,
    /// Slot of its connection while Connecting or Ready.
    pub connection: ConnectionIx,
    /// Voids back-off timers set before.
    pub epoch: u32,
    pub state: SubchannelState,
    /// Has failed since it was last READY: counts as TRANSIENT_FAILURE although it tries again.
    pub failed: bool,
    /// Failed attempts in a row.
    pub failures: u8,
}

impl Subchannel {
    pub(super) fn new(address: Address) -> Subchannel {
        Subchannel {
            address,
            connection: ConnectionIx::NONE,
            epoch: 0,
            state: SubchannelState::Idle,
            failed: false,
            failures: 0,
        }
    }
}

/// The addresses of a channel.
pub(super) type Subchannels = SmallVec<[Subchannel; 1]>;

/// A channel's connectivity (`doc/connectivity-semantics-and-api.md` of gRPC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connectivity {
    Idle,
    Connecting,
    Ready,
    TransientFailure,
}

/// A gRPC channel.
#[derive(Debug)]
pub(super) struct Channel<'a> {
    pub replica: ReplicaId,
    /// The channel that balances for it: itself, or one on the same worker of the proxy that does.
    pub balancer: ChannelId,
    pub state: Connectivity,
    /// What its last failed dial or lookup came to: what a call is told that fails for want of a connection.
    pub trouble: FailureReason,
    /// Its replica has stopped: no new calls, close when the last one ends.
    pub stopped: bool,
    /// A `Dispatch` event is under way.
    pub dispatching: bool,
    /// Of its client: kept here, where each pick reads it.
    pub policy: &'a Policy,
    /// Dials when a call needs it, as Envoy does: `picker` has all hosts, as indices into `subchannels`.
    pub pools: bool,
    /// A pick needs to know nothing but whose turn it is.
    pub in_turn: bool,
    /// Index into `picker` of the next pick.
    pub next: u32,
    /// With `next` the number of the next pick: what a counter was at the picker's first place in this round.
    pub turned: u32,
    /// READY connections, in the order of picks; rebuilt before the next pick if `stale`.
    pub picker: SmallVec<[EndpointIx; 2]>,
    pub stale: bool,
    /// What the policy keeps beside the picker, if anything.
    pub plan: Option<Box<Plan>>,
    /// When its hosts joined, if slow start asks.
    pub joined: Option<Box<Joined>>,
    /// READY subchannels.
    pub ready: u32,
    /// Its addresses: for round_robin in order of address, for pick_first in order of attempt.
    pub subchannels: Subchannels,
    /// Calls that wait for a READY connection, first in first out.
    pub waiting: Waiting,
    /// Pickers built so far, and calls that waited or failed for want of a connection: they count draws.
    pub pickers: u32,
    pub dispatched: u32,
    /// pick_first goes through its addresses.
    pub in_pass: bool,
    /// Attempts of pick_first so far (voids the timers of earlier ones), and the next address of its pass.
    pub attempt: u32,
    pub pass_next: u32,
    /// Its DNS resolver; a virtual IP needs none.
    pub resolver: Option<Box<ResolverState>>,
}

impl Channel<'_> {
    /// Whose turn it is: a position in the picker, which must have some.
    #[inline(always)]
    pub(super) fn take_turn(&mut self) -> usize {
        pick::take_turn(&mut self.next, &mut self.turned, self.picker.len())
    }

    /// The resolver's answer, if the policy goes by its order.
    pub(super) fn answer(&mut self) -> Option<&mut Answer> {
        match self.plan.as_deref_mut() {
            Some(Plan::Answer(answer)) => Some(answer),
            _ => None,
        }
    }
}

/// The connections of a pool beyond the first, by number: in the order in which they were dialled. There are thousands of them where many
/// calls wait for pods whose connections carry few at once, so a call must not look at each.
#[derive(Debug, Default)]
pub(super) struct Pooled {
    pub all: BTreeMap<u64, ConnectionIx>,
    /// Those that may take one more call: all that do, and some that do not and have not been looked at since.
    pub open: BTreeMap<u64, ConnectionIx>,
    /// Streams on all of them.
    pub streams: u32,
}

impl Pooled {
    pub(super) fn add(&mut self, id: u64, connection: ConnectionIx) {
        self.all.insert(id, connection);
        self.open.insert(id, connection);
    }

    /// A connection has ended or has left the pool: it carries this many `streams`.
    pub(super) fn remove(&mut self, id: u64, streams: u32) {
        if self.all.remove(&id).is_some() {
            self.open.remove(&id);
            self.streams -= streams;
        }
    }
}

/// A channel's DNS resolver.
#[derive(Debug, Default)]
pub(super) struct ResolverState {
    /// When the last answer came; `None`: never.
    pub answered: Option<Time>,
    /// A lookup is scheduled or under way.
    pub pending: bool,
    /// One more request came while a lookup was scheduled.
    pub again: bool,
    /// Lookups in a row that found nothing.
    pub failures: u32,
    /// Answers so far.
    pub answers: u64,
    /// Of a watch: how much of its node's log is in the channel's list, and how much it has heard of.
    pub listed: usize,
    pub heard: usize,
    /// How often the channel has been idle: voids what was asked before.
    pub life: u32,
}
