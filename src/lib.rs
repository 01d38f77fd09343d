//! Which pod gets the traffic, and what would change that?
//!
//! evenkeel simulates connection-level load balancing for gRPC and HTTP/1.1 in Kubernetes, request by request: a scenario goes
//! in, per-pod traces, figures and a verdict come out, the same bytes for the same seed. Whatever the command line does, a
//! program does in a few lines:
//!
//! ```
//! use evenkeel::{experiment, scenario};
//!
//! let loaded = scenario::parse("example", "
//!     name: example
//!     servers: [{ name: api, replicas: 5 }]
//!     clients: [{ name: ghz, load: { closed: { concurrency: 50, requests: 10000 } } }]
//! ", None, &[])?;
//! let outcome = experiment::run(&loaded, 1, true, None)?;
//! // One connection through a ClusterIP: one pod gets everything.
//! assert_eq!(outcome.summary.skew.headline.idle_pods, Some(4.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`output::write_run`] writes the files of a run, [`experiment::replicate`] and [`experiment::compare`] run several seeds and
//! scenarios, [`shipped`] has the scenarios that come with the crate.
//!
//! # Map
//!
//! Data flows one way, and a module uses only what stands before it:
//!
//! | module | what it does |
//! |---|---|
//! | [`printable`] | text from outside, made safe to show |
//! | [`units`], [`random`] | time in nanoseconds; random streams named by what a draw is for and whose it is |
//! | [`scenario`] | from what is written to what it means: YAML, checks, messages, JSON Schema, the checked [`Model`](scenario::model::Model) |
//! | [`policy`] | decisions as pure functions: kube-proxy's choice, pick policies, the Deployment controller, back-off, keepalive, retries, HPA |
//! | [`sim`] | the engine: schedule, world, handlers; tells an [`Observer`](sim::Observer) everything that happens |
//! | [`observe`], [`metrics`] | from observations to an [`Outcome`](metrics::outcome::Outcome): windows, histograms, skew, digest |
//! | [`verdict`] | the sentence that ends a run |
//! | [`theory`] | closed forms, which know nothing of the engine |
//! | [`output`] | from an outcome to CSV, JSON, tables and pictures |
//! | [`experiment`] | one run, many seeds, scenarios side by side, cures, sweeps, capacity |
//! | [`lint`] | the production checklist as rules, each with an experiment as evidence |
//! | [`cli`] | the commands |
//!
//! The main loop is `Engine::run` in `src/sim/engine.rs`. docs/architecture.md says where to put a change.

#[cfg(feature = "cli")]
pub mod cli;
pub mod experiment;
pub mod lint;
pub mod metrics;
pub mod observe;
pub mod output;
pub mod policy;
pub mod printable;
pub mod random;
pub mod scenario;
pub mod shipped;
pub mod sim;
pub mod theory;
pub mod units;
pub mod verdict;
