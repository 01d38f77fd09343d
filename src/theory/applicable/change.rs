//! Changes: rollouts and scale-ups behind a ClusterIP.

use super::{Applicable, Compare, ageless, changes, pinned_connections};
use crate::distribution::Distribution;
use crate::model::{GrpcClient, Model, Protocol, Scale, Server, Strategy, What};
use crate::policy::controller::fenceposts;
use crate::theory::recovery::JITTER;
use crate::theory::renewal::Renewal;
use crate::theory::rollout::{self, Readiness, Rollout, Walk};
use crate::units::Span;

/// Rollout skew: exactly one rollout of the only server, behind the ClusterIP, and nothing else.
pub(super) fn rollout_skew(model: &Model) -> Vec<Applicable> {
    let changes = changes(model);
    let ([server], [(at, What::RolloutServer(_))]) = (model.servers.as_slice(), changes.as_slice()) else {
        return Vec::new();
    };
    if pinned_connections(model).is_none() || !ageless(model) {
        return Vec::new();
    }
    let Some((rollout, walk)) = as_rollout(model, server).and_then(|r| Some((r, rollout::walk(r)?))) else {
        return Vec::new();
    };
    let step = range(&server.startup).map_or(server.startup.mean(), |(_, max)| max) + server.min_ready.as_secs_f64();
    let over = at.as_secs_f64() + f64::from(walk.waits) * step + server.termination.grace.as_secs_f64();
    if model.duration.is_none_or(|d| d.as_secs_f64() <= over) {
        return Vec::new();
    }
    rollout_rows(rollout, &walk)
}

fn rollout_rows(rollout: Rollout, walk: &Walk) -> Vec<Applicable> {
    let Rollout { replicas, surge, unavailable, readiness, lagging } = rollout;
    let order = if readiness == Readiness::Waves { "in waves" } else { "one at a time" };
    let lag = if lagging { ", endpoint lag above preStop" } else { "" };
    let basis = format!(
        "a dying pod's connections re-dial the pods that are ready then; n = {replicas}, surge {surge}, unavailable \
         {unavailable}, ready {order}{lag}"
    );
    let row = |figure: &str, rank: i32, theory: f64| Applicable {
        figure: format!("connections of the {figure} pod to become ready, over the mean"),
        compare: Compare::ConnectionsOfPod(rank),
        theory,
        basis: basis.clone(),
    };
    let ends = walk.new_pods.first().zip(walk.new_pods.last());
    ends.map_or_else(Vec::new, |(first, last)| vec![row("first", 0, *first), row("last", -1, *last)])
}

/// The rollout as `theory::rollout` walks it, if its timing keeps to what is assumed there: connections of a dying pod
/// re-dial before the next pod is ready, and endpoint lag is below preStop, or between that and the first back-off delay
/// after it.
fn as_rollout(model: &Model, server: &Server) -> Option<Rollout> {
    let Strategy::RollingUpdate { max_surge, max_unavailable } = server.strategy else { return None };
    let pre_stop = server.termination.pre_stop.as_secs_f64();
    let (lag_min, lag_max) = range(&model.cluster.endpoint_lag)?;
    let (startup_min, startup_max) = range(&server.startup).unwrap_or((server.startup.quantile(0.0), f64::INFINITY));
    let (retry_min, retry_max) = first_retry(model);
    let (lagging, over) = if lag_max <= pre_stop {
        (false, pre_stop)
    } else if lag_min > pre_stop && lag_max <= pre_stop + retry_min {
        (true, pre_stop + retry_max)
    } else {
        return None;
    };
    let waves = startup_min == startup_max;
    // Ready but not yet available pods would be dialled, too, unless each group is both at once.
    if startup_min <= over || !(waves || server.min_ready == Span::ZERO) {
        return None;
    }
    let n = server.replicas;
    let (surge, unavailable) = fenceposts(max_surge, max_unavailable, n);
    let readiness = if waves { Readiness::Waves } else { Readiness::OneByOne };
    Some(Rollout { replicas: n, surge, unavailable, readiness, lagging })
}

/// Shortest and longest delay after a first failed dial, in seconds, over the clients.
fn first_retry(model: &Model) -> (f64, f64) {
    let delays = model.clients.iter().filter_map(|c| match &c.protocol {
        // The next call's instant.
        Protocol::Grpc(grpc) if grpc.backoff.per_call => Some((0.0, f64::INFINITY)),
        Protocol::Grpc(GrpcClient { backoff, .. }) => {
            let base = backoff.base.as_secs_f64();
            let jitter = if backoff.jitter_first { backoff.jitter } else { 0.0 };
            Some((base * (1.0 - jitter), base * (1.0 + jitter)))
        }
        Protocol::Http1(_) => None,
    });
    delays.fold((f64::INFINITY, 0.0), |(min, max), d| (min.min(d.0), max.max(d.1)))
}

/// Smallest and largest value of a bounded distribution.
fn range(d: &Distribution) -> Option<(f64, f64)> {
    match d {
        Distribution::Constant(x) => Some((*x, *x)),
        Distribution::Uniform { min, max } => Some((*min, *max)),
        Distribution::Empirical(samples) => Some((*samples.first()?, *samples.last()?)),
        _ => None,
    }
}

/// Scale-up: exactly one, of the only server, behind the ClusterIP. New pods get what re-dials since they are
/// selectable.
pub(super) fn scale_up(model: &Model) -> Vec<Applicable> {
    let changes = changes(model);
    let ([server], [(at, What::Scale(Scale { replicas, .. }))]) = (model.servers.as_slice(), changes.as_slice()) else {
        return Vec::new();
    };
    let (Some(_), Some(duration)) = (pinned_connections(model), model.duration) else { return Vec::new() };
    if *replicas <= server.replicas || server.replicas == 0 {
        return Vec::new();
    }
    let selectable = at.as_secs_f64() + server.startup.mean() + model.cluster.endpoint_lag.mean();
    let redialled = match server.grpc.max_connection_age {
        None => Some(0.0),
        Some(age) => redialled_since(model, age.as_secs_f64(), selectable, duration.as_secs_f64()),
    };
    let Some(theory) = redialled.filter(|_| selectable < duration.as_secs_f64()) else { return Vec::new() };
    let basis = match server.grpc.max_connection_age {
        None => "established connections never move, and nothing ends them".to_string(),
        Some(age) => format!("part of the connections that re-dialled since: renewal equation, lifetimes {age} ±10 %"),
    };
    vec![Applicable {
        figure: "connections of the pods added by the scale-up at the end, over the mean of all".to_string(),
        compare: Compare::ConnectionsOfPodsReadyAfter(*at),
        theory,
        basis,
    }]
}

/// Part of all connections that re-dial between two instants. `None` if that cannot be solved for.
fn redialled_since(model: &Model, age: f64, from: f64, to: f64) -> Option<f64> {
    let renewal = Renewal::new(JITTER, to / age)?;
    let (mut sum, mut count) = (0.0, 0.0);
    for client in &model.clients {
        let (start, spread) = (client.start.at.as_secs_f64(), client.start.spread.as_secs_f64());
        let connections = f64::from(client.replicas) * f64::from(client.channels);
        let within = |t: f64| (t - start) / age;
        sum += connections * renewal.redialled_between_spread(within(from), within(to), spread / age)?;
        count += connections;
    }
    (count > 0.0).then(|| sum / count)
}
