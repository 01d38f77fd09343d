//! What is thought of when somebody asks how shares came to be.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Connections, chance, chance_counted, chance_favoured, chance_per_call};

/// A kind of explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Each call is balanced over the pods that clients know.
    PerCall,
    /// Connections that carry the same, each on a random pod.
    Connections,
    /// The same, opened when some pods were not Ready yet.
    LatePods,
    /// One to three connections carry more than the others.
    HeavyConnections,
    /// Each call is balanced, and some pods get more than the others.
    FavouredPods,
    /// Each call goes to a random pod, whatever the others do.
    RandomCalls,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [
        Kind::PerCall,
        Kind::Connections,
        Kind::LatePods,
        Kind::HeavyConnections,
        Kind::FavouredPods,
        Kind::RandomCalls,
    ];

    /// As JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::PerCall => "per_call",
            Kind::Connections => "connections",
            Kind::LatePods => "late_pods",
            Kind::HeavyConnections => "heavy_connections",
            Kind::FavouredPods => "favoured_pods",
            Kind::RandomCalls => "random_calls",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::PerCall => "each call is balanced over the pods that clients know",
            Kind::Connections => "equal connections, each on a random pod",
            Kind::LatePods => "equal connections, opened before some pods were Ready",
            Kind::HeavyConnections => "some connections carry more than the others",
            Kind::FavouredPods => {
                "each call is balanced, and some pods get more: weights, or a slow pod that a policy avoids"
            }
            Kind::RandomCalls => "few calls, each on a random pod: random, or workers that go round on their own",
        })
    }
}

/// How it came to the shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Pods that clients do not know, or that were not Ready when the connections were opened.
    pub late_pods: u32,
    /// Connections that carry the same; `null` if each call is balanced.
    pub connections: Option<u32>,
    /// Connections beside them that carry more.
    pub heavy_connections: u32,
    /// The part of all calls that those carry together.
    pub heavy_share: f64,
    /// Pods that get more than the others: all of them as much, and the others as much.
    #[serde(default)]
    pub favoured_pods: u32,
    /// Calls, each on a pod of its own choice; `null` if that is not thought of.
    #[serde(default)]
    pub calls: Option<u32>,
}

/// What is known of the connections and calls that were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Each pod's connections. `None`: they were not counted.
    pub connections: Option<Vec<u32>>,
    /// All calls together. `None`: shares only.
    pub calls: Option<u64>,
}

impl Known {
    /// All connections together.
    fn all(&self) -> Option<u32> {
        self.connections.as_ref().map(|each| each.iter().copied().fold(0, u32::saturating_add))
    }
}

impl Explanation {
    /// How likely it makes the shares, each up to `within`. Which pods are late, or favoured, is a fair draw. Where connections were counted
    /// it is the chance of the shares given the counts.
    #[must_use]
    pub fn chance(&self, seen: &[f64], within: f64, known: &Known) -> f64 {
        if let Some(calls) = self.calls {
            return chance(seen, within, Connections::equal(calls), 0);
        }
        if self.favoured_pods > 0 {
            return chance_favoured(seen, within, self.favoured_pods);
        }
        let Some(light) = self.connections else { return chance_per_call(seen, within, self.late_pods) };
        let (heavy, heavy_share) = (self.heavy_connections, self.heavy_share);
        let connections = Connections { light, heavy, heavy_share };
        match &known.connections {
            Some(counts) => chance_counted(seen, within, connections, counts),
            None => chance(seen, within, connections, self.late_pods),
        }
    }

    /// How many connections there are; 0 if that does not matter.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections.map_or(0, |light| light + self.heavy_connections)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: u32| if n == 1 { "" } else { "s" };
        if let Some(n) = self.calls {
            return write!(f, "{n} call{}, each on a random pod", plural(n));
        }
        if self.favoured_pods > 0 {
            let n = self.favoured_pods;
            return write!(f, "each call is balanced, {n} pod{} favoured", plural(n));
        }
        match (self.connections, self.heavy_connections) {
            (None, _) => f.write_str("each call is balanced")?,
            (Some(n), 0) => write!(f, "{n} connection{}", plural(n))?,
            (Some(light), heavy) => {
                let (n, share) = (light + heavy, self.heavy_share * 100.0);
                let carry = if heavy == 1 { "carries" } else { "carry" };
                write!(f, "{n} connections, of which {heavy} {carry} {share:.0} %")?;
            }
        }
        match (self.late_pods, self.connections) {
            (0, _) => Ok(()),
            (n, None) => write!(f, ", {n} pod{} unknown", plural(n)),
            (n, Some(_)) => write!(f, ", {n} pod{} Ready later", plural(n)),
        }
    }
}

