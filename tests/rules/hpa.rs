//! The HorizontalPodAutoscaler: published figures, the examples of Kubernetes' documentation
//! (`docs/tasks/run-application/horizontal-pod-autoscale.md`), and what holds always.

use evenkeel::model::{Behavior, Hpa, ScalingChange, ScalingPolicy, ScalingRules, SelectPolicy};
use evenkeel::policy::hpa::{History, Pod, Sample, recommend};
use evenkeel::units::{Span, Time};
use proptest::prelude::*;

const S: fn(u64) -> Span = Span::from_secs;
/// Long after the pods' start: none is in its initialization period.
const NOW: Time = Time(1_000_000_000_000);
const MOST: u32 = 100;

fn hpa(target_cpu_utilization: u32) -> Hpa {
    Hpa { max_replicas: MOST, target_cpu_utilization, ..Hpa::default() }
}

/// A pod that has long been Ready, with a request of one core.
fn pod(percent: u64) -> Pod {
    let sample = Some(Sample { usage_milli: percent * 10, at: NOW });
    Pod { pending: false, ready: true, ready_changed: Time(5), started: Time::ZERO, request_milli: 1_000, sample }
}

fn pods(percents: &[u64]) -> Vec<Pod> {
    percents.iter().map(|p| pod(*p)).collect()
}

fn wants(target: u32, current: u32, pods: &[Pod]) -> Option<u32> {
    recommend(&hpa(target), current, pods, NOW)
}

#[test]
fn one_saturated_pod_of_ten_is_a_reason_to_scale_down() {
    let mut load = vec![60; 9];
    load.push(100);
    assert_eq!(wants(80, 10, &pods(&load)), Some(8));
}

#[test]
fn five_saturated_pods_become_seven_and_then_all_is_well() {
    assert_eq!(wants(80, 5, &pods(&[100; 5])), Some(7));
    assert_eq!(wants(80, 7, &pods(&[100, 100, 100, 100, 100, 0, 0])), Some(7));
}

/// "If the current metric value is 200m, and the desired value is 100m, the number of replicas will be doubled [...]. If the
/// current value is instead 50m, you'll halve the number of replicas."
#[test]
fn the_ratio_of_the_documentation() {
    assert_eq!(wants(100, 4, &pods(&[200; 4])), Some(8));
    assert_eq!(wants(100, 4, &pods(&[50; 4])), Some(2));
}

#[test]
fn a_tenth_more_or_less_changes_nothing() {
    for percent in [90, 100, 109] {
        assert_eq!(wants(100, 10, &pods(&[percent; 10])), Some(10), "{percent}");
    }
    assert_eq!(wants(100, 10, &pods(&[111; 10])), Some(12));
    assert_eq!(wants(100, 10, &pods(&[89; 10])), Some(9));
    // In float64 1.1 is more than 0.1 away from 1.
    assert_eq!(wants(100, 10, &pods(&[110; 10])), Some(11));
    // Utilization is cut to whole percent: 88.9 % of a target of 80 % are 1.1 times 10 pods, not 1.11 times, which would be 12.
    assert_eq!(wants(80, 10, &pods(&[89, 88, 89, 89, 89, 89, 89, 89, 89, 89])), Some(11));
}

#[test]
fn pods_without_a_sample_dampen_both_ways() {
    let with_missing = |percents: &[u64], missing: usize| {
        let mut pods = pods(percents);
        pods.extend(std::iter::repeat_n(Pod { sample: None, ..pod(0) }, missing));
        pods
    };
    // Up: they use nothing. 4 * 200 % over 6 pods is 133 %: 8 pods, not 8 of 4.
    assert_eq!(wants(100, 6, &with_missing(&[200; 4], 2)), Some(8));
    // Down: they use all they asked for, or the target if that is more. (4 * 20 + 2 * 100) / 6 = 46 %: 3 pods.
    assert_eq!(wants(100, 6, &with_missing(&[20; 4], 2)), Some(3));
    assert_eq!(wants(200, 6, &with_missing(&[40; 4], 2)), Some(3));
    // What they dampen past 1 changes nothing.
    assert_eq!(wants(100, 6, &with_missing(&[120; 3], 3)), Some(6));
    assert_eq!(wants(100, 6, &with_missing(&[], 6)), None);
}

