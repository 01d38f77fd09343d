//! The runs of one case: what each says of the claim.

use super::judge::Reading;
use crate::experiment::run::{Watch, run};
use crate::metrics::outcome::{Outcome, Summary};
use crate::model::Comparison;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::property::{Claim, Drawn, Property};
use crate::sim::SimError;

/// A case, read: the scenario of each side.
pub(super) struct Trial<'a> {
    property: &'a Property,
    sides: Vec<Loaded>,
}

/// A run of all sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    /// `None`: it says nothing.
    pub reading: Option<Reading>,
    /// The figure of each side; `None` if it has no value.
    pub values: [Option<f64>; 2],
    /// Calls of all sides.
    pub calls: u64,
}

impl Trial<'_> {
    /// Reads the scenarios of a case.
    pub(super) fn new<'a>(property: &'a Property, drawn: &Drawn) -> Result<Trial<'a>, Diagnostics> {
        let sides = (0..property.sides.len()).map(|side| property.load(side, drawn)).collect::<Result<_, _>>()?;
        Ok(Trial { property, sides })
    }

    /// Runs all sides with a seed.
    pub(super) fn run(&self, seed: u64, watch: Option<Watch<'_>>) -> Result<Observed, SimError> {
        let mut calls = 0;
        let mut results = Vec::with_capacity(2);
        for side in &self.sides {
            let summary = run(side, seed, false, watch)?.summary;
            calls += summary.requests.started;
            results.push(figure(side, &summary));
        }
        let (values, reading) = match (self.property.claim, results.as_slice()) {
            (Claim::Line, [one, ..]) => ([one.value, None], Some(line(one))),
            (Claim::Between { op, factor }, [left, right]) => {
                ([left.value, right.value], between(left, right, op, factor))
            }
            _ => ([None, None], None),
        };
        Ok(Observed { reading, values, calls })
    }

    /// Runs the side that breaks the claim with a seed, with its traces.
    pub(super) fn traced(
        &self,
        side: usize,
        seed: u64,
        watch: Option<Watch<'_>>,
    ) -> Option<Result<(&Loaded, Outcome), SimError>> {
        let loaded = self.sides.get(side)?;
        Some(run(loaded, seed, true, watch).map(|outcome| (loaded, outcome)))
    }
}

/// The figure of a side that the claim is about.
struct Figure {
    value: Option<f64>,
    met: bool,
    op: Comparison,
    bound: f64,
    /// No value of it means that it never came, and not that there is none.
    may_never_come: bool,
}

fn figure(side: &Loaded, summary: &Summary) -> Figure {
    let result = summary.expectations.first();
    let expected = side.model.expect.first();
    Figure {
        value: result.and_then(|r| r.value),
        met: result.is_some_and(|r| r.met),
        op: expected.map_or(Comparison::AtMost, |e| e.op),
        bound: expected.map_or(0.0, |e| e.value),
        may_never_come: expected.is_some_and(|e| e.path.first().is_some_and(|step| step == "time_to_balance")),
    }
}

/// What a line of `expect` says: without a value it is not met.
fn line(figure: &Figure) -> Reading {
    let Some(value) = figure.value else { return Reading { met: false, excess: 1.0 } };
    let beyond = relative(value, figure.bound);
    let excess = match figure.op {
        Comparison::Less | Comparison::AtMost => beyond,
        Comparison::AtLeast | Comparison::Greater => -beyond,
        Comparison::Equal => beyond.abs(),
        Comparison::NotEqual if figure.met => -beyond.abs(),
        Comparison::NotEqual => 1.0,
    };
    Reading { met: figure.met, excess }
}

/// Of two sides: what never came is later than all that did; without any other value the run says nothing.
fn between(left: &Figure, right: &Figure, op: Comparison, factor: f64) -> Option<Reading> {
    let number = |side: &Figure| side.value.or(side.may_never_come.then_some(f64::INFINITY));
    let (left, right) = (number(left)?, number(right)? * factor + right.bound);
    let (met, sign) = match op {
        Comparison::Less => (left < right, 1.0),
        Comparison::AtMost | Comparison::Equal | Comparison::NotEqual => (left <= right, 1.0),
        Comparison::AtLeast => (left >= right, -1.0),
        Comparison::Greater => (left > right, -1.0),
    };
    Some(Reading { met, excess: sign * relative(left, right) })
}

/// The difference as a part of the larger one of two numbers that are not negative: from -1 to 1.
fn relative(left: f64, right: f64) -> f64 {
    if left == right {
        return 0.0;
    }
    match (left.is_finite(), right.is_finite()) {
        (true, true) => (left - right) / left.abs().max(right.abs()),
        (false, _) => 1.0,
        (_, false) => -1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(value: Option<f64>, op: Comparison, bound: f64, met: bool) -> Figure {
        Figure { value, met, op, bound, may_never_come: false }
    }

    #[test]
    fn excess_is_a_part_of_the_larger() {
        assert_eq!(
            (relative(2.0, 1.0), relative(1.0, 2.0), relative(0.0, 0.0), relative(0.0, 3.0)),
            (0.5, -0.5, 0.0, -1.0)
        );
        assert_eq!((relative(f64::INFINITY, 1.0), relative(1.0, f64::INFINITY)), (1.0, -1.0));
        assert_eq!(relative(f64::INFINITY, f64::INFINITY), 0.0);
    }

    #[test]
    fn a_line_reads_as_expect_does() {
        use Comparison::{AtLeast, AtMost, Equal, NotEqual};
        for (value, op, met, excess) in [
            (Some(2.0), AtMost, false, 0.5),
            (Some(0.5), AtMost, true, -0.5),
            (Some(2.0), AtLeast, true, -0.5),
            (Some(0.0), Equal, false, 1.0),
            (Some(1.0), NotEqual, false, 1.0),
            (None, AtMost, false, 1.0),
        ] {
            assert_eq!(line(&side(value, op, 1.0, met)), Reading { met, excess }, "{value:?} {op:?}");
        }
    }

    #[test]
    fn sides_are_compared_with_factor_and_margin() {
        let of = |left, right, margin| {
            let (left, right) =
                (side(left, Comparison::AtLeast, 0.0, true), side(right, Comparison::AtMost, margin, true));
            between(&left, &right, Comparison::AtMost, 2.0)
        };
        assert_eq!(of(Some(4.0), Some(1.0), 2.0), Some(Reading { met: true, excess: 0.0 }));
        assert_eq!(of(Some(8.0), Some(1.0), 2.0), Some(Reading { met: false, excess: 0.5 }));
        assert_eq!(of(None, Some(1.0), 0.0), None);
        let never = Figure { may_never_come: true, ..side(None, Comparison::AtLeast, 0.0, false) };
        let sometime = side(Some(5.0), Comparison::AtMost, 0.0, true);
        assert_eq!(between(&never, &sometime, Comparison::AtMost, 1.0), Some(Reading { met: false, excess: 1.0 }));
    }
}
