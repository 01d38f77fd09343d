//! Quantities as they are written: durations as Go and Kubernetes write them, counts, percentages, plain numbers.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use crate::model::CountOrPercent;
use crate::units::{self, Span};

/// The longest duration that a scenario may hold.
pub(super) const LONGEST: Span = Span::from_secs(30 * 24 * 3600);

/// A duration with its unit: `1m30s`, `250ms`, `1.5us`. At most 30 days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duration(pub(super) Span);

/// A whole number, from 0 to 2^64 - 1, exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count(pub(super) u64);

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub(super) f64);

/// A share: `10%` or `0.1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub(super) f64);

/// A count such as `1`, or a percentage such as `25%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount(pub(super) CountOrPercent);

/// A number of cores, in thousandths: `2`, `0.5` or `500m`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cores(pub(super) units::Cores);

const DURATION: &str = "a duration with its unit, such as `1m30s`, `250ms` or `1.5us`";
const COUNT: &str = "a whole number, from 0 to 2^64 - 1";
const NUMBER: &str = "a number";
const SHARE: &str = "a percentage such as `10%`, or a share such as `0.1`";
const CORES: &str = "a number of cores such as `2` or `0.5`, or thousandths of one such as `500m`";
const AMOUNT: &str = "a count such as `1`, or a percentage such as `25%`";

/// Reads a duration as Go's `time.ParseDuration` does, without a sign. Parts finer than a nanosecond are cut off.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<Span, String> {
    let trouble = |why: String| format!("expected {DURATION}, found {}: {why}", super::diagnostic::quoted(text));
    if text == "0" {
        return Ok(Span::ZERO);
    }
    if text.starts_with('-') {
        return Err(trouble("a duration cannot be negative".into()));
    }
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let ns = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(trouble("the unit is missing".into())),
            _ => return Err(trouble("the units are ns, us, ms, s, m and h".into())),
        };
        let part = scaled(number, ns).ok_or_else(|| trouble("a number must stand before each unit".into()))?;
        total = total.saturating_add(part);
        rest = tail;
    }
    if text.is_empty() {
        return Err(trouble("nothing is given".into()));
    }
    match u64::try_from(total) {
        Ok(0) if !is_zero(text) => Err(trouble("the shortest is `1ns`".into())),
        Ok(ns) if Span(ns) <= LONGEST => Ok(Span(ns)),
        _ => Err(trouble("the longest is 30 days, `720h`".into())),
    }
}

/// `number * unit`, exact but for parts below one; `None` if it is no decimal number.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    const DIGITS: usize = 18;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() || part.contains('.') {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => 0,
        long if long.len() > DIGITS => u128::MAX,
        short => short.parse::<u128>().ok()?,
    };
    let part = &part[..part.len().min(DIGITS)];
    let fraction = if part.is_empty() { 0 } else { part.parse::<u128>().ok()? * unit / 10u128.pow(part.len() as u32) };
    Some(whole.saturating_mul(unit).saturating_add(fraction))
}

/// True if no digit of a decimal number says more than zero.
fn is_zero(number: &str) -> bool {
    !number.split(['e', 'E']).next().unwrap_or_default().contains(|c: char| ('1'..='9').contains(&c))
}

/// The finite number that a text is; `None` also if it is too small for a double, and not zero.
pub fn parse_number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|x| x.is_finite() && (*x != 0.0 || is_zero(text)))
}

