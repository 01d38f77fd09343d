//! `evenkeel plan`: against theory, against trying everything, and the command.

use evenkeel::experiment;
use evenkeel::experiment::plan::{
    Answer, Candidate, Cure, Event, IMPLIED, PlanReport, Planner, Question, Rule, Search, Searched, TradeOff, Verdict,
};
use evenkeel::experiment::sequential::{Decision, Sprt};
use evenkeel::metrics::outcome::Latency;
use evenkeel::scenario::document::Document;
use evenkeel::theory::queueing::Queue;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::desk::Desk;
use crate::support::family::Family;
use crate::support::stats::{mean, variance};

fn rule(share: f64, surely: f64, confidence: f64) -> Rule {
    Rule { share, surely, confidence, max_runs: 200, seed: 1 }
}

fn as_it_is() -> Vec<Cure> {
    vec![Cure { name: "as it is".into(), sets: Vec::new() }]
}

fn question(slo: &str, (lo, hi): (u32, u32), rule: Rule) -> Question {
    let search = Search::Pods { lo, hi };
    Question { slos: vec![slo.to_owned()], server: None, event: None, search, rule, exact: true }
}

/// The answer for the scenario as it is, or for even load alone.
fn report(text: &str, question: &Question, cures: &[Cure]) -> PlanReport {
    let document = Document::embedded("test.yaml", text, &[]);
    let planner = Planner::new(&document, question).unwrap_or_else(|error| panic!("{error}\n{text}"));
    planner.plan(cures, Vec::new(), None, &|_, _| ()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Even load in the words of queueing: calls are a Poisson process, split at random, so that each pod is M/M/c. The objective is the
/// p99, or the mean, of the time in the system; its bound is the geometric mean of what theory gives for N and for N - 1 pods, which differ
/// by half or more. That is away from the boundary: standard deviation of a run and bias together (measured over 20 fresh seeds) are less
/// than a quarter of the way to the bound, so that a run on the wrong side of it is four deviations off.
#[test]
fn even_load_needs_what_erlang_c_says() {
    for (slots, rate, pods, figure) in
        [(1, 160.0, 3, "p99"), (2, 330.0, 3, "p99"), (4, 680.0, 3, "p99"), (1, 500.0, 7, "mean")]
    {
        let theory = |n: u32| {
            let pod = Queue::new(rate / f64::from(n), 0.01, slots).expect("a stable queue");
            let p99 = pod.time_in_system_quantile(0.99).expect("a quantile");
            1e3 * if figure == "p99" { p99 } else { 0.01 + pod.wait_exponential() }
        };
        let bound = (theory(pods) * theory(pods - 1)).sqrt();
        assert!(theory(pods - 1) / theory(pods) >= 1.5);
        let text = format!(
            "name: erlang\nduration: 482s\nwarmup: 2s\ncluster: {{ rtt: 1us }}\nservers: [{{ name: s, replicas: 5, concurrency: {slots}, \
             service_time: {{ exponential: {{ mean: 10ms }} }} }}]\nclients: [{{ name: c, load: {{ open: {{ rate: {rate} }} }} }}]\n"
        );
        let slo = format!("latency.{figure} <= {bound:.3}ms");
        let even =
            report(&text, &question(&slo, (1, 20), rule(0.7, 0.925, 0.9)), &[]).even.expect("even load is possible");
        let answer = even.steady.expect("an answer");
        assert_eq!(answer.best, Some(f64::from(pods)), "{slots} slots, {rate}/s: {answer:#?}");
        assert_eq!(answer.next, Some(Verdict::NotEnough));
        for n in [pods - 1, pods] {
            let mut sets = even.sets.clone();
            sets.push(format!("servers.s.replicas={n}"));
            let loaded = Document::embedded("test.yaml", &text, &[]).load(&sets).expect("a scenario");
            let run = |seed| experiment::run(&loaded, seed, false, None).expect("runs").summary.latency_ms;
            let of = |latency: Latency| if figure == "p99" { latency.p99 } else { latency.mean }.expect("a latency");
            let seen: Vec<f64> = (1001..=1020).map(|seed| of(run(seed))).collect();
            let off = (mean(&seen) - theory(n)).abs() + variance(&seen).sqrt();
            let quarter = (theory(n) - bound).abs() / 4.0;
            let theory = theory(n);
            assert!(
                off < quarter,
                "{slots} slots, {n} pods: {off:.2} ms off theory's {theory:.2}, a quarter of the way is {quarter:.2}"
            );
        }
    }
}

/// A small scenario from a seed: 1 to 3 slots, 1 to 10 clients with 1 to 3 channels, one of four objectives.
fn small_case(seed: u64) -> (String, String) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut from = |lo: u64, hi: u64| lo + rng.next_u64() % (hi - lo + 1);
    let (slots, replicas, channels, start) = (from(1, 3), from(1, 10), from(1, 3), from(1, 8));
    let (rate, service) = (from(80, 300), from(4, 16));
    let (service_type, policy) = [("ClusterIP", ""), ("Headless", "policy: round_robin, ")][from(0, 1) as usize];
    let slo = match from(0, 3) {
        0 => format!("latency.p99 <= {}ms", service * from(5, 12)),
        1 => format!("max_utilization <= {}%", from(30, 90)),
        2 => "max_over_mean <= 1.5".to_owned(),
        _ => format!("latency.p90 <= {}ms in every window", service * from(4, 10)),
    };
    let text = format!(
        "name: case-{seed}\nduration: 3s\nwarmup: 500ms\nwindow: 500ms\nservice: {{ type: {service_type} }}\nservers: [{{ name: s, replicas: {start}, \
         concurrency: {slots}, service_time: {{ exponential: {{ mean: {service}ms }} }} }}]\nclients: [{{ name: c, replicas: {replicas}, \
         channels: {channels}, {policy}load: {{ open: {{ rate: {rate} }} }} }}]\n"
    );
    (text, slo)
}

/// 50 cases, seeds 1 to 50: the search finds what trying each number of pods with the same test finds. Where more pods do not help (an
/// objective of skew, say) there is no single threshold; then it finds an edge: enough, and one fewer is not.
#[test]
fn the_search_finds_what_trying_everything_finds() {
    const MOST: u32 = 8;
    let rule = rule(0.7, 0.925, 0.9);
    let (mut thresholds, mut found) = (0, 0);
    for seed in 1..=50 {
        let (text, slo) = small_case(seed);
        let answer = |bounds| {
            let report = report(&text, &question(&slo, bounds, rule), &as_it_is());
            report.candidates[0].steady.clone().expect("an answer")
        };
        let verdict = |n: u32| match answer((n, n)) {
            Answer { best: Some(_), .. } => Verdict::Enough,
            Answer { tried, .. } => tried[0].verdict,
        };
        let all: Vec<Verdict> = (1..=MOST).map(verdict).collect();
        let of = |n: f64| all.get((n as usize).checked_sub(1)?).copied();
        let searched = answer((1, MOST));
        let enough = |v: &&Verdict| **v == Verdict::Enough;
        let first = all.iter().position(|v| *v == Verdict::Enough);
        let is_threshold = first.is_none_or(|at| all[at..].iter().filter(enough).count() == all.len() - at);
        match searched.best {
            _ if is_threshold => assert_eq!(searched.best, first.map(|at| at as f64 + 1.0), "{slo}\n{text}{all:?}"),
            Some(best) => assert!(
                of(best) == Some(Verdict::Enough) && of(best - 1.0) != Some(Verdict::Enough),
                "{slo}\n{text}{all:?}"
            ),
            None => assert_ne!(all[MOST as usize - 1], Verdict::Enough, "{slo}\n{text}{all:?}"),
        }
        thresholds += u32::from(is_threshold);
        if let Some(best) = searched.best.filter(|best| *best > 1.0) {
            // One pod fewer was tried, and what came of it is what trying it alone gives.
            assert_eq!((searched.next, of(best - 1.0)), (Some(Verdict::NotEnough), searched.next), "{slo}\n{text}");
            assert!(searched.tried.iter().any(|t| t.at == best - 1.0));
            found += 1;
        }
        if let (Some(best), Some(broken)) = (searched.best, searched.broken_by) {
            assert_eq!((broken, of(broken)), (best + 1.0, Some(Verdict::NotEnough)));
        }
        let decided = searched.tried.iter().filter(|t| t.verdict != Verdict::Probed);
        assert!(decided.clone().all(|t| of(t.at) == Some(t.verdict)), "{slo}\n{text}{all:?}");
    }
    assert!(thresholds >= 25 && found >= 15, "of 50 cases {thresholds} have a threshold, {found} an answer above 1");
}

/// Each number of pods is judged by the runs with the seeds 1, 2, … and the test that the rule says, over the same cases.
#[test]
fn a_number_of_pods_is_judged_by_the_rule_and_its_seeds() {
    let rules = [rule(0.5, 0.75, 0.8), rule(0.5, 0.75, 0.95), rule(0.7, 0.925, 0.9)];
    let mut undone = 0;
    for seed in 1..=12 {
        let (text, slo) = small_case(seed);
        let rule = rules[seed as usize % rules.len()];
        let report = report(&text, &question(&slo, (1, 8), rule), &as_it_is());
        let tried = &report.candidates[0].steady.as_ref().expect("an answer").tried;
        for trial in tried.iter().filter(|t| t.verdict != Verdict::Probed) {
            let sets = [format!("servers.s.replicas={}", trial.at), format!("expect=[\"{slo}\", \"{IMPLIED}\"]")];
            let loaded = Document::embedded("test.yaml", &text, &[]).load(&sets).expect("a scenario");
            let error = 1.0 - rule.confidence;
            let mut test = Sprt::new(rule.share, rule.surely, error, error).expect("a test");
            for seed in 1..=rule.max_runs {
                let outcome = experiment::run(&loaded, seed, false, None).expect("runs");
                if test.add(outcome.summary.expectations.iter().all(|e| e.met)) != Decision::Continue {
                    break;
                }
            }
            let verdict = match test.decision() {
                Decision::AcceptHigh => Verdict::Enough,
                Decision::AcceptLow => Verdict::NotEnough,
                Decision::Continue => Verdict::Undecided,
            };
            assert_eq!((trial.verdict, trial.runs, trial.met), (verdict, test.trials(), test.successes()), "{text}");
            undone += u64::from((1..trial.runs).contains(&trial.met));
        }
    }
    // Runs differ, so that it matters which were made.
    assert!(undone >= 5, "{undone}");
}

/// Nothing dials while nothing happens, and pods that are replaced have their connections dialled again.
#[test]
fn what_happens_only_through_an_event_binds_there() {
    let rollout = |rule| Question { event: Some(Event::Rollout), ..question("reconnects_per_s == 0", (1, 3), rule) };
    let text = crate::desk::SMALL.replace("duration: 5s", "duration: 1m");
    let report = report(&text, &rollout(rule(0.7, 0.925, 0.9)), &as_it_is());
    let best = |answer: &Option<Answer>| answer.as_ref().expect("an answer").best;
    assert_eq!((best(&report.candidates[0].steady), best(&report.candidates[0].through)), (Some(1.0), None));
}

const REPETITIONS: u64 = 20_000;

/// In how many repetitions of the default test of `plan` a coin gets this answer; repetition i has the seed i, from 1. A test that is not
/// decided after the most runs has no answer.
fn answers(probability: f64, wanted: Decision) -> u64 {
    let one = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut test = Sprt::new(0.9, 0.975, 0.05, 0.05).expect("a test");
        (0..200).find_map(|_| {
            let heads = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            Some(test.add(heads < probability)).filter(|d| *d != Decision::Continue)
        }) == Some(wanted)
    };
    (1..=REPETITIONS).filter(|seed| one(*seed)).count() as u64
}

