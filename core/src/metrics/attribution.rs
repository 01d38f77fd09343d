//! Attribution: what a pod's share is made of. The parts of a pod add up to its share less the even one.
//!
//! With n pods of one phase, requests x and time r of being Ready per pod, and per channel k (of client c) and pod i the time m of
//! connections that were READY and the requests s sent on them; X, R, M, S are sums over what is left out, and q = m / M of a channel:
//!
//! | part | formula |
//! |---|---|
//! | `time_ready` | r_i / R − 1 / n |
//! | `timing` | e_i − r_i / R |
//! | `draw` | m_i / M − e_i |
//! | `client_rates` | Σ_c (S_c / S − M_c / M) m_ci / M_c |
//! | `connection_rates` | Σ_c Σ_k (S_k / S − M_k / M_c · S_c / S) q_ki |
//! | `picks` | Σ_k (s_ki − S_k q_ki) / S |
//! | `failures` | x_i / X − s_i / S |
//!
//! e_i is the part of the connections that pod i would have if each had been drawn uniformly from the pods that were known to be Ready
//! when it was dialled (a mean `endpoint_lag` after they were).

use std::collections::BTreeMap;

/// What the headline's shares are made of.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Attribution {
    /// The pods that were Ready in the phase, in order of creation.
    pub pods: Vec<PodParts>,
    /// Who called them: the clients, or the gateways.
    pub clients: Vec<CallerPart>,
    /// Connections that were open at a time, on average; those that proxies and ring_hash open on demand are left out.
    pub connections: f64,
    /// How many independent draws of a pod these come to: connections that lived longer count for more (Kish's effective size).
    pub draws: f64,
    /// What the largest part comes of, as far as the run proves it; `null` if the load is even.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cause: Option<Cause>,
}

/// What one pod's share is made of: `share − even = time_ready + timing + draw + client_rates + connection_rates + picks + failures`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PodParts {
    /// Its name.
    pub pod: String,
    /// Part of what all pods of the phase received.
    pub share: f64,
    /// One over the number of these pods.
    pub even: f64,
    /// It was Ready for longer, or for less time, than the others.
    pub time_ready: f64,
    /// Pods that came after a connection was opened cannot have it: what an even draw from those that were Ready at each dial gives.
    pub timing: f64,
    /// It has more, or fewer, connections than that.
    pub draw: f64,
    /// The clients whose connections it has ask for more, or for less, per connection than others.
    pub client_rates: f64,
    /// Its connections carry more, or less, than others of the same client.
    pub connection_rates: f64,
    /// Channels prefer their connections to this pod, or those to others.
    pub picks: f64,
    /// Requests that were sent and have not come; for all other pods, what it lost by that.
    pub failures: f64,
    /// Its connections, on average over the phase.
    pub connections: f64,
    /// What `draw` is measured against: the part of the connections that draws at random would have given it.
    pub drawn_evenly: f64,
    /// Its parts by client, where there are several callers.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub by_client: BTreeMap<String, ClientParts>,
}

/// What one client does to a pod's share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ClientParts {
    /// Its connections to the pod, on average.
    pub connections: f64,
    /// Its term of `client_rates`.
    pub client_rates: f64,
    /// Its term of `connection_rates`.
    pub connection_rates: f64,
    /// Its term of `picks`.
    pub picks: f64,
}

/// A client, or a gateway, that calls the servers.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct CallerPart {
    /// Its name.
    pub client: String,
    /// Part of all that was sent.
    pub sent: f64,
    /// Part of the connections.
    pub connections: f64,
}

/// Why the load is not even.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Cause {
    /// Which one: `late_pod`, `few_connections`, `heavy_client`, `slow_pod`, `hash_keys`, `chance` and others (docs/verdict.md).
    pub kind: String,
    /// The pod that says it best.
    pub pod: String,
    /// The client that it comes of, if it is one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub client: Option<String>,
}

