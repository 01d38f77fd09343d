//! The figures that evidence is given in.

use crate::metrics::outcome::Summary;

/// A figure of a run, of which less is better unless the name says otherwise.
#[derive(Clone, Copy)]
pub struct Figure {
    /// Its name, as in `expect` and `explain` where it is one of those.
    pub name: &'static str,
    /// True if more is better.
    pub more_is_better: bool,
    /// Several runs are told by their median, which one run that collapsed does not rule; otherwise by their mean.
    median: bool,
    read: fn(&Summary) -> Option<f64>,
}

impl Figure {
    /// Its value in a run.
    #[must_use]
    pub fn of(&self, summary: &Summary) -> Option<f64> {
        (self.read)(summary)
    }

    /// Its value over several runs. `None`: there is none.
    pub(super) fn over(&self, mut values: Vec<f64>) -> Option<f64> {
        let n = values.len();
        if !self.median {
            return (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
        }
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.get(n.checked_sub(1)? / 2)?, values.get(n / 2)?);
        Some(f64::midpoint(*low, *high))
    }
}

const fn less(name: &'static str, read: fn(&Summary) -> Option<f64>) -> Figure {
    Figure { name, more_is_better: false, median: false, read }
}

const fn more(name: &'static str, read: fn(&Summary) -> Option<f64>) -> Figure {
    Figure { name, more_is_better: true, median: false, read }
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
pub(super) const P99: Figure = Figure { median: true, ..less("latency_ms.p99", |s| s.latency_ms.p99) };
pub(super) const LONGEST: Figure = Figure { median: true, ..less("latency_ms.max", |s| s.latency_ms.max) };
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
/// What no fix should make worse without a word.
pub(super) const WATCHED: [Figure; 5] = [MAX_OVER_MEAN, IDLE_PODS, P99, FAILED, RECONNECTS];

/// Of the messages of streams.
pub(super) const MESSAGES: Figure = less("messages, max_over_mean", |s| {
    let ready: Vec<f64> = s.pods.iter().filter(|p| p.ready_s.is_some()).map(|p| p.messages as f64).collect();
    let all: f64 = ready.iter().sum();
    (all > 0.0).then(|| ready.iter().copied().fold(0.0, f64::max) * ready.len() as f64 / all)
});

fn closed(summary: &Summary, reason: &str) -> f64 {
    summary.connections.closed_by.get(reason).copied().unwrap_or(0) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_that_collapsed_does_not_rule_a_quantile() {
        assert_eq!(P99.over(vec![10.0, 12.0, 3_000.0]), Some(12.0));
        assert_eq!(P99.over(vec![10.0, 12.0]), Some(11.0));
        assert_eq!(FAILED.over(vec![0.0, 3.0]), Some(1.5));
        assert_eq!((P99.over(Vec::new()), FAILED.over(Vec::new())), (None, None));
    }
}
