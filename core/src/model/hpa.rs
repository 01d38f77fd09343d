//! The HorizontalPodAutoscaler (`autoscaling/v2`) on CPU utilization, and its controller's flags.

use crate::units::Span;
use crate::word_enum;

/// An autoscaler of one Deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Hpa {
    /// Fewest pods, at least 1.
    pub min_replicas: u32,
    /// Most pods, at least `min_replicas`.
    pub max_replicas: u32,
    /// `averageUtilization`: percent of the CPU request, above zero. Kubernetes' default is 80.
    pub target_percent: u32,
    /// Ratios this close to 1 change nothing. 0.1.
    pub tolerance: f64,
    /// `behavior`; `None` has its own rule (at most double or 4 pods per sync, 5 min of stabilization downwards).
    pub behavior: Option<Behavior>,
    /// `--horizontal-pod-autoscaler-sync-period`: 15 s.
    pub sync_period: Span,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`: 5 min.
    pub cpu_initialization_period: Span,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`: 30 s.
    pub initial_readiness_delay: Span,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`: 5 min; what counts when `behavior` does not say.
    pub downscale_stabilization: Span,
    /// metrics-server's `--metric-resolution`: 15 s in its shipped manifest. A sample is the mean over one of these.
    pub metrics_resolution: Span,
    /// CPU that a pod uses while all its slots are busy, as a share of its request; above zero. No system says it.
    pub cpu_at_full_load: f64,
}

/// `behavior`, with Kubernetes' defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Behavior {
    /// Upwards: no window, the larger of +100 % and +4 pods per 15 s.
    pub up: ScalingRules,
    /// Downwards: a window of 5 min, 100 % per 15 s.
    pub down: ScalingRules,
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
