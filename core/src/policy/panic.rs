//! Envoy's priorities and panic: how health splits traffic between priorities, and when it is ignored.
//!
//! Source: Envoy `source/extensions/load_balancing_policies/common/load_balancer_impl.cc` (`recalculatePerPriorityState`,
//! `recalculatePerPriorityPanic`, `isHostSetInPanic`, `recalculateLoadInTotalPanic`, `choosePriority`), in its whole percents. A
//! priority's health is `min(100, 140 * healthy / hosts)`: up to 28 % of its hosts may fail before it gives traffic away. If the
//! healths add up to less than 100, a priority with less than 50 % of its hosts healthy panics: it uses all its hosts (or none,
//! with `fail_traffic_on_panic`). Not modelled: health weighted by the hosts' weights, off by default.

/// Envoy's default overprovisioning factor in percent.
pub const OVERPROVISIONING: u32 = 140;

/// The hosts of one priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// All, but those excluded from the reckoning.
    pub hosts: u32,
    /// Those of them that are healthy.
    pub healthy: u32,
    /// Those of them that are degraded.
    pub degraded: u32,
}

/// What a priority gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Percent of the traffic for its healthy hosts, or in panic for all its hosts.
    pub healthy: u32,
    /// Percent of the traffic for its degraded hosts.
    pub degraded: u32,
    /// Health is ignored.
    pub panic: bool,
}

/// Which hosts of a priority a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// The healthy ones.
    Healthy,
    /// The degraded ones.
    Degraded,
    /// All: panic.
    All,
}

/// The shares of the priorities, highest first: 100 % together. All zero with no priority.
#[must_use]
pub fn shares(levels: &[Level], threshold: u32, overprovisioning: u32) -> Vec<Share> {
    let health = |part: u32, level: &Level| {
        let percent = u64::from(overprovisioning) * u64::from(part) / u64::from(level.hosts.max(1));
        percent.min(100) as u32
    };
    let mut shares = vec![Share::default(); levels.len()];
    let available: u32 = levels.iter().map(|l| health(l.healthy, l) + health(l.degraded, l)).sum();
    let available = available.min(100);
    let Some(first) = shares.first_mut() else {
        return shares;
    };
    if available == 0 && threshold == 0 {
        // Nothing to go to; the shares add up all the same.
        first.healthy = 100;
        return shares;
    }
    for (share, level) in shares.iter_mut().zip(levels) {
        share.panic = available < 100 && in_panic(level, threshold);
    }
    if shares.iter().all(|s| s.panic) {
        by_size(levels, &mut shares);
    } else if available > 0 {
        let healthy: Vec<u32> = levels.iter().map(|l| health(l.healthy, l)).collect();
        let degraded: Vec<u32> = levels.iter().map(|l| health(l.degraded, l)).collect();
        by_health(&healthy, &degraded, available, &mut shares);
    }
    shares
}

fn in_panic(level: &Level, threshold: u32) -> bool {
    let percent = |part: u32| if level.hosts == 0 { 0.0 } else { 100.0 * f64::from(part) / f64::from(level.hosts) };
    percent(level.healthy) + percent(level.degraded) < f64::from(threshold.min(100))
}

/// High priorities first; then degraded hosts; what rounding leaves goes to the first that has any.
fn by_health(healthy: &[u32], degraded: &[u32], available: u32, shares: &mut [Share]) {
    let mut left = 100;
    for (share, health) in shares.iter_mut().zip(healthy) {
        share.healthy = left.min(health * 100 / available);
        left -= share.healthy;
    }
    for (share, health) in shares.iter_mut().zip(degraded) {
        share.degraded = left.min(health * 100 / available);
        left -= share.degraded;
    }
    if let Some(i) = healthy.iter().position(|h| *h > 0) {
        shares[i].healthy += left;
    } else if let Some(i) = degraded.iter().position(|h| *h > 0) {
        shares[i].degraded += left;
    }
}

/// All priorities panic: by their numbers of hosts.
fn by_size(levels: &[Level], shares: &mut [Share]) {
    let hosts: u64 = levels.iter().map(|l| u64::from(l.hosts)).sum();
    let mut left = 100;
    for (share, level) in shares.iter_mut().zip(levels) {
        let percent = (100 * u64::from(level.hosts)).checked_div(hosts).unwrap_or(0);
        share.healthy = u32::try_from(percent).unwrap_or(100);
        left -= share.healthy;
    }
    let first = levels.iter().position(|l| l.hosts > 0).unwrap_or(0);
    shares[first].healthy += left;
}

