//! From what is written to what it means. Every struct of the file is taken apart field by field, so that a new key does
//! not compile until it is dealt with; all problems are collected.

mod backoff;
mod client;
mod cluster;
mod counts;
mod cpu;
mod csv;
mod expect;
mod figures;
mod gateway;
mod grpc;
mod hpa;
mod keepalive;
mod law;
mod load;
mod methods;
mod outlier;
mod pace;
mod policy;
mod retry;
mod server;
mod settings;
mod size;
mod stack;
mod streams;
mod timeline;
mod via;

use std::collections::BTreeMap;

use super::diagnostic::{Place, Problem, quoted};
use super::file::at::{At, Key};
use super::file::{ScenarioFile, StoryFile};
use super::input::Beside;
use super::quantity::{Count, Duration, LONGEST, Number};
use super::rules::Code;
use crate::model::defaults;
use crate::model::{Load, Model, ServiceType, Story};
use crate::printable;
use crate::units::{Span, Time};

const MAX_PODS: u64 = 100_000;
const MAX_CHANNELS: u64 = 10_000_000;
const MAX_WINDOWS: u64 = 1_000_000;
const MAX_ROWS: u64 = 10_000_000;
/// Servers, clients and expectations; more are no question that a person asks.
const MAX_ITEMS: usize = 1_000;
const MAX_ACTIONS: usize = 10_000;

/// What a check needs and gathers.
pub(super) struct Check<'a> {
    /// What paths of the scenario are relative to; `None` if it has no place in a file system.
    pub beside: Option<&'a Beside>,
    /// Hashes of the files that it names, by path.
    pub files: BTreeMap<String, String>,
    /// What was found.
    pub problems: Vec<Problem>,
    /// True if some problem is the machine's.
    pub machine: bool,
    /// Something had to be taken out of the file, so what is missing may have been there.
    pub damaged: bool,
}

/// Checks a file and gives its meaning; `None` if there is any problem.
pub(super) fn check(cx: &mut Check<'_>, file: ScenarioFile, root: Place) -> Option<Model> {
    let ScenarioFile {
        name,
        about,
        story,
        seed,
        duration,
        warmup,
        window,
        max_calls_in_flight,
        cluster,
        service,
        servers,
        clients,
        gateways,
        timeline,
        expect,
    } = file;
    let duration_place = duration.as_ref().map(|d| d.place);
    let duration = cx.positive(duration, "duration");
    // A duration that is refused is no missing one.
    cx.damaged |= duration.is_none() && duration_place.is_some();
    let (service, session_affinity) = cluster::service(cx, service);
    let cluster = cluster::cluster(cx, cluster, service);
    let kinds = ClientKinds::of(clients.as_ref());
    let asked = counts::asked(&clients, &gateways);
    let name = cx.name(name, root, "the scenario");
    let mut names = Names::default();
    let servers = cx.list(servers, root, "servers");
    let servers: Vec<_> = servers.into_iter().map(|s| server::server(cx, s, kinds, &mut names)).collect();
    let gateways = cx.items(gateways, "gateways", MAX_ITEMS);
    let gateways: Vec<_> = gateways
        .into_iter()
        .filter_map(|g| gateway::gateway(cx, g, &cluster, (service, &servers), &mut names))
        .collect();
    let clients = cx.list(clients, root, "clients");
    let behind = client::Behind { service, gateways: &gateways };
    let mut clients: Vec<_> =
        clients.into_iter().map(|c| client::client(cx, c, behind, duration, &mut names)).collect();
    gateway::unused(cx, &gateways, &clients, &names);
    totals(cx, root, &servers, &clients);
    let timeline = timeline::timeline(cx, timeline, (&servers, &gateways), &mut clients, duration);
    load::silent(cx, &clients, &names);
    let mut model = Model {
        name,
        about: about.map_or(String::new(), |a| printable::lines(&a.value).into_owned()),
        story: self::story(cx, story),
        seed: seed.map_or(defaults::SEED, |s| s.value.0),
        duration,
        warmup: within_run(cx, warmup, duration),
        window: window_width(cx, window, duration, &servers),
        max_calls_in_flight: size::calls_in_flight(cx, max_calls_in_flight),
        cluster,
        service,
        session_affinity,
        servers,
        clients,
        gateways,
        expect: Vec::new(),
        timeline,
    };
    model.expect = expect::expectations(cx, expect, &model);
    counts::can_act(cx, &asked, &model);
    no_end(cx, &model, &names, duration_place.unwrap_or(root));
    if cx.problems.is_empty() {
        size::products(cx, &model, root);
    }
    cx.problems.is_empty().then_some(model)
}

fn story(cx: &mut Check<'_>, key: Key<StoryFile>) -> Option<Story> {
    const MOST_PLACES: u32 = 1_000_000;
    let At { value: StoryFile { place: at, says, why }, place } = key?;
    let at = cx.required(at, "place", place, "a story");
    let line = |key: Key<String>| {
        let words = key.map(|text| text.value.split_whitespace().collect::<Vec<_>>().join(" "));
        words.map_or_else(String::new, |text| printable::lines(&text).into_owned())
    };
    Some(Story { place: cx.count_or(at, "place", 1, MOST_PLACES, 1), says: line(says), why: line(why) })
}

