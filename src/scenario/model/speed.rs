//! What makes a pod slow: being cold, and its CPU limit.

use crate::units::Span;

/// A cold pod is slow: its speed rises in a straight line from `initial` to 1 over `time`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Speed of a new pod as a share of a warm one's, above 0, at most 1.
    pub initial: f64,
    /// From the instant at which the pod becomes Ready to full speed, above zero.
    pub time: Span,
}

/// A container's CPU limit as the Linux scheduler enforces it (`cpu.max`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuLimit {
    /// CPU time per period, above zero: the limit in cores times `period`.
    pub quota: Span,
    /// The period, above zero: 100 ms (`--cpu-cfs-quota-period`).
    pub period: Span,
}
