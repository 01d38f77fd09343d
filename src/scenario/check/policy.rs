//! Load-balancing policies.

use super::Check;
use super::client::ONE_ADDRESS;
use crate::model::{Keys, Policy, RotationStart};
use crate::pick::Wrong;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::policy::{KeysFile, PolicyFile};
use crate::scenario::rules::Code;

const MAX_KEYS: u64 = 1_000_000;

/// `rotation` is how the client's stack rotates.
pub(super) fn policy(
    cx: &mut Check<'_>,
    policy: Key<PolicyFile>,
    virtual_ip: bool,
    rotation: RotationStart,
) -> Option<Policy> {
    let At { value: PolicyFile { kind, keys }, place } = policy?;
    if virtual_ip && kind.needs_addresses {
        cx.problem(Code::NoEffect, place, format!("`{}` has no effect {ONE_ADDRESS}", kind.name));
    }
    for key in kind.keys_of_addresses.iter().filter(|_| virtual_ip) {
        cx.no_effect(&keys.given(key), key, ONE_ADDRESS);
    }
    let mut policy = (kind.usual)(rotation);
    for (key, value) in cx.group(&keys, kind.name, place) {
        policy.set(key, value);
    }
    if let Err(Wrong { key, message, alone }) = policy.settle(&|key| keys.place(key).is_some()) {
        let code = if alone { Code::OutOfRange } else { Code::Contradiction };
        cx.problem(code, keys.place(key).unwrap_or(place), message);
    }
    Some(policy)
}

/// What calls are routed by.
pub(super) fn keys(cx: &mut Check<'_>, file: Key<KeysFile>, policy: &Policy) -> Keys {
    if !policy.hashes() {
        cx.no_effect(&file, "keys", "with a policy other than ring_hash and maglev");
    }
    let Some(At { value: KeysFile { count, zipf }, place }) = file else { return Keys { cumulative: None } };
    let count = cx.required(count, "count", place, "`keys`").map_or(1, |n| cx.count(n, "count", 1, MAX_KEYS) as u32);
    let zipf = zipf.map_or(0.0, |z| cx.number(&z, "zipf", 0.0, 10.0));
    let mut sum = 0.0;
    let mut weigh = |k: u32| {
        sum += libm::pow(f64::from(k), -zipf);
        sum
    };
    let mut cumulative: Vec<f64> = (1..=count).map(&mut weigh).collect();
    cumulative.iter_mut().for_each(|c| *c /= sum);
    Keys { cumulative: Some(cumulative.into()) }
}