/// Names given so far, with their places, in order.
#[derive(Default)]
struct Names {
    taken: Vec<(String, Place)>,
}

impl Check<'_> {
    fn report(&mut self, problem: Problem) {
        if !(self.damaged && problem.code.may_follow()) {
            self.problems.push(problem);
        }
    }

    fn problem(&mut self, code: Code, place: Place, message: impl Into<String>) {
        self.report(Problem::new(code, place, message));
    }

    /// The value of a key that must be given; `what` is whose key it is.
    fn required<T>(&mut self, key: Key<T>, name: &str, owner: Place, what: &str) -> Option<At<T>> {
        if key.is_none() {
            self.problem(Code::Missing, owner, format!("{what} needs the key `{name}`"));
        }
        key
    }

    /// A duration above zero, if given.
    fn positive(&mut self, key: Key<Duration>, name: &str) -> Option<Span> {
        let At { value: Duration(span), place } = key?;
        if span == Span::ZERO {
            self.problem(Code::OutOfRange, place, format!("`{name}` must be above 0"));
            return None;
        }
        Some(span)
    }

    /// A whole number within bounds.
    fn count(&mut self, At { value: Count(n), place }: At<Count>, name: &str, min: u64, max: u64) -> u64 {
        if n < min {
            self.problem(Code::OutOfRange, place, format!("`{name}` must be at least {min}"));
        } else if n > max {
            self.problem(Code::OutOfRange, place, format!("`{name}` is {n}, and the most is {max}"));
        }
        n.clamp(min, max)
    }

    /// The same as 32 bits, with a default.
    fn count_or(&mut self, key: Key<Count>, name: &str, min: u32, max: u32, default: u32) -> u32 {
        self.count_if(key, name, min, max).unwrap_or(default)
    }

    fn count_if(&mut self, key: Key<Count>, name: &str, min: u32, max: u32) -> Option<u32> {
        // Within `max`, so the cast keeps the value.
        key.map(|n| self.count(n, name, min.into(), max.into()) as u32)
    }

    /// A number within bounds; what is not has a stand-in, so that it gives no further errors.
    fn number(&mut self, At { value: Number(x), place }: &At<Number>, name: &str, min: f64, max: f64) -> f64 {
        if *x < min || *x > max {
            self.problem(Code::OutOfRange, *place, format!("`{name}` is {x}, and must be from {min} to {max}"));
            return 1.0_f64.clamp(min, max);
        }
        *x
    }

    /// The items of a list that must have some.
    fn list<T>(&mut self, key: Key<Vec<T>>, owner: Place, name: &str) -> Vec<T> {
        let list = self.required(key, name, owner, "the scenario");
        if let Some(At { value, place }) = &list
            && value.is_empty()
        {
            self.problem(Code::EmptyList, *place, format!("`{name}` is empty, and must have at least one item"));
        }
        self.items(list, name, MAX_ITEMS)
    }

    /// The items of a list, at most `most` of them.
    fn items<T>(&mut self, key: Key<Vec<T>>, name: &str, most: usize) -> Vec<T> {
        let Some(At { mut value, place }) = key else { return Vec::new() };
        if value.len() > most {
            let message = format!("`{name}` has {} items, and the most is {most}", value.len());
            self.problem(Code::OutOfRange, place, message);
            value.truncate(most);
        }
        value
    }

    /// A name by the rules of Kubernetes.
    fn name(&mut self, key: Key<String>, owner: Place, what: &str) -> String {
        let Some(At { value, place }) = self.required(key, "name", owner, what) else { return String::new() };
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = value.len() <= 63
            && value.starts_with(ok)
            && value.ends_with(ok)
            && value.chars().all(|c| ok(c) || c == '-');
        if !good {
            let message = format!("{} is not a name that Kubernetes accepts", quoted(&value));
            self.report(
                Problem::new(Code::BadName, place, message)
                    .help("1 to 63 lower-case letters, digits and `-`, with a letter or digit at both ends"),
            );
        }
        value
    }

    /// The same, and used nowhere else among servers and clients.
    fn unique_name(&mut self, key: Key<String>, owner: Place, what: &str, names: &mut Names) -> String {
        let place = key.as_ref().map_or(owner, |k| k.place);
        let name = self.name(key, owner, what);
        if !name.is_empty() && names.taken.iter().any(|(taken, _)| *taken == name) {
            let message =
                format!("the name {} is used twice; servers and clients share one space of names", quoted(&name));
            self.problem(Code::DuplicateName, place, message);
        }
        names.taken.push((name.clone(), place));
        name
    }

    /// Refuses a key that is given, because it would have no effect.
    fn no_effect<T>(&mut self, key: &Key<T>, name: &str, why: &str) {
        if let Some(At { place, .. }) = key {
            self.problem(Code::NoEffect, *place, format!("`{name}` has no effect {why}"));
        }
    }
}

/// What the clients are, which decides what settings of servers act.
#[derive(Clone, Copy)]
struct ClientKinds {
    only_http1: bool,
    somebody_pings: bool,
}

