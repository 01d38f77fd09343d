//! The figures that evidence is given in.

use crate::metrics::outcome::Summary;

/// A figure of a run, of which less is better unless the name says otherwise.
#[derive(Clone, Copy)]
pub struct Figure {
    /// Its name, as in `expect` and `explain` where it is one of those.
    pub name: &'static str,
    /// True if more is better.
    pub more_is_better: bool,
    read: fn(&Summary) -> Option<f64>,
}

impl Figure {
    /// Its value in a run.
    #[must_use]
    pub fn of(&self, summary: &Summary) -> Option<f64> {
        (self.read)(summary)
    }
}

const fn less(name: &'static str, read: fn(&Summary) -> Option<f64>) -> Figure {
    Figure { name, more_is_better: false, read }
}

const fn more(name: &'static str, read: fn(&Summary) -> Option<f64>) -> Figure {
    Figure { name, more_is_better: true, read }
}

pub(super) const MAX_OVER_MEAN: Figure = less("max_over_mean", |s| s.skew.headline.max_over_mean);
pub(super) const WORST_WINDOW: Figure =
    less("worst_window.max_over_mean", |s| s.skew.worst_window.as_ref()?.figures.max_over_mean);
pub(super) const IDLE_PODS: Figure = less("idle_pods", |s| s.skew.headline.idle_pods);
pub(super) const FAILED: Figure = less("requests.failed", |s| Some(s.requests.failed as f64));
pub(super) const UNFINISHED: Figure = less("requests.unfinished", |s| Some(s.requests.unfinished as f64));
pub(super) const RETRIES: Figure = less("requests.retries", |s| Some(s.requests.retries as f64));
pub(super) const OK: Figure = more("requests.ok", |s| Some(s.requests.ok as f64));
pub(super) const THROUGHPUT: Figure = more("throughput_rps", |s| Some(s.throughput_rps));
pub(super) const P99: Figure = less("latency_ms.p99", |s| s.latency_ms.p99);
pub(super) const LONGEST: Figure = less("latency_ms.max", |s| s.latency_ms.max);
pub(super) const OPENED: Figure = less("connections.opened", |s| Some(s.connections.opened as f64));
pub(super) const RECONNECTS: Figure = less("reconnects_per_s", |s| Some(s.reconnects_per_s));
pub(super) const TOO_MANY_PINGS: Figure =
    less("connections.closed_by.too_many_pings", |s| Some(closed(s, "too_many_pings")));
pub(super) const THROTTLED: Figure =
    less("pods.throttled, most", |s| s.pods.iter().filter_map(|p| p.throttled).reduce(f64::max));
pub(super) const PODS: Figure = more("pods at the end", |s| {
    Some(s.pods.iter().filter(|p| p.deleted_s.is_none() && p.ready_s.is_some()).count() as f64)
});
pub(super) const IDLE_GATEWAYS: Figure = less("gateways without a call", |s| {
    Some(s.gateways.iter().filter(|g| g.requests == 0 && g.ready_s.is_some()).count() as f64)
});
/// Of the messages of streams.
pub(super) const MESSAGES: Figure = less("messages, max_over_mean", |s| {
    let ready: Vec<f64> = s.pods.iter().filter(|p| p.ready_s.is_some()).map(|p| p.messages as f64).collect();
    let all: f64 = ready.iter().sum();
    (all > 0.0).then(|| ready.iter().copied().fold(0.0, f64::max) * ready.len() as f64 / all)
});

fn closed(summary: &Summary, reason: &str) -> f64 {
    summary.connections.closed_by.get(reason).copied().unwrap_or(0) as f64
}
