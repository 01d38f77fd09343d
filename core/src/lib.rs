//! The engine of evenkeel: connection-level load balancing for gRPC and HTTP/1.1 in Kubernetes, request by request, as a
//! deterministic discrete-event simulation. It reads no files, asks no clock and starts no threads.
//!
//! A program builds a [`Model`](model::Model), runs it, and reads the figures of its [`Outcome`](metrics::outcome::Outcome):
//!
//! ```
//! use evenkeel_core::model::{Action, Client, Load, Model, Server, What};
//! use evenkeel_core::observe::{self, RecorderOptions};
//! use evenkeel_core::units::{Span, Time};
//!
//! // Five pods behind a ClusterIP, and one client with one gRPC channel and 50 workers.
//! let server = Server::new("api", 5);
//! let client = Client::new("checkout", Load::closed(50, None));
//! let mut model = Model::new(vec![server], vec![client]);
//! model.duration = Some(Span::from_secs(60));
//!
//! let before = observe::run(&model, 1, RecorderOptions::default(), None)?;
//! // One connection, so one pod gets all calls and four get none.
//! assert_eq!(before.summary.skew.headline.idle_pods, Some(4.0));
//!
//! // A rollout of the servers moves the connection; it is still one.
//! model.timeline = vec![Action { at: Time::ZERO + Span::from_secs(20), what: What::RolloutServer(0) }];
//! let after = observe::run(&model, 1, RecorderOptions::default(), None)?;
//! assert!(after.summary.connections.opened > before.summary.connections.opened);
//! for pod in &after.summary.pods {
//!     println!("{}: {} calls", pod.pod, pod.requests);
//! }
//! # Ok::<(), evenkeel_core::sim::SimError>(())
//! ```
//!
//! # Map
//!
//! Data flows one way, and a module uses only what stands before it:
//!
//! | module | what it does |
//! |---|---|
//! | `narrow`, [`units`], [`ids`], [`random`], [`distribution`] | conversions to narrower types; time in nanoseconds; what pods and channels are named by; random streams named by what a draw is for and whose it is |
//! | [`pick`] | pick policies: on which connection, or to which host, a channel sends a call; one file, one type, one line in a list |
//! | [`model`] | what is simulated: checked types, defaults of the real systems, presets of gRPC's implementations |
//! | [`policy`] | decisions as pure functions: kube-proxy's choice, the Deployment controller, back-off, keepalive, retries, HPA |
//! | [`sim`] | the engine: schedule, world, handlers; tells an [`Observer`](sim::Observer) everything that happens |
//! | [`metrics`] | figures: skew, attribution, intervals, and the [`Outcome`](metrics::outcome::Outcome) that holds them |
//! | [`observe`] | from observations to an `Outcome`: windows, histograms, digest |
//!
//! The main loop is `Engine::run` in `sim/engine.rs`.

// `pub` means that other crates can use it.
#![warn(unreachable_pub)]
// A time that went through `usize` gave other results on machines of 32 bits.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

pub mod distribution;
pub mod ids;
pub mod metrics;
pub mod model;
mod narrow;
pub mod observe;
pub mod pick;
pub mod policy;
pub mod random;
pub mod settings;
pub mod sim;
pub mod units;
