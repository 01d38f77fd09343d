//! Client replicas: their start, their end, and the rollout of a client Deployment.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{Caller, ReplicaPhase};
use crate::ids::{CallIx, CallerId, ReplicaId};
use crate::model::{ConnectAt, Protocol};
use crate::policy::controller::{self, Fleet, Step};
use crate::random::{Purpose, mix};
use crate::units::Span;

/// Istio's `terminationDrainDuration`.
pub(super) const PROXY_DRAINS: Span = Span::from_secs(5);

impl<O: Observer> Engine<'_, O> {
    /// The ordinal of the replica that made a call.
    pub(crate) fn ordinal_of(&self, call: CallIx) -> u32 {
        let call = &self.calls[call];
        let replica = match self.clients[call.client].settings.protocol {
            Protocol::Grpc(_) => self.channels[call.owner.channel()].replica,
            Protocol::Http1(_) => self.pools[call.owner.pool()].replica,
        };
        self.replicas[replica].ordinal
    }

    /// A replica starts: it connects if its client does so at the start, and takes its part of the load.
    pub(crate) fn on_replica_start(&mut self, replica: ReplicaId) {
        let now = self.now;
        let r = &mut self.replicas[replica];
        if r.phase != ReplicaPhase::Starting {
            return;
        }
        r.phase = ReplicaPhase::Running;
        r.ready_since = now;
        let (client, ordinal, first, workers) = (r.client, r.ordinal, r.first, r.first_worker.series(r.workers));
        let state = &mut self.clients[client];
        let caller = Caller { replica, ordinal, first, next_channel: 0 };
        match state.active.get_mut(ordinal as usize) {
            Some(place) if state.revision == 1 => *place = caller,
            _ => state.active.push(caller),
        }
        self.observe(&Observation::ReplicaStarted { client: client.0, replica: ordinal });
        let settings = self.clients[client].settings;
        match &settings.protocol {
            Protocol::Grpc(grpc) if grpc.connect == ConnectAt::Start => {
                for channel in first.channel().series(settings.channels) {
                    self.exit_idle(self.channels[channel].balancer);
                }
            }
            Protocol::Grpc(_) => {}
            Protocol::Http1(http1) => {
                let warm = http1.keep_alive.map_or(0, |k| k.warm);
                (0..warm).for_each(|_| self.pool_dial(first.pool()));
            }
        }
        workers.for_each(|worker| self.next_closed_call(worker));
        if self.clients[client].rolling {
            self.reconcile_client_soon(client);
        }
    }

    pub(crate) fn start_client_rollout(&mut self, client: CallerId) {
        let state = &mut self.clients[client];
        state.revision += 1;
        state.rolling = true;
        self.observe(&Observation::ClientRollout { client: client.0, finished: false });
        self.reconcile_client_soon(client);
    }

    fn reconcile_client_soon(&mut self, client: CallerId) {
        let state = &mut self.clients[client];
        if !state.reconciling {
            state.reconciling = true;
            self.after(Span::ZERO, Rank::Controller, Event::ReconcileClient { client });
        }
    }

    /// One step of the Deployment controller for a client.
    pub(crate) fn on_reconcile_client(&mut self, client: CallerId) {
        self.clients[client].reconciling = false;
        let settings = self.clients[client].settings;
        let fleet = self.client_fleet(client);
        match controller::step(settings.strategy, &fleet) {
            Step::Wait => {
                let state = &mut self.clients[client];
                if state.rolling && fleet.old == 0 && fleet.new_available == fleet.desired {
                    state.rolling = false;
                    self.observe(&Observation::ClientRollout { client: client.0, finished: true });
                }
                return;
            }
            Step::Create(n) => (0..n).for_each(|_| self.create_replica(client)),
            Step::DeleteNew(_) => return,
            Step::DeleteOld { unavailable, available } => {
                let current = self.clients[client].revision;
                let old = self.clients[client].members.iter().copied();
                let old: Vec<ReplicaId> = old.filter(|&r| self.replicas[r].revision != current).collect();
                let is_running = |r: &ReplicaId| self.replicas[*r].phase == ReplicaPhase::Running;
                let (running, starting): (Vec<ReplicaId>, Vec<ReplicaId>) = old.into_iter().partition(is_running);
                let victims = starting.into_iter().take(unavailable as usize);
                let victims: Vec<ReplicaId> = victims.chain(running.into_iter().take(available as usize)).collect();
                victims.into_iter().for_each(|r| self.stop_replica(r));
            }
        }
        self.reconcile_client_soon(client);
    }

    fn client_fleet(&self, client: CallerId) -> Fleet {
        let state = &self.clients[client];
        let mut fleet = Fleet { desired: self.clients[client].settings.replicas, ..Fleet::default() };
        for &replica in &state.members {
            let r = &self.replicas[replica];
            let running = u32::from(r.phase == ReplicaPhase::Running);
            if r.revision == state.revision {
                fleet.new += 1;
                fleet.new_available += running;
            } else {
                fleet.old += 1;
                fleet.old_available += running;
            }
        }
        fleet
    }

    fn create_replica(&mut self, client: CallerId) {
        let replica = self.add_replica(client);
        let draw = self.streams.draw(Purpose::ReplicaStart, self.replica_key(replica), 1);
        let takes = self.clients[client].settings.startup.sample(draw);
        self.after(takes, Rank::World, Event::ReplicaStart { replica });
    }

    /// A replica makes no more calls; it finishes those it has, and closes.
    fn stop_replica(&mut self, replica: ReplicaId) {
        let r = &mut self.replicas[replica];
        r.phase = ReplicaPhase::Stopped;
        let (client, ordinal, first) = (r.client, r.ordinal, r.first);
        let state = &mut self.clients[client];
        state.active.retain(|c| c.replica != replica && c.replica != ReplicaId::NONE);
        state.members.retain(|&r| r != replica);
        self.observe(&Observation::ReplicaStopped { client: client.0, replica: ordinal });
        match &self.clients[client].settings.protocol {
            Protocol::Grpc(_) => {
                for channel in first.channel().series(self.clients[client].settings.channels) {
                    self.channels[channel].stopped = true;
                    if self.clients[client].settings.via.is_some() {
                        // The proxy outlives the application: calls may be on their way to it.
                        self.after(PROXY_DRAINS, Rank::World, Event::Dispatch { channel });
                    } else if self.channels[channel].waiting.is_empty() {
                        self.shut_channel(channel);
                    }
                }
            }
            Protocol::Http1(_) => self.shut_pool(first.pool()),
        }
    }

    /// The key of a replica's random draws.
    pub(crate) fn replica_key(&self, replica: ReplicaId) -> u64 {
        let r = &self.replicas[replica];
        mix(self.clients[r.client].key, u64::from(r.ordinal))
    }
}
