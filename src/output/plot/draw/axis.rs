//! Axes as plotters wants them, and what it lacks: ticks at times that people count in, and logarithms that are the same on every
//! machine.

use std::ops::Range;

use plotters::coord::ranged1d::{BoldPoints, DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;

use crate::output::plot::scale::Scale;

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        match *self {
            Scale::Linear(most) => within(0.0..most, *value, limit),
            Scale::Log(least, most) => within(libm::log(least)..libm::log(most), libm::log(value.max(least)), limit),
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match *self {
            Scale::Linear(most) => RangedCoordf64::from(0.0..most).key_points(hint),
            Scale::Log(least, most) => {
                let within: &[f64] = if most / least < 2000.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let decades = std::iter::successors(Some(least), |decade| Some(decade * 10.0));
                let ticks = decades.flat_map(|decade| within.iter().map(move |m| m * decade));
                ticks.take_while(|v| *v <= most * 1.0001).collect()
            }
        }
    }

    fn range(&self) -> Range<f64> {
        match *self {
            Scale::Linear(most) => 0.0..most,
            Scale::Log(least, most) => least..most,
        }
    }
}

/// The pixel of a value. What lies beyond an end of the axis is drawn at that end: plotters overflows far away from it.
fn within(ends: Range<f64>, value: f64, limit: (i32, i32)) -> i32 {
    let value = value.max(ends.start.min(ends.end)).min(ends.start.max(ends.end));
    RangedCoordf64::from(ends).map(&value, limit)
}

/// An x axis, or one of rows: linear, with its own ticks.
pub(super) struct Axis {
    ends: Range<f64>,
    ticks: Vec<f64>,
}

impl Axis {
    /// Simulated time from zero to `end` seconds. A tick stands at 1, 2 or 5 times a power of ten of the largest unit of which
    /// the axis holds more than two.
    pub(super) fn time(end: f64) -> Axis {
        let unit = [86_400.0, 3600.0, 60.0].into_iter().find(|unit| end > 2.0 * unit).unwrap_or(1.0);
        let ticks = RangedCoordf64::from(0.0..end / unit).key_points(BoldPoints(11));
        Axis { ends: 0.0..end, ticks: ticks.into_iter().map(|tick| tick * unit).collect() }
    }

    /// Places side by side, each one wide, with a tick in the middle of each `every`-th one.
    pub(super) fn places(ends: Range<usize>, every: usize) -> Axis {
        let ticks = (0..ends.start.max(ends.end)).step_by(every).map(|i| i as f64 + 0.5);
        Axis { ends: ends.start as f64..ends.end as f64, ticks: ticks.collect() }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        within(self.range(), *value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &impl Ranged<ValueType = f64>) -> Vec<f64> {
        axis.key_points(BoldPoints(11))
    }

    #[test]
    fn ticks_are_at_numbers_that_people_count_in() {
        let minutes = |step: f64, n: u32| (0..=n).map(|i| f64::from(i) * step * 60.0).collect::<Vec<_>>();
        assert_eq!(ticks(&Axis::time(600.0)), minutes(1.0, 10));
        assert_eq!(ticks(&Axis::time(180.0)), minutes(0.5, 6));
        assert_eq!(ticks(&Axis::time(5400.0)), minutes(10.0, 9));
        assert_eq!(ticks(&Axis::time(0.4)).len(), 9);
        assert_eq!(ticks(&Scale::Linear(1.0)).len(), 11);
        assert_eq!(ticks(&Scale::Log(1.0, 100.0)), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
    }

    #[test]
    fn what_is_beyond_the_axis_is_drawn_at_its_end() {
        assert_eq!(Axis::time(8.0).map(&f64::from(u32::MAX), (10, 1000)), 1000);
        assert_eq!(Scale::Linear(1.0).map(&1e300, (1000, 10)), 10);
        assert_eq!(Scale::Log(1.0, 10.0).map(&-1e300, (1000, 10)), 1000);
    }

    #[test]
    fn powers_of_ten_stand_at_equal_distances() {
        let scale = Scale::Log(10.0, 1000.0);
        assert_eq!((scale.map(&100.0, (0, 1000)), scale.map(&0.0, (0, 1000))), (500, 0));
    }
}
