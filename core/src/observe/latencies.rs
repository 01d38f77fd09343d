//! The latencies of a window, by pod.

use super::histogram::{Histogram, Tally};
use crate::units::Span;

/// Latencies kept back before they are counted.
const BATCH: usize = 64;

/// A pair of histograms per pod: of calls emitted in the warmup, and after it.
///
/// The histograms of many pods do not fit into the processor's caches, so a value is not counted when it comes but with the
/// next `BATCH` of them: they are independent of each other, and the waits for memory overlap.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    pods: Vec<[Histogram; 2]>,
    /// Pod, 1 if measured, and value.
    pending: Vec<(u32, u32, Span)>,
}

impl Latencies {
    /// One more pod.
    pub(super) fn add_pod(&mut self) {
        self.pods.push(Default::default());
    }

    /// Records the latency of a call that `pod` has answered.
    #[inline]
    pub(super) fn record(&mut self, pod: u32, measured: bool, latency: Span) {
        self.pending.push((pod, measured.into(), latency));
        if self.pending.len() >= BATCH {
            self.settle();
        }
    }

    #[inline(never)]
    fn settle(&mut self) {
        for (pod, measured, latency) in self.pending.drain(..) {
            self.pods[pod as usize][measured as usize].record(latency);
        }
    }

    /// What was recorded for `pod` since the last `take`.
    pub(super) fn of(&mut self, pod: usize) -> Tally {
        self.settle();
        let mut all = Tally::default();
        self.pods[pod].iter().for_each(|histogram| all.add(histogram));
        all
    }

    /// Adds to each of `measured` what was recorded for `pod` of it, and forgets all. If the pod is `gone`, the memory is given back.
    pub(super) fn take<'t>(&mut self, pod: usize, measured: impl IntoIterator<Item = &'t mut Tally>, gone: bool) {
        self.settle();
        measured.into_iter().for_each(|tally| tally.add(&self.pods[pod][1]));
        let done = if gone { Histogram::release } else { Histogram::clear };
        self.pods[pod].iter_mut().for_each(done);
    }
}
