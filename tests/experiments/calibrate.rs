//! `calibrate`: what a scenario's own metrics give back, and what calibrated runs say of a part that was not looked at.

use evenkeel::experiment::calibrate::{Calibration, Part, Question, Readings, calibrate, read};
use evenkeel::observe::scrape::Scraper;
use evenkeel::observe::{self, ConnectionSink, RecorderOptions};
use evenkeel::output::openmetrics;
use evenkeel::scenario::document::Document;
use evenkeel::units::Span;
use rayon::prelude::*;

use std::io::{Read, Write};
use std::net::TcpListener;

use super::desk::Desk;

const LOGNORMAL: &str = "{ lognormal: { median: 4ms, sigma: 0.7 } }";
const EXPONENTIAL: &str = "{ exponential: { mean: 6ms } }";

/// A Service and a policy of its clients.
const PINNED: [&str; 2] = ["ClusterIP", "pick_first"];
const EVEN: [&str; 2] = ["Headless", "round_robin"];

fn scenario(duration: &str, law: &str, rate: u32, [service, policy]: [&str; 2]) -> Document {
    let text = format!(
        "name: c
duration: {duration}
service: {{ type: {service} }}
servers:
  - {{ name: api, replicas: 4, concurrency: 16, service_time: {law}, cpu: {{ share: 30%, cores: 8 }} }}
clients:
  - {{ name: web, replicas: 8, policy: {policy}, load: {{ open: {{ rate: {rate} }} }} }}
timeline: [{{ at: 61s, rollout: api }}]
"
    );
    Document::embedded("c.yaml", &text, &[])
}

/// `metrics.om` of a run with a seed, read back.
fn exported(document: &Document, seed: u64) -> Readings {
    let model = document.load(&[]).unwrap().model;
    let mut scraper = Scraper::new(&model, Span::from_secs(15));
    let options =
        RecorderOptions { scenario_hash: String::new(), summary_only: true, connections: ConnectionSink::Discard };
    observe::run_beside(&model, seed, options, &mut scraper, None).unwrap();
    let mut text = Vec::new();
    openmetrics::write(&scraper.finish().unwrap(), &model, 1_767_225_600_000, &mut text).unwrap();
    Readings::new(&read("metrics", &String::from_utf8(text).unwrap()).unwrap()).unwrap()
}

/// Calibrates a scenario with wrong numbers on the first minute, in which nothing happens; the second one begins with a rollout.
fn calibrated(service: [&str; 2], readings: &Readings, predict: bool) -> Calibration {
    let document = &scenario("2m", "2ms", 50, service);
    let fit = Part { from: 0.0, to: 60.0 };
    let predict = predict.then_some(Part { from: 60.0, to: 120.0 });
    calibrate(Question { document, readings, fit, predict, runs: 40 }, None).unwrap()
}

/// 99 % intervals of the rate and of two quantiles, and of the part that is CPU time, over seeds 1 to 100 of each law: at least 95 hold the
/// truth. With exact intervals fewer than that have a chance of 0.053 %, and of eight figures 0.4 %.
#[test]
fn a_scenarios_own_metrics_give_its_numbers_back() {
    let quantiles_ms = |law| match law {
        LOGNORMAL => [4.0, 4.0 * (0.7f64 * 2.326_347_874_040_841).exp()],
        _ => [6.0 * 2f64.ln(), 6.0 * 100f64.ln()],
    };
    for law in [LOGNORMAL, EXPONENTIAL] {
        let document = scenario("62s", law, 200, EVEN);
        let holds = |seed: u64| {
            let found = calibrated(EVEN, &exported(&document, seed), false);
            let figures: Vec<_> = found.estimates.iter().flat_map(|e| &e.figures).collect();
            let names: Vec<&str> = figures.iter().map(|f| f.name).collect();
            assert_eq!(names, ["rate", "p50", "p99", "share"], "{law} {seed}: {:?}", found.untold);
            let [p50, p99] = quantiles_ms(law);
            [200.0, p50, p99, 30.0]
                .into_iter()
                .zip(figures)
                .map(|(truth, f)| (f.from..=f.to).contains(&truth))
                .collect()
        };
        let all: Vec<Vec<bool>> = (1..=100u64).into_par_iter().map(holds).collect();
        for (i, name) in ["rate", "p50", "p99", "share"].iter().enumerate() {
            let held = all.iter().filter(|held| held[i]).count();
            assert!(held >= 95, "{law}, {name}: {held} of 100");
        }
    }
}

/// A prediction across a rollout, over seeds 1 to 20: p-values below 5 % are rare where the scenario is right (more than 5 of 20 have a chance of
/// 0.03 % for each figure if p is uniform), and the rule where it is wrong.
#[test]
fn predictions_across_a_rollout_are_as_uncertain_as_they_say() {
    const FIGURES: [&str; 4] = ["calls", "p50 in the pods", "p99 in the pods", "share of the busiest pod"];
    let document = scenario("2m", LOGNORMAL, 100, PINNED);
    let predicted = |service: [&str; 2]| -> Vec<Vec<f64>> {
        let p = |seed: u64| {
            let prediction = calibrated(service, &exported(&document, seed), true).prediction.unwrap();
            let of = |figure: &&str| prediction.figures.iter().find(|f| f.name == **figure).unwrap().p;
            FIGURES.iter().map(of).collect()
        };
        (1..=20u64).into_par_iter().map(p).collect()
    };
    let low = |all: &[Vec<f64>], i: usize, below: f64| all.iter().filter(|p| p[i] < below).count();
    let right = predicted(PINNED);
    for (i, figure) in FIGURES.iter().enumerate() {
        assert!(low(&right, i, 0.05) <= 5, "{figure}: {right:?}");
    }
    // With round_robin the shares would be even.
    let wrong = predicted(EVEN);
    assert!(low(&wrong, 3, 0.1) >= 18, "{wrong:?}");
}

