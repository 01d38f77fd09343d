//! What holds in every run, on random scenarios over the whole model. In this profile the engine also audits itself
//! (`sim::audit`) at the end of each window: streams, slots, queues, subchannels and pools add up.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel::experiment;
use evenkeel::observe::{ConnectionSink, Recorder, RecorderOptions};
use evenkeel::scenario::{self, Loaded};
use evenkeel::sim::{Options, simulate};
use evenkeel::units::Span;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use support::journal::Journal;
use support::strategies::{Scenario, scenario};
use support::watchdog::Watchdog;

/// Scenarios per property: `EVENKEEL_CASES` for a longer hunt.
fn config() -> Config {
    let from = |name, otherwise| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    Config {
        cases: from("EVENKEEL_CASES", 250) as u32,
        rng_seed: RngSeed::Fixed(from("EVENKEEL_SEED", 1)),
        max_global_rejects: 1 << 30,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    }
}

/// What the scenario means; `None` if the reader refuses it.
fn load(scenario: &Scenario) -> Option<Loaded> {
    let loaded = scenario::parse("random.yaml", &scenario.0, None, &[]);
    if std::env::var_os("EVENKEEL_REFUSED").is_some()
        && let Err(refused) = &loaded
    {
        eprintln!("{refused}");
    }
    loaded.ok()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_keeps_its_promises(scenario in scenario(), seed in 0..1_000u64) {
        let Some(Loaded { model, .. }) = load(&scenario) else { return Err(TestCaseError::reject("refused")) };
        let mut watchdog = Watchdog::new(&model);
        let window = model.window;
        // A few seconds of a few clients take far fewer events than a million.
        let looks = AtomicU32::new(0);
        let watch = |_| looks.fetch_add(1, Ordering::Relaxed) > 30;
        let end = simulate(&model, seed, Options { window, watch: Some(&watch) }, &mut watchdog);
        let end = end.map_err(|error| TestCaseError::fail(error.to_string()))?;
        watchdog.finish(end);
        prop_assert!(watchdog.broken.is_empty(), "{:#?}", watchdog.broken);
    }

    #[test]
    fn the_summary_is_what_the_journal_says(scenario in scenario(), seed in 0..1_000u64) {
        let Some(Loaded { model, .. }) = load(&scenario) else { return Err(TestCaseError::reject("refused")) };
        let window = model.window.unwrap_or(Span::from_secs(1));
        let options = RecorderOptions { connections: ConnectionSink::Keep, ..RecorderOptions::default() };
        let mut both = (Recorder::new(&model, seed, window, options), Journal::default());
        let end = simulate(&model, seed, Options { window: Some(window), watch: None }, &mut both);
        let end = end.map_err(|error| TestCaseError::fail(error.to_string()))?.at;
        let outcome = both.0.finish(end);
        both.1.check(&model, outcome.window_s, end, &outcome.summary);
    }

    #[test]
    fn the_same_seed_gives_the_same_run_and_another_one_another(scenario in scenario(), seed in 0..1_000u64) {
        let Some(loaded) = load(&scenario) else { return Err(TestCaseError::reject("refused")) };
        let run = |seed, whole| experiment::run(&loaded, seed, whole, None).map_err(|e| TestCaseError::fail(e.to_string()));
        let (once, again, other) = (run(seed, true)?.summary, run(seed, true)?.summary, run(seed + 1, true)?.summary);
        prop_assert_eq!(&once, &again);
        if once.requests.started > 20 {
            prop_assert_ne!(once.digest, other.digest);
        }
    }
}
