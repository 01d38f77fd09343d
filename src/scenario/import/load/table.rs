//! The options of load generators that are known.

/// An option: its names, whether it takes a value, and what it is about.
pub(super) struct Flag(pub &'static [&'static str], pub Kind);

/// What an option is about.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Concurrency,
    Requests,
    Connections,
    Streams,
    Rate,
    Duration,
    Deadline,
    Policy,
    /// A file that says more.
    Config,
    /// Has no bearing; with a value, or without.
    Other,
    Switch,
    /// What the answer may miss.
    Missed(&'static str),
}

pub(super) const GHZ: &[Flag] = &[
    Flag(&["c", "concurrency"], Kind::Concurrency),
    Flag(&["n", "total"], Kind::Requests),
    Flag(&["connections"], Kind::Connections),
    Flag(&["r", "rps"], Kind::Rate),
    Flag(&["z", "duration"], Kind::Duration),
    Flag(&["t", "timeout"], Kind::Deadline),
    Flag(&["lb-strategy"], Kind::Policy),
    Flag(&["insecure", "skipTLS", "async", "e", "enable-compression", "h", "help", "v", "version"], Kind::Switch),
    Flag(
        &["load-schedule", "load-start", "load-step", "load-end", "load-step-duration", "load-max-duration"],
        Kind::Missed("a load that changes by steps: write it as `load: { open: { curve: … } }`"),
    ),
    Flag(
        &[
            "concurrency-schedule",
            "concurrency-start",
            "concurrency-end",
            "concurrency-step",
            "concurrency-step-duration",
            "concurrency-max-duration",
        ],
        Kind::Missed("the number of workers stays as it is"),
    ),
    Flag(&["config"], Kind::Config),
    Flag(&["stream-dynamic-messages", "count-errors"], Kind::Switch),
    Flag(&["keepalive"], Kind::Missed("pings: write them as `keepalive: { time: … }`")),
    Flag(
        &["stream-interval", "stream-call-duration", "stream-call-count"],
        Kind::Missed("each call is taken to be unary: streams are `load: { streams: … }`"),
    ),
];

pub(super) const FORTIO: &[Flag] = &[
    Flag(&["c"], Kind::Connections),
    Flag(&["s"], Kind::Streams),
    Flag(&["n"], Kind::Requests),
    Flag(&["qps"], Kind::Rate),
    Flag(&["t"], Kind::Duration),
    Flag(
        &[
            "grpc",
            "ping",
            "health",
            "a",
            "nocatchup",
            "uniform",
            "jitter",
            "quiet",
            "stdclient",
            "h2",
            "insecure",
            "allow-initial-errors",
        ],
        Kind::Switch,
    ),
];

pub(super) const H2LOAD: &[Flag] = &[
    Flag(&["c", "clients"], Kind::Connections),
    Flag(&["m", "max-concurrent-streams"], Kind::Streams),
    Flag(&["n", "requests"], Kind::Requests),
    Flag(&["D", "duration"], Kind::Duration),
    Flag(&["rps"], Kind::Missed("the rate of each client is not limited")),
    Flag(&["h1", "v", "verbose"], Kind::Switch),
];

pub(super) const K6: &[Flag] = &[
    Flag(&["u", "vus"], Kind::Concurrency),
    Flag(&["i", "iterations"], Kind::Requests),
    Flag(&["d", "duration"], Kind::Duration),
    Flag(&["c", "config"], Kind::Config),
    Flag(
        &["s", "stage"],
        Kind::Missed("a load that changes by stages: give the output of `k6 inspect` beside the manifests"),
    ),
    Flag(&["rps"], Kind::Missed("the rate of all VUs together is not limited")),
    Flag(
        &["q", "quiet", "v", "verbose", "no-summary", "no-usage-report", "no-setup", "no-teardown", "paused"],
        Kind::Switch,
    ),
];
