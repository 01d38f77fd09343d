//! What the reader of the figures must know: facts of the run, not guesses from its settings.

use crate::metrics::phase::PodNow;
use crate::model::{Load, Model, Protocol};
use crate::narrow::u32_of;
use crate::sim::observation::{CloseReason, PodId, PodPhase};
use crate::units::{Span, Time};

use super::events::count;
use super::finish::{Frame, REQUESTS_PER_POD};
use super::missed::never_happened;
use super::recorder::Recorder;
use super::windows::Window;

/// A pod that uses more of its slot-time than this has no room left: the rest is rounding at the windows' edges.
const SATURATED: f64 = 0.999;
/// A pod that uses more than this has no room for chance.
const DROWNING: f64 = 0.9;

/// `windows` are the measured ones, `utilization` is by pod, `now` what pods did in the headline's phase.
pub(super) fn warnings(
    recorder: &Recorder<'_>,
    frame: &Frame<'_>,
    windows: &[&Window],
    utilization: &[Option<f64>],
    now: &[(PodId, PodNow)],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if frame.measured.0 == 0 {
        warnings.push(format!(
            "Nothing was measured: the warmup ({}) is not shorter than the run, which ended at {}.",
            frame.model.warmup, frame.end
        ));
    }
    warnings.extend(never_happened(frame.model, frame.end));
    // A closed load waits for its responses: it fills the pods without making the queue grow.
    if frame.model.clients.iter().any(|c| c.load.rate().is_some()) {
        warnings.extend(saturated(recorder, frame, utilization).or_else(|| saturated_now(recorder, now)));
        warnings.extend(queueing(windows));
    }
    warnings.extend(content(recorder, now));
    warnings.extend(one_address(recorder));
    warnings.extend(unreached(recorder, frame));
    warnings.extend(too_long(recorder, frame));
    warnings
}

/// Pods without room in the whole run.
fn saturated(recorder: &Recorder<'_>, frame: &Frame<'_>, utilization: &[Option<f64>]) -> Option<String> {
    let used = recorder.pods.iter().zip(utilization);
    let full: Vec<(&str, f64)> =
        used.filter_map(|(pod, u)| u.filter(|u| *u >= SATURATED).map(|u| (pod.name.as_str(), u))).collect();
    let &(pod, u) = full.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let of_cpu = recorder.model.servers.iter().all(|s| s.cpu.is_some_and(|cpu| cpu.share == 1.0));
    let of = if of_cpu { " of its CPU time" } else { "" };
    let all = count(u32_of(utilization.iter().flatten().count()), "Ready pod");
    let per_s = |n: u64| n as f64 / frame.measured.as_secs_f64();
    let open = recorder.model.clients.iter().all(|c| matches!(c.load, Load::Open { .. }));
    let rates = if open {
        format!(
            " {:.0} calls/s arrived and {:.0}/s were answered.",
            per_s(recorder.started[1]),
            per_s(recorder.succeeded)
        )
    } else {
        String::new()
    };
    Some(format!(
        "{} of {all} saturated (utilization of {pod}: {u:.3}{of}).{rates} An open load does not slow down, so latencies and failures depend on \
         how long the run is.",
        full.len()
    ))
}

/// Pods without room in the headline's phase, where that is not the whole run.
fn saturated_now(recorder: &Recorder<'_>, now: &[(PodId, PodNow)]) -> Option<String> {
    let full = now.iter().filter(|(_, now)| now.utilization >= SATURATED);
    let (pod, _) = full.clone().max_by(|a, b| a.1.utilization.total_cmp(&b.1.utilization))?;
    Some(format!(
        "{} of {} saturated in the last settled phase ({}): an open load does not slow down, so latencies and failures depend on how long \
         that lasts.",
        full.count(),
        count(u32_of(now.len()), "Ready pod"),
        recorder.pods[*pod].name
    ))
}

/// Queues that grow to the end.
fn queueing(windows: &[&Window]) -> Option<String> {
    let queues: Vec<u64> = windows.iter().map(|w| w.cells.iter().map(|c| u64::from(c.sample.queued)).sum()).collect();
    let (first, last) = growing(&queues)?;
    Some(format!(
        "The queues of the pods grow to the end: {first:.1} requests waited on average in the second quarter of the run, {last:.1} in the last."
    ))
}

/// The mean queue in the second and in the last quarter, if the queue grows to the end: each quarter's mean is above the one
/// before, the last is at least twice the second, and at least one request waits in it on average. (Where the load is below
/// the capacity the queue is stationary: the last quarter is twice the second only by chance, or if the rate rises.)
fn growing(queues: &[u64]) -> Option<(f64, f64)> {
    let quarter = queues.len() / 4;
    if quarter < 5 {
        return None;
    }
    let mean = |i: usize| queues[i * quarter..(i + 1) * quarter].iter().sum::<u64>() as f64 / quarter as f64;
    let [a, b, c, d] = [mean(0), mean(1), mean(2), mean(3)];
    (a < b && b < c && c < d && d >= 2.0 * b && d >= 1.0).then_some((b, d))
}

