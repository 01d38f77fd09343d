//! An observer that holds the engine to what it promises. It sees what any observer sees, knows the model, and keeps its
//! own account of pods, connections and calls.

use std::collections::BTreeMap;

use evenkeel::distribution::Distribution;
use evenkeel::model::{Discovery, DnsCache, GrpcClient, Model, Pods, Protocol, Strategy, What};
use evenkeel::policy::controller::fenceposts;
use evenkeel::sim::RunEnd;
use evenkeel::sim::observation::*;
use evenkeel::units::{Span, Time};

struct PodState {
    server: usize,
    revision: u32,
    phase: PodPhase,
    sigterm: bool,
    /// (when, phase)
    history: Vec<(Time, PodPhase)>,
    received: u64,
    started: u64,
    completed: u64,
}

struct ConnectionState {
    client: u32,
    replica: u32,
    pod: Option<PodId>,
    dialled: Time,
    connected: Option<Time>,
    draining: Option<(Time, CloseReason)>,
    over: bool,
    received: u64,
}

/// Where the engine broke a promise is in `broken`: empty is good.
pub struct Watchdog<'m> {
    model: &'m Model,
    pub broken: Vec<String>,
    now: Time,
    /// Open calls, by client and time of emission.
    calls: BTreeMap<(u32, Time), i64>,
    pods: Vec<PodState>,
    connections: BTreeMap<u64, ConnectionState>,
    /// Replicas that run.
    running: BTreeMap<(u32, u32), bool>,
    resolved: BTreeMap<(u32, u32), Vec<Time>>,
    desired: Vec<u32>,
    /// By server: when its wanted number of pods last changed.
    scaled: Vec<Option<Time>>,
    window_end: Time,
    /// Available pods deleted at this instant, by server.
    deleted: Vec<u32>,
}

