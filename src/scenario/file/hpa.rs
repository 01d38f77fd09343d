//! A HorizontalPodAutoscaler as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::settings::{Word, Written};
use crate::model::{Hpa, SelectPolicy};
use crate::scenario::quantity::{Count, Duration};

/// A HorizontalPodAutoscaler.
pub(crate) type HpaFile = Written<Hpa, HpaBehaviorFile>;

/// Its key that is no plain one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HpaBehaviorFile {
    pub behavior: Key<BehaviorFile>,
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
