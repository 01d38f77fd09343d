//! Retries of gRPC calls.

use super::Check;
use crate::model::{Codes, ErrorStatus, RetryPolicy};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::retry::{CodesFile, RetryFile};
use crate::scenario::file::settings::Word;
use crate::scenario::rules::Code;

pub(super) fn retry(cx: &mut Check<'_>, file: Key<RetryFile>) -> Option<RetryPolicy> {
    let At { value: file, place } = file?;
    let policy = cx.settings(&file, "retry", place, RetryPolicy::default());
    let CodesFile { codes } = file.rest;
    Some(RetryPolicy { codes: codes_of(cx, codes, place), ..policy })
}

fn codes_of(cx: &mut Check<'_>, key: Key<Vec<At<Word<ErrorStatus>>>>, owner: Place) -> Codes {
    let Some(At { value, place }) = cx.required(key, "codes", owner, "`retry`") else { return Codes::default() };
    if value.is_empty() {
        cx.problem(Code::EmptyList, place, "`codes` is empty, and nothing would be retried");
    }
    for (i, code) in value.iter().enumerate() {
        if value[..i].iter().any(|other| other.value.0 == code.value.0) {
            cx.problem(Code::NoEffect, code.place, "this code has no effect: it is in the list already");
        }
    }
    Codes::of(&value.iter().map(|code| code.value.0.number()).collect::<Vec<u8>>())
}