/// The chance of so many errors or more if each has the probability that is promised at most.
fn at_most(errors: u64, promised: f64) -> f64 {
    let law = Binomial::new(promised, REPETITIONS).expect("a law");
    if errors == 0 { 1.0 } else { law.sf(errors - 1) }
}

#[test]
fn both_answers_are_wrong_as_rarely_as_they_say() {
    let mut family = Family::named("plan: errors of the sequential test");
    family.add("enough at p0", at_most(answers(0.9, Decision::AcceptHigh), 0.05));
    family.add("not enough at p1", at_most(answers(0.975, Decision::AcceptLow), 0.05));
    family.assert_holds();
}

/// Negative control: inside the indifference zone either answer is given more often than that.
#[test]
fn too_many_errors_are_noticed() {
    let mut family = Family::named("plan: errors of the sequential test");
    family.add("enough above p0", at_most(answers(0.93, Decision::AcceptHigh), 0.05));
    family.add("not enough below p1", at_most(answers(0.95, Decision::AcceptLow), 0.05));
    family.assert_rejected();
}

const PLAN: &[&str] =
    &["plan", "small.yaml", "--slo", "max_utilization <= 10%", "--slo", "requests.failed == 0", "--share", "70%"];
const ROLLOUT: &[&str] =
    &["--set", "servers.0.service_time=10ms", "--set", "duration=20s", "--through", "rollout", "--pods", "1..40"];