#[test]
fn pods_that_are_not_ready_count_only_when_they_dampen_a_scale_up() {
    let unready = Pod { ready: false, ready_changed: Time::ZERO, ..pod(500) };
    let mut fleet = pods(&[200; 4]);
    fleet.extend([unready; 2]);
    assert_eq!(wants(100, 6, &fleet), Some(8), "133 % of 6");
    let mut fleet = pods(&[50; 4]);
    fleet.extend([unready; 2]);
    assert_eq!(wants(100, 6, &fleet), Some(2), "50 % of the 4 that are ready");
    let mut fleet = pods(&[200; 4]);
    fleet.extend([Pod { pending: true, sample: None, ..pod(0) }; 2]);
    assert_eq!(wants(100, 6, &fleet), Some(8), "pending pods are not ready");
}

/// What the samples alone ask for is not done where the others, at rest, bring the ratio within the tolerance, or below 1.
#[test]
fn what_is_not_known_holds_a_change_back() {
    for (ready, sample) in [(true, None), (false, Some(Sample { usage_milli: 1_000, at: NOW }))] {
        let others = Pod { ready, ready_changed: Time::ZERO, sample, ..pod(0) };
        let fleet = |percent| [pods(&[percent; 4]), vec![others; 2]].concat();
        assert_eq!(wants(100, 6, &fleet(160)), Some(6), "107 % of 6, and not 160 % of 4");
        assert_eq!(wants(100, 6, &fleet(120)), Some(6), "80 % of 6 is no reason to scale down");
        assert_eq!(wants(100, 6, &fleet(180)), Some(8), "120 % of 6");
    }
}

#[test]
fn a_young_pod_counts_once_a_whole_sample_was_taken_after_it_became_ready() {
    let now = Time::ZERO + S(1_000);
    let young = |ready_s: u64, sample_s: u64| Pod {
        started: Time::ZERO + S(900),
        ready_changed: Time::ZERO + S(ready_s),
        sample: Some(Sample { usage_milli: 2_000, at: Time::ZERO + S(sample_s) }),
        ..pod(0)
    };
    let two = |p: Pod| recommend(&hpa(100), 2, &[p, pod(200)], now);
    assert_eq!(two(young(980, 994)), Some(2), "14 s after Ready: 200 % over two pods");
    assert_eq!(two(young(980, 995)), Some(4));
    // Older than the initialization period: not counted if it was never Ready, that is within 30 s of its start.
    let old = |changed_s| Pod { ready: false, ready_changed: Time::ZERO + S(changed_s), ..pod(200) };
    assert_eq!(two(old(29)), Some(2));
    assert_eq!(two(old(30)), Some(4), "was Ready once, and is only busy");
}

#[test]
fn downwards_the_highest_recommendation_of_five_minutes_counts() {
    let hpa = hpa(80);
    let mut history = History::default();
    let at = |s: u64| NOW + S(s);
    assert_eq!(history.sync(&hpa, 10, Some(10), at(0)), 10);
    assert_eq!(history.sync(&hpa, 10, Some(4), at(15)), 10);
    assert_eq!(history.sync(&hpa, 10, Some(3), at(300)), 10);
    assert_eq!(history.sync(&hpa, 10, Some(3), at(301)), 4);
    assert_eq!(history.sync(&hpa, 4, Some(3), at(316)), 3);
}

