//! Where kube-proxy and round_robin place things, by the engine, against the exact laws of `theory::balls`. The level is that
//! of the family, seeds are 1 to the number of runs.

use crate::support;

use evenkeel::model::Load;
use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::sim::{Options, simulate_dyn};
use evenkeel::theory::balls::Balls;
use evenkeel::units::Time;
use support::family::Family;
use support::runs::{Connections, model, over_seeds};
use support::stats::{chi_square, mean, pool, x2_across_seeds, z, z_mean};

/// Requests per pod.
#[derive(Default)]
struct Received(Vec<u64>);

impl Observer for Received {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        match *what {
            Observation::PodCreated { .. } => self.0.push(0),
            Observation::Received { pod, .. } => self.0[pod.0 as usize] += 1,
            _ => {}
        }
    }
}

/// The shipped scenario with its 10,000 calls, seeds 1 to 20, and with 60 calls, seeds 1 to 5,000.
#[test]
fn one_connection_through_a_clusterip_means_one_pod() {
    let shipped = evenkeel::shipped::find("blog/grpc-clusterip").into_iter().find(|s| s.name == "blog/grpc-clusterip");
    let mut model = model(shipped.expect("shipped").text);
    let pod = |calls: u64| {
        move |seen: Received| {
            let chosen = seen.0.iter().position(|&c| c > 0).expect("somebody serves");
            assert_eq!(seen.0[chosen], calls, "{:?}", seen.0);
            assert_eq!(seen.0.iter().sum::<u64>(), calls);
            (chosen, seen.0.len())
        }
    };
    over_seeds(&model, 1..=20, pod(10_000));
    model.clients[0].load = Load::closed(50, Some(60));
    let chosen = over_seeds(&model, 1..=5_000, pod(60));
    let pods = chosen[0].1;
    let mut counts = vec![0.0; pods];
    chosen.iter().for_each(|c| counts[c.0] += 1.0);
    let mut family = Family::named("closed form: which pod has the one connection");
    family.add("uniform", chi_square(&counts, &vec![chosen.len() as f64 / pods as f64; pods], 0));
    family.assert_holds();
}

/// The picks of each replica since its picker last changed, and whether they ever stopped being a rotation.
struct Rotations {
    /// Half of the round trip: what arrives by then was picked before.
    to_pod_ns: u64,
    /// By connection: its replica.
    replicas: Vec<u32>,
    clients: Vec<Rotation>,
}

#[derive(Clone, Default)]
struct Rotation {
    ready: usize,
    changed: Time,
    /// Pods of the requests since then.
    picks: Vec<u32>,
    checked: u64,
}

impl Rotation {
    /// If any n consecutive picks of n connections are distinct, the picks repeat one order of them for ever, and any span
    /// has counts that differ by at most 1. If n consecutive picks are not distinct, one connection has two of them and
    /// another has none.
    fn check(&mut self) {
        for span in self.picks.windows(self.ready.max(1)) {
            let mut pods = span.to_vec();
            pods.sort_unstable();
            pods.dedup();
            assert_eq!(pods.len(), self.ready, "{span:?}");
            self.checked += 1;
        }
    }

    fn change(&mut self, at: Time, ready: usize) {
        self.check();
        self.picks.clear();
        (self.changed, self.ready) = (at, ready);
    }
}

impl Observer for Rotations {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Dialled { replica, .. } => {
                self.replicas.push(replica);
                self.clients.resize_with(self.clients.len().max(replica as usize + 1), Rotation::default);
            }
            Observation::Connected { replica, .. } => {
                let client = &mut self.clients[replica as usize];
                client.change(at, client.ready + 1);
            }
            Observation::Draining { connection, .. } => {
                let client = &mut self.clients[self.replicas[connection.0 as usize] as usize];
                client.change(at, client.ready - 1);
            }
            Observation::Received { pod, connection } => {
                let client = &mut self.clients[self.replicas[connection.0 as usize] as usize];
                if at.0 > client.changed.0 + self.to_pod_ns {
                    client.picks.push(pod.0);
                }
            }
            _ => {}
        }
    }
}

/// Between any two changes of the picker, so also after the last one. Exact; seeds 1 to 10. The load of the blog, cold, and an
/// open load over a kill.
#[test]
fn round_robin_is_even_over_any_span() {
    let blog = "{ name: ghz, policy: round_robin, load: { closed: { concurrency: 50, requests: 10000 } } }";
    let open = "{ name: web, replicas: 7, policy: round_robin, load: { open: { rate: 2000 } } }";
    for (client, rest) in [(blog, ""), (open, "duration: 10s\ntimeline: [{ at: 4s, kill: { server: s } }]\n")] {
        let text = format!(
            "name: even\nservice: {{ type: Headless }}\n{rest}servers: [{{ name: s, replicas: 5, startup: 1s }}]\n\
             clients: [{client}]"
        );
        let model = model(&text);
        for seed in 1..=10 {
            let to_pod_ns = model.cluster.rtt.0 / 2;
            let mut seen = Rotations { to_pod_ns, replicas: Vec::new(), clients: Vec::new() };
            simulate_dyn(&model, seed, Options::default(), &mut seen).unwrap();
            for client in &mut seen.clients {
                client.check();
                assert!(client.ready == 5 && client.checked > 1_000, "{} {}", client.ready, client.checked);
            }
        }
    }
}

