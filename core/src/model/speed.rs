//! What makes a pod slow: being cold, and its processor.

use crate::narrow::whole;
use crate::settings;
use crate::settings::{ABOVE_ZERO, CORES, share};
use crate::units::{Cores, Span};

settings! {
    /// A cold pod: its speed rises in a straight line from `initial` to 1 over `time` after it became Ready. The curve is an
    /// assumption; it is that of Envoy's slow start.
    pub struct WarmUp {
        /// Speed of a new pod as a share of a warm one's: at least 0.001, and below 1.
        initial: f64 [share(0.001, 1.0).required()] = 1.0;
        /// From Ready to full speed.
        time: Span [ABOVE_ZERO.required()] = Span(1);
    }
}

settings! {
    /// The processor of a pod: what its requests in service share. Their service time is CPU time then, but for what `share` leaves.
    pub struct Cpu {
        /// Cores that the requests in service share equally (processor sharing), fewer than there are slots.
        cores: Cores [CORES.or("one for each request in service")] = Cores::UNLIMITED;
        /// The CPU limit (resources.limits.cpu), less than the cores: once that much of each period of 100 ms is used up, nothing goes on
        /// until the next.
        limit: Option<Cores> [CORES.or("none")] = None;
        /// The part of a request's service time that is CPU time. After it the request waits for others (a database, another service) in
        /// its slot, and uses no CPU.
        share: f64 [share(0.001, 1.0)] = 1.0;
        /// The CPU request (resources.requests.cpu), which an autoscaler divides the CPU time that is used by.
        request: Option<Cores> [CORES.or("none")] = None;
    }
}

impl Cpu {
    /// Splits a service time into CPU time and waiting.
    #[must_use]
    pub fn split(&self, service: Span) -> (Span, Span) {
        let cpu = if self.share < 1.0 { Span(whole(service.0 as f64 * self.share)) } else { service };
        (cpu, service - cpu)
    }

    /// The service time of requests that have used this much CPU time.
    #[must_use]
    pub fn service_of(&self, used: Span) -> Span {
        if self.share < 1.0 { Span(whole(used.0 as f64 / self.share)) } else { used }
    }

    /// CPU time that it gives per time at most.
    #[must_use]
    pub fn most(&self) -> f64 {
        let cores = f64::from(self.cores.0) / 1e3;
        self.bandwidth().map_or(cores, |limit| cores.min(limit.quota.0 as f64 / limit.period.0 as f64))
    }

    /// Its limit as Linux enforces it.
    #[must_use]
    pub fn bandwidth(&self) -> Option<CpuLimit> {
        // `--cpu-cfs-quota-period` of the kubelet.
        const PERIOD: Span = Span::from_millis(100);
        self.limit.map(|limit| CpuLimit { quota: Span(u64::from(limit.0) * PERIOD.0 / 1_000), period: PERIOD })
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
