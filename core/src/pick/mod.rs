//! Pick policies: on which of its connections, or to which host of its proxy, a channel sends a call.
//!
//! A policy is one file of this folder. The file has one type, which holds the settings of the policy and implements
//! [`PickPolicy`]. One line in the list below (`registry!`) adds it to the enum [`Policy`], to [`Policy::KINDS`] and to the tests of
//! what all policies promise (`tests/policy_contract.rs`). The methods of the trait that have a body are for policies that do more
//! than pick: most policies leave them as they are.
//!
//! A policy sees only what a real client knows. Its draws are those of the call. It knows neither the engine nor the model.

#[macro_use]
mod registry;
mod trial;

pub mod counted;
pub mod haproxy;
mod haproxy_leastconn;
mod haproxy_random;
pub mod least_request;
pub mod maglev;
pub mod nginx;
mod nginx_least_conn;
mod nginx_random_two;
pub mod p2c;
pub mod peak_ewma;
mod pick_first;
mod random;
pub mod ring_hash;
pub mod round_robin;
pub mod swrr;
pub mod weighted_round_robin;

use std::fmt::Debug;

pub use pick_first::Reconnect;
pub use registry::{Kind, Registered};
pub use round_robin::RotationStart;
pub use trial::Trial;
pub use weighted_round_robin::Report;

use crate::ids::{Address, ConnectionIx, EndpointIx, Table};
use crate::settings::Settings;
use crate::units::{Span, Time};

// All policies: file and type.
registry! { $
    pick_first: PickFirst,
    round_robin: RoundRobin,
    random: Random,
    weighted_round_robin: WeightedRoundRobin,
    least_request: LeastRequest,
    peak_ewma: PeakEwma,
    ring_hash: RingHash,
    maglev: Maglev,
    nginx_least_conn: NginxLeastConn,
    nginx_random_two: NginxRandomTwo,
    haproxy_leastconn: HaproxyLeastConn,
    haproxy_random: HaproxyRandom,
}

pub(crate) use on_policy;

/// A pick policy: its settings, and what it does. See the documentation of the module.
pub trait PickPolicy: Settings + Copy + PartialEq + Debug {
    /// Its name: the one in scenarios, or in the configuration of the proxy that alone has it.
    const NAME: &'static str;
    /// What it does, in one or two sentences: `evenkeel explain` prints them.
    const SUMMARY: &'static str;
    /// Where its behaviour comes from.
    const SOURCE: &'static str;
    /// The proxy that alone has it, if there is one: then that proxy's settings choose it, not `policy`.
    const PROXY: Option<&'static str> = None;
    /// It is refused where there is one address, as behind a ClusterIP: it would have nothing to choose from.
    const NEEDS_ADDRESSES: bool = true;
    /// Keys that have no effect where there is one address, of a policy that is not refused there.
    const KEYS_OF_ADDRESSES: &'static [&'static str] = &[];

    /// What a client remembers of one connection, or `()`. The default is a connection of which nothing is known.
    type Memory: Clone + Default + Debug;
    /// What a channel keeps for its picks beside the list of its endpoints, or `()`.
    type Plan: Debug;

    /// The endpoint for a call. `None`: the call fails. `draw` gives the random numbers of the call.
    fn pick(&self, view: &mut impl View<Self>, draw: &mut impl FnMut() -> u64) -> Option<usize>;

    // How it is set.

    /// What holds where a scenario says nothing, for a client whose stack rotates so.
    fn usual(_rotation: RotationStart) -> Self {
        Self::default()
    }

    /// Settles what settings mean together. `given` says whether a key is written.
    ///
    /// # Errors
    /// What is wrong with them.
    fn settle(&mut self, _given: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
        Ok(())
    }

    // What kind of policy it is.

    /// True if a channel has one connection, whatever the number of addresses.
    fn one_connection(&self) -> bool {
        false
    }

    /// True if a pick needs to know nothing but whose turn it is. The engine takes the turn itself, without [`PickPolicy::pick`].
    fn goes_in_turn(&self) -> bool {
        false
    }

    /// Where a rebuilt picker starts, and in which order it goes. `None`: with the first, in order of address.
    fn rotation(&self) -> Option<RotationStart> {
        None
    }

    /// True if a call goes by its key: then [`PickPolicy::pick_by_key`] picks.
    fn hashes(&self) -> bool {
        false
    }

    /// True if endpoints with less to do, or faster ones, get more calls. The verdict then says that a pod is slow.
    fn prefers_by_load(&self) -> bool {
        false
    }

    /// False if it cannot pick among the hosts of a proxy, whether connected or not, as Envoy does: because it has one connection, or
    /// learns from connections. Whether a proxy has the policy is another question.
    fn picks_hosts(&self) -> bool {
        true
    }

    // What it learns.

    /// True if it learns from the ends of calls: then [`PickPolicy::learn`] hears of each.
    fn learns(&self) -> bool {
        false
    }

    /// True if it asks the servers for load reports (ORCA).
    fn asks_for_reports(&self) -> bool {
        false
    }

    /// A connection has become READY.
    fn connected(&self, _memory: &mut Self::Memory, _now: Time) {}

    /// A call on a connection has ended.
    fn learn(&self, _memory: &mut Self::Memory, _ended: &Ended) {}

    // What it plans.

    /// The plan for a new list of endpoints, made from the plan `before`. `None`: it needs none.
    fn plan(&self, _of: &mut Endpoints<'_, Self::Memory>, _before: Option<Self::Plan>) -> Option<Self::Plan> {
        None
    }

    /// How often its plan is renewed. `None`: only when the list of endpoints changes.
    fn renewal(&self) -> Option<Span> {
        None
    }

    /// Renews the plan for the same list of endpoints.
    fn renew(&self, _plan: &mut Self::Plan, _of: &mut Endpoints<'_, Self::Memory>) {}

    /// The endpoint, as an index into [`Endpoints::addresses`], to which the hash of a call's key leads; endpoints that are not
    /// `usable` are passed over.
    fn pick_by_key(&self, _plan: &Self::Plan, _hash: u64, _usable: impl Fn(usize) -> bool) -> Option<usize> {
        None
    }

    /// True if it counts the calls under way itself, as NGINX and HAProxy do: then it hears of each that begins or ends.
    fn counts(&self) -> bool {
        false
    }

    /// A call begins at the host that was picked.
    fn began(&self, _plan: &mut Self::Plan, _picked: usize) {}

    /// A call that went to this address is over.
    fn ended(&self, _plan: &mut Self::Plan, _address: Address) {}

    /// The weight of a host in Envoy's slow start, whose factor is given. `outstanding` says how many calls it has.
    fn slow_weight(&self, factor: f64, _outstanding: impl FnOnce() -> u32) -> f64 {
        factor
    }
}

