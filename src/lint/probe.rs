//! Short experiments, as `--set`s on top of a scenario: its own load and settings, and one event of everyday life.

use super::facts::{capacity, cost, peak, replaced_within, whole_seconds};
use crate::model::{Client, Load, Model};
use crate::units::Span;

/// Clients start within this.
const SPREAD: Span = Span::from_secs(5);
/// When something happens in a probe: all clients are there, and have called.
pub(super) const AT: u64 = 10;

/// Of what a pod can do, the part that workers of a closed load ask for as an open one, at the most.
const BUSY: f64 = 0.7;
/// Calls per second that are enough to see what fails.
const ENOUGH: f64 = 1_000.0;

/// A run of this many seconds with this timeline (items in YAML). Where something happens loads are open.
pub(super) fn probe(model: &Model, seconds: u64, timeline: &str) -> Vec<String> {
    let mut sets = vec![format!("duration={seconds}s")];
    let not_now = [
        ("warmup", model.warmup > Span::ZERO),
        ("window", model.window.is_some()),
        ("expect", !model.expect.is_empty()),
    ];
    sets.extend(not_now.iter().filter(|(_, is_there)| *is_there).map(|(key, _)| format!("{key}=null")));
    if !(timeline.is_empty() && model.timeline.is_empty()) {
        sets.push(format!("timeline=[{timeline}]"));
    }
    for client in &model.clients {
        let name = &client.name;
        if client.start.at + client.start.spread > SPREAD {
            sets.push(format!("clients.{name}.start={{ spread: {SPREAD} }}"));
        }
        if timeline.is_empty() && client.load.requests().is_some() {
            sets.push(format!("clients.{name}.load.closed.requests=null"));
        }
    }
    if !timeline.is_empty() {
        // On whichever pods: with few connections a closed load is what one pod can do.
        let one = model.servers.iter().map(|s| capacity(model, s)).fold(f64::INFINITY, f64::min);
        sets.extend(opened(model, (BUSY * one).min(ENOUGH)));
    }
    sets
}

/// Closed loads as open ones, with about the calls that they make: workers whose calls fail at once call again at once, and the number of
/// failures would say how fast that is. They ask for this many calls per second together at the most.
pub(super) fn opened(model: &Model, most: f64) -> Vec<String> {
    let service = model.servers.iter().map(|s| s.service_time.mean() / s.speed).fold(0.0, f64::max) * cost(model);
    let rate = |client: &Client| match &client.load {
        Load::Closed(closed) => {
            let proxy = client.via.as_ref().map_or(0.0, |via| via.overhead.mean());
            let takes = service + model.cluster.rtt.as_secs_f64() + proxy;
            Some(f64::from(closed.concurrency) / takes.max(1e-6))
        }
        _ => None,
    };
    let all: f64 = model.clients.iter().filter_map(rate).sum();
    let part = if all > most { most / all } else { 1.0 };
    let each = |client: &Client| {
        let load = format!("clients.{}.load", client.name);
        let rate = (rate(client)? * part).max(1.0);
        Some([format!("{load}.closed=null"), format!("{load}.open={{ rate: {rate:.0} }}")])
    };
    model.clients.iter().filter_map(each).flatten().collect()
}

/// Nothing happens.
pub(super) fn quiet(model: &Model, seconds: u64) -> Vec<String> {
    probe(model, seconds, "")
}

/// A rollout of a Deployment, and `after` seconds more than the pods need.
pub(super) fn rollout(model: &Model, name: &str, after: u64) -> Vec<String> {
    // Start-up times that are drawn can be twice their mean, and pods that are created start after the last deletion.
    let takes = model.deployments().find(|d| d.name == name).map_or(Span::ZERO, |s| {
        replaced_within(s) * 2 + Span::from_secs_f64(s.startup.quantile(0.99)) + s.termination.pre_stop
    });
    let mut sets = probe(model, AT + whole_seconds(takes) + after, &format!("{{ at: {AT}s, rollout: {name} }}"));
    sets.extend(without_hpa(model));
    sets
}

/// Twice as many pods of a server, and `after` seconds from when they are Ready.
pub(super) fn scale_up(model: &Model, server: usize, after: u64) -> Vec<String> {
    let Some(server) = model.servers.get(server) else { return Vec::new() };
    let ready = AT + server.startup.quantile(0.99).ceil() as u64;
    let (name, twice) = (&server.name, server.replicas.saturating_mul(2));
    let timeline = format!("{{ at: {AT}s, scale: {{ server: {name}, replicas: {twice} }} }}");
    let mut sets = probe(model, ready + after, &timeline);
    sets.extend(without_hpa(model));
    sets
}

/// A multiple of the pods' capacity for 20 s, by more calls of the client with the highest rate. `None`: no load is open.
pub(super) fn overload(model: &Model, times: f64, seconds: u64) -> Option<Vec<String>> {
    let (busiest, rate) = model
        .clients
        .iter()
        .filter_map(|c| Some((&c.name, peak(c)?)))
        .reduce(|most, next| if next.1 > most.1 { next } else { most })?;
    let all: f64 = model.servers.iter().map(|s| capacity(model, s) * f64::from(s.replicas)).sum();
    let others = model.clients.iter().filter_map(peak).sum::<f64>() - rate;
    let to = (times * all - others).max(rate);
    let end = AT + 20;
    let step = |at: u64, to: f64| format!("{{ at: {at}s, rate: {{ client: {busiest}, to: {to:.0} }} }}");
    // Where the load is as high already, it stays as it is.
    let steps = match (to.round() > rate, end < seconds) {
        (false, _) => String::new(),
        (true, true) => format!("{}, {}", step(AT, to), step(end, rate)),
        (true, false) => step(AT, to),
    };
    Some(probe(model, seconds, &steps))
}

/// SIGKILL of this many pods of a Deployment, and `after` seconds more than one needs to start.
pub(super) fn kill(model: &Model, name: &str, pods: u32, after: u64) -> Vec<String> {
    let startup = model.deployments().find(|d| d.name == name).map_or(0.0, |s| s.startup.quantile(0.99));
    let timeline = format!("{{ at: {AT}s, kill: {{ server: {name}, pods: {pods} }} }}");
    probe(model, AT + startup.ceil() as u64 + after, &timeline)
}

/// An autoscaler would add changes of its own.
fn without_hpa(model: &Model) -> impl Iterator<Item = String> {
    model.servers.iter().filter(|s| s.hpa.is_some()).map(|s| format!("servers.{}.hpa=null", s.name))
}