#[test]
fn the_report_agrees_with_itself_and_with_any_number_of_threads() {
    let desk = Desk::new();
    let said = desk.run(&[PLAN, ROLLOUT, &["--threads", "1"]].concat(), 0);
    desk.run(&[PLAN, ROLLOUT, &["--threads", "3", "--out", "other", "-q"]].concat(), 0);
    for file in ["plan.json", "plan.md", "plan.svg"] {
        let bytes = |folder: &str| std::fs::read(desk.path(folder).join(file)).unwrap();
        assert_eq!(bytes("outputs/plan"), bytes("other"), "{file}");
    }
    let report: PlanReport = serde_json::from_value(desk.json("other/plan.json")).unwrap();
    assert!(matches!(report.searched, Searched::Pods { lo: 1, hi: 40 }));
    assert_eq!(report.through.as_deref(), Some("a rollout of s"));
    let even = report.even.as_ref().expect("even load is possible");
    for candidate in report.candidates.iter().chain([even]) {
        for (answer, even) in [(&candidate.steady, &even.steady), (&candidate.through, &even.through)] {
            let (answer, even) = (answer.as_ref().unwrap(), even.as_ref().unwrap());
            let enough = answer.tried.iter().filter(|t| t.verdict == Verdict::Enough);
            let Some(best) = answer.best else { continue };
            assert!(enough.clone().any(|t| t.at == best) && !enough.clone().any(|t| t.at == best - 1.0));
            let fewer = answer.tried.iter().find(|t| t.at == best - 1.0);
            assert_eq!(answer.next, fewer.map(|t| t.verdict));
            assert_eq!(answer.binds, fewer.and_then(|t| t.missed.first().cloned()));
            if candidate.name != even.best.map_or("", |_| "even load") {
                assert_eq!(answer.tax, even.best.map(|even| best - even));
            }
        }
    }
    let cheapest = report.cheapest.as_deref().expect("one is the cheapest");
    let through = |c: &Candidate| c.through.as_ref().and_then(|answer| answer.best);
    let chosen = report.candidates.iter().find(|c| c.name == cheapest).and_then(through);
    let all: Vec<f64> = report.candidates.iter().filter_map(through).collect();
    assert!(all.iter().any(|best| Some(*best) != chosen) && all.iter().all(|best| Some(*best) >= chosen), "{all:?}");
    assert!(said.out.contains(&format!("\ncheapest: {cheapest}")), "{}", said.out);
    assert_ne!(said.out.contains("left out"), report.left_out.is_empty());
    let markdown = desk.run(&[PLAN, ROLLOUT, &["--format", "markdown"]].concat(), 0);
    assert!(
        markdown.out.starts_with("## small: fewest pods of s\n") && markdown.out.contains("| candidate | steady |")
    );
}

