//! The world at time zero, and the replicas that come later.

use super::engine::{Engine, deadline_queues};
use super::event::Event;
use super::load::{ClientState, ClosedLoad, OpenLoad, Worker, part, start_of};
use super::observation::Observer;
use super::schedule::Rank;
use super::world::{Caller, Deployment, Pool, Push, Replica, ReplicaPhase};
use crate::ids::{CallerId, ConnectionIx, DeploymentId, Id, NodeId, OwnerId, ReplicaId, ViewId, WorkerId};
use crate::model::{Arrivals, Client, Closed, Load, Protocol};
use crate::narrow::u32_of;
use crate::random::{key_of, mix};
use crate::units::Time;

impl<'a, O: Observer> Engine<'a, O> {
    /// The world at time zero: the pods of the start are Ready, clients start at their times.
    pub(super) fn populate(&mut self) {
        for (i, server) in self.model.deployments().enumerate() {
            self.deployments.push(Deployment {
                settings: server,
                key: key_of(&server.name),
                desired: server.replicas,
                revision: 1,
                numbered: 0,
                pods: Vec::new(),
                alive: 0,
                rolling: false,
                reconciling: false,
                free_slots: Vec::new(),
            });
            if i < self.model.servers.len() {
                self.populate_deployment(DeploymentId::of(i));
            }
        }
        for (i, action) in self.model.timeline.iter().enumerate() {
            self.schedule.at(action.at, Rank::Controller, Event::Timeline { action: u32_of(i) });
        }
        for (i, client) in self.model.clients.iter().enumerate() {
            self.add_client(i, client);
        }
        for (i, gateway) in self.model.gateways.iter().enumerate() {
            self.add_caller(&gateway.client, None, 0);
            self.populate_deployment(DeploymentId::of(self.model.servers.len() + i));
        }
        self.start_reports();
        if let Some(window) = self.options.window {
            self.after(window, Rank::Sampling, Event::Sample);
        }
    }

    fn populate_deployment(&mut self, server: DeploymentId) {
        for _ in 0..self.deployments[server].desired {
            self.create_ready_pod(server);
        }
        self.start_autoscaler(server);
    }

    fn add_client(&mut self, i: usize, client: &'a Client) {
        let key = key_of(&client.name);
        let open = match &client.load {
            Load::Open { arrivals, rate } => {
                let load = OpenLoad::new(&self.streams, key, client.replicas, *arrivals, rate);
                self.arrivals.set(i, load.next.at);
                Some(load)
            }
            Load::Streams(streams) => {
                let load = OpenLoad::new(&self.streams, key, client.replicas, Arrivals::Poisson, &streams.rate);
                self.arrivals.set(i, load.next.at);
                Some(load)
            }
            Load::Closed(_) | Load::Forwarded => None,
        };
        self.add_caller(client, open, client.replicas);
        // An open load, or a closed one without a total, ends with the run.
        self.unfinished_closed += u64::from(client.load.requests().is_none());
        self.reserve(client);
        for r in 0..client.replicas {
            let replica = self.add_replica(CallerId::of(i));
            self.add_workers(CallerId::of(i), replica, r);
            let at = start_of(&self.streams, mix(key, u64::from(r)), client.start);
            self.schedule.at(at, Rank::World, Event::ReplicaStart { replica });
        }
    }

    /// Somebody who connects, with this many replicas at the start.
    fn add_caller(&mut self, client: &'a Client, open: Option<OpenLoad>, replicas: u32) {
        let nobody = Caller { replica: ReplicaId::NONE, ordinal: 0, first: OwnerId(0), next_channel: 0 };
        let service = u32_of(client.gateway.map_or(0, |gateway| gateway + 1));
        self.clients.push(ClientState {
            settings: client,
            key: key_of(&client.name),
            first_queue: u32_of(self.clients.iter().map(|c| deadline_queues(c.settings)).sum()),
            open,
            active: vec![nobody; replicas as usize],
            members: Vec::new(),
            numbered: 0,
            revision: 1,
            rolling: false,
            reconciling: false,
            pushes: vec![Push::default(); self.model.cluster.nodes as usize].into(),
            first_view: ViewId(service * (self.model.cluster.nodes + 1)),
        });
    }

    /// Room for a client's replicas: growing by doubling would need half as much memory again.
    fn reserve(&mut self, client: &Client) {
        let replicas = client.replicas as usize;
        self.replicas.reserve_exact(replicas);
        self.schedule.reserve(replicas);
        if let Protocol::Grpc(_) = client.protocol {
            let channels = replicas * client.channels as usize;
            self.channels.reserve_exact(channels);
            self.only_connection.reserve_exact(channels);
            self.connections.items.reserve_exact(channels);
            self.lanes.reserve(channels);
        }
    }

    /// The workers of the `r`-th replica of a closed load. Worker `i` uses channel `i mod k`, as ghz does.
    fn add_workers(&mut self, client: CallerId, replica: ReplicaId, r: u32) {
        let settings = self.clients[client].settings;
        let Load::Closed(closed) = &settings.load else { return };
        let &Closed { concurrency, requests, .. } = closed;
        let n = u64::from(settings.replicas);
        let requests = requests.map(|total| part(total, n, u64::from(r)));
        let load = self.closed.next_id();
        let owner = self.replica_key(replica);
        self.closed.push(ClosedLoad::new(&self.streams, owner, requests, closed.is_paced()));
        let first = self.replicas[replica].first;
        let first_worker = self.workers.next_id();
        let workers = u32::try_from(part(concurrency.into(), n, r.into())).unwrap_or(concurrency);
        for w in 0..workers {
            let owner = first.plus(w % settings.channels);
            self.workers.push(Worker { replica, owner, load, called: Time::ZERO });
        }
        let replica = &mut self.replicas[replica];
        (replica.first_worker, replica.workers) = (first_worker, workers);
        self.unfinished_closed += requests.unwrap_or(0);
    }

    /// Adds a replica that has not started, with its channels or its pool.
    pub(super) fn add_replica(&mut self, client: CallerId) -> ReplicaId {
        let settings = self.clients[client].settings;
        let state = &mut self.clients[client];
        let ordinal = state.numbered;
        state.numbered += 1;
        let replica = self.replicas.next_id();
        state.members.push(replica);
        let first = match &settings.protocol {
            Protocol::Grpc(_) => self.channels.next_id().into(),
            Protocol::Http1(_) => self.pools.next_id().into(),
        };
        self.replicas.push(Replica {
            client,
            ordinal,
            node: NodeId(ordinal % self.model.cluster.nodes),
            revision: state.revision,
            first,
            dials: 0,
            first_worker: WorkerId(0),
            workers: 0,
            phase: ReplicaPhase::Starting,
            ready_since: Time::ZERO,
        });
        match &settings.protocol {
            Protocol::Grpc(grpc) => {
                for channel in first.channel().series(settings.channels) {
                    let balancer = self.balancer_of(replica, first.channel(), channel);
                    let channel = self.new_channel(replica, settings, grpc, balancer);
                    self.channels.push(channel);
                    self.only_connection.push(ConnectionIx::NONE);
                }
            }
            Protocol::Http1(_) => {
                self.pools.push(Pool::new(replica));
            }
        }
        replica
    }
}