/// The number before `%`, if the text is one.
pub fn parse_percent(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    parse_number(number).filter(|_| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// Which kind of quantity a visitor reads.
trait Quantity: Sized {
    const EXPECTED: &'static str;
    fn from_number(x: f64) -> Option<Self>;
    fn from_integer(x: u64) -> Option<Self> {
        Self::from_number(x as f64)
    }
    fn from_text(text: &str) -> Result<Option<Self>, String>;
}

impl Quantity for Duration {
    const EXPECTED: &'static str = DURATION;
    fn from_number(x: f64) -> Option<Self> {
        (x == 0.0).then_some(Duration(Span::ZERO))
    }
    fn from_text(text: &str) -> Result<Option<Self>, String> {
        parse_duration(text).map(|span| Some(Duration(span)))
    }
}

impl Quantity for Count {
    const EXPECTED: &'static str = COUNT;
    fn from_number(x: f64) -> Option<Self> {
        // Beyond 2^53 a double no longer tells neighbours apart.
        ((0.0..=9_007_199_254_740_992.0).contains(&x) && x == x.trunc()).then_some(Count(x as u64))
    }
    fn from_integer(x: u64) -> Option<Self> {
        Some(Count(x))
    }
    fn from_text(_: &str) -> Result<Option<Self>, String> {
        Ok(None)
    }
}

impl Quantity for Number {
    const EXPECTED: &'static str = NUMBER;
    fn from_number(x: f64) -> Option<Self> {
        x.is_finite().then_some(Number(x))
    }
    fn from_text(_: &str) -> Result<Option<Self>, String> {
        Ok(None)
    }
}

impl Quantity for Share {
    const EXPECTED: &'static str = SHARE;
    fn from_number(x: f64) -> Option<Self> {
        x.is_finite().then_some(Share(x))
    }
    fn from_text(text: &str) -> Result<Option<Self>, String> {
        Ok(parse_percent(text).map(|x| Share(x / 100.0)))
    }
}

impl Quantity for Amount {
    const EXPECTED: &'static str = AMOUNT;
    fn from_number(x: f64) -> Option<Self> {
        let whole = x == x.trunc() && (0.0..=f64::from(u32::MAX)).contains(&x);
        whole.then_some(Amount(CountOrPercent::Count(x as u32)))
    }
    fn from_text(text: &str) -> Result<Option<Self>, String> {
        let percent = parse_percent(text).filter(|x| *x == x.trunc() && *x <= f64::from(u32::MAX));
        Ok(percent.map(|x| Amount(CountOrPercent::Percent(x as u32))))
    }
}

impl Quantity for Cores {
    const EXPECTED: &'static str = CORES;
    fn from_number(x: f64) -> Option<Self> {
        let milli = (x * 1e3).round();
        // Kubernetes knows no finer ones.
        let whole = (milli - x * 1e3).abs() < 1e-6 && (0.0..=f64::from(u32::MAX)).contains(&milli);
        whole.then_some(Cores(units::Cores(milli as u32)))
    }
    fn from_text(text: &str) -> Result<Option<Self>, String> {
        let milli = text.strip_suffix('m').filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
        Ok(milli.and_then(|digits| digits.parse().ok()).map(|milli| Cores(units::Cores(milli))))
    }
}

struct QuantityVisitor<Q>(std::marker::PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }
    fn visit_u64<E: Error>(self, x: u64) -> Result<Q, E> {
        Q::from_integer(x).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(x), &self))
    }
    fn visit_i64<E: Error>(self, x: i64) -> Result<Q, E> {
        Q::from_number(x as f64).ok_or_else(|| E::invalid_value(Unexpected::Signed(x), &self))
    }
    fn visit_i128<E: Error>(self, x: i128) -> Result<Q, E> {
        Q::from_number(x as f64).ok_or_else(|| E::custom(format!("expected {}, found the number {x}", Q::EXPECTED)))
    }
    fn visit_f64<E: Error>(self, x: f64) -> Result<Q, E> {
        Q::from_number(x).ok_or_else(|| E::invalid_value(Unexpected::Float(x), &self))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        match Q::from_text(text) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(E::invalid_value(Unexpected::Str(text), &self)),
            Err(why) => Err(E::custom(why)),
        }
    }
}

macro_rules! quantities {
    ($($type:ident $schema:tt)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(QuantityVisitor::<$type>(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

quantities! {
    Duration {
        "description": "A duration with its unit, as Go and Kubernetes write it: 1m30s, 250ms, 1.5us. At most 720h.",
        "anyOf": [
            { "type": "string", "pattern": "^(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$" },
            { "const": 0 },
        ],
    }
    Count {
        "description": "A whole number, from 0 to 2^64 - 1.",
        "type": "integer",
        "minimum": 0,
        "maximum": 18_446_744_073_709_551_615_u64,
    }
    Number { "description": "A number.", "type": "number" }
    Share {
        "description": "A percentage such as 10%, or a share such as 0.1.",
        "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$" }],
    }
    Cores {
        "description": "A number of cores such as 2 or 0.5, or thousandths of one such as 500m.",
        "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+m$" }],
    }
    Amount {
        "description": "A count such as 1, or a percentage such as 25%.",
        "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+%$" }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_reads_them() {
        for (text, ns) in [
            ("0", 0),
            ("0s", 0),
            ("1ns", 1),
            ("1.5us", 1_500),
            ("1.5µs", 1_500),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h1m1.25s", 3_661_250_000_000),
            ("720h", LONGEST.0),
            ("0.0s", 0),
            ("1.9ns", 1),
        ] {
            assert_eq!(parse_duration(text), Ok(Span(ns)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "0.9ns",
            "0.0000000001s",
            "s",
            "-1s",
            "+1s",
            "1 s",
            "1d",
            "1S",
            "1.2.3s",
            "1e3s",
            ".s",
            "721h",
            "99999999999999999999999h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_reads_back_as_itself() {
        for ns in [1, 999, 1_000, 123_456_789, 90_000_000_001, LONGEST.0 - 1] {
            assert_eq!(parse_duration(&Span(ns).to_string()), Ok(Span(ns)));
        }
    }

    #[test]
    fn percentages_have_digits_before_the_sign() {
        assert_eq!((parse_percent("12.5%"), parse_percent("0.0e5%")), (Some(12.5), Some(0.0)));
        for text in ["%", "1e-400%", "-1%", "inf%", "nan%", "5", "1 %", "+5%"] {
            assert_eq!(parse_percent(text), None, "{text}");
        }
    }
}
