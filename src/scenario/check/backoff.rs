//! Delays between failed connection attempts.

use super::Check;
use crate::model::stack::Stack;
use crate::model::{Backoff, GrpcClient};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::settings::WrittenKeys;
use crate::scenario::rules::Code;

/// What holds where a client says nothing more. Who writes a delay has delays, whatever the stack has.
pub(super) fn usual(written: Option<(&WrittenKeys, Place)>, stacks: Backoff) -> Backoff {
    let delays = |(keys, _): (&WrittenKeys, Place)| {
        ["base", "multiplier", "max", "from"].iter().any(|key| keys.place(key).is_some())
    };
    Backoff { per_call: stacks.per_call && !written.is_some_and(delays), ..stacks }
}

/// Refuses what does not go together.
pub(super) fn fits(cx: &mut Check<'_>, written: &WrittenKeys, place: Place, grpc: &GrpcClient) {
    let Backoff { per_call, base, max, .. } = grpc.backoff;
    if per_call {
        for key in written.group.names.iter().filter(|key| **key != "per_call") {
            cx.no_effect(&written.given(key), key, "with an attempt per call, which has no delays");
        }
        if !Stack::Tonic.has(grpc.policy) {
            let message = "`per_call` is tonic's way to connect, and tonic does not have this policy";
            cx.problem(Code::Contradiction, written.place("per_call").unwrap_or(place), message);
        }
    } else if max < base {
        let place = written.place("max").or(written.place("base")).unwrap_or(place);
        cx.problem(Code::Contradiction, place, format!("`max` ({max}) is below `base` ({base})"));
    }
}
