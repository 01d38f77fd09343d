//! `--vary PATH=VALUES`: what is varied, and the grid of all combinations.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::ops::Range;

use super::diagnostic::{Diagnostics, quoted};
use super::quantity::{parse_duration, parse_number};
use super::rules::Code;
use super::yaml::set::steps;
use crate::printable::is_shown;
use crate::units::Span;

/// One path of a scenario with the values that it takes, as `--set` reads both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The path, as in `--set`, with dots only.
    pub path: String,
    /// Its values, in the order given; at least one, none twice.
    pub values: Vec<String>,
}

/// All combinations of the values of some axes. Cells are numbered from 0, the last axis turning fastest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Grid {
    /// None has a path of another.
    pub axes: Vec<Axis>,
}

/// The most cells that a grid may have.
pub const MOST_CELLS: u64 = 1_000_000;
/// The most values that a range may have.
const MOST_VALUES: usize = 10_000;

impl Grid {
    /// Reads the `PATH=VALUES` arguments of an option, such as `--vary`. Values are separated by commas, except inside brackets, braces and quotes; each may be a
    /// range: `LO..HI:N` is N values at equal distances, `LO..HI:logN` at equal ratios, both ends among them.
    ///
    /// # Errors
    /// Says what is wrong with an argument, and where.
    pub fn parse(option: &str, arguments: &[String]) -> Result<Grid, Diagnostics> {
        let mut grid = Grid::default();
        let mut cells = 1u64;
        for argument in arguments {
            let fail =
                |Wrong { at, why }: Wrong| Diagnostics::of_argument(option, argument, at, Code::BadSet, &why, FORM);
            let axis = axis(argument).map_err(fail)?;
            let path = 0..argument.find('=').unwrap_or(argument.len());
            if grid.axes.iter().any(|known| known.path == axis.path) {
                let why = format!("{} is varied twice: write all its values in one {option}", quoted(&axis.path));
                return Err(fail(Wrong { at: path, why }));
            }
            cells = cells.saturating_mul(axis.values.len() as u64);
            if cells > MOST_CELLS {
                let why = format!("the grid has more than {MOST_CELLS} cells");
                return Err(fail(Wrong { at: 0..argument.len(), why }));
            }
            grid.axes.push(axis);
        }
        Ok(grid)
    }

    /// Whether it is a grid, wherever it comes from.
    ///
    /// # Errors
    /// Says what is wrong: a path or a value that is there twice, an axis without values, more cells than [`MOST_CELLS`].
    pub fn check(&self) -> Result<(), String> {
        let mut paths = BTreeSet::new();
        for Axis { path, values } in &self.axes {
            if !paths.insert(path) {
                return Err(format!("`{path}` is varied twice; write its values in one --vary"));
            }
            let mut known = BTreeSet::new();
            if let Some(twice) = values.iter().find(|value| !known.insert(*value)) {
                return Err(format!("`{path}` has the value `{twice}` twice"));
            }
        }
        let cells = self.axes.iter().try_fold(1u64, |n, axis| n.checked_mul(axis.values.len() as u64));
        match cells {
            Some(1..=MOST_CELLS) => Ok(()),
            Some(0) => Err("a path of the grid has no values".to_owned()),
            _ => Err(format!("the grid has more than {MOST_CELLS} cells")),
        }
    }

    /// What is wrong with a cell, told of the arguments of the option that the grid was read from.
    #[must_use]
    pub fn retold(&self, wrong: Diagnostics, cell: u64, option: &'static str, arguments: &[String]) -> Diagnostics {
        wrong.retold(|set, at| {
            let (i, at) = self.typed(cell, set, at, arguments)?;
            Some((option, arguments.get(i)?.as_str(), at))
        })
    }

