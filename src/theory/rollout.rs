//! Rollout skew: what a rolling update does to long-lived connections behind a ClusterIP.
//!
//! A dying pod's connections are re-dialled once, each to a uniformly drawn pod among those that are selectable then;
//! nothing else moves. The pods that become ready first are there for the most deaths, the last ones for few or none.
//! All loads are means, relative to the even share `C/n`.

use crate::model::CountOrPercent;
use crate::policy::controller::fenceposts;

/// Loads of the new pods, in order of becoming ready, when the pods become ready one at a time and the last
/// `unavailable` of them after the last old pod has gone: with `N = n - unavailable`, `r_j = (n/N) [(1+1/N)^N -
/// (1+1/N)^(j-1)]` for `j <= N`, and 0 beyond. `unavailable = 0` is maxSurge 1, maxUnavailable 0; with any surge and
/// `unavailable > 0` the surge cancels out (each death sees N ready pods). A StatefulSet behaves as `unavailable = 1`.
/// `None` unless `unavailable < n`.
#[must_use]
pub fn one_at_a_time(n: u32, unavailable: u32) -> Option<Vec<f64>> {
    let ready = n.checked_sub(unavailable).filter(|r| *r > 0)?;
    let (n_f, r) = (f64::from(n), f64::from(ready));
    let grown = |k: f64| libm::exp(k * libm::log1p(1.0 / r));
    Some((0..n).map(|j| if j < ready { n_f / r * (grown(r) - grown(f64::from(j))) } else { 0.0 }).collect())
}

/// Load of the last old pod just before it dies, the highest that any pod gets: `(n/N) (1+1/N)^(N-1)`. Range and
/// meaning as [`one_at_a_time`].
#[must_use]
pub fn peak(n: u32, unavailable: u32) -> Option<f64> {
    let ready = n.checked_sub(unavailable).filter(|r| *r > 0)?;
    let r = f64::from(ready);
    Some(f64::from(n) / r * libm::exp((r - 1.0) * libm::log1p(1.0 / r)))
}

/// The rule for any schedule: the pods `killed` die together, and each of the pods `ready` gets an equal part of what
/// they carried. `None`, with nothing changed, if `ready` is empty, names a pod that dies, or an index is out of range.
pub fn redistribute(loads: &mut [f64], killed: &[usize], ready: &[usize]) -> Option<()> {
    let known = killed.iter().chain(ready).all(|i| *i < loads.len());
    if ready.is_empty() || !known || ready.iter().any(|i| killed.contains(i)) {
        return None;
    }
    let moved: f64 = killed.iter().map(|i| loads[*i]).sum();
    for i in killed {
        loads[*i] = 0.0;
    }
    for i in ready {
        loads[*i] += moved / ready.len() as f64;
    }
    Some(())
}

/// The most pods that [`walk`] takes; its time grows with their square.
pub const WALK_PODS_MAX: u32 = 10_000;

/// In which groups new pods become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// All pods created together become ready together (a constant start-up time).
    Waves,
    /// One after the other, so that the controller acts in between.
    OneByOne,
}

/// A rolling update to walk through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Pods wanted, at least 1.
    pub replicas: u32,
    /// maxSurge as a count.
    pub surge: u32,
    /// maxUnavailable as a count, at most `replicas`. Zero with `surge` zero counts as one, as in Kubernetes.
    pub unavailable: u32,
    /// How new pods become ready.
    pub readiness: Readiness,
    /// True if endpoint changes reach kube-proxy later than the dying pods close their connections (endpoint lag above
    /// preStop): the pods whose readiness caused a death are not selectable when its connections are re-dialled, while
    /// the dying pods still are. Those refuse; what they refuse comes back, after the first back-off delay, when the
    /// changes are known.
    pub lagging: bool,
}

/// How a rolling update ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// Loads of the new pods, in order of becoming ready.
    pub new_pods: Vec<f64>,
    /// The highest load that any pod has at any moment.
    pub peak: f64,
    /// How often the controller waited for pods to become ready.
    pub waits: u32,
}

