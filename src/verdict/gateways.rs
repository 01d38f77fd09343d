//! What gateways inherit: kube-proxy places the connections of their clients on their pods.

use crate::metrics::outcome::{Outcome, PodSummary};
use crate::model::Model;
use crate::words::counted;

/// Times its part of the connections above which a pod of a gateway is named.
const UNEVEN: f64 = 1.25;

/// Where the skew went that is no longer the servers'.
pub(super) fn inherited(model: &Model, outcome: &Outcome) -> Option<String> {
    let texts: Vec<String> = model.gateways.iter().filter_map(|g| uneven(outcome, &g.server.name)).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn uneven(outcome: &Outcome, gateway: &str) -> Option<String> {
    let mine = |p: &&PodSummary| p.server == gateway && p.ready_s.is_some() && p.deleted_s.is_none();
    let pods: Vec<&PodSummary> = outcome.summary.gateways.iter().filter(mine).collect();
    let connections: u64 = pods.iter().map(|p| p.connections_at_end).sum();
    let hot = pods.iter().rev().max_by_key(|p| p.connections_at_end)?;
    if hot.connections_at_end as f64 * pods.len() as f64 <= UNEVEN * connections as f64 {
        return None;
    }
    let has = match connections {
        1 => "has the only connection".to_owned(),
        n => format!("has {} of the {}", hot.connections_at_end, counted(n, "connection")),
    };
    Some(format!(
        "The gateway's own pods are not even: {} {has} of {gateway}'s clients at the end, since kube-proxy places those and \
         never moves them.",
        hot.pod
    ))
}
