//! The statistical kit against published values, and the bookkeeping of the family of statistical tests.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::family::{FAMILIES, Family, LEVEL};
use support::stats::*;

fn near(got: f64, want: f64, digits: f64) {
    assert!((got - want).abs() <= digits, "{got} is not {want}");
}

#[test]
fn chi_square_tests() {
    // Table of the chi-square law: 9.488 is its 95 % point with 4 degrees of freedom.
    near(chi_square_tail(9.487_729, 4), 0.05, 1e-7);
    // The example of scipy.stats.chisquare: X² = 2, p = 0.84914.
    let die = [16u64, 18, 16, 14, 12, 12];
    near(x2_uniform(&die), 2.0, 1e-12);
    near(chi_square(&die.map(|x| x as f64), &[88.0 / 6.0; 6], 0), 0.849_145_036, 1e-8);
    // The 2 x 2 table 10 20 / 30 40: X² = n (ad - bc)² / product of the margins = 0.79365, p = 0.3730.
    near(chi_square_two_samples(&[10, 20], &[30, 40]), 0.373_0, 5e-5);
    let (o, e) = pool(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 2.0, 2.0, 5.0, 1.0]);
    assert_eq!((o, e), (vec![6.0, 9.0], vec![6.0, 6.0]));
}

/// Points of Kolmogorov's law: P(K > 1.35810) = 5 %, P(K > 1.62762) = 1 %.
#[test]
fn kolmogorov_smirnov_tests() {
    for (point, p) in [(1.358_10, 0.05), (1.627_62, 0.01)] {
        let distance = point / (10.0 + 0.12 + 0.011);
        // Values i/n + D, cut at 1, have distance D from the uniform law.
        let sample: Vec<f64> = (0..100).map(|i| (f64::from(i) / 100.0 + distance).min(1.0)).collect();
        near(ks_one_sample(&sample, |x| x), p, 1e-5);
    }
    // Tables: the two-sided 5 % point for two samples of 50 is 14/50.
    let base: Vec<f64> = (0..50).map(f64::from).collect();
    let shifted = |by: f64| base.iter().map(|x| x + by - 0.5).collect::<Vec<f64>>();
    assert!(ks_two_samples(&base, &shifted(14.0)) < 0.05 && ks_two_samples(&base, &shifted(12.0)) > 0.05);
    assert_eq!(ks_two_samples(&base, &base), 1.0);
}

/// R: binom.test(682, 925, p = 0.75), Conover's example, p = 0.3825; binom.test(0, 10, 0.5), p = 2/1024.
#[test]
fn binomial_tests() {
    near(binomial(682, 925, 0.75), 0.3825, 5e-5);
    near(binomial(0, 10, 0.5), 2.0 / 1024.0, 1e-12);
    near(binomial(5, 10, 0.5), 1.0, 1e-12);
}

/// Student's sleep data (R's `sleep`): Welch p = 0.07939, paired p = 0.002833.
#[test]
fn tests_of_means() {
    let a = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    let b = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    near(t_two_means(&a, &b), 0.079_39, 5e-6);
    let differences: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    near(t_mean(&differences, 0.0), 0.002_833, 5e-7);
    near(z(1.959_964), 0.05, 1e-7);
    near(z_mean(&[1.0, 3.0, 2.0, 2.0], 1.0, 2.0), 0.317_310_5, 1e-6);
}

#[test]
fn prediction_intervals_are_order_statistics() {
    let values: Vec<f64> = (1..=199).rev().map(f64::from).collect();
    let i = Prediction::new(&values, 0.99);
    assert_eq!((i.lo, i.hi, i.runs), (1.0, 199.0, 199));
    near(i.coverage, 0.99, 1e-12);
    assert!(i.contains(199.0) && !i.contains(0.5));
    let i = Prediction::new(&(1..=999).map(f64::from).collect::<Vec<f64>>(), 0.99);
    assert_eq!((i.lo, i.hi), (5.0, 995.0));
}

/// By enumeration: each choice of places for the new values among all of them is equally likely.
#[test]
fn values_beyond_a_range_are_counted_exactly() {
    let (new, old) = (4, 5);
    let mut at_least = [0.0; 5];
    let choices: Vec<u32> = (0..1u32 << (new + old)).filter(|places| places.count_ones() == new).collect();
    for places in &choices {
        let is_old = |i: &u32| places & (1 << i) == 0;
        let first = (0..new + old).find(is_old).expect("an old value");
        let last = (0..new + old).rfind(is_old).expect("an old value");
        let beyond = (0..new + old).filter(|i| !is_old(i) && (*i < first || *i > last)).count();
        at_least[..=beyond].iter_mut().for_each(|n| *n += 1.0 / choices.len() as f64);
    }
    for (beyond, p) in at_least.into_iter().enumerate() {
        near(beyond_range(beyond, new as usize, old as usize), p, 1e-9);
    }
    // One new value: as often below as each of the old ones is the smallest.
    near(beyond_range(1, 1, 199), 0.01, 1e-12);
}

#[test]
#[should_panic(expected = "too few")]
fn prediction_intervals_need_enough_runs() {
    Prediction::new(&[1.0; 198], 0.99);
}

/// R: p.adjust(c(.01, .04, .03, .005), "holm") is .03 .06 .06 .02.
#[test]
fn holm_adjusts_as_r_does() {
    for (got, want) in holm(&[0.01, 0.04, 0.03, 0.005]).into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near(got, want, 1e-12);
    }
    assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
}

#[test]
fn a_family_rejects_at_its_part_of_the_level() {
    let group = FAMILIES[0];
    let filled = |p: f64| {
        let mut family = Family::named(group.0);
        (0..group.1).for_each(|i| family.add(format!("{i}"), if i == 0 { p } else { 0.5 }));
        family
    };
    let level = filled(0.5).level() / group.1 as f64;
    filled(level * 1.01).assert_holds();
    filled(level * 0.99).assert_rejected();
    assert!(std::panic::catch_unwind(|| filled(level * 0.99).assert_holds()).is_err());
    assert!(std::panic::catch_unwind(|| filled(level * 1.01).assert_rejected()).is_err());
    assert!(std::panic::catch_unwind(|| Family::named(group.0).assert_holds()).is_err());
    assert!(level <= LEVEL);
}

/// Every listed group is named in some test, and every group that a test names is listed, once.
#[test]
fn the_list_of_families_is_the_truth() {
    let mut used = BTreeSet::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders = [
        tests.clone(),
        tests.join("labs"),
        tests.join("closed_forms"),
        tests.join("behaviour"),
        tests.join("experiments"),
        tests.join("check"),
    ];
    for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            for prefix in [
                "\"closed form: ",
                "\"theory: ",
                "\"lab E",
                "\"policies: ",
                "\"published: ",
                "\"estimates: ",
                "\"check: ",
                "\"fit: ",
                "\"plan: ",
            ] {
                let rest = text.match_indices(prefix).map(|(at, _)| &text[at + 1..]);
                let names = rest.filter_map(|rest| rest.split('"').next()).filter(|name| name.len() >= prefix.len());
                used.extend(names.map(str::to_string));
            }
        }
    }
    let listed: BTreeSet<String> = FAMILIES.iter().map(|f| f.0.to_string()).collect();
    assert_eq!(used, listed);
    assert_eq!(listed.len(), FAMILIES.len());
}
