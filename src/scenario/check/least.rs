//! The shortest values of settings after which something happens again and again: a run takes a step each time, so that a nanosecond
//! here is a run without an end. Where real systems have a bound or a resolution, it is theirs.

use super::Check;
use crate::model::LEAST_DEADLINE;
use crate::scenario::file::at::{At, Key};
use crate::scenario::quantity::Duration;
use crate::scenario::rules::Code;
use crate::units::Span;

/// A setting and the shortest value that it can have.
pub(super) struct Least {
    pub name: &'static str,
    pub span: Span,
}

const fn least(name: &'static str, span: Span) -> Least {
    Least { name, span }
}

const MS: Span = Span::from_millis(1);

/// Of DNS answers, where it is not 0. DNS has whole seconds; NGINX asks again when it is over.
pub(super) const TTL: Least = least("ttl", MS);
/// Of calls.
pub(super) const DEADLINE: Least = least("deadline", LEAST_DEADLINE);

impl Check<'_> {
    /// A duration that is not too short, if given.
    pub(super) fn repeating(&mut self, key: Key<Duration>, Least { name, span: least }: Least) -> Option<Span> {
        let At { value: Duration(span), place } = key?;
        if span < least {
            self.problem(Code::OutOfRange, place, format!("`{name}` is {span}, and must be at least {least}"));
            return None;
        }
        Some(span)
    }
}
