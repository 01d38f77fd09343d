//! The phases of a run: cut at what the timeline and autoscalers do, and at what that ends in.
//!
//! Counts come with windows, so that a window in which something changes belongs to no phase: it would mix both.

use crate::ids::Table;
use crate::metrics::attribution::Attribution;
use crate::metrics::phase::{Phase, PodNow};
use crate::metrics::skew;
use crate::model::{Action, BlackHole, Errors, Model, Pods, RateChange, Scale, Slow, What};
use crate::sim::observation::{ConnectionSample, Observation, PodId, PodPhase, PodSample, ScaledBy};
use crate::units::{Span, Time};

use super::events::count;
use super::finish::{REQUESTS_PER_POD, latency_ms, slots};
use super::histogram::Tally;
use super::placing::Placing;
use super::pods::PodInfo;

/// Something that begins or ends.
#[derive(Clone, Debug, Default, PartialEq)]
struct Effect {
    /// What the timeline or an autoscaler does.
    begins: Option<String>,
    /// More, or less, that is under way: pods that start, rollouts, ramps.
    under_way: i32,
    /// More, or less, that is not as it should be and stays so for a while: pods that are unready, slow or black holes.
    conditions: i32,
    /// The set of Ready pods is another one.
    turns: bool,
}

/// What a pod did in a phase.
#[derive(Clone, Debug)]
struct PodPart {
    id: PodId,
    /// In the windows in which it was Ready throughout.
    requests: u64,
    ready: Span,
    busy: Span,
    failed: u64,
    /// Of all calls that it answered.
    latency: Tally,
}

impl PodPart {
    fn new(id: PodId) -> PodPart {
        PodPart { id, requests: 0, ready: Span::ZERO, busy: Span::ZERO, failed: 0, latency: Tally::default() }
    }
}

/// A phase that goes on.
#[derive(Debug, Default)]
struct Part {
    from: Time,
    /// What began it, or what came before it; `None` before the first change.
    change: Option<String>,
    settled: bool,
    as_it_should_be: bool,
    /// In order of id.
    pods: Vec<PodPart>,
    placing: Placing,
    failed: u64,
    reconnects: u64,
    length: Span,
}

/// Cuts a run into phases as it goes.
pub(super) struct Phases {
    warmup: Time,
    /// What the timeline does, and when that ends, in order.
    planned: std::iter::Peekable<std::vec::IntoIter<(Time, Effect)>>,
    /// What happened in the window that goes on.
    pending: Vec<(Time, Effect)>,
    /// How much is under way, and how much is not as it should be.
    under_way: i32,
    conditions: i32,
    /// Connections opened by the end of the last window.
    reconnects: u64,
    part: Part,
    done: Vec<Phase>,
    /// The phase that the headline is of, if there is one already.
    headline: Option<Headline>,
}

/// The phase that the headline is of.
pub(super) struct Headline {
    /// Its place among the phases.
    pub at: usize,
    /// What its pods did.
    pub pods: Vec<(PodId, PodNow)>,
    /// What their shares are made of, if connections were looked at.
    pub attribution: Option<Attribution>,
}

/// The phases of a run.
pub(super) struct Finished {
    pub phases: Vec<Phase>,
    pub headline: Option<Headline>,
}

/// What phases need to know of the rest of the run so far.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub model: &'a Model,
    pub pods: &'a Table<PodId, PodInfo>,
    /// When a pod became Ready, or ceased to be.
    pub ready_changes: &'a [(Time, PodId)],
}

impl Known<'_> {
    /// The slots of a pod that can be in use all the time.
    fn slots(&self, pod: PodId) -> f64 {
        slots(self.model, self.pods)(pod)
    }
}

impl Phases {
    pub(super) fn new(model: &Model) -> Phases {
        let mut planned: Vec<(Time, Effect)> =
            model.timeline.iter().flat_map(|action| planned(model, action)).collect();
        planned.sort_by_key(|(at, _)| *at);
        let warmup = Time::ZERO + model.warmup;
        Phases {
            warmup,
            planned: planned.into_iter().peekable(),
            pending: Vec::new(),
            under_way: 0,
            conditions: 0,
            reconnects: 0,
            part: Part { from: warmup, settled: true, as_it_should_be: true, ..Part::default() },
            done: Vec::new(),
            headline: None,
        }
    }

