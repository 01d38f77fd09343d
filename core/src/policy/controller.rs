//! The Deployment controller: one step of its loop (`pkg/controller/deployment/{rolling,recreate}.go`).

use crate::model::{CountOrPercent, Strategy};

/// What the controller sees of a Deployment. Terminating pods count nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Pods wanted.
    pub desired: u32,
    /// Pods of the current revision.
    pub new: u32,
    /// Those of them that are available.
    pub new_available: u32,
    /// Pods of earlier revisions.
    pub old: u32,
    /// Those of them that are available.
    pub old_available: u32,
    /// Pods of earlier revisions that are terminating and not gone yet: Recreate waits for them.
    pub old_terminating: u32,
}

/// What the controller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create this many pods of the current revision.
    Create(u32),
    /// Delete this many pods of the current revision.
    DeleteNew(u32),
    /// Delete this many unavailable and this many available pods of earlier revisions.
    DeleteOld {
        /// Unavailable ones, first.
        unavailable: u32,
        /// Available ones.
        available: u32,
    },
    /// Nothing, until something changes.
    Wait,
}

/// Surge and unavailable in pods (`ResolveFenceposts`): surge rounds up, unavailable down; both zero makes unavailable 1.
#[must_use]
pub fn fenceposts(max_surge: CountOrPercent, max_unavailable: CountOrPercent, desired: u32) -> (u32, u32) {
    let hundredths = |percent: u32| u64::from(percent) * u64::from(desired);
    let surge = match max_surge {
        CountOrPercent::Count(n) => n,
        CountOrPercent::Percent(p) => u32::try_from(hundredths(p).div_ceil(100)).unwrap_or(u32::MAX),
    };
    let unavailable = match max_unavailable {
        CountOrPercent::Count(n) => n,
        CountOrPercent::Percent(p) => u32::try_from(hundredths(p) / 100).unwrap_or(u32::MAX),
    };
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable.min(desired)) }
}

/// The first step that acts: scale up the new ReplicaSet, else scale down.
#[must_use]
pub fn step(strategy: Strategy, fleet: &Fleet) -> Step {
    let Fleet { desired, new, old, old_available, old_terminating, .. } = *fleet;
    if new > desired {
        return Step::DeleteNew(new - desired);
    }
    match strategy {
        Strategy::Recreate if old > 0 => Step::DeleteOld { unavailable: old - old_available, available: old_available },
        Strategy::Recreate if old_terminating > 0 || new == desired => Step::Wait,
        Strategy::Recreate => Step::Create(desired - new),
        Strategy::RollingUpdate { max_surge, max_unavailable } => {
            let (surge, unavailable) = fenceposts(max_surge, max_unavailable, desired);
            rolling(fleet, surge, unavailable)
        }
    }
}

/// `reconcileNewReplicaSet`, then `reconcileOldReplicaSets` (`cleanupUnhealthyReplicas`, `scaleDownOldReplicaSets`).
fn rolling(fleet: &Fleet, surge: u32, unavailable: u32) -> Step {
    let Fleet { desired, new, new_available, old, old_available, .. } = *fleet;
    let total = old + new;
    let most = desired.saturating_add(surge);
    if new < desired && total < most {
        return Step::Create((most - total).min(desired - new));
    }
    let min_available = desired.saturating_sub(unavailable);
    let budget = total.saturating_sub(min_available).saturating_sub(new - new_available);
    if old == 0 || budget == 0 {
        return Step::Wait;
    }
    let unhealthy = (old - old_available).min(budget);
    let healthy = (old_available + new_available).saturating_sub(min_available).min(old_available);
    if unhealthy + healthy == 0 { Step::Wait } else { Step::DeleteOld { unavailable: unhealthy, available: healthy } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: Strategy = Strategy::RollingUpdate {
        max_surge: CountOrPercent::Percent(25),
        max_unavailable: CountOrPercent::Percent(25),
    };

    /// Walks a rollout; all pods of a wave become available together, when nothing else can be done.
    fn walk(strategy: Strategy, desired: u32) -> Vec<(u32, u32)> {
        let mut f = Fleet { desired, old: desired, old_available: desired, ..Fleet::default() };
        let mut seen = vec![(f.old, f.new)];
        for _ in 0..1_000 {
            match step(strategy, &f) {
                Step::Create(n) => f.new += n,
                Step::DeleteOld { unavailable, available } => {
                    f.old -= unavailable + available;
                    f.old_available -= available;
                }
                Step::DeleteNew(n) => f.new -= n,
                Step::Wait if f.new_available == f.new => return seen,
                Step::Wait => {
                    f.new_available = f.new;
                    continue;
                }
            }
            seen.push((f.old, f.new));
        }
        panic!("no end: {seen:?}")
    }

    #[test]
    fn default_sequences_are_those_of_the_real_controller() {
        assert_eq!(walk(DEFAULTS, 5), [(5, 0), (5, 2), (4, 2), (4, 3), (1, 3), (1, 5), (0, 5)]);
        assert_eq!(walk(DEFAULTS, 10), [(10, 0), (10, 3), (8, 3), (8, 5), (3, 5), (3, 10), (0, 10)]);
    }

    #[test]
    fn surge_one_and_unavailable_one() {
        let surge = |s, u| Strategy::RollingUpdate {
            max_surge: CountOrPercent::Count(s),
            max_unavailable: CountOrPercent::Count(u),
        };
        assert_eq!(walk(surge(1, 0), 2), [(2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]);
        assert_eq!(walk(surge(0, 1), 2), [(2, 0), (1, 0), (1, 1), (0, 1), (0, 2)]);
    }

    #[test]
    fn fenceposts_round_as_kubernetes_does() {
        let p = CountOrPercent::Percent;
        assert_eq!(fenceposts(p(25), p(25), 5), (2, 1));
        assert_eq!(fenceposts(p(25), p(25), 10), (3, 2));
        assert_eq!(fenceposts(p(0), p(10), 5), (0, 1));
        assert_eq!(fenceposts(p(0), p(100), 0), (0, 1));
    }

    #[test]
    fn recreate_waits_for_the_old_pods_to_be_gone() {
        let f = Fleet { desired: 3, old_terminating: 1, ..Fleet::default() };
        assert_eq!(step(Strategy::Recreate, &f), Step::Wait);
        assert_eq!(step(Strategy::Recreate, &Fleet { old_terminating: 0, ..f }), Step::Create(3));
    }

    /// Of two old pods that are unavailable and one that is not, `Recreate` deletes all three.
    #[test]
    fn recreate_deletes_all_old_pods() {
        let f = Fleet { desired: 3, old: 3, old_available: 1, ..Fleet::default() };
        assert_eq!(step(Strategy::Recreate, &f), Step::DeleteOld { unavailable: 2, available: 1 });
    }

    #[test]
    fn a_scale_down_deletes_what_is_too_many() {
        for strategy in [Strategy::Recreate, DEFAULTS] {
            let f = Fleet { desired: 3, new: 5, new_available: 5, ..Fleet::default() };
            assert_eq!(step(strategy, &f), Step::DeleteNew(2));
        }
    }
}
