//! What Prometheus would read of the processes of a run, scrape by scrape: an observer beside the recorder.
//!
//! All counters are read at one instant: the end of the first window at or after each multiple of the interval. So they agree with the rows of
//! `pods.csv`. A process is read at its start, too, when all is zero, and at its end: no count is lost between two scrapes.

mod meters;

use std::collections::BTreeMap;

pub use meters::{Calls, ClientMeter, Code, DeploymentMeter, Disconnect, Durations, ENDS_NS, Meter, PodMeter, Series};

use super::run::window;
use crate::ids::{Id, Table};
use crate::model::{Client, Load, Model, Protocol};
use crate::sim::observation::{
    CloseReason, ConnectionId, Intercepted, NO_METHOD, Observation, Observer, PodId, PodPhase, PodSample,
};
use crate::units::{Span, Time};

/// The most numbers that are kept: 32 MB. The text that is made of them has some 600 MB.
const MOST: usize = 4_000_000;

/// A method, by the names that gRPC has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Of a method `shop.Cart/Get` it is `shop.Cart`; of a method `Get` the name of the first server stands for it.
    pub service: String,
    /// `Call` if the client does not tell methods apart, and `Stream` of streams.
    pub name: String,
    /// Calls of it are streams.
    pub streams: bool,
}

/// What was read of a pod.
#[derive(Clone, Debug)]
pub struct PodSeries {
    /// Its name.
    pub name: String,
    /// Its server, or gateway, in [`Model::deployments`].
    pub server: usize,
    /// What was read.
    pub read: Series<PodMeter>,
}

/// What was read in a run.
#[derive(Clone, Debug, Default)]
pub struct Scrapes {
    /// All methods of gRPC clients.
    pub methods: Vec<Method>,
    /// In order of creation, the gateways' among them.
    pub pods: Vec<PodSeries>,
    /// By client.
    pub clients: Vec<Series<ClientMeter>>,
    /// By server and gateway, in the order of [`Model::deployments`].
    pub deployments: Vec<Series<DeploymentMeter>>,
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run has more metrics than the {MOST} numbers that may be kept")]
pub struct TooManyMetrics;

/// True if a run of this model has too much to read, provided that its pods get calls.
#[must_use]
pub fn is_too_much(model: &Model, interval: Span) -> bool {
    let Some(duration) = model.duration else { return false };
    let pods: u64 = model.deployments().map(|d| u64::from(d.replicas)).sum();
    let scrapes = duration.0 / interval.max(window(model)).0.max(1);
    // Of each pod the histogram of one method and one status.
    pods.saturating_mul(scrapes).saturating_mul(ENDS_NS.len() as u64) > MOST as u64
}

/// A pod while the run goes on.
struct PodState {
    phase: PodPhase,
    ready_since: Time,
    meter: PodMeter,
}

/// An observer that reads all processes once per interval.
pub struct Scraper<'a> {
    model: &'a Model,
    interval: Span,
    /// Up to when the next scrape is not due.
    due: Time,
    scraped: Option<Time>,
    /// When the last window ended: in the end, when the run did.
    now: Time,
    /// By client and method: the index into `Scrapes::methods`; `None` of HTTP/1.1.
    methods: Vec<Option<Vec<usize>>>,
    pods: Table<PodId, PodState>,
    clients: Vec<ClientMeter>,
    /// Pods wanted, by Deployment.
    wanted: Vec<u32>,
    /// Connections that channels may use, and whose.
    open: BTreeMap<ConnectionId, u32>,
    scrapes: Scrapes,
    numbers: usize,
}

impl<'a> Scraper<'a> {
    /// An observer of one run of `model`.
    #[must_use]
    pub fn new(model: &'a Model, interval: Span) -> Self {
        let mut scrapes = Scrapes::default();
        let service = model.servers.first().map_or("", |server| &server.name);
        let methods = model.clients.iter().map(|client| methods_of(client, service, &mut scrapes.methods)).collect();
        scrapes.clients = vec![Series::default(); model.clients.len()];
        scrapes.deployments = vec![Series::default(); model.deployments().count()];
        let calls = vec![Calls::default(); scrapes.methods.len()];
        let clients = vec![ClientMeter { calls, ..ClientMeter::default() }; model.clients.len()];
        for (series, meter) in scrapes.clients.iter_mut().zip(&clients) {
            series.read(Time::ZERO, meter);
        }
        Scraper {
            model,
            interval: interval.max(Span(1)),
            due: Time::ZERO + interval,
            scraped: None,
            now: Time::ZERO,
            methods,
            pods: Table::default(),
            clients,
            wanted: model.deployments().map(|deployment| deployment.replicas).collect(),
            open: BTreeMap::new(),
            scrapes,
            numbers: 0,
        }
    }