impl PodParts {
    /// The parts by name, in order.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("time_ready", self.time_ready),
            ("timing", self.timing),
            ("draw", self.draw),
            ("client_rates", self.client_rates),
            ("connection_rates", self.connection_rates),
            ("picks", self.picks),
            ("failures", self.failures),
        ]
    }

    /// Times its even share.
    #[must_use]
    pub fn times(&self) -> f64 {
        self.share / self.even
    }
}

/// What one channel did in a phase, per pod.
#[derive(Clone, Debug, Default)]
pub struct ChannelShares {
    /// Whose it is: a place in the list of callers.
    pub caller: usize,
    /// Its pods: their places in the lists of [`Loads`], the weight of its connections there (their time, or how many), and requests sent.
    pub pods: Vec<(usize, f64, f64)>,
    /// Its connections are opened on demand, so that they follow its picks: it counts as connected to all pods alike.
    pub on_demand: bool,
}

impl ChannelShares {
    /// It counts as connected to all pods alike: so does a channel whose connections only drained in the phase, but carried streams.
    fn is_everywhere(&self) -> bool {
        self.on_demand || self.pods.iter().all(|pod| pod.1 == 0.0) && self.pods.iter().any(|pod| pod.2 > 0.0)
    }
}

/// What a phase comes to, per pod.
#[derive(Clone, Debug, Default)]
pub struct Loads {
    /// Names of the pods.
    pub names: Vec<String>,
    /// Requests received.
    pub received: Vec<f64>,
    /// Time of being Ready.
    pub ready: Vec<f64>,
    /// The part of the connections that draws at random would give.
    pub drawn_evenly: Vec<f64>,
    /// Kish's effective number of draws.
    pub draws: f64,
    /// Seconds of the phase.
    pub length: f64,
}

fn over(part: f64, of: f64) -> f64 {
    if of > 0.0 { sum([part]) / of } else { 0.0 }
}

/// A sum in which nothing is 0, and not -0.
fn sum(all: impl IntoIterator<Item = f64>) -> f64 {
    all.into_iter().fold(0.0, |sum, x| sum + x)
}

/// Splits the shares of the pods of a phase. `None` if they received nothing.
#[must_use]
pub fn attribute(loads: &Loads, callers: &[String], channels: &[ChannelShares]) -> Option<Attribution> {
    let n = loads.names.len();
    let (total, ready) = (loads.received.iter().sum::<f64>(), loads.ready.iter().sum::<f64>());
    if total <= 0.0 || ready <= 0.0 {
        return None;
    }
    let clients: Vec<Client> =
        (0..callers.len()).map(|c| Client::new(&loads.ready, channels.iter().filter(|k| k.caller == c))).collect();
    let real: f64 = clients.iter().flat_map(|c| &c.real).sum();
    let weight: f64 = clients.iter().map(|c| c.weight).sum();
    let sent: f64 = clients.iter().map(|c| c.sent).sum();
    // Without anything sent there are none.
    let told = if sent > 0.0 { &clients[..] } else { &[] };
    let terms: Vec<Vec<ClientParts>> = told.iter().map(|c| c.terms(loads, (sent, weight))).collect();
    let pod = |i: usize| {
        let even = 1.0 / n as f64;
        let share = loads.received[i] / total;
        let of_ready = loads.ready[i] / ready;
        let mut parts = PodParts {
            pod: loads.names[i].clone(),
            share,
            even,
            time_ready: of_ready - even,
            connections: over(clients.iter().map(|c| c.real[i]).sum(), loads.length),
            drawn_evenly: loads.drawn_evenly[i],
            ..PodParts::default()
        };
        // Without a connection, or anything sent, the later parts are the first's.
        let placed = if weight > 0.0 { clients.iter().map(|c| c.weights[i]).sum::<f64>() / weight } else { of_ready };
        let expected = if real > 0.0 {
            // Channels that connect on demand have no draw.
            (loads.drawn_evenly[i] * real + of_ready * (weight - real)) / weight
        } else {
            placed
        };
        parts.timing = expected - of_ready;
        parts.draw = placed - expected;
        for (terms, name) in terms.iter().zip(callers) {
            let term = terms[i];
            parts.client_rates += term.client_rates;
            parts.connection_rates += term.connection_rates;
            parts.picks += term.picks;
            if callers.len() > 1 {
                parts.by_client.insert(name.clone(), term);
            }
        }
        let of_sent = if sent > 0.0 { clients.iter().map(|c| c.sent_to[i]).sum::<f64>() / sent } else { placed };
        parts.failures = share - of_sent;
        parts
    };
    let part = |(client, name): (&Client, &String)| CallerPart {
        client: name.clone(),
        sent: over(client.sent, sent),
        connections: over(client.weight, weight),
    };
    Some(Attribution {
        pods: (0..n).map(pod).collect(),
        clients: clients.iter().zip(callers).map(part).collect(),
        connections: over(real, loads.length),
        draws: loads.draws,
        cause: None,
    })
}

