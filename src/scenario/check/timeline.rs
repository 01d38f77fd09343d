//! The timeline: names are looked up, rate changes become part of the client's curve.

use super::load::rate_at;
use super::{Check, MAX_ACTIONS, instant, pace};
use crate::model::{
    Action, BlackHole, Client, Errors, Gateway, Load, Pods, RateChange, RateCurve, Scale, Server, Slow, Unready, What,
};
use crate::scenario::diagnostic::{MAX_SHOWN, Place, Problem, nearest, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::timeline::{
    ActionFile, ClientNameFile, OfPods, PodsFile, RateFile, ScaleFile, ServerNameFile,
};
use crate::scenario::quantity::Duration;
use crate::scenario::rules::Code;
use crate::units::{Span, Time};

/// An action as far as it could be read, before it is put in order.
struct Entry {
    at: Time,
    place: Place,
    what: Written,
}

/// The one action of an entry.
enum Written {
    Rollout(At<String>),
    Scale(At<ScaleFile>),
    Kill(At<PodsFile>),
    Delete(At<PodsFile>),
    Slow(At<OfPods<Slow>>),
    Errors(At<OfPods<Errors>>),
    BlackHole(At<OfPods<BlackHole>>),
    Unready(At<OfPods<Unready>>),
    Rate(At<RateFile>),
}

pub(super) fn timeline(
    cx: &mut Check<'_>,
    list: Key<Vec<At<ActionFile>>>,
    (servers, gateways): (&[Server], &[Gateway]),
    clients: &mut [Client],
    duration: Option<Span>,
) -> Vec<Action> {
    let written = cx.items(list, "timeline", MAX_ACTIONS);
    let mut entries: Vec<Entry> = written.into_iter().filter_map(|a| entry(cx, a, duration)).collect();
    entries.sort_by_key(|e| e.at);
    let pods: Vec<&Server> = servers.iter().chain(gateways.iter().map(|g| &g.server)).collect();
    let mut state = State {
        replicas: pods.iter().map(|s| s.replicas).collect(),
        servers: pods,
        clients,
        rolled: Default::default(),
    };
    entries
        .into_iter()
        .filter_map(|Entry { at, place, what }| {
            let what = match what {
                Written::Rollout(name) => state.rollout(cx, &name, at),
                Written::Scale(file) => state.scale(cx, file),
                Written::Kill(file) => state.pods(cx, file.value, file.place).map(What::Kill),
                Written::Delete(file) => state.pods(cx, file.value, file.place).map(What::Delete),
                Written::Slow(file) => state.slow(cx, file),
                Written::Errors(file) => state.errors(cx, file),
                Written::BlackHole(file) => state.black_hole(cx, file),
                Written::Unready(file) => state.unready(cx, file),
                Written::Rate(file) => state.rate(cx, file, at, place),
            };
            what.map(|what| Action { at, what })
        })
        .collect()
}

fn entry(cx: &mut Check<'_>, action: At<ActionFile>, duration: Option<Span>) -> Option<Entry> {
    let At { value: ActionFile { at, rollout, scale, kill, delete, slow, errors, black_hole, unready, rate }, place } =
        action;
    let At { value: Duration(at), place: at_place } = cx.required(at, "at", place, "an entry of the timeline")?;
    if let Some(end) = duration
        && at >= end
    {
        cx.problem(Code::OutsideRun, at_place, format!("this is at {at}, and the run ends at {end}"));
    }
    let mut given: Vec<(&str, Place, Written)> = [
        rollout.map(|x| ("rollout", x.place, Written::Rollout(x))),
        scale.map(|x| ("scale", x.place, Written::Scale(x))),
        kill.map(|x| ("kill", x.place, Written::Kill(x))),
        delete.map(|x| ("delete", x.place, Written::Delete(x))),
        slow.map(|x| ("slow", x.place, Written::Slow(x))),
        errors.map(|x| ("errors", x.place, Written::Errors(x))),
        black_hole.map(|x| ("black_hole", x.place, Written::BlackHole(x))),
        unready.map(|x| ("unready", x.place, Written::Unready(x))),
        rate.map(|x| ("rate", x.place, Written::Rate(x))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let all = "`rollout`, `scale`, `kill`, `delete`, `slow`, `errors`, `black_hole`, `unready` and `rate`";
    if let [(first, ..), (second, second_place, _), ..] = given.as_slice() {
        let message = format!("an entry of the timeline takes one of {all}, and has `{first}` and `{second}`");
        cx.report(
            Problem::new(Code::NotOne, *second_place, message).help("write one entry for each, at the same time"),
        );
        return None;
    }
    let Some((_, _, what)) = given.pop() else {
        cx.problem(Code::NotOne, place, format!("an entry of the timeline needs one of {all}"));
        return None;
    };
    Some(Entry { at: instant(at), place, what })
}

/// What the actions so far have made of the scenario.
struct State<'a> {
    /// Servers, then gateways.
    servers: Vec<&'a Server>,
    clients: &'a mut [Client],
    replicas: Vec<u32>,
    /// Rollouts of the latest instant that had some.
    rolled: (Time, Vec<What>),
}

impl State<'_> {
    fn server(&self, cx: &mut Check<'_>, name: Key<String>, owner: Place) -> Option<usize> {
        let name = cx.required(name, "server", owner, "this action")?;
        let found = self.servers.iter().position(|s| s.name == name.value);
        if found.is_none() {
            unknown(cx, "server", &name, self.servers.iter().map(|s| s.name.as_str()));
        }
        found
    }

    fn rollout(&mut self, cx: &mut Check<'_>, name: &At<String>, at: Time) -> Option<What> {
        let what = self.rolled_out(cx, name)?;
        if self.rolled.0 != at {
            self.rolled = (at, Vec::new());
        }
        if self.rolled.1.contains(&what) {
            let message =
                format!("this rollout has no effect: there is another one of {} at {at}", quoted(&name.value));
            cx.problem(Code::NoEffect, name.place, message);
        } else if let What::RolloutServer(i) = what
            && self.replicas.get(i) == Some(&0)
        {
            let message = format!("this rollout has no effect: {} has no pods at that time", quoted(&name.value));
            cx.problem(Code::NoEffect, name.place, message);
        }
        self.rolled.1.push(what.clone());
        Some(what)
    }

    fn rolled_out(&self, cx: &mut Check<'_>, name: &At<String>) -> Option<What> {
        if let Some(i) = self.servers.iter().position(|s| s.name == name.value) {
            return Some(What::RolloutServer(i));
        }
        let Some(i) = self.clients.iter().position(|c| c.name == name.value) else {
            let servers = self.servers.iter().map(|s| s.name.as_str());
            unknown(cx, "server or client", name, servers.chain(self.clients.iter().map(|c| c.name.as_str())));
            return None;
        };
        if matches!(self.clients[i].load, Load::Closed(_)) {
            let message = format!("{} has a closed load, which cannot be rolled out", quoted(&name.value));
            cx.report(
                Problem::new(Code::Contradiction, name.place, message)
                    .help("a load generator is not restarted in the middle of its calls; give the client an open load"),
            );
            return None;
        }
        Some(What::RolloutClient(i))
    }

    fn scale(&mut self, cx: &mut Check<'_>, At { value: file, place }: At<ScaleFile>) -> Option<What> {
        let ScaleFile { keys, rest: ServerNameFile { server }, .. } = file;
        let at_server = server.as_ref().map_or(place, |s| s.place);
        let server = self.server(cx, server, place);
        let scale = cx.settings(&keys, "scale", place, Scale::default());
        let (at, server, replicas) = (keys.place("replicas")?, server?, scale.replicas);
        if self.servers[server].hpa.is_some() {
            let name = quoted(&self.servers[server].name);
            let message = format!("{name} has an `hpa`, which would undo this `scale` at its next sync");
            cx.report(
                Problem::new(Code::Contradiction, at_server, message)
                    .help("give the server `replicas` to start with, and let the load change"),
            );
        } else if self.replicas[server] == replicas {
            cx.problem(
                Code::NoEffect,
                at,
                format!("this `scale` has no effect: there are {replicas} replicas already"),
            );
        }
        self.replicas[server] = replicas;
        Some(What::Scale(Scale { server, ..scale }))
    }

    fn pods(&self, cx: &mut Check<'_>, file: PodsFile, place: Place) -> Option<Pods> {
        let PodsFile { keys, rest: ServerNameFile { server }, .. } = file;
        let server = self.server(cx, server, place);
        let Pods { pods, .. } = cx.settings(&keys, "pods", place, Pods::default());
        let server = server?;
        let there = self.replicas[server].max(self.servers[server].hpa.as_ref().map_or(0, |hpa| hpa.max_replicas));
        if pods > there {
            let place = keys.place("pods").unwrap_or(place);
            cx.problem(Code::OutOfRange, place, format!("{pods} pods, and there are only {there} at that time"));
        }
        Some(Pods { server, pods })
    }

    fn slow(&self, cx: &mut Check<'_>, At { value: mut file, place }: At<OfPods<Slow>>) -> Option<What> {
        pace::factor(cx, &mut file.keys);
        let slow = cx.settings(&file, "slow", place, Slow::default());
        let at = file.rest.rest.server.as_ref().map_or(place, |s| s.place);
        let of = self.pods(cx, file.rest, place)?;
        if self.servers[of.server].concurrency == 0 {
            let message =
                "`slow` acts on the pods of servers: a gateway's own work is not modelled, but for its `overhead`";
            cx.problem(Code::NoEffect, at, message);
        }
        Some(What::Slow(Slow { of, ..slow }))
    }

    fn errors(&self, cx: &mut Check<'_>, At { value: file, place }: At<OfPods<Errors>>) -> Option<What> {
        let errors = cx.settings(&file, "errors", place, Errors::default());
        let at = file.rest.rest.server.as_ref().map_or(place, |s| s.place);
        let of = self.pods(cx, file.rest, place)?;
        if self.servers[of.server].concurrency == 0 {
            let message = "`errors` acts on the pods of servers: a gateway passes on what those answer";
            cx.problem(Code::NoEffect, at, message);
        } else if let Some(client) = self.clients.iter().find(|c| matches!(c.load, Load::Streams(_))) {
            let message = format!(
                "`errors` answers calls, and {} keeps streams open: an error that ends a stream is not modelled",
                quoted(&client.name)
            );
            cx.problem(Code::NoEffect, at, message);
        }
        Some(What::Errors(Errors { of, ..errors }))
    }

    fn black_hole(&self, cx: &mut Check<'_>, At { value: file, place }: At<OfPods<BlackHole>>) -> Option<What> {
        let OfPods { keys, rest, .. } = file;
        let of = self.pods(cx, rest, place)?;
        let hole = cx.settings(&keys, "black_hole", place, BlackHole::default());
        if let (Some(lasts), Some(after), Some(place)) = (hole.lasts, hole.unready_after, keys.place("unready_after"))
            && after >= lasts
        {
            let message = format!("`unready_after` has no effect: the black hole is over after {lasts}");
            cx.problem(Code::NoEffect, place, message);
        }
        Some(What::BlackHole(BlackHole { of, ..hole }))
    }

    fn unready(&self, cx: &mut Check<'_>, At { value: file, place }: At<OfPods<Unready>>) -> Option<What> {
        let unready = cx.settings(&file, "unready", place, Unready::default());
        Some(What::Unready(Unready { of: self.pods(cx, file.rest, place)?, ..unready }))
    }

    fn rate(&mut self, cx: &mut Check<'_>, file: At<RateFile>, at: Time, entry: Place) -> Option<What> {
        let At { value: RateFile { keys, rest: ClientNameFile { client }, .. }, place } = file;
        let name = cx.required(client, "client", place, "`rate`");
        let change = cx.settings(&keys, "rate", place, RateChange::default());
        let (name, to_place, RateChange { to, over, .. }) = (name?, keys.place("to")?, change);
        let Some(client) = self.clients.iter().position(|c| c.name == name.value) else {
            unknown(cx, "client", &name, self.clients.iter().map(|c| c.name.as_str()));
            return None;
        };
        let Some(rate) = self.clients[client].load.rate_mut() else {
            let message =
                format!("{} has a closed load, whose rate depends on how fast the servers answer", quoted(&name.value));
            cx.problem(Code::NoEffect, name.place, message);
            return None;
        };
        let before = rate.points.last().map(|(_, rate)| *rate);
        match changed(&rate.points, at, to, over) {
            Ok(_) if before == Some(to) => {
                let message =
                    format!("this change of rate has no effect: {} calls per second are asked for already", to);
                cx.problem(Code::NoEffect, to_place, message);
            }
            Ok(points) => *rate = RateCurve { points: points.into() },
            Err(until) => {
                let message = format!("the rate of {} is already given up to {until}", quoted(&name.value));
                cx.report(
                    Problem::new(Code::Contradiction, entry, message)
                        .help("a change of rate must begin after the previous curve, trace or ramp has ended"),
                );
            }
        }
        Some(What::Rate(RateChange { client, ..change }))
    }
}

/// The curve with a ramp to `to` from `at` over `over`; the end of the curve if that is after `at`.
fn changed(points: &[(Time, f64)], at: Time, to: f64, over: Span) -> Result<Vec<(Time, f64)>, Time> {
    let mut points = points.to_vec();
    if let Some((last, _)) = points.last()
        && *last > at
    {
        return Err(*last);
    }
    let before = rate_at(&points, at);
    if points.last().is_none_or(|(last, _)| *last < at) {
        points.push((at, before));
    }
    points.push((at + over, to));
    Ok(points)
}

pub(super) fn unknown<'a>(
    cx: &mut Check<'_>,
    what: &str,
    name: &At<String>,
    all: impl Iterator<Item = &'a str> + Clone,
) {
    let known = all.clone().take(10).map(quoted).collect::<Vec<_>>().join(", ");
    // Beyond what is shown, the search for the nearest name is time lost.
    let near = if cx.problems.len() < MAX_SHOWN { nearest(&name.value, all) } else { None };
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {known}"),
    };
    cx.report(
        Problem::new(Code::UnknownName, name.place, format!("there is no {what} {}", quoted(&name.value))).help(help),
    );
}