    /// Takes note of what begins or ends. `pods` is as it was before the observation.
    pub(super) fn observe(&mut self, model: &Model, pods: &Table<PodId, PodInfo>, at: Time, what: &Observation<'_>) {
        let of_servers = |server: u32| (server as usize) < model.servers.len();
        let under_way = |under_way| Effect { under_way, ..Effect::default() };
        let effect = match *what {
            Observation::PodCreated { server, .. } if of_servers(server) => under_way(1),
            Observation::PodPhase { pod, phase } if !pods[pod].gateway => {
                let before = pods[pod].phase;
                let change = |of: PodPhase| i32::from(phase == of) - i32::from(before == of);
                Effect {
                    begins: None,
                    under_way: change(PodPhase::Starting),
                    conditions: change(PodPhase::Unready),
                    turns: change(PodPhase::Ready) != 0,
                }
            }
            Observation::RolloutStarted { .. } | Observation::ClientRollout { finished: false, .. } => under_way(1),
            Observation::RolloutFinished { .. } | Observation::ClientRollout { finished: true, .. } => under_way(-1),
            Observation::Scaled { server, to, by: ScaledBy::Hpa { .. }, .. } => {
                let server = &model.deployment(server as usize).name;
                let begins = Some(format!("autoscaling of {server} to {}", count(to, "pod")));
                Effect { begins, ..Effect::default() }
            }
            _ => return,
        };
        self.pending.push((at, effect));
    }

    /// A window ends. True if it lies whole in one phase, which is then the one that goes on.
    pub(super) fn holds(&mut self, from: Time, to: Time, known: Known<'_>) -> bool {
        // What the timeline does comes first: it names what follows from it at the same instant.
        let mut happened: Vec<(Time, Effect)> =
            std::iter::from_fn(|| self.planned.next_if(|(at, _)| *at <= to)).collect();
        happened.append(&mut self.pending);
        happened.sort_by_key(|(at, _)| *at);
        self.pending = happened;
        self.apply(from, known);
        from >= self.warmup && self.pending.first().is_none_or(|(at, _)| *at >= to)
    }

    /// Adds what a pod of a server did in a window that the phase holds; returns where the latencies of its calls go.
    pub(super) fn pod(&mut self, sample: &PodSample, (requests, failed): (u64, u64), length: Span) -> &mut Tally {
        let id = sample.pod;
        let pods = &mut self.part.pods;
        let at = pods.binary_search_by_key(&id, |pod| pod.id).unwrap_or_else(|at| {
            pods.insert(at, PodPart::new(id));
            at
        });
        let pod = &mut pods[at];
        pod.failed += failed;
        if sample.ready_throughout {
            pod.requests += requests;
            pod.ready = pod.ready + length;
            pod.busy = pod.busy + sample.busy;
        }
        &mut pod.latency
    }

    /// Adds what connections did in a window that the phase holds.
    pub(super) fn connections(&mut self, samples: &[ConnectionSample], known: Known<'_>) {
        self.part.placing.add(known.model, samples, known.ready_changes);
    }

    /// The window is over: `held` says if a phase held it. `failed` calls are those of the window, `reconnects` those of the run so far.
    pub(super) fn pass(
        &mut self,
        (from, to): (Time, Time),
        held: bool,
        (failed, reconnects): (u64, u64),
        known: Known<'_>,
    ) {
        if held {
            self.part.failed += failed;
            self.part.reconnects += reconnects - self.reconnects;
            self.part.length = self.part.length + to.since(from);
        }
        self.reconnects = reconnects;
        // What happened at its very end is of the next one.
        self.apply(Time(to.0.saturating_sub(1)), known);
    }

    /// Does all that is pending up to `until`.
    fn apply(&mut self, until: Time, known: Known<'_>) {
        let due = self.pending.partition_point(|(at, _)| *at <= until);
        for (at, effect) in self.pending.drain(..due).collect::<Vec<_>>() {
            let before = (self.under_way > 0, self.conditions);
            self.under_way += effect.under_way;
            self.conditions += effect.conditions;
            let cuts = effect.begins.is_some() || before != (self.under_way > 0, self.conditions);
            // While something is under way, pods come and go all the time.
            if cuts || effect.turns && self.under_way == 0 {
                let change = effect.begins.or_else(|| self.part.change.clone());
                self.cut(at, change, known);
            }
        }
    }

    /// A phase ends, and the next one begins.
    fn cut(&mut self, at: Time, change: Option<String>, known: Known<'_>) {
        if at > self.part.from {
            let first = self.part.change.is_none();
            if first {
                self.part.change.clone_from(&change);
            }
            self.close(at, if first { "before" } else { self.part.when() }, known);
            self.part = Part { from: at, ..Part::default() };
        }
        self.part.change = change;
        self.part.settled = self.under_way == 0;
        self.part.as_it_should_be = self.conditions == 0;
    }

    fn close(&mut self, at: Time, when: &str, known: Known<'_>) {
        let part = std::mem::take(&mut self.part);
        let name = match &part.change {
            Some(change) => format!("{when} {change}"),
            None => "whole run".to_owned(),
        };
        let (phase, pods, attribution) = part.finish(name, at, known);
        let speaks = phase.settled && phase.pods > 0 && phase.requests >= REQUESTS_PER_POD * phase.pods;
        // Until one speaks, any is better than nothing.
        if speaks || self.headline.is_none() && phase.requests > 0 {
            self.headline = Some(Headline { at: self.done.len(), pods, attribution });
        }
        self.done.push(phase);
    }