/// A client's channels together.
struct Client<'a> {
    channels: Vec<&'a ChannelShares>,
    weight: f64,
    sent: f64,
    /// By pod.
    weights: Vec<f64>,
    sent_to: Vec<f64>,
    /// By pod: weights of connections that are not opened on demand.
    real: Vec<f64>,
}

impl<'a> Client<'a> {
    /// `ready` is the pods' time of being Ready.
    fn new(ready: &[f64], channels: impl Iterator<Item = &'a ChannelShares>) -> Client<'a> {
        let channels: Vec<&ChannelShares> = channels.collect();
        let (mut real, mut sent_to) = (vec![0.0; ready.len()], vec![0.0; ready.len()]);
        for channel in &channels {
            // The weights of one that only drains are 0 in any case.
            for &(i, weight, sent) in &channel.pods {
                real[i] += if channel.on_demand { 0.0 } else { weight };
                sent_to[i] += sent;
            }
        }
        let everywhere = channels.iter().filter(|channel| channel.is_everywhere()).count() as f64;
        let weights: Vec<f64> = real.iter().zip(ready).map(|(real, ready)| real + everywhere * ready).collect();
        Client { weight: weights.iter().sum(), sent: sent_to.iter().sum(), weights, sent_to, real, channels }
    }

    /// What it does to the share of each pod, of all that was `sent` on connections of this `weight`.
    fn terms(&self, loads: &Loads, (sent, weight): (f64, f64)) -> Vec<ClientParts> {
        let over_mean = self.sent / sent - over(self.weight, weight);
        let of_pod = |(real, its): (&f64, &f64)| ClientParts {
            connections: over(*real, loads.length),
            client_rates: sum([over_mean * over(*its, self.weight)]),
            ..ClientParts::default()
        };
        let mut terms: Vec<ClientParts> = self.real.iter().zip(&self.weights).map(of_pod).collect();
        let ready = sum(loads.ready.iter().copied());
        // Of channels that count as connected to all pods alike.
        let (mut rates, mut spread) = (0.0, 0.0);
        for channel in &self.channels {
            let (its, all) = channel.pods.iter().fold((0.0, 0.0), |(w, s), pod| (w + pod.1, s + pod.2));
            let everywhere = channel.is_everywhere();
            let its = if everywhere { ready } else { its };
            let above = all / sent - over(its, self.weight) * self.sent / sent;
            if everywhere {
                (rates, spread) = (rates + above, spread + all / sent);
            }
            for &(i, weight, to_pod) in &channel.pods {
                let part = if everywhere { 0.0 } else { over(weight, its) };
                terms[i].connection_rates += above * part;
                terms[i].picks += (to_pod - all * part) / sent;
            }
        }
        for (term, its) in terms.iter_mut().zip(&loads.ready) {
            term.connection_rates += rates * over(*its, ready);
            term.picks -= spread * over(*its, ready);
        }
        terms
    }
}