/// `C` clients with a connection each, through a ClusterIP or straight to what DNS says.
fn clients(pods: u32, clients: u32, straight: bool) -> String {
    let (service, cache) =
        if straight { ("Headless", "dns: { cache: node_local }") } else { ("ClusterIP", "rtt: 500us") };
    format!(
        "name: placement\nduration: 1s\nservice: {{ type: {service} }}\ncluster: {{ {cache} }}\n\
         servers: [{{ name: s, replicas: {pods} }}]\n\
         clients: [{{ name: c, replicas: {clients}, load: {{ open: {{ rate: 0.001 }} }} }}]"
    )
}

/// What is thrown at how many pods, how often. Fewer runs of the largest, for time.
const CONNECTIONS: [(u32, u64); 6] = [(1, 2_000), (5, 2_000), (10, 2_000), (50, 2_000), (100, 2_000), (1_000, 400)];

/// E[X²], which is `C E[cv²]`; the law of the fullest pod, and its mean; idle pods where at least 25 are expected in all runs.
fn against_balls_in_bins(pods: u32, straight: bool) -> Family {
    let mut family = match pods {
        5 => Family::named("closed form: balls in 5 bins"),
        10 => Family::named("closed form: balls in 10 bins"),
        _ => Family::named("closed form: balls in 50 bins"),
    };
    for (connections, runs) in CONNECTIONS {
        let model = model(&clients(pods, connections, straight));
        let rows = over_seeds(&model, 1..=runs, |seen: Connections| seen.at_end());
        assert!(rows.iter().all(|r| r.len() == pods as usize && r.iter().sum::<u64>() == u64::from(connections)));
        if connections == 1 {
            let even = vec![runs as f64 / f64::from(pods); pods as usize];
            let hits: Vec<f64> = (0..pods as usize).map(|i| rows.iter().filter(|r| r[i] == 1).count() as f64).collect();
            family.add("which pod", chi_square(&hits, &even, 0));
            continue;
        }
        let law = Balls::new(pods, connections).unwrap();
        family.add(format!("{connections}: X²"), x2_across_seeds(&rows));
        fullest(&mut family, law, &rows);
        if law.mean_idle_pods() * runs as f64 >= 25.0 {
            idle(&mut family, pods, law, &rows);
        }
    }
    family
}

fn fullest(family: &mut Family, law: Balls, rows: &[Vec<u64>]) {
    let c = law.connections();
    let mut cells = vec![0.0; c as usize + 1];
    rows.iter().for_each(|r| cells[*r.iter().max().unwrap() as usize] += 1.0);
    let mut below = 0.0;
    let probability: Vec<f64> = (0..=c)
        .map(|m| {
            // Beyond, nothing is left: the law need not be computed.
            let at_most = if below > 1.0 - 1e-12 { below } else { law.max_at_most(m).unwrap() };
            at_most - std::mem::replace(&mut below, at_most)
        })
        .collect();
    let expected: Vec<f64> = probability.iter().map(|p| p * rows.len() as f64).collect();
    let (o, e) = pool(&cells, &expected);
    family.add(format!("{c}: law of the fullest"), chi_square(&o, &e, 0));
    let first: f64 = law.mean_max().unwrap();
    let variance: f64 = probability.iter().enumerate().map(|(m, p)| p * (m as f64 - first).powi(2)).sum();
    let fullest: Vec<f64> = rows.iter().map(|r| *r.iter().max().unwrap() as f64).collect();
    family.add(format!("{c}: mean of the fullest"), z_mean(&fullest, first, variance.sqrt()));
}

/// The number of idle pods has mean `n p1` and variance `n p1 + n(n-1) p2 - (n p1)²` with `pk = (1-k/n)^C`, the chance that k
/// given pods are idle.
fn idle(family: &mut Family, pods: u32, law: Balls, rows: &[Vec<u64>]) {
    let (n, c) = (f64::from(pods), law.connections());
    let both = (1.0 - 2.0 / n).powi(c as i32);
    let first = law.mean_idle_pods();
    let variance = first + n * (n - 1.0) * both - first * first;
    let counts: Vec<f64> = rows.iter().map(|r| r.iter().filter(|&&x| x == 0).count() as f64).collect();
    assert!((first / n - law.idle_probability()).abs() < 1e-12);
    let value = (mean(&counts) - first) / (variance / counts.len() as f64).sqrt();
    family.add(format!("{c}: idle pods"), z(value));
}

#[test]
fn balls_in_5_bins() {
    against_balls_in_bins(5, false).assert_holds();
}

#[test]
fn balls_in_10_bins() {
    against_balls_in_bins(10, false).assert_holds();
}

#[test]
fn balls_in_50_bins() {
    against_balls_in_bins(50, false).assert_holds();
}

/// Wrong model: no kube-proxy; clients take the first address that DNS gives them, which is the same on a whole node.
#[test]
fn addresses_of_a_node_local_cache_are_no_balls_in_bins() {
    against_balls_in_bins(5, true).assert_rejected();
}
