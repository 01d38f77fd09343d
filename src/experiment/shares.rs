//! Each pod's share of the requests of now.

use crate::metrics::outcome::{Outcome, PodSummary};

/// How the requests of one scenario fell on its pods at one time: what a small chart needs.
#[derive(Clone, Debug, PartialEq)]
pub struct PodShares {
    /// The scenario.
    pub scenario: String,
    /// Each pod with its share, in order of creation; the shares sum to one.
    pub pods: Vec<(String, f64)>,
}

/// The shares of now, as in the table of `run`: of the last settled phase. Of the whole run if there is no such phase.
#[must_use]
pub fn pod_shares(outcome: &Outcome) -> PodShares {
    let summary = &outcome.summary;
    let scenario = summary.scenario.clone();
    let pods = |share: &dyn Fn(&PodSummary) -> Option<f64>| {
        summary.pods.iter().filter_map(|pod| Some((pod.pod.clone(), share(pod)?))).collect()
    };
    match summary.headline() {
        Some(_) => {
            let now = |pod: &PodSummary| pod.now.as_ref().and_then(|now| now.share);
            PodShares { scenario, pods: pods(&now) }
        }
        None => PodShares { scenario, pods: pods(&|pod| pod.share) },
    }
}