/// Autoscalers whose mean asks for nothing while one of their pods has no room, or turns calls away.
fn content(recorder: &Recorder<'_>, now: &[(PodId, PodNow)]) -> Vec<String> {
    let of_server = |(i, server): (usize, &crate::model::Server)| {
        let hpa = server.hpa.as_ref()?;
        let pods: Vec<&(PodId, PodNow)> =
            now.iter().filter(|(pod, _)| recorder.pods[*pod].server as usize == i).collect();
        let (hottest, used) = pods.iter().max_by(|a, b| a.1.utilization.total_cmp(&b.1.utilization))?;
        let mean = pods.iter().map(|(_, now)| now.utilization).sum::<f64>() / pods.len() as f64;
        let seen = 100.0 * hpa.cpu_at_full_load * mean;
        let drowns = used.utilization > DROWNING || used.failed > 0;
        let is_content = seen <= f64::from(hpa.target_cpu_utilization) * (1.0 + hpa.tolerance);
        let fails = if used.failed > 0 { format!(" and fails calls ({})", used.failed) } else { String::new() };
        (pods.len() > 1 && drowns && is_content).then(|| {
            format!(
                "The autoscaler of {} sees a mean CPU of {seen:.0} % of the request (target {} %) and adds no pod, while {} uses {:.0} % of what \
                 it has{fails}.",
                server.name,
                hpa.target_cpu_utilization,
                recorder.pods[*hottest].name,
                100.0 * used.utilization
            )
        })
    };
    recorder.model.servers.iter().enumerate().filter_map(of_server).collect()
}

/// Clients whose policy chooses among one address.
fn one_address(recorder: &Recorder<'_>) -> Vec<String> {
    let model = recorder.model;
    if recorder.pods.iter().filter(|pod| !pod.gateway && pod.first_ready.is_some()).count() < 2 {
        return Vec::new();
    }
    let callers = model.balancers().filter(|client| !model.knows_pods(client));
    let choosing =
        callers.filter(|client| matches!(&client.protocol, Protocol::Grpc(grpc) if !grpc.policy.one_connection()));
    choosing
        .map(|client| {
            let who = if client.via.is_some() { "The proxy" } else { "The policy" };
            format!(
                "{who} of {} balances nothing: the ClusterIP is one address, and kube-proxy places each connection to it on one pod, for as \
                 long as it lasts.",
                client.name
            )
        })
        .collect()
}

/// A load that came to fewer than half of the pods, with enough requests for all.
fn unreached(recorder: &Recorder<'_>, frame: &Frame<'_>) -> Option<String> {
    let at_least = frame.width.min(frame.measured).max(Span(1));
    let ready = recorder
        .pods
        .iter()
        .zip(&recorder.counts)
        .filter(|(pod, _)| !pod.gateway && pod.phase == PodPhase::Ready && pod.ready >= at_least);
    let loads: Vec<u64> =
        ready.map(|(pod, counts)| counts.received_in_all() + pod.messages.iter().sum::<u64>()).collect();
    let idle = loads.iter().filter(|load| **load == 0).count();
    let enough = loads.iter().sum::<u64>() >= REQUESTS_PER_POD * loads.len() as u64;
    (idle > 0 && enough && 2 * idle >= loads.len())
        .then(|| format!("{idle} of {} never got a request.", count(u32_of(loads.len()), "Ready pod")))
}

/// Limits on the life of connections that no connection came to.
fn too_long(recorder: &Recorder<'_>, frame: &Frame<'_>) -> Vec<String> {
    let run = frame.end.since(Time::ZERO);
    let acted = |reason: CloseReason| recorder.connections.closed_by[reason as usize] > 0;
    let Model { servers, clients, .. } = recorder.model;
    let of_servers = servers.iter().flat_map(|s| {
        let ages = [
            ("max_connection_age", s.grpc.max_connection_age, CloseReason::MaxAge),
            ("max_connection_idle", s.grpc.max_connection_idle, CloseReason::MaxIdle),
        ];
        ages.map(|(key, limit, reason)| (key, &s.name, limit, reason))
    });
    let of_clients = clients.iter().map(|c| {
        let limit = c.connection_lifetime.map(|lifetime| lifetime.max);
        ("connection_lifetime", &c.name, limit, CloseReason::ClientLifetime)
    });
    let all = of_servers.chain(of_clients);
    let longer = all.filter_map(|(key, name, limit, reason)| {
        let limit = limit.filter(|limit| *limit > run && !acted(reason))?;
        Some(format!("{key} of {name} ({limit}) is longer than the run ({run}): no connection came to it."))
    });
    longer.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_queue_that_grows_to_the_end_is_growing() {
        let queue = |length: fn(u64) -> u64| growing(&(0..40).map(length).collect::<Vec<u64>>());
        assert_eq!(queue(|i| i), Some((14.5, 34.5)));
        assert_eq!(queue(|i| 10 + i), None, "less than twice as long");
        assert_eq!(queue(|i| i * (40 - i)), None, "a peak that passes");
        assert_eq!(queue(|i| 5 + 3 * (i % 2)), None, "stationary");
        assert_eq!(queue(|i| u64::from(i == 39)), None, "hardly anybody waits");
        assert_eq!(growing(&[1, 2, 3, 4, 5, 6, 7, 8]), None, "too short to say");
    }
}
