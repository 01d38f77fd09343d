//! The HorizontalPodAutoscaler's arithmetic on CPU utilization (`pkg/controller/podautoscaler/{replica_calculator,horizontal}.go`
//! and `metrics/utilization.go` of Kubernetes 1.28, in float64 and int32 as there).
//!
//! Modelled: utilization in whole percent over requests; the tolerance; unready pods and pods without a sample; limits; both
//! kinds of stabilization; scaling policies. Several metrics of one autoscaler: the caller takes the largest recommendation. Not
//! modelled: other metrics than CPU, `ContainerResource`, errors of the API, different tolerances up and down (1.33).

use crate::model::{Behavior, Hpa, ScalingChange, ScalingRules, SelectPolicy};
use crate::narrow::whole;
use crate::units::{Span, Time};

/// What the autoscaler sees of a pod. Pods that are deleted or failed it does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Not running yet (`Pending`).
    pub pending: bool,
    /// The Ready condition.
    pub ready: bool,
    /// When the Ready condition last changed; the pod's start, if it never did.
    pub ready_changed: Time,
    /// `status.startTime`.
    pub started: Time,
    /// Its CPU request in thousandths of a core.
    pub request_milli: u64,
    /// The last sample of its CPU usage.
    pub sample: Option<Sample>,
}

/// A sample of a pod's CPU usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The mean usage over `metrics_resolution` before `at`, in thousandths of a core.
    pub usage_milli: u64,
    /// When it was taken.
    pub at: Time,
}

/// Usage and requests of some pods, in thousandths of a core.
#[derive(Clone, Copy, Default)]
struct Sum {
    pods: u32,
    usage: u64,
    request: u64,
}

impl Sum {
    fn add(&mut self, usage: u64, request: u64) {
        self.pods += 1;
        self.usage += usage;
        self.request += request;
    }

    /// Utilization in whole percent. `None`: there is nothing to divide by.
    fn percent(&self) -> Option<u64> {
        (self.usage * 100).checked_div(self.request)
    }

    /// Utilization in whole percent over the target (`GetResourceUtilizationRatio`). `None`: there is nothing to divide by.
    fn ratio(&self, target_percent: u32) -> Option<f64> {
        Some(self.percent()? as f64 / f64::from(target_percent))
    }
}

/// Pods as the controller groups them: those whose samples count, unready ones, and those without a sample.
struct Groups {
    counted: Sum,
    unready: Sum,
    missing: Sum,
}

/// `groupPods`.
fn group(hpa: &Hpa, pods: &[Pod], now: Time) -> Groups {
    let mut groups = Groups { counted: Sum::default(), unready: Sum::default(), missing: Sum::default() };
    for pod in pods {
        match pod.sample {
            _ if pod.pending => groups.unready.add(0, pod.request_milli),
            None => groups.missing.add(0, pod.request_milli),
            Some(sample) if is_unready(hpa, pod, sample, now) => groups.unready.add(0, pod.request_milli),
            Some(sample) => groups.counted.add(sample.usage_milli, pod.request_milli),
        }
    }
    groups
}

/// The mean utilization of the pods whose samples count, in whole percent of their requests: what `kubectl get hpa` shows.
#[must_use]
pub fn utilization(hpa: &Hpa, pods: &[Pod], now: Time) -> Option<u32> {
    let percent = group(hpa, pods, now).counted.percent()?;
    Some(u32::try_from(percent).unwrap_or(u32::MAX))
}

/// `GetResourceReplicas`: how many pods the samples ask for, before any limit. `None`: no pod has a sample that counts.
#[must_use]
pub fn recommend(hpa: &Hpa, current: u32, pods: &[Pod], now: Time) -> Option<u32> {
    let Groups { counted, unready, missing } = group(hpa, pods, now);
    let ratio = counted.ratio(hpa.target_cpu_utilization)?;
    let within = |ratio: f64| (1.0 - ratio).abs() <= hpa.tolerance;
    let with_unready = unready.pods > 0 && ratio > 1.0;
    if !with_unready && missing.pods == 0 {
        return Some(if within(ratio) { current } else { replicas(ratio, counted.pods) });
    }
    let mut filled = counted;
    let mut fill = |with: Sum, usage| {
        filled =
            Sum { pods: filled.pods + with.pods, usage: filled.usage + usage, request: filled.request + with.request };
    };
    if ratio < 1.0 {
        fill(missing, missing.request * u64::from(hpa.target_cpu_utilization.max(100)) / 100);
    } else if ratio > 1.0 {
        fill(missing, 0);
    }
    if with_unready {
        fill(unready, 0);
    }
    let new_ratio = filled.ratio(hpa.target_cpu_utilization)?;
    let turned = (ratio < 1.0 && new_ratio > 1.0) || (ratio > 1.0 && new_ratio < 1.0);
    let wanted = replicas(new_ratio, filled.pods);
    let wrong_way = (new_ratio < 1.0 && wanted > current) || (new_ratio > 1.0 && wanted < current);
    Some(if within(new_ratio) || turned || wrong_way { current } else { wanted })
}

fn replicas(ratio: f64, pods: u32) -> u32 {
    whole((ratio * f64::from(pods)).ceil())
}

