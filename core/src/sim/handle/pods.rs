//! A pod's life: created, Ready, terminating, gone; killed and restarted.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observation, Observer, PodPhase};
use super::super::schedule::Rank;
use super::super::world::{Job, Pod, Reported};
use super::pace::Pace;
use super::replicas::PROXY_DRAINS;
use super::serving::all_idle;
use crate::ids::{DeploymentId, Id, NodeId, PodId, SlotIx};
use crate::model::Shutdown;
use crate::narrow::u32_of;
use crate::pick::Report;
use crate::policy::route::Condition;
use crate::random::{Purpose, mix};
use crate::units::{Span, Time};

/// The kubelet gives a container at least this long between SIGTERM and SIGKILL (`killContainer`, `minimumGracePeriod`).
const LEAST_GRACE: Span = Span::from_secs(2);

impl<O: Observer> Engine<'_, O> {
    /// A pod of the start of the run: Ready, and known to all.
    pub(crate) fn create_ready_pod(&mut self, server: DeploymentId) {
        let pod = self.add_pod(server);
        self.publish_at_start(pod);
        self.make_ready(pod);
    }

    /// A new pod, which becomes Ready after its start-up time.
    pub(crate) fn create_pod(&mut self, server: DeploymentId) {
        let pod = self.add_pod(server);
        self.begin_startup(pod);
    }

    fn add_pod(&mut self, server: DeploymentId) -> PodId {
        let settings = self.deployments[server].settings;
        let concurrency = settings.concurrency;
        let deployment = &mut self.deployments[server];
        let pod = self.pods.next_id();
        let (revision, number) = (deployment.revision, deployment.numbered);
        deployment.numbered += 1;
        deployment.pods.push(pod);
        deployment.alive += 1;
        let key = mix(mix(deployment.key, u64::from(revision)), u64::from(number));
        let first_slot = deployment.free_slots.pop().unwrap_or_else(|| {
            self.slot_jobs.extend_with(concurrency as usize, Job::Idle);
            self.slot_pods.extend_with(concurrency as usize, pod);
            SlotIx::of(self.slots.grow(concurrency as usize))
        });
        self.slot_pods.run_mut(first_slot, concurrency as usize).fill(pod);
        // The scheduler spreads the pods of a Deployment over the nodes.
        let node = NodeId(number % self.model.cluster.nodes);
        let sharing = settings.cpu.as_ref().map(|cpu| self.new_sharing(cpu, settings.concurrency, key));
        self.pods.push(Pod {
            server,
            settings,
            node,
            revision,
            uid: self.streams.draw(Purpose::Uid, key, 0),
            key,
            phase: PodPhase::Starting,
            listening: false,
            serving: false,
            incarnation: 0,
            created: self.now,
            ready_since: Time::NEVER,
            ready_changed: self.now,
            unready_until: Time::ZERO,
            endpoint_changes: 0,
            first_slot,
            idle: all_idle(concurrency),
            queue: Default::default(),
            queued: 0,
            connections: Vec::new(),
            established: 0,
            work_started: 0,
            work_sampled: 0,
            requests: 0,
            refused: 0,
            report: Report::default(),
            reported: Reported::default(),
            pace: Pace::new(settings),
            errors: None,
            sharing,
            draining: false,
            sheds_since: None,
            forwarder: None,
        });
        self.sampled_pods.push(pod);
        self.observe(&Observation::PodCreated { pod, server: server.0, revision, number, node: node.0 });
        pod
    }

    /// The container starts. News of a killed one's connections is always older than its successor.
    fn begin_startup(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        let (key, incarnation) = (p.key, p.incarnation);
        p.pace.cold = true;
        p.pace.settle(p.settings);
        let draw = self.streams.draw(Purpose::PodStart, key, u64::from(incarnation));
        let takes = self.server_of(pod).startup.sample(draw).max(self.model.cluster.rtt);
        self.set_phase(pod, PodPhase::Starting);
        self.after(takes, Rank::World, Event::PodReady { pod, incarnation });
    }

    pub(crate) fn on_pod_ready(&mut self, pod: PodId, incarnation: u32) {
        let p = &self.pods[pod];
        if p.phase != PodPhase::Starting || p.incarnation != incarnation {
            return;
        }
        self.make_ready(pod);
        self.tell_ready(pod);
    }

    /// The container is up: it accepts connections, and passes its probe.
    fn make_ready(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        (p.listening, p.serving) = (true, true);
        (p.ready_since, p.ready_changed) = (self.now, self.now);
        p.pace.up_since = self.now;
        self.open_gateway(pod);
        self.set_phase(pod, PodPhase::Ready);
    }

    /// The endpoint is published, and the controller looks when the pod is available.
    fn tell_ready(&mut self, pod: PodId) {
        self.publish(pod, Condition::Ready);
        let server = self.pods[pod].server;
        let min_ready = self.deployments[server].settings.min_ready;
        self.reconcile_after(server, min_ready);
    }

    /// The readiness probe of a Ready pod fails. It serves what comes all the same.
    pub(crate) fn fail_readiness(&mut self, pod: PodId, lasts: Option<Span>) {
        let until = lasts.map_or(Time::NEVER, |lasts| self.now + lasts);
        self.pods[pod].unready_until = until;
        self.become_unready(pod);
        self.schedule.at(until, Rank::World, Event::ReadinessBack { pod });
    }

    pub(crate) fn become_unready(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        (p.ready_since, p.ready_changed) = (Time::NEVER, self.now);
        let server = p.server;
        self.set_phase(pod, PodPhase::Unready);
        self.publish(pod, Condition::Absent);
        self.reconcile_after(server, Span::ZERO);
    }

    /// A pod may be Ready again: if its probe succeeds, and it answers at all.
    pub(crate) fn on_readiness_back(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        if p.phase != PodPhase::Unready || p.unready_until > self.now || self.black_holes.contains(&pod) {
            return;
        }
        (p.ready_since, p.ready_changed) = (self.now, self.now);
        self.set_phase(pod, PodPhase::Ready);
        self.tell_ready(pod);
    }

    pub(crate) fn set_phase(&mut self, pod: PodId, phase: PodPhase) {
        self.pods[pod].phase = phase;
        self.observe(&Observation::PodPhase { pod, phase });
    }

    /// Deletes a pod. In parallel, its endpoint is removed, and the preStop hook runs before SIGTERM.
    pub(crate) fn delete_pod(&mut self, pod: PodId) {
        let p = &self.pods[pod];
        let phase = match p.phase {
            PodPhase::Terminating | PodPhase::Gone => return,
            phase => phase,
        };
        self.deployments[self.pods[pod].server].alive -= 1;
        if phase == PodPhase::Starting {
            return self.pod_gone(pod);
        }
        self.set_phase(pod, PodPhase::Terminating);
        // kube-proxy falls back on terminating endpoints that pass their probe (`serving`), and on no others.
        if phase == PodPhase::Ready {
            self.publish(pod, Condition::Terminating);
        }
        let termination = self.server_of(pod).termination;
        let sigterm = termination.pre_stop.min(termination.grace);
        let sigkill = termination.grace.max(sigterm + LEAST_GRACE);
        self.after(sigterm, Rank::World, Event::SigTerm { pod });
        self.after(sigkill, Rank::World, Event::SigKill { pod });
    }

    /// SIGTERM: GracefulStop closes the listener and sends GOAWAY on all connections; the pod is gone when the last closes. A proxy may
    /// have its own way.
    pub(crate) fn on_sigterm(&mut self, pod: PodId) {
        if self.pods[pod].phase != PodPhase::Terminating {
            return;
        }
        let way = self.model.shutdown(self.pods[pod].server.index());
        match way {
            Shutdown::AtOnce => return self.on_sigkill(pod),
            Shutdown::Never => return,
            Shutdown::Graceful | Shutdown::Drains => {}
        }
        let connections = self.pods[pod].connections.clone();
        let count = u32_of(connections.len());
        self.observe(&Observation::PodDraining { pod, connections: count });
        let p = &mut self.pods[pod];
        if way == Shutdown::Drains {
            p.sheds_since = Some(self.now);
            return self.after(PROXY_DRAINS, Rank::World, Event::SigKill { pod });
        }
        p.listening = false;
        p.draining = true;
        for connection in connections {
            self.send_goaway(connection, CloseReason::Shutdown);
        }
        self.pod_lost_connection(pod);
    }

    /// A connection of the pod has closed.
    pub(crate) fn pod_lost_connection(&mut self, pod: PodId) {
        let p = &self.pods[pod];
        if p.draining && p.connections.is_empty() && p.phase == PodPhase::Terminating {
            self.pod_gone(pod);
        }
    }

    pub(crate) fn on_sigkill(&mut self, pod: PodId) {
        if self.pods[pod].phase == PodPhase::Terminating {
            self.kill_container(pod);
            self.pod_gone(pod);
        }
    }

    /// SIGKILL of the container of a Ready pod: it restarts in place.
    pub(crate) fn kill_pod(&mut self, pod: PodId) {
        self.kill_container(pod);
        self.publish(pod, Condition::Absent);
        self.begin_startup(pod);
    }

    /// The process is gone: work is lost, connections are reset.
    fn kill_container(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        (p.listening, p.serving) = (false, false);
        p.incarnation += 1;
        (p.ready_since, p.ready_changed) = (Time::NEVER, self.now);
        self.black_holes.remove(&pod);
        let p = &mut self.pods[pod];
        let connections: Vec<_> = p.connections.iter().map(|&c| self.connections.handle(c)).collect();
        let what = Observation::PodKilled { pod, connections: u32_of(connections.len()) };
        self.observe(&what);
        self.lose_work(pod);
        self.reset(connections, (CloseReason::Killed, FailureReason::Reset));
    }

    fn pod_gone(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        (p.listening, p.serving) = (false, false);
        let (server, first_slot) = (p.server, p.first_slot);
        self.black_holes.remove(&pod);
        self.lose_work(pod);
        self.set_phase(pod, PodPhase::Gone);
        self.publish(pod, Condition::Absent);
        let deployment = &mut self.deployments[server];
        if let Ok(i) = deployment.pods.binary_search(&pod) {
            deployment.pods.remove(i);
        }
        deployment.free_slots.push(first_slot);
        // Rollouts leave many pods behind, and each may have thousands of slots.
        self.pods[pod].idle = Vec::new();
        self.reconcile_after(server, Span::ZERO);
    }
}
