//! What is recorded of connections: counts always, whole lives only where they are wanted.

use std::collections::BTreeMap;

use crate::ids::{PodId, Table};
use crate::metrics::outcome::{ClientRow, ConnectionRow};
use crate::model::{Client, Model, Protocol};
use crate::sim::observation::{CloseReason, ConnectionRecord};
use crate::units::Time;

use super::pods::PodInfo;

/// Where the lives of connections go. There may be as many connections as requests (HTTP/1.1 without keep-alive), so that
/// keeping them is a choice.
#[derive(Default)]
pub enum ConnectionSink<'a> {
    /// Nowhere.
    #[default]
    Discard,
    /// Into `Outcome::connections`, in order of id.
    Keep,
    /// To this function, in the order in which they end, then those open at the end.
    Stream(Box<dyn FnMut(ConnectionRow) + Send + 'a>),
}

/// Connections so far.
pub(super) struct Connections<'a> {
    sink: ConnectionSink<'a>,
    kept: Vec<ConnectionRecord>,
    /// Per client, per replica.
    replicas: Vec<Vec<Replica>>,
    pub opened: u64,
    /// READY after the warmup, without those of the start of a replica.
    pub reconnects: u64,
    pub closed_by: [u64; CloseReason::ALL.len()],
    /// By pod and client: those that were READY at the end, and not draining.
    pub at_end: BTreeMap<(u32, u32), u64>,
}

/// A client's replica.
#[derive(Clone, Copy, Default)]
struct Replica {
    /// Connections that it may still open as part of its start.
    connections: u32,
    /// Answers of DNS that each allow a connection per address.
    answers: u32,
    started: Option<Time>,
    /// When its first connection was READY.
    connected: Option<Time>,
    opened: u64,
    /// Lists of addresses that it was given.
    resolved: u64,
    failed: u64,
    /// When the first call failed, and the last.
    failures: Option<(Time, Time)>,
}

impl Replica {
    /// A channel's first connections are one (pick_first, or a ClusterIP's single address) or one per address of its first
    /// answer that has any (any other policy that knows the pods); a keep-alive pool's are the `warm` ones.
    fn new(model: &Model, client: &Client) -> Replica {
        match &client.protocol {
            Protocol::Http1(http) => {
                Replica { connections: http.keep_alive.map_or(0, |pool| pool.warm), ..Replica::default() }
            }
            Protocol::Grpc(_) if model.connects_to_all(client) => {
                Replica { answers: client.channels, ..Replica::default() }
            }
            Protocol::Grpc(_) => Replica { connections: client.channels, ..Replica::default() },
        }
    }
}

impl<'a> Connections<'a> {
    pub(super) fn new(model: &Model, sink: ConnectionSink<'a>) -> Self {
        let replicas = vec![Vec::new(); model.callers().count()];
        let closed_by = [0; CloseReason::ALL.len()];
        Connections { sink, kept: Vec::new(), replicas, opened: 0, reconnects: 0, closed_by, at_end: BTreeMap::new() }
    }

    fn replica(&mut self, model: &Model, client: u32, replica: u32) -> &mut Replica {
        let (client, replica) = (client as usize, replica as usize);
        let list = &mut self.replicas[client];
        if list.len() <= replica {
            list.resize(replica + 1, Replica::new(model, model.caller(client)));
        }
        &mut list[replica]
    }

    pub(super) fn started(&mut self, model: &Model, client: u32, replica: u32, at: Time) {
        self.replica(model, client, replica).started.get_or_insert(at);
    }

    pub(super) fn failed(&mut self, model: &Model, client: u32, replica: u32, at: Time) {
        let replica = self.replica(model, client, replica);
        replica.failed += 1;
        replica.failures.get_or_insert((at, at)).1 = at;
    }

    /// A row per replica of the clients, in order of client and ordinal.
    pub(super) fn clients(&self, model: &Model) -> Vec<ClientRow> {
        let of_client = |(client, replicas): (&Client, &Vec<Replica>)| {
            let row = |(ordinal, replica): (usize, &Replica)| ClientRow {
                client: format!("{}-{ordinal}", client.name),
                started_s: replica.started.map(Time::as_secs_f64),
                connected_s: replica.connected.map(Time::as_secs_f64),
                connections_opened: replica.opened,
                resolved: replica.resolved,
                failed: replica.failed,
                first_failed_s: replica.failures.map(|(first, _)| first.as_secs_f64()),
                last_failed_s: replica.failures.map(|(_, last)| last.as_secs_f64()),
            };
            replicas.iter().enumerate().map(row).collect::<Vec<_>>()
        };
        model.clients.iter().zip(&self.replicas).flat_map(of_client).collect()
    }

    pub(super) fn resolved(&mut self, model: &Model, client: u32, replica: u32, addresses: u32) {
        let replica = self.replica(model, client, replica);
        replica.resolved += 1;
        if replica.answers > 0 && addresses > 0 {
            replica.answers -= 1;
            replica.connections += addresses;
        }
    }

    pub(super) fn connected(&mut self, model: &Model, client: u32, replica: u32, (at, measured): (Time, bool)) {
        self.opened += 1;
        let replica = self.replica(model, client, replica);
        replica.opened += 1;
        replica.connected.get_or_insert(at);
        if replica.connections > 0 {
            replica.connections -= 1;
        } else {
            self.reconnects += u64::from(measured);
        }
    }

    pub(super) fn closed(&mut self, model: &Model, pods: &Table<PodId, PodInfo>, record: &ConnectionRecord) {
        if let Some(reason) = record.reason {
            self.closed_by[reason as usize] += 1;
        }
        self.keep(model, pods, record);
    }

    /// A connection that was open at the end of the run.
    pub(super) fn open_at_end(&mut self, model: &Model, pods: &Table<PodId, PodInfo>, record: &ConnectionRecord) {
        if let Some(pod) = record.pod.filter(|_| record.ready) {
            *self.at_end.entry((pod.0, record.client)).or_default() += 1;
        }
        self.keep(model, pods, record);
    }

    fn keep(&mut self, model: &Model, pods: &Table<PodId, PodInfo>, record: &ConnectionRecord) {
        match &mut self.sink {
            ConnectionSink::Discard => {}
            ConnectionSink::Keep => self.kept.push(*record),
            ConnectionSink::Stream(sink) => sink(row(model, pods, record)),
        }
    }

    /// The rows of those kept, in order of id.
    pub(super) fn rows(&mut self, model: &Model, pods: &Table<PodId, PodInfo>) -> Vec<ConnectionRow> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_unstable_by_key(|record| record.id);
        kept.iter().map(|record| row(model, pods, record)).collect()
    }
}

fn row(model: &Model, pods: &Table<PodId, PodInfo>, record: &ConnectionRecord) -> ConnectionRow {
    ConnectionRow {
        id: record.id.0,
        client: format!("{}-{}", model.caller(record.client as usize).name, record.replica),
        pod: record.pod.map_or_else(String::new, |pod| pods[pod].name.clone()),
        opened_s: record.opened.as_secs_f64(),
        draining_s: record.draining.map(Time::as_secs_f64),
        closed_s: record.closed.map(Time::as_secs_f64),
        close_reason: record.reason.map_or("", CloseReason::name).to_owned(),
        requests: record.requests,
    }
}