/// `groupPods`, for CPU: young pods count once a whole sample was taken after they became Ready; older ones unless they have
/// never been Ready.
fn is_unready(hpa: &Hpa, pod: &Pod, sample: Sample, now: Time) -> bool {
    if pod.started + hpa.cpu_initialization_period > now {
        !pod.ready || sample.at < pod.ready_changed + hpa.metrics_resolution
    } else {
        !pod.ready && pod.started + hpa.initial_readiness_delay > pod.ready_changed
    }
}

/// What the controller remembers of one autoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Recommendations, before stabilization.
    recommendations: Vec<(Time, u32)>,
    /// Pods added, and when; kept for `behavior` only.
    ups: Vec<(Time, u32)>,
    /// Pods removed, and when.
    downs: Vec<(Time, u32)>,
}

impl History {
    /// `reconcileAutoscaler`: the replicas that the Deployment gets, given what it has and what [`recommend`] said. Its buffers
    /// grow to what the longest window holds, and then no more.
    pub fn sync(&mut self, hpa: &Hpa, current: u32, recommended: Option<u32>, now: Time) -> u32 {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
        let wanted = match recommended {
            _ if current == 0 => 0,
            _ if current > hpa.max_replicas => hpa.max_replicas,
            _ if current < hpa.min_replicas => hpa.min_replicas,
            None => current,
            Some(recommended) => match &hpa.behavior {
                None => self.stabilized(hpa, current, recommended, now),
                Some(behavior) => self.behaved(hpa, behavior, current, recommended, now),
            },
        };
        if let Some(behavior) = &hpa.behavior {
            if wanted > current {
                remember(&mut self.ups, longest(&behavior.up), now, wanted - current);
            } else if wanted < current {
                remember(&mut self.downs, longest(&behavior.down), now, current - wanted);
            }
        }
        wanted
    }

    /// `normalizeDesiredReplicas`: the largest recommendation of the window; at most double or 4 pods.
    fn stabilized(&mut self, hpa: &Hpa, current: u32, recommended: u32, now: Time) -> u32 {
        let window = hpa.downscale_stabilization;
        let recent = self.recommendations.iter().filter(|(at, _)| now.since(*at) <= window);
        let wanted = recent.map(|r| r.1).fold(recommended, u32::max);
        remember(&mut self.recommendations, window, now, recommended);
        let most = hpa.max_replicas.min(current.saturating_mul(2).max(4));
        if wanted < hpa.min_replicas { hpa.min_replicas } else { wanted.min(most) }
    }

    /// `normalizeDesiredReplicasWithBehaviors`: stabilization in both directions, then the scaling policies.
    fn behaved(&mut self, hpa: &Hpa, behavior: &Behavior, current: u32, recommended: u32, now: Time) -> u32 {
        let (up, down) = (behavior.up.stabilization_window, behavior.down.stabilization_window);
        let (mut lowest, mut highest) = (recommended, recommended);
        for (at, was) in &self.recommendations {
            if now.since(*at) < up {
                lowest = lowest.min(*was);
            }
            if now.since(*at) < down {
                highest = highest.max(*was);
            }
        }
        remember(&mut self.recommendations, up.max(down), now, recommended);
        let wanted = current.max(lowest).min(highest);
        if wanted > current {
            let limit = self.limit(&behavior.up, current, now, true).max(i64::from(current));
            wanted.min(hpa.max_replicas).min(u32::try_from(limit).unwrap_or(u32::MAX))
        } else if wanted < current {
            let limit = self.limit(&behavior.down, current, now, false).min(i64::from(current));
            wanted.max(hpa.min_replicas).max(u32::try_from(limit).unwrap_or(0))
        } else {
            wanted
        }
    }

    /// `calculateScaleUpLimitWithScalingRules`, `calculateScaleDownLimitWithBehaviors`.
    fn limit(&self, rules: &ScalingRules, current: u32, now: Time, up: bool) -> i64 {
        let within = |events: &[(Time, u32)], period: Span| -> i64 {
            events.iter().filter(|(at, _)| now.since(*at) < period).map(|e| i64::from(e.1)).sum()
        };
        let proposals = rules.policies.iter().map(|policy| {
            let start = i64::from(current) - within(&self.ups, policy.period) + within(&self.downs, policy.period);
            match policy.change {
                ScalingChange::Pods(n) if up => start + i64::from(n),
                ScalingChange::Pods(n) => start - i64::from(n),
                ScalingChange::Percent(p) if up => whole((start as f64 * (1.0 + f64::from(p) / 100.0)).ceil()),
                ScalingChange::Percent(p) => whole(start as f64 * (1.0 - f64::from(p) / 100.0)),
            }
        });
        let chosen = match (rules.select, up) {
            (SelectPolicy::Disabled, _) => None,
            (SelectPolicy::Max, true) | (SelectPolicy::Min, false) => proposals.max(),
            (SelectPolicy::Min, true) | (SelectPolicy::Max, false) => proposals.min(),
        };
        chosen.unwrap_or(i64::from(current))
    }
}

fn longest(rules: &ScalingRules) -> Span {
    rules.policies.iter().map(|p| p.period).max().unwrap_or(Span::ZERO)
}

/// Adds an entry, in the place of one that is older than `window` if there is one.
fn remember(entries: &mut Vec<(Time, u32)>, window: Span, now: Time, value: u32) {
    match entries.iter_mut().rfind(|(at, _)| now.since(*at) > window) {
        Some(old) => *old = (now, value),
        None => entries.push((now, value)),
    }
}
