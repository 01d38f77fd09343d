//! The chance that connections, each on a pod that is a fair draw, give the shares that somebody saw.
//!
//! Connections that carry a share of the calls each fall on `n` pods independently and uniformly (kube-proxy draws a pod per
//! connection; a client that shuffles addresses does the same). Given their total, independent Poisson counts are multinomial,
//! so the chance of any set of counts is a coefficient of a product of Poisson laws over that of their sum: a sum over pods, one
//! after the other, exact but for rounding.

mod explanations;

pub use explanations::{Explanation, Kind, Known, all};

/// Connections of two kinds: a few heavy ones carry `heavy_share` of all calls together, the light ones the rest; each as much
/// as the others of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connections {
    /// How many of the light kind.
    pub light: u32,
    /// How many of the heavy kind.
    pub heavy: u32,
    /// Part of the calls that the heavy ones carry, 0 to 1; 0 if there is none, 1 if there are only heavy ones.
    pub heavy_share: f64,
}

impl Connections {
    /// This many that all carry the same.
    #[must_use]
    pub fn equal(n: u32) -> Connections {
        Connections { light: n, heavy: 0, heavy_share: 0.0 }
    }

    /// The share of a pod with this many heavy and light ones.
    fn share(&self, heavy: u32, light: u32) -> f64 {
        let part = |n: u32, of: u32| if of == 0 { 0.0 } else { f64::from(n) / f64::from(of) };
        self.heavy_share * part(heavy, self.heavy) + (1.0 - self.heavy_share) * part(light, self.light)
    }

    /// With how many light ones beside this many heavy ones a pod's share is `seen`, up to `within`; from and to.
    fn lights(&self, heavy: u32, seen: f64, within: f64) -> Option<(u32, u32)> {
        let each = self.share(0, 1);
        let before = self.share(heavy, 0);
        if each == 0.0 {
            return ((before - seen).abs() <= within).then_some((0, 0));
        }
        let from = ((seen - within - before) / each - 1e-9).ceil().max(0.0);
        let to = ((seen + within - before) / each + 1e-9).floor().min(f64::from(self.light));
        (from <= to).then_some((from as u32, to as u32))
    }
}

/// The chance that each pod's share is what was seen, up to `within` (both parts of one), if `late` of the pods, each set of them as
/// likely as another, cannot get a connection. The pods are told apart: that some pods have these shares, whichever they are, is as
/// much more likely as there are ways to deal the shares to them. 0 if no pod is left.
///
/// # Examples
///
/// ```
/// use evenkeel::theory::shares::{Connections, chance};
/// // Two connections on two pods: one each, in two of four cases.
/// assert!((chance(&[0.5, 0.5], 0.01, Connections::equal(2), 0) - 0.5).abs() < 1e-12);
/// // One pod of two is late, the first as likely as the second.
/// assert!((chance(&[1.0, 0.0], 0.01, Connections::equal(2), 1) - 0.5).abs() < 1e-12);
/// ```
#[must_use]
pub fn chance(seen: &[f64], within: f64, connections: Connections, late: u32) -> f64 {
    let Connections { light, heavy, .. } = connections;
    let Some(ready) = (seen.len() as u32).checked_sub(late).filter(|ready| *ready > 0) else { return 0.0 };
    let part = |n: u32| f64::from(n) / f64::from(ready);
    let (lights, heavies) = (poisson(light, part(light)), poisson(heavy, part(heavy)));
    // reached[z][h][l]: the chance that the pods so far have h heavy and l light ones, and z of them are late, each pod what it was
    // seen with.
    let (width, block) = (light as usize + 1, (light as usize + 1) * (heavy as usize + 1));
    let mut reached = vec![0.0; block * (late as usize + 1)];
    reached[0] = 1.0;
    for &share in seen {
        let mut next = vec![0.0; reached.len()];
        if share.abs() <= within {
            for (to, from) in next.iter_mut().skip(block).zip(&reached) {
                *to += from;
            }
        }
        for (h, weight) in heavies.iter().enumerate() {
            let Some((from, to)) = connections.lights(h as u32, share, within) else { continue };
            for (at, p) in reached.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                let (h0, l0) = (at % block / width, at % width);
                let most = (to as usize).min(width - 1 - l0);
                if h0 + h > heavy as usize || (from as usize) > most {
                    continue;
                }
                for l in from as usize..=most {
                    next[at + h * width + l] += p * weight * lights[l];
                }
            }
        }
        reached = next;
    }
    let total = |n: u32| poisson(n, f64::from(n)).last().copied().unwrap_or(1.0);
    let all = total(light) * total(heavy) * sets(seen.len() as u32, late);
    reached.last().map_or(0.0, |p| (p / all).min(1.0))
}

