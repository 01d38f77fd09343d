//! HorizontalPodAutoscalers, and metrics-server, which tells them what pods use.

use std::collections::BTreeMap;

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{Observer, PodPhase, ScaledBy};
use super::super::schedule::Rank;
use crate::ids::{DeploymentId, PodId};
use crate::narrow::whole;
use crate::policy::hpa::{self, History, Sample};
use crate::random::Purpose;
use crate::units::{Span, Time};

/// The CPU request of a pod in thousandths of a core. Only usage over request counts, so any value will do; this one
/// leaves usage six digits.
const REQUEST_MILLI: u64 = 1_000_000;

/// An autoscaler, and what metrics-server knows of its pods.
#[derive(Debug, Default)]
pub(crate) struct Autoscaler {
    history: History,
    /// By pod.
    scraped: BTreeMap<PodId, Scrape>,
}

/// The last look at a pod.
#[derive(Clone, Copy, Debug)]
struct Scrape {
    at: Time,
    /// Slot-time used so far, in ns.
    work: u64,
    /// A restarted container begins a new count.
    incarnation: u32,
    sample: Option<Sample>,
}

impl<O: Observer> Engine<'_, O> {
    /// The autoscaler of a server, if it has one. Nobody starts these clocks together with the run: their phases are drawn.
    pub(crate) fn start_autoscaler(&mut self, server: DeploymentId) {
        let hpa = self.deployments[server].settings.hpa.as_ref();
        self.autoscalers.push(hpa.map(|_| Box::default()));
        let Some(hpa) = hpa else { return };
        let owner = self.deployments[server].key;
        let phase = |period: Span, k| {
            let draw = self.streams.draw(Purpose::AutoscalerClock, owner, k);
            Span(((u128::from(period.0) * u128::from(draw)) >> 64) as u64)
        };
        let (scrape, look) = (phase(hpa.metrics_resolution, 0), phase(hpa.sync_period, 1));
        self.after(scrape, Rank::Controller, Event::Scrape { server });
        self.after(look, Rank::Controller, Event::Autoscale { server });
    }

    /// metrics-server looks at all pods of a server. What it tells of one is the mean between its last two looks.
    pub(crate) fn on_scrape(&mut self, server: DeploymentId) {
        let Some(hpa) = &self.deployments[server].settings.hpa else { return };
        let Some(mut autoscaler) = self.autoscalers[server].take() else { return };
        let before = std::mem::take(&mut autoscaler.scraped);
        for &pod in &self.deployments[server].pods {
            let (incarnation, (_, work)) = (self.pods[pod].incarnation, self.work_of(pod));
            let last = before.get(&pod).filter(|last| last.incarnation == incarnation);
            let sample = last.map(|last| {
                let server = self.server_of(pod);
                let slots = f64::from(server.concurrency) * server.usable() * self.now.since(last.at).0 as f64;
                let used = hpa.cpu_at_full_load * work.saturating_sub(last.work) as f64 / slots;
                Sample { usage_milli: whole((used * REQUEST_MILLI as f64).round()), at: self.now }
            });
            autoscaler.scraped.insert(pod, Scrape { at: self.now, work, incarnation, sample });
        }
        self.autoscalers[server] = Some(autoscaler);
        self.after(hpa.metrics_resolution, Rank::Controller, Event::Scrape { server });
    }

    /// The autoscaler looks at its pods, those of all revisions, and sets the number of replicas.
    pub(crate) fn on_autoscale(&mut self, server: DeploymentId) {
        let Some(hpa) = &self.deployments[server].settings.hpa else { return };
        let pods = self.seen_pods(server);
        let (now, desired) = (self.now, self.deployments[server].desired);
        let Some(autoscaler) = &mut self.autoscalers[server] else { return };
        let recommended = hpa::recommend(hpa, desired, &pods, now);
        let wanted = autoscaler.history.sync(hpa, desired, recommended, now);
        if wanted != desired {
            let cpu_percent = recommended.and_then(|_| hpa::utilization(hpa, &pods, now));
            self.scale(server, wanted, ScaledBy::Hpa { cpu_percent });
        }
        self.after(hpa.sync_period, Rank::Controller, Event::Autoscale { server });
    }

    /// The pods of a server that are not being deleted, as its autoscaler sees them. A new one is Pending until it is Ready.
    fn seen_pods(&self, server: DeploymentId) -> Vec<hpa::Pod> {
        let scraped = self.autoscalers[server].as_ref().map(|a| &a.scraped);
        let alive = |&&pod: &&PodId| self.is_alive(pod);
        let pods = self.deployments[server].pods.iter().filter(alive);
        pods.map(|&pod| {
            let p = &self.pods[pod];
            hpa::Pod {
                pending: p.phase == PodPhase::Starting && p.incarnation == 0,
                ready: p.phase == PodPhase::Ready,
                ready_changed: p.ready_changed,
                started: p.created,
                request_milli: REQUEST_MILLI,
                sample: scraped.and_then(|s| s.get(&pod)).and_then(|s| s.sample),
            }
        })
        .collect()
    }
}