    /// The run is over.
    pub(super) fn finish(mut self, end: Time, known: Known<'_>) -> Finished {
        self.apply(end, known);
        if end > self.part.from || self.done.is_empty() {
            self.close(end.max(self.part.from), self.part.when(), known);
        }
        Finished { phases: self.done, headline: self.headline }
    }
}

impl Part {
    /// Where it lies with regard to its change.
    fn when(&self) -> &'static str {
        if self.settled && self.as_it_should_be { "after" } else { "during" }
    }

    fn finish(self, name: String, to: Time, known: Known<'_>) -> (Phase, Vec<(PodId, PodNow)>, Option<Attribution>) {
        let mut latency = Tally::default();
        self.pods.iter().for_each(|pod| latency.merge(&pod.latency));
        let ready: Vec<&PodPart> = self.pods.iter().filter(|pod| pod.ready > Span::ZERO).collect();
        let per_s = |n: u64, of: Span| if of > Span::ZERO { n as f64 / of.as_secs_f64() } else { 0.0 };
        let requests: u64 = ready.iter().map(|pod| pod.requests).sum();
        let utilization = |pod: &PodPart| pod.busy.as_secs_f64() / (pod.ready.as_secs_f64() * known.slots(pod.id));
        let rates: Vec<f64> = ready.iter().map(|pod| per_s(pod.requests, pod.ready)).collect();
        let ended = self.failed + latency.count();
        let now = |pod: &&PodPart| {
            let now = PodNow {
                requests_per_s: per_s(pod.requests, pod.ready),
                share: (requests > 0).then(|| pod.requests as f64 / requests as f64),
                utilization: utilization(pod),
                latency_p99_ms: pod.latency.quantile(990).map(Span::as_millis_f64),
                failed: pod.failed,
            };
            (pod.id, now)
        };
        let phase = Phase {
            name,
            from_s: self.from.as_secs_f64(),
            to_s: to.as_secs_f64(),
            settled: self.settled,
            pods: ready.len() as u64,
            requests,
            skew: skew::figures(&rates),
            throughput_rps: per_s(latency.count(), self.length),
            failed: self.failed,
            error_ratio: (ended > 0).then(|| self.failed as f64 / ended as f64),
            latency_ms: latency_ms(&latency),
            max_utilization: ready.iter().map(|pod| utilization(pod)).reduce(f64::max),
            reconnects_per_s: per_s(self.reconnects, self.length),
        };
        let loads: Vec<(PodId, u64, Span)> = ready.iter().map(|pod| (pod.id, pod.requests, pod.ready)).collect();
        let now = ready.iter().map(now).collect();
        let attribution = self.placing.finish((known.model, known.pods), &loads, self.length, known.ready_changes);
        (phase, now, attribution)
    }
}

/// What an action does, and when it is over, where no observation says so.
fn planned(model: &Model, action: &Action) -> Vec<(Time, Effect)> {
    let begins = Effect { begins: Some(words(model, &action.what)), ..Effect::default() };
    let condition = |conditions| Effect { conditions, ..Effect::default() };
    let under_way = |under_way| Effect { under_way, ..Effect::default() };
    let mut effects = vec![(action.at, begins)];
    match action.what {
        What::Slow(Slow { lasts, .. })
        | What::Errors(Errors { lasts, .. })
        | What::BlackHole(BlackHole { lasts, .. }) => {
            effects.push((action.at, condition(1)));
            effects.extend(lasts.map(|lasts| (action.at + lasts, condition(-1))));
        }
        What::Rate(RateChange { over, .. }) if over > Span::ZERO => {
            effects.extend([(action.at, under_way(1)), (action.at + over, under_way(-1))]);
        }
        _ => {}
    }
    effects
}

/// A change in words.
pub(super) fn words(model: &Model, what: &What) -> String {
    let of = |Pods { server, pods }: Pods| format!("{} of {}", count(pods, "pod"), model.deployment(server).name);
    match *what {
        What::RolloutServer(server) => format!("rollout of {}", model.deployment(server).name),
        What::RolloutClient(client) => format!("rollout of client {}", model.clients[client].name),
        What::Scale(Scale { server, replicas }) => {
            format!("scale of {} to {}", model.deployment(server).name, count(replicas, "pod"))
        }
        What::Kill(pods) => format!("kill of {}", of(pods)),
        What::Delete(pods) => format!("deletion of {}", of(pods)),
        What::BlackHole(hole) => format!("black hole of {}", of(hole.of)),
        What::Unready(unready) => format!("readiness failure of {}", of(unready.of)),
        What::Slow(slow) => format!("slowness of {}", of(slow.of)),
        What::Errors(errors) => format!("errors of {}", of(errors.of)),
        What::Rate(RateChange { client, to, .. }) => format!("rate of {} to {to}/s", model.clients[client].name),
    }
}