/// Walks through a rolling update as the Deployment controller steps it (kubernetes
/// `pkg/controller/deployment/rolling.go`: scale up to `n + surge`, else scale down while `n - unavailable` stay
/// available; a new pod counts as available once ready) and moves mean loads by [`redistribute`]. Victims are taken
/// regardless of their load, and re-dial before the next pod becomes ready. `None` if there are no replicas or more
/// than [`WALK_PODS_MAX`], `unavailable > replicas`, or at some death no pod is selectable.
#[must_use]
pub fn walk(rollout: Rollout) -> Option<Walk> {
    let n = rollout.replicas as usize;
    let mut controller = Controller::new(rollout)?;
    // Old pods first, then the new ones in order of becoming ready. All start as equals, so victims are taken in order.
    let mut loads = vec![0.0; 2 * n];
    loads[..n].fill(1.0);
    let mut peak: f64 = 1.0;
    let (mut selectable, mut waits) = (0, 0);
    while controller.old > 0 || controller.ready < n {
        let kills = controller.settle();
        if kills > 0 {
            let first = n - controller.old - kills;
            let killed: Vec<usize> = (first..first + kills).collect();
            let ready: Vec<usize> = (first + kills..n + controller.ready).collect();
            if rollout.lagging {
                // Dying pods are as likely to be drawn as those that are known and live.
                let known: Vec<usize> = (first + kills..n + selectable).collect();
                let accepted = known.len() as f64 / (known.len() + kills) as f64;
                let moved: f64 = killed.iter().map(|i| loads[*i]).sum();
                known.iter().for_each(|i| loads[*i] += accepted * moved / known.len() as f64);
                killed.iter().for_each(|i| loads[*i] *= 1.0 - accepted);
            }
            redistribute(&mut loads, &killed, &ready)?;
            peak = loads.iter().fold(peak, |m, x| m.max(*x));
        }
        selectable = controller.ready;
        waits += u32::from(controller.ready < controller.created);
        controller.ready += match rollout.readiness {
            Readiness::Waves => controller.created - controller.ready,
            Readiness::OneByOne => 1.min(controller.created - controller.ready),
        };
    }
    Some(Walk { new_pods: loads.split_off(n), peak, waits })
}

/// The counts that the Deployment controller looks at.
struct Controller {
    n: usize,
    surge: usize,
    available_min: usize,
    /// Old pods that live.
    old: usize,
    /// New pods created.
    created: usize,
    /// New pods ready.
    ready: usize,
}

impl Controller {
    fn new(rollout: Rollout) -> Option<Controller> {
        let Rollout { replicas, surge, unavailable, .. } = rollout;
        if !(1..=WALK_PODS_MAX).contains(&replicas) || unavailable > replicas {
            return None;
        }
        let count = CountOrPercent::Count;
        let (surge, unavailable) = fenceposts(count(surge), count(unavailable), replicas);
        let (n, surge, available_min) = (replicas as usize, surge as usize, (replicas - unavailable) as usize);
        Some(Controller { n, surge, available_min, old: n, created: 0, ready: 0 })
    }

