//! `metrics.om`: what Prometheus would have read during the run, as OpenMetrics text with time stamps
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>). `promtool tsdb create-blocks-from openmetrics` ingests it.
//!
//! Names and buckets are those of the libraries that a real fleet has; docs/observability.md has the list with the sources.

mod calls;
mod recorded;

use std::fmt::Display;
use std::io::{self, Write};

use crate::model::{Client, Load, Model, Protocol, Server};
use crate::observe::scrape::{
    ClientMeter, DeploymentMeter, Disconnect, Durations, PodMeter, PodSeries, Scrapes, Series,
};
use crate::printable;

pub use recorded::write as write_recorded;

use calls::{ATTEMPTS, CLIENT, CallText, Process, SERVER};

/// Writes all families. `start_ms`: when the run began, in milliseconds since 1970.
///
/// # Errors
/// Those of the writer.
pub fn write(scrapes: &Scrapes, model: &Model, start_ms: u64, to: &mut dyn Write) -> io::Result<()> {
    let mut text = Text { to, start_ms };
    let server = model.servers.first().map_or("", |server| &server.name);
    let calls = CallText { methods: &scrapes.methods };
    let is_server = |pod: &&PodSeries| pod.server < model.servers.len();
    let servers: Vec<Process<'_>> = scrapes.pods.iter().filter(is_server).map(|pod| of_pod(model, pod)).collect();
    let target = format!("dns:///{server}");
    let clients: Vec<(&Client, &Series<ClientMeter>)> = model.clients.iter().zip(&scrapes.clients).collect();
    let of_clients = |chosen: fn(&Client) -> bool| -> Vec<Process<'_>> {
        let chosen = clients.iter().filter(|(client, _)| has_calls(client) && chosen(client));
        chosen.map(|(client, read)| of_client(client, read, &target)).collect()
    };
    SERVER.iter().try_for_each(|row| calls.family(&mut text, row, &servers))?;
    let all = of_clients(|_| true);
    CLIENT.iter().try_for_each(|row| calls.family(&mut text, row, &all))?;
    let without_retries = of_clients(|c| matches!(&c.protocol, Protocol::Grpc(grpc) if grpc.retry.is_none()));
    ATTEMPTS.iter().try_for_each(|row| calls.family(&mut text, row, &without_retries))?;
    subchannels(&mut text, &clients, &target)?;
    pods(&mut text, scrapes, model)?;
    deployments(&mut text, scrapes, model)?;
    text.to.write_all(b"# EOF\n")
}

fn of_pod<'a>(model: &Model, pod: &'a PodSeries) -> Process<'a> {
    let labels = format!("pod={},job={}", quoted(&pod.name), quoted(&model.deployment(pod.server).name));
    let reads = pod.read.iter().map(|(ms, meter)| (ms, &meter.calls[..])).collect();
    Process { labels, target: None, reads, all_methods: true }
}

fn of_client<'a>(client: &Client, read: &'a Series<ClientMeter>, target: &'a str) -> Process<'a> {
    let reads = read.iter().map(|(ms, meter)| (ms, &meter.calls[..])).collect();
    Process { labels: format!("job={}", quoted(&client.name)), target: Some(target), reads, all_methods: false }
}

/// What a stream that is cut counts as in a client is not known: the simulator goes on with the same one.
fn has_calls(client: &Client) -> bool {
    matches!(client.protocol, Protocol::Grpc(_)) && !matches!(client.load, Load::Streams(_))
}

