//! What became of the calls of each method, where clients have several.

use super::finish::latency_ms;
use super::histogram::{Histogram, Tally};
use crate::metrics::outcome::MethodSummary;
use crate::model::Model;
use crate::sim::observation::NO_METHOD;
use crate::units::Span;

/// Calls of one method, those of the warmup left out.
#[derive(Debug, Default)]
struct Calls {
    answered: Histogram,
    failed: u64,
    unfinished: u64,
}

/// All methods of all clients; empty if no client has any.
#[derive(Debug, Default)]
pub(super) struct Methods {
    /// By client: the first of its methods.
    first: Vec<usize>,
    calls: Vec<Calls>,
}

impl Methods {
    pub(super) fn new(model: &Model) -> Methods {
        let mut methods = Methods::default();
        for client in &model.clients {
            methods.first.push(methods.calls.len());
            methods.calls.extend(client.methods.iter().map(|_| Calls::default()));
        }
        methods
    }

    fn of(&mut self, client: u32, method: u16) -> &mut Calls {
        &mut self.calls[self.first[client as usize] + usize::from(method) - 1]
    }

    #[inline]
    pub(super) fn completed(&mut self, client: u32, method: u16, latency: Span) {
        if method != NO_METHOD {
            self.of(client, method).answered.record(latency);
        }
    }

    #[inline]
    pub(super) fn failed(&mut self, client: u32, method: u16) {
        if method != NO_METHOD {
            self.of(client, method).failed += 1;
        }
    }

    pub(super) fn unfinished(&mut self, client: u32, method: u16) {
        if method != NO_METHOD {
            self.of(client, method).unfinished += 1;
        }
    }

    /// A row per method, in the order of the scenario.
    pub(super) fn summaries(&self, model: &Model) -> Vec<MethodSummary> {
        let named = model.clients.iter().flat_map(|c| c.methods.iter().map(|m| (c.name.clone(), m.name.clone())));
        let row = |((client, method), calls): ((String, String), &Calls)| {
            let mut tally = Tally::default();
            tally.add(&calls.answered);
            let ok = tally.count();
            MethodSummary {
                client,
                method,
                started: ok + calls.failed + calls.unfinished,
                ok,
                failed: calls.failed,
                unfinished: calls.unfinished,
                latency_ms: latency_ms(&tally),
            }
        };
        named.zip(&self.calls).map(row).collect()
    }
}
