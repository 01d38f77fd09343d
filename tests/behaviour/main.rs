//! What the engine does in scenarios that a person can reckon through. One program, so that the tests share the processors.

#[path = "../support/mod.rs"]
mod support;

mod affinity;
mod balancing;
mod causes;
mod closed_ends;
mod dead_peers;
mod dns_phases;
mod endings;
mod errors;
mod expectations;
mod failures;
mod gateways;
mod hpa;
mod keepalive;
mod max_requests;
mod methods;
mod outage;
mod pacing;
mod phases;
mod proxies;
mod published;
mod readiness;
mod retry;
mod rotation;
mod stack;
mod streams;
mod unequal_pods;
mod waiting;
mod warnings;
mod watch;
