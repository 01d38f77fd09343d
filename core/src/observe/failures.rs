//! Calls that failed after the warmup: why, and at whom.

use std::collections::BTreeMap;

use crate::ids::Table;
use crate::metrics::outcome::{Failure, Maker};
use crate::model::Model;
use crate::sim::observation::{FailureReason, PodId, Status};

use super::pods::PodInfo;

/// Calls by reason.
type Counts = [u64; FailureReason::ALL.len()];

/// Failed calls. Nothing is kept of a pod at which none failed.
#[derive(Debug)]
pub(super) struct Failures {
    /// By client: those that no pod had to do with.
    callers: Vec<Counts>,
    /// By pod.
    pods: Vec<Option<Box<Counts>>>,
    /// By client: all of its calls that failed.
    by_client: Vec<u64>,
}

impl Failures {
    pub(super) fn new(clients: usize) -> Failures {
        Failures { callers: vec![Counts::default(); clients], pods: Vec::new(), by_client: vec![0; clients] }
    }

    pub(super) fn add(&mut self, client: u32, pod: Option<PodId>, why: FailureReason) {
        self.by_client[client as usize] += 1;
        let counts = match pod {
            None => &mut self.callers[client as usize],
            Some(PodId(pod)) => {
                let pod = pod as usize;
                if self.pods.len() <= pod {
                    self.pods.resize_with(pod + 1, || None);
                }
                &mut **self.pods[pod].get_or_insert_default()
            }
        };
        counts[why as usize] += 1;
    }

    /// Calls that failed at a pod, or on the way to it.
    pub(super) fn at(&self, pod: usize) -> u64 {
        self.pods.get(pod).and_then(Option::as_ref).map_or(0, |counts| counts.iter().sum())
    }

    pub(super) fn total(&self) -> u64 {
        self.by_client.iter().sum()
    }

    /// By client, where there are several.
    pub(super) fn by_client(&self, model: &Model) -> BTreeMap<String, u64> {
        if self.by_client.len() < 2 {
            return BTreeMap::new();
        }
        model.clients.iter().map(|c| c.name.clone()).zip(self.by_client.iter().copied()).collect()
    }

    pub(super) fn by_status(&self) -> BTreeMap<String, u64> {
        let mut all: BTreeMap<String, u64> = Status::NAMES.iter().map(|name| ((*name).to_owned(), 0)).collect();
        let counts = self.callers.iter().chain(self.pods.iter().flatten().map(|counts| &**counts));
        for (why, n) in counts.flat_map(|counts| FailureReason::ALL.into_iter().zip(counts)) {
            *all.entry(Status::name(why.status()).to_owned()).or_default() += n;
        }
        all
    }

    /// The most frequent first.
    pub(super) fn rows(&self, model: &Model, pods: &Table<PodId, PodInfo>) -> Vec<Failure> {
        let mut rows = Vec::new();
        let mut add = |counts: &Counts, who: &dyn Fn(FailureReason) -> (Maker, String)| {
            for (why, calls) in FailureReason::ALL.into_iter().zip(*counts).filter(|(_, calls)| *calls > 0) {
                let (by, at) = who(why);
                rows.push(Failure { reason: why.name().to_owned(), by, at, calls });
            }
        };
        for (client, counts) in model.clients.iter().zip(&self.callers) {
            let proxy = client.via.is_some();
            add(counts, &|why| {
                let own = matches!(why, FailureReason::Deadline | FailureReason::CallerStopped);
                (if proxy && !own { Maker::Proxy } else { Maker::Client }, client.name.clone())
            });
        }
        for (counts, pod) in self.pods.iter().zip(pods) {
            let by = if pod.gateway { Maker::Gateway } else { Maker::Pod };
            if let Some(counts) = counts {
                add(counts, &|_| (by, pod.name.clone()));
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
        rows
    }
}
