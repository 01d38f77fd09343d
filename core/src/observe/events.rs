//! `events.csv`: what happened when, in words that a person reads.

use std::collections::BTreeSet;

use crate::ids::{PodId, Table};
use crate::metrics::outcome::{EventKind, EventRow};
use crate::model::{BlackHole, Errors, Model, Pods, Shutdown, What};
use crate::settings::Words;
use crate::sim::observation::{Observation, PodPhase, ScaledBy};
use crate::units::Time;

use super::pods::PodInfo;

/// The rows so far.
#[derive(Default)]
pub(super) struct Events {
    rows: Vec<EventRow>,
    /// Clients in a rollout: only then are their replicas told one by one.
    rolling: BTreeSet<u32>,
}

impl Events {
    fn push(&mut self, at: Time, kind: EventKind, subject: &str, what: String) {
        self.rows.push(EventRow { time_s: at.as_secs_f64(), kind, subject: subject.to_owned(), what });
    }

    /// Adds a row if the observation is worth one. `pods` is as it was before the observation, but for a pod that was created.
    pub(super) fn observe(&mut self, model: &Model, pods: &Table<PodId, PodInfo>, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::PodCreated { pod, revision, node, .. } => {
                let what = format!("created on node {node}, revision {revision}");
                self.push(at, EventKind::Pod, &pods[pod].name, what);
            }
            Observation::PodPhase { pod, phase } => {
                let pod = &pods[pod];
                if let Some(what) = entered(pod.phase, phase) {
                    self.push(at, EventKind::Pod, &pod.name, what.to_owned());
                }
            }
            Observation::PodDraining { pod, connections } => {
                let pod = &pods[pod];
                let connections = count(connections, "connection");
                let what = match model.shutdown(pod.server as usize) {
                    Shutdown::Drains => format!("SIGTERM: goes on for 5s, with GOAWAY by and by on {connections}"),
                    _ => format!("SIGTERM: listener closed, GOAWAY on {connections}"),
                };
                self.push(at, EventKind::Pod, &pod.name, what);
            }
            Observation::PodKilled { pod, connections } => {
                let pod = &pods[pod];
                let ends = pod.phase == PodPhase::Terminating;
                let (kind, how) = match model.shutdown(pod.server as usize) {
                    _ if !ends => (EventKind::Kill, "killed (SIGKILL)"),
                    Shutdown::Graceful | Shutdown::Never => {
                        (EventKind::Pod, "killed at the end of its grace period (SIGKILL)")
                    }
                    Shutdown::Drains => (EventKind::Pod, "the proxy exits"),
                    Shutdown::AtOnce if (pod.server as usize) < model.servers.len() => {
                        (EventKind::Pod, "SIGTERM: the process exits at once")
                    }
                    Shutdown::AtOnce => (EventKind::Pod, "SIGTERM: the proxy exits at once"),
                };
                let what = format!("{how}: {} reset", count(connections, "connection"));
                self.push(at, kind, &pod.name, what);
            }
            Observation::Slowed { pod, factor, lasts } => {
                let what = match lasts {
                    _ if factor == 1.0 => "no longer slow".to_owned(),
                    Some(lasts) => format!("slow: service takes {factor} times as long, for {lasts}"),
                    None => format!("slow: service takes {factor} times as long"),
                };
                self.push(at, EventKind::Slow, &pods[pod].name, what);
            }
            Observation::Errors { pod, errors } => {
                let what = errors.map_or_else(|| "answers no errors any more".to_owned(), |errors| answers(&errors));
                self.push(at, EventKind::Errors, &pods[pod].name, what);
            }
            Observation::Ejected { client, replica, pod, back } => {
                let client = model.caller(client as usize);
                let accrues = client.via.as_ref().is_some_and(|via| via.accrual.is_some());
                let done = match (back, accrues) {
                    (true, _) => "takes it back",
                    (false, true) => "leaves it out (failure accrual)",
                    (false, false) => "leaves it out (outlier detection)",
                };
                let what = format!("{}-{replica} {done}", client.name);
                self.push(at, EventKind::Pod, &pods[pod].name, what);
            }
            _ => self.deployment(model, at, what),
        }
    }

    fn deployment(&mut self, model: &Model, at: Time, what: &Observation<'_>) {
        let server = |i: u32| model.deployment(i as usize).name.as_str();
        let client = |i: u32| model.caller(i as usize).name.as_str();
        match *what {
            Observation::RolloutStarted { server: s, revision } => {
                self.push(at, EventKind::Rollout, server(s), format!("rollout of revision {revision} began"));
            }
            Observation::RolloutFinished { server: s } => {
                self.push(at, EventKind::Rollout, server(s), "rollout complete".to_owned());
            }
            Observation::Scaled { server: s, from, to, by } => {
                let hpa = model.deployment(s as usize).hpa.as_ref();
                let what = scaled(from, to, by, hpa.map_or(0, |hpa| hpa.target_cpu_utilization));
                self.push(at, EventKind::Scale, server(s), what);
            }
            Observation::RateChanged { client: c, to, over } => {
                let how = if over.0 == 0 { String::new() } else { format!(" over {over}") };
                self.push(at, EventKind::Rate, client(c), format!("rate goes to {to} calls/s{how}"));
            }
            Observation::ClientRollout { client: c, finished } => {
                let what = if finished { "rollout of the client complete" } else { "rollout of the client began" };
                self.push(at, EventKind::Client, client(c), what.to_owned());
                if finished {
                    self.rolling.remove(&c);
                } else {
                    self.rolling.insert(c);
                }
            }
            Observation::ReplicaStarted { client: c, replica } if self.rolling.contains(&c) => {
                self.push(at, EventKind::Client, &format!("{}-{replica}", client(c)), "started".to_owned());
            }
            Observation::ReplicaStopped { client: c, replica } if self.rolling.contains(&c) => {
                self.push(at, EventKind::Client, &format!("{}-{replica}", client(c)), "stopped calling".to_owned());
            }
            _ => {}
        }
    }

    /// All rows in order of time. Deletions by the timeline have no observation of their own: they come from the model.
    pub(super) fn finish(self, model: &Model, end: Time) -> Vec<EventRow> {
        let deletion = |action: &crate::model::Action| match action.what {
            What::Delete(Pods { server, pods }) if action.at <= end => Some(EventRow {
                time_s: action.at.as_secs_f64(),
                kind: EventKind::Delete,
                subject: model.deployment(server).name.clone(),
                what: format!("delete the {} that {} been Ready longest", count(pods, "pod"), have(pods)),
            }),
            _ => None,
        };
        let hole = |action: &crate::model::Action| match action.what {
            What::BlackHole(BlackHole { of: Pods { server, pods }, .. }) if action.at <= end => Some(EventRow {
                time_s: action.at.as_secs_f64(),
                kind: EventKind::Kill,
                subject: model.deployment(server).name.clone(),
                what: format!("black hole: the {} that {} been Ready longest", count(pods, "pod"), have(pods)),
            }),
            _ => None,
        };
        let mut rows: Vec<EventRow> = model.timeline.iter().filter_map(|a| deletion(a).or_else(|| hole(a))).collect();
        rows.extend(self.rows);
        rows.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
        rows
    }
}

