//! Outlier detection: endpoints that fail more than others are left out for a while.
//!
//! Sources: gRFC A50 and grpc-go `internal/xds/balancer/outlierdetection` (`intervalTimerAlgorithm`, `successRateAlgorithm`,
//! `failurePercentageAlgorithm`); Envoy `source/common/upstream/outlier_detection_impl.cc` (`onIntervalTimer`,
//! `processSuccessRateEjections`, `ejectHost`, `checkHostForUneject`). They differ, see [`Rules`]. Not modelled: Envoy's gateway
//! and local-origin failures, its jitter (0 by default), and that grpc-go may eject an endpoint that is ejected already, which
//! then counts twice.

use crate::model::{FailurePercentage, SuccessRate};
pub use crate::model::{OutlierDetection, Rules};
use crate::random::number_below;
use crate::units::{Span, Time};

/// What is known of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Requests that succeeded since the last sweep.
    pub successes: u32,
    /// Requests that failed since the last sweep.
    pub failures: u32,
    /// Failures in a row.
    pub in_a_row: u32,
    /// Out since then.
    pub ejected: Option<Time>,
    /// The multiplier of `base`.
    pub times: u32,
    returned: Option<Time>,
}

impl Host {
    fn volume(&self) -> u32 {
        self.successes + self.failures
    }

    fn success_rate(&self) -> f64 {
        f64::from(self.successes) * 100.0 / f64::from(self.volume())
    }
}

impl OutlierDetection {
    /// A request to `i` ended. True if that ejects it.
    pub fn ended(
        &self,
        hosts: &mut [Host],
        i: usize,
        success: bool,
        now: Time,
        draw: &mut impl FnMut() -> u64,
    ) -> bool {
        let host = &mut hosts[i];
        if success {
            host.successes += 1;
            host.in_a_row = 0;
            return false;
        }
        host.failures += 1;
        host.in_a_row += 1;
        let enough = self.rules == Rules::Envoy && host.in_a_row == self.consecutive_5xx;
        if !enough || host.ejected.is_some() {
            return false;
        }
        host.in_a_row = 0;
        self.eject(hosts, i, 100, now, draw)
    }

    /// The end of an interval: ejects, takes back, forgives, and starts the counts again from zero. Linear in the number of endpoints.
    pub fn sweep(&self, hosts: &mut [Host], now: Time, draw: &mut impl FnMut() -> u64) {
        let envoy = self.rules != Rules::Grpc;
        if envoy {
            self.take_back(hosts, now);
        }
        if let Some(method) = self.success_rate {
            let least = least_success_rate(hosts, &method, envoy);
            let outlier = |h: &Host| least.is_some_and(|least| h.success_rate() < least);
            self.eject_all(hosts, (method.request_volume, method.enforcement), outlier, now, draw);
        }
        if let Some(method) = self.failure_percentage {
            let FailurePercentage { threshold, enforcement, minimum_hosts, request_volume } = method;
            let enough = candidates(hosts, request_volume, envoy).count() >= minimum_hosts as usize;
            let threshold = f64::from(threshold);
            let outlier = |h: &Host| {
                let failed = 100.0 - h.success_rate();
                enough && (failed > threshold || envoy && failed == threshold)
            };
            self.eject_all(hosts, (request_volume, enforcement), outlier, now, draw);
        }
        self.forgive(hosts, now);
        if !envoy {
            self.take_back(hosts, now);
        }
        for host in hosts {
            (host.successes, host.failures) = (0, 0);
        }
    }

    fn eject_all(
        &self,
        hosts: &mut [Host],
        (volume, enforced): (u32, u32),
        outlier: impl Fn(&Host) -> bool,
        now: Time,
        draw: &mut impl FnMut() -> u64,
    ) {
        for i in 0..hosts.len() {
            let host = &hosts[i];
            if host.ejected.is_none() && host.volume() >= volume.max(1) && outlier(host) {
                self.eject(hosts, i, enforced, now, draw);
            }
        }
    }

    fn eject(&self, hosts: &mut [Host], i: usize, enforced: u32, now: Time, draw: &mut impl FnMut() -> u64) -> bool {
        let out = hosts.iter().filter(|h| h.ejected.is_some()).count();
        let allowed = self.allows(out, hosts.len());
        // gRPC draws whatever is enforced.
        if !allowed || number_below(draw(), 100) >= enforced.into() {
            return false;
        }
        let host = &mut hosts[i];
        host.ejected = Some(now);
        // Envoy stops counting where more would not last longer.
        let (base, max) = (self.base_ejection_time, self.max_ejection_time);
        if self.rules == Rules::Grpc || (base * u64::from(host.times)).0 < max.0 + base.0 {
            host.times += 1;
        }
        true
    }

    /// Whether one more may be ejected when `out` of `hosts` are.
    #[must_use]
    pub fn allows(&self, out: usize, hosts: usize) -> bool {
        let percent = |out: usize| out as f64 / hosts as f64 * 100.0;
        let most = f64::from(self.max_ejection_percent.min(100));
        match self.rules {
            Rules::Grpc => percent(out) < most,
            Rules::Envoy => self.always_eject_one_host && out == 0 || percent(out + 1) <= most,
        }
    }

