//! The sentence that ends a report: who carries what, why, and what would move it. It claims a cause only where the run and
//! the model show it, and says "chance" where that is the cause.

mod facts;
mod gateways;
mod losses;
#[cfg(test)]
mod losses_tests;
#[cfg(test)]
mod tests;
mod words;

use crate::metrics::outcome::{EventKind, Outcome};
use crate::scenario::model::{Model, What};
use crate::theory::balls::Balls;

use facts::{Facts, Pod, Spread};
use losses::{failures, overload};
use words::{all_requests, calls, count, levers, noun_of, reach, seconds, since, stays};

/// A draw as uneven as this, or more, is called chance.
const UNLIKELY: f64 = 0.01;

/// The verdict on a run.
#[must_use]
pub fn sentence(model: &Model, outcome: &Outcome) -> String {
    let facts = Facts::new(model, outcome);
    let balance = CASES.iter().find_map(|case| case(&facts)).unwrap_or_default();
    let (first, last) = match failures(&facts) {
        Some((text, true)) => (Some(text), None),
        Some((text, false)) => (None, Some(text)),
        None => (None, None),
    };
    [first, Some(balance), gateways::inherited(&facts), overload(&facts), last]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The cases in order: the first that applies speaks.
const CASES: [fn(&Facts<'_>) -> Option<String>; 16] = [
    no_pods,
    never_ready,
    no_traffic,
    nobody_left,
    out_of_reach,
    only_pod,
    even,
    too_few_connections,
    few_requests,
    per_request,
    cold_start,
    rotation,
    after_rollout,
    new_pods_idle,
    killed_pods_idle,
    chance,
];

fn no_pods(f: &Facts<'_>) -> Option<String> {
    let failed = match f.outcome.summary.requests.failed {
        0 => String::new(),
        n => format!(", and {} failed", calls(n)),
    };
    let none = || format!("There is no pod: the servers have zero replicas{failed}.");
    f.outcome.summary.pods.is_empty().then(none)
}

fn never_ready(f: &Facts<'_>) -> Option<String> {
    let pods = &f.outcome.summary.pods;
    let end = seconds(f.outcome.end_s);
    pods.iter().all(|p| p.ready_s.is_none()).then(|| format!("No pod became Ready before the run ended at {end}."))
}

fn no_traffic(f: &Facts<'_>) -> Option<String> {
    let requests = &f.outcome.summary.requests;
    if f.outcome.summary.pods.iter().any(|p| p.requests > 0) {
        return None;
    }
    Some(match (requests.started, requests.by_status.iter().max_by_key(|s| s.1).filter(|s| *s.1 > 0)) {
        (0, _) => "There was no traffic: no call was made in the measured part of the run.".to_owned(),
        (_, None) => "No request reached a pod in the measured part of the run.".to_owned(),
        (_, Some((status, _))) => {
            format!("No request reached a pod: {} failed, most with {status}.", calls(requests.failed))
        }
    })
}

fn nobody_left(f: &Facts<'_>) -> Option<String> {
    f.pods.is_empty().then(|| "No pod is Ready at the end of the run, so there is no balance to judge.".to_owned())
}

/// The pods that are Ready at the end have not received a single request.
fn out_of_reach(f: &Facts<'_>) -> Option<String> {
    if f.total() > 0 {
        return None;
    }
    let ready = f.pods.iter().map(Pod::ready_s).fold(0.0, f64::max);
    let connections = match f.connections() {
        0 => "no client has a connection there".to_owned(),
        n => format!("clients have {} there", count(n, "connection")),
    };
    let pods = count(f.pods.len() as u64, "pod");
    let since = seconds(ready);
    Some(format!(
        "No request reaches what is Ready at the end ({pods}, all of them Ready since {since}); {connections}."
    ))
}

fn only_pod(f: &Facts<'_>) -> Option<String> {
    match f.pods.as_slice() {
        [pod] => Some(format!("{} is the only Ready pod: there is nothing to balance.", pod.name())),
        _ => None,
    }
}

fn even(f: &Facts<'_>) -> Option<String> {
    if !f.is_balanced() {
        return None;
    }
    if let Some(text) = even_by_turns(f) {
        return Some(text);
    }
    let why = match f.spread {
        Spread::Rotation => format!("{} takes them in rotation", reach(f)),
        Spread::PerCall => format!("{} picks one for each call", reach(f)),
        Spread::PerRequest => "each request has a connection of its own, and so a draw of its own".to_owned(),
        Spread::PerConnection if f.connections() == 0 => {
            format!("{} happened to lie evenly; none is open at the end", count(f.opened(), "connection"))
        }
        Spread::PerConnection => {
            format!("the {} connections happen to lie evenly; nothing keeps them so when pods change", f.connections())
        }
    };
    let hot = f.hottest()?;
    let since = since(f);
    Some(format!(
        "The load is even{since}: the busiest pod, {}, carries {:.2}x its share: {why}.",
        hot.name(),
        f.times(hot)
    ))
}

/// Fewer connections than pods: what is even is the average over time.
fn even_by_turns(f: &Facts<'_>) -> Option<String> {
    let (n, pods) = (f.connections(), f.pods.len());
    if f.spread != Spread::PerConnection || n == 0 || n >= pods as u64 {
        return None;
    }
    let idle = f.pods.iter().filter(|p| p.summary.connections_at_end == 0).count();
    Some(format!(
        "The load is even{} only on average: {} cannot be on {pods} pods at once, which have their turns as connections are replaced; \
         at the end {idle} of the {pods} pods have none.",
        since(f),
        count(n, "connection")
    ))
}

/// An imbalance that is over: the rest of the run is even.
fn cold_start(f: &Facts<'_>) -> Option<String> {
    if !f.even_later || f.spread != Spread::Rotation || f.change.is_some() {
        return None;
    }
    let hot = f.hottest()?;
    Some(format!(
        "{} carries {:.1}x its share only because of the cold start: the first calls had no other connection to go to; \
         from {} on the rotation is even.",
        hot.name(),
        f.times(hot),
        seconds(f.later_s)
    ))
}

/// round_robin that is not even.
fn rotation(f: &Facts<'_>) -> Option<String> {
    if f.spread != Spread::Rotation {
        return None;
    }
    let (hot, cold) = (f.hottest()?, f.coldest()?);
    let without: Vec<&Pod<'_>> = f.pods.iter().filter(|p| p.summary.connections_at_end == 0).collect();
    if f.pools() {
        let (hot, cold) = (format!("{} carries {:.1}x its share", hot.name(), f.times(hot)), cold.name());
        let since = since(f);
        return Some(format!("{hot}{since}, although calls go in rotation: not every proxy knew {cold} all the time."));
    }
    if let Some(first) = without.first() {
        let others =
            if without.len() > 1 { format!(" and {} more have", without.len() - 1) } else { " has".to_owned() };
        return Some(format!(
            "{}{others} no connection although Ready: the clients know the addresses of their last DNS answer, and gRPC asks \
             again only when a connection breaks; {}.",
            first.name(),
            if f.replaced_within_s().is_some() {
                "they will when the next connection reaches its age"
            } else {
                "max_connection_age (server) makes them ask"
            }
        ));
    }
    let carries = format!(
        "{} carries {:.1}x its share, {} {:.1}x{}",
        hot.name(),
        f.times(hot),
        cold.name(),
        f.times(cold),
        since(f)
    );
    Some(if f.streams_stay() {
        format!("{carries}: an open stream stays on its connection, whatever comes; {}.", levers(f))
    } else if f.even_later {
        format!("{carries}, but from {} on the load is even: connections were replaced.", seconds(f.later_s))
    } else {
        format!(
            "{carries}, although calls go in rotation: not every client had a connection to every pod all the time."
        )
    })
}

/// So few requests that an even draw of a pod for each would lie as unevenly.
fn few_requests(f: &Facts<'_>) -> Option<String> {
    let hot = f.hottest()?;
    let by_chance = || some_pod_has(hot.load, f.total(), f.pods.len() as u64) >= UNLIKELY;
    let few = if f.spread == Spread::PerRequest { by_chance() } else { f.few_requests() && by_chance() };
    few.then(|| {
        format!(
            "{} carries {:.1}x its share by chance: {} over {} are too few to be even.",
            hot.name(),
            f.times(hot),
            count(f.total(), "request"),
            count(f.pods.len() as u64, "pod")
        )
    })
}

/// A connection per request, and yet not even.
fn per_request(f: &Facts<'_>) -> Option<String> {
    let hot = f.hottest().filter(|_| f.spread == Spread::PerRequest)?;
    Some(format!(
        "{} carries {:.1}x its share{}, more than chance, although each request has a connection of its own: not every \
         node knew every pod all the time.",
        hot.name(),
        f.times(hot),
        since(f)
    ))
}

fn too_few_connections(f: &Facts<'_>) -> Option<String> {
    let used = f.pods.iter().filter(|p| p.load > 0).count();
    let (hot, n) = (f.hottest()?, f.pods.len());
    let connections = f.connections();
    if used == n
        || connections == 0
        || connections >= n as u64
        || f.pods.iter().any(|p| p.load > 0 && p.summary.connections_at_end == 0)
    {
        return None;
    }
    let (levers, all) = (levers(f), all_requests(f));
    Some(if used == 1 {
        let it = if connections == 1 { "the only connection was" } else { "all connections were" };
        format!("{} takes {all}: {it} placed there when opened, and {}; {levers}.", hot.name(), stays(f))
    } else {
        format!(
            "{used} of {n} pods take {all}, {} {:.1}x its share: there are only {}, and {}; {levers}.",
            hot.name(),
            f.times(hot),
            count(connections, "connection"),
            stays(f)
        )
    })
}

/// After a rollout the pods that were Ready first have collected the connections of all that were removed after them.
fn after_rollout(f: &Facts<'_>) -> Option<String> {
    let change = f.change.filter(|c| matches!(c.what, What::RolloutServer(_)))?;
    if f.redrawn(change) {
        return None;
    }
    let (hot, cold) = (f.hottest()?, f.coldest()?);
    let last = f.pods.iter().map(Pod::ready_s).fold(0.0, f64::max);
    let first = f.pods.iter().map(Pod::ready_s).fold(f64::INFINITY, f64::min);
    // The order of becoming Ready explains it only if the hottest came before the coldest, in the earlier half.
    let earlier = f.pods.iter().filter(|p| p.ready_s() < hot.ready_s()).count();
    if first >= last || hot.ready_s() >= cold.ready_s() || 2 * earlier >= f.pods.len() {
        return None;
    }
    Some(format!(
        "{} carries {:.1}x its share after the rollout at {}, {} {:.1}x: its connections were opened before the last pods \
         were Ready, and {}; {}.",
        hot.name(),
        f.times(hot),
        seconds(change.at.as_secs_f64()),
        cold.name(),
        f.times(cold),
        stays(f),
        levers(f)
    ))
}

/// Pods that came, or came back, after the last change, and have less than their share.
fn new_pods_idle(f: &Facts<'_>) -> Option<String> {
    let change = f.change.filter(|c| !f.redrawn(c))?;
    let at = change.at.as_secs_f64();
    let new = |p: &&Pod<'_>| p.ready_s() > at;
    let (n, load) = f.pods.iter().filter(new).fold((0u64, 0), |(n, load), p| (n + 1, load + p.load));
    let share = load as f64 / f.total() as f64;
    let fair = n as f64 / f.pods.len() as f64;
    if n == 0 || n == f.pods.len() as u64 || share >= 0.8 * fair {
        return None;
    }
    let noun = if n == 1 { "1 pod that became" } else { &format!("{n} pods that became") };
    Some(format!(
        "The {noun} Ready after the {} at {} get{} {:.0} % of the traffic instead of {:.0} %: the connections were there \
         before, and {}; {}.",
        noun_of(&change.what),
        seconds(at),
        if n == 1 { "s" } else { "" },
        100.0 * share,
        100.0 * fair,
        stays(f),
        levers(f)
    ))
}

/// Pods whose connections were reset by a kill, and went to the others.
fn killed_pods_idle(f: &Facts<'_>) -> Option<String> {
    let change = f.change.filter(|c| matches!(c.what, What::Kill { .. }) && !f.redrawn(c))?;
    let at = change.at.as_secs_f64();
    let kills = || f.outcome.events.iter().filter(|e| e.kind == EventKind::Kill && e.time_s >= at);
    let killed = |p: &&Pod<'_>| kills().any(|e| e.subject == p.name());
    let pod = f.pods.iter().filter(killed).min_by_key(|p| p.load).filter(|p| f.times(p) < 0.8)?;
    let hot = f.hottest()?;
    Some(format!(
        "{} carries {:.1}x its share after the kill at {}, {} {:.1}x: the connections of what was killed were reset and \
         dialled anew to the other pods, and {}; {}.",
        pod.name(),
        f.times(pod),
        seconds(at),
        hot.name(),
        f.times(hot),
        stays(f),
        levers(f)
    ))
}

/// Connections lie where they were drawn.
fn chance(f: &Facts<'_>) -> Option<String> {
    let hot = f.hottest()?;
    let (c, n, mine) = (f.connections(), f.pods.len() as u64, hot.summary.connections_at_end);
    let carries = format!("{} carries {:.1}x its share{}", hot.name(), f.times(hot), since(f));
    if mine == 0 {
        return Some(format!("{carries}, by connections that are closed by now."));
    }
    let (all, why) = (count(c, "connection"), stays(f));
    let levers = levers(f);
    if f.times(hot) > 1.25 * (mine * n) as f64 / c as f64 {
        let because =
            if f.equal_connections() { "it had more of them earlier" } else { "they do not all carry the same load" };
        return Some(format!("{carries} with {mine} of {all} at the end: {because}, and {why}; {levers}."));
    }
    let likely = some_pod_has_exactly(mine, c, n).unwrap_or_else(|| some_pod_has(mine, c, n));
    if likely < UNLIKELY {
        return Some(format!("{carries}: it has {mine} of {all}, and {why}; {levers}."));
    }
    let percent = 100.0 * likely;
    Some(format!(
        "{carries} by chance: it has {mine} of {all}, as some pod has in about {percent:.0} % of all draws of {n} pods; \
         {levers}."
    ))
}

/// The probability that some of `n` pods has at least `m` of `c` connections thrown at them uniformly; `None` beyond the
/// range of the exact law.
fn some_pod_has_exactly(m: u64, c: u64, n: u64) -> Option<f64> {
    let balls = Balls::new(u32::try_from(n).ok()?, u32::try_from(c).ok()?)?;
    Some(1.0 - balls.max_at_most(u32::try_from(m.checked_sub(1)?).ok()?)?)
}

/// The probability that some of `n` pods has at least `m` of `c` connections thrown at them uniformly, taking the pods'
/// counts as independent (they are negatively associated, so that the truth is between this and n times the tail).
fn some_pod_has(m: u64, c: u64, n: u64) -> f64 {
    if m == 0 {
        return 1.0;
    }
    let (cf, p) = (c as f64, 1.0 / n as f64);
    let mf = m as f64;
    let log = libm::lgamma(cf + 1.0) - libm::lgamma(mf + 1.0) - libm::lgamma(cf - mf + 1.0);
    let mut term = libm::exp(log + mf * libm::log(p) + (cf - mf) * libm::log1p(-p));
    let mut tail = 0.0;
    for k in m..=c {
        tail += term;
        term *= (c - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
    }
    -libm::expm1(n as f64 * libm::log1p(-tail.min(1.0)))
}
