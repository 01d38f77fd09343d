//! What makes pods of a server slow.

use super::{Rows, Scope};
use crate::scenario::model::WarmUp;

pub(super) fn warm_up(rows: &mut Rows<'_>, at: &Scope, warm_up: Option<&WarmUp>) {
    let Some(WarmUp { initial, time }) = warm_up else { return rows.put(at, "warm_up", "none".into()) };
    let at = at.key("warm_up");
    rows.put(&at, "initial", initial.to_string());
    rows.put(&at, "time", time.to_string());
}