/// One client with one connection: all load is on one pod, and more pods do not help.
#[test]
fn what_no_number_of_pods_cures_is_said() {
    let desk = Desk::new();
    let one = ["--set", "clients.0.replicas=1", "--set", "servers.0.service_time=30ms", "--pods", "1..6"];
    let vary = ["--vary", "clients.0.discovery=dns,{ watch: {} }", "--set", "clients.0.policy=round_robin"];
    let said = desk.run(&[PLAN, &one, &vary].concat(), 0);
    let report: PlanReport = serde_json::from_value(desk.json("outputs/plan/plan.json")).unwrap();
    let best = |i: usize| report.candidates[i].steady.as_ref().unwrap().best;
    // 3 of 8 slots in use on the one pod; over all pods, a tenth of a pod's slots from the fourth on.
    assert_eq!((best(0), report.cheapest.as_deref()), (None, Some("discovery={ watch: {} }")), "{}", said.out);
    assert!((4.0..=6.0).contains(&best(1).unwrap()), "{}", said.out);
    assert!(said.out.contains("> 6") && said.out.contains("max_utilization <= 10% is missed in"), "{}", said.out);
    let none = desk.run(&[PLAN, &one, &["--vary", "clients.0.channels=1"]].concat(), 1);
    assert!(none.err.contains("no candidate meets the objectives"), "{}", none.err);
}

/// The load that pods carry is proportional to what an objective of utilization allows.
#[test]
fn the_highest_load_is_found_to_the_stated_precision() {
    let desk = Desk::new();
    let load = ["--load", "--precision", "5%", "--set", "servers.0.service_time=10ms", "--set", "duration=20s"];
    desk.run(&[PLAN, &load, &["--vary", "clients.0.replicas=4,20"]].concat(), 0);
    let report: PlanReport = serde_json::from_value(desk.json("outputs/plan/plan.json")).unwrap();
    assert!(matches!(report.searched, Searched::Load { pods: 3, rate: 100.0, .. }));
    // 100/s use 1 of 24 slots; a tenth of them, evenly, would be 240/s, and the busiest pod has somewhat more than its part.
    let even = report.even.as_ref().unwrap().steady.as_ref().unwrap().best.unwrap();
    assert!((1.9..2.4).contains(&even), "{even}");
    for candidate in &report.candidates {
        let answer = candidate.steady.as_ref().unwrap();
        let best = answer.best.unwrap();
        assert!(answer.tried.iter().any(|t| t.verdict != Verdict::Enough && t.at > best && t.at < best * 1.051));
        assert_eq!(answer.tax, Some(1.0 - best / even));
        assert!(best < even);
    }
}

