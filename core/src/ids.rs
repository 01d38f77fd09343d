//! Names of what a run has. Each is a `u32` with a type of its own, so that the compiler keeps pods, channels and calls apart.
//! Those that end with `Id` are never used again; those that end with `Ix` are places, which are.

use std::collections::TryReserveError;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use crate::narrow::u32_of;

/// What a [`Table`] is indexed by.
pub trait Id: Copy {
    /// The id of the `i`-th entry.
    fn of(i: usize) -> Self;
    /// The entry that it names.
    fn index(self) -> usize;
}

/// Makes the types. Those with `or NONE` have a value that stands for none, for fields that must not grow.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $(or $none:ident)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            $(
                /// None of them.
                pub const $none: $name = $name(u32::MAX);

                /// The id, unless it is `NONE`.
                #[inline]
                #[must_use]
                pub fn some(self) -> Option<$name> {
                    (self != $name::$none).then_some(self)
                }
            )?

            /// This one and those after it, `n` in all.
            pub fn series(self, n: u32) -> impl DoubleEndedIterator<Item = $name> + Clone + use<> {
                (self.0..self.0 + n).map($name)
            }

            /// The `n`-th after this one.
            #[inline]
            #[must_use]
            pub fn plus(self, n: u32) -> $name {
                $name(self.0 + n)
            }
        }

        impl Id for $name {
            #[inline]
            fn of(i: usize) -> $name {
                $name(u32_of(i))
            }

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A pod, numbered from 0 in order of creation over the whole run; never reused.
    PodId or NONE;
    /// A gRPC channel, or a worker of a proxy that balances as one.
    ChannelId;
    /// The pool of connections of an HTTP/1.1 client's replica.
    PoolId;
    /// A gRPC channel or an HTTP/1.1 pool: which of them, the protocol of its client says.
    OwnerId;
    /// A connection, by the place where it is kept: another one has it when this one is closed.
    ConnectionIx or NONE;
    /// A call, by the place where it is kept. After its end another call may get the place.
    CallIx or NONE;
    /// What a picker picks: a READY connection, or a host of a proxy by its place among the channel's addresses.
    EndpointIx;
    /// A slot of a pod, among those of all pods. A later pod may get it when this one is gone.
    SlotIx;
    /// A worker of a closed load, over all clients.
    WorkerId or NONE;
    /// The closed load of a replica, over all clients.
    LoadId;
    /// Somebody who connects and calls: the clients of the model, then its gateways (`Model::callers`).
    CallerId;
    /// Pods of one kind: the servers of the model, then its gateways (`Model::deployments`).
    DeploymentId;
    /// A node of the cluster.
    NodeId;
    /// A view of the endpoints of a Service. Each node has one, then the cluster DNS. Those of the servers come first, then those of each gateway.
    ViewId;
    /// A replica of a client, numbered in order of creation over all clients.
    ReplicaId or NONE;
}

impl EndpointIx {
    /// The connection that it is, of a channel that picks among connections.
    #[inline]
    #[must_use]
    pub fn connection(self) -> ConnectionIx {
        ConnectionIx(self.0)
    }

    /// The place of the host that it is, of a channel that picks among hosts.
    #[inline]
    #[must_use]
    pub fn host(self) -> usize {
        self.0 as usize
    }
}

impl From<ConnectionIx> for EndpointIx {
    #[inline]
    fn from(connection: ConnectionIx) -> EndpointIx {
        EndpointIx(connection.0)
    }
}

impl OwnerId {
    /// The channel that it is, of a gRPC client.
    #[inline]
    #[must_use]
    pub fn channel(self) -> ChannelId {
        ChannelId(self.0)
    }

    /// The pool that it is, of an HTTP/1.1 client.
    #[inline]
    #[must_use]
    pub fn pool(self) -> PoolId {
        PoolId(self.0)
    }
}

impl From<ChannelId> for OwnerId {
    #[inline]
    fn from(channel: ChannelId) -> OwnerId {
        OwnerId(channel.0)
    }
}

impl From<PoolId> for OwnerId {
    #[inline]
    fn from(pool: PoolId) -> OwnerId {
        OwnerId(pool.0)
    }
}

/// What a client connects to: a pod, or the Service's virtual IP. Pods are in their order, the virtual IP is last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Address(pub u32);

impl Address {
    /// The first one in order.
    pub const FIRST: Address = Address(0);
    /// The last one.
    pub const LAST: Address = Address::VIRTUAL_IP;
    /// The Service's virtual IP.
    pub const VIRTUAL_IP: Address = Address(u32::MAX - 1);

    /// The pod, if it is a pod's.
    #[inline]
    #[must_use]
    pub fn pod(self) -> Option<PodId> {
        (self != Address::VIRTUAL_IP).then_some(PodId(self.0))
    }
}

impl From<PodId> for Address {
    #[inline]
    fn from(pod: PodId) -> Address {
        Address(pod.0)
    }
}

/// A `Vec` that only ids of one type index.
#[derive(Clone, Debug)]
pub struct Table<I, T> {
    items: Vec<T>,
    by: PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Table { items: Vec::new(), by: PhantomData }
    }
}

/// The entries in their order.
impl<I, T> From<Vec<T>> for Table<I, T> {
    fn from(items: Vec<T>) -> Self {
        Table { items, by: PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    /// How many entries there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The id of the next entry.
    #[inline]
    #[must_use]
    pub fn next_id(&self) -> I {
        I::of(self.items.len())
    }

    /// Adds an entry, and says which it is.
    #[inline]
    pub fn push(&mut self, item: T) -> I {
        let id = self.next_id();
        self.items.push(item);
        id
    }

    /// An entry, if there is one.
    #[inline]
    #[must_use]
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.index())
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::of)
    }

    /// All entries, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// The entries from `first` on, `n` of them.
    pub fn run_mut(&mut self, first: I, n: usize) -> &mut [T] {
        &mut self.items[first.index()..][..n]
    }

    /// Adds `n` copies of an entry.
    pub fn extend_with(&mut self, n: usize, item: T)
    where
        T: Clone,
    {
        self.items.resize(self.items.len() + n, item);
    }

    /// Makes room for `n` more.
    pub fn reserve_exact(&mut self, n: usize) {
        self.items.reserve_exact(n);
    }

    /// The same, if there is memory for it.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_reserve(&mut self, n: usize) -> Result<(), TryReserveError> {
        self.items.try_reserve(n)
    }

    /// An entry of a table that few kinds of runs use: it grows up to it, with what `empty` makes.
    pub fn reach(&mut self, id: I, empty: impl FnMut() -> T) -> &mut T {
        let i = id.index();
        if self.items.len() <= i {
            self.items.resize_with(i + 1, empty);
        }
        &mut self.items[i]
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

impl<'a, I: Id, T> IntoIterator for &'a Table<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