/// gRFC A94, of clients whose own channels have the connections.
fn subchannels(text: &mut Text<'_>, clients: &[(&Client, &Series<ClientMeter>)], target: &str) -> io::Result<()> {
    let own = |(client, _): &&(&Client, _)| client.via.is_none() && matches!(client.protocol, Protocol::Grpc(_));
    let own: Vec<_> = clients.iter().filter(own).collect();
    if own.is_empty() {
        return Ok(());
    }
    type Value = fn(&ClientMeter) -> u64;
    let rows: [(&str, &str, &str, Value); 3] = [
        ("open_connections", "gauge", "Number of open connections.", |m| m.open),
        ("connection_attempts_succeeded", "counter", "Number of successful connection attempts.", |m| m.connected),
        ("connection_attempts_failed", "counter", "Number of failed connection attempts.", |m| m.refused),
    ];
    let labels = |client: &Client| format!("job={},grpc_target={}", quoted(&client.name), quoted(target));
    for (name, kind, help, value) in rows {
        let family = format!("grpc_subchannel_{name}");
        text.family(&family, kind, "", &format!("{help} (gRFC A94)"))?;
        let sample = if kind == "counter" { format!("{family}_total") } else { family };
        for (client, read) in &own {
            text.series(&sample, &labels(client), read.iter().map(|(ms, meter)| (ms, value(meter))))?;
        }
    }
    text.family("grpc_subchannel_disconnections", "counter", "", "Connections lost, by reason (gRFC A94).")?;
    for (client, read) in &own {
        for (i, why) in Disconnect::ALL.into_iter().enumerate() {
            let labels = format!("{},grpc_disconnect_error=\"{}\"", labels(client), why.name());
            if read.iter().any(|(_, meter)| meter.lost[i] > 0) {
                let values = read.iter().map(|(ms, meter)| (ms, meter.lost[i]));
                text.series("grpc_subchannel_disconnections_total", &labels, values)?;
            }
        }
    }
    Ok(())
}

/// What is read of pods from outside of their processes. Those that no exporter has are called evenkeel's.
fn pods(text: &mut Text<'_>, scrapes: &Scrapes, model: &Model) -> io::Result<()> {
    type Value = fn(&PodMeter, &Server) -> String;
    let rows: [(&str, &str, &str, &str, Value); 8] = [
        ("evenkeel_pod_connections", "gauge", "", "Established connections that do not drain.", |m, _| {
            m.connections.to_string()
        }),
        ("evenkeel_pod_queued", "gauge", "", "Requests that wait in the pod.", |m, _| m.queued.to_string()),
        ("evenkeel_pod_requests", "counter", "", "Requests and messages received, whatever the protocol.", |m, _| {
            m.requests.to_string()
        }),
        ("evenkeel_pod_busy_seconds", "counter", "seconds", "Slot-time used.", |m, _| decimal(m.busy.0.into())),
        ("container_cpu_usage_seconds", "counter", "seconds", "CPU time used.", |m, server| {
            decimal(server.cpu.map_or(m.busy, |cpu| cpu.split(m.busy).0).0.into())
        }),
        ("container_cpu_cfs_periods", "counter", "", "Enforcement periods in which the container ran.", |m, _| {
            m.periods.used.to_string()
        }),
        (
            "container_cpu_cfs_throttled_periods",
            "counter",
            "",
            "Enforcement periods in which it was throttled.",
            |m, _| m.periods.throttled.to_string(),
        ),
        ("kube_pod_status_ready", "gauge", "", "Whether the pod is ready to serve requests.", |m, _| {
            u8::from(m.ready).to_string()
        }),
    ];
    for (family, kind, unit, help, value) in rows {
        let cpu = |pod: &PodSeries| model.deployment(pod.server).cpu;
        let known = |pod: &&PodSeries| match family {
            "container_cpu_usage_seconds" => cpu(pod).is_some(),
            "container_cpu_cfs_periods" | "container_cpu_cfs_throttled_periods" => {
                cpu(pod).is_some_and(|cpu| cpu.limit.is_some())
            }
            _ => true,
        };
        let known: Vec<&PodSeries> = scrapes.pods.iter().filter(known).collect();
        if known.is_empty() {
            continue;
        }
        text.family(family, kind, unit, help)?;
        let sample = if kind == "counter" { format!("{family}_total") } else { family.to_owned() };
        for pod in known {
            let of = model.deployment(pod.server);
            let (name, server) = (quoted(&pod.name), quoted(&of.name));
            let labels = match family.split('_').next() {
                Some("container") => format!("namespace=\"default\",pod={name},container={server}"),
                Some("kube") => format!("namespace=\"default\",pod={name},condition=\"true\""),
                _ => format!("pod={name},job={server}"),
            };
            text.series(&sample, &labels, pod.read.iter().map(|(ms, meter)| (ms, value(meter, of))))?;
        }
    }
    limits(text, scrapes, model)
}