#[test]
fn a_setting_and_what_it_trades() {
    let desk = Desk::new();
    let small =
        ["plan", "small.yaml", "--through", "scale_up", "--set", "service.type=Headless", "--set", "duration=5m"];
    let knob =
        ["--set", "clients.0.policy=round_robin", "--knob", "max_connection_age=4s,8s,16s,32s,64s,128s", "--runs", "3"];
    let said = desk.run(&[&small[..], &knob].concat(), 0);
    let curve: TradeOff = serde_json::from_value(desk.json("outputs/plan/plan.json")).unwrap();
    assert_eq!(curve.knob.path, "servers.s.grpc.max_connection_age");
    let reconnects: Vec<f64> = curve.points.iter().map(|p| p.reconnects_per_s).collect();
    assert!(reconnects.windows(2).all(|pair| pair[0] > 1.5 * pair[1]), "{reconnects:?}");
    // A DNS answer is asked for 30 s apart at the least, whatever the age: the scale's time to balance falls no further below 64 s.
    let times: Vec<f64> = curve.points.iter().map(|p| p.time_to_balance_s.expect("it balances")).collect();
    assert!(times[..5].iter().all(|t| t / times[0] < 1.2) && times[5] / times[0] > 1.5, "{times:?}");
    assert_eq!(curve.knee, Some(4), "{}", said.out);
    assert_eq!(said.out.contains("← knee"), curve.knee.is_some(), "{}", said.out);
    for (args, says) in [
        (&["--knob", "age"][..], "is not a short name (max_connection_age, connection_lifetime, channels)"),
        (&["--knob", "clients.0.nothing=1,2"], "`nothing`"),
        (&["--knob", "channels=1..4"], "how many values"),
        (&["--knob", "channels", "--load"], "cannot be used with"),
        (&["--knob", "channels", "--slo", "idle_pods == 0"], "cannot be used with"),
    ] {
        let said = desk.run(&[&["plan", "small.yaml"], args].concat(), 2);
        assert!(said.err.contains(says), "{args:?} should say {says:?}: {}", said.err);
    }
    let said = desk.run(&["plan", "small.yaml", "--knob", "channels"], 2);
    assert!(said.err.contains("the scenario has no change"), "{}", said.err);
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let desk = Desk::new();
    let slo = ["--slo", "max_utilization <= 10%"];
    for (args, says) in [
        (&[][..], "there is no objective"),
        (&["--slo", "latency.p9 <= 3ms"], "did you mean `latency"),
        (&["--slo", "latency.p99 <= 3"], "has no unit"),
        (&["--slo", "requests.failed == 0 for 10s after rollout"], "the timeline has no `rollout`"),
        (&[slo[0], slo[1], "--server", "x"], "no server `x`; there is: s"),
        (&[slo[0], slo[1], "--pods", "5..2"], "write LO..HI"),
        (&[slo[0], slo[1], "--pods", "0..2"], "write LO..HI"),
        (&[slo[0], slo[1], "--share", "1"], "between 0 and 1"),
        (&[slo[0], slo[1], "--confidence", "nan"], "between 0 and 1"),
        (&[slo[0], slo[1], "--precision", "1%"], "--load"),
        (&[slo[0], slo[1], "--through", "flood"], "possible values"),
        (&[slo[0], slo[1], "--vary", "servers.0.replicas"], "no `=`"),
        (&[slo[0], slo[1], "--vary", "clients.0.policy=sideways"], "--vary:1:18"),
        (
            &[slo[0], slo[1], "--load", "--set", "clients.0.load={ closed: { concurrency: 4 } }"],
            "what the servers make it",
        ),
        (
            &[slo[0], slo[1], "--through", "scale_up", "--set", "clients.0.load={ closed: { concurrency: 4 } }"],
            "constant rate",
        ),
    ] {
        let said = desk.run(&[&["plan", "small.yaml"], args].concat(), 2);
        assert!(said.err.contains(says), "{args:?} should say {says:?}: {}", said.err);
        assert!(!desk.path("outputs").exists(), "{args:?}");
    }
}
