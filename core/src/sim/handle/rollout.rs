//! The timeline, and the Deployment controller.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{Observation, Observer, PodPhase, ScaledBy};
use super::super::schedule::Rank;
use crate::ids::{CallerId, DeploymentId, Id, PodId};
use crate::model::{BlackHole, Pods, RateChange, Scale, Slow, Unready, What};
use crate::narrow::u32_of;
use crate::policy::controller::{self, Fleet, Step};
use crate::policy::victims::{self, Candidate};
use crate::units::Span;

impl<O: Observer> Engine<'_, O> {
    pub(crate) fn on_timeline(&mut self, action: u32) {
        match self.model.timeline[action as usize].what {
            What::RolloutServer(server) => {
                let server = DeploymentId::of(server);
                let deployment = &mut self.deployments[server];
                deployment.revision += 1;
                deployment.numbered = 0;
                deployment.rolling = true;
                let revision = deployment.revision;
                self.observe(&Observation::RolloutStarted { server: server.0, revision });
                self.reconcile_after(server, Span::ZERO);
            }
            What::RolloutClient(client) => self.start_client_rollout(CallerId::of(client)),
            What::Scale(Scale { server, replicas }) => {
                self.scale(DeploymentId::of(server), replicas, ScaledBy::Timeline);
            }
            What::Kill(pods) => {
                for pod in self.oldest_ready(pods) {
                    self.kill_pod(pod);
                }
            }
            What::Delete(pods) => {
                for pod in self.oldest_ready(pods) {
                    self.delete_pod(pod);
                }
                self.reconcile_after(DeploymentId::of(pods.server), Span::ZERO);
            }
            What::Slow(Slow { of, factor, lasts }) => {
                for pod in self.oldest_ready(of) {
                    self.slow_pod(pod, factor, lasts);
                }
            }
            What::Errors(errors) => {
                for pod in self.oldest_ready(errors.of) {
                    self.answer_errors(pod, errors);
                }
            }
            What::BlackHole(BlackHole { of, lasts, unready_after }) => {
                for pod in self.oldest_ready(of) {
                    self.begin_black_hole(pod, lasts, unready_after);
                }
            }
            What::Unready(Unready { of, lasts }) => {
                for pod in self.oldest_ready(of) {
                    self.fail_readiness(pod, lasts);
                }
            }
            What::Rate(RateChange { client, to, over }) => {
                self.observe(&Observation::RateChanged { client: u32_of(client), to, over });
            }
        }
    }

    /// A new number of replicas.
    pub(crate) fn scale(&mut self, server: DeploymentId, to: u32, by: ScaledBy) {
        let from = std::mem::replace(&mut self.deployments[server].desired, to);
        self.observe(&Observation::Scaled { server: server.0, from, to, by });
        self.reconcile_after(server, Span::ZERO);
    }

    fn oldest_ready(&self, Pods { server, pods }: Pods) -> Vec<PodId> {
        let ready = |&pod: &PodId| self.pods[pod].phase == PodPhase::Ready;
        self.deployments[DeploymentId::of(server)].pods.iter().copied().filter(ready).take(pods as usize).collect()
    }

    /// Lets the controller look at a server after `span`: once per instant, after everything else that happens then.
    pub(crate) fn reconcile_after(&mut self, server: DeploymentId, span: Span) {
        let deployment = &mut self.deployments[server];
        if span == Span::ZERO {
            if deployment.reconciling {
                return;
            }
            deployment.reconciling = true;
        }
        self.after(span, Rank::Controller, Event::Reconcile { server });
    }

    /// One step of the controller; if it acts, its own change is the next event.
    pub(crate) fn on_reconcile(&mut self, server: DeploymentId) {
        let deployment = &mut self.deployments[server];
        deployment.reconciling = false;
        // Most looks are at a Deployment to which nothing is to be done: a pod has become Ready, say. Counting all pods each time
        // would make the start of many of them quadratic.
        if !deployment.rolling && deployment.alive == deployment.desired {
            return;
        }
        let fleet = self.fleet(server);
        match controller::step(self.deployments[server].settings.strategy, &fleet) {
            Step::Wait => return self.maybe_finish_rollout(server, &fleet),
            Step::Create(n) => (0..n).for_each(|_| self.create_pod(server)),
            Step::DeleteNew(n) => {
                let revision = self.deployments[server].revision;
                self.delete_victims(server, n, |engine, pod| engine.is_of(pod, revision));
            }
            Step::DeleteOld { unavailable, available } => {
                self.delete_old(server, unavailable, available);
            }
        }
        self.reconcile_after(server, Span::ZERO);
    }

    fn maybe_finish_rollout(&mut self, server: DeploymentId, fleet: &Fleet) {
        let deployment = &mut self.deployments[server];
        if deployment.rolling && fleet.old == 0 && fleet.new_available == fleet.desired {
            deployment.rolling = false;
            self.observe(&Observation::RolloutFinished { server: server.0 });
        }
    }

    fn available(&self, pod: PodId) -> bool {
        let p = &self.pods[pod];
        p.phase == PodPhase::Ready && p.ready_since + self.server_of(pod).min_ready <= self.now
    }

    fn fleet(&self, server: DeploymentId) -> Fleet {
        let deployment = &self.deployments[server];
        let mut fleet = Fleet { desired: deployment.desired, ..Fleet::default() };
        for &pod in &deployment.pods {
            let p = &self.pods[pod];
            let (new, available) = (p.revision == deployment.revision, u32::from(self.available(pod)));
            match p.phase {
                PodPhase::Terminating | PodPhase::Gone => fleet.old_terminating += u32::from(!new),
                PodPhase::Starting | PodPhase::Ready | PodPhase::Unready if new => {
                    fleet.new += 1;
                    fleet.new_available += available;
                }
                PodPhase::Starting | PodPhase::Ready | PodPhase::Unready => {
                    fleet.old += 1;
                    fleet.old_available += available;
                }
            }
        }
        fleet
    }

    /// Scales old ReplicaSets down, the oldest first: unavailable pods (`cleanupUnhealthyReplicas`), then available ones
    /// (`scaleDownOldReplicaSets`), each by the victims' order.
    fn delete_old(&mut self, server: DeploymentId, unavailable: u32, available: u32) {
        // Those that still have pods: there may have been thousands.
        let mut revisions: Vec<u32> = self.revisions(server).collect();
        revisions.sort_unstable();
        revisions.dedup();
        let mut left = unavailable;
        for &revision in &revisions {
            let of = |engine: &Self, pod: PodId| engine.is_of(pod, revision) && !engine.available(pod);
            left -= self.delete_victims(server, left, of);
        }
        let mut left = available;
        for &revision in &revisions {
            left -= self.delete_victims(server, left, |engine, pod| engine.is_of(pod, revision));
        }
    }

    /// Of each pod of an earlier revision.
    fn revisions(&self, server: DeploymentId) -> impl Iterator<Item = u32> {
        let deployment = &self.deployments[server];
        let of_pods = deployment.pods.iter().map(|&pod| self.pods[pod].revision);
        of_pods.filter(|&revision| revision < deployment.revision)
    }

    fn is_of(&self, pod: PodId, revision: u32) -> bool {
        self.pods[pod].revision == revision
    }

    /// Not being deleted, and not gone.
    pub(crate) fn is_alive(&self, pod: PodId) -> bool {
        matches!(self.pods[pod].phase, PodPhase::Starting | PodPhase::Ready | PodPhase::Unready)
    }

    /// Deletes the first `count` victims among the chosen pods; returns how many there were.
    fn delete_victims(&mut self, server: DeploymentId, count: u32, of: impl Fn(&Self, PodId) -> bool) -> u32 {
        if count == 0 {
            return 0;
        }
        let alive = self.deployments[server].pods.iter().copied();
        let mut candidates: Vec<Candidate> = alive
            .filter(|&pod| self.is_alive(pod) && of(self, pod))
            .map(|pod| {
                let p = &self.pods[pod];
                let ready_for = (p.phase == PodPhase::Ready).then(|| self.now.since(p.ready_since));
                Candidate { pod, node: p.node, ready_for, uid: p.uid }
            })
            .collect();
        let alive = self.deployments[server].pods.iter().filter(|&&pod| self.is_alive(pod));
        let nodes = alive.map(|&pod| self.pods[pod].node);
        victims::rank(&mut candidates, nodes);
        candidates.truncate(count as usize);
        for victim in &candidates {
            self.delete_pod(victim.pod);
        }
        u32_of(candidates.len())
    }
}