    /// Which argument a part of a cell's `--set` was made of, and of what in it.
    pub(crate) fn typed(
        &self,
        cell: u64,
        set: &str,
        at: Range<usize>,
        arguments: &[String],
    ) -> Option<(usize, Range<usize>)> {
        let i = self.sets(cell).iter().position(|known| known == set)?;
        let (path, value) = set.split_once('=')?;
        let (typed, list) = arguments.get(i)?.split_once('=')?;
        let moved = |from: usize, to: usize| at.start - from + to..at.end.max(from) - from + to;
        if let Some(from) = at.start.checked_sub(path.len() + 1) {
            let start = typed.len() + 1;
            let written = parts(list).into_iter().find(|(_, part)| *part == value);
            let in_range = |part: &str| range(part).is_ok_and(|r| r.is_some_and(|r| r.iter().any(|v| v == value)));
            return match written {
                Some((to, _)) => Some((i, moved(at.start - from, start + to))),
                None => {
                    let (to, part) = parts(list).into_iter().find(|(_, part)| in_range(part))?;
                    Some((i, start + to..start + to + part.len()))
                }
            };
        }
        // The same steps, though perhaps with brackets.
        let (_, (to, step)) = steps(path).zip(steps(typed)).filter(|((from, _), _)| *from <= at.start).last()?;
        Some((i, to..to + step.len()))
    }

    /// How many cells there are; 1 without axes.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.axes.iter().map(|axis| axis.values.len() as u64).product()
    }

    /// The value of each axis in a cell; beyond the last cell the first one follows.
    #[must_use]
    pub fn values(&self, cell: u64) -> Vec<&str> {
        let mut rest = cell;
        let mut values: Vec<&str> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let n = axis.values.len().max(1) as u64;
            values.push(axis.values.get((rest % n) as usize).map_or("", String::as_str));
            rest /= n;
        }
        values.reverse();
        values
    }

    /// What a cell changes, as `--set` writes it.
    #[must_use]
    pub fn sets(&self, cell: u64) -> Vec<String> {
        let pairs = self.axes.iter().zip(self.values(cell));
        pairs.map(|(axis, value)| format!("{}={value}", axis.path)).collect()
    }

    /// A cell in words, shortly: `replicas=5 policy=round_robin`.
    #[must_use]
    pub fn label(&self, cell: u64) -> String {
        let pairs = self.axes.iter().zip(self.values(cell));
        let words: Vec<String> = pairs.map(|(axis, value)| format!("{}={value}", self.short(axis))).collect();
        words.join(" ")
    }

    /// The last part of an axis's path, or all of it where two end alike.
    #[must_use]
    pub fn short<'a>(&self, axis: &'a Axis) -> &'a str {
        let last = |path: &'a str| path.rsplit('.').next().unwrap_or(path);
        let word = last(&axis.path);
        let alike = self.axes.iter().filter(|other| other.path.rsplit('.').next() == Some(word)).count();
        if alike > 1 { &axis.path } else { word }
    }
}

const FORM: &str = "write PATH=VALUES, such as servers.0.replicas=5,10 or servers.0.replicas=5..20:4";

/// What is wrong with a text, and where in it.
#[derive(Debug)]
pub(super) struct Wrong {
    at: Range<usize>,
    pub why: String,
}

fn axis(argument: &str) -> Result<Axis, Wrong> {
    let whole = |why: String| Wrong { at: 0..argument.len(), why };
    let Some((path, list)) = argument.split_once('=') else {
        return Err(whole(format!("{} has no `=`", quoted(argument))));
    };
    if path.is_empty() || list.trim().is_empty() {
        return Err(whole(format!("{} is not complete", quoted(argument))));
    }
    if !argument.chars().all(is_shown) {
        return Err(whole("a path or a value has a control character, or one that cannot be seen".to_owned()));
    }
    let start = path.len() + 1;
    let values = values(list).map_err(|Wrong { at, why }| Wrong { at: start + at.start..start + at.end, why })?;
    let steps: Vec<&str> = steps(path).map(|(_, step)| step).collect();
    Ok(Axis { path: steps.join("."), values })
}

/// The values of a list.
pub(super) fn values(list: &str) -> Result<Vec<String>, Wrong> {
    let mut values: Vec<String> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for (start, part) in parts(list) {
        let wrong = |why: String| Wrong { at: start..start + part.len(), why };
        let several = match range(part).map_err(|why| wrong(format!("{}: {why}", quoted(part))))? {
            Some(several) => several,
            None if part.is_empty() => return Err(wrong("a value is empty".to_owned())),
            None => vec![part.to_owned()],
        };
        if let Some(twice) = several.iter().find(|value| !known.insert((*value).clone())) {
            return Err(wrong(format!("the value {} is there twice", quoted(twice))));
        }
        values.extend(several);
    }
    Ok(values)
}

