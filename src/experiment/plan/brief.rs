//! Shorter scenes: a run only as long as its figures need.
//!
//! Where nothing changes a run is cut when a pod that is full has served [`CALLS`] calls. Where something does, the calm before and after it is
//! cut, and what is left of it counts as often as there was of it ([`Calm`]). Only objectives that are means, ratios or quantiles over
//! the run keep their meaning so; with others, and with loads that are not constant, scenes stay as long as they are.

use super::scene::Scene;
use crate::experiment::run::run;
use crate::model::{Calm, Client, Expectation, Load, Model, Protocol, Server, What, When};
use crate::scenario::Loaded;
use crate::units::{Span, Time};

/// The standard error of a utilization over this many calls is 1.4 %, if calls come at random and their service times are exponential:
/// `√(2/n)`.
const CALLS: f64 = 10_000.0;
/// A shorter scene is at least so long, since queues remember.
const LEAST: Span = Span::from_secs(20);
/// A shorter scene leaves out how the first calls find their connections: in the whole scene they hardly count.
const FIRST_CALLS: Span = Span::from_secs(2);
/// How much of the calm before and after a change is simulated.
const OF_CALM: Span = Span::from_secs(15);
/// Once the last pod is Ready, queues empty and resolvers ask again meanwhile; they do so every 30 s.
const AFTERMATH: Span = Span::from_secs(30);
/// Connections that end of themselves are dealt again: this many times at least.
const DEALS: u64 = 3;
/// Width of the windows that a shorter scene is weighed in.
const WINDOW: Span = Span::from_secs(5);
/// Calls of the run that only finds out when everything has settled.
const SCOUTS: f64 = 2_000.0;

/// Makes the run shorter, if a shorter one says as much.
pub(super) fn shorten(loaded: &mut Loaded, scene: Scene, seed: u64) {
    let model = &loaded.model;
    let Some(whole) = model.duration else { return };
    let hpa = model.deployments().any(|d| d.hpa.is_some());
    if hpa || !model.clients.iter().all(|c| matches!(c.load, Load::Open { .. })) {
        return;
    }
    match scene {
        Scene::Steady => steady(&mut loaded.model, whole),
        Scene::Through => through(loaded, whole, seed),
    }
}

/// Calls per second at the most.
fn peak(model: &Model) -> f64 {
    let curves = model.clients.iter().filter_map(|c| c.load.rate());
    curves.map(|curve| curve.points.iter().map(|p| p.1).fold(0.0, f64::max)).sum()
}

/// The longest time after which connections are dealt again.
fn longest_deal(model: &Model) -> Span {
    let ages = model.deployments().filter_map(|d| d.grpc.max_connection_age);
    let lifetimes = model.callers().filter_map(|c: &Client| c.connection_lifetime.as_ref()).map(|l| l.max);
    ages.chain(lifetimes).max().unwrap_or(Span::ZERO)
}

fn steady(model: &mut Model, whole: Span) {
    let averages = |e: &Expectation| {
        e.when == When::WholeRun && (is_weighed(e) || e.path.first().is_some_and(|p| p == "skew") && e.path.len() == 2)
    };
    let constant = |c: &Client| c.load.rate().is_some_and(|curve| curve.points.len() == 1);
    if !model.expect.iter().all(averages) || !model.clients.iter().all(constant) {
        return;
    }
    let served = |s: &Server| s.service_time.mean() / (s.speed * f64::from(s.concurrency) * s.usable());
    let seconds = CALLS * model.servers.iter().map(served).fold(0.0, f64::max);
    let enough = Span::from_secs_f64(seconds.min(whole.as_secs_f64()));
    let warmup = model.warmup.max(FIRST_CALLS);
    let short = warmup + enough.max(LEAST).max(longest_deal(model) * DEALS);
    if short * 2 <= whole {
        (model.warmup, model.duration) = (warmup, Some(short));
    }
}

/// Means, ratios and quantiles, which can be taken over windows that count several times.
fn is_weighed(expectation: &Expectation) -> bool {
    ["latency_ms", "error_ratio", "max_utilization"].iter().any(|p| expectation.path.first().is_some_and(|q| p == q))
}

