//! What pods receive, in bins of equal width: what balance is judged by.

use crate::ids::Id;
use crate::model::Model;
use crate::sim::observation::PodId;
use crate::units::{Span, Time};

/// Width of a bin: fine enough for what a person does about a rollout.
const WIDTH: Span = Span::from_secs(5);
/// More bins than this become half as many of twice the width: in runs of more than eleven hours.
const MOST: usize = 8_192;

/// The bins so far. Off, and without any cost, where no change of the timeline moves connections.
pub(super) struct Bins {
    pub width: Span,
    pub loads: Vec<Vec<(PodId, u32)>>,
    /// When the bin that goes on ends.
    end: Time,
    /// By pod: what it had received when the last bin ended.
    seen: Vec<u64>,
}

impl Bins {
    pub(super) fn new(model: &Model) -> Bins {
        let on = model.timeline.iter().any(|action| action.what.moves_connections());
        let end = if on { Time::ZERO + WIDTH } else { Time::NEVER };
        Bins { width: WIDTH, loads: Vec::new(), end, seen: Vec::new() }
    }

    /// True if a bin must be closed before what happens now is counted.
    #[inline]
    pub(super) fn is_over(&self, at: Time) -> bool {
        at >= self.end
    }

    /// Closes bins up to now. `received` is what each pod has received so far.
    #[cold]
    pub(super) fn close(&mut self, at: Time, received: impl Iterator<Item = u64>) {
        let mut bin = Vec::new();
        for (pod, now) in received.enumerate() {
            if self.seen.len() <= pod {
                self.seen.push(0);
            }
            if let Some(seen) = self.seen.get_mut(pod).filter(|seen| **seen < now) {
                let new = u32::try_from(now - *seen).unwrap_or(u32::MAX);
                bin.push((PodId::of(pod), new));
                *seen = now;
            }
        }
        self.loads.push(bin);
        self.end += self.width;
        // Bins in which nothing happens.
        while self.is_over(at) {
            self.loads.push(Vec::new());
            self.end += self.width;
            self.halve();
        }
        self.halve();
    }

    fn halve(&mut self) {
        if self.loads.len() < MOST {
            return;
        }
        let mut halves = Vec::with_capacity(MOST);
        let mut all = std::mem::take(&mut self.loads).into_iter();
        while let Some(mut bin) = all.next() {
            for (pod, n) in all.next().unwrap_or_default() {
                match bin.binary_search_by_key(&pod, |(pod, _)| *pod) {
                    Ok(at) => bin[at].1 = bin[at].1.saturating_add(n),
                    Err(at) => bin.insert(at, (pod, n)),
                }
            }
            halves.push(bin);
        }
        self.loads = halves;
        self.width = self.width * 2;
        self.end = Time(self.loads.len() as u64 * self.width.0) + self.width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Server, What};

    fn bins(changes: usize) -> Bins {
        let rollout = Action { at: Time::ZERO + Span::from_secs(1), what: What::RolloutServer(0) };
        let mut model = Model::new(vec![Server::new("s", 1)], vec![]);
        model.duration = Some(Span::from_secs(86_400));
        model.timeline = vec![rollout; changes];
        Bins::new(&model)
    }

    #[test]
    fn bins_hold_what_came_in_them() {
        let mut b = bins(1);
        let at = |s: u64| Time::ZERO + Span::from_secs(s);
        assert!(!b.is_over(Time(4_999_999_999)) && b.is_over(at(5)));
        b.close(at(5), [3, 0].into_iter());
        b.close(at(21), [4, 2].into_iter());
        let pod = PodId;
        assert_eq!(b.loads, [vec![(pod(0), 3)], vec![(pod(0), 1), (pod(1), 2)], vec![], vec![]]);
        assert!(!b.is_over(at(24)) && b.is_over(at(25)));
        assert!(!bins(0).is_over(at(86_000)), "without a change there is nothing to judge");
    }

    #[test]
    fn long_runs_have_wider_bins_with_the_same_sums() {
        let mut b = bins(1);
        for i in 1..=17_280 {
            let at = Time::ZERO + WIDTH * i;
            if b.is_over(at) {
                b.close(at, [2 * i, i].into_iter());
            }
        }
        assert_eq!((b.width, b.loads.len()), (WIDTH * 4, 4_320));
        assert!(b.loads.iter().all(|bin| *bin == [(PodId(0), 8), (PodId(1), 4)]));
        assert!(b.is_over(Time::ZERO + WIDTH * 17_284) && !b.is_over(Time::ZERO + WIDTH * 17_283));
    }
}
