//! The scenario file as it is written: every key, optional, with its position. What it means is decided in
//! `scenario::check`; the descriptions here are those of the JSON Schema.

pub(super) mod at;
pub(super) mod beside;
pub(super) mod client;
pub(super) mod cluster;
pub(super) mod gateway;
pub(super) mod hpa;
pub(super) mod law;
pub(super) mod load;
pub(super) mod policy;
pub(super) mod retry;
pub(super) mod server;
pub(super) mod settings;
pub(super) mod stack;
pub(super) mod streams;
pub(super) mod timeline;
pub(super) mod via;

use schemars::JsonSchema;
use serde::Deserialize;

use super::quantity::{Count, Duration};
use crate::model::{ServiceType, SessionAffinity};
use at::{At, Key};
use client::ClientFile;
use cluster::ClusterFile;
use gateway::GatewayFile;
use server::ServerFile;
use settings::{Word, Written};
use timeline::ActionFile;

/// A scenario of evenkeel: what runs where, what is asked of it, and what happens when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Name of the scenario: a DNS label. The default output folder and the title of the plots.
    #[schemars(required)]
    pub name: Key<String>,
    /// The question that the scenario asks, and what to look at.
    pub about: Key<String>,
    /// Its place among scenarios that tell a story together, and what is said of it. Changes nothing that is simulated.
    pub story: Key<StoryFile>,
    /// Seed of the random numbers, exact up to 2^64 - 1; run i has seed + i. Default 1.
    pub seed: Key<Count>,
    /// Simulated time. Without it the run ends when all calls of the closed loads are done.
    pub duration: Key<Duration>,
    /// Calls emitted before this are in the traces, not in the summary. Default 0s.
    pub warmup: Key<Duration>,
    /// Width of one row in pods.csv. Default: 1/300 of the run, rounded up to 1, 2 or 5.
    pub window: Key<Duration>,
    /// Calls that may be in flight at once, from 1; a run with more is given up, lest it fill the memory (some 200 bytes each).
    /// Default 5000000.
    pub max_calls_in_flight: Key<Count>,
    /// The cluster that everything runs in.
    pub cluster: Key<ClusterFile>,
    /// The Service in front of the servers.
    pub service: Key<ServiceFile>,
    /// The server Deployments behind the Service, at least one.
    #[schemars(required, length(min = 1))]
    pub servers: Key<Vec<At<ServerFile>>>,
    /// The client Deployments, at least one.
    #[schemars(required, length(min = 1))]
    pub clients: Key<Vec<At<ClientFile>>>,
    /// Proxies between clients and servers, as Deployments of their own.
    pub gateways: Key<Vec<At<GatewayFile>>>,
    /// What happens when.
    pub timeline: Key<Vec<At<ActionFile>>>,
    /// What must hold after the run, as `figure op value`: `idle_pods == 0`, `latency.p99 <= 20ms`, `max_share < 25%`. For skew, failed
    /// calls, latencies and utilization it can name a part of the run: `... after 6m`, `... in every window`, `... within 90s of rollout`
    /// (from 90 s after it until the next change: it may take that long), `... for 90s after rollout` (in these 90 s). Unmet, the exit
    /// status is 1.
    pub expect: Key<Vec<At<String>>>,
}

/// What `compare` shows beside what happens.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoryFile {
    /// `compare` puts scenarios that all have a place in this order: from 1 to 1000000.
    #[schemars(required)]
    pub place: Key<Count>,
    /// What is claimed of it, in one line. Default: nothing.
    pub says: Key<String>,
    /// Why it comes out as it does, in one line. Default: nothing is said.
    pub why: Key<String>,
}

/// The Service in front of the servers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceFile {
    /// ClusterIP (the default) or Headless.
    #[serde(rename = "type")]
    pub kind: Key<Word<ServiceType>>,
    /// `sessionAffinity: ClientIP`; acts on connections to the virtual IP. Default: none.
    pub session_affinity: Key<Written<SessionAffinity>>,
}