    /// All that was read of the run, which is over.
    ///
    /// # Errors
    /// If it is too much.
    pub fn finish(mut self) -> Result<Scrapes, TooManyMetrics> {
        if self.scraped != Some(self.now) {
            self.scrape(self.now);
        }
        if self.numbers > MOST { Err(TooManyMetrics) } else { Ok(self.scrapes) }
    }

    fn method(&self, client: u32, method: u16) -> Option<usize> {
        self.methods.get(client as usize)?.as_ref()?.get(usize::from(method)).copied()
    }

    fn pod_calls(&mut self, pod: PodId, client: u32, method: u16) -> Option<&mut Calls> {
        let method = self.method(client, method)?;
        Some(&mut self.pods[pod].meter.calls[method])
    }

    fn client_ended(&mut self, client: u32, method: u16, code: Code, took: Span) {
        if let Some(method) = self.method(client, method) {
            self.clients[client as usize].calls[method].ended(code, took);
        }
    }

    /// A client whose own channels have the connections: no proxy is between.
    fn is_direct(&self, client: u32) -> bool {
        let client = self.model.clients.get(client as usize);
        client.is_some_and(|c| c.via.is_none() && matches!(c.protocol, Protocol::Grpc(_)))
    }

    /// A channel has lost a connection, if it was one that it could use.
    fn lost(&mut self, connection: ConnectionId, reason: CloseReason) -> bool {
        let client = self.open.remove(&connection);
        if let Some(client) = client {
            let meter = &mut self.clients[client as usize];
            meter.open -= 1;
            meter.lost[Disconnect::from(reason) as usize] += 1;
        }
        client.is_some()
    }

    fn read_pod(&mut self, pod: PodId, at: Time) {
        if self.numbers <= MOST {
            self.numbers += self.scrapes.pods[pod.0 as usize].read.read(at, &self.pods[pod].meter);
        }
    }

    /// Reads all that is there.
    fn scrape(&mut self, at: Time) {
        self.scraped = Some(at);
        self.due = Time((at.0 / self.interval.0 + 1).saturating_mul(self.interval.0));
        if self.numbers > MOST {
            return;
        }
        for i in 0..self.pods.len() {
            let pod = PodId::of(i);
            if !matches!(self.pods[pod].phase, PodPhase::Starting | PodPhase::Gone) {
                self.read_pod(pod, at);
            }
        }
        for (series, meter) in self.scrapes.clients.iter_mut().zip(&self.clients) {
            self.numbers += series.read(at, meter);
        }
        self.read_deployments(at);
    }

    fn read_deployments(&mut self, at: Time) {
        let wanted = |wanted: &u32| DeploymentMeter { wanted: *wanted, ..DeploymentMeter::default() };
        let mut meters: Vec<DeploymentMeter> = self.wanted.iter().map(wanted).collect();
        for (state, series) in self.pods.iter().zip(&self.scrapes.pods) {
            if state.phase == PodPhase::Ready {
                let min_ready = self.model.deployment(series.server).min_ready;
                meters[series.server].ready += 1;
                meters[series.server].available += u32::from(state.ready_since + min_ready <= at);
            }
        }
        for (series, meter) in self.scrapes.deployments.iter_mut().zip(&meters) {
            self.numbers += series.read(at, meter);
        }
    }

    fn enters(&mut self, at: Time, pod: PodId, phase: PodPhase) {
        let before = std::mem::replace(&mut self.pods[pod].phase, phase);
        let state = &mut self.pods[pod];
        state.meter.ready = phase == PodPhase::Ready;
        if phase == PodPhase::Ready {
            state.ready_since = at;
        }
        match (before, phase) {
            // A process that starts has counted nothing.
            (PodPhase::Starting, PodPhase::Ready) => {
                let calls = vec![Calls::default(); self.scrapes.methods.len()];
                state.meter = PodMeter { calls, ready: true, ..PodMeter::default() };
                self.read_pod(pod, at);
            }
            // It never came up.
            (PodPhase::Starting, _) => {}
            (_, PodPhase::Starting | PodPhase::Gone) => {
                (state.meter.connections, state.meter.queued) = (0, 0);
                self.read_pod(pod, at);
            }
            _ => {}
        }
    }