/// Where a request goes: the priority, and which of its hosts. `None` without priorities.
#[must_use]
pub fn choose(shares: &[Share], draw: u64) -> Option<(usize, Among)> {
    let percent = (draw % 100) as u32 + 1;
    let healthy = shares.iter().enumerate().map(|(i, s)| (s.healthy, i, Among::Healthy));
    let degraded = shares.iter().enumerate().map(|(i, s)| (s.degraded, i, Among::Degraded));
    let mut sum = 0;
    let (_, priority, among) = healthy.chain(degraded).find(|part| {
        sum += part.0;
        percent <= sum
    })?;
    Some((priority, if shares[priority].panic { Among::All } else { among }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::defaults::PANIC_THRESHOLD;

    fn level(hosts: u32, healthy: u32, degraded: u32) -> Level {
        Level { hosts, healthy, degraded }
    }

    fn healthy_shares(levels: &[Level]) -> Vec<(u32, bool)> {
        shares(levels, PANIC_THRESHOLD, OVERPROVISIONING).iter().map(|s| (s.healthy, s.panic)).collect()
    }

    #[test]
    fn one_priority_panics_below_half() {
        assert_eq!(healthy_shares(&[level(10, 5, 0)]), [(100, false)]);
        assert_eq!(healthy_shares(&[level(10, 4, 0)]), [(100, true)]);
        assert_eq!(healthy_shares(&[level(10, 0, 0)]), [(100, true)]);
        // 72 of 100 healthy: 100 % available, no panic whatever the threshold.
        assert_eq!(shares(&[level(100, 72, 0)], 100, OVERPROVISIONING)[0], Share { healthy: 100, ..Share::default() });
        assert!(shares(&[level(100, 71, 0)], 100, OVERPROVISIONING)[0].panic);
    }

    #[test]
    fn the_table_of_envoys_documentation() {
        // Two priorities of 100 hosts; healthy ones -> shares (arch_overview/upstream/load_balancing/priority.rst), and which
        // panic. Last: what rounding leaves goes to the first, 7 + 1.
        for (p0, p1, want, panic) in [
            (72, 72, [100, 0], [false, false]),
            (71, 71, [99, 1], [false, false]),
            (50, 50, [70, 30], [false, false]),
            (25, 100, [35, 65], [false, false]),
            (25, 25, [50, 50], [true, true]),
            (5, 65, [8, 92], [true, false]),
        ] {
            let got = healthy_shares(&[level(100, p0, 0), level(100, p1, 0)]);
            assert_eq!(got, [(want[0], panic[0]), (want[1], panic[1])], "{p0} {p1}");
        }
    }

    #[test]
    fn degraded_hosts_get_what_the_healthy_leave() {
        // The source's example: 10/20/10 % health and 20/10/0 % degraded: 16/28/14 and 28/14/0.
        let mut got = vec![Share::default(); 3];
        by_health(&[10, 20, 10], &[20, 10, 0], 70, &mut got);
        let parts: Vec<_> = got.iter().map(|s| (s.healthy, s.degraded)).collect();
        assert_eq!(parts, [(16, 28), (28, 14), (14, 0)]);
        // 33 and 66 without a healthy one: what rounding leaves goes to the first.
        let mut none_healthy = vec![Share::default(); 2];
        by_health(&[0, 0], &[1, 2], 3, &mut none_healthy);
        assert_eq!(none_healthy.iter().map(|s| s.degraded).collect::<Vec<_>>(), [34, 66]);
        assert_eq!(choose(&got, 99), Some((1, Among::Degraded)));
        assert_eq!(choose(&got, 16), Some((1, Among::Healthy)));
    }

    #[test]
    fn shares_always_add_up() {
        for hosts in [0, 1, 3, 10] {
            for (a, b, c) in
                (0..=hosts).flat_map(|a| (0..=hosts - a).flat_map(move |b| (0..=hosts).map(move |c| (a, b, c))))
            {
                for threshold in [0, 50, 100] {
                    let got = shares(&[level(hosts, a, b), level(hosts, c, 0)], threshold, OVERPROVISIONING);
                    let sum: u32 = got.iter().map(|s| s.healthy + s.degraded).sum();
                    assert_eq!(sum, 100, "{hosts}: {a} {b} {c}, threshold {threshold}");
                    assert!((0..100).all(|draw| choose(&got, draw).is_some()));
                }
            }
        }
        assert!(shares(&[], PANIC_THRESHOLD, OVERPROVISIONING).is_empty() && choose(&[], 0).is_none());
    }
}
