//! gRPC's pick_first.
//!
//! Sources: gRFC A62 (sticky TRANSIENT_FAILURE, shuffled addresses) and A61 (Happy Eyeballs); grpc-go `balancer/pickfirst`. Which
//! address is tried next is up to the engine (`sim/handle/pick_first.rs`); a pick has one connection to choose from.

use super::{PickPolicy, View};

/// One connection per channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PickFirst {
    /// After losing its connection: at the next call (as the specification has it) or at once (grpc-go before 1.41).
    pub reconnect: Reconnect,
    /// Shuffle the addresses of each answer (gRFC A62).
    pub shuffle: bool,
}

/// When pick_first reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// At the next call.
    Lazy,
    /// At once.
    Eager,
}

impl PickFirst {
    /// The settings of a gRPC client that has none of its own.
    pub const DEFAULT: PickFirst = PickFirst { reconnect: Reconnect::Lazy, shuffle: false };
}

impl Default for PickFirst {
    fn default() -> PickFirst {
        PickFirst::DEFAULT
    }
}

impl PickPolicy for PickFirst {
    const NAME: &'static str = "pick_first";
    const SUMMARY: &'static str = "One connection per channel: the first address that answers takes all calls. Behind a ClusterIP that is one \
        pod, drawn by kube-proxy once; it is drawn again only when the connection breaks.";
    const SOURCE: &'static str = "gRFC A62; grpc-go balancer/pickfirst";

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
