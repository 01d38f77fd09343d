//! Metrics of calls: go-grpc-middleware's, and those of gRFC A66.

use std::collections::BTreeSet;
use std::io;

use super::{Text, quoted};
use crate::observe::scrape::{Calls, Code, Durations, Method};

/// Buckets of go-grpc-middleware's histograms: `prometheus.DefBuckets` of client_golang. In nanoseconds.
const MIDDLEWARE_NS: [u64; 11] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// The one bucket end of `ENDS_NS` that gRFC A66 does not have.
const NOT_IN_A66_NS: u64 = 2_500_000_000;

/// Names of the gRPC libraries' metrics, without the suffixes of samples.
#[rustfmt::skip]
pub(super) const SERVER: [CallRow; 6] = [
    CallRow { family: "grpc_server_started", by: By::Middleware, of: Of::Started, help: "RPCs started on the server." },
    CallRow { family: "grpc_server_msg_received", by: By::Middleware, of: Of::Messages, help: "RPC stream messages received on the server." },
    CallRow { family: "grpc_server_handled", by: By::Middleware, of: Of::Handled, help: "RPCs completed on the server, whatever their status." },
    CallRow { family: "grpc_server_handling_seconds", by: By::Middleware, of: Of::Seconds, help: "Time from the receipt of an RPC to its answer, in the server." },
    CallRow { family: "grpc_server_call_started", by: By::A66, of: Of::Started, help: "RPCs started on the server (gRFC A66)." },
    CallRow { family: "grpc_server_call_duration_seconds", by: By::A66, of: Of::Seconds, help: "Time of RPCs in the server (gRFC A66)." },
];

#[rustfmt::skip]
pub(super) const CLIENT: [CallRow; 4] = [
    CallRow { family: "grpc_client_started", by: By::Middleware, of: Of::Started, help: "RPCs started on the client." },
    CallRow { family: "grpc_client_handled", by: By::Middleware, of: Of::Handled, help: "RPCs completed by the client, whatever their status." },
    CallRow { family: "grpc_client_handling_seconds", by: By::Middleware, of: Of::Seconds, help: "Time from the call to its answer, in the client." },
    CallRow { family: "grpc_client_call_duration_seconds", by: By::A66, of: Of::Seconds, help: "Time of RPCs as the application sees it (gRFC A66)." },
];

/// Of clients that do not retry: their calls have one attempt.
#[rustfmt::skip]
pub(super) const ATTEMPTS: [CallRow; 2] = [
    CallRow { family: "grpc_client_attempt_started", by: By::A66, of: Of::Started, help: "RPC attempts started (gRFC A66)." },
    CallRow { family: "grpc_client_attempt_duration_seconds", by: By::A66, of: Of::Seconds, help: "Time of RPC attempts (gRFC A66)." },
];

/// A family of metrics of calls.
pub(super) struct CallRow {
    family: &'static str,
    by: By,
    of: Of,
    help: &'static str,
}

/// Whose labels and buckets a family has.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Middleware,
    A66,
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Started,
    Messages,
    Handled,
    Seconds,
}

/// A process, or several, whose calls are shown.
pub(super) struct Process<'a> {
    pub labels: String,
    /// gRFC A66's `grpc.target`, which client metrics have.
    pub target: Option<&'a str>,
    pub reads: Vec<(u64, &'a [Calls])>,
    /// Methods that were not called are shown, too.
    pub all_methods: bool,
}

pub(super) struct CallText<'a> {
    pub methods: &'a [Method],
}

impl CallText<'_> {
    pub(super) fn family(&self, text: &mut Text<'_>, row: &CallRow, processes: &[Process<'_>]) -> io::Result<()> {
        let (kind, unit) = if row.of == Of::Seconds { ("histogram", "seconds") } else { ("counter", "") };
        let mut begun = false;
        for process in processes {
            for (i, method) in self.methods.iter().enumerate() {
                let called = process.reads.iter().any(|(_, calls)| calls[i].started > 0);
                if !called && (row.of == Of::Seconds || !process.all_methods) {
                    continue;
                }
                if !std::mem::replace(&mut begun, true) {
                    text.family(row.family, kind, unit, row.help)?;
                }
                let labels = Self::labels(row.by, process, method);
                self.series(text, row, process, i, &labels)?;
            }
        }
        Ok(())
    }

    fn labels(by: By, process: &Process<'_>, method: &Method) -> String {
        let Method { service, name, streams } = method;
        let kind = if *streams { "client_stream" } else { "unary" };
        let (mut labels, target) = (process.labels.clone(), process.target);
        labels += &match by {
            By::Middleware => {
                format!(",grpc_type=\"{kind}\",grpc_service={},grpc_method={}", quoted(service), quoted(name))
            }
            By::A66 => format!(",grpc_method={}", quoted(&format!("{service}/{name}"))),
        };
        if let (By::A66, Some(target)) = (by, target) {
            labels += &format!(",grpc_target={}", quoted(target));
        }
        labels
    }

    fn series(
        &self,
        text: &mut Text<'_>,
        row: &CallRow,
        process: &Process<'_>,
        method: usize,
        labels: &str,
    ) -> io::Result<()> {
        let reads = || process.reads.iter().map(|(ms, calls)| (*ms, &calls[method]));
        let mut codes: BTreeSet<Code> = reads().flat_map(|(_, calls)| calls.handled.iter().map(|h| h.0)).collect();
        let zero = Durations::default();
        let of = |calls: &'_ Calls, code: Code| calls.handled.iter().position(|h| h.0 == code);
        let sample = format!("{}_total", row.family);
        match (row.of, row.by) {
            (Of::Started, _) => text.series(&sample, labels, reads().map(|(ms, calls)| (ms, calls.started))),
            (Of::Messages, _) => {
                let streams = self.methods[method].streams;
                let messages = |calls: &Calls| if streams { calls.messages } else { calls.started };
                text.series(&sample, labels, reads().map(|(ms, calls)| (ms, messages(calls))))
            }
            (Of::Handled, _) => {
                // As `InitializeMetrics` of the middleware has it: what can be counted from the start is there from the start.
                codes.insert(Code::Ok);
                codes.into_iter().try_for_each(|code| {
                    let labels = format!("{labels},grpc_code=\"{}\"", code.go_name());
                    let count = |calls: &Calls| of(calls, code).map_or(0, |i| calls.handled[i].1.count());
                    text.series(&sample, &labels, reads().map(|(ms, calls)| (ms, count(calls))))
                })
            }
            (Of::Seconds, By::Middleware) => reads().try_for_each(|(ms, calls)| {
                let mut all = Durations::default();
                calls.handled.iter().for_each(|h| all.add(&h.1));
                text.histogram(row.family, labels, (ms, &all), |end| MIDDLEWARE_NS.contains(&end))
            }),
            (Of::Seconds, By::A66) => codes.into_iter().try_for_each(|code| {
                let labels = format!("{labels},grpc_status=\"{}\"", code.name());
                reads().try_for_each(|(ms, calls)| {
                    let durations = of(calls, code).map_or(&zero, |i| &calls.handled[i].1);
                    text.histogram(row.family, &labels, (ms, durations), |end| end != NOT_IN_A66_NS)
                })
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::scrape::ENDS_NS;

    #[test]
    fn the_buckets_are_those_of_the_two_libraries() {
        assert!(MIDDLEWARE_NS.iter().all(|end| ENDS_NS.contains(end)));
        assert_eq!(ENDS_NS.iter().filter(|end| **end != NOT_IN_A66_NS).count(), 41, "A66-otel-stats.md lists 41");
        assert!(ENDS_NS.is_sorted());
    }
}
