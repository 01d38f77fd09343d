//! Settings that are declared in the core ([`crate::settings`]): what is missing, and what is out of bounds.

use super::Check;
use super::client::no_share;
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key as FileKey};
use crate::scenario::file::settings::{Written, WrittenKeys, WrittenValue};
use crate::scenario::rules::Code;
use crate::settings::{Key, Kind, Settings, Value};
use crate::units::Span;

impl Check<'_> {
    /// `base`, with what is written of it. `what` is whose keys they are, at `place`.
    pub(super) fn settings<S: Settings>(&mut self, file: Written<S>, what: &str, place: Place, base: S) -> S {
        let mut settings = base;
        for (key, value) in self.group(&file, what, place) {
            settings.set(key, value);
        }
        settings
    }

    /// The same of a key that may be left out.
    pub(super) fn settings_or<S: Settings>(&mut self, file: FileKey<Written<S>>, what: &str, base: S) -> S {
        match file {
            Some(At { value, place }) => self.settings(value, what, place, base),
            None => base,
        }
    }

    /// The same of a key without which there is none of it.
    pub(super) fn settings_if<S: Settings>(&mut self, file: FileKey<Written<S>>, what: &str) -> Option<S> {
        file.map(|At { value, place }| self.settings(value, what, place, S::default()))
    }

    /// The values of a group within their bounds, by number of key.
    pub(super) fn group(&mut self, written: &WrittenKeys, what: &str, place: Place) -> Vec<(usize, Value)> {
        for key in written.group.keys {
            if key.required && written.place(key.name).is_none() {
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
            (Value::Duration(span), Kind::Duration { least, or_zero })
                if span < least && !(or_zero && span == Span::ZERO) =>
            {
                let message = match least {
                    Span(1) => format!("`{name}` must be above 0"),
                    _ => format!("`{name}` is {span}, and must be at least {least}"),
                };
                self.problem(Code::OutOfRange, place, message);
                return None;
            }
            (Value::Number(x), Kind::Number { least, most }) if !(least..=most).contains(&x) => {
                let message = format!("`{name}` is {x}, and must be from {least} to {most}");
                self.problem(Code::OutOfRange, place, message);
                Value::Number(1.0_f64.clamp(least, most))
            }
            (Value::Number(x), Kind::Share | Kind::Percent) if !(0.0..=1.0).contains(&x) => {
                no_share(self, place, x, format!("`{name}` must be from 0 to 1, or 0% to 100%"));
                Value::Number(x.clamp(0.0, 1.0))
            }
            (value, _) => value,
        })
    }
}
