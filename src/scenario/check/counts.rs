//! Settings that act only with enough pods, or with more than one address: checked when all that the scenario says of them is known.

use super::Check;
use super::client::ONE_ADDRESS;
use crate::model::{
    CountOrPercent, GrpcClient, Model, OutlierDetection, Protocol, Rules, Scale, Server, Strategy, Subset, What,
};
use crate::scenario::diagnostic::{Place, Problem};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::ClientFile;
use crate::scenario::file::gateway::{GatewayFile, GatewayProxyFile};
use crate::scenario::file::settings::WrittenKeys;
use crate::scenario::file::via::{EnvoyFile, ViaFile};
use crate::scenario::rules::Code;

/// Where a client asks for what depends on the number of pods.
#[derive(Default)]
pub(super) struct Asked {
    detection: Option<Place>,
    success_rate: Option<Place>,
    failure_percentage: Option<Place>,
    panic_threshold: Option<Place>,
    slow_start: Option<Place>,
    subset: Option<Place>,
}

/// One for each client, then one for each gateway, in their order.
pub(super) fn asked(clients: &Key<Vec<At<ClientFile>>>, gateways: &Key<Vec<At<GatewayFile>>>) -> Vec<Asked> {
    let of_client = |client: &At<ClientFile>| {
        let grpc = &client.value.rest;
        let cluster = match grpc.rest.via.as_ref().map(|via| &via.value) {
            Some(ViaFile::Envoy(file) | ViaFile::Istio(file)) => Some(&file.value),
            _ => None,
        };
        let subset = place(&grpc.given_in("subset", "size"));
        Asked { subset, ..asked_by(grpc.group("outlier_detection"), cluster) }
    };
    let of_gateway = |gateway: &At<GatewayFile>| {
        let cluster = match gateway.value.proxy.as_ref().map(|proxy| &proxy.value) {
            Some(GatewayProxyFile::Envoy(file) | GatewayProxyFile::Istio(file) | GatewayProxyFile::Waypoint(file)) => {
                Some(&file.value)
            }
            _ => None,
        };
        let detection = gateway.value.outlier_detection.as_ref();
        asked_by(detection.map(|d| (&*d.value, d.place)), cluster)
    };
    let clients = clients.iter().flat_map(|list| &list.value).map(of_client);
    clients.chain(gateways.iter().flat_map(|list| &list.value).map(of_gateway)).collect()
}

fn asked_by(detection: Option<(&WrittenKeys, Place)>, cluster: Option<&EnvoyFile>) -> Asked {
    Asked {
        detection: detection.map(|(_, place)| place),
        success_rate: detection.and_then(|(keys, _)| keys.place("success_rate")),
        failure_percentage: detection.and_then(|(keys, _)| keys.place("failure_percentage")),
        panic_threshold: cluster.and_then(|c| c.place("panic_threshold")),
        slow_start: cluster.and_then(|c| c.place("slow_start")),
        subset: None,
    }
}

fn place<T>(key: &Key<T>) -> Option<Place> {
    key.as_ref().map(|k| k.place)
}

/// Refuses what cannot act with any number of pods that the run can have.
pub(super) fn can_act(cx: &mut Check<'_>, asked: &[Asked], model: &Model) {
    for (asked, client) in asked.iter().zip(model.callers()) {
        let Protocol::Grpc(grpc) = &client.protocol else { continue };
        let cluster = client.via.as_ref().and_then(|via| via.cluster);
        if !model.knows_pods(client) {
            if cluster.is_some_and(|cluster| cluster.slow_start.is_some()) {
                refuse(cx, asked.slow_start, &format!("`slow_start` has no effect {ONE_ADDRESS}"), None);
            }
            continue;
        }
        let pods = most_addresses(model);
        if let Some(Subset { size }) = grpc.subset.filter(|subset| subset.size > pods) {
            let message =
                format!("`subset` has no effect: {size} addresses are asked for, and there are never more than {pods}");
            refuse(cx, asked.subset, &message, Some("make `size` smaller than the number of pods".to_owned()));
        }
        if let Some(detection) = grpc.outlier_detection {
            let hosts = most_hosts(model, grpc);
            if ejects(cx, asked, &detection, hosts)
                && let Some(cluster) = cluster
                && is_steady(model)
            {
                panics(cx, asked, &detection, hosts, cluster.panic_threshold);
            }
        }
    }
}

fn refuse(cx: &mut Check<'_>, place: Option<Place>, message: &str, help: Option<String>) {
    let Some(place) = place else { return };
    let problem = Problem::new(Code::NoEffect, place, message);
    cx.report(match help {
        Some(help) => problem.help(help),
        None => problem,
    });
}

