//! The types that fields of settings can have.

use super::{DURATION, Field, Group, Holds, Key, Kind, SHARE, Value};
use crate::narrow::whole;
use crate::units::{Cores, Milli, Span};

/// True if a field that holds `like` can be declared with `kind`.
#[must_use]
pub const fn fits(like: Kind, kind: Kind) -> bool {
    matches!(
        (like, kind),
        (Kind::Flag, Kind::Flag)
            | (Kind::Count { .. }, Kind::Count { .. } | Kind::Percent { .. })
            | (Kind::Duration { .. }, Kind::Duration { .. })
            | (Kind::Share { .. }, Kind::Number { .. } | Kind::Share { .. })
            | (Kind::Word(_), Kind::Word(_))
            | (Kind::Group(_), Kind::Group(_))
            | (Kind::Cores, Kind::Cores)
            | (Kind::Own, Kind::Own)
    )
}

impl Holds for bool {
    const LIKE: Kind = Kind::Flag;
}

impl Holds for Span {
    const LIKE: Kind = DURATION.kind;
}

impl Holds for f64 {
    const LIKE: Kind = SHARE.kind;
}

/// A type that is no kind of value: it has a reader of its own where its group is read, and says here how it is shown.
pub trait Own {
    /// Its rows: path below the field (empty for the field itself), and value.
    fn rows(&self) -> Vec<(String, String)>;
}

impl<T: Own> Holds for T {
    const LIKE: Kind = Kind::Own;
}

impl<T: Own> Field for T {
    fn take(&mut self, _: Value) {}
    fn rows(&self, _: Kind, _: Option<&str>) -> Vec<(String, String)> {
        Own::rows(self)
    }
}

impl<T: Holds> Holds for Option<T> {
    const LIKE: Kind = T::LIKE;
}

fn one(value: impl ToString) -> Vec<(String, String)> {
    vec![(String::new(), value.to_string())]
}

impl Field for bool {
    fn take(&mut self, value: Value) {
        if let Value::Flag(flag) = value {
            *self = flag;
        }
    }
    fn rows(&self, _: Kind, _: Option<&str>) -> Vec<(String, String)> {
        one(self)
    }
}

impl Field for Span {
    fn take(&mut self, value: Value) {
        if let Value::Duration(span) = value {
            *self = span;
        }
    }
    fn rows(&self, _: Kind, _: Option<&str>) -> Vec<(String, String)> {
        one(self)
    }
}

impl Field for f64 {
    fn take(&mut self, value: Value) {
        if let Value::Number(x) = value {
            *self = x;
        }
    }
    fn rows(&self, kind: Kind, _: Option<&str>) -> Vec<(String, String)> {
        // Shares have no more digits than a percentage with six of them.
        let percent = || format!("{}%", (self * 1e8).round() / 1e6);
        one(if matches!(kind, Kind::Share { in_percent: true, .. }) { percent() } else { self.to_string() })
    }
}

/// From a number.
impl Holds for Milli {
    const LIKE: Kind = SHARE.kind;
}

impl Field for Milli {
    fn take(&mut self, value: Value) {
        if let Value::Number(x) = value {
            *self = Milli(whole((x * 1_000.0).round()));
        }
    }
    fn rows(&self, _: Kind, _: Option<&str>) -> Vec<(String, String)> {
        one(self)
    }
}

impl Holds for Cores {
    const LIKE: Kind = Kind::Cores;
}

impl Field for Cores {
    fn take(&mut self, value: Value) {
        if let Value::Count(milli) = value {
            *self = Cores(u32::try_from(milli).unwrap_or(u32::MAX));
        }
    }
    fn rows(&self, _: Kind, without: Option<&str>) -> Vec<(String, String)> {
        match without {
            Some(words) if *self == Cores::UNLIMITED => one(words),
            _ => one(self),
        }
    }
}

impl Holds for u32 {
    const LIKE: Kind = Kind::Count { least: 0, most: u32::MAX as u64 };
}

impl Field for u32 {
    fn take(&mut self, value: Value) {
        match value {
            Value::Count(n) => *self = u32::try_from(n).unwrap_or(u32::MAX),
            // A share in whole percent.
            Value::Number(share) => *self = whole((share * 100.0).round()),
            _ => {}
        }
    }
    fn rows(&self, kind: Kind, _: Option<&str>) -> Vec<(String, String)> {
        one(if matches!(kind, Kind::Percent { .. }) { format!("{self}%") } else { self.to_string() })
    }
}

impl Holds for u64 {
    const LIKE: Kind = Kind::Count { least: 0, most: u64::MAX };
}

impl Field for u64 {
    fn take(&mut self, value: Value) {
        if let Value::Count(n) = value {
            *self = n;
        }
    }
    fn rows(&self, _: Kind, _: Option<&str>) -> Vec<(String, String)> {
        one(self)
    }
}

impl Own for String {
    fn rows(&self) -> Vec<(String, String)> {
        one(self)
    }
}

impl<T: Field + Default> Field for Option<T> {
    fn take(&mut self, value: Value) {
        self.get_or_insert_default().take(value);
    }
    fn rows(&self, kind: Kind, without: Option<&str>) -> Vec<(String, String)> {
        self.as_ref().map_or_else(|| one(without.unwrap_or("none")), |value| value.rows(kind, without))
    }
}

/// The rows of a struct's fields.
#[doc(hidden)]
#[must_use]
pub fn rows_of(group: &Group, fields: &[&dyn Field]) -> Vec<(String, String)> {
    let below = |(key, field): (&Key, &&dyn Field)| {
        let path = |rest: String| if rest.is_empty() { key.name.to_owned() } else { format!("{}.{rest}", key.name) };
        field.rows(key.kind, key.without).into_iter().map(|(rest, value)| (path(rest), value)).collect::<Vec<_>>()
    };
    group.keys.iter().zip(fields).flat_map(below).collect()
}
