//! `evenkeel plan` gives no advice that fails calls, and none that depends on what has nothing to do with it; and it says what it costs.

use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel::experiment::plan::{
    Answer, Candidate, Cure, Event, IMPLIED, PlanReport, Planner, Question, Rule, Search, Verdict,
};
use evenkeel::output::{Style, plan};
use evenkeel::scenario::document::Document;

use crate::desk::Desk;

/// A few runs are enough for each answer: whoever fails calls here fails most of them.
const QUICK: Rule = Rule { share: 0.5, surely: 0.875, confidence: 0.7, max_runs: 60, seed: 1 };

fn question(slos: &[&str], event: Option<Event>, (lo, hi): (u32, u32)) -> Question {
    let slos = slos.iter().map(|slo| (*slo).to_owned()).collect();
    Question { slos, server: None, event, search: Search::Pods { lo, hi }, rule: QUICK, exact: false }
}

fn planned(planner: &Planner<'_>, cures: &[Cure]) -> PlanReport {
    planner.plan(cures, Vec::new(), None, &|_, _| ()).unwrap_or_else(|error| panic!("{error}"))
}

fn of<'a>(report: &'a PlanReport, name: &str) -> &'a Candidate {
    report.candidates.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no candidate {name}"))
}

fn through(candidate: &Candidate) -> &Answer {
    candidate.through.as_ref().expect("an answer")
}

/// A rollout of three pods that start within 2 s and end at once: all are replaced before a resolver asks again. Who watches the endpoints,
/// or whose proxy does, loses next to no call; who asks DNS loses more than half of them, with any number of pods.
#[test]
fn what_fails_calls_that_others_do_not_is_never_the_cheapest() {
    let sets = ["duration=1m", "servers.s.startup=2s", "servers.s.termination.pre_stop=0s"].map(str::to_owned);
    let text = std::fs::read_to_string("scenarios/solutions/clusterip.yaml").expect("a shipped scenario");
    let document = Document::embedded("clusterip", &text, &sets);
    let plan_of = |slos: &[&str]| {
        let planner = Planner::new(&document, &question(slos, Some(Event::Rollout), (1, 20))).unwrap();
        let mut cures = planner.usual();
        cures.retain(|cure| {
            ["headless, round_robin", "xDS, round_robin", "istio", "linkerd"].contains(&cure.name.as_str())
        });
        planned(&planner, &cures)
    };
    let report = plan_of(&["max_utilization <= 70%"]);
    assert!(report.implied && report.slos == ["max_utilization <= 70%", IMPLIED], "{:?}", report.slos);
    let headless = through(of(&report, "headless, round_robin"));
    assert_eq!((headless.best, headless.binds.as_ref().map(|b| b.slo.as_str())), (None, Some(IMPLIED)));
    assert!(headless.error_ratio > Some(0.4) && headless.at_bound, "{headless:#?}");
    for name in ["xDS, round_robin", "istio", "linkerd"] {
        let answer = through(of(&report, name));
        assert!(answer.best == Some(3.0) && answer.error_ratio <= Some(0.001), "{name}: {answer:#?}");
    }
    assert!(report.cheapest.is_some() && report.cheapest.as_deref() != Some("headless, round_robin"));
    let said = plan::render(&report, &Style::default());
    assert!(said.contains("error_ratio <= 0.1% is added"), "{said}");
    assert!(said.contains("headless, round_robin, through: error_ratio <= 0.1% is missed in"), "{said}");
    assert!(said.contains("of the calls fail"), "{said}");
    // Who says what may fail is taken at his word.
    let own = plan_of(&["max_utilization <= 70%", "error_ratio <= 70%"]);
    assert!(!own.implied && own.slos.len() == 2);
    assert_eq!(through(of(&own, "headless, round_robin")).best, Some(3.0));
}

const SMALL: &str = "name: small\nduration: 5s\nservers: [{ name: s, replicas: 3, concurrency: 2, service_time: 10ms }]\n\
                     clients: [{ name: c, replicas: 6, load: { open: { rate: 200 } } }]\n";

/// Even load is what it is, whoever calls, and a proxy balances in place of the stack beside it.
#[test]
fn the_baseline_and_the_proxies_do_not_depend_on_the_stack() {
    let asked = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let document = Document::embedded("small", SMALL, &sets);
        let planner = Planner::new(&document, &question(&["max_utilization <= 70%"], None, (1, 4))).unwrap();
        let (accepted, left_out) = planner.accepted(planner.usual());
        let even = planned(&planner, &[]).even.unwrap_or_else(|| panic!("{sets:?}"));
        let names: Vec<String> = accepted.into_iter().map(|cure| cure.name).collect();
        assert!(names.contains(&"istio".to_owned()) && names.contains(&"linkerd".to_owned()), "{sets:?}: {left_out:?}");
        (even.steady, names)
    };
    let plain = asked(&[]);
    let pings = "clients.c.keepalive={ time: 30s, timeout: 10s }";
    for sets in [
        &["clients.c.stack=go"][..],
        &["clients.c.stack=c_core"],
        &["clients.c.stack=java"],
        &["clients.c.stack=node"],
        &["clients.c.stack=tonic"],
        &["clients.c.stack=tonic", "clients.c.backoff={ per_call: true }"],
        &["clients.c.stack=java", "servers.s.stack=c_core", pings],
        &[
            "clients.c.stack=go",
            "service.type=Headless",
            "clients.c.policy={ ring_hash: {} }",
            "clients.c.keys={ count: 20 }",
        ],
    ] {
        let (even, names) = asked(sets);
        assert_eq!(even, plain.0, "{sets:?}");
        // tonic has no round_robin, and says so.
        if !sets.contains(&"clients.c.stack=tonic") {
            assert!(names.contains(&"xDS, round_robin".to_owned()), "{sets:?}");
        }
    }
}

