//! What would change the skew of a run, or its failed calls: the cures that apply to its scenario, each simulated over the same seed and load.

mod choice;
mod list;

pub use list::{Cure, cures, even_load};

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::run::{Watch, go_on, run};
use crate::metrics::cures::{About, Cures, Row, words};
use crate::metrics::outcome::{Outcome, Summary};
use crate::model::{Load, Model};
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::sim::{EVENTS_BETWEEN_LOOKS, SimError};
use choice::{Facts, candidates};

/// Cures of a run of at most this many events of the engine are simulated unasked: together they take about a second on two cores.
pub const MOST_EVENTS: u64 = 5_000_000;
/// A cure is given up after this many times the events of the run (of [`MOST_EVENTS`], if those are more): a closed load may call more often
/// for it.
const MOST_TIMES: u64 = 4;
/// No more cures than this are simulated.
pub const MOST_CURES: usize = 5;

/// The cures of a run, simulated with its seed on all threads of the current pool. `first` is the run of what `document` means; `fixes` are
/// cures for its own mistakes, which come before the usual ones; `forced`: however many events it had; `done` is told of each cure that is
/// simulated. `None`: there was too little traffic for any skew.
///
/// # Errors
/// If `watch` stopped a run. A run that cannot finish is a row that says so.
pub fn simulated(
    document: &Document,
    first: &Outcome,
    fixes: impl FnOnce(About) -> Vec<Cure>,
    forced: bool,
    (watch, done): (Option<Watch<'_>>, &(dyn Fn() + Sync)),
) -> Result<Option<Cures>, SimError> {
    let Some(max_over_mean) = first.summary.skew.headline.max_over_mean else { return Ok(None) };
    let Some(about) = About::of(max_over_mean, first.summary.error_ratio) else {
        let words =
            format!("max_over_mean is {max_over_mean:.2}: the load is even, and no cure for skew was simulated.");
        return Ok(Some(Cures { words, ..Cures::default() }));
    };
    let none = |words: String| Ok(Some(Cures { about, rows: Vec::new(), words }));
    if first.engine_events > MOST_EVENTS && !forced {
        return none(format!(
            "No cure was simulated: the run took {} million events, and by default cures are simulated up to {} million; --cures forces it.",
            first.engine_events.div_ceil(1_000_000),
            MOST_EVENTS / 1_000_000
        ));
    }
    let Ok(as_it_is) = document.load(&[]) else { return Ok(None) };
    let cures = chosen(document, &as_it_is, first, (about, fixes(about)), watch)?;
    let one = |(cure, loaded): (Cure, Loaded)| {
        let row = row(cure, &loaded, about, first, watch);
        done();
        row
    };
    let cured: Vec<Row> = cures.into_par_iter().map(one).collect::<Result<Vec<Row>, SimError>>()?;
    let own = made_by_answers(&as_it_is.model);
    let same = |row: &Row| own || row.figures.as_ref().is_none_or(|f| f.same_calls);
    let rows: Vec<Row> = std::iter::once(Row::as_it_is(&first.summary)).chain(cured.into_iter().filter(same)).collect();
    match words(about, &rows) {
        Some(words) => Ok(Some(Cures { about, rows, words })),
        None => none("No cure that evenkeel knows applies to this scenario.".to_owned()),
    }
}

/// The first cures that the reader accepts and that are neither the scenario as it is nor one another.
fn chosen(
    document: &Document,
    as_it_is: &Loaded,
    first: &Outcome,
    (about, fixes): (About, Vec<Cure>),
    watch: Option<Watch<'_>>,
) -> Result<Vec<(Cure, Loaded)>, SimError> {
    let mut chosen: Vec<(Cure, Loaded)> = Vec::new();
    for cure in candidates(&Facts::of(&as_it_is.model, first.end_s), about, fixes) {
        go_on(watch)?;
        if chosen.len() == MOST_CURES {
            break;
        }
        let Ok(loaded) = document.load(&cure.sets) else { continue };
        let same = |known: &Loaded| known.scenario_hash == loaded.scenario_hash;
        match chosen.iter_mut().find(|(_, known)| same(known)) {
            // If two cures are the same, keep the shorter name.
            Some((known, _)) if cure.name.len() < known.name.len() => known.name = cure.name,
            None if !same(as_it_is) => chosen.push((lean(document, cure, &loaded), loaded)),
            _ => {}
        }
    }
    Ok(chosen)
}

/// A cure without what it sets to no effect in this scenario, so that there is less to type. Each of its `--set`s costs a reading of the
/// scenario: with very many they stay.
fn lean(document: &Document, mut cure: Cure, loaded: &Loaded) -> Cure {
    const MOST: usize = 20;
    let mut at = if cure.sets.len() > MOST { cure.sets.len() } else { 0 };
    while at < cure.sets.len() {
        let mut fewer = cure.sets.clone();
        fewer.remove(at);
        match document.load(&fewer) {
            Ok(same) if same.scenario_hash == loaded.scenario_hash => cure.sets = fewer,
            _ => at += 1,
        }
    }
    cure
}

fn row(cure: Cure, loaded: &Loaded, about: About, first: &Outcome, watch: Option<Watch<'_>>) -> Result<Row, SimError> {
    let Cure { name, sets } = cure;
    let most = MOST_TIMES * first.engine_events.max(MOST_EVENTS);
    match within(most, loaded, first.summary.seed, watch) {
        Ok(summary) => Ok(Row::cured(name, sets, about, (&summary, &first.summary))),
        Err(Ended::Failed(error @ SimError::Interrupted { .. })) => Err(error),
        Err(Ended::Failed(error)) => Ok(Row { name, sets, figures: None, effect: None, failure: error.to_string() }),
        Err(Ended::TooLong) => {
            let failure = format!("it was given up after {} million events", most / 1_000_000);
            Ok(Row { name, sets, figures: None, effect: None, failure })
        }
    }
}

/// Why a run has no summary.
enum Ended {
    Failed(SimError),
    TooLong,
}

/// A run of at most this many events. The engine asks whether to stop after fixed numbers of events, so that the same run is given up
/// at the same event each time.
fn within(most: u64, loaded: &Loaded, seed: u64, watch: Option<Watch<'_>>) -> Result<Summary, Ended> {
    let looks = AtomicU64::new(0);
    let too_long = || looks.load(Ordering::Relaxed) > most / EVENTS_BETWEEN_LOOKS;
    let counts = |seed, at| {
        looks.fetch_add(1, Ordering::Relaxed);
        watch.is_some_and(|stop| stop(seed, at)) || too_long()
    };
    match run(loaded, seed, false, Some(&counts)) {
        Ok(outcome) => Ok(outcome.summary),
        Err(SimError::Interrupted { .. }) if too_long() => match go_on(watch) {
            Ok(()) => Err(Ended::TooLong),
            Err(stopped) => Err(Ended::Failed(stopped)),
        },
        Err(error) => Err(Ended::Failed(error)),
    }
}

/// True if what clients ask for depends on how they are answered: a cure makes other calls then, of the same load.
fn made_by_answers(model: &Model) -> bool {
    model.clients.iter().any(|c| matches!(c.load, Load::Closed(_) | Load::Streams(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections of four clients on five pods.
    const SKEWED: &str = "name: a\nduration: 20s\nservers: [{ name: s, replicas: 5 }]\n\
                          clients: [{ name: c, replicas: 4, load: { open: { rate: 100 } } }]\n";

    fn outcome(document: &Document) -> Outcome {
        run(&document.load(&[]).unwrap(), 1, true, None).unwrap()
    }

    fn cured(document: &Document, outcome: &Outcome, forced: bool) -> Cures {
        simulated(document, outcome, |_| Vec::new(), forced, (None, &|| ())).unwrap().unwrap()
    }

    #[test]
    fn a_large_run_has_cures_if_they_are_asked_for() {
        let document = Document::embedded("a", SKEWED, &[]);
        let mut outcome = outcome(&document);
        assert!((1_000..100_000).contains(&outcome.engine_events), "{}", outcome.engine_events);
        outcome.engine_events = MOST_EVENTS;
        let all = cured(&document, &outcome, false);
        assert_eq!(all.rows.len(), 1 + MOST_CURES);
        outcome.engine_events = MOST_EVENTS + 1;
        let none = cured(&document, &outcome, false);
        assert!(
            none.rows.is_empty() && none.words.contains("6 million events") && none.words.contains("--cures"),
            "{}",
            none.words
        );
        assert_eq!(cured(&document, &outcome, true), all);
    }

    #[test]
    fn an_even_load_needs_none_and_no_load_has_none() {
        let even =
            Document::embedded("a", SKEWED, &["service.type=Headless".into(), "clients.c.policy=round_robin".into()]);
        let cures = cured(&even, &outcome(&even), true);
        assert!(cures.rows.is_empty() && cures.words.contains("the load is even"), "{}", cures.words);
        let nothing = Document::embedded("a", SKEWED, &["clients.c.load.open.rate=0.001".into()]);
        let done = simulated(&nothing, &outcome(&nothing), |_| Vec::new(), true, (None, &|| ())).unwrap();
        assert_eq!(done, None);
    }

    /// Five pods that start in 2 s are rolled out while clients wait 30 s between two answers of DNS: the load is even again, and calls
    /// failed. A watch of the endpoints loses none.
    #[test]
    fn failed_calls_of_an_even_load_have_cures() {
        let text = "name: a\nduration: 3m\nservice: { type: Headless }\nservers: [{ name: s, replicas: 5, startup: 2s }]\n\
                    clients: [{ name: c, replicas: 4, policy: round_robin, load: { open: { rate: 100 } } }]\n\
                    timeline: [{ at: 1m, rollout: s }]\n";
        let document = Document::embedded("a", text, &[]);
        let outcome = outcome(&document);
        let cures = cured(&document, &outcome, false);
        assert_eq!(cures.about, About::FailedCalls, "{}", cures.words);
        let failed = |name: &str| {
            let row = cures.rows.iter().find(|row| row.name == name);
            row.unwrap_or_else(|| panic!("{}", cures.words)).figures.as_ref().unwrap().requests_failed
        };
        assert!(failed("as it is") > 100 && failed("xDS, round_robin") == 0, "{}", cures.words);
        assert!(cures.words.contains("Would help: xDS, round_robin (0)"), "{}", cures.words);
    }

    #[test]
    fn what_the_reader_refuses_and_what_is_so_already_is_left_out() {
        // Attempts to connect that are made for a call go with pick_first and peak_ewma only.
        let document = Document::embedded("a", SKEWED, &["clients.c.stack=tonic".into()]);
        let refused = "clients.c.policy=round_robin".to_owned();
        assert!(document.load(std::slice::from_ref(&refused)).is_err());
        let twice = Cure { name: "three channels".into(), sets: vec!["clients.c.channels=3".into()] };
        let same = Cure { name: "as it is again".into(), sets: vec!["clients.c.channels=1".into()] };
        let wrong = Cure { name: "refused".into(), sets: vec![refused] };
        let fixes = || vec![twice.clone(), twice];
        let outcome = outcome(&document);
        let names = |fixes: Vec<Cure>| -> Vec<String> {
            let cures = simulated(&document, &outcome, |_| fixes, false, (None, &|| ())).unwrap().unwrap();
            cures.rows.into_iter().map(|row| row.name).collect()
        };
        let some = names(fixes());
        assert_eq!(some.iter().filter(|name| *name == "three channels").count(), 1, "{some:?}");
        let some = names(vec![same, wrong]);
        assert!(!some.iter().any(|name| name == "as it is again" || name == "refused"), "{some:?}");
        assert!(!some.iter().any(|name| name.contains("round_robin")), "{some:?}");
    }

    #[test]
    fn what_is_so_already_is_not_set() {
        let text =
            format!("{}timeline: [{{ at: 10s, scale: {{ server: s, replicas: 6 }} }}]\n", SKEWED.replace("20s", "3m"));
        let headless = ["service.type=Headless".to_owned(), "clients.c.policy=round_robin".to_owned()];
        let sets = |document: &Document, name: &str| {
            let rows = cured(document, &outcome(document), false).rows;
            rows.into_iter().find(|row| row.name == name).unwrap().sets
        };
        let plain = Document::embedded("a", &text, &[]);
        assert_eq!(sets(&plain, "istio"), ["clients.c.via=istio"]);
        let headless = Document::embedded("a", &text, &headless);
        let aged = ["servers.s.grpc.max_connection_age=1m", "servers.s.grpc.max_connection_age_grace=10s"];
        assert_eq!(sets(&headless, "age 1m"), aged);
        assert_eq!(
            sets(&headless, "istio"),
            ["service.type=ClusterIP", "clients.c.policy=null", "clients.c.via=istio"]
        );
    }

    #[test]
    fn an_interrupt_ends_them() {
        let document = Document::embedded("a", SKEWED, &[]);
        let outcome = outcome(&document);
        let stopped = simulated(&document, &outcome, |_| Vec::new(), false, (Some(&|_, _| true), &|| ()));
        assert!(matches!(stopped, Err(SimError::Interrupted { .. })));
    }

    /// The events, and not the time, say when.
    #[test]
    fn a_cure_that_takes_too_long_is_given_up() {
        let loaded = Document::embedded("a", SKEWED, &[]).load(&[]).unwrap();
        assert!(matches!(within(EVENTS_BETWEEN_LOOKS, &loaded, 1, None), Err(Ended::TooLong)));
        assert!(matches!(within(EVENTS_BETWEEN_LOOKS, &loaded, 1, Some(&|_, _| true)), Err(Ended::Failed(_))));
        assert!(within(MOST_EVENTS, &loaded, 1, None).is_ok());
    }

    /// Two pods, of which one answers nothing: round_robin waits for it for ever.
    #[test]
    fn a_cure_that_cannot_finish_is_a_row_that_says_so() {
        let text = "name: a\nservers: [{ name: s, replicas: 2 }]\n\
                    clients: [{ name: c, load: { closed: { concurrency: 1, requests: 1000 } } }]\n\
                    timeline: [{ at: 500ms, black_hole: { server: s, pods: 1 } }]\n";
        let document = Document::embedded("a", text, &[]);
        let loaded = document.load(&[]).unwrap();
        let outcome = (1..20).find_map(|seed| run(&loaded, seed, true, None).ok()).unwrap();
        let cures = cured(&document, &outcome, false);
        let row = cures.rows.iter().find(|row| row.name == "headless, round_robin").unwrap();
        assert!(row.figures.is_none() && row.effect.is_none() && row.failure.contains("deadline"), "{row:?}");
        assert!(cures.words.contains("Could not be simulated to the end: headless, round_robin"), "{}", cures.words);
    }

    /// More pods answer sooner, so that the workers call more often.
    #[test]
    fn a_closed_load_makes_other_calls_with_a_cure_and_its_rows_say_so() {
        let text = SKEWED.replace("open: { rate: 100 }", "closed: { concurrency: 100 }").replace("20s", "1s");
        let document = Document::embedded("a", &text, &[]);
        let rows = cured(&document, &outcome(&document), false).rows;
        let same: Vec<bool> = rows.iter().map(|row| row.figures.as_ref().unwrap().same_calls).collect();
        assert_eq!((same[0], same.len()), (true, 1 + MOST_CURES));
        assert!(same[1..].iter().all(|same| !same), "{rows:?}");
    }

    #[test]
    fn the_threads_do_not_matter() {
        let document = Document::embedded("a", SKEWED, &[]);
        let outcome = outcome(&document);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| cured(&document, &outcome, false))
        };
        assert_eq!(with(1), with(4));
    }
}
