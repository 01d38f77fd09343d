//! What a client takes from its implementation of gRPC: a preset that expands to plain settings, and the settings that came with it.

use super::client::ONE_ADDRESS;
use super::{Check, least};
use crate::model::defaults;
use crate::model::stack::{ClientStack, Stack};
use crate::model::{GrpcClient, Policy, Sidecar};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::stack::{ServerStackFile, StackFile, SubsetFile};
use crate::scenario::quantity::Duration;
use crate::scenario::rules::Code;
use crate::units::Span;

/// Addresses of a subset; nobody has more pods.
const MAX_SUBSET: u32 = 100_000;

impl From<StackFile> for Stack {
    fn from(file: StackFile) -> Stack {
        match file {
            StackFile::Go => Stack::Go,
            StackFile::CCore => Stack::CCore,
            StackFile::Java => Stack::Java,
            StackFile::Node => Stack::Node,
            StackFile::Tonic => Stack::Tonic,
        }
    }
}

impl From<ServerStackFile> for Stack {
    fn from(file: ServerStackFile) -> Stack {
        match file {
            ServerStackFile::Go => Stack::Go,
            ServerStackFile::CCore => Stack::CCore,
            ServerStackFile::Java => Stack::Java,
            ServerStackFile::Node => Stack::Node,
        }
    }
}

/// What holds where the client says nothing.
pub(super) fn usual(stack: &Key<StackFile>) -> ClientStack {
    defaults::client_stack(stack.as_ref().map(|s| s.value.into()))
}

/// Refuses a policy that the stack does not have.
pub(super) fn has_policy(cx: &mut Check<'_>, stack: &Key<StackFile>, policy: Policy, place: Option<Place>) {
    let Some(At { value, place: of_stack }) = stack else { return };
    let stack = Stack::from(*value);
    if stack.has(policy) {
        return;
    }
    let instead = match stack {
        Stack::Tonic => {
            "an Endpoint has one connection (`pick_first`), and what balances over several is tower's P2C (`peak_ewma`)"
        }
        _ => "it cannot be configured there; see gRFC A61 for those that can",
    };
    let message = format!("the stack {} has no such policy: {instead}", stack.name());
    cx.problem(Code::Contradiction, place.unwrap_or(*of_stack), message);
}

/// 0 is grpc-go's way to say never.
pub(super) fn idle_timeout(cx: &mut Check<'_>, key: Key<Duration>, usual: Option<Span>) -> Option<Span> {
    cx.repeating_or_zero(key, least::CHANNEL_IDLE).map_or(usual, |t| Some(t).filter(|t| *t > Span::ZERO))
}

pub(super) fn subset(cx: &mut Check<'_>, file: Key<SubsetFile>, virtual_ip: bool) -> Option<u32> {
    if virtual_ip {
        cx.no_effect(&file, "subset", ONE_ADDRESS);
    }
    let At { value: SubsetFile { size }, place } = file?;
    let size = cx.required(size, "size", place, "`subset`");
    cx.count_if(size, "size", 1, MAX_SUBSET)
}

/// How many of the application's channels share what one has, if they do. Channels that each take the first address of an answer
/// of their own share only by chance.
pub(super) fn sharing(
    cx: &mut Check<'_>,
    key: &Key<bool>,
    usual: &ClientStack,
    channels: u32,
    (grpc, via, knows_pods): (&GrpcClient, Option<&Sidecar>, bool),
) -> Option<u32> {
    let own_address = via.is_none() && knows_pods && grpc.policy.one_connection();
    if let Some(At { value: true, .. }) = key {
        if channels == 1 {
            cx.no_effect(key, "shared_subchannels", "with one channel per replica");
        } else if own_address {
            let why = "with pick_first over pods: each channel takes the first address of an answer of its own";
            cx.no_effect(key, "shared_subchannels", why);
        }
    }
    let shares = key.as_ref().map_or(usual.shares_subchannels, |k| k.value);
    (shares && !own_address).then_some(channels)
}
