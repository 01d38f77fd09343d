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
//! [`output::write_run`] writes the files of a run, [`experiment::replicate`] and [`experiment::compare()`] run several seeds and
//! scenarios, [`shipped`] has the scenarios that come with the crate.
//!
//! # Map
//!
//! The engine is a crate of its own, `evenkeel-core`, without files, clock or threads: [`units`], [`ids`], [`random`], [`distribution`],
//! [`pick`], [`model`], [`policy`], [`sim`], [`metrics`] and [`observe`]. Its front page builds a [`Model`](model::Model) in Rust. The rest
//! stands here. Data flows one way, and a module uses only the core and what stands before it:
//!
//! | module | what it does |
//! |---|---|
//! | [`printable`] | text from outside, made safe to show |
//! | [`words`] | numbers, times and lines of text as people read them |
//! | [`scenario`] | from what is written to what it means: YAML, checks, messages, JSON Schema, the checked [`Model`](model::Model) |
//! | [`theory`] | closed forms, which know nothing of the engine |
//! | [`verdict`] | the sentence that ends a run |
//! | [`experiment`] | one run, many seeds, scenarios side by side, cures, sweeps, capacity, and the reports of them as data |
//! | [`output`] | from an outcome or a report to CSV, JSON, tables and pictures |
//! | [`lint`] | the production checklist as rules, each with an experiment as evidence |
//! | [`cli`] | the commands |
//!
//! The main loop is `Engine::run` in `core/src/sim/engine.rs`. docs/architecture.md says where to put a change.

// `pub` means that other crates can use it.
#![warn(unreachable_pub)]

pub use evenkeel_core::{distribution, ids, metrics, model, observe, pick, policy, random, settings, sim, units};

#[cfg(feature = "cli")]
pub mod cli;
pub mod experiment;
pub mod lint;
pub mod output;
pub mod printable;
pub mod scenario;
pub mod shipped;
pub mod theory;
pub mod verdict;
pub mod words;