/// The chance of the same if each call goes to another pod in turn: every pod that is not late has the same share.
#[must_use]
pub fn chance_per_call(seen: &[f64], within: f64, late: u32) -> f64 {
    let Some(ready) = (seen.len() as u32).checked_sub(late).filter(|ready| *ready > 0) else { return 0.0 };
    let may_be_late = |share: &f64| share.abs() <= within;
    let may_be_ready = |share: &f64| (share - 1.0 / f64::from(ready)).abs() <= within;
    if !seen.iter().all(|share| may_be_late(share) || may_be_ready(share)) {
        return 0.0;
    }
    let must = seen.iter().filter(|share| !may_be_ready(share)).count() as u32;
    let either = seen.iter().filter(|share| may_be_late(share) && may_be_ready(share)).count() as u32;
    late.checked_sub(must).map_or(0.0, |rest| sets(either, rest) / sets(seen.len() as u32, late))
}

/// The chance of the shares if each pod has the connections that were counted, and the heavy ones among them are a fair draw.
#[must_use]
pub fn chance_counted(seen: &[f64], within: f64, connections: Connections, counts: &[u32]) -> f64 {
    let heavy = connections.heavy as usize;
    // reached[h]: in how many ways the pods so far have h heavy ones, each pod what it was seen with.
    let mut reached = vec![0.0; heavy + 1];
    reached[0] = 1.0;
    for (share, count) in seen.iter().zip(counts) {
        let mut next = vec![0.0; heavy + 1];
        for h in 0..=connections.heavy.min(*count) {
            if (connections.share(h, count - h) - share).abs() > within {
                continue;
            }
            for before in 0..=heavy - h as usize {
                next[before + h as usize] += reached[before] * sets(*count, h);
            }
        }
        reached = next;
    }
    reached[heavy] / sets(connections.light + connections.heavy, connections.heavy)
}

/// The chance of the shares if this many of the pods, each set of them as likely as another, get the same and more than the others, who get
/// the same, too. What the favoured ones have together is as likely to be any part of the calls, from an even share to all.
#[must_use]
pub fn chance_favoured(seen: &[f64], within: f64, favoured: u32) -> f64 {
    let n = seen.len() as u32;
    let Some(others) = n.checked_sub(favoured).filter(|others| *others > 0 && favoured > 0) else { return 0.0 };
    let (k, rest) = (f64::from(favoured), f64::from(others));
    let even = k / f64::from(n);
    // The parts of the calls at which a pod's share stops or begins to be that of a favoured pod, or of another one.
    let ends = |share: &f64| [-within, within].map(|by| [k * (share + by), 1.0 - rest * (share + by)]);
    let mut parts: Vec<f64> = seen.iter().flat_map(ends).flatten().filter(|part| (even..1.0).contains(part)).collect();
    parts.extend([even, 1.0]);
    parts.sort_by(f64::total_cmp);
    let ways = |part: f64| {
        let (more, less) = (part / k, (1.0 - part) / rest);
        let (mut sure, mut either) = (0u32, 0u32);
        for share in seen {
            match ((share - more).abs() <= within, (share - less).abs() <= within) {
                (false, false) => return 0.0,
                (true, true) => either += 1,
                (true, false) => sure += 1,
                (false, true) => {}
            }
        }
        favoured.checked_sub(sure).map_or(0.0, |open| sets(either, open))
    };
    let likely: f64 = parts.windows(2).map(|ends| (ends[1] - ends[0]) * ways(f64::midpoint(ends[0], ends[1]))).sum();
    likely / (1.0 - even) / sets(n, favoured)
}