fn through(loaded: &mut Loaded, whole: Span, seed: u64) {
    let model = &loaded.model;
    let weighed = |e: &Expectation| e.when == When::WholeRun && is_weighed(e);
    let (Some(first), Some(last)) = (model.timeline.first(), model.timeline.last()) else { return };
    let (first, last) = (first.at, last.at);
    // The timeline does not say when the effect of these ends.
    let lasts = |what: &What| matches!(what, What::Slow(_) | What::Errors(_) | What::BlackHole(_) | What::Unready(_));
    let points = model.clients.iter().filter_map(|c| c.load.rate()).flat_map(|curve| curve.points.iter());
    let calm = |at: Time| at == Time::ZERO || at >= first;
    let fits = model.expect.iter().all(weighed) && points.clone().all(|p| calm(p.0));
    let ends = first >= Time::ZERO + model.warmup && !model.timeline.iter().any(|action| lasts(&action.what));
    if !fits || !ends {
        return;
    }
    let changed = points.map(|p| p.0).max().unwrap_or(Time::ZERO).max(last);
    let Some(settled) = settled(loaded, seed) else { return };
    let (from, to) = calm_before(model, first);
    let cut = first.since(to);
    let aftermath = AFTERMATH.max(longest_deal(model) * (DEALS - 1));
    let rest = on_grid(earlier(settled.max(changed), cut) + aftermath);
    let end = rest + OF_CALM;
    let left = earlier(Time::ZERO + whole, cut);
    if left <= end || (end.0 * 4) > whole.0 * 3 {
        return;
    }
    let before_lasts = if cut == Span::ZERO { Span::ZERO } else { first.since(Time::ZERO + model.warmup) };
    let before = if cut == Span::ZERO { Time::ZERO } else { to };
    let calm = Calm { before, before_lasts, after: rest, after_lasts: left.since(rest) };
    let model = &mut loaded.model;
    (model.warmup, model.duration, model.window) = (from.since(Time::ZERO), Some(end.since(Time::ZERO)), Some(WINDOW));
    model.timeline.iter_mut().for_each(|action| action.at = earlier(action.at, cut));
    for curve in model.clients.iter_mut().filter_map(|c| c.load.rate_mut()) {
        curve.points = curve.points.iter().map(|(at, rate)| (earlier(*at, cut), *rate)).collect();
    }
    model.expect.iter_mut().for_each(|e| e.when = When::Longer(calm));
}

/// From when on the calm before the first change is measured in a shorter run, and when the change is. What a change meets is the same as in the
/// whole run: resolvers that may ask again at once. When connections of an age will end cannot be kept so, and nothing is cut then.
fn calm_before(model: &Model, first: Time) -> (Time, Time) {
    let grpc = model.callers().filter_map(|c| if let Protocol::Grpc(grpc) = &c.protocol { Some(grpc) } else { None });
    let asked = grpc.map(|grpc| grpc.resolver.min_interval).max().unwrap_or(Span::ZERO);
    let from = on_grid(Time::ZERO + model.warmup.max(asked).max(FIRST_CALLS));
    let to = from + OF_CALM;
    if to >= first || longest_deal(model) > Span::ZERO { (Time::ZERO + model.warmup, first) } else { (from, to) }
}

/// The next beginning of a window.
fn on_grid(at: Time) -> Time {
    Time(at.0.div_ceil(WINDOW.0) * WINDOW.0)
}

fn earlier(at: Time, by: Span) -> Time {
    Time(at.0.saturating_sub(by.0))
}