/// What is wrong with the settings of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key.
    pub key: &'static str,
    /// Why.
    pub message: String,
    /// The value is wrong by itself; otherwise it contradicts another key.
    pub alone: bool,
}

/// What a policy sees when it picks: the READY connections of its channel, or the hosts of its proxy, without those that are left out.
/// Endpoints are named by their index.
pub trait View<P: PickPolicy> {
    /// How many endpoints there are.
    fn len(&self) -> usize;

    /// True if there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The calls that the client has under way at an endpoint, with those that wait for a stream of its connection. Of a host: the
    /// calls of all workers of the proxy, without those that wait for a connection.
    fn outstanding(&self, i: usize) -> u32;

    /// The calls that have a stream on a connection.
    fn streams(&self, i: usize) -> u32;

    /// Now.
    fn now(&self) -> Time;

    /// Takes the next turn in rotation. There must be an endpoint.
    fn turn(&mut self) -> usize;

    /// What the client remembers of a connection.
    fn memory(&mut self, i: usize) -> &mut P::Memory;

    /// The plan of the channel, if it has one.
    fn plan(&mut self) -> Option<&mut P::Plan>;
}

/// The endpoints of a channel, as a plan sees them.
pub struct Endpoints<'a, M> {
    /// Connections or hosts that may be picked, in the order of the view.
    pub usable: &'a [EndpointIx],
    /// What is remembered, by connection; there may be less, if nothing is remembered.
    pub memories: &'a mut Table<ConnectionIx, M>,
    /// Makes the list of [`Endpoints::addresses`].
    pub all: &'a dyn Fn() -> Vec<Address>,
    /// Now.
    pub now: Time,
    /// A draw of the channel's own, a new one for each list of endpoints.
    pub drawn: u64,
}

impl<M> Endpoints<'_, M> {
    /// The addresses of all endpoints, usable or not, in their order.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        (self.all)()
    }

    /// Goes through what is remembered of each usable connection.
    pub fn remembered<T>(&mut self, mut each: impl FnMut(&mut M) -> T) -> Vec<T> {
        let (usable, memories) = (self.usable, &mut *self.memories);
        usable.iter().map(|&c| each(&mut memories[c.connection()])).collect()
    }
}

/// A call that has ended: with a response, or given up.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Now.
    pub now: Time,
    /// Since it was sent.
    pub took: Span,
    /// The load report that came with the response, if the policy asks for reports and there was a response.
    pub report: Option<Report>,
}

/// An address with its port, as hashes of addresses see it.
#[must_use]
pub fn address_of(address: Address) -> String {
    let [a, b, c, d] = address.0.to_be_bytes();
    format!("{}.{b}.{c}.{d}:50051", 10 + u32::from(a))
}

/// Addresses as hashes see them, all of one weight.
fn named(addresses: &[Address]) -> Vec<(String, u32)> {
    addresses.iter().map(|&a| (address_of(a), 1)).collect()
}

/// The next of `len` turns, counted by the index `next` and by `turned`, the turns before this round.
#[inline(always)]
pub fn take_turn(next: &mut u32, turned: &mut u32, len: usize) -> usize {
    let i = *next as usize;
    if i + 1 == len {
        (*next, *turned) = (0, turned.wrapping_add(*next + 1));
    } else {
        *next += 1;
    }
    i
}
