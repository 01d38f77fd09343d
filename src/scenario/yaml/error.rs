//! An error on its way out of serde: what is wrong, where, and through which children the way led.

use std::fmt;

use serde::de::{self, Unexpected};

use crate::scenario::diagnostic::{Place, Problem, nearest, quoted};
use crate::scenario::rules::Code;

/// An error while reading; the position is added on its way out.
#[derive(Debug)]
pub(super) struct ReadError {
    pub code: Code,
    pub message: String,
    help: Option<String>,
    pub place: Option<Place>,
    /// Steps from the place of the error to the root.
    pub path: Vec<usize>,
}

impl ReadError {
    pub(super) fn new(code: Code, message: String) -> ReadError {
        ReadError { code, message, help: None, place: None, path: Vec::new() }
    }

    /// Sets the position unless something further in has set it.
    pub(super) fn at(mut self, place: Place) -> ReadError {
        self.place.get_or_insert(place);
        self
    }

    pub(super) fn through(mut self, step: usize) -> ReadError {
        self.path.push(step);
        self
    }

    fn choice(code: Code, what: &str, given: &str, expected: &'static [&'static str]) -> ReadError {
        let mut error = ReadError::new(code, format!("unknown {what} {}", quoted(given)));
        let all = expected.iter().map(|e| format!("`{e}`")).collect::<Vec<_>>().join(", ");
        if let (Code::UnknownKey, Some(help)) = (code, misplaced(given, expected)) {
            error.help = Some(help);
            return error;
        }
        error.help = Some(match nearest(given, expected.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? Known here: {all}"),
            None => format!("known here: {all}"),
        });
        error
    }

    pub(super) fn problem(self, place: Place) -> Problem {
        let problem = Problem::new(self.code, place, self.message);
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

/// Keys that people write one step too far out: where they belong.
const INSIDE: &[(&str, &[&str])] = &[
    (
        "grpc",
        &[
            "max_connection_age",
            "max_connection_age_grace",
            "max_connection_idle",
            "max_requests_per_connection",
            "max_concurrent_streams",
            "keepalive_enforcement",
        ],
    ),
    ("termination", &["pre_stop", "grace"]),
    ("strategy", &["max_surge", "max_unavailable"]),
    ("open", &["rate", "curve", "trace", "arrivals"]),
    ("closed", &["concurrency", "requests", "think_time", "max_rate"]),
    ("streams", &["duration", "messages"]),
];
/// How a Service says what its port speaks, which is a setting of the clients here.
const PORT: &[&str] = &["port_name", "port", "ports", "app_protocol"];

/// What is meant by a key that stands among `expected` ones, and belongs elsewhere.
fn misplaced(given: &str, expected: &[&str]) -> Option<String> {
    if expected.contains(&"session_affinity") && PORT.contains(&given) {
        let what = "only meshes use port names, and scenarios have none: in place of a port named `tcp-…`, set";
        return Some(format!("{what} `via: {{ istio: {{ opaque: true }} }}` of the client"));
    }
    let (inside, _) = INSIDE.iter().find(|(inside, keys)| expected.contains(inside) && keys.contains(&given))?;
    Some(format!("it is a key of `{inside}`: write `{inside}: {{ {given}: … }}`"))
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ReadError::new(Code::Unreadable, message.to_string())
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        ReadError::new(Code::WrongType, format!("expected {expected}, found {}", describe(found)))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        ReadError::new(Code::Unreadable, format!("expected {expected}, found {}", describe(found)))
    }
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        ReadError::choice(Code::UnknownKey, "key", field, expected)
    }
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        ReadError::choice(Code::UnknownChoice, "choice", variant, expected)
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(x) => format!("`{x}`"),
        Unexpected::Unsigned(x) => format!("the number {x}"),
        Unexpected::Signed(x) => format!("the number {x}"),
        Unexpected::Float(x) if x.is_nan() => "what is not a number (`.nan`)".to_owned(),
        Unexpected::Float(x) if x.is_infinite() => "an infinite number, or one too large for a double".to_owned(),
        // More digits than a double has would not be those that were written.
        Unexpected::Float(x) if x.abs() >= 1e16 => format!("the number {x:e}"),
        Unexpected::Float(x) => format!("the number {x}"),
        Unexpected::Str(x) => format!("the text {}", quoted(x)),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a map of keys".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        other => other.to_string(),
    }
}
