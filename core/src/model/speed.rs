//! What makes a pod slow: being cold, and its processor.

use crate::units::Span;

/// A cold pod is slow: its speed rises in a straight line from `initial` to 1 over `time`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Speed of a new pod as a share of a warm one's, above 0, at most 1.
    pub initial: f64,
    /// From the instant at which the pod becomes Ready to full speed, above zero.
    pub time: Span,
}

/// The processor of a pod, which its requests in service share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Cores, in thousandths; above zero, at most one per slot.
    pub cores_milli: u32,
    /// Its limit, less than the cores.
    pub limit: Option<CpuLimit>,
}

impl Cpu {
    /// CPU time that it gives per time at most.
    #[must_use]
    pub fn most(&self) -> f64 {
        let cores = f64::from(self.cores_milli) / 1e3;
        self.limit.map_or(cores, |limit| cores.min(limit.quota.0 as f64 / limit.period.0 as f64))
    }
}

/// A container's CPU limit as the Linux scheduler enforces it (`cpu.max`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuLimit {
    /// CPU time per period, above zero: the limit in cores times `period`.
    pub quota: Span,
    /// The period, above zero: 100 ms (`--cpu-cfs-quota-period`).
    pub period: Span,
}