/// The steps of the shares that heavy connections are thought to carry: 10 to 95 %.
const HEAVY: std::ops::RangeInclusive<u32> = 2..=19;
/// A step of them, as a part of all calls.
const STEP: f64 = 0.05;
/// The most heavy connections.
const MOST_HEAVY: u32 = 3;
/// A heavy connection carries this many times as much as another, or more; with less it is none.
const HEAVIER: f64 = 2.0;

/// The most calls that random picks are thought of: with more their shares are even up to a percent.
const MOST_CALLS: u64 = 2_000;

/// All explanations of a kind for this many pods that go with what is known, each with how credible it is before anything is seen; these add up to one. Numbers of
/// connections are credible by their logarithm (10 to 20 as much as 100 to 200), each late pod halves it, each pod that is apart from
/// the others beyond the first does, too, and what heavy ones carry makes no difference. Where connections were counted it does not matter when they
/// were opened.
#[must_use]
pub fn all(kind: Kind, pods: u32, most: u32, known: &Known) -> Vec<(Explanation, f64)> {
    let plain = |connections| Explanation { connections, ..Explanation::default() };
    let numbers = |besides: u32| match known.all() {
        Some(n) => n.checked_sub(besides).filter(|n| *n > 0).map(|n| (n, 1.0)).into_iter().collect(),
        None => numbers(most.saturating_sub(besides)),
    };
    let halved = |late_pods: u32| libm::exp2(-f64::from(late_pods));
    let mut all: Vec<(Explanation, f64)> = match kind {
        Kind::PerCall => (0..pods).map(|n| (Explanation { late_pods: n, ..plain(None) }, halved(n))).collect(),
        Kind::Connections => numbers(0).into_iter().map(|(n, weight)| (plain(Some(n)), weight)).collect(),
        Kind::LatePods if known.connections.is_some() => Vec::new(),
        Kind::LatePods => {
            let with = |late_pods| {
                let numbers = numbers(0).into_iter();
                numbers.map(move |(n, w)| (Explanation { late_pods, ..plain(Some(n)) }, w * halved(late_pods)))
            };
            (1..pods).flat_map(with).collect()
        }
        Kind::HeavyConnections => {
            let of = |heavy: u32, step: u32| {
                let heavy_share = f64::from(step) * STEP;
                let each = heavy_share / f64::from(heavy);
                let heavier = move |(n, _): &(u32, f64)| each >= HEAVIER * (1.0 - heavy_share) / f64::from(*n);
                let with = move |n| Explanation { heavy_connections: heavy, heavy_share, ..plain(Some(n)) };
                numbers(heavy).into_iter().filter(heavier).map(move |(n, w)| (with(n), w))
            };
            (1..=MOST_HEAVY)
                .flat_map(|heavy| HEAVY.map(move |step| (heavy, step)))
                .flat_map(|(h, s)| of(h, s))
                .collect()
        }
        Kind::FavouredPods => {
            let apart = |n: u32| n.min(pods - n) - 1;
            let of = |favoured_pods| Explanation { favoured_pods, ..plain(None) };
            (1..pods).map(|n| (of(n), halved(apart(n)))).collect()
        }
        Kind::RandomCalls => {
            let calls = known.calls.filter(|n| (1..=MOST_CALLS).contains(n)).map(|n| n as u32);
            calls.map(|n| (Explanation { calls: Some(n), ..plain(None) }, 1.0)).into_iter().collect()
        }
    };
    let total: f64 = all.iter().map(|(_, weight)| weight).sum();
    all.iter_mut().for_each(|(_, weight)| *weight /= total);
    all
}