#[test]
fn upwards_at_most_double_or_four() {
    let mut history = History::default();
    let grown: Vec<u32> = (0..5u64)
        .scan(1, |current, i| {
            *current = history.sync(&hpa(80), *current, Some(50), NOW + S(15 * i));
            Some(*current)
        })
        .collect();
    assert_eq!(grown, [4, 8, 16, 32, 50]);
    let mut history = History::default();
    assert_eq!(history.sync(&hpa(80), 0, Some(5), NOW), 0, "scaled to zero: switched off");
    assert_eq!(history.sync(&hpa(80), 3, None, NOW), 3, "no metrics: nothing changes");
    assert_eq!(history.sync(&hpa(80), 120, Some(5), NOW), MOST, "limits need no metrics");
}

fn rules(window_s: u64, policies: &[(ScalingChange, u64)], select: SelectPolicy) -> ScalingRules {
    let policies = policies.iter().map(|(change, s)| ScalingPolicy { change: *change, period: S(*s) }).collect();
    ScalingRules { stabilization_window: S(window_s), policies, select }
}

fn up() -> ScalingRules {
    rules(0, &[(ScalingChange::Percent(100), 15), (ScalingChange::Pods(4), 15)], SelectPolicy::Max)
}

fn with(up: ScalingRules, down: ScalingRules) -> Hpa {
    Hpa { behavior: Some(Behavior { up, down }), ..hpa(80) }
}

/// Walks from `current` with the same recommendation every 60 s.
fn walk(hpa: &Hpa, mut current: u32, recommended: u32, steps: u64) -> Vec<u32> {
    let mut history = History::default();
    let sync = |i| {
        current = history.sync(hpa, current, Some(recommended), NOW + S(60 * i));
        current
    };
    (0..steps).map(sync).collect()
}

/// The documentation's example: 4 pods or 10 % per minute. "If the number of replicas is 80 and the target has to be scaled down
/// to 10 replicas, during the first step 8 replicas will be reduced. In the next iteration when the number of replicas is 72,
/// 10% of the pods is 7.2 but the number is rounded up to 8. [...] When the number of replicas falls below 40 the first policy
/// (Pods) will be applied and 4 replicas will be reduced at a time."
#[test]
fn four_pods_or_a_tenth_per_minute() {
    let policies = [(ScalingChange::Pods(4), 60), (ScalingChange::Percent(10), 60)];
    let down = rules(0, &policies, SelectPolicy::Max);
    assert_eq!(walk(&with(up(), down), 80, 10, 11), [72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20]);
    let least = rules(0, &policies, SelectPolicy::Min);
    assert_eq!(walk(&with(up(), least), 80, 10, 2), [76, 72]);
    let off = rules(0, &policies, SelectPolicy::Disabled);
    assert_eq!(walk(&with(up(), off), 80, 10, 2), [80, 80]);
}

#[test]
fn a_policy_counts_what_was_changed_in_its_period() {
    let slow = rules(0, &[(ScalingChange::Pods(4), 60)], SelectPolicy::Max);
    let hpa = with(slow, rules(300, &[(ScalingChange::Percent(100), 15)], SelectPolicy::Max));
    let mut history = History::default();
    let mut sync = |current, s| history.sync(&hpa, current, Some(50), NOW + S(s));
    assert_eq!([sync(10, 0), sync(14, 15), sync(14, 59), sync(14, 60)], [14, 14, 14, 18]);
    let hpa = with(up(), rules(0, &[(ScalingChange::Pods(4), 60)], SelectPolicy::Max));
    let mut history = History::default();
    let mut sync = |current, s| history.sync(&hpa, current, Some(2), NOW + S(s));
    assert_eq!([sync(20, 0), sync(16, 15), sync(16, 59), sync(16, 60)], [16, 16, 16, 12]);
}

#[test]
fn downwards_a_window_takes_the_highest_recommendation() {
    let hpa = with(up(), rules(60, &[(ScalingChange::Percent(100), 15)], SelectPolicy::Max));
    let mut history = History::default();
    let mut sync = |recommended, s| history.sync(&hpa, 8, Some(recommended), NOW + S(s));
    assert_eq!([sync(8, 0), sync(3, 59), sync(3, 60)], [8, 8, 3]);
}

