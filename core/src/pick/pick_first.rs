//! gRPC's pick_first.
//!
//! Sources: gRFC A62 (sticky TRANSIENT_FAILURE, shuffled addresses) and A61 (Happy Eyeballs); grpc-go `balancer/pickfirst`. Which
//! address is tried next is up to the engine (`sim/handle/pick_first.rs`); a pick has one connection to choose from.

use super::{PickPolicy, View};
use crate::settings::{FLAG, word};
use crate::{settings, word_enum};

settings! {
    /// Settings of pick_first.
    pub struct PickFirst {
        /// After losing its connection it reconnects at the next call (as the specification has it) or at once (grpc-go before 1.41).
        reconnect: Reconnect [word::<Reconnect>()] = Reconnect::Lazy;
        /// Shuffle the addresses of each answer (gRFC A62).
        shuffle: bool [FLAG] = false;
    }
}

word_enum! {
    /// When pick_first reconnects.
    pub enum Reconnect {
        /// At the next call.
        Lazy = "lazy",
        /// At once.
        Eager = "eager",
    }
}

impl PickPolicy for PickFirst {
    const NAME: &'static str = "pick_first";
    const SUMMARY: &'static str = "One connection per channel: the first address that answers takes all calls. Behind a ClusterIP that is one \
        pod, drawn by kube-proxy once; it is drawn again only when the connection breaks.";
    const SOURCE: &'static str = "gRFC A62; grpc-go balancer/pickfirst";

    /// Behind a ClusterIP it is what people have.
    const NEEDS_ADDRESSES: bool = false;
    const KEYS_OF_ADDRESSES: &'static [&'static str] = &["shuffle"];

    type Memory = ();
    type Plan = ();

    fn pick(&self, view: &mut impl View<Self>, _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        (!view.is_empty()).then(|| view.turn())
    }

    fn one_connection(&self) -> bool {
        true
    }

    fn goes_in_turn(&self) -> bool {
        true
    }

    fn picks_hosts(&self) -> bool {
        false
    }
}
