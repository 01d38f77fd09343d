//! The shortest values of settings after which something happens again and again: a run takes a step each time, so that a nanosecond
//! here is a run without an end. Where real systems have a bound or a resolution, it is theirs.

use super::Check;
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
/// Of channels, where it is not 0, which is never.
pub(super) const CHANNEL_IDLE: Least = least("idle_timeout", MS);
/// A worker whose call has failed makes the next one; below this, nothing is ever answered in time.
pub(super) const DEADLINE: Least = least("deadline", Span::from_micros(10));

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

    /// The same, where 0 has a meaning of its own.
    pub(super) fn repeating_or_zero(&mut self, key: Key<Duration>, least: Least) -> Option<Span> {
        match &key {
            Some(At { value: Duration(Span::ZERO), .. }) => Some(Span::ZERO),
            _ => self.repeating(key, least),
        }
    }
}
