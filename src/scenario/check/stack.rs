//! What a client takes from its implementation of gRPC: a preset that expands to plain settings, and the settings that came with it.

use super::Check;
use crate::model::defaults;
use crate::model::stack::{ClientStack, Stack};
use crate::model::{GrpcClient, Policy};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::settings::WrittenKeys;
use crate::scenario::file::stack::{ServerStackFile, StackFile};
use crate::scenario::rules::Code;

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

/// True if the application's channels share what one has. Channels that each take the first address of an answer of their own share
/// only by chance; `knows_pods`: such answers have pods in them.
pub(super) fn shares(
    cx: &mut Check<'_>,
    plain: &WrittenKeys,
    grpc: &GrpcClient,
    channels: u32,
    knows_pods: bool,
) -> bool {
    let own_address = knows_pods && grpc.policy.one_connection();
    if plain.flag("shared_subchannels") == Some(true) {
        let key = plain.given("shared_subchannels");
        if channels == 1 {
            cx.no_effect(&key, "shared_subchannels", "with one channel per replica");
        } else if own_address {
            let why = "with pick_first over pods: each channel takes the first address of an answer of its own";
            cx.no_effect(&key, "shared_subchannels", why);
        }
    }
    grpc.shared_subchannels && !own_address
}