/// The parts between commas that stand in no bracket, brace or quote, each with the byte that it begins at.
fn parts(list: &str) -> Vec<(usize, &str)> {
    let trimmed = |from: usize, to: usize| {
        let part = &list[from..to];
        (from + part.len() - part.trim_start().len(), part.trim())
    };
    let mut parts = Vec::new();
    let (mut depth, mut quote, mut start) = (0u32, None, 0);
    for (at, letter) in list.char_indices() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(letter),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                parts.push(trimmed(start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(trimmed(start, list.len()));
    parts
}

/// The values of `LO..HI:N` or `LO..HI:logN`; `None` if that is no range.
fn range(part: &str) -> Result<Option<Vec<String>>, String> {
    let Some((lo, rest)) = part.split_once("..") else { return Ok(None) };
    if part.starts_with(['"', '\'', '[', '{']) {
        return Ok(None);
    }
    let Some((hi, steps)) = rest.split_once(':') else {
        return Err(
            "a range says how many values it has: LO..HI:5 at equal distances, LO..HI:log5 at equal ratios".into()
        );
    };
    let (log, number) = steps.strip_prefix("log").map_or((false, steps), |number| (true, number));
    let n: usize = number.parse().map_err(|_| format!("{} is not a number of values", quoted(number)))?;
    if !(2..=MOST_VALUES).contains(&n) {
        return Err(format!("a range has from 2 to {MOST_VALUES} values"));
    }
    let (unit, from, to) = ends(lo, hi)?;
    if log && !(from > 0.0 && to > 0.0) {
        return Err("equal ratios need both ends above zero".into());
    }
    let between = |i: usize| {
        let part = i as f64 / (n - 1) as f64;
        if log { from * libm::pow(to / from, part) } else { from + (to - from) * part }
    };
    let inner = (1..n - 1).map(|i| unit.write(significant(between(i), if log { 3 } else { 10 })));
    let values: Vec<String> =
        std::iter::once(lo.to_owned()).chain(inner).chain(std::iter::once(hi.to_owned())).collect();
    if values.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(
            "some of its values are the same; whole numbers stay whole, so write 1.0..2.0 for numbers between".into()
        );
    }
    Ok(Some(values))
}

/// What the numbers of a range are.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Whole,
    Decimal,
    Percent,
    /// In nanoseconds.
    Duration,
}

impl Unit {
    pub(super) fn write(self, x: f64) -> String {
        match self {
            Unit::Whole => format!("{}", x.round()),
            Unit::Decimal => format!("{x}"),
            Unit::Percent => format!("{x}%"),
            Unit::Duration => Span(x.round() as u64).to_string(),
        }
    }
}

/// Both ends as numbers of one unit.
pub(super) fn ends(lo: &str, hi: &str) -> Result<(Unit, f64, f64), String> {
    let decimal = parse_number;
    let read = |unit: Unit, text: &str| match unit {
        Unit::Whole => text.parse::<i64>().ok().map(|x| x as f64),
        Unit::Decimal => decimal(text),
        Unit::Percent => decimal(text.strip_suffix('%')?),
        Unit::Duration => parse_duration(text).ok().map(|span| span.0 as f64),
    };
    for unit in [Unit::Whole, Unit::Decimal, Unit::Percent, Unit::Duration] {
        if let (Some(from), Some(to)) = (read(unit, lo), read(unit, hi)) {
            return if from == to { Err("both ends are the same".into()) } else { Ok((unit, from, to)) };
        }
    }
    Err(format!("{} and {} are not two numbers, two percentages or two durations", quoted(lo), quoted(hi)))
}

/// The number nearest to `x` with this many significant digits.
pub(super) fn significant(x: f64, digits: usize) -> f64 {
    // What was written as a number reads as one.
    format!("{x:.*e}", digits - 1).parse().unwrap_or(x)
}

#[cfg(test)]
mod tests;
