//! Settings that are declared in the core ([`crate::settings`]): what is missing, and what is out of bounds.

use super::Check;
use super::client::no_share;
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key as FileKey};
use crate::scenario::file::settings::{Written, WrittenKeys, WrittenValue};
use crate::scenario::quantity::LONGEST;
use crate::scenario::rules::Code;
use crate::settings::{Key, Kind, Settings, Value};
use crate::units::{Cores, Span};

impl Check<'_> {
    /// `base`, with what is written of it. `what` is whose keys they are, at `place`.
    pub(super) fn settings<S: Settings>(&mut self, keys: &WrittenKeys, what: &str, place: Place, base: S) -> S {
        let mut settings = base;
        for (key, value) in self.group(keys, what, place) {
            settings.set(key, value);
        }
        settings
    }

    /// The same of a key that may be left out.
    pub(super) fn settings_or<S: Settings>(&mut self, file: FileKey<Written<S>>, what: &str, base: S) -> S {
        match file {
            Some(At { value, place }) => self.settings(&value, what, place, base),
            None => base,
        }
    }

    /// The same of a key without which there is none of it.
    pub(super) fn settings_if<S: Settings>(&mut self, file: FileKey<Written<S>>, what: &str) -> Option<S> {
        file.map(|At { value, place }| self.settings(&value, what, place, S::default()))
    }

    /// The values of a group within their bounds, by number of key.
    pub(super) fn group(&mut self, written: &WrittenKeys, what: &str, place: Place) -> Vec<(usize, Value)> {
        for key in written.group.keys {
            // A key that has a reader of its own is looked for where that is.
            if key.required && !matches!(key.kind, Kind::Own) && written.place(key.name).is_none() {
                self.problem(Code::Missing, place, format!("`{what}` needs the key `{}`", key.name));
            }
        }
        let value = |(i, At { value, place }): &(usize, At<WrittenValue>)| {
            let key = &written.group.keys[*i];
            let value = match value {
                WrittenValue::Group(inner) => Value::Group(self.group(inner, key.name, *place)),
                WrittenValue::Leaf(value) => self.bounded(key, value.clone(), *place)?,
            };
            Some((*i, value))
        };
        written.keys.iter().filter_map(value).collect()
    }

    /// A value within its bounds. What is not has a stand-in, or is left out, so that it gives no further errors.
    fn bounded(&mut self, Key { name, kind, .. }: &Key, value: Value, place: Place) -> Option<Value> {
        Some(match (value, *kind) {
            (Value::Count(n), Kind::Count { least, most }) => {
                if n < least {
                    self.problem(Code::OutOfRange, place, format!("`{name}` must be at least {least}"));
                } else if n > most {
                    self.problem(Code::OutOfRange, place, format!("`{name}` is {n}, and the most is {most}"));
                }
                Value::Count(n.clamp(least, most))
            }
            (Value::Duration(span), Kind::Duration { least, most, or_zero })
                if !((least..=most).contains(&span) || or_zero && span == Span::ZERO) =>
            {
                let message = match least {
                    _ if most <= LONGEST => format!("`{name}` must be from {least} to {most}"),
                    Span(1) => format!("`{name}` must be above 0"),
                    _ => format!("`{name}` is {span}, and must be at least {least}"),
                };
                self.problem(Code::OutOfRange, place, message);
                return None;
            }
            (Value::Count(milli), Kind::Cores) if milli < Cores::LEAST.0.into() => {
                let message = format!("`{name}` must be at least {}", Cores::LEAST);
                self.problem(Code::OutOfRange, place, message);
                Value::Count(Cores::LEAST.0.into())
            }
            (Value::Number(x), Kind::Number { least, most }) if !(least..=most).contains(&x) => {
                let message = format!("`{name}` is {x}, and must be from {least} to {most}");
                self.problem(Code::OutOfRange, place, message);
                Value::Number(1.0_f64.clamp(least, most))
            }
            (Value::Number(x), Kind::Share { least, most, in_percent }) if !(least..=most).contains(&x) => {
                let percent = format!("{}% to {}%", least * 100.0, most * 100.0);
                let shares = if in_percent { String::new() } else { format!("{least} to {most}, or ") };
                no_share(self, place, x, format!("`{name}` must be from {shares}{percent}"));
                Value::Number(x.clamp(least, most))
            }
            (Value::Number(x), Kind::Percent { least, most, whole }) => {
                let percent = (x * 100.0).round();
                let parts = whole && (x * 100.0 - percent).abs() >= 1e-6;
                let (first, last) = (f64::from(least) / 100.0, f64::from(most) / 100.0);
                if parts || !(first..=last).contains(&x) {
                    let message = match whole {
                        true => format!("`{name}` must be a whole percentage from {least}% to {most}%, such as 80%"),
                        false => format!("`{name}` must be from {first} to {last}, or {least}% to {most}%"),
                    };
                    no_share(self, place, x, message);
                }
                Value::Number(x.clamp(first, last))
            }
            (value, _) => value,
        })
    }
}