    /// How long an endpoint is out the `times`-th time.
    #[must_use]
    pub fn out_for(&self, times: u32) -> Span {
        let (base, max) = (self.base_ejection_time, self.max_ejection_time);
        (base * u64::from(times)).min(max.max(base))
    }

    fn take_back(&self, hosts: &mut [Host], now: Time) {
        for host in hosts {
            let Some(since) = host.ejected else {
                continue;
            };
            let (out, until) = (now.since(since), self.out_for(host.times));
            if out > until || out == until && self.rules != Rules::Grpc {
                (host.ejected, host.returned, host.in_a_row) = (None, Some(now), 0);
            }
        }
    }

    fn forgive(&self, hosts: &mut [Host], now: Time) {
        let due = |h: &Host| match self.rules {
            Rules::Grpc => true,
            Rules::Envoy => h.returned.is_some_and(|at| now.since(at) >= self.interval),
        };
        for host in hosts.iter_mut().filter(|h| h.ejected.is_none() && due(h)) {
            host.times = host.times.saturating_sub(1);
        }
    }
}

/// Those with enough requests; Envoy leaves out those that are ejected.
fn candidates(hosts: &[Host], volume: u32, envoy: bool) -> impl Iterator<Item = &Host> {
    hosts.iter().filter(move |h| h.volume() >= volume.max(1) && !(envoy && h.ejected.is_some()))
}

