//! The processor of a pod: fewer cores than slots, or a limit below the cores; anything else would have no effect.

use super::Check;
use crate::model::defaults;
use crate::model::{Cpu, CpuLimit};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::cpu::CpuFile;
use crate::scenario::quantity::Cores;
use crate::scenario::rules::Code;
use crate::units::Span;

/// The least limit that the kubelet sets (`minQuotaPeriod` is 1 ms of each 100 ms).
const LEAST_MILLI: u32 = 10;

pub(super) fn cpu(cx: &mut Check<'_>, file: Key<CpuFile>, concurrency: u32) -> Option<Cpu> {
    let At { value: CpuFile { cores, limit }, place } = file?;
    if cores.is_none() && limit.is_none() {
        cx.problem(Code::NoEffect, place, "`cpu` has no effect without `cores` or `limit`");
        return None;
    }
    let slots_milli = concurrency.saturating_mul(1_000);
    let cores_milli = cores.map_or(slots_milli, |At { value: Cores(milli), place }| {
        if milli < LEAST_MILLI {
            cx.problem(Code::OutOfRange, place, "`cores` must be at least 10m");
        } else if milli >= slots_milli {
            let message =
                format!("`cores` has no effect: there is a core for each of the {concurrency} requests in service");
            cx.problem(Code::NoEffect, place, message);
        }
        milli.clamp(LEAST_MILLI, slots_milli)
    });
    let limit = limit.map(|At { value: Cores(milli), place }| {
        if milli < LEAST_MILLI {
            cx.problem(Code::OutOfRange, place, "`limit` must be at least 10m, the least that the kubelet sets");
        } else if milli >= cores_milli {
            let message =
                format!("`limit` has no effect: the requests in service use at most {} cores", Cores(cores_milli));
            cx.problem(Code::NoEffect, place, message);
        }
        let period = defaults::CFS_PERIOD;
        CpuLimit { quota: Span(u64::from(milli.max(LEAST_MILLI)) * period.0 / 1_000), period }
    });
    Some(Cpu { cores_milli, limit })
}
