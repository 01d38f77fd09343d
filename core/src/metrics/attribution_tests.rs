//! Shares taken apart by hand.

use super::attribution::*;

fn loads(received: &[f64], drawn_evenly: &[f64]) -> Loads {
    Loads {
        names: (0..received.len()).map(|i| format!("s-{i}")).collect(),
        received: received.to_vec(),
        ready: vec![10.0; received.len()],
        drawn_evenly: drawn_evenly.to_vec(),
        draws: 4.0,
        length: 10.0,
    }
}

fn channel(caller: usize, pods: &[(f64, f64)]) -> ChannelShares {
    let pods = pods.iter().enumerate().map(|(i, (weight, sent))| (i, *weight, *sent)).collect();
    ChannelShares { caller, pods, on_demand: false }
}

#[track_caller]
fn adds_up(attribution: &Attribution) {
    for pod in &attribution.pods {
        let sum: f64 = pod.parts().iter().map(|p| p.1).sum();
        assert!((sum - (pod.share - pod.even)).abs() < 1e-12, "{pod:?}");
    }
}

/// Two clients of one connection each; the heavy one asks for three times as much.
#[test]
fn a_heavy_client() {
    let channels = vec![channel(0, &[(10.0, 30.0), (0.0, 0.0)]), channel(1, &[(0.0, 0.0), (10.0, 10.0)])];
    let callers = ["heavy".to_owned(), "light".to_owned()];
    let all = attribute(&loads(&[30.0, 10.0], &[0.5, 0.5]), &callers, &channels).expect("requests");
    adds_up(&all);
    let hot = &all.pods[0];
    assert!((hot.client_rates - 0.25).abs() < 1e-12 && hot.draw.abs() < 1e-12 && hot.picks.abs() < 1e-12, "{hot:?}");
    assert!((hot.by_client["heavy"].client_rates - 0.25).abs() < 1e-12);
    assert_eq!((all.clients[0].sent, all.clients[0].connections), (0.75, 0.5));
    assert_eq!((hot.even, hot.share, hot.times(), hot.connections), (0.5, 0.75, 1.5, 1.0));
}

/// Four equal connections, all opened before the second pod was there.
#[test]
fn a_late_pod_and_a_draw() {
    let one = |pods: &[(f64, f64)]| channel(0, pods);
    let early = vec![one(&[(40.0, 40.0), (0.0, 0.0)])];
    let all = attribute(&loads(&[40.0, 0.0], &[1.0, 0.0]), &["c".to_owned()], &early).expect("requests");
    adds_up(&all);
    assert_eq!((all.pods[1].timing, all.pods[1].draw, all.connections), (-0.5, 0.0, 4.0));
    let lucky = vec![one(&[(30.0, 30.0), (0.0, 0.0)]), one(&[(0.0, 0.0), (10.0, 10.0)])];
    let all = attribute(&loads(&[30.0, 10.0], &[0.5, 0.5]), &["c".to_owned()], &lucky).expect("requests");
    adds_up(&all);
    assert_eq!((all.pods[0].timing, all.pods[0].draw), (0.0, 0.25));
}

/// One channel with a connection to each of two pods prefers the first; what is sent to the second is lost in part.
#[test]
fn picks_and_failures() {
    let channels = vec![channel(0, &[(10.0, 60.0), (10.0, 40.0)])];
    let all = attribute(&loads(&[60.0, 20.0], &[0.5, 0.5]), &["c".to_owned()], &channels).expect("requests");
    adds_up(&all);
    assert!((all.pods[0].picks - 0.1).abs() < 1e-12 && (all.pods[1].failures + 0.15).abs() < 1e-12, "{all:?}");
    // A proxy opens connections where calls go: they explain nothing.
    let pool = ChannelShares { on_demand: true, pods: vec![(0, 10.0, 100.0)], caller: 0 };
    let all = attribute(&loads(&[100.0, 0.0], &[0.5, 0.5]), &["c".to_owned()], &[pool]).expect("requests");
    adds_up(&all);
    assert_eq!((all.pods[0].picks, all.pods[0].draw, all.connections), (0.5, 0.0, 0.0));
}

/// Streams go on on connections that drain, and that nobody chose in this phase: beside others, and alone.
#[test]
fn connections_that_only_drain() {
    let drains = || channel(0, &[(0.0, 20.0), (0.0, 0.0)]);
    let both = vec![drains(), channel(0, &[(10.0, 10.0), (10.0, 10.0)])];
    let all = attribute(&loads(&[30.0, 10.0], &[0.5, 0.5]), &["c".to_owned()], &both).expect("requests");
    adds_up(&all);
    assert_eq!((all.pods[0].picks, all.pods[0].draw), (0.25, 0.0));
    let all = attribute(&loads(&[20.0, 0.0], &[0.5, 0.5]), &["c".to_owned()], &[drains()]).expect("requests");
    adds_up(&all);
    assert_eq!((all.pods[0].picks, all.connections), (0.5, 0.0));
}

#[test]
fn without_requests_there_is_nothing_to_attribute() {
    assert_eq!(attribute(&loads(&[0.0, 0.0], &[0.5, 0.5]), &["c".to_owned()], &[]), None);
    let all = attribute(&loads(&[3.0, 1.0], &[0.5, 0.5]), &["c".to_owned()], &[]).expect("requests");
    adds_up(&all);
}

/// Two connections of one client, one to each pod; the first carries three quarters of the calls, and half would be even.
#[test]
fn unequal_connections_of_one_client() {
    let channels = vec![channel(0, &[(10.0, 30.0), (0.0, 0.0)]), channel(0, &[(0.0, 0.0), (10.0, 10.0)])];
    let all = attribute(&loads(&[30.0, 10.0], &[0.5, 0.5]), &["c".to_owned()], &channels).expect("requests");
    adds_up(&all);
    let hot = &all.pods[0];
    assert_eq!((hot.connection_rates, hot.draw, hot.client_rates, hot.picks), (0.25, 0.0, 0.0, 0.0));
}

/// A channel that connects on demand beside one connection: as if the first had one to each pod.
#[test]
fn on_demand_beside_a_connection() {
    let pool = ChannelShares { on_demand: true, pods: vec![(0, 10.0, 30.0)], caller: 0 };
    let channels = [pool, channel(0, &[(0.0, 0.0), (10.0, 10.0)])];
    let all = attribute(&loads(&[30.0, 10.0], &[0.5, 0.5]), &["c".to_owned()], &channels).expect("requests");
    adds_up(&all);
    // Of the calls it has 3/4, of the weight 2/3; what is above falls on both pods alike.
    assert!((all.pods[0].connection_rates - 1.0 / 24.0).abs() < 1e-12, "{all:?}");
}