#[test]
fn runs_are_foretold_and_counted() {
    let document = Document::embedded("small", SMALL, &[]);
    let planner = Planner::new(&document, &question(&["max_utilization <= 60%"], None, (1, 9))).unwrap();
    let (cures, _) = planner.accepted(planner.usual());
    let (last, most) = (AtomicU64::new(0), AtomicU64::new(0));
    let told = |made: u64, of: u64| {
        assert!(made <= of, "{made} of {of}");
        last.fetch_max(made, Ordering::Relaxed);
        most.fetch_max(of, Ordering::Relaxed);
    };
    let report = planner.plan(&cures, Vec::new(), None, &told).unwrap();
    let forecast = planner.forecast(cures.len());
    assert_eq!(forecast.answers, cures.len() as u64 + 1);
    assert!(report.runs <= forecast.runs && forecast.runs <= forecast.most, "{} {forecast:?}", report.runs);
    assert_eq!(last.into_inner(), report.runs);
    let counted = |answer: &Answer| answer.tried.iter().map(|t| t.runs).sum::<u64>();
    let answers = report.candidates.iter().chain(&report.even).filter_map(|c| c.steady.as_ref());
    // What a batch has beyond a decision is made, and is not counted.
    assert!(answers.map(counted).sum::<u64>() <= report.runs);
}

/// One client with one connection that is too busy for a pod: three numbers show it, and the last one.
#[test]
fn what_more_pods_do_not_cure_is_given_up_soon() {
    let one = ["clients.c.replicas=1", "servers.s.service_time=20ms"].map(str::to_owned);
    let document = Document::embedded("small", SMALL, &one);
    let planner = Planner::new(&document, &question(&["max_utilization <= 70%"], None, (1, 200))).unwrap();
    let report = planned(&planner, &[Cure { name: "as it is".into(), sets: Vec::new() }]);
    let answer = report.candidates[0].steady.as_ref().expect("an answer");
    let tried: Vec<f64> = answer.tried.iter().map(|t| t.at).collect();
    assert!(answer.best.is_none() && tried.len() == 4 && tried[3] == 200.0, "{tried:?}");
}

/// An answer that is as far as the search may go is said to be one.
#[test]
fn answers_at_a_bound_are_said() {
    let document = Document::embedded("small", SMALL, &[]);
    let said = |bounds| {
        let planner = Planner::new(&document, &question(&["max_utilization <= 95%"], None, bounds)).unwrap();
        plan::render(&planned(&planner, &[]), &Style::default())
    };
    let (two, least, most) = (said((1, 9)), said((3, 9)), said((1, 2)));
    assert!(!two.contains("--pods"), "{two}");
    assert!(least.contains("even load: 3 is the fewest that --pods allows: fewer may be enough"), "{least}");
    assert!(most.contains("even load: 2 is the most that --pods allows"), "{most}");
}

/// Shorter scenes and coarser steps give the answers of whole ones to a pod.
#[test]
fn answers_of_shorter_scenes_are_those_of_whole_ones_to_a_pod() {
    let text = SMALL.replace("duration: 5s", "duration: 150s");
    let document = Document::embedded("small", &text, &[]);
    let asked = |slo: &str, event, exact| {
        let question = Question { exact, ..question(&[slo], event, (1, 20)) };
        let planner = Planner::new(&document, &question).unwrap();
        let mut cures = planner.usual();
        cures.retain(|cure| ["as it is", "headless, round_robin"].contains(&cure.name.as_str()));
        planned(&planner, &cures)
    };
    let mut compared = 0;
    for (slo, event) in [
        ("max_utilization <= 70%", None),
        ("latency.p99 <= 40ms", None),
        ("max_utilization <= 80%", Some(Event::Rollout)),
    ] {
        let (short, whole) = (asked(slo, event, false), asked(slo, event, true));
        for (short, whole) in short.candidates.iter().chain(&short.even).zip(whole.candidates.iter().chain(&whole.even))
        {
            for (short, whole) in [(&short.steady, &whole.steady), (&short.through, &whole.through)] {
                let (Some(short), Some(whole)) = (short, whole) else { continue };
                // A scene in which no number is enough has none in either.
                let bound = 21.0;
                let (a, b) = (short.best.unwrap_or(bound), whole.best.unwrap_or(bound));
                assert!((a - b).abs() <= 1.0, "{slo}: {a} for {b}\n{short:#?}\n{whole:#?}");
                compared += 1;
                assert_ne!(short.next, Some(Verdict::Probed));
            }
        }
    }
    assert_eq!(compared, 3 + 3 + 6);
}

#[test]
fn a_wrong_objective_is_told_of_its_own_option() {
    let desk = Desk::new();
    let said = desk.run(&["plan", "small.yaml", "--slo", "idle_pods == 0", "--slo", "latency.p9 <= 3ms"], 2);
    assert!(said.err.contains("--slo:1:1") && !said.err.contains("expect=["), "{}", said.err);
    let one = desk.run(&["fit", "100"], 2);
    assert!(one.err.contains("`100` has 1 pod;"), "{}", one.err);
}
