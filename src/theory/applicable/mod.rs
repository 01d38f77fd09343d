//! Which closed forms say something about a scenario, and what they say.
//!
//! A form is offered only where its assumptions hold in the scenario as written; what it leaves out is said in `basis`.
//! All values are means over seeds: one run scatters around them.

mod change;
mod placement;
mod queues;
#[cfg(test)]
mod tests;

use crate::metrics::outcome::{Summary, TheoryRow};
use crate::model::{Client, GrpcServer, Load, Model, Protocol, What};
use crate::units::Time;

/// A closed form that applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Applicable {
    /// What it gives, in words.
    pub figure: String,
    /// What of a run to compare it with.
    pub compare: Compare,
    /// Its value, in the unit of what it is compared with.
    pub theory: f64,
    /// Formula and source.
    pub basis: String,
}

/// What of a run's summary a closed form is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The figure at this path, e.g. `skew.max_over_mean`.
    Path(&'static str),
    /// Connections at the end, over the mean of the pods that are there at the end, of the pod that became Ready as the
    /// k-th of these, from 0; negative counts from the last.
    ConnectionsOfPod(i32),
    /// Mean connections at the end of the pods that became Ready after this instant, over the mean of all pods that are
    /// there at the end.
    ConnectionsOfPodsReadyAfter(Time),
}

impl Compare {
    /// The run's value. `None` if it has none.
    #[must_use]
    pub fn of(self, summary: &Summary) -> Option<f64> {
        match self {
            Compare::Path(path) => {
                let value = serde_json::to_value(summary).ok()?;
                path.split('.').try_fold(&value, |v, key| v.get(key))?.as_f64()
            }
            Compare::ConnectionsOfPod(rank) => {
                let loads = relative_connections(summary)?;
                let index =
                    if rank < 0 { loads.len().checked_sub(rank.unsigned_abs() as usize)? } else { rank as usize };
                loads.get(index).map(|(_, load)| *load)
            }
            Compare::ConnectionsOfPodsReadyAfter(at) => {
                let loads = relative_connections(summary)?;
                let new: Vec<f64> =
                    loads.iter().filter(|(t, _)| *t > at.as_secs_f64()).map(|(_, load)| *load).collect();
                (!new.is_empty()).then(|| new.iter().sum::<f64>() / new.len() as f64)
            }
        }
    }
}

/// Pods that were Ready and are still there: when they became so, and their connections over the mean; in that order.
fn relative_connections(summary: &Summary) -> Option<Vec<(f64, f64)>> {
    let mut pods: Vec<(f64, f64)> = summary
        .pods
        .iter()
        .filter(|pod| pod.deleted_s.is_none())
        .filter_map(|pod| Some((pod.ready_s?, pod.connections_at_end as f64)))
        .collect();
    pods.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = pods.iter().map(|(_, load)| load).sum::<f64>() / pods.len() as f64;
    (mean > 0.0).then(|| pods.into_iter().map(|(t, load)| (t, load / mean)).collect())
}

/// The closed forms that apply to a scenario.
#[must_use]
pub fn for_scenario(model: &Model) -> Vec<Applicable> {
    // Streams keep connections that drain, and what they cost is not on the calls that the forms know; behind a gateway, clients'
    // connections are not the servers'.
    let streams = model.clients.iter().any(|c| matches!(c.load, Load::Streams(_)));
    let kept = model.session_affinity.is_some();
    if streams || kept || !model.gateways.is_empty() || model.servers.iter().any(|s| s.hpa.is_some()) {
        return Vec::new();
    }
    [
        placement::balls_in_bins(model),
        change::rollout_skew(model),
        change::scale_up(model),
        queues::open(model),
        queues::closed(model),
    ]
    .concat()
}

/// The same beside what a run of the scenario came to.
#[must_use]
pub fn rows(model: &Model, summary: &Summary) -> Vec<TheoryRow> {
    for_scenario(model)
        .into_iter()
        .map(|a| TheoryRow { simulated: a.compare.of(summary), figure: a.figure, theory: a.theory, basis: a.basis })
        .collect()
}

/// Connections of all clients, if every one is made once by gRPC through the ClusterIP and never ended by either side
/// but for what the timeline does.
fn pinned_connections(model: &Model) -> Option<u32> {
    let lasting = |c: &Client| {
        let own = c.via.is_none() || c.channels == 1;
        matches!(c.protocol, Protocol::Grpc(_)) && c.connection_lifetime.is_none() && own
    };
    let ends = |grpc: &GrpcServer| grpc.max_connection_idle.is_some() || grpc.max_requests_per_connection.is_some();
    let ended = model.servers.iter().any(|s| ends(&s.grpc));
    if model.clients.iter().any(|c| model.knows_pods(c)) || ended || !model.clients.iter().all(lasting) {
        return None;
    }
    model.clients.iter().try_fold(0u32, |sum, c| sum.checked_add(c.replicas.checked_mul(c.channels)?))
}

fn ageless(model: &Model) -> bool {
    let ageless = |grpc: &GrpcServer| grpc.max_connection_age.is_none() && grpc.max_requests_per_connection.is_none();
    model.servers.iter().all(|s| ageless(&s.grpc))
}

/// What the timeline does to pods and connections.
fn changes(model: &Model) -> Vec<(Time, &What)> {
    model.timeline.iter().filter(|a| a.what.moves_connections()).map(|a| (a.at, &a.what)).collect()
}
