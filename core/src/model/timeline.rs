//! What happens during a run, and what must hold after it.

use super::{ErrorStatus, MAX_RATE, MAX_REPLICAS};
use crate::settings;
use crate::settings::{ABOVE_ZERO, DURATION, count, number, share, word};
use crate::units::{Span, Time};

/// Something that happens at a given time.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// When.
    pub at: Time,
    /// What. Changes of a client's rate are already part of its `RateCurve`, and are here for the record.
    pub what: What,
}

/// What happens. Indices are those of `Model::servers` and `Model::clients`.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// `kubectl rollout restart` of a server Deployment.
    RolloutServer(usize),
    /// The same of a client Deployment (open loads only).
    RolloutClient(usize),
    /// A new number of replicas of a server.
    Scale(Scale),
    /// SIGKILL of the container of the oldest Ready pods; each restarts in place.
    Kill(Pods),
    /// Deletion of the oldest Ready pods; the ReplicaSet replaces them.
    Delete(Pods),
    /// The oldest Ready pods become slow.
    Slow(Slow),
    /// The oldest Ready pods answer errors.
    Errors(Errors),
    /// The oldest Ready pods answer nothing, and connections to them stay as they are.
    BlackHole(BlackHole),
    /// The oldest Ready pods fail their readiness probe, and go on serving what comes.
    Unready(Unready),
    /// A new rate of a client's open load.
    Rate(RateChange),
}

settings! {
    /// A new number of replicas.
    pub struct Scale {
        /// Pods wanted.
        replicas: u32 [count(0, MAX_REPLICAS).required()] = 0;
    } with {
        /// Which server.
        server: usize = 0;
    }
}

settings! {
    /// The oldest Ready pods of a server.
    pub struct Pods {
        /// How many pods.
        pods: u32 [count(1, MAX_REPLICAS)] = 1;
    } with {
        /// Which server.
        server: usize = 0;
    }
}

settings! {
    /// Pods that become slow: what enters a slot there takes longer. A newer one replaces an older one of the same pod.
    pub struct Slow {
        /// What enters a slot takes this many times longer, above 1.
        factor: f64 [number(1.0, 10_000.0).required()] = 2.0;
        /// For how long.
        lasts as "for": Option<Span> [ABOVE_ZERO.or("the rest of the run")] = None;
    } with {
        /// Which pods.
        of: Pods = Pods::default();
    }
}

settings! {
    /// Pods that answer errors, and are Ready all the same: a bad canary, a lost database. A newer one replaces an older one of the same pod.
    pub struct Errors {
        /// The part of its calls that a pod answers so, above 0: each attempt by a draw of its own.
        share: f64 [share(1e-9, 1.0)] = 1.0;
        /// The status.
        status: ErrorStatus [word::<ErrorStatus>()] = ErrorStatus::Unavailable;
        /// Time in a slot of such a call. Pods that fail fast look idle to policies that go by what is under way.
        takes: Option<Span> [DURATION.or("service_time")] = None;
        /// For how long.
        lasts as "for": Option<Span> [ABOVE_ZERO.or("the rest of the run")] = None;
    } with {
        /// Which pods.
        of: Pods = Pods::default();
    }
}

settings! {
    /// Pods that nothing comes back from.
    pub struct BlackHole {
        /// For how long.
        lasts as "for": Option<Span> [ABOVE_ZERO.or("the rest of the run")] = None;
        /// The pods are taken out of the endpoints after this. A kubelet that sees it needs 30s (three probes, 10s apart), and one whose node is
        /// cut off sees nothing.
        unready_after: Option<Span> [DURATION.or("never")] = None;
    } with {
        /// Which pods.
        of: Pods = Pods::default();
    }
}

settings! {
    /// Pods that are not Ready for a while: their endpoints are withdrawn, and connections to them stay.
    pub struct Unready {
        /// How long until they are Ready again.
        lasts as "for": Option<Span> [ABOVE_ZERO.or("the rest of the run")] = None;
    } with {
        /// Which pods.
        of: Pods = Pods::default();
    }
}