/// When no pod starts or ends any more, with next to no load: the length of a rollout does not depend on the calls.
fn settled(loaded: &Loaded, seed: u64) -> Option<Time> {
    let seconds = loaded.model.duration?.as_secs_f64();
    let factor = (SCOUTS / (peak(&loaded.model) * seconds)).min(1.0);
    let mut scout = loaded.clone();
    for curve in scout.model.clients.iter_mut().filter_map(|c| c.load.rate_mut()) {
        curve.points = curve.points.iter().map(|(at, rate)| (*at, rate * factor)).collect();
    }
    let summary = run(&scout, seed, false, None).ok()?.summary;
    let last = summary.phases.last().filter(|phase| phase.settled)?;
    Some(Time::ZERO + Span::from_secs_f64(last.from_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::document::Document;

    const TEXT: &str = "name: a\nduration: 10m\nservers: [{ name: api, replicas: 4, concurrency: 2, service_time: { exponential: { mean: 10ms } }, \
                        startup: 5s, strategy: { max_surge: 0, max_unavailable: 1 } }]\nclients: [{ name: web, replicas: 12, load: { open: { rate: 100 } } }]\n";

    fn shortened(sets: &[&str], expect: &str, scene: Scene) -> (Loaded, Loaded) {
        let sets: Vec<String> =
            sets.iter().map(|set| (*set).to_owned()).chain([format!("expect=[\"{expect}\"]")]).collect();
        let whole = Document::embedded("a", TEXT, &[]).load(&sets).unwrap_or_else(|e| panic!("{e}"));
        let mut short = whole.clone();
        shorten(&mut short, scene, 1);
        (whole, short)
    }

    fn seconds(sets: &[&str], expect: &str, scene: Scene) -> f64 {
        shortened(sets, expect, scene).1.model.duration.expect("a duration").as_secs_f64()
    }

    #[test]
    fn where_nothing_happens_a_run_is_as_long_as_its_figures_need() {
        let steady = |sets: &[&str], expect| seconds(sets, expect, Scene::Steady);
        // 10,000 calls at 200 per second, and 2 s for the first calls.
        assert_eq!(steady(&[], "max_utilization <= 70%"), 52.0);
        assert_eq!(steady(&["servers.api.concurrency=40"], "latency.p99 <= 70ms"), 22.0);
        // Connections of an age of a minute are dealt three times.
        assert_eq!(steady(&["servers.api.grpc.max_connection_age=1m"], "max_over_mean <= 2"), 182.0);
        assert_eq!(steady(&["servers.api.grpc.max_connection_age=2m"], "max_over_mean <= 2"), 600.0);
        for whole in ["requests.failed <= 3", "max_over_mean <= 2 in every window", "latency.p99 <= 70ms after 5m"] {
            assert_eq!(steady(&[], whole), 600.0, "{whole}");
        }
        assert_eq!(steady(&["clients.web.load={ closed: { concurrency: 12 } }"], "latency.p99 <= 70ms"), 600.0);
        assert_eq!(steady(&["duration=1m"], "latency.p99 <= 70ms"), 60.0);
    }

    #[test]
    fn through_a_change_the_calm_is_cut() {
        let through =
            |at: &str, expect| seconds(&[&format!("timeline=[{{ at: {at}, rollout: api }}]")], expect, Scene::Through);
        let (rollout, later) = (through("2m", "error_ratio <= 1%"), through("6m", "error_ratio <= 1%"));
        assert!(rollout < 150.0 && rollout == later, "{rollout} {later}");
        // A resolver that asked at the start may ask again, and not before.
        assert!(rollout >= 30.0 + 15.0 + 20.0 + 30.0 + 15.0, "{rollout}");
        for whole in ["max_over_mean <= 2", "requests.failed <= 3", "latency.p99 <= 70ms in every window"] {
            assert_eq!(through("2m", whole), 600.0, "{whole}");
        }
        let aged = ["timeline=[{ at: 2m, rollout: api }]", "servers.api.grpc.max_connection_age=1m"];
        let (whole, short) = shortened(&aged, "error_ratio <= 1%", Scene::Through);
        assert_eq!(short.model.timeline[0].at, whole.model.timeline[0].at);
        assert!(short.model.duration < whole.model.duration);
        // It is not over at the end.
        assert_eq!(through("9m50s", "error_ratio <= 1%"), 600.0);
    }

    /// The calm that is cut counts as if it were there: means over eight seeds agree, though the rollout is four times as large a part of the shorter run.
    #[test]
    fn a_shorter_run_stands_for_the_whole_one() {
        let sets = [
            "timeline=[{ at: 2m, rollout: api }]",
            "clients.web.load.open.rate=160",
            "servers.api.termination.pre_stop=0s",
        ];
        for (expect, tolerance) in [
            ("max_utilization <= 70%", 0.05),
            ("latency.p99 <= 70ms", 0.2),
            ("latency.mean <= 70ms", 0.1),
            ("error_ratio <= 1%", 0.2),
        ] {
            let (whole, short) = shortened(&sets, expect, Scene::Through);
            assert!(short.model.duration < Some(Span::from_secs(200)), "{:?}", short.model.duration);
            let mean = |loaded: &Loaded| {
                let value = |seed| run(loaded, seed, false, None).unwrap().summary.expectations[0].value.unwrap();
                (1..=8).map(value).sum::<f64>() / 8.0
            };
            let (whole, short) = (mean(&whole), mean(&short));
            assert!((short - whole).abs() <= tolerance * whole, "{expect}: {short} for {whole}");
        }
    }
}
