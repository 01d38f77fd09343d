//! Which connections would show these shares? Explanations of what somebody saw, by how likely they make it, each with a scenario
//! that shows it.
//!
//! Every explanation of a fixed list ([`Kind::ALL`], [`all`]) gives the shares a chance that is exact ([`chance`]). Before
//! anything is seen the kinds are equally credible, and within a kind explanations are as [`all`] says; Bayes' rule does the rest. What is on no
//! list cannot be found.
//!
//! [`chance`]: crate::theory::shares::chance

mod base;
mod replay;
mod report;

use rayon::prelude::*;

pub use base::try_out;
pub use replay::scenario as scenario_of;
pub use report::{Fit, Fitted, Likely, Range, Tried};

use crate::experiment::PodShares;
use crate::scenario;
use crate::sim::SimError;
use crate::theory::shares::{Explanation, Kind, Known, all};

use super::run::{Watch, go_on};

/// What was seen, and how it is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The pods' names; empty if nobody told them.
    pub pods: Vec<String>,
    /// Each pod's share; they add up to one.
    pub shares: Vec<f64>,
    /// What else was counted.
    pub known: Known,
    /// How far a share may be from what was seen, as a part of all calls.
    pub within: f64,
    /// The most connections that are thought of.
    pub most: u32,
}

impl Seen {
    /// A pod's name, or its number from 1.
    #[must_use]
    pub fn name(&self, pod: usize) -> String {
        self.pods.get(pod).cloned().unwrap_or_else(|| (pod + 1).to_string())
    }

    /// The pods' numbers, the largest share first.
    fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shares.len()).collect();
        order.sort_by(|a, b| self.shares[*b].total_cmp(&self.shares[*a]));
        order
    }

    /// An explanation in words; of favoured pods it names the fewer, those who have more or those who have less.
    #[must_use]
    pub fn says(&self, explanation: &Explanation) -> String {
        let (order, favoured) = (self.by_size(), explanation.favoured_pods as usize);
        if favoured == 0 {
            return explanation.to_string();
        }
        let (more, less) = order.split_at(favoured.min(order.len()));
        let (pods, what) = if more.len() <= less.len() { (more, "more") } else { (less, "less") };
        let names: Vec<String> = pods.iter().map(|pod| self.name(*pod)).collect();
        let plural = if names.len() == 1 { " gets" } else { "s get" };
        format!("pod{plural} {what} than the others: {}", names.join(", "))
    }
}

/// The most explanations of a kind that are listed one by one, each with a scenario.
const LISTED: usize = 3;
/// Less belief than this is not worth a line.
const WORTH_A_LINE: f64 = 0.001;

/// An explanation that can show the shares.
struct Weighed {
    explanation: Explanation,
    /// How likely it makes them.
    chance: f64,
    /// That, times how credible it was before.
    weight: f64,
}

/// All explanations of all kinds, by their beliefs. No kind is in it that cannot show the shares at all.
///
/// # Errors
/// If `watch` stopped it.
pub fn fit(seen: &Seen, watch: Option<Watch<'_>>) -> Result<Vec<Fitted>, SimError> {
    let weigh = |(explanation, credible): (Explanation, f64)| {
        go_on(watch)?;
        let chance = explanation.chance(&seen.shares, seen.within, &seen.known);
        Ok(Weighed { explanation, chance, weight: credible * chance })
    };
    let of = |kind| {
        let all = all(kind, seen.shares.len() as u32, seen.most, &seen.known).into_par_iter();
        let able = |w: &Result<Weighed, SimError>| w.as_ref().map_or(true, |w| w.weight > 0.0);
        Ok((kind, all.map(weigh).filter(able).collect::<Result<_, _>>()?))
    };
    let kinds: Vec<(Kind, Vec<Weighed>)> = Kind::ALL.into_iter().map(of).collect::<Result<_, SimError>>()?;
    let total = kinds.iter().map(|(_, all)| sum(all)).sum();
    let mut fitted: Vec<Fitted> = kinds.into_iter().filter_map(|(kind, all)| of_kind(seen, kind, all, total)).collect();
    fitted.sort_by(|a, b| b.belief.total_cmp(&a.belief));
    fitted.retain(|f| f.belief >= WORTH_A_LINE);
    Ok(fitted)
}

