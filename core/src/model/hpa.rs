//! The HorizontalPodAutoscaler (`autoscaling/v2`) on CPU utilization, and its controller's flags.

use super::server::MAX_REPLICAS;
use crate::settings::{DURATION, OWN, Own, Words, between, count, percentage, whole_percent};
use crate::units::Span;
use crate::{settings, word_enum};

const LEAST_PERIOD: Span = Span::from_secs(1);
const MOST_PERIOD: Span = Span::from_secs(3_600);

settings! {
    /// A HorizontalPodAutoscaler (autoscaling/v2) on CPU utilization, with the flags of its controller and of metrics-server.
    #[derive(Clone)]
    pub struct Hpa {
        /// Fewest pods.
        min_replicas: u32 [count(1, MAX_REPLICAS)] = 1;
        /// Most pods, at least `min_replicas`.
        max_replicas: u32 [count(1, MAX_REPLICAS).required()] = 1;
        /// The mean CPU of the pods that is aimed at, in whole percent of their request (averageUtilization).
        target_cpu_utilization: u32 [whole_percent(1, 1_000)] = 80;
        /// CPU that a pod uses while all its slots are busy, as a share of its request; less if fewer are busy, in proportion.
        cpu_at_full_load: f64 [percentage(0.01, 100.0).assumed()] = 1.0;
        /// Utilization over target that is this close to 1 changes nothing (--horizontal-pod-autoscaler-tolerance).
        tolerance: f64 [percentage(0.0, 1.0)] = 0.1;
        /// How fast it scales. Without it, downscale_stabilization holds downwards.
        behavior: Option<Behavior> [OWN.or("none: at most double or 4 pods per sync")] = None;
        /// How often the autoscaler looks (--horizontal-pod-autoscaler-sync-period).
        sync_period: Span [between(LEAST_PERIOD, MOST_PERIOD)] = Span::from_secs(15);
        /// How often metrics-server looks (--metric-resolution); what it tells is the mean between two looks. The default is that of
        /// its shipped manifest.
        metrics_resolution: Span [between(LEAST_PERIOD, MOST_PERIOD)] = Span::from_secs(15);
        /// A pod that is younger counts only with a sample that began after it became Ready
        /// (--horizontal-pod-autoscaler-cpu-initialization-period).
        cpu_initialization_period: Span [DURATION] = Span::from_secs(300);
        /// A pod last Ready when younger than this counts as never Ready (--horizontal-pod-autoscaler-initial-readiness-delay).
        initial_readiness_delay: Span [DURATION] = Span::from_secs(30);
        /// Downwards, the largest recommendation of this long counts (--horizontal-pod-autoscaler-downscale-stabilization).
        downscale_stabilization: Span [DURATION] = Span::from_secs(300);
    }
}

/// `behavior`, with Kubernetes' defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Behavior {
    /// Upwards: no window, the larger of +100 % and +4 pods per 15 s.
    pub up: ScalingRules,
    /// Downwards: a window of 5 min, 100 % per 15 s.
    pub down: ScalingRules,
}

const PERIOD: Span = Span::from_secs(15);

impl Behavior {
    /// `scaleUp`, if `policies` are not given: the larger of the two.
    pub const UP: [ScalingPolicy; 2] = [
        ScalingPolicy { change: ScalingChange::Pods(4), period: PERIOD },
        ScalingPolicy { change: ScalingChange::Percent(100), period: PERIOD },
    ];
    /// `scaleDown`, if `policies` are not given.
    pub const DOWN: [ScalingPolicy; 1] = [ScalingPolicy { change: ScalingChange::Percent(100), period: PERIOD }];
}

impl Default for Behavior {
    fn default() -> Self {
        let rules = |stabilization_window, policies: &[ScalingPolicy]| ScalingRules {
            stabilization_window,
            policies: policies.to_vec(),
            select: SelectPolicy::Max,
        };
        Behavior {
            up: rules(Span::ZERO, &Behavior::UP),
            down: rules(Hpa::default().downscale_stabilization, &Behavior::DOWN),
        }
    }
}

impl Own for Behavior {
    fn rows(&self) -> Vec<(String, String)> {
        let direction = |(name, rules): (&str, &ScalingRules)| {
            let ScalingRules { stabilization_window, policies, select } = rules;
            let policy = |ScalingPolicy { change, period }: &ScalingPolicy| match change {
                ScalingChange::Pods(n) => format!("{n} pods per {period}"),
                ScalingChange::Percent(n) => format!("{n}% per {period}"),
            };
            [
                (format!("{name}.stabilization_window"), stabilization_window.to_string()),
                (format!("{name}.policies"), policies.iter().map(policy).collect::<Vec<_>>().join(", ")),
                (format!("{name}.select_policy"), select.word().to_owned()),
            ]
        };
        [("scale_up", &self.up), ("scale_down", &self.down)].into_iter().flat_map(direction).collect()
    }
}

/// Rules for one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingRules {
    /// The most cautious recommendation of this long counts, 0 to 1 h.
    pub stabilization_window: Span,
    /// Limits on change, at least one.
    pub policies: Vec<ScalingPolicy>,
    /// Which of them counts.
    pub select: SelectPolicy,
}

/// A limit on change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// How much.
    pub change: ScalingChange,
    /// In how long, 1 s to 30 min.
    pub period: Span,
}

/// How much may change in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingChange {
    /// This many pods.
    Pods(u32),
    /// This percentage of the pods at the beginning of the period.
    Percent(u32),
}

word_enum! {
    /// Which of several limits counts.
    pub enum SelectPolicy {
        /// The one that allows the most change.
        Max = "max",
        /// The one that allows the least change.
        Min = "min",
        /// No change in this direction.
        Disabled = "disabled",
    }
}
