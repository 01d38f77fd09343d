//! Distributions.

use super::{Check, csv};
use crate::distribution::{Distribution, Part, standard_normal};
use crate::scenario::diagnostic::Problem;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::law::{
    ExponentialFile, LawFile, LognormalFile, NamedLaw, ParetoFile, PartFile, UniformFile,
};
use crate::scenario::quantity::Duration;
use crate::scenario::rules::Code;
use crate::units::Span;

const MAX_SIGMA: f64 = 10.0;
const MAX_ALPHA: f64 = 1_000.0;
const MAX_WEIGHT: f64 = 1e12;

/// The law, or the default.
pub(super) fn law_or(cx: &mut Check<'_>, key: Key<LawFile>, default: impl FnOnce() -> Distribution) -> Distribution {
    match key {
        Some(at) => law(cx, at),
        None => default(),
    }
}

fn law(cx: &mut Check<'_>, At { value, place: _ }: At<LawFile>) -> Distribution {
    let named = match value {
        LawFile::Bare(Duration(span)) => return Distribution::Constant(span.as_secs_f64()),
        LawFile::Named(named) => *named,
    };
    match named {
        NamedLaw::Constant(Duration(span)) => Distribution::Constant(span.as_secs_f64()),
        NamedLaw::Uniform(file) => uniform(cx, file),
        NamedLaw::Exponential(file) => exponential(cx, file),
        NamedLaw::Lognormal(file) => lognormal(cx, &file),
        NamedLaw::Pareto(file) => pareto(cx, file),
        NamedLaw::Mixture(parts) => mixture(cx, parts),
        NamedLaw::Empirical(path) => Distribution::Empirical(csv::samples(cx, &path).into()),
    }
}

fn seconds(key: &Key<Duration>) -> f64 {
    key.as_ref().map_or(0.0, |d| d.value.0.as_secs_f64())
}

fn uniform(cx: &mut Check<'_>, file: At<UniformFile>) -> Distribution {
    let At { value: UniformFile { min, max }, place } = file;
    let (low, high) = (seconds(&min), seconds(&max));
    if let Some(max) = cx.required(max, "max", place, "`uniform`")
        && high < low
    {
        cx.problem(Code::Contradiction, max.place, "`max` is below `min`");
    }
    Distribution::Uniform { min: low, max: high.max(low) }
}

fn exponential(cx: &mut Check<'_>, file: At<ExponentialFile>) -> Distribution {
    let At { value: ExponentialFile { mean, min }, place } = file;
    let mean = cx.required(mean, "mean", place, "`exponential`");
    let mean = cx.positive(mean, "mean").unwrap_or(Span(1));
    Distribution::Exponential { mean: mean.as_secs_f64(), min: seconds(&min) }
}

/// Two figures fix a lognormal law; which two must be clear.
fn lognormal(cx: &mut Check<'_>, file: &At<LognormalFile>) -> Distribution {
    let At { value: LognormalFile { mean, median, sigma, p50, p99 }, place } = file;
    let nothing = Distribution::Lognormal { mu: 0.0, sigma: 1.0 };
    for (key, name) in [(mean, "mean"), (median, "median"), (p50, "p50"), (p99, "p99")] {
        cx.positive(key.clone(), name);
    }
    let log = |key: &At<Duration>| libm::log(key.value.0.as_secs_f64().max(1e-9));
    let mut spread = |sigma| cx.number(sigma, "sigma", 1e-9, MAX_SIGMA);
    match (mean, median, sigma, p50, p99) {
        (Some(mean), None, Some(sigma), None, None) => {
            let sigma = spread(sigma);
            Distribution::Lognormal { mu: log(mean) - sigma * sigma / 2.0, sigma }
        }
        (None, Some(median), Some(sigma), None, None) => {
            Distribution::Lognormal { mu: log(median), sigma: spread(sigma) }
        }
        (None, None, None, Some(p50), Some(p99)) => {
            let sigma = (log(p99) - log(p50)) / standard_normal(0.99);
            if sigma <= 0.0 || sigma > MAX_SIGMA {
                let message = format!("`p99` must be above `p50`, and not so far that sigma exceeds {MAX_SIGMA}");
                cx.problem(Code::Contradiction, p99.place, message);
                return nothing;
            }
            Distribution::Lognormal { mu: log(p50), sigma }
        }
        _ => {
            let message = "`lognormal` takes exactly two figures: mean and sigma, median and sigma, or p50 and p99";
            cx.report(
                Problem::new(Code::NotOne, *place, message)
                    .help("for example `{ lognormal: { p50: 2ms, p99: 20ms } }`"),
            );
            nothing
        }
    }
}

fn pareto(cx: &mut Check<'_>, file: At<ParetoFile>) -> Distribution {
    let At { value: ParetoFile { min, alpha }, place } = file;
    let min = cx.required(min, "min", place, "`pareto`");
    let min = cx.positive(min, "min").unwrap_or(Span(1));
    let alpha = cx.required(alpha, "alpha", place, "`pareto`").map_or(2.0, |alpha| {
        if alpha.value.0 <= 1.0 {
            cx.problem(Code::OutOfRange, alpha.place, "`alpha` must be above 1, so that the mean exists");
            2.0
        } else {
            cx.number(&alpha, "alpha", 1.0, MAX_ALPHA)
        }
    });
    Distribution::Pareto { min: min.as_secs_f64(), alpha }
}

fn mixture(cx: &mut Check<'_>, parts: At<Vec<At<PartFile>>>) -> Distribution {
    let At { value: parts, place } = parts;
    if parts.is_empty() {
        cx.problem(Code::EmptyList, place, "`mixture` is empty, and must have at least one part");
    }
    let mut until = 0.0;
    let mut all: Vec<Part> = Vec::with_capacity(parts.len());
    for At { value: PartFile { weight, of }, place } in parts {
        let of = cx.required(of, "of", place, "a part of a mixture").map(|of| law(cx, of));
        let weight = cx.required(weight, "weight", place, "a part of a mixture");
        if let Some(w) = &weight {
            if w.value.0 <= 0.0 {
                cx.problem(Code::OutOfRange, w.place, "`weight` must be above 0");
            } else {
                until += cx.number(w, "weight", 0.0, MAX_WEIGHT);
            }
        }
        all.extend(of.map(|of| Part { until, of }));
    }
    // Ends as shares of the whole; the last is exactly 1, as x / x is.
    all.iter_mut().for_each(|part| part.until /= until);
    Distribution::Mixture(all.into())
}
