//! What clients ask for, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::law::LawFile;
use super::settings::{Word, Written};
use super::streams::StreamsFile;
use crate::model::{Arrivals, Closed};
use crate::scenario::quantity::{Duration, Number, Share};

/// What a client asks for: exactly one of closed, open and streams.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["closed"] }, { "required": ["open"] }, { "required": ["streams"] }]))]
pub struct LoadFile {
    /// Workers that each wait for the response before the next call (ghz).
    pub closed: Key<ClosedFile>,
    /// Calls that come whatever the responses do.
    pub open: Key<OpenFile>,
    /// Streams that stay open for long. Only gRPC, without `via`.
    pub streams: Key<StreamsFile>,
    /// Methods that the calls are of, with costs and deadlines of their own. Default: all calls are alike.
    pub methods: Key<Vec<At<MethodFile>>>,
}

/// A method.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MethodFile {
    /// Its name, unique within the client.
    #[schemars(required)]
    pub name: Key<String>,
    /// Its share of the calls; those of all methods add up to 100%. Each call's method is drawn.
    #[schemars(required)]
    pub share: Key<Share>,
    /// A call's time in a slot is multiplied by this. Default 1.
    pub cost: Key<Number>,
    /// How long a call may take, at least 10us. Default: the client's deadline.
    pub deadline: Key<Duration>,
}

/// A closed load.
pub(crate) type ClosedFile = Written<Closed, ThinkTimeFile>;

/// Its key that is no plain one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThinkTimeFile {
    pub think_time: Key<LawFile>,
}

/// An open load: exactly one of rate, curve and trace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["rate"] }, { "required": ["curve"] }, { "required": ["trace"] }]))]
pub struct OpenFile {
    /// Calls per second over all replicas.
    pub rate: Key<Number>,
    /// Calls per second as a function of time: linear between the points, constant after the last. The first point is at 0s;
    /// two points at one instant are a step.
    pub curve: Key<Vec<At<PointFile>>>,
    /// The same from a CSV file with the columns time_s and rate; the path is relative to the scenario.
    pub trace: Key<String>,
    /// How the calls are spaced: poisson (the default) or constant.
    pub arrivals: Key<Word<Arrivals>>,
}

/// A point of a rate curve.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointFile {
    /// When.
    #[schemars(required)]
    pub at: Key<Duration>,
    /// Calls per second over all replicas.
    #[schemars(required)]
    pub rate: Key<Number>,
}
