//! Prints the error table of docs/calibration.md: `cargo run --release --locked --example calibration`.
//!
//! Shipped scenarios play production: their metrics of one seed are what is measured. The same scenario with a wrong rate and a wrong service
//! time is calibrated on the time before anything happens, and predicts the rest, seeds 101 to 105.

use evenkeel::experiment::calibrate::{Part, Predicted, Question, Readings, calibrate, read};
use evenkeel::observe::scrape::Scraper;
use evenkeel::observe::{self, ConnectionSink, RecorderOptions};
use evenkeel::output::openmetrics;
use evenkeel::scenario::document::Document;
use evenkeel::shipped;
use evenkeel::units::Span;

type Error = Box<dyn std::error::Error>;

const RUNS: u64 = 100;

fn main() -> Result<(), Error> {
    println!(
        "| scenario | predicted | busiest pod, points | p99, % | calls/s, % | inside 90 % |\n|---|---|---|---|---|---|"
    );
    for (name, fit_s, part) in [
        ("blog/rolling-restart", 120.0, Part { from: 240.0, to: 480.0 }),
        ("blog/max-connection-age", 120.0, Part { from: 240.0, to: 480.0 }),
        ("blog/rolling-restart-headless", 120.0, Part { from: 240.0, to: 300.0 }),
        ("solutions/headless", 120.0, Part { from: 240.0, to: 720.0 }),
        ("solutions/istio", 120.0, Part { from: 240.0, to: 720.0 }),
    ] {
        row(name, Part { from: 0.0, to: fit_s }, part)?;
    }
    Ok(())
}

fn row(name: &str, fit: Part, predict: Part) -> Result<(), Error> {
    let scenario = shipped::find(name).pop().ok_or("no such scenario")?;
    let real = Document::embedded(scenario.name, scenario.text, &[]);
    let model = real.load(&[])?.model;
    let (server, client) = (&model.servers[0].name, &model.clients[0].name);
    let wrong = [format!("servers.{server}.service_time=5ms"), format!("clients.{client}.load.open.rate=100")];
    let guess = Document::embedded(scenario.name, scenario.text, &wrong);
    let (mut worst, mut inside, mut all) = ([0.0f64; 3], 0, 0);
    for seed in 101..=105 {
        let readings = measured(&real, seed)?;
        let question = Question { document: &guess, readings: &readings, fit, predict: Some(predict), runs: RUNS };
        let figures = calibrate(question, None)?.prediction.ok_or("no prediction")?.figures;
        let of = |name: &str| figures.iter().find(|f| f.name == name).ok_or("no such figure");
        let relative = |f: &Predicted| (f.predicted / f.measured - 1.0).abs() * 100.0;
        let share = of("share of the busiest pod")?;
        let errors =
            [(share.predicted - share.measured).abs(), relative(of("p99 in the pods")?), relative(of("calls")?)];
        worst.iter_mut().zip(errors).for_each(|(worst, error)| *worst = worst.max(error));
        all += figures.len();
        inside += figures.iter().filter(|f| (f.from..=f.to).contains(&f.measured)).count();
    }
    let [share, p99, calls] = worst;
    println!(
        "| {name} | {} s to {} s | {share:.1} | {p99:.1} | {calls:.1} | {inside} of {all} |",
        predict.from, predict.to
    );
    Ok(())
}

/// What Prometheus would have read of a run.
fn measured(document: &Document, seed: u64) -> Result<Readings, Error> {
    let model = document.load(&[])?.model;
    let mut scraper = Scraper::new(&model, Span::from_secs(15));
    let options =
        RecorderOptions { scenario_hash: String::new(), summary_only: true, connections: ConnectionSink::Discard };
    observe::run_beside(&model, seed, options, &mut scraper, None)?;
    let mut text = Vec::new();
    openmetrics::write(&scraper.finish()?, &model, 0, &mut text)?;
    Ok(Readings::new(&read("metrics", &String::from_utf8(text)?)?)?)
}