settings! {
    /// A new rate.
    pub struct RateChange {
        /// The new total rate, in calls per second.
        to: f64 [number(0.0, MAX_RATE).required()] = 0.0;
        /// The rate goes there linearly over this span; 0s is a step.
        over: Span [DURATION] = Span::ZERO;
    } with {
        /// Which client.
        client: usize = 0;
    }
}

impl What {
    /// The key that says it on the timeline.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            What::RolloutServer(_) | What::RolloutClient(_) => "rollout",
            What::Scale(_) => "scale",
            What::Kill(_) => "kill",
            What::Delete(_) => "delete",
            What::Slow(_) => "slow",
            What::Errors(_) => "errors",
            What::BlackHole(_) => "black_hole",
            What::Unready(_) => "unready",
            What::Rate(_) => "rate",
        }
    }

    /// True if pods or clients come or go, so that connections do: what may unbalance the load for good.
    #[must_use]
    pub fn moves_connections(&self) -> bool {
        !matches!(self, What::Rate(_) | What::Slow(_) | What::Errors(_))
    }
}

/// The part of the run that an expectation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of it, after the warmup.
    WholeRun,
    /// From this on (`after 6m`).
    After(Span),
    /// Each full window after the warmup (`in every window`).
    EveryWindow,
    /// Once so long has passed since a change, until the next one or the end (`within 90s of rollout`): it may take that long.
    Within(Changes),
    /// As long after a change, or until the next one (`for 90s after rollout`): all windows that have a part of that.
    For(Changes),
    /// Each phase of these (`phase 2`, `before rollout`, `during rollout`, `after rollout`).
    Phase(PhaseOf),
    /// All of a longer run, of whose calm this one has a part. No scenario can say it: `plan` does, of runs that it shortens.
    Longer(Calm),
}

/// What a part of a run stands for. Both parts are whole windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calm {
    /// Until then, from the warmup on, nothing has changed yet.
    pub before: Time,
    /// How long that lasts in the longer run.
    pub before_lasts: Span,
    /// From then on nothing changes any more.
    pub after: Time,
    /// How long that lasts in the longer run.
    pub after_lasts: Span,
}

/// Phases of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseOf {
    /// The one of this number, from 1.
    Number(u32),
    /// Those that lie so with regard to these changes ([`What::word`]). `None`: each that moves pods or clients.
    Change(Lies, Option<&'static str>),
}

/// Where a phase lies with regard to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// It ends with the change.
    Before,
    /// It ends when the change is complete.
    During,
    /// It begins when the change is complete.
    After,
}

impl Lies {
    /// The word in the phase's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Lies::Before => "before",
            Lies::During => "during",
            Lies::After => "after",
        }
    }
}

/// Changes on the timeline, and a time after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// How long after each.
    pub span: Span,
    /// Which ones ([`What::word`]). `None`: each that moves pods or clients.
    pub word: Option<&'static str>,
}

/// A statement about the summary that must hold after the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As the user wrote it.
    pub text: String,
    /// A path into the summary, e.g. `skew.max_over_mean` or `latency_ms.p99`.
    pub path: Vec<String>,
    /// When it must hold.
    pub when: When,
    /// How the value must compare.
    pub op: Comparison,
    /// The number to compare with, in the unit of the summary's field.
    pub value: f64,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}
impl Comparison {
    /// As it is written; two letters first, so that `<=` is not read as `<`.
    const SYMBOLS: [(&'static str, Comparison); 6] = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];

    /// The first comparison in a text, between what stands left and right of it.
    #[must_use]
    pub fn find(text: &str) -> Option<(&str, Comparison, &str)> {
        let (left, op, right) = text.char_indices().find_map(|(at, _)| {
            let (left, rest) = text.split_at(at);
            Comparison::SYMBOLS.iter().find_map(|(symbol, op)| Some((left, *op, rest.strip_prefix(symbol)?)))
        })?;
        Some((left.trim(), op, right.trim()))
    }
}

impl Expectation {
    /// True if it asks for what only the latencies of a part of the run tell: those, or how many calls were answered in it.
    #[must_use]
    pub fn asks_for_latencies(&self) -> bool {
        let tells = |step: &String| step == "latency_ms" || step == "error_ratio";
        self.when != When::WholeRun && self.path.first().is_some_and(tells)
    }
}