/// What a Prometheus server would answer about Linkerd's proxies: 200 calls of a pod in 5 s.
const ANSWER: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
{"metric":{"__name__":"response_latency_ms_bucket","pod":"a","le":"1"},"values":[[100,"0"],[105,"100"]]},
{"metric":{"__name__":"response_latency_ms_bucket","pod":"a","le":"2"},"values":[[100,"0"],[105,"180"]]},
{"metric":{"__name__":"response_latency_ms_bucket","pod":"a","le":"+Inf"},"values":[[100,"0"],[105,"200"]]},
{"metric":{"__name__":"response_latency_ms_sum","pod":"a"},"values":[[100,"0"],[105,"250"]]}]}}"#;
const NOTHING: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

/// Answers so many requests, and returns their first lines.
fn server(listener: TcpListener, requests: usize) -> Vec<String> {
    let answered = listener.incoming().take(requests).map(|stream| {
        let mut stream = stream.unwrap();
        let mut head = [0; 8_192];
        let n = stream.read(&mut head).unwrap();
        let line = String::from_utf8_lossy(&head[..n]).lines().next().unwrap_or_default().to_owned();
        let body = if line.contains("response_latency_ms") { ANSWER } else { NOTHING };
        let length = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        line
    });
    answered.collect()
}

#[test]
fn a_server_is_asked_for_a_range_of_what_matches() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answers = std::thread::spawn(move || server(listener, 6));
    let range = ["--start", "100", "--end", "1970-01-01T00:01:45Z", "--step", "5s", "--match", "job=\"api\""];
    let said = desk.run(&[&["calibrate", "small.yaml", "--prometheus", &url][..], &range].concat(), 0).out;
    assert!(said.starts_with("small: 200 calls at 1 pod,"), "{said}");
    assert!(said.contains("clients.c.load.open.rate=40 "), "{said}");
    let asked = answers.join().unwrap();
    assert!(asked.iter().all(|line| line.starts_with("GET /api/v1/query_range?")), "{asked:?}");
    assert!(asked.iter().all(|line| line.contains("start=100") && line.contains("end=105") && line.contains("step=5")));
    assert!(asked.iter().all(|line| line.contains("job%3D%22api%22")), "{asked:?}");
    // What it wrote is a scenario.
    let calibrated = ["run", "outputs/calibrate/calibrated.yaml", "--no-png", "--quiet"];
    desk.run(&calibrated, 0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let desk = Desk::new();
    let put = |name: &str, text: &str| std::fs::write(desk.path(name), text).unwrap();
    put("answer.json", ANSWER);
    put("broken.json", "{\"status\":\n oops");
    put(
        "two.yaml",
        "name: two\nduration: 5s\nservers: [{ name: a }, { name: b }]\nclients: [{ name: c, load: { open: { rate: 1 } } }]\n",
    );
    std::fs::create_dir(desk.path("empty")).unwrap();
    for (args, says) in [
        (&["small.yaml"][..], "--from"),
        (&["small.yaml", "--from", "nowhere.json"], "cannot read"),
        (&["small.yaml", "--from", "broken.json"], "line 2, column 2"),
        (&["small.yaml", "--from", "small.yaml"], "columns time and value"),
        (&["small.yaml", "--from", "empty"], "no files .json, .om or .csv"),
        (&["small.yaml", "--from", "answer.json", "--fit", "3s..2s"], "ends before it begins"),
        (&["small.yaml", "--from", "answer.json", "--fit", "1s..2s"], "at least 100 are needed"),
        (&["small.yaml", "--from", "answer.json", "--fit", "0s..5s", "--predict", "5s..9s"], "add `--set duration=9s`"),
        (&["two.yaml", "--from", "answer.json"], "has 2 servers"),
        (&["small.yaml", "--from", "answer.json", "--runs", "30"], "--predict"),
        (&["small.yaml", "--from", "answer.json", "--prometheus", "http://x"], "cannot be used with"),
        (&["small.yaml", "--prometheus", "https://x", "--start", "1", "--end", "2"], "begins with http://"),
        (&["small.yaml", "--prometheus", "http://x"], "--start"),
        (&["small.yaml", "--prometheus", "http://x", "--start", "2", "--end", "1"], "later than --start"),
    ] {
        let said = desk.run(&[&["calibrate"][..], args].concat(), 2).err;
        assert!(said.contains(says), "{args:?}: {said}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    let asks = ["calibrate", "small.yaml", "--prometheus", &url, "--start", "1", "--end", "2"];
    assert!(desk.run(&asks, 3).err.contains("cannot ask"));
}