#[test]
fn default_behavior_is_doubling_or_four_pods_per_15_s() {
    let hpa = with(up(), rules(300, &[(ScalingChange::Percent(100), 15)], SelectPolicy::Max));
    assert_eq!(walk(&hpa, 1, 50, 5), [5, 10, 20, 40, 50]);
}

#[test]
fn upwards_a_window_takes_the_lowest_recommendation() {
    let mut slow = up();
    slow.stabilization_window = S(60);
    let hpa = with(slow, rules(0, &[(ScalingChange::Percent(100), 15)], SelectPolicy::Max));
    let mut history = History::default();
    let mut sync = |recommended, s| history.sync(&hpa, 4, Some(recommended), NOW + S(s));
    assert_eq!([sync(8, 0), sync(8, 15), sync(6, 59), sync(8, 60), sync(8, 119)], [4, 4, 4, 6, 8]);
}

fn any_change() -> impl Strategy<Value = ScalingChange> {
    prop_oneof![(1u32..20).prop_map(ScalingChange::Pods), (1u32..=100).prop_map(ScalingChange::Percent)]
}

fn any_rules() -> impl Strategy<Value = ScalingRules> {
    let select = prop_oneof![Just(SelectPolicy::Max), Just(SelectPolicy::Min), Just(SelectPolicy::Disabled)];
    (0u64..600, proptest::collection::vec((any_change(), 1u64..300), 1..4), select)
        .prop_map(|(window, policies, select)| rules(window, &policies, select))
}

fn any_hpa() -> impl Strategy<Value = Hpa> {
    let behavior = proptest::option::of((any_rules(), any_rules()).prop_map(|(up, down)| Behavior { up, down }));
    (1u32..20, 0u32..80, 1u32..200, behavior).prop_map(|(min_replicas, more, target, behavior)| Hpa {
        min_replicas,
        max_replicas: min_replicas + more,
        behavior,
        ..hpa(target)
    })
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn replicas_stay_within_the_limits(
        hpa in any_hpa(), start in 1u32..150, wanted in proptest::collection::vec(proptest::option::of(0u32..500), 1..60),
    ) {
        let mut history = History::default();
        let mut current = start;
        for (i, wanted) in wanted.into_iter().enumerate() {
            current = history.sync(&hpa, current, wanted, NOW + S(15 * i as u64));
            prop_assert!((hpa.min_replicas..=hpa.max_replicas).contains(&current), "{}", current);
        }
    }

    /// With every pod ready and sampled, more load on any pod never asks for fewer pods.
    #[test]
    fn more_load_never_asks_for_fewer(
        target in 1u32..200, load in proptest::collection::vec(0u64..400, 1..40), which in any::<prop::sample::Index>(), more in 1u64..200,
    ) {
        let n = load.len() as u32;
        let before = wants(target, n, &pods(&load));
        let mut load = load;
        let i = which.index(load.len());
        load[i] += more;
        prop_assert!(wants(target, n, &pods(&load)) >= before);
    }

    /// Pods without a sample never make a change larger, nor turn it round.
    #[test]
    fn what_is_not_known_only_dampens(load in proptest::collection::vec(0u64..400, 1..20), missing in 1usize..10) {
        let mut fleet = pods(&load);
        fleet.extend(std::iter::repeat_n(Pod { sample: None, ..pod(0) }, missing));
        let current = fleet.len() as u32;
        let known = wants(100, load.len() as u32, &pods(&load)).expect("samples");
        let all = wants(100, current, &fleet).expect("samples");
        let per_pod = |wanted: u32, n: u32| f64::from(wanted) / f64::from(n);
        let (known, all) = (per_pod(known, load.len() as u32), per_pod(all, current));
        // Rounding up to a whole pod is worth 1/n of the smaller fleet.
        let whole = 1.0 / load.len() as f64;
        prop_assert!((all - 1.0).abs() <= (known - 1.0).abs() + whole, "{} {}", known, all);
    }
}
