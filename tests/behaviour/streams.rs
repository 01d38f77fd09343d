//! Long-lived streams through the engine: what moves them, what does not, when they are opened again, and what their messages cost.

use crate::support;

use std::collections::{BTreeMap, BTreeSet};

use evenkeel::experiment;
use evenkeel::metrics::outcome::Summary;
use evenkeel::scenario;
use evenkeel::sim::observation::{CloseReason, Observation, Observer, Status};
use evenkeel::units::{Span, Time};
use support::runs::{model, observed, second};

/// What happened to each stream, by when its application opened it.
#[derive(Default)]
struct Seen {
    emitted: BTreeSet<Time>,
    /// (when, on which pod, the wait before the next attempt)
    cut: BTreeMap<Time, Vec<(Time, Option<usize>, Span)>>,
    /// (when, how)
    ended: BTreeMap<Time, (Time, Option<Status>)>,
    /// (when, pod, +1 or -1): streams that were opened or ended.
    changes: Vec<(Time, usize, i64)>,
    messages: BTreeMap<usize, Vec<Time>>,
    /// (draining, closed) of connections that ended because of their age.
    aged: Vec<(Time, Time)>,
    pods: usize,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Emitted { .. } => assert!(self.emitted.insert(at), "two streams at one instant"),
            Observation::Received { pod, .. } => self.changes.push((at, pod.0 as usize, 1)),
            Observation::Message { pod } => self.messages.entry(pod.0 as usize).or_default().push(at),
            Observation::Retried { pod, why, emitted, after, .. } => {
                assert_eq!(why.status(), Status::Unavailable);
                let pod = pod.map(|p| p.0 as usize);
                // What never reached a pod waits.
                if let (Some(pod), Span::ZERO) = (pod, after) {
                    self.changes.push((at, pod, -1));
                }
                self.cut.entry(emitted).or_default().push((at, pod, after));
            }
            Observation::Completed { pod, emitted, .. } => {
                self.changes.push((at, pod.0 as usize, -1));
                assert_eq!(self.ended.insert(emitted, (at, None)), None, "two ends of one stream");
            }
            Observation::Failed { why, emitted, .. } => {
                assert_eq!(self.ended.insert(emitted, (at, Some(why.status()))), None, "two ends of one stream");
            }
            Observation::Closed(c) if c.reason == Some(CloseReason::MaxAge) => {
                self.aged.extend(c.draining.zip(c.closed));
            }
            Observation::PodCreated { .. } => self.pods += 1,
            _ => {}
        }
    }
}

impl Seen {
    /// Open streams per pod just after everything that happened at `at`.
    fn open(&self, at: Time) -> Vec<i64> {
        let mut open = vec![0; self.pods];
        self.changes.iter().take_while(|c| c.0 <= at).for_each(|c| open[c.1] += c.2);
        assert!(open.iter().all(|n| *n >= 0), "{open:?}");
        open
    }

    fn cuts(&self) -> usize {
        self.cut.values().map(Vec::len).sum()
    }
}

/// Clients that know all pods; `top`, `server` and `streams` are more keys of each.
fn text(top: &str, server: &str, streams: &str) -> String {
    format!(
        "name: streams\nduration: 200s\n{top}\ncluster: {{ rtt: 1ms, connect: 1ms, endpoint_lag: 100ms }}\n\
         servers: [{{ name: s, service_time: 1ms, {server} }}]\n\
         clients: [{{ name: c, replicas: 4, policy: round_robin, discovery: watch, dispatch: 1us, load: {{ streams: {{ {streams} }} }} }}]\n"
    )
}

fn seen(top: &str, server: &str, streams: &str) -> Seen {
    observed::<Seen>(&model(&text(top, server, streams)), 1).0
}