    /// Runs until it waits for readiness; returns how many old pods it killed on the way.
    fn settle(&mut self) -> usize {
        let old_before = self.old;
        loop {
            let total = self.old + self.created;
            let room = (self.n + self.surge).saturating_sub(total).min(self.n - self.created);
            if room > 0 {
                self.created += room;
                continue;
            }
            let spare = (self.old + self.ready).saturating_sub(self.available_min);
            let kills = spare.min(self.old);
            if kills == 0 {
                return old_before - self.old;
            }
            self.old -= kills;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() <= tolerance), "{got:?} is not {want:?}");
    }

    /// Printed with three decimals.
    const DIGITS: f64 = 0.000_501;
    const A5: [f64; 5] = [1.488, 1.288, 1.048, 0.760, 0.415];
    const A10: [f64; 10] = [1.594, 1.494, 1.384, 1.263, 1.130, 0.983, 0.822, 0.645, 0.450, 0.236];
    const B5: [f64; 5] = [1.802, 1.489, 1.099, 0.610, 0.0];
    const B10: [f64; 10] = [1.757, 1.633, 1.496, 1.344, 1.174, 0.986, 0.777, 0.545, 0.287, 0.0];
    const B10_2: [f64; 10] = [1.957, 1.801, 1.625, 1.427, 1.205, 0.955, 0.673, 0.356, 0.0, 0.0];

    fn rollout(replicas: u32, surge: u32, unavailable: u32, readiness: Readiness) -> Rollout {
        Rollout { replicas, surge, unavailable, readiness, lagging: false }
    }

    #[test]
    fn closed_forms_match_the_table() {
        close(&one_at_a_time(5, 0).unwrap(), &A5, DIGITS);
        close(&one_at_a_time(10, 0).unwrap(), &A10, DIGITS);
        close(&one_at_a_time(5, 1).unwrap(), &B5, DIGITS);
        close(&one_at_a_time(10, 1).unwrap(), &B10, DIGITS);
        close(&one_at_a_time(10, 2).unwrap(), &B10_2, DIGITS);
        for (n, u, want) in [(5, 0, 2.07), (10, 0, 2.36), (5, 1, 2.44), (10, 2, 2.85)] {
            assert!((peak(n, u).unwrap() - want).abs() <= 0.005, "{n} {u}");
        }
        assert_eq!(one_at_a_time(3, 3), None);
        assert_eq!(one_at_a_time(0, 0), None);
    }

    #[test]
    fn the_walk_gives_the_closed_forms() {
        for n in [1u32, 2, 5, 10, 37] {
            for (surge, unavailable) in [(1, 0), (1, 1), (0, 1), (3, 2)] {
                if unavailable >= n {
                    continue;
                }
                let walked = walk(rollout(n, surge, unavailable, Readiness::OneByOne)).unwrap();
                close(&walked.new_pods, &one_at_a_time(n, unavailable).unwrap(), 1e-12);
                assert!((walked.peak - peak(n, unavailable).unwrap().max(walked.new_pods[0])).abs() < 1e-12, "{n}");
                assert!((walked.new_pods.iter().sum::<f64>() / f64::from(n) - 1.0).abs() < 1e-12);
                assert_eq!(walked.waits, n, "once for each pod");
            }
        }
    }

    #[test]
    fn default_rollouts_in_waves_match_the_table() {
        let five = walk(rollout(5, 2, 1, Readiness::Waves)).unwrap().new_pods;
        close(&five, &[1.375, 1.375, 1.375, 0.438, 0.438], DIGITS);
        let ten = walk(rollout(10, 3, 2, Readiness::Waves)).unwrap().new_pods;
        close(&ten, &[1.391, 1.391, 1.391, 1.391, 1.391, 0.609, 0.609, 0.609, 0.609, 0.609], DIGITS);
        let all = walk(rollout(5, 5, 0, Readiness::Waves)).unwrap().new_pods;
        close(&all, &[1.0; 5], 1e-12);
    }

    /// By hand, with o = 1.24^(i-1) the load of the i-th pod to die: a known pod gets 1/5 + 1/25 of it, the newest 1/25.
    #[test]
    fn endpoint_lag_takes_almost_all_from_the_last_pod() {
        let late = Rollout { lagging: true, ..rollout(5, 1, 0, Readiness::OneByOne) };
        close(&walk(late).unwrap().new_pods, &[1.732, 1.444, 1.087, 0.644, 0.095], DIGITS);
        let both = Rollout { lagging: true, ..rollout(4, 4, 0, Readiness::Waves) };
        close(&walk(both).unwrap().new_pods, &[1.0; 4], 1e-12);
    }

    #[test]
    fn a_rollout_without_a_selectable_pod_has_no_answer() {
        assert_eq!(walk(rollout(1, 0, 0, Readiness::Waves)), None);
        assert_eq!(walk(rollout(4, 0, 4, Readiness::Waves)), None);
        assert_eq!(walk(rollout(4, 1, 5, Readiness::Waves)), None);
        let mut loads = [1.0, 1.0];
        assert_eq!(redistribute(&mut loads, &[0], &[]), None);
        assert_eq!(redistribute(&mut loads, &[0], &[0, 1]), None);
        assert_eq!(redistribute(&mut loads, &[0], &[2]), None);
        assert_eq!(loads, [1.0, 1.0]);
        assert_eq!(redistribute(&mut loads, &[0], &[1]), Some(()));
        assert_eq!(loads, [0.0, 2.0]);
    }
}