fn sum(all: &[Weighed]) -> f64 {
    all.iter().map(|w| w.weight).sum()
}

fn of_kind(seen: &Seen, kind: Kind, mut all: Vec<Weighed>, total: f64) -> Option<Fitted> {
    let connections = range(&all)?;
    all.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let likely = |w: &Weighed| Likely {
        explanation: w.explanation,
        says: seen.says(&w.explanation),
        belief: w.weight / total,
        chance: w.chance,
        runs: 0,
        matching: 0,
        seed: None,
    };
    Some(Fitted {
        kind,
        says: kind.to_string(),
        belief: sum(&all) / total,
        chance: sum(&all),
        connections,
        likely: all.iter().take(LISTED).map(likely).collect(),
    })
}

/// The numbers of connections that carry 95 % of the belief: of the rest, at most half is on either side.
fn range(all: &[Weighed]) -> Option<Range> {
    const EACH_SIDE: f64 = 0.025;
    let total = sum(all);
    let mut by_number: Vec<(u32, f64)> = all.iter().map(|w| (w.explanation.connections(), w.weight)).collect();
    by_number.sort_by_key(|(n, _)| *n);
    // The number at which so much lies below it, or is it.
    let quantile = |part: f64| {
        let mut below = 0.0;
        let reached = |(_, weight): &&(u32, f64)| {
            below += weight;
            below > part * total
        };
        by_number.iter().find(reached).or(by_number.last()).map(|(n, _)| *n)
    };
    Some(Range { from: quantile(EACH_SIDE)?, to: quantile(1.0 - EACH_SIDE)? })
}

/// Runs the scenario of an explanation with the seeds 1 to `runs`: how many of them show the shares, on whichever pods, and the first
/// that does. Returns that run's shares.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn show(
    likely: &mut Likely,
    seen: &Seen,
    runs: u64,
    watch: Option<Watch<'_>>,
) -> Result<Option<PodShares>, SimError> {
    // What we write reads; if it does not, there is nothing to show, and the tests say so.
    let Ok(loaded) = scenario::parse("fit", &scenario_of(likely.explanation, seen, 1), None, &[]) else {
        return Ok(None);
    };
    let one = |seed| Ok((seed, replay::shares(&super::run(&loaded, seed, false, watch)?)));
    let all = (1..=runs).into_par_iter().map(one).collect::<Result<Vec<(u64, PodShares)>, SimError>>()?;
    let mut matching = all.into_iter().filter(|(_, shares)| replay::matches(seen, shares));
    let first = matching.next();
    likely.runs = runs;
    likely.matching = first.iter().count() as u64 + matching.count() as u64;
    likely.seed = first.as_ref().map(|(seed, _)| *seed);
    Ok(first.map(|(_, shares)| PodShares { scenario: likely.says.clone(), ..shares }))
}

/// All together: fitted, and shown in this many runs each. Pictures are of what was seen, and of each kind's likeliest.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn explain(seen: &Seen, runs: u64, watch: Option<Watch<'_>>) -> Result<(Fit, Vec<PodShares>), SimError> {
    let mut kinds = fit(seen, watch)?;
    let mut pictures = vec![replay::observed(seen)];
    for kind in &mut kinds {
        for (i, likely) in kind.likely.iter_mut().enumerate() {
            let shown = show(likely, seen, runs, watch)?;
            pictures.extend(shown.filter(|_| i == 0));
        }
    }
    let fit = Fit {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        pods: seen.pods.clone(),
        shares: seen.shares.clone(),
        within: seen.within,
        most_connections: seen.most,
        kinds,
        base: Vec::new(),
    };
    Ok((fit, pictures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn favoured_pods_are_named() {
        let pods = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let seen = Seen { shares: vec![0.3, 0.1, 0.3, 0.3], pods, within: 0.02, most: 10, ..Seen::default() };
        let favoured = |n| seen.says(&Explanation { favoured_pods: n, ..Explanation::default() });
        assert_eq!(favoured(3), "pod gets less than the others: b");
        assert!(favoured(1).starts_with("pod gets more than the others: "));
        let kinds = fit(&seen, None).unwrap();
        assert_eq!(kinds[0].likely[0].says, "pod gets less than the others: b", "{kinds:?}");
    }
}