/// A change of the wanted number of pods, by an autoscaler with this target if it was one.
fn scaled(from: u32, to: u32, by: ScaledBy, target: u32) -> String {
    let to = count(to, "pod");
    match by {
        ScaledBy::Timeline => format!("scaled from {from} to {to}"),
        ScaledBy::Hpa { cpu_percent: None } => format!("HPA scales from {from} to {to}: its own bounds"),
        ScaledBy::Hpa { cpu_percent: Some(cpu) } => {
            format!("HPA scales from {from} to {to}: mean CPU {cpu}% of the request, target {target}%")
        }
    }
}

/// What a pod answers, how much of it and for how long.
fn answers(&Errors { share, status, lasts, .. }: &Errors) -> String {
    let what = if share < 1.0 { format!("{} % of its calls", percent(share)) } else { "all calls".to_owned() };
    let lasts = lasts.map_or(String::new(), |lasts| format!(", for {lasts}"));
    format!("answers {what} with {}{lasts}", status.word())
}

/// A share in percent, to a hundredth.
fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 1e2
}

fn have(n: u32) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

/// `1 pod`, `2 pods`.
pub(super) fn count(n: u32, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// What entering a phase means.
fn entered(before: PodPhase, now: PodPhase) -> Option<&'static str> {
    match now {
        PodPhase::Starting if before == PodPhase::Starting => None,
        PodPhase::Starting => Some("container restarts"),
        PodPhase::Ready => Some("Ready"),
        PodPhase::Terminating => Some("terminating"),
        PodPhase::Gone => Some("gone"),
        PodPhase::Unready => Some("not Ready any more"),
    }
}
