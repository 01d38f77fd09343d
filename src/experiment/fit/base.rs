//! A scenario of the user's own: how often it shows what was seen, as it is and with a slow pod.

use rayon::prelude::*;

use super::{Seen, Watch, go_on, replay};
use crate::experiment::fit::Tried;
use crate::experiment::run;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;
use crate::sim::SimError;

/// All runs of a variant together take about this many events of the engine.
const EVENTS: u64 = 20_000_000;
/// Fewer runs say nothing.
const FEWEST: u64 = 10;

/// The scenario as it is, and with what may be behind uneven shares although connections are not: one pod that is slower, which policies that
/// look at pods avoid. Only a scenario in which nothing happens is given a slow pod.
fn variants(loaded: &Loaded) -> Vec<(String, Vec<String>)> {
    let mut all = vec![("as it is".to_owned(), Vec::new())];
    let Some(server) = loaded.model.servers.iter().find(|s| s.replicas > 1) else { return all };
    if loaded.model.timeline.is_empty() {
        let slow = |factor: u32| {
            let event = format!("{{ at: 0s, slow: {{ server: {}, pods: 1, factor: {factor} }} }}", server.name);
            (format!("with one pod {factor} times as slow"), vec![format!("timeline=[{event}]")])
        };
        all.extend([2, 5].map(slow));
    }
    all
}

/// Runs a scenario and its variants with its seed and those after it, `runs` times at the most: how many runs show the shares, on whichever
/// pods. A variant that the scenario does not permit is left out.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn try_out(
    document: &Document,
    seen: &Seen,
    runs: u64,
    watch: Option<Watch<'_>>,
) -> Result<Result<Vec<Tried>, SimError>, Diagnostics> {
    let loaded = document.load(&[])?;
    let permitted = |(says, sets): (String, Vec<String>)| Some((document.load(&sets).ok()?, says, sets));
    let variants = variants(&loaded).into_iter().filter_map(permitted);
    let tried = variants.map(|(loaded, says, sets)| {
        let (runs, matching) = count(&loaded, seen, runs, watch)?;
        let (from, to) = wilson(matching, runs);
        Ok(Tried { says, sets, runs, matching, from, to })
    });
    Ok(tried.collect())
}

/// How many runs there were, and how many of them show the shares.
fn count(loaded: &Loaded, seen: &Seen, most: u64, watch: Option<Watch<'_>>) -> Result<(u64, u64), SimError> {
    let seed = loaded.model.seed;
    let first = run(loaded, seed, false, watch)?;
    let runs = (EVENTS / first.engine_events.max(1)).max(FEWEST).min(most);
    let shows = |i: u64| {
        go_on(watch)?;
        Ok(u64::from(replay::matches(seen, &replay::shares(&run(loaded, seed.wrapping_add(i), false, watch)?))))
    };
    let others = (1..runs).into_par_iter().map(shows).collect::<Result<Vec<u64>, SimError>>()?;
    Ok((runs, u64::from(replay::matches(seen, &replay::shares(&first))) + others.iter().sum::<u64>()))
}

/// Wilson's interval of 95 % for a probability of which `hits` of `n` trials tell.
fn wilson(hits: u64, n: u64) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    let (n, p) = (n.max(1) as f64, hits as f64 / n.max(1) as f64);
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_contain_what_was_counted() {
        let near =
            |(from, to): (f64, f64), want: (f64, f64)| (from - want.0).abs() < 5e-4 && (to - want.1).abs() < 5e-4;
        // Wilson (1927), as any table has it.
        assert!(near(wilson(0, 10), (0.0, 0.2775)), "{:?}", wilson(0, 10));
        assert!(near(wilson(5, 10), (0.2366, 0.7634)), "{:?}", wilson(5, 10));
        assert!(near(wilson(10, 10), (0.7225, 1.0)), "{:?}", wilson(10, 10));
    }
}