/// The longest list of addresses that a channel can have in the run.
fn most_hosts(model: &Model, grpc: &GrpcClient) -> u32 {
    let pods = most_addresses(model);
    grpc.subset.map_or(pods, |subset| pods.min(subset.size))
}

/// The most Ready pods of all servers that there can be.
fn most_addresses(model: &Model) -> u32 {
    (0..).zip(&model.servers).map(|(i, server)| most_pods(model, i, server)).fold(0, u32::saturating_add)
}

/// The most Ready pods that a Deployment can have in the run.
fn most_pods(model: &Model, index: usize, server: &Server) -> u32 {
    let scaled = model.timeline.iter().filter_map(|action| match action.what {
        What::Scale(Scale { server, replicas }) if server == index => Some(replicas),
        _ => None,
    });
    let by_hpa = server.hpa.as_ref().map(|hpa| hpa.max_replicas);
    let pods = scaled.chain(by_hpa).fold(server.replicas, u32::max);
    let is_rolled = model.timeline.iter().any(|action| action.what == What::RolloutServer(index));
    let surge = match server.strategy {
        Strategy::RollingUpdate { max_surge: CountOrPercent::Count(n), .. } => n,
        Strategy::RollingUpdate { max_surge: CountOrPercent::Percent(p), .. } => {
            u32::try_from((u64::from(pods) * u64::from(p)).div_ceil(100)).unwrap_or(u32::MAX)
        }
        Strategy::Recreate => 0,
    };
    if is_rolled { pods.saturating_add(surge) } else { pods }
}

/// True if the number of pods never changes.
fn is_steady(model: &Model) -> bool {
    let of_clients =
        |what: &What| matches!(what, What::Rate(_) | What::RolloutClient(_) | What::Slow(_) | What::Errors(_));
    model.timeline.iter().all(|action| of_clients(&action.what)) && model.servers.iter().all(|s| s.hpa.is_none())
}

/// True if outlier detection can leave somebody out.
fn ejects(cx: &mut Check<'_>, asked: &Asked, detection: &OutlierDetection, hosts: u32) -> bool {
    let most = detection.max_ejection_percent;
    let (allowed, or_else) = match detection.rules {
        Rules::Grpc => (most > 0, ""),
        Rules::Envoy => (
            detection.always_eject_one_host || u64::from(most) * u64::from(hosts) >= 100,
            ", or `always_eject_one_host: true`",
        ),
    };
    if !allowed && hosts > 0 {
        let message = format!(
            "`outlier_detection` has no effect: `max_ejection_percent` is {most} %, and that share of at most {hosts} hosts \
             is less than one"
        );
        let enough = if detection.rules == Rules::Grpc { 1 } else { 100u32.div_ceil(hosts) };
        let help = format!("set `max_ejection_percent: {enough}%` or more{or_else}");
        refuse(cx, asked.detection, &message, Some(help));
        return false;
    }
    let OutlierDetection { success_rate, failure_percentage, .. } = *detection;
    for (name, place, least) in [
        ("success_rate", asked.success_rate, success_rate.map(|rule| rule.minimum_hosts)),
        ("failure_percentage", asked.failure_percentage, failure_percentage.map(|rule| rule.minimum_hosts)),
    ] {
        if let Some(least) = least.filter(|least| hosts > 0 && *least > hosts) {
            let message = format!(
                "`{name}` has no effect: it acts with `minimum_hosts` ({least}) or more, and there are never more than \
                 {hosts}"
            );
            refuse(cx, place, &message, Some(format!("set `minimum_hosts: {hosts}` or less")));
        }
    }
    true
}

/// Refuses a panic threshold that so few ejections cannot reach, and that changes nothing against the default either.
fn panics(cx: &mut Check<'_>, asked: &Asked, detection: &OutlierDetection, hosts: u32, threshold: u32) {
    let allowed = u64::from(detection.max_ejection_percent.min(100)) * u64::from(hosts) / 100;
    let one = detection.rules == Rules::Envoy && detection.always_eject_one_host;
    let healthy = u64::from(hosts).saturating_sub(allowed.max(u64::from(one)));
    // Envoy's overprovisioning factor: health is 140 % of the healthy part, and below 100 % there is a panic.
    let can_panic = 140 * healthy / u64::from(hosts.max(1)) < 100;
    let threshold = u64::from(threshold.max(crate::model::defaults::PANIC_THRESHOLD));
    if !can_panic || 100 * healthy >= threshold * u64::from(hosts) {
        let message = format!(
            "`panic_threshold` has no effect: `max_ejection_percent` ({} %) keeps {healthy} of {hosts} hosts healthy, \
             and Envoy panics below the threshold, and below 72 % only",
            detection.max_ejection_percent
        );
        let help = "raise `max_ejection_percent`, or leave out `panic_threshold`";
        refuse(cx, asked.panic_threshold, &message, Some(help.to_owned()));
    }
}
