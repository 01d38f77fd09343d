//! The lab's files are complete and say what their README says of them.

use crate::support;

use support::lab;
use support::stats::{mean, variance};

#[test]
fn every_file_has_its_trials() {
    let e1 = lab::e1();
    assert!(e1.len() == 40 && e1.iter().all(|t| t.requests.iter().sum::<u64>() == 10_000 && t.connections == 1));
    assert_eq!(e1.iter().map(|t| t.errors).sum::<u64>(), 0);
    for (c, trials) in [(5, 400), (10, 400), (50, 300), (200, 200)] {
        let e2 = lab::e2(c);
        assert!(e2.len() == trials && e2.iter().all(|t| t.iter().sum::<u64>() == c), "{c}");
    }
    let e3 = lab::e3();
    for (kind, workers, connections) in [("new", 10, 1_000), ("lifo", 10, 10), ("lifo", 3, 10), ("fifo", 3, 10)] {
        let of: Vec<_> = e3.iter().filter(|t| t.kind == kind && t.workers == workers).collect();
        assert_eq!(of.len(), 40, "{kind} {workers}");
        assert!(of.iter().all(|t| t.requests.iter().sum::<u64>() == 1_000));
        assert!(of.iter().all(|t| t.connections.iter().sum::<u64>() == connections), "{kind} {workers}");
    }
    let cold = lab::e4_cold();
    assert!(
        cold.len() == 40
            && cold.iter().all(|t| t.requests.iter().sum::<u64>() == if t.workers == 1 { 1_000 } else { 10_000 })
    );
    assert_eq!((lab::e4_warm().len(), lab::e4_pick_first().len()), (24, 40));
}

/// What `scenarios/e4.yaml` and `tests/labs/e4.rs` take from other experiments.
#[test]
fn the_cold_start_has_the_times_of_the_machine() {
    let median = |i: usize| {
        let mut of: Vec<f64> = lab::e1().iter().map(|t| t.latency_ms[i]).collect();
        of.sort_by(f64::total_cmp);
        (of[19] + of[20]) / 2.0
    };
    let near =
        |got: f64, want: f64, digits: i32| assert!((got - want).abs() <= 0.5 * 0.1f64.powi(digits), "{got} {want}");
    near(median(0), 14.35, 2);
    near(median(1), 39.1, 1);
    let (answers, spreads): (Vec<f64>, Vec<f64>) = lab::e6_connects().into_iter().unzip();
    assert_eq!(answers.len(), 80);
    // The range of three exponential times has a mean of 1 + 1/2 of theirs.
    near(mean(&spreads) / 1.5, 3.64, 2);
    near(2.0 * mean(&answers), 10.7, 1);
    // Two independent waits; a lognormal time has a coefficient of variation of sqrt(exp(sigma²) - 1).
    let cv2 = variance(&answers) / 2.0 / mean(&answers).powi(2);
    near((1.0 + cv2).ln().sqrt(), 0.44, 2);
}

#[test]
fn changes_over_time_have_their_trials() {
    assert_eq!((lab::e5_lifetimes("core").len(), lab::e5_lifetimes("go").len()), (2_259, 2_342));
    let aged = lab::e5_trials();
    let of = |stack: &str| {
        aged.iter()
            .filter(|t| t.stack == stack)
            .fold((0, 0, 0), |s, t| (s.0 + t.calls, s.1 + t.failed, s.2 + t.long_ok))
    };
    assert_eq!((of("core"), of("go")), ((38_879, 218, 262), (38_398, 0, 0)));
    for (variant, trials, never) in [('a', 3, true), ('b', 3, false), ('c', 2, true), ('d', 2, false)] {
        let of: Vec<_> = lab::e6().into_iter().filter(|t| t.variant == variant).collect();
        assert!(
            of.len() == trials && of.iter().all(|t| t.first_new_s.is_none() == never && t.failed == 0),
            "{variant}"
        );
        let first = lab::e6_first_new_pod(variant);
        assert!(if never { first.is_empty() } else { first.iter().all(|clients| clients.len() == 20) }, "{variant}");
    }
    assert!(
        lab::e6_dns_queries('c').iter().all(|q| q.len() == 20)
            && lab::e6_dns_queries('d').iter().all(|q| q.len() == 100)
    );
    for (run, trials, pods) in [("surge_cip_5", 20, 5), ("surge_cip_10", 10, 10), ("unavail_cip_5", 20, 5)] {
        let ends = lab::e7_connections(run);
        assert!(ends.len() == trials && ends.iter().all(|t| t.len() == pods && t.iter().sum::<f64>() == 40.0), "{run}");
        assert!(lab::e7_failures(run).iter().all(|f| f.outage_s.is_none()), "{run}");
    }
    let outage = lab::e7_failures("surge_rr_settle22");
    assert_eq!(outage.iter().map(|f| f.unavailable + f.cancelled).sum::<u64>(), 5_098);
    assert!(outage.len() == 4 && outage.iter().all(|f| f.outage_s.is_some_and(|(from, to)| from < 16.0 && to > 30.0)));
    assert!(lab::e7_first_contact("surge_rr_settle22").iter().all(|t| t.len() == 10));
    assert_eq!((lab::e7_steps("surge_rr_settle22").len(), lab::e7_steps("surge_rr_step10").len()), (60, 45));
    assert_eq!(lab::e8().len(), 20);
    assert!(lab::e8().iter().all(|t| lab::e8_quantiles(&t.config, &t.stack, &t.policy, t.trial).len() >= 9));
    let e9 = lab::e9();
    let killed = e9.iter().filter(|p| p.goaway_s.is_some()).count();
    assert_eq!((e9.len(), killed, lab::e9_answers().len()), (15, 11, 36));
    assert_eq!(lab::e10_black_hole().len(), 17);
}

#[test]
fn proxies_have_their_trials() {
    for proxy in
        ["haproxy_random1_t1", "haproxy_leastconn_t1", "nginx_rr_w2", "nginx_random2_w1", "envoy_lr_c2", "envoy_rr_c1"]
    {
        let trials = lab::e11(proxy);
        assert!(trials.len() == 8 && trials.iter().all(|t| t.requests.iter().sum::<u64>() == 4_000), "{proxy}");
        assert!(trials.iter().all(|t| t.latency_ms[0] > 10.0 && t.latency_ms[1] > t.latency_ms[0]), "{proxy}");
        assert!(trials[..4].iter().all(|t| t.load == "1conn_50w") && trials[4..].iter().all(|t| t.load == "10conn_5w"));
    }
}