impl<'m> Watchdog<'m> {
    pub fn new(model: &'m Model) -> Self {
        Watchdog {
            model,
            broken: Vec::new(),
            now: Time::ZERO,
            calls: BTreeMap::new(),
            pods: Vec::new(),
            connections: BTreeMap::new(),
            running: BTreeMap::new(),
            resolved: BTreeMap::new(),
            desired: model.deployments().map(|s| s.replicas).collect(),
            scaled: vec![None; model.deployments().count()],
            window_end: Time::ZERO,
            deleted: vec![0; model.deployments().count()],
        }
    }

    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.broken.len() < 5 {
            self.broken.push(format!("at {}: {}", self.now, what()));
        }
    }

    fn alive(&self, server: usize) -> u32 {
        let ends = |p: &PodState| matches!(p.phase, PodPhase::Terminating | PodPhase::Gone);
        let alive = |p: &&PodState| p.server == server && !ends(p);
        self.pods.iter().filter(alive).count() as u32
    }

    fn is_available(&self, p: &PodState, at: Time) -> bool {
        let since = p.history.last().map_or(Time::NEVER, |h| h.0);
        p.phase == PodPhase::Ready && since + self.model.deployment(p.server).min_ready <= at
    }

    fn available(&self, server: usize, at: Time) -> u32 {
        self.pods.iter().filter(|p| p.server == server && self.is_available(p, at)).count() as u32
    }

    /// An instant is over: a rollout has not gone below the floor. Kills and deletions may, and so may scaling down: it looks
    /// at readiness and neighbours, not at availability (Kubernetes' `ActivePodsWithRanks`).
    fn end_instant(&mut self) {
        for server in 0..self.deleted.len() {
            let deleted = std::mem::take(&mut self.deleted[server]);
            let Strategy::RollingUpdate { max_surge, max_unavailable } = self.model.deployment(server).strategy else {
                continue;
            };
            let by_hand = |a: &evenkeel::model::Action| match a.what {
                What::Kill(Pods { server: s, .. }) | What::Delete(Pods { server: s, .. }) => {
                    s == server && a.at == self.now
                }
                _ => false,
            };
            if deleted == 0 || self.scaled[server] == Some(self.now) || self.model.timeline.iter().any(by_hand) {
                continue;
            }
            let (_, unavailable) = fenceposts(max_surge, max_unavailable, self.desired[server]);
            let left = self.available(server, self.now);
            let floor = self.desired[server].saturating_sub(unavailable).min(left + deleted);
            self.must(left >= floor, || format!("server {server}: {left} pods available, at least {floor} promised"));
        }
    }

    fn end_call(&mut self, client: u32, emitted: Time) {
        let open = self.calls.entry((client, emitted)).or_default();
        *open -= 1;
        let left = *open;
        self.must(left >= 0, || format!("a call of client {client} emitted at {emitted} ended twice"));
    }

    fn received(&mut self, pod: PodId, id: ConnectionId) {
        let to_pod = self.model.cluster.rtt.0 / 2;
        let sent = Time(self.now.0.saturating_sub(to_pod));
        let p = &mut self.pods[pod.0 as usize];
        p.received += 1;
        let phase = p.phase;
        self.must(matches!(phase, PodPhase::Ready | PodPhase::Unready | PodPhase::Terminating), || {
            format!("{pod:?} receives while {phase:?}")
        });
        let Some(c) = self.connections.get_mut(&id.0) else {
            return self.must(false, || format!("a request on {id:?}, which nobody dialled"));
        };
        c.received += 1;
        let (on, connected, draining, over) = (c.pod, c.connected, c.draining, c.over);
        self.must(on == Some(pod), || format!("{id:?} leads to {on:?}, not {pod:?}"));
        self.must(connected.is_some_and(|t| t <= sent), || format!("sent at {sent} on {id:?}, READY at {connected:?}"));
        // A replica that stops still sends the calls that it had given to the connection.
        let late = draining.is_some_and(|(at, reason)| at < sent && reason != CloseReason::ClientStopped);
        self.must(!late, || format!("sent at {sent} on {id:?}, which drained: {draining:?}"));
        self.must(!over, || format!("a request on {id:?}, which is closed"));
    }

    /// True if the pod was in one of these phases at some instant from `from` to `to`.
    fn was(&self, pod: PodId, from: Time, to: Time, phases: &[PodPhase]) -> bool {
        let history = &self.pods[pod.0 as usize].history;
        (0..history.len()).any(|i| {
            let until = history.get(i + 1).map_or(Time::NEVER, |next| next.0);
            phases.contains(&history[i].1) && history[i].0 <= to && until >= from
        })
    }

    fn dialled(&mut self, client: u32, replica: u32, pod: Option<PodId>) {
        let (least, most) = bounds(&self.model.cluster.endpoint_lag);
        let ago = |t: Time, span: Span| Time(t.0.saturating_sub(span.0));
        let virtual_ip = !self.model.knows_pods(self.model.caller(client as usize));
        let Some(pod) = pod else {
            let target = self.model.caller(client as usize).gateway.map(|gateway| gateway + self.model.servers.len());
            let known = |p: &PodState| {
                let there = target.map_or(p.server < self.model.servers.len(), |target| p.server == target);
                there && matches!(p.history.last(), Some(&(since, PodPhase::Ready)) if since + most < self.now)
            };
            let known = virtual_ip && self.pods.iter().any(known);
            return self.must(!known, || "no endpoint, though a pod has been known as Ready".to_owned());
        };
        let (now, grpc) = (self.now, matches!(self.model.caller(client as usize).protocol, Protocol::Grpc(_)));
        let could = if virtual_ip {
            let phases = [PodPhase::Ready, PodPhase::Terminating];
            self.was(pod, ago(now, most), ago(now, least), &phases)
        } else {
            let dns = self.model.cluster.dns;
            let watches = |grpc: &GrpcClient| matches!(grpc.discovery, Discovery::Watch { .. });
            let watches = matches!(&self.model.caller(client as usize).protocol, Protocol::Grpc(grpc) if watches(grpc));
            let caches = match dns.cache {
                _ if watches => 0,
                DnsCache::None => 0,
                DnsCache::CoreDns => 1,
                DnsCache::NodeLocal => 2,
            };
            let oldest = Span(most.0 + caches * dns.ttl.0);
            // A channel dials what its answers had; an HTTP/1.1 client asks for each dial.
            let answers =
                if grpc { self.resolved.get(&(client, replica)).cloned().unwrap_or_default() } else { vec![now] };
            answers.iter().any(|&r| self.was(pod, ago(r, oldest), ago(r, least), &[PodPhase::Ready]))
        };
        self.must(could, || format!("replica {replica} of client {client} cannot know {pod:?}"));
    }

    fn pod_created(&mut self, server: usize, revision: u32) {
        let before = self.pods.len();
        self.pods.push(PodState {
            server,
            revision,
            phase: PodPhase::Starting,
            sigterm: false,
            history: vec![(self.now, PodPhase::Starting)],
            received: 0,
            started: 0,
            completed: 0,
        });
        let (alive, desired) = (self.alive(server), self.desired[server]);
        match self.model.deployment(server).strategy {
            Strategy::RollingUpdate { max_surge, max_unavailable } => {
                let most = desired + fenceposts(max_surge, max_unavailable, desired).0;
                self.must(alive <= most, || format!("server {server} has {alive} pods, at most {most} allowed"));
            }
            Strategy::Recreate => {
                let old = |p: &PodState| p.server == server && p.revision < revision && p.phase != PodPhase::Gone;
                let left = self.pods[..before].iter().any(old);
                self.must(alive <= desired && !left, || format!("server {server} recreates too early"));
            }
        }
    }

    fn pod_phase(&mut self, pod: PodId, phase: PodPhase) {
        let p = &self.pods[pod.0 as usize];
        let (before, server) = (p.phase, p.server);
        let was_available = self.is_available(p, self.now);
        let allowed = match phase {
            PodPhase::Starting => matches!(before, PodPhase::Starting | PodPhase::Ready),
            PodPhase::Unready => before == PodPhase::Ready,
            PodPhase::Ready => matches!(before, PodPhase::Starting | PodPhase::Unready),
            PodPhase::Terminating => matches!(before, PodPhase::Ready | PodPhase::Unready),
            PodPhase::Gone => matches!(before, PodPhase::Starting | PodPhase::Terminating),
        };
        self.must(allowed, || format!("{pod:?} goes from {before:?} to {phase:?}"));
        if phase == PodPhase::Terminating && was_available {
            self.deleted[server] += 1;
        }
        let (now, p) = (self.now, &mut self.pods[pod.0 as usize]);
        p.phase = phase;
        p.history.push((now, phase));
    }

    fn closed(&mut self, record: &ConnectionRecord) {
        let now = self.now;
        let Some(c) = self.connections.get_mut(&record.id.0) else {
            return self.must(false, || format!("{:?} ended, and nobody dialled it", record.id));
        };
        let was_over = std::mem::replace(&mut c.over, true);
        let same =
            (c.client, c.replica, c.pod, c.dialled) == (record.client, record.replica, record.pod, record.opened);
        let drained = c.draining.map(|d| d.0) == record.draining;
        let unsent = record.requests < c.received;
        let reason = c.draining.is_none() || record.reason == c.draining.map(|d| d.1);
        let client = record.client as usize;
        self.must(!was_over, || format!("{:?} ended twice", record.id));
        self.must(same && drained && reason, || format!("{record:?} is not what was observed"));
        self.must(!unsent, || format!("{record:?}: more requests received than sent"));
        self.must(record.closed.is_none_or(|t| t == now), || format!("{record:?} is told at another time"));
        if let Protocol::Http1(http) = &self.model.caller(client).protocol
            && http.keep_alive.is_none()
        {
            self.must(record.requests <= 1, || format!("{record:?}: several requests without keep-alive"));
        }
    }

    fn window(&mut self, from: Time, pods: &[PodSample]) {
        let (end, now) = (self.window_end, self.now);
        self.must(from == end && from < now, || format!("a window from {from} after one that ended at {end}"));
        self.window_end = now;
        let mut open = vec![0; self.pods.len()];
        for c in self.connections.values() {
            if let (Some(pod), Some(_), None, false) = (c.pod, c.connected, c.draining, c.over) {
                open[pod.0 as usize] += 1;
            }
        }
        self.must(pods.is_sorted_by_key(|s| s.pod), || "samples are not in order".to_owned());
        for s in pods {
            let p = &self.pods[s.pod.0 as usize];
            let server = self.model.deployment(p.server);
            let gateway = p.server >= self.model.servers.len();
            let throughout = matches!(p.history.last(), Some(&(since, PodPhase::Ready)) if since <= from);
            let (phase, open) = (p.phase, open[s.pod.0 as usize]);
            let handshakes = server.handshake_time > Span::ZERO;
            self.must(s.phase == phase && s.ready_throughout == throughout, || {
                format!("{s:?}, but {phase:?} {throughout}")
            });
            // What a pod that is gone had is reset: its clients hear of that half a round trip later.
            let open = if phase == PodPhase::Gone { 0 } else { open };
            self.must(s.connections == open, || format!("{s:?}, but {open} connections are READY"));
            self.must(gateway || s.in_flight - s.queued <= server.concurrency, || {
                format!("{s:?}: too many in service")
            });
            let short = handshakes || server.queue_limit.is_none_or(|l| s.queued <= l);
            self.must(short, || format!("{s:?}: the queue is too long"));
            let most = u128::from(now.since(from).0) * u128::from(server.concurrency);
            self.must(u128::from(s.busy.0) <= most, || format!("{s:?} was busier than its slots allow"));
        }
    }

    /// The run is over: everything has ended that began.
    pub fn finish(&mut self, end: RunEnd) {
        self.must(end.at >= self.now, || format!("the run ended at {}", end.at));
        self.end_instant();
        let left: i64 = self.calls.values().map(|n| n.abs()).sum();
        self.must(left == 0, || format!("{left} calls have no end"));
        let left = self.connections.values().filter(|c| !c.over).count();
        self.must(left == 0, || format!("{left} connections have no end"));
        for i in 0..self.pods.len() {
            let p = &self.pods[i];
            let (r, s, c) = (p.received, p.started, p.completed);
            self.must(c <= s && s <= r, || format!("pod {i}: {r} received, {s} started, {c} completed"));
        }
    }
}

