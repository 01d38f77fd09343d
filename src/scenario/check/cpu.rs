//! The processor of a pod: fewer cores than slots, or a limit below the cores; anything else would have no effect.

use super::Check;
use crate::model::Cpu;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::settings::Written;
use crate::scenario::rules::Code;
use crate::units::Cores;

pub(super) fn cpu(cx: &mut Check<'_>, file: Key<Written<Cpu>>, concurrency: u32, scales: bool) -> Option<Cpu> {
    let At { value: file, place } = file?;
    if ["cores", "limit", "request"].iter().all(|key| file.place(key).is_none()) {
        cx.problem(Code::NoEffect, place, "`cpu` has no effect without `cores`, `limit` or `request`");
        return None;
    }
    if !scales {
        cx.no_effect(&file.given("request"), "request", "without `hpa`: only an autoscaler uses it");
    }
    let found = cx.problems.len();
    let slots = Cores(concurrency.saturating_mul(1_000));
    let mut cpu = cx.settings(&file, "cpu", place, Cpu { cores: slots, ..Cpu::default() });
    if cx.problems.len() > found {
        return Some(cpu);
    }
    if let Some(place) = file.place("cores").filter(|_| cpu.cores >= slots) {
        let message =
            format!("`cores` has no effect: there is a core for each of the {concurrency} requests in service");
        cx.problem(Code::NoEffect, place, message);
        cpu.cores = slots;
    }
    if let Some(place) = file.place("limit").filter(|_| cpu.limit >= Some(cpu.cores)) {
        let message = format!("`limit` has no effect: the requests in service use at most {} cores", cpu.cores);
        cx.problem(Code::NoEffect, place, message);
    }
    Some(cpu)
}