impl ClientKinds {
    fn of(clients: Option<&At<Vec<At<super::file::client::ClientFile>>>>) -> ClientKinds {
        ClientKinds { only_http1: client::only_http1(clients), somebody_pings: keepalive::somebody_pings(clients) }
    }
}

/// A run of unknown length has an unknown number of windows.
const LEAST_WITHOUT_DURATION: Span = Span::from_millis(10);
/// Slots of all pods together.
const MAX_SLOTS: u64 = 50_000_000;

fn totals(cx: &mut Check<'_>, root: Place, servers: &[crate::model::Server], clients: &[crate::model::Client]) {
    let pods: u64 = servers.iter().map(|s| u64::from(s.replicas)).sum();
    if pods > MAX_PODS {
        cx.problem(Code::OutOfRange, root, format!("{pods} pods in all, and the most is {MAX_PODS}"));
    }
    let slots: u64 = servers.iter().map(|s| u64::from(s.replicas) * u64::from(s.concurrency)).sum();
    if slots > MAX_SLOTS {
        let message = format!("{slots} slots (replicas × concurrency) in all, and the most is {MAX_SLOTS}");
        cx.problem(Code::OutOfRange, root, message);
    }
    let warm = |c: &crate::model::Client| match &c.protocol {
        crate::model::Protocol::Http1(http) => u64::from(http.keep_alive.map_or(0, |k| k.warm)),
        crate::model::Protocol::Grpc(_) => 0,
    };
    let connections: u64 = clients.iter().map(|c| u64::from(c.replicas) * warm(c)).sum();
    if connections > MAX_CHANNELS {
        let message =
            format!("{connections} warm connections (replicas × warm) in all, and the most is {MAX_CHANNELS}");
        cx.problem(Code::OutOfRange, root, message);
    }
    let channels: u64 = clients.iter().map(|c| u64::from(c.replicas) * u64::from(c.channels)).sum();
    if channels > MAX_CHANNELS {
        let message = format!("{channels} channels (replicas × channels) in all, and the most is {MAX_CHANNELS}");
        cx.problem(Code::OutOfRange, root, message);
    }
}

fn within_run(cx: &mut Check<'_>, warmup: Key<Duration>, duration: Option<Span>) -> Span {
    let Some(At { value: Duration(warmup), place }) = warmup else { return Span::ZERO };
    if duration.is_some_and(|d| warmup >= d) {
        cx.problem(Code::OutsideRun, place, "`warmup` is as long as the run, so nothing would be measured");
    }
    warmup
}

fn window_width(
    cx: &mut Check<'_>,
    window: Key<Duration>,
    duration: Option<Span>,
    servers: &[crate::model::Server],
) -> Option<Span> {
    let place = window.as_ref().map(|w| w.place)?;
    let window = cx.positive(window, "window")?;
    let run = duration.unwrap_or(LONGEST);
    if window > run {
        cx.problem(Code::OutsideRun, place, "`window` is longer than the run");
    }
    if duration.is_none() && window < LEAST_WITHOUT_DURATION {
        let message = format!("without a `duration`, the shortest `window` is {LEAST_WITHOUT_DURATION}");
        cx.problem(Code::OutOfRange, place, message);
    }
    if let Some(duration) = duration {
        let windows = duration.0.div_ceil(window.0.max(1));
        let pods: u64 = servers.iter().map(|s| u64::from(s.replicas)).sum();
        if windows > MAX_WINDOWS {
            let message = format!("{windows} windows, and the most is {MAX_WINDOWS}: make `window` longer");
            cx.problem(Code::OutOfRange, place, message);
        } else if windows.saturating_mul(pods) > MAX_ROWS {
            let message =
                format!("{windows} windows of {pods} pods are more than {MAX_ROWS} rows: make `window` longer");
            cx.problem(Code::OutOfRange, place, message);
        }
    }
    Some(window)
}

/// Every load must come to an end.
fn no_end(cx: &mut Check<'_>, model: &Model, names: &Names, root: Place) {
    if model.duration.is_some() {
        return;
    }
    for client in &model.clients {
        let what = match &client.load {
            Load::Open { .. } => "an open load",
            Load::Streams(_) => "a load of streams",
            Load::Closed(closed) if closed.requests.is_none() => "a closed load without `requests`",
            Load::Closed(_) | Load::Forwarded => continue,
        };
        let place = names.place(&client.name).unwrap_or(root);
        let message = format!("{} has {what}, which never ends: the scenario needs a `duration`", quoted(&client.name));
        cx.report(Problem::new(Code::NoEnd, place, message).help("write for example `duration: 10m` at the top"));
    }
}

impl Names {
    fn place(&self, name: &str) -> Option<Place> {
        self.taken.iter().find(|(taken, _)| taken == name).map(|(_, place)| *place)
    }
}

/// The instant that a duration after the start is.
fn instant(span: Span) -> Time {
    Time::ZERO + span
}

/// True for the Service type that has a virtual IP instead of names.
fn is_virtual(service: ServiceType) -> bool {
    service == ServiceType::ClusterIp
}