impl Observer for Watchdog<'_> {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        let before = self.now;
        self.must(at >= before, || format!("time goes back to {at}"));
        if at > before {
            self.end_instant();
            self.now = at;
        }
        match *what {
            Observation::Emitted { client, replica, .. } => {
                *self.calls.entry((client, at)).or_default() += 1;
                let running = self.running.get(&(client, replica)) == Some(&true);
                self.must(running, || format!("replica {replica} of client {client} calls and does not run"));
            }
            Observation::Received { pod, connection } => self.received(pod, connection),
            Observation::Message { pod } => {
                let p = &self.pods[pod.0 as usize];
                let open = p.started > p.completed;
                self.must(open, || format!("{pod:?} gets a message, and has had no stream that is open"));
            }
            Observation::Started { pod, .. } => self.pods[pod.0 as usize].started += 1,
            Observation::Completed { client, pod, emitted, .. } => {
                self.pods[pod.0 as usize].completed += 1;
                self.end_call(client, emitted);
            }
            Observation::Failed { client, method, why, emitted, .. } => {
                let settings = self.model.caller(client as usize);
                let method = settings.methods.get(usize::from(method).wrapping_sub(1));
                let deadline = method.map_or(settings.deadline, |m| m.deadline);
                let late = deadline.is_some_and(|d| emitted + d < at);
                self.must(!late, || format!("a call of client {client} outlived its deadline"));
                let due = why != FailureReason::Deadline || deadline.is_some_and(|d| emitted + d == at);
                self.must(due, || format!("a call of client {client} ended at the wrong time for its deadline"));
                self.end_call(client, emitted);
            }
            Observation::Unfinished { client, emitted, .. } => self.end_call(client, emitted),
            Observation::PodCreated { pod, server, revision, .. } => {
                let next = self.pods.len();
                self.must(pod.0 as usize == next, || format!("{pod:?} is not the next one"));
                self.pod_created(server as usize, revision);
            }
            Observation::PodPhase { pod, phase } => self.pod_phase(pod, phase),
            Observation::PodDraining { pod, .. } => self.pods[pod.0 as usize].sigterm = true,
            Observation::Scaled { server, from, to, .. } => {
                self.scaled[server as usize] = Some(at);
                let had = std::mem::replace(&mut self.desired[server as usize], to);
                self.must(had == from, || format!("scaled from {from}, which was {had}"));
            }
            Observation::ReplicaStarted { client, replica } => {
                self.running.insert((client, replica), true);
            }
            Observation::ReplicaStopped { client, replica } => {
                self.running.insert((client, replica), false);
            }
            Observation::Resolved { client, replica, .. } => {
                self.resolved.entry((client, replica)).or_default().push(at);
            }
            Observation::Dialled { connection, client, replica, pod } => {
                self.dialled(client, replica, pod);
                let c = ConnectionState {
                    client,
                    replica,
                    pod,
                    dialled: at,
                    connected: None,
                    draining: None,
                    over: false,
                    received: 0,
                };
                let again = self.connections.insert(connection.0, c).is_some();
                self.must(!again, || format!("{connection:?} is dialled twice"));
            }
            Observation::Connected { connection, pod, .. } => {
                let p = &self.pods[pod.0 as usize];
                let listens = !matches!(p.phase, PodPhase::Starting | PodPhase::Gone) && !p.sigterm;
                self.must(listens, || format!("{pod:?} does not listen, and accepts"));
                let rtt = self.model.cluster.rtt;
                let c = self.connections.get_mut(&connection.0);
                let fits = c.is_some_and(|c| {
                    let fits = c.connected.is_none() && !c.over && c.pod == Some(pod) && c.dialled + rtt <= at;
                    c.connected = Some(at);
                    fits
                });
                self.must(fits, || format!("{connection:?} becomes READY out of order"));
            }
            Observation::Draining { connection, reason, .. } => {
                let c = self.connections.get_mut(&connection.0);
                let fits = c.is_some_and(|c| {
                    let fits = c.connected.is_some() && c.draining.is_none() && !c.over;
                    c.draining = Some((at, reason));
                    fits
                });
                self.must(fits, || format!("{connection:?} drains out of order"));
            }
            Observation::Closed(record) | Observation::OpenAtEnd(record) => self.closed(record),
            Observation::Window { from, pods, .. } => self.window(from, pods),
            _ => {}
        }
    }
}

/// The least and the most that a bounded law gives; the scenarios' lags are such.
fn bounds(law: &Distribution) -> (Span, Span) {
    (law.sample(0), law.sample(u64::MAX))
}