/// The success rate in percent below which an endpoint is an outlier: the mean less some population standard deviations.
/// `None` if too few endpoints have enough requests.
fn least_success_rate(hosts: &[Host], method: &SuccessRate, envoy: bool) -> Option<f64> {
    let rates = || candidates(hosts, method.request_volume, envoy).map(Host::success_rate);
    let count = rates().count();
    if count == 0 || count < method.minimum_hosts as usize {
        return None;
    }
    let mean = rates().sum::<f64>() / count as f64;
    let variance = rates().map(|r| (r - mean) * (r - mean)).sum::<f64>() / count as f64;
    Some(mean - variance.sqrt() * f64::from(method.stdev_factor) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OutlierDetection;

    fn of(rules: Rules, change: impl Fn(&mut OutlierDetection)) -> OutlierDetection {
        let mut settings = OutlierDetection::default();
        change(&mut settings);
        OutlierDetection { rules, ..settings }
    }

    fn grpc() -> OutlierDetection {
        of(Rules::Grpc, |_| ())
    }

    fn envoy() -> OutlierDetection {
        of(Rules::Envoy, |_| ())
    }

    /// By failures alone, with so many percent out at most.
    fn by_failures(most: u32) -> OutlierDetection {
        of(Rules::Grpc, |d| {
            d.failure_percentage = Some(FailurePercentage::default());
            d.max_ejection_percent = most;
        })
    }

    fn at(s: u64) -> Time {
        Time(s * 1_000_000_000)
    }

    /// Hosts with this many failures of 100 requests.
    fn failing(failures: &[u32]) -> Vec<Host> {
        failures.iter().map(|f| Host { successes: 100 - f, failures: *f, ..Host::default() }).collect()
    }

    fn out(hosts: &[Host]) -> Vec<usize> {
        (0..hosts.len()).filter(|i| hosts[*i].ejected.is_some()).collect()
    }

    fn swept(detection: &OutlierDetection, failures: &[u32]) -> Vec<usize> {
        let mut hosts = failing(failures);
        detection.sweep(&mut hosts, at(10), &mut || 0);
        out(&hosts)
    }

    #[test]
    fn the_success_rate_of_envoys_example() {
        // {50, 100, 100, 100, 100}: mean 90, deviation 20, threshold 52.
        let hosts = failing(&[50, 0, 0, 0, 0]);
        assert_eq!(least_success_rate(&hosts, &SuccessRate::default(), true), Some(52.0));
        let by_rate = of(Rules::Grpc, |d| d.success_rate = Some(SuccessRate::default()));
        assert_eq!(swept(&by_rate, &[50, 0, 0, 0, 0]), [0]);
        // Four hosts are too few; so are 99 requests; and of two that fail neither stands out.
        assert_eq!(swept(&by_rate, &[50, 0, 0, 0]), [0; 0]);
        assert_eq!(swept(&by_rate, &[50, 50, 0, 0, 0]), [0; 0]);
        let strict = SuccessRate { request_volume: 101, ..SuccessRate::default() };
        assert_eq!(swept(&of(Rules::Grpc, |d| d.success_rate = Some(strict)), &[50, 0, 0, 0, 0]), [0; 0]);
    }

    #[test]
    fn grpc_asks_for_more_than_the_threshold_and_envoy_for_as_much() {
        let most = by_failures(100);
        assert_eq!(swept(&most, &[84, 85, 86, 0, 0]), [2]);
        assert_eq!(swept(&OutlierDetection { rules: Rules::Envoy, ..most }, &[84, 85, 86, 0, 0]), [1, 2]);
    }

    #[test]
    fn how_many_may_be_out() {
        let ejects = |detection: &OutlierDetection, hosts: usize| {
            (0..hosts).take_while(|out| detection.allows(*out, hosts)).count()
        };
        // gRPC: one at least, one tenth rounded up in all.
        assert_eq!([5, 9, 10, 11, 20, 100].map(|n| ejects(&grpc(), n)), [1, 1, 1, 2, 2, 10]);
        // Envoy: one tenth rounded down; with fewer than ten hosts none, unless one always may.
        assert_eq!([5, 9, 10, 11, 20, 100].map(|n| ejects(&envoy(), n)), [0, 0, 1, 1, 2, 10]);
        let one = of(Rules::Envoy, |d| d.always_eject_one_host = true);
        assert_eq!([5, 9, 10, 20].map(|n| ejects(&one, n)), [1, 1, 1, 2]);
    }

    #[test]
    fn five_failures_in_a_row() {
        let mut hosts = vec![Host::default(); 10];
        let end = |hosts: &mut Vec<Host>, success| envoy().ended(hosts, 3, success, at(1), &mut || 0);
        for success in [false, false, false, false, true, false, false, false, false] {
            assert!(!end(&mut hosts, success));
        }
        assert!(end(&mut hosts, false));
        assert_eq!((out(&hosts), hosts[3].in_a_row), (vec![3], 0));
        // The cap holds for the next one.
        assert!((0..20).all(|_| !envoy().ended(&mut hosts, 4, false, at(1), &mut || 0)));
    }

    /// When a host that is ejected at each chance comes back, in seconds after the first ejection.
    fn returns(detection: &OutlierDetection, ejections: usize) -> Vec<u64> {
        let mut hosts = failing(&[100, 0, 0, 0, 0]);
        let (mut returns, mut now) = (Vec::new(), 0);
        let mut was_out = false;
        while returns.len() < ejections {
            now += 10;
            detection.sweep(&mut hosts, at(now), &mut || 0);
            if was_out && hosts[0].ejected.is_none() {
                returns.push(now - 10);
            }
            was_out = hosts[0].ejected.is_some();
            // While it is out it gets nothing; else everything fails.
            let fails = if was_out { 0 } else { 100 };
            hosts[0] = Host { successes: 0, failures: fails, ..hosts[0] };
            (1..5).for_each(|i| hosts[i] = Host { successes: 100, ..hosts[i] });
        }
        returns
    }

    #[test]
    fn every_ejection_lasts_longer() {
        let detection = by_failures(20);
        // Out at 0, 60, 150 s: gRPC comes back at the sweep *after* 30, 60, 90 s have passed, and is out again at the next.
        assert_eq!(returns(&detection, 3), [40, 120, 230]);
        let envoy = OutlierDetection { rules: Rules::Envoy, ..detection };
        assert_eq!(returns(&envoy, 3), [30, 100, 200]);
        assert_eq!([1, 2, 10, 11].map(|k| grpc().out_for(k).as_secs_f64()), [30.0, 60.0, 300.0, 300.0]);
    }

    #[test]
    fn what_behaves_is_forgiven() {
        let mut hosts = vec![Host { times: 3, ..Host::default() }; 2];
        hosts[1].returned = Some(at(5));
        let after = |detection: &OutlierDetection, s| {
            let mut hosts = hosts.clone();
            detection.sweep(&mut hosts, at(s), &mut || 0);
            (hosts[0].times, hosts[1].times)
        };
        assert_eq!((after(&grpc(), 10), after(&envoy(), 10), after(&envoy(), 15)), ((2, 2), (3, 3), (3, 2)));
    }

    #[test]
    fn enforcement_is_drawn() {
        let half = FailurePercentage { enforcement: 50, ..FailurePercentage::default() };
        let detection = of(Rules::Grpc, |d| d.failure_percentage = Some(half));
        let ejected = |draw: u64| {
            let mut hosts = failing(&[100, 0, 0, 0, 0]);
            detection.sweep(&mut hosts, at(10), &mut || draw);
            out(&hosts).len()
        };
        assert_eq!((ejected(0), ejected(u64::MAX / 2 + (1 << 60))), (1, 0));
    }

    /// With a base of 30 s and at most 300 s, more than 11 times would last no longer.
    #[test]
    fn envoy_stops_counting_where_grpc_goes_on() {
        let counted = |detection: &OutlierDetection, times| {
            let mut hosts = vec![Host { times, ..Host::default() }; 10];
            assert!(detection.eject(&mut hosts, 0, 100, at(1), &mut || 0));
            hosts[0].times
        };
        assert_eq!([0, 10, 11, 12].map(|times| counted(&envoy(), times)), [1, 11, 11, 12]);
        assert_eq!([0, 10, 11, 12].map(|times| counted(&grpc(), times)), [1, 11, 12, 13]);
    }
}
