//! Retries and their limits, warm-up and CPU limits: what holds on random inputs.

use evenkeel::model::stack::{self, Stack};
use evenkeel::model::{Breakers, Codes, Cpu, CpuLimit, RetryLimit, RetryPolicy, RetryThrottling, WarmUp};
use evenkeel::policy::budget::{InUse, Resource};
use evenkeel::policy::cpu::Meter;
use evenkeel::policy::retry::{Failure, Next, Reached, Throttle, delay, next};
use evenkeel::policy::warm_up::{duration, speed};
use evenkeel::units::{Cores, Milli, Span, Time};
use proptest::prelude::*;

const UNAVAILABLE: u8 = 14;

fn any_policy() -> impl Strategy<Value = RetryPolicy> {
    (2u32..10, 1u64..2_000, 1u64..5_000, 1.0f64..4.0, any::<u32>()).prop_map(
        |(max_attempts, initial, max, multiplier, codes)| RetryPolicy {
            max_attempts,
            initial_backoff: Span::from_millis(initial),
            max_backoff: Span::from_millis(max),
            multiplier,
            codes: Codes(codes),
            ..RetryPolicy::default()
        },
    )
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn tokens_stay_within_the_bucket_and_half_of_them_are_needed(
        max_milli in 1u32..1_000_000, ratio_milli in 1u32..100_000, calls in proptest::collection::vec(any::<bool>(), 0..300),
    ) {
        let mut t = Throttle::new(RetryThrottling { max_tokens: Milli(max_milli), token_ratio: Milli(ratio_milli) });
        for ok in calls {
            if ok {
                t.succeeded();
            } else {
                prop_assert_eq!(t.failed(), 2 * t.milli() > max_milli);
            }
            prop_assert!(t.milli() <= max_milli);
        }
    }

    #[test]
    fn a_call_makes_no_more_attempts_than_allowed(policy in any_policy(), draws in proptest::collection::vec(any::<u64>(), 12)) {
        let mut attempts = 1;
        for draw in draws {
            let failure = Failure { reached: Reached::NoHeaders, code: UNAVAILABLE, attempts, first: attempts == 1 };
            match next(Some(&policy), None, failure, draw) {
                Next::Transparent => prop_assert!(false, "the server saw it"),
                Next::Fail => break,
                Next::After(_) => attempts += 1,
            }
        }
        let most = if policy.codes.contains(UNAVAILABLE) { policy.max_attempts.min(5) } else { 1 };
        prop_assert_eq!(attempts, most);
    }

    #[test]
    fn delays_keep_to_the_jitter(policy in any_policy(), retry in 1u32..40, draw in any::<u64>()) {
        let largest = policy.max_backoff.0.max(policy.initial_backoff.0.min(policy.max_backoff.0)) as f64;
        let smallest = policy.initial_backoff.0.min(policy.max_backoff.0) as f64;
        let d = delay(&policy, retry, draw).0 as f64;
        prop_assert!(d >= 0.8 * smallest - 1.0 && d <= 1.2 * largest + 1.0);
    }

    #[test]
    fn breakers_are_never_passed(
        steps in proptest::collection::vec((0usize..3, any::<bool>()), 0..300), most in 0u32..20, percent in 0.0f64..100.0,
    ) {
        const ALL: [Resource; 3] = [Resource::Pending, Resource::Request, Resource::Retry];
        let limit = RetryLimit::Budget { percent, min: 3 };
        let breakers = Breakers { max_requests: most, max_pending_requests: most, retries: limit };
        let mut used = InUse::default();
        for (i, take) in steps {
            let before = used.used(ALL[i]);
            if take {
                let active = used.used(Resource::Request) + used.used(Resource::Pending);
                let allowed = if i == 2 { ((percent / 100.0 * f64::from(active)) as u32).max(3) } else { most };
                prop_assert_eq!(used.try_take(&breakers, ALL[i]), before < allowed);
            } else {
                used.give_back(ALL[i]);
                prop_assert_eq!(used.used(ALL[i]), before.saturating_sub(1));
            }
        }
    }

    /// Work that is done later is done no later than it would have been, and never faster than by a warm pod.
    #[test]
    fn a_warm_pod_is_never_slower(
        initial in 0.01f64..1.0, time in 1u64..100_000, age in 0u64..120_000, later in 0u64..1_000, work in 1u64..50_000,
    ) {
        let ms = Span::from_millis;
        let w = WarmUp { initial, time: ms(time) };
        let (early, late) = (duration(&w, ms(age), ms(work)), duration(&w, ms(age + later), ms(work)));
        // A few ns of rounding on either side.
        prop_assert!(early >= ms(work) - Span(100) && late <= early + Span(100));
        let s = speed(&w, ms(age));
        prop_assert!(s >= initial && s <= 1.0);
        prop_assert!(early.as_secs_f64() <= ms(work).as_secs_f64() / s + 1e-6);
    }

    /// The closed form is what a walk in steps of a millisecond finds, and a pod never uses more than its limit.
    #[test]
    fn a_limited_burst_ends_when_a_walk_says(
        cores in 1u64..8, threads in 1u64..32, start in 0u64..300, work in 1u64..400,
    ) {
        let ms = Span::from_millis;
        // Quotas that the threads divide: what is rounded off otherwise is not the walk's to know.
        let cpu = Cpu { cores: Cores(1_000_000), limit: Some(Cores((cores * threads * 100) as u32)), ..Cpu::default() };
        let limit = CpuLimit { quota: ms(cores * threads * 10), period: ms(100) };
        prop_assert_eq!(cpu.bandwidth(), Some(limit));
        let mut meter = Meter::new(&cpu, Time::ZERO, limit.period);
        (0..threads).for_each(|_| { meter.begin(&cpu, Time::ZERO + ms(start)); });
        let (mut now, mut left, mut done) = (start, if start % 100 == 0 { 0 } else { cores * threads * 10 }, 0);
        while done < work {
            if now % 100 == 0 {
                left = cores * threads * 10;
            }
            if left >= threads {
                left -= threads;
                done += 1;
            }
            now += 1;
        }
        let finish = meter.reaches(&cpu, ms(work));
        prop_assert_eq!(finish, Time::ZERO + ms(now));
        let used = meter.used(&cpu, finish);
        prop_assert_eq!(used, ms(work * threads));
        let periods = now / 100 + 1;
        prop_assert!(used <= limit.quota * periods);
    }
}

/// Each default of a stack that the model has a place for is one that the model can hold.
#[test]
fn stacks_differ_where_the_lab_saw_it() {
    let client = |s| stack::client(s);
    // First back-off gap: 1.0 s in grpc-go and grpc-js, 0.81 to 1.17 s in C-core, none in tonic.
    assert_eq!([Stack::Go, Stack::Node, Stack::CCore].map(|s| client(s).backoff.jitter_first), [false, false, true]);
    assert!(client(Stack::Tonic).backoff.per_call);
    // After a black hole: TCP_USER_TIMEOUT in grpc-go and C-core, interval and timeout in tonic.
    assert_eq!(
        [Stack::Go, Stack::CCore, Stack::Tonic].map(|s| client(s).keepalive.tcp_user_timeout),
        [true, true, false]
    );
    // C-core goes from 3 s to 60 s by itself; grpc-go does not.
    assert_eq!([Stack::Go, Stack::CCore].map(|s| client(s).keepalive.throttle.is_some()), [false, true]);
}
