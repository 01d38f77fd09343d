//! Our power of two choices, Peak EWMA and pending requests against tower's own, step by step: the same draws, the same
//! arrivals and completions, tokio's clock paused. Whatever tower's balancer picks, ours must have picked.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel::pick::p2c;
use evenkeel::pick::peak_ewma::Estimate;
use evenkeel::units::{Span, Time};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, Load, PeakEwma as TowerEwma, PendingRequests};
use tower::{Service, util};

const ENDPOINTS: usize = 7;
const STEPS: usize = 20_000;
const DEFAULT_RTT: Duration = Duration::from_millis(30);
const DECAY: Span = Span::from_secs(10);

/// A request: tower's service writes down who got it, and waits until it is over.
#[derive(Clone, Default)]
struct Call {
    picked: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

struct Endpoint(usize);

type Response = std::pin::Pin<Box<dyn Future<Output = Result<(), tower::BoxError>> + Send>>;

impl Service<Call> for Endpoint {
    type Response = ();
    type Error = tower::BoxError;
    type Future = Response;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), tower::BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Response {
        call.picked.store(self.0, Ordering::Relaxed);
        Box::pin(poll_fn(move |_| if call.over.load(Ordering::Relaxed) { Poll::Ready(Ok(())) } else { Poll::Pending }))
    }
}

/// tower takes a draw modulo a range: draws below every range pass unchanged. It asks for an index below n - 1, then below n.
struct Draws(ChaCha8Rng, bool);

impl Draws {
    fn new(seed: u64) -> Draws {
        Draws(ChaCha8Rng::seed_from_u64(seed), false)
    }

    fn index(&mut self) -> (u64, u64) {
        self.1 = !self.1;
        let range = ENDPOINTS as u64 - u64::from(self.1);
        (self.0.next_u64() % range, range)
    }
}

impl util::rng::Rng for Draws {
    fn next_u64(&mut self) -> u64 {
        self.index().0
    }
}

/// The same index for us, who multiply instead of dividing.
fn ours(draws: &mut Draws) -> u64 {
    let (index, range) = draws.index();
    (u128::from(index) << 64).div_ceil(u128::from(range)) as u64
}

/// Our measure of load of one endpoint.
trait Measure {
    fn load(&mut self, now: Time, pending: u32) -> f64;
    fn complete(&mut self, now: Time, rtt: Span);
}

struct Pending;

impl Measure for Pending {
    fn load(&mut self, _: Time, pending: u32) -> f64 {
        f64::from(pending)
    }

    fn complete(&mut self, _: Time, _: Span) {}
}

impl Measure for Estimate {
    fn load(&mut self, now: Time, pending: u32) -> f64 {
        self.load(now, pending, DECAY)
    }

    fn complete(&mut self, now: Time, rtt: Span) {
        self.complete(now, rtt, DECAY);
    }
}

/// A wrong model: it does not decay when it is read.
struct NoDecay(Estimate);

impl Measure for NoDecay {
    fn load(&mut self, now: Time, pending: u32) -> f64 {
        self.0.clone().load(now, pending, DECAY)
    }

    fn complete(&mut self, now: Time, rtt: Span) {
        self.0.complete(now, rtt, DECAY);
    }
}

/// What came of a replay.
#[derive(Debug, Default)]
struct Outcome {
    /// Picks by different loads, and by loads that are equal up to rounding.
    clear: usize,
    tied: usize,
    /// Picks on which the two disagree; after the first the states differ.
    wrong: usize,
    per_endpoint: [usize; ENDPOINTS],
}

/// Calls under way.
struct Open {
    place: usize,
    sent: Time,
    done: Time,
    call: Call,
    response: Response,
}

