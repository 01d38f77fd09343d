//! A HorizontalPodAutoscaler as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::settings::Word;
use crate::model::SelectPolicy;
use crate::scenario::quantity::{Count, Duration, Share};

/// A HorizontalPodAutoscaler (autoscaling/v2) on CPU utilization, with the flags of its controller and of metrics-server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HpaFile {
    /// Fewest pods. Default 1.
    pub min_replicas: Key<Count>,
    /// Most pods.
    #[schemars(required)]
    pub max_replicas: Key<Count>,
    /// The mean CPU of the pods that is aimed at, in whole percent of their request (averageUtilization). Default 80%.
    pub target_cpu_utilization: Key<Share>,
    /// CPU that a pod uses while all its slots are busy, as a share of its request; less if fewer are busy, in proportion.
    /// Default 100%, an assumption.
    pub cpu_at_full_load: Key<Share>,
    /// Utilization over target that is this close to 1 changes nothing. Default 10%.
    pub tolerance: Key<Share>,
    /// How fast it scales. Without it: at most double or 4 pods per sync, and downwards what downscale_stabilization allows.
    pub behavior: Key<BehaviorFile>,
    /// How often the autoscaler looks. Default 15s.
    pub sync_period: Key<Duration>,
    /// How often metrics-server looks (--metric-resolution); what it tells is the mean between two looks. Default 15s, as in
    /// its shipped manifest.
    pub metrics_resolution: Key<Duration>,
    /// A pod that is younger counts only with a sample that began after it became Ready. Default 5m.
    pub cpu_initialization_period: Key<Duration>,
    /// A pod last Ready when younger than this counts as never Ready. Default 30s.
    pub initial_readiness_delay: Key<Duration>,
    /// Downwards, the largest recommendation of this long counts. Default 5m.
    pub downscale_stabilization: Key<Duration>,
}

/// How fast an autoscaler scales.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BehaviorFile {
    /// Upwards. Default: no window, the larger of 100 percent and 4 pods per 15s.
    pub scale_up: Key<ScalingRulesFile>,
    /// Downwards. Default: a window of downscale_stabilization, 100 percent per 15s.
    pub scale_down: Key<ScalingRulesFile>,
}

/// Rules for one direction.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScalingRulesFile {
    /// The most cautious recommendation of this long counts. At most 1h.
    pub stabilization_window: Key<Duration>,
    /// Limits on change.
    #[schemars(length(min = 1))]
    pub policies: Key<Vec<At<ScalingPolicyFile>>>,
    /// Which of them counts. Default max.
    pub select_policy: Key<Word<SelectPolicy>>,
}

/// A limit on change: exactly one of `pods` and `percent`, per `period`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScalingPolicyFile {
    /// This many pods.
    pub pods: Key<Count>,
    /// This percentage of the pods at the beginning of the period.
    pub percent: Key<Count>,
    /// In how long, 1s to 30m.
    #[schemars(required)]
    pub period: Key<Duration>,
}
