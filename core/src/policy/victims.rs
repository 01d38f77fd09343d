//! Which pods a ReplicaSet deletes first (`ActivePodsWithRanks` in `pkg/controller/controller_utils.go`).

use std::cmp::Reverse;

use crate::ids::{NodeId, PodId, Table};
use crate::units::Span;

/// What the ReplicaSet controller looks at. It never looks at connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The pod.
    pub pod: PodId,
    /// Its node, to count its siblings there.
    pub node: NodeId,
    /// How long it has been Ready; `None` if it is not.
    pub ready_for: Option<Span>,
    /// Random, fixed for the pod's life.
    pub uid: u64,
}

/// Orders `pods`, first to be deleted first: those not ready; those with more siblings on their node; those ready for a
/// shorter time, compared in powers of two of nanoseconds; the lower UID. `nodes` has the node of each active pod of the
/// whole Deployment: siblings of all revisions count (`getPodsRankedByRelatedPodsOnSameNode`).
pub fn rank(pods: &mut [Candidate], nodes: impl Iterator<Item = NodeId>) {
    let mut siblings: Table<NodeId, u32> = Table::default();
    for node in nodes {
        *siblings.reach(node, || 0) += 1;
    }
    pods.sort_by_cached_key(|p| {
        let bucket = p.ready_for.map_or(0, |t| t.0.max(1).ilog2());
        (p.ready_for.is_some(), Reverse(siblings.get(p.node).copied()), bucket, p.uid, p.pod)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(pod: u32, node: u32, ready_for: Option<u64>, uid: u64) -> Candidate {
        Candidate { pod: PodId(pod), node: NodeId(node), ready_for: ready_for.map(Span::from_secs), uid }
    }

    fn order(mut pods: Vec<Candidate>) -> Vec<u32> {
        let nodes: Vec<NodeId> = pods.iter().map(|p| p.node).collect();
        rank(&mut pods, nodes.into_iter());
        pods.iter().map(|p| p.pod.0).collect()
    }

    #[test]
    fn siblings_of_other_revisions_count() {
        let mut pods = vec![pod(0, 0, Some(500), 1), pod(1, 1, Some(500), 9)];
        rank(&mut pods, [0, 1, 1].map(NodeId).into_iter());
        assert_eq!(pods[0].pod, PodId(1));
    }

    #[test]
    fn unready_then_crowded_then_young_then_uid() {
        assert_eq!(order(vec![pod(0, 0, Some(5), 1), pod(1, 1, None, 9)]), [1, 0]);
        assert_eq!(order(vec![pod(0, 0, Some(500), 1), pod(1, 1, Some(500), 9), pod(2, 1, Some(500), 5)]), [2, 1, 0]);
        assert_eq!(order(vec![pod(0, 0, Some(500), 1), pod(1, 1, Some(5), 9)]), [1, 0]);
        // 300 s and 500 s are in one bucket (275..550 s): the UID decides.
        assert_eq!(order(vec![pod(0, 0, Some(300), 7), pod(1, 1, Some(500), 3)]), [1, 0]);
    }
}