/// What pods can do at most.
fn limits(text: &mut Text<'_>, scrapes: &Scrapes, model: &Model) -> io::Result<()> {
    text.family("evenkeel_pod_slots", "gauge", "", "Slots that can be in use all the time.")?;
    for pod in &scrapes.pods {
        let server = model.deployment(pod.server);
        let labels = format!("pod={},job={}", quoted(&pod.name), quoted(&server.name));
        let slots = f64::from(server.concurrency) * server.usable();
        text.series("evenkeel_pod_slots", &labels, pod.read.iter().map(|(ms, _)| (ms, slots)))?;
    }
    let name = "kube_pod_container_resource_limits";
    let limit = |pod: &PodSeries| model.deployment(pod.server).cpu.and_then(|cpu| cpu.limit);
    let limited: Vec<_> = scrapes.pods.iter().filter_map(|pod| Some((pod, limit(pod)?))).collect();
    if limited.is_empty() {
        return Ok(());
    }
    text.family(name, "gauge", "", "The number of requested limit resource by a container.")?;
    for (pod, limit) in limited {
        let (pod_name, server) = (quoted(&pod.name), quoted(&model.deployment(pod.server).name));
        let labels = format!("namespace=\"default\",pod={pod_name},container={server},resource=\"cpu\",unit=\"core\"");
        let cores = f64::from(limit.0) / 1e3;
        text.series(name, &labels, pod.read.iter().map(|(ms, _)| (ms, cores)))?;
    }
    Ok(())
}

/// kube-state-metrics.
fn deployments(text: &mut Text<'_>, scrapes: &Scrapes, model: &Model) -> io::Result<()> {
    type Value = fn(&DeploymentMeter) -> u32;
    let rows: [(&str, &str, Value); 3] = [
        ("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", |m| m.wanted),
        ("kube_deployment_status_replicas_ready", "The number of ready replicas per deployment.", |m| m.ready),
        ("kube_deployment_status_replicas_available", "The number of available replicas per deployment.", |m| {
            m.available
        }),
    ];
    for (family, help, value) in rows {
        text.family(family, "gauge", "", help)?;
        for (deployment, read) in model.deployments().zip(&scrapes.deployments) {
            let labels = format!("namespace=\"default\",deployment={}", quoted(&deployment.name));
            text.series(family, &labels, read.iter().map(|(ms, meter)| (ms, value(meter))))?;
        }
    }
    Ok(())
}

struct Text<'w> {
    to: &'w mut dyn Write,
    start_ms: u64,
}

impl Text<'_> {
    fn family(&mut self, name: &str, kind: &str, unit: &str, help: &str) -> io::Result<()> {
        writeln!(self.to, "# TYPE {name} {kind}")?;
        if !unit.is_empty() {
            writeln!(self.to, "# UNIT {name} {unit}")?;
        }
        writeln!(self.to, "# HELP {name} {help}")
    }

    fn series<V: Display>(
        &mut self,
        name: &str,
        labels: &str,
        values: impl Iterator<Item = (u64, V)>,
    ) -> io::Result<()> {
        for (ms, value) in values {
            self.sample(name, labels, value, ms)?;
        }
        Ok(())
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display, ms: u64) -> io::Result<()> {
        let ms = self.start_ms + ms;
        writeln!(self.to, "{name}{{{labels}}} {value} {}.{:03}", ms / 1_000, ms % 1_000)
    }

    /// One reading of a histogram, with those buckets whose ends are `shown`.
    fn histogram(
        &mut self,
        family: &str,
        labels: &str,
        (ms, durations): (u64, &Durations),
        shown: impl Fn(u64) -> bool,
    ) -> io::Result<()> {
        let bucket = format!("{family}_bucket");
        for (end, n) in durations.cumulative().filter(|(end, _)| shown(*end)) {
            self.sample(&bucket, &format!("{labels},le=\"{}\"", decimal(end.into())), n, ms)?;
        }
        self.sample(&bucket, &format!("{labels},le=\"+Inf\""), durations.count(), ms)?;
        self.sample(&format!("{family}_count"), labels, durations.count(), ms)?;
        self.sample(&format!("{family}_sum"), labels, decimal(durations.sum_ns), ms)
    }
}

/// Nanoseconds as seconds, exactly; OpenMetrics wants a fraction (`1.0`).
fn decimal(ns: u128) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

/// A label's value.
fn quoted(text: &str) -> String {
    format!("\"{}\"", printable::line(text).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        for (ns, text) in [(0, "0.0"), (10_000, "0.00001"), (2_500_000_000, "2.5"), (100_000_000_000, "100.0")] {
            assert_eq!(decimal(ns), text);
        }
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\\nd""#);
    }
}