fn summary(text: &str) -> Summary {
    let loaded = scenario::parse("streams.yaml", text, None, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

/// Nothing is cut: a stream of 10 s has messages after 3, 6 and 9 s, each takes 1 ms of a slot, and the pod's last word takes half a
/// round trip. (What is asked for ends before the run does.)
#[test]
fn a_stream_lasts_its_time_and_costs_its_messages() {
    let top = "timeline: [{ at: 180s, rate: { client: c, to: 0 } }]";
    let (server, streams) = ("replicas: 3, concurrency: 1", "rate: 4, duration: 10s, messages: { interval: 3s }");
    let run = seen(top, server, streams);
    assert!(run.emitted.len() > 500 && run.cuts() == 0);
    assert_eq!(run.emitted.len(), run.ended.len());
    // Streams that were asked for before the channel was READY are late by that.
    let lasts = Span::from_millis(10_000) + Span::from_micros(500);
    for (emitted, &(ended, status)) in &run.ended {
        assert_eq!((status, ended.since(*emitted)), (None, lasts), "{emitted}");
    }
    let messages: usize = run.messages.values().map(Vec::len).sum();
    assert_eq!(messages, 3 * run.emitted.len());
    let summary = summary(&text(top, server, streams));
    let pods = &summary.pods;
    assert_eq!(pods.iter().map(|p| p.messages).sum::<u64>(), messages as u64);
    for pod in pods {
        // The last of 300 windows may cut a service time.
        let busy = pod.utilization.expect("was Ready") * summary.measured_s;
        assert!((busy - pod.messages as f64 * 1e-3).abs() < 1.5e-3, "{busy} s for {} messages", pod.messages);
    }
    assert_eq!((summary.requests.ok, summary.requests.retries), (run.emitted.len() as u64, 0));
}

/// The messages of a stream keep its own time over a cut: those of streams that were cut together do not come together.
#[test]
fn a_cut_does_not_shift_the_messages() {
    let top = "timeline: [{ at: 1s, rate: { client: c, to: 0 } }, { at: 20s, delete: { server: s } }]";
    let run =
        seen(top, "replicas: 3, termination: { grace: 5s }", "rate: 20, duration: 1h, messages: { interval: 1s }");
    assert!(run.cuts() >= 3);
    let phases: BTreeSet<u64> = run.emitted.iter().map(|e| (e.0 + 500_000) % 1_000_000_000).collect();
    for at in run.messages.values().flatten() {
        assert!(phases.contains(&(at.0 % 1_000_000_000)), "{at}");
    }
}

/// A pod that shuts down waits for its streams until SIGKILL, which cuts them; they are opened again at once, on pods that are left.
#[test]
fn a_rolling_restart_moves_all_streams() {
    let top = "timeline: [{ at: 60s, rollout: s }, { at: 150s, rate: { client: c, to: 0 } }]";
    let server = "replicas: 4, strategy: { max_surge: 1, max_unavailable: 0 }, termination: { grace: 10s }";
    let (run, streams) = (seen(top, server, "rate: 2, duration: 1h"), "rate: 2, duration: 1h");
    let before: Vec<Time> = run.emitted.iter().copied().filter(|e| *e < second(60.0)).collect();
    assert!(before.len() > 80 && run.ended.is_empty());
    for emitted in &before {
        let cuts = run.cut.get(emitted).map_or(&[][..], Vec::as_slice);
        assert!(!cuts.is_empty(), "the stream of {emitted} was not moved");
        // Only by the old pods, ten seconds after their deletion or later.
        assert!(cuts.iter().all(|c| c.0 > second(70.0) && c.1.is_some_and(|p| p < 4) && c.2 == Span::ZERO), "{cuts:?}");
    }
    let open = run.open(Time::NEVER);
    assert_eq!(open.len(), 8);
    assert_eq!(open[..4], [0; 4]);
    assert_eq!(open.iter().sum::<i64>(), run.emitted.len() as i64, "{open:?}");
    let requests = summary(&text(top, server, streams)).requests;
    assert_eq!((requests.retries, requests.failed), (run.cuts() as u64, 0));
    assert_eq!(requests.unfinished, run.emitted.len() as u64);
}

#[test]
fn age_alone_moves_no_stream() {
    let grpc = "replicas: 3, grpc: { max_connection_age: 5s }";
    let run = seen("", grpc, "rate: 2, duration: 1h");
    assert!(run.cuts() == 0 && run.ended.is_empty());
    assert!(run.aged.iter().all(|(draining, closed)| draining == closed), "only what carries nothing can end");
    // The connections drain: new streams have new ones.
    let run = seen("", grpc, "rate: 2, duration: 20s");
    assert!(run.cuts() == 0 && run.ended.len() > 200);
    let longest = run.aged.iter().map(|(draining, closed)| closed.since(*draining)).max();
    let (least, most) = (Span::from_secs(15), Span::from_millis(20_001));
    assert!(longest.is_some_and(|l| l > least && l <= most), "each waits for its last stream: {longest:?}");
}

/// A connection is cut at most 1.1 x 10 s + 5 s after it became READY; a stream is at most a round trip longer on its way and on it. A
/// stream that finds no connection waits for a dial: a round trip, 1 ms, and 1 us to send it.
#[test]
fn age_and_grace_move_all_streams() {
    let server = "replicas: 3, grpc: { max_connection_age: 10s, max_connection_age_grace: 5s }";
    let run = seen("", server, "rate: 2, duration: 1h");
    let longest = Span::from_secs(16) + Span::from_millis(3) + Span::from_micros(1);
    let mut stays = 0;
    for emitted in &run.emitted {
        let cuts = run.cut.get(emitted).map_or(&[][..], Vec::as_slice);
        assert!(cuts.iter().all(|c| c.1.is_some() && c.2 == Span::ZERO), "{cuts:?}");
        let mut since = *emitted;
        for at in cuts.iter().map(|c| c.0).chain([second(200.0)]) {
            assert!(at.since(since) <= longest, "from {since} to {at}");
            (since, stays) = (at, stays + 1);
        }
    }
    assert!(run.emitted.len() > 300 && stays > 10 * run.emitted.len() / 2, "{stays}");
}

/// Without age and grace, what was there before stays where it was, and new pods have what came later.
#[test]
fn a_new_pod_gets_streams_only_from_new_arrivals() {
    let top = "timeline: [{ at: 100s, scale: { server: s, replicas: 6 } }]";
    let run = seen(top, "replicas: 3", "rate: 5, duration: 1h");
    assert!(run.cuts() == 0 && run.ended.is_empty());
    let (before, after) = (run.open(second(105.0)), run.open(Time::NEVER));
    assert_eq!(before[3..], [0; 3], "nobody is Ready before 105 s");
    let (old, new) = (after[..3].iter().sum::<i64>(), after[3..].iter().sum::<i64>());
    let came = run.emitted.iter().filter(|e| **e > second(105.0)).count() as i64;
    assert!(after.iter().zip(&before).all(|(after, before)| after >= before));
    assert!(0 < new && new < came && old > new, "{new} of {came}, {old} on old pods");
    // With age and grace they get more than ever came.
    let server = "replicas: 3, grpc: { max_connection_age: 10s, max_connection_age_grace: 5s }";
    let moved = seen(top, server, "rate: 5, duration: 1h");
    assert!(moved.open(Time::NEVER)[3..].iter().sum::<i64>() > came);
}

/// All pods are killed for 20 s. A stream that was cut, or could not be opened, is tried again once per second and not more often, until
/// its application is done with it.
#[test]
fn streams_outlast_an_outage_and_do_not_storm() {
    let top = "timeline: [{ at: 60s, kill: { server: s, pods: 3 } }, { at: 150s, rate: { client: c, to: 0 } }]";
    let run = seen(top, "replicas: 3, startup: 20s", "rate: 5, duration: { exponential: { mean: 30s } }");
    let mut waited = 0;
    for cuts in run.cut.values() {
        let first_at_once = cuts[0].2 == Span::ZERO;
        assert!(cuts.iter().skip(usize::from(first_at_once)).all(|c| c.2 == Span::from_secs(1)), "{cuts:?}");
        assert!(cuts.windows(2).skip(1).all(|w| w[1].0.since(w[0].0) >= Span::from_secs(1)), "{cuts:?}");
        waited += usize::from(cuts.len() > 10);
    }
    assert!(waited > 50, "{waited}");
    let failed: Vec<_> = run.ended.values().filter(|e| e.1.is_some()).collect();
    assert!(!failed.is_empty() && failed.iter().all(|e| (second(60.0)..second(100.0)).contains(&e.0)), "{failed:?}");
}

/// Nobody tells that a pod answers nothing: without keepalive its streams stay. With it, TCP_USER_TIMEOUT ends a connection 200 ms and the
/// timeout after the first message that nobody acknowledged, and each stream has one within a second.
#[test]
fn messages_find_a_black_hole() {
    let top = "timeline: [{ at: 1s, rate: { client: c, to: 0 } }, { at: 60s, black_hole: { server: s } }]";
    let plain = text(top, "replicas: 3", "rate: 40, duration: 1h, messages: { interval: 1s }");
    let pinging = plain.replace("name: c,", "name: c, keepalive: { time: 100s, timeout: 5s },");
    let stay = observed::<Seen>(&model(&plain), 1).0;
    assert_eq!(stay.cuts(), 0);
    let run = observed::<Seen>(&model(&pinging), 1).0;
    let (before, after) = (run.open(second(60.0)), run.open(second(67.0)));
    let dead = (0..3).find(|&pod| after[pod] == 0).expect("all streams of one pod have moved");
    assert!(before[dead] > 5 && run.cuts() as i64 == before[dead], "{before:?} {}", run.cuts());
    let cuts: Vec<Time> = run.cut.values().flatten().map(|c| c.0).collect();
    assert!(cuts.iter().all(|at| (second(65.2)..=second(66.2)).contains(at)), "{cuts:?}");
    assert_eq!(after.iter().sum::<i64>(), run.emitted.len() as i64);
}

/// Two pods and a new stream each second: by openings one pod has all of each window, by messages both have the same.
#[test]
fn what_is_expected_of_a_part_counts_messages() {
    let top = "warmup: 20s\nwindow: 1s\nexpect: [max_over_mean <= 1.3 in every window, max_over_mean <= 1.3 after 30s]";
    let text = text(top, "replicas: 2", "rate: 1, duration: 1h, messages: { interval: 10ms }")
        .replace("duration: 200s", "duration: 40s")
        .replace("replicas: 4", "replicas: 1");
    let summary = summary(&text);
    assert!(summary.expectations.iter().all(|e| e.met), "{:?}", summary.expectations);
    let load = |i: usize| (summary.pods[i].requests + summary.pods[i].messages) as f64;
    for i in 0..2 {
        let share = summary.pods[i].share.unwrap();
        assert!((share - load(i) / (load(0) + load(1))).abs() < 1e-12, "{share}");
    }
}