/// In how many ways `k` of `n` can be chosen.
fn sets(n: u32, k: u32) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product() }
}

/// Probabilities of 0, 1, … `most` under a Poisson law.
fn poisson(most: u32, mean: f64) -> Vec<f64> {
    let log_mean = libm::log(mean.max(f64::MIN_POSITIVE));
    let of = |k: u32| {
        if k == 0 {
            libm::exp(-mean)
        } else {
            libm::exp(f64::from(k) * log_mean - mean - libm::lgamma(f64::from(k) + 1.0))
        }
    };
    (0..=most).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_connections_leave_only_who_is_heavy_to_chance() {
        // Two pods with 3 and 1 connections: as they are counted, or not at all.
        let equal = Connections::equal(4);
        assert_eq!(chance_counted(&[0.75, 0.25], 0.01, equal, &[3, 1]), 1.0);
        assert_eq!(chance_counted(&[0.5, 0.5], 0.01, equal, &[3, 1]), 0.0);
        // One of four carries 70 %: it is the lonely one in a quarter of the cases.
        let heavy = Connections { light: 3, heavy: 1, heavy_share: 0.7 };
        assert!((chance_counted(&[0.3, 0.7], 0.01, heavy, &[3, 1]) - 0.25).abs() < 1e-12);
        assert!((chance_counted(&[0.9, 0.1], 0.01, heavy, &[3, 1]) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn one_favoured_pod_of_two_has_any_share_above_the_half() {
        // Of the shares from 0.5 to 1 a hundredth to either side is 0.04 of all; it is the first pod or the second.
        assert!((chance_favoured(&[0.8, 0.2], 0.01, 1) - 0.02).abs() < 1e-12);
        assert!((chance_favoured(&[0.2, 0.8], 0.01, 1) - 0.02).abs() < 1e-12);
        // A slow pod of four: three are favoured.
        assert!(chance_favoured(&[0.3, 0.3, 0.3, 0.1], 0.01, 3) > 0.0);
        assert_eq!(chance_favoured(&[0.3, 0.3, 0.3, 0.1], 0.01, 1), 0.0);
        // What they have is from 0.89 to 0.91, of what may be from 0.75 to 1; it is one of four sets of three.
        assert!((chance_favoured(&[0.3, 0.3, 0.3, 0.1], 0.01, 3) - 0.02 / 0.25 / 4.0).abs() < 1e-12);
        // One of three: its share is from 0.59 to 0.61, and half of the rest from 0.19 to 0.21, where it is from 0.58 to 0.62.
        assert!((chance_favoured(&[0.6, 0.2, 0.2], 0.01, 1) - 0.02 / (2.0 / 3.0) / 3.0).abs() < 1e-12);
        // Even shares, seen roughly: up to 0.6 either of two may be the favoured one.
        assert!((chance_favoured(&[0.5, 0.5], 0.1, 1) - 0.1 / 0.5).abs() < 1e-12);
        assert_eq!((chance_favoured(&[0.5, 0.5], 0.01, 0), chance_favoured(&[0.5, 0.5], 0.01, 2)), (0.0, 0.0));
    }

    /// By going through all places of all connections, and all sets of late pods.
    fn counted(seen: &[f64], within: f64, connections: Connections, late: u32) -> f64 {
        let n = seen.len();
        let (mut cases, mut matches) = (0u32, 0u32);
        for absent in (0u32..1 << n).filter(|set| set.count_ones() == late) {
            let ready: Vec<usize> = (0..n).filter(|pod| absent & (1 << pod) == 0).collect();
            for case in 0..ready.len().pow(connections.light + connections.heavy) {
                let mut rest = case;
                let mut on = vec![(0, 0); n];
                for i in 0..connections.light + connections.heavy {
                    let pod = &mut on[ready[rest % ready.len()]];
                    rest /= ready.len();
                    if i < connections.heavy { pod.0 += 1 } else { pod.1 += 1 }
                }
                cases += 1;
                let same = |((h, l), s): (&(u32, u32), &f64)| (connections.share(*h, *l) - s).abs() <= within + 1e-9;
                matches += u32::from(on.iter().zip(seen).all(same));
            }
        }
        f64::from(matches) / f64::from(cases)
    }

    #[test]
    fn chances_are_those_of_going_through_all_cases() {
        let some = |light, heavy, heavy_share| Connections { light, heavy, heavy_share };
        for (seen, within, connections, late) in [
            (&[0.9, 0.05, 0.05, 0.0, 0.0][..], 0.01, some(2, 1, 0.9), 0),
            (&[0.9, 0.05, 0.05, 0.0, 0.0], 0.06, some(4, 2, 0.8), 1),
            (&[0.5, 0.3, 0.2], 0.1, some(9, 0, 0.0), 0),
            (&[0.34, 0.33, 0.33], 0.05, some(9, 1, 0.2), 0),
            (&[1.0, 0.0], 0.01, some(0, 2, 1.0), 0),
            (&[0.25, 0.25, 0.25, 0.25], 0.02, some(8, 0, 0.0), 0),
            (&[0.7, 0.3], 0.2, some(6, 3, 0.5), 0),
            (&[0.6, 0.4, 0.0], 0.11, some(7, 0, 0.0), 1),
            (&[0.7, 0.15, 0.15, 0.0], 0.15, some(7, 0, 0.0), 2),
            (&[0.5, 0.5, 0.0, 0.0], 0.05, some(4, 0, 0.0), 1),
        ] {
            let exact = counted(seen, within, connections, late);
            let ours = chance(seen, within, connections, late);
            assert!(exact > 0.0, "{seen:?} is a case");
            assert!((ours - exact).abs() < 1e-12, "{seen:?} of {connections:?}: {ours}, counted {exact}");
        }
    }

    #[test]
    fn balanced_calls_leave_no_doubt_but_for_who_is_late() {
        for (seen, within, late, chance) in [
            (&[0.5, 0.5][..], 0.02, 0, 1.0),
            (&[0.5, 0.5], 0.02, 1, 0.0),
            (&[0.5, 0.5, 0.0], 0.02, 1, 1.0 / 3.0),
            (&[0.5, 0.4, 0.1], 0.02, 0, 0.0),
            // Four of ten have a tenth or nothing, one knows not which; the others have a sixth.
            (&[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.15, 4, 1.0),
            (&[1.0], 0.02, 1, 0.0),
        ] {
            assert!((chance_per_call(seen, within, late) - chance).abs() < 1e-12, "{seen:?}, {late} late");
        }
    }

    #[test]
    fn all_that_can_be_seen_is_certain() {
        for light in [1, 30, 1_000] {
            let all = chance(&[0.5, 0.2, 0.3], 1.0, Connections::equal(light), 0);
            assert!((all - 1.0).abs() < 1e-9, "{light}: {all}");
        }
        assert_eq!(chance(&[0.5, 0.5], 0.1, Connections::equal(1), 0), 0.0);
        assert_eq!(chance(&[], 0.1, Connections::equal(1), 0), 0.0);
        assert_eq!(chance(&[0.0, 0.0], 0.1, Connections::equal(1), 2), 0.0);
    }
}
