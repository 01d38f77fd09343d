//! Rows of the traces: `pods.csv`, `connections.csv`, `clients.csv`, `events.csv`.

/// A row of `pods.csv`. No data is an empty field (`None`).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WindowRow {
    /// Start of the window, warmup included.
    pub time_s: f64,
    /// Index into `Summary::pods` (`Summary::gateways` in `gateways.csv`). `None`: calls that failed without having reached a connection, in a window in which there
    /// were some; all but `errors` is empty then, and the row is the last one of its window.
    pub pod: Option<u32>,
    /// starting, ready, terminating or gone, at the window's end.
    pub state: String,
    /// Established and not draining, at the window's end.
    pub connections: u32,
    /// Received in the window.
    pub requests: u64,
    /// Part of the window's requests (and messages, for streams); `None` if there were none.
    pub share: Option<f64>,
    /// At the window's end.
    pub in_flight: u32,
    /// At the window's end.
    pub queued: u32,
    /// Part of its slot-time used.
    pub utilization: Option<f64>,
    /// Of calls answered in the window.
    pub latency_p50_ms: Option<f64>,
    /// Of calls answered in the window.
    pub latency_p99_ms: Option<f64>,
    /// Calls that failed at this pod in the window.
    pub errors: u64,
    /// The run ended in this window.
    pub partial: bool,
    /// Messages of streams received in the window.
    pub messages: u64,
}

/// A row of `connections.csv`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConnectionRow {
    /// Number in order of dialling.
    pub id: u64,
    /// `<client>-<replica>`.
    pub client: String,
    /// The pod's name; empty if the Service had no endpoint.
    pub pod: String,
    /// When it was dialled.
    pub opened_s: f64,
    /// When the client stopped using it for new calls.
    pub draining_s: Option<f64>,
    /// When it ended; `None` if open at the end.
    pub closed_s: Option<f64>,
    /// Why; empty while in use.
    pub close_reason: String,
    /// Calls sent on it.
    pub requests: u64,
}

/// A row of `clients.csv`: a client's replica over the whole run, the warmup included.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClientRow {
    /// `<client>-<replica>`.
    pub client: String,
    /// When it started.
    pub started_s: Option<f64>,
    /// When its first connection was READY; `None` if none ever was.
    pub connected_s: Option<f64>,
    /// Connections that became READY.
    pub connections_opened: u64,
    /// Lists of addresses that its channels were given: answers of DNS, or what a watch pushed.
    pub resolved: u64,
    /// Calls of its that failed.
    pub failed: u64,
    /// When the first of them did.
    pub first_failed_s: Option<f64>,
    /// When the last of them did.
    pub last_failed_s: Option<f64>,
}

/// A row of `events.csv`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EventRow {
    /// When.
    pub time_s: f64,
    /// What kind.
    pub kind: EventKind,
    /// Whom it concerns.
    pub subject: String,
    /// What happened, in words.
    pub what: String,
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum EventKind {
    /// A rollout began or ended: marked in plots.
    Rollout,
    /// The wanted number of pods changed: marked in plots.
    Scale,
    /// A pod was killed: marked in plots.
    Kill,
    /// A pod was deleted by the timeline: marked in plots.
    Delete,
    /// A pod became slow, or is no longer: marked in plots.
    Slow,
    /// A pod began to answer errors, or stopped: marked in plots.
    Errors,
    /// A client's rate changed: marked in plots.
    Rate,
    /// A pod's life: created, ready, terminating, draining, gone.
    Pod,
    /// A client's rollout or replicas.
    Client,
}

impl EventKind {
    /// All of them, in order, with their words in `events.csv`.
    const WORDS: [(EventKind, &str); 9] = [
        (EventKind::Rollout, "rollout"),
        (EventKind::Scale, "scale"),
        (EventKind::Kill, "kill"),
        (EventKind::Delete, "delete"),
        (EventKind::Slow, "slow"),
        (EventKind::Errors, "errors"),
        (EventKind::Rate, "rate"),
        (EventKind::Pod, "pod"),
        (EventKind::Client, "client"),
    ];

    /// The word in `events.csv`.
    #[must_use]
    pub fn word(self) -> &'static str {
        EventKind::WORDS[self as usize].1
    }

    /// The kind that has this word.
    #[must_use]
    pub fn of(word: &str) -> Option<EventKind> {
        EventKind::WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}