/// Runs tower's balancer over these services and our measures side by side.
fn replay<S, M>(wrap: impl Fn(Endpoint) -> S, measure: impl Fn() -> M, seed: u64) -> Outcome
where
    S: Service<Call, Response = (), Error = tower::BoxError, Future: Send + 'static> + Load<Metric: std::fmt::Debug>,
    M: Measure,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let services: Vec<S> = (0..ENDPOINTS).map(|i| wrap(Endpoint(i))).collect();
        let mut balance = Balance::from_rng(ServiceList::new(services), Draws::new(seed));
        let mut cx = Context::from_waker(Waker::noop());
        // tower's ready list changes its order: what is called goes to the end, the last takes its place.
        let mut ready: Vec<usize> = (0..ENDPOINTS).collect();
        let mut names = [None; ENDPOINTS];
        let mut measures: Vec<M> = (0..ENDPOINTS).map(|_| measure()).collect();
        let (mut draws, mut plan) = (Draws::new(seed), ChaCha8Rng::seed_from_u64(seed ^ 0xabc));
        let (mut now, mut open, mut outcome) = (Time(0), Vec::<Open>::new(), Outcome::default());
        for _ in 0..STEPS {
            let arrives = now + Span(plan.next_u64() % 2_000_000);
            // Everything that ends before then.
            while let Some(i) = (0..open.len()).filter(|i| open[*i].done <= arrives).min_by_key(|i| open[*i].done) {
                let mut ended = open.swap_remove(i);
                advance(&mut now, ended.done).await;
                ended.call.over.store(true, Ordering::Relaxed);
                assert!(pin!(&mut ended.response).poll(&mut cx).is_ready());
                measures[ended.place].complete(now, now.since(ended.sent));
            }
            advance(&mut now, arrives).await;
            assert!(balance.poll_ready(&mut cx).is_ready());
            let pending = |place: usize| open.iter().filter(|o| o.place == place).count() as u32;
            let mut loads = [None; ENDPOINTS];
            let load = |i: usize| {
                let value = measures[ready[i]].load(now, pending(ready[i]));
                loads[i] = Some(value);
                value
            };
            let mut pick = p2c::pick(ENDPOINTS, load, &mut || ours(&mut draws)).unwrap();
            let call = Call::default();
            let future = balance.call(call.clone());
            let picked = call.picked.load(Ordering::Relaxed);
            let named = |name: Option<usize>| name.is_none_or(|name| name == picked);
            let read: Vec<(usize, f64)> = loads.iter().enumerate().filter_map(|(i, l)| Some((i, (*l)?))).collect();
            let [(a, load_a), (b, load_b)] = read[..] else { panic!("two loads are read") };
            if (load_a / load_b - 1.0).abs() < 1e-9 && load_a != load_b {
                // Rounding decides: tower uses another exponential function.
                outcome.tied += 1;
                if !named(names[ready[pick]]) {
                    pick = a + b - pick;
                }
            } else {
                outcome.clear += 1;
            }
            let place = ready.swap_remove(pick);
            ready.push(place);
            if !named(names[place]) || names[place].is_none() && names.contains(&Some(picked)) {
                outcome.wrong += 1;
                return outcome;
            }
            names[place] = Some(picked);
            outcome.per_endpoint[picked] += 1;
            // Two of the endpoints are slow now and then.
            let slow = picked < 2 && (now.0 / 1_000_000_000).is_multiple_of(3);
            let takes = Span(plan.next_u64() % if slow { 400_000_000 } else { 20_000_000 });
            open.push(Open { place, sent: now, done: now + takes, call, response: Box::pin(future) });
        }
        outcome
    })
}

async fn advance(now: &mut Time, to: Time) {
    tokio::time::advance(Duration::from_nanos(to.since(*now).0)).await;
    *now = to;
}

fn ewma(endpoint: Endpoint) -> TowerEwma<Endpoint> {
    TowerEwma::new(endpoint, DEFAULT_RTT, DECAY.0 as f64, CompleteOnResponse::default())
}

fn measure() -> Estimate {
    Estimate::new(Span(DEFAULT_RTT.as_nanos() as u64), Time(0))
}

#[test]
fn p2c_with_peak_ewma_picks_as_towers() {
    for seed in 1..=5 {
        let outcome = replay(ewma, measure, seed);
        assert_eq!(outcome.wrong, 0, "seed {seed}: {outcome:?}");
        assert_eq!(outcome.clear + outcome.tied, STEPS);
        assert!(outcome.tied < STEPS / 100, "rounding decides too often to compare: {outcome:?}");
        // The slow ones get less.
        let [slow, fast] = [outcome.per_endpoint[..2].iter().max(), outcome.per_endpoint[2..].iter().min()];
        assert!(slow < fast, "{outcome:?}");
    }
}

#[test]
fn p2c_with_pending_requests_picks_as_towers() {
    let pending = |endpoint| PendingRequests::new(endpoint, CompleteOnResponse::default());
    for seed in 1..=5 {
        let outcome = replay(pending, || Pending, seed);
        assert_eq!((outcome.wrong, outcome.tied), (0, 0), "seed {seed}: {outcome:?}");
    }
}

#[test]
fn other_measures_pick_otherwise() {
    // Wrong models.
    assert_eq!(replay(ewma, || Pending, 1).wrong, 1);
    assert_eq!(replay(ewma, || NoDecay(measure()), 1).wrong, 1);
    let shorter = || Estimate::new(Span::from_millis(20), Time(0));
    assert_eq!(replay(ewma, shorter, 1).wrong, 1);
}

/// The load itself, which tower shows only when it is printed.
#[test]
fn the_load_is_towers_up_to_rounding() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (mut tower, mut ours) = (ewma(Endpoint(0)), measure());
        let (mut plan, mut now) = (ChaCha8Rng::seed_from_u64(1), Time(0));
        let mut cx = Context::from_waker(Waker::noop());
        let mut open: Vec<(Time, Call, _)> = Vec::new();
        for step in 0..5_000 {
            let to = now + Span(plan.next_u64() % 300_000_000);
            advance(&mut now, to).await;
            if plan.next_u64().is_multiple_of(2) || open.is_empty() {
                let call = Call::default();
                let response = tower.call(call.clone());
                open.push((now, call, Box::pin(response)));
            } else {
                let (sent, call, mut response) = open.swap_remove((plan.next_u64() % open.len() as u64) as usize);
                call.over.store(true, Ordering::Relaxed);
                assert!(response.as_mut().poll(&mut cx).is_ready());
                drop(response);
                ours.complete(now, now.since(sent), DECAY);
            }
            let shown = format!("{:?}", tower.load());
            let theirs: f64 = shown.trim_start_matches("Cost(").trim_end_matches(')').parse().unwrap();
            let ours = ours.load(now, open.len() as u32, DECAY);
            assert!((ours / theirs - 1.0).abs() < 1e-10, "step {step}: {ours} {theirs}");
        }
    });
}
