//! Which connections would show these shares? Explanations of what somebody saw, by how likely they make it, each with a scenario
//! that shows it.
//!
//! Every explanation of a fixed list ([`Kind::ALL`], [`all`]) gives the shares a chance that is exact ([`chance`]). Before
//! anything is seen the kinds are equally credible, and within a kind explanations are as [`all`] says; Bayes' rule does the rest. What is on no list cannot be found.
//!
//! [`chance`]: crate::theory::shares::chance

mod replay;

use rayon::prelude::*;

pub use replay::scenario as scenario_of;

use crate::output::fit::{Fit, Fitted, Likely, Range};
use crate::output::plot::PodShares;
use crate::scenario;
use crate::sim::SimError;
use crate::theory::shares::{Explanation, Kind, all};

use super::run::Watch;

/// What was seen, and how it is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Each pod's share; they add up to one.
    pub shares: Vec<f64>,
    /// How far a share may be from what was seen, as a part of all calls.
    pub within: f64,
    /// The most connections that are thought of.
    pub most: u32,
}

/// The most explanations of a kind that are listed one by one.
const LISTED: usize = 10;
/// Less belief than this is not worth a line.
const WORTH_A_LINE: f64 = 0.001;

/// All explanations of all kinds, by their beliefs. No kind is in it that cannot show the shares at all.
#[must_use]
pub fn fit(seen: &Seen) -> Vec<Fitted> {
    let kinds: Vec<(Kind, Vec<(Explanation, f64)>)> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let all = all(kind, seen.shares.len() as u32, seen.most);
            let weigh = |(e, credible): (Explanation, f64)| (e, credible * e.chance(&seen.shares, seen.within));
            (kind, all.into_par_iter().map(weigh).collect())
        })
        .collect();
    let total: f64 = kinds.iter().flat_map(|(_, all)| all).map(|(_, weight)| weight).sum();
    let mut fitted: Vec<Fitted> = kinds.into_iter().filter_map(|(kind, all)| of_kind(kind, all, total, seen)).collect();
    fitted.sort_by(|a, b| b.belief.total_cmp(&a.belief));
    fitted.retain(|f| f.belief >= WORTH_A_LINE);
    fitted
}

fn of_kind(kind: Kind, mut weighed: Vec<(Explanation, f64)>, total: f64, seen: &Seen) -> Option<Fitted> {
    weighed.retain(|(_, weight)| *weight > 0.0);
    let weight: f64 = weighed.iter().map(|(_, w)| w).sum();
    let connections = range(&weighed, weight)?;
    weighed.sort_by(|a, b| b.1.total_cmp(&a.1));
    let likely = |(explanation, w): &(Explanation, f64)| Likely {
        explanation: *explanation,
        says: explanation.to_string(),
        belief: w / total,
        chance: explanation.chance(&seen.shares, seen.within),
    };
    let likely: Vec<Likely> = weighed.iter().take(LISTED).map(likely).collect();
    Some(Fitted {
        kind,
        says: kind.to_string(),
        belief: weight / total,
        connections,
        likely,
        runs: 0,
        matching: 0,
        seed: None,
    })
}

/// The numbers of connections that carry 95 % of the belief: of the rest, at most half is on either side.
fn range(weighed: &[(Explanation, f64)], total: f64) -> Option<Range> {
    const EACH_SIDE: f64 = 0.025;
    let mut by_number: Vec<(u32, f64)> = weighed.iter().map(|(e, w)| (e.connections(), *w)).collect();
    by_number.sort_by_key(|(n, _)| *n);
    let end = |mut numbers: Box<dyn Iterator<Item = &(u32, f64)> + '_>| {
        let mut outside = 0.0;
        numbers
            .find(|(_, w)| {
                outside += w;
                outside > EACH_SIDE * total
            })
            .map(|(n, _)| *n)
    };
    Some(Range { from: end(Box::new(by_number.iter()))?, to: end(Box::new(by_number.iter().rev()))? })
}

/// Runs the scenario of each kind's likeliest explanation with the seeds 1 to `runs`: how many of them show the shares, on
/// whichever pods, and the first that does. Returns that run's shares.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn show(
    fitted: &mut Fitted,
    seen: &Seen,
    runs: u64,
    watch: Option<Watch<'_>>,
) -> Result<Option<PodShares>, SimError> {
    let Some(best) = fitted.likely.first() else { return Ok(None) };
    let text = scenario_of(best.explanation, seen, &fitted.says, 1);
    // What we write reads; if it does not, there is nothing to show, and the tests say so.
    let Ok(loaded) = scenario::parse("fit", &text, None, &[]) else { return Ok(None) };
    let one = |seed| Ok((seed, replay::shares(&super::run(&loaded, seed, false, watch)?)));
    let all = (1..=runs).into_par_iter().map(one).collect::<Result<Vec<(u64, PodShares)>, SimError>>()?;
    let mut matching = all.into_iter().filter(|(_, shares)| replay::matches(seen, shares));
    let first = matching.next();
    fitted.runs = runs;
    fitted.matching = first.iter().count() as u64 + matching.count() as u64;
    fitted.seed = first.as_ref().map(|(seed, _)| *seed);
    Ok(first.map(|(_, shares)| shares))
}

/// All together: fitted, and shown in so many runs each.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn explain(seen: &Seen, runs: u64, watch: Option<Watch<'_>>) -> Result<(Fit, Vec<PodShares>), SimError> {
    let mut fitted = fit(seen);
    let mut pictures = vec![replay::observed(seen)];
    for one in &mut fitted {
        if let Some(shares) = show(one, seen, runs, watch)? {
            pictures.push(PodShares { scenario: one.likely[0].says.clone(), ..shares });
        }
    }
    let fit = Fit {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        shares: seen.shares.clone(),
        within: seen.within,
        most_connections: seen.most,
        kinds: fitted,
    };
    Ok((fit, pictures))
}