/// 1 to 20, and from there steps of about a tenth; each with the logarithm of the step to the next.
fn numbers(most: u32) -> Vec<(u32, f64)> {
    let next = |n: &u32| n + (n / 10).max(1);
    let all = std::iter::successors(Some(1), |n| Some(next(n))).take_while(|n| *n <= most);
    all.map(|n| (n, libm::log(f64::from(next(&n)) / f64::from(n)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_of_all_that_can_be_seen_add_up() {
        // Two pods, shares in steps of a tenth: every outcome of ten connections is one of eleven.
        for explanation in [
            Explanation { connections: Some(10), ..Explanation::default() },
            Explanation { late_pods: 1, connections: Some(10), ..Explanation::default() },
            Explanation { connections: Some(5), heavy_connections: 1, heavy_share: 0.5, ..Explanation::default() },
            Explanation { calls: Some(10), ..Explanation::default() },
            Explanation { late_pods: 1, connections: None, ..Explanation::default() },
        ] {
            let total: f64 = (0..=10)
                .map(|i| f64::from(i) / 10.0)
                .map(|x| explanation.chance(&[x, 1.0 - x], 0.01, &Known::default()))
                .sum();
            assert!((total - 1.0).abs() < 1e-9, "{explanation}: {total}");
        }
    }

    #[test]
    fn numbers_of_connections_are_credible_by_their_logarithm() {
        let all_numbers: Vec<u32> = numbers(1_000).into_iter().map(|(n, _)| n).collect();
        assert_eq!(all_numbers[..20], (1..=20).collect::<Vec<u32>>());
        assert!(all_numbers.len() < 80 && all_numbers.windows(2).all(|w| w[1] > w[0]));
        let weight: f64 = numbers(19).iter().map(|(_, weight)| weight).sum();
        assert!((weight - libm::log(20.0)).abs() < 1e-12);
        assert!(numbers(0).is_empty());
        let known = Known { connections: None, calls: Some(50) };
        for kind in Kind::ALL {
            let total: f64 = all(kind, 5, 500, &known).iter().map(|(_, weight)| weight).sum();
            assert!((total - 1.0).abs() < 1e-9, "{kind:?}");
        }
    }

    #[test]
    fn words_are_those_of_json() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }

    #[test]
    fn explanations_read_as_sentences() {
        let of = |light: Option<u32>| Explanation { connections: light, ..Explanation::default() };
        for (explanation, text) in [
            (of(None), "each call is balanced"),
            (Explanation { late_pods: 1, ..of(None) }, "each call is balanced, 1 pod unknown"),
            (Explanation { favoured_pods: 2, ..of(None) }, "each call is balanced, 2 pods favoured"),
            (Explanation { calls: Some(7), ..of(None) }, "7 calls, each on a random pod"),
            (of(Some(1)), "1 connection"),
            (Explanation { late_pods: 2, ..of(Some(9)) }, "9 connections, 2 pods Ready later"),
            (
                Explanation { heavy_connections: 1, heavy_share: 0.5, ..of(Some(9)) },
                "10 connections, of which 1 carries 50 %",
            ),
        ] {
            assert_eq!(explanation.to_string(), text);
        }
        assert_eq!((of(None).connections(), of(Some(9)).connections()), (0, 9));
        assert_eq!(Explanation { heavy_connections: 2, ..of(Some(9)) }.connections(), 11);
    }

    #[test]
    fn a_favoured_pod_has_a_chance_of_its_own() {
        let explanation = Explanation { favoured_pods: 1, ..Explanation::default() };
        let (seen, known) = ([0.8, 0.2], Known::default());
        assert_eq!(explanation.chance(&seen, 0.01, &known), chance_favoured(&seen, 0.01, 1));
        assert_eq!(Explanation::default().chance(&seen, 0.01, &known), 0.0);
    }

    #[test]
    fn kinds_think_of_what_they_say() {
        let known = Known::default();
        let connections = all(Kind::Connections, 5, 20, &known);
        assert_eq!(
            connections.iter().map(|(e, _)| e.connections).collect::<Vec<_>>(),
            (1..=20).map(Some).collect::<Vec<_>>()
        );
        // Each late pod halves it.
        let late = all(Kind::LatePods, 5, 20, &known);
        let of = |late_pods: u32| {
            late.iter()
                .find(|(e, _)| e.late_pods == late_pods && e.connections == Some(7))
                .map(|(_, weight)| *weight)
                .unwrap()
        };
        assert!((2..5).all(|n| (of(n - 1) / of(n) - 2.0).abs() < 1e-12));
        let unknown = all(Kind::PerCall, 3, 20, &known);
        assert!(unknown.iter().zip([4.0, 2.0, 1.0]).all(|((_, weight), part)| (weight - part / 7.0).abs() < 1e-12));
        // Two that are apart, whichever side is called favoured, are half as credible as one.
        let favoured = all(Kind::FavouredPods, 5, 20, &known);
        assert!(
            favoured.iter().zip([1.0, 0.5, 0.5, 1.0]).all(|((_, weight), part)| (weight - part / 3.0).abs() < 1e-12)
        );
        // A heavy one carries twice as much as another, or more: beside one other at least two thirds.
        let heavy = all(Kind::HeavyConnections, 5, 20, &known);
        let beside = |light: u32| {
            let those =
                heavy.iter().map(|(e, _)| e).filter(|e| e.heavy_connections == 1 && e.connections == Some(light));
            those.map(|e| e.heavy_share).fold(f64::INFINITY, f64::min)
        };
        assert!((beside(1) - 0.7).abs() < 1e-12 && (beside(2) - 0.5).abs() < 1e-12, "{} {}", beside(1), beside(2));
    }
}