    fn window(&mut self, at: Time, samples: &[PodSample]) {
        for sample in samples {
            let meter = &mut self.pods[sample.pod].meter;
            meter.busy = meter.busy + sample.busy;
            meter.periods.used += sample.periods.used;
            meter.periods.throttled += sample.periods.throttled;
            (meter.connections, meter.queued) = (sample.connections, sample.queued);
        }
        self.now = at;
        if at >= self.due {
            self.scrape(at);
        }
    }
}

/// The methods of a client, by the number that calls have; those that are new are added to `all`.
fn methods_of(client: &Client, service: &str, all: &mut Vec<Method>) -> Option<Vec<usize>> {
    if matches!(client.protocol, Protocol::Http1(_)) {
        return None;
    }
    let streams = matches!(client.load, Load::Streams(_));
    let mut index = |name: &str| {
        let (service, name) = name.trim_start_matches('/').rsplit_once('/').unwrap_or((service, name));
        // Two methods of one name would be one series twice.
        all.iter().position(|m| m.service == service && m.name == name).unwrap_or_else(|| {
            all.push(Method { service: service.to_owned(), name: name.to_owned(), streams });
            all.len() - 1
        })
    };
    if client.methods.is_empty() {
        return Some(vec![index(if streams { "Stream" } else { "Call" })]);
    }
    // Methods are counted from 1; nothing has the number 0.
    let mut of: Vec<usize> = client.methods.iter().map(|m| index(&m.name)).collect();
    of.insert(usize::from(NO_METHOD), of[0]);
    Some(of)
}

impl Observer for Scraper<'_> {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        // Processes are read when they start; Deployments once all pods of the first instant are there.
        if self.scraped.is_none() && at > Time::ZERO {
            self.scraped = Some(Time::ZERO);
            self.read_deployments(Time::ZERO);
        }
        match *what {
            Observation::Received { pod, .. } | Observation::Message { pod } => self.pods[pod].meter.requests += 1,
            Observation::Completed { client, method, emitted, .. } => {
                self.client_ended(client, method, Code::Ok, at.since(emitted));
            }
            Observation::Failed { client, method, why, emitted, .. } => {
                self.client_ended(client, method, why.status().into(), at.since(emitted));
            }
            Observation::PodCreated { server, revision, number, .. } => {
                let server = server as usize;
                let name = format!("{}-{revision}-{number}", self.model.deployment(server).name);
                self.scrapes.pods.push(PodSeries { name, server, read: Series::default() });
                let meter = PodMeter::default();
                self.pods.push(PodState { phase: PodPhase::Starting, ready_since: at, meter });
            }
            Observation::PodPhase { pod, phase } => self.enters(at, pod, phase),
            Observation::Scaled { server, to, .. } => self.wanted[server as usize] = to,
            Observation::Connected { connection, client, .. } if self.is_direct(client) => {
                self.open.insert(connection, client);
                let meter = &mut self.clients[client as usize];
                meter.open += 1;
                meter.connected += 1;
            }
            Observation::Draining { connection, reason, .. } => {
                self.lost(connection, reason);
            }
            Observation::Closed(record) => {
                let reason = record.reason.unwrap_or(CloseReason::ClientStopped);
                let dialled_in_vain = matches!(reason, CloseReason::Refused | CloseReason::DialTimeout);
                if !self.lost(record.id, reason) && dialled_in_vain && self.is_direct(record.client) {
                    self.clients[record.client as usize].refused += 1;
                }
            }
            Observation::Window { pods, .. } => self.window(at, pods),
            _ => {}
        }
    }

    fn intercepts(&self) -> bool {
        true
    }

    fn intercept(&mut self, _: Time, what: &Intercepted) {
        match *what {
            Intercepted::Called { client, method } => {
                if let Some(method) = self.method(client, method) {
                    self.clients[client as usize].calls[method].started += 1;
                }
            }
            Intercepted::Received { pod, client, method } => {
                if let Some(calls) = self.pod_calls(pod, client, method) {
                    calls.started += 1;
                }
            }
            Intercepted::Handled { pod, client, method, took, how } => {
                if let Some(calls) = self.pod_calls(pod, client, method) {
                    calls.ended(how.into(), took);
                }
            }
            Intercepted::Message { pod, client } => {
                if let Some(calls) = self.pod_calls(pod, client, NO_METHOD) {
                    calls.messages += 1;
                }
            }
        }
    }
}
