//! Settings that are declared once: a struct whose fields are the keys of a scenario, each with its meaning, its type, its bounds
//! and its default. The scenario's reader, its JSON Schema and the values that `explain` shows are made from the declaration.
//!
//! [`settings!`](crate::settings!) declares a struct, [`word_enum!`](crate::word_enum!) an enum that is written as one word.

mod declare;
mod field;

pub use field::{Own, fits, rows_of};

use crate::units::Span;

/// What may stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A duration with its unit.
    Duration {
        /// The shortest; a nanosecond stands for "above 0".
        least: Span,
        /// The longest.
        most: Span,
        /// 0 is allowed, too, and has a meaning of its own.
        or_zero: bool,
    },
    /// A number.
    Number {
        /// The smallest.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// A share of one, `10%` or `0.1`.
    Share {
        /// The smallest.
        least: f64,
        /// The largest.
        most: f64,
        /// It is shown in percent.
        in_percent: bool,
    },
    /// A share in whole percent.
    Percent {
        /// The smallest.
        least: u32,
        /// The largest.
        most: u32,
        /// Parts of a percent are refused, and not rounded.
        whole: bool,
    },
    /// Cores, at least [`crate::units::Cores::LEAST`].
    Cores,
    /// One word of an enum.
    Word(&'static Vocabulary),
    /// Keys of its own.
    Group(&'static Group),
    /// Something that has a reader of its own, where the group is read.
    Own,
}

/// A declared key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What may stand behind it.
    pub kind: Kind,
    /// It has no default.
    pub required: bool,
    /// No real system gives its default.
    pub assumed: bool,
    /// What holds without it, where no value of its kind says that.
    pub without: Option<&'static str>,
}

/// What may stand behind a key, and whether it must be given: the part of a declaration between brackets.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    kind: Kind,
    required: bool,
    assumed: bool,
    without: Option<&'static str>,
}

impl Takes {
    /// This kind of value, with a default.
    #[must_use]
    pub const fn new(kind: Kind) -> Takes {
        Takes { kind, required: false, assumed: false, without: None }
    }

    /// The key must be given.
    #[must_use]
    pub const fn required(self) -> Takes {
        Takes { required: true, ..self }
    }

    /// The default is an assumption: no real system gives one.
    #[must_use]
    pub const fn assumed(self) -> Takes {
        Takes { assumed: true, ..self }
    }

    /// What holds without it is said in these words, since no value of its kind says it.
    #[must_use]
    pub const fn or(self, without: &'static str) -> Takes {
        Takes { without: Some(without), ..self }
    }

    /// The key of this name and meaning, in a field that holds `like`.
    ///
    /// # Panics
    /// If the field cannot hold what the key takes: when the declaration is compiled.
    #[must_use]
    pub const fn key(self, name: &'static str, about: &'static str, like: Kind) -> Key {
        assert!(fits(like, self.kind), "the type of the field cannot hold what the key takes");
        let Takes { kind, required, assumed, without } = self;
        Key { name, about, kind, required, assumed, without }
    }
}

/// `true` or `false`.
pub const FLAG: Takes = Takes::new(Kind::Flag);
/// Any duration.
pub const DURATION: Takes = Takes::new(Kind::Duration { least: Span::ZERO, most: FOREVER, or_zero: true });
/// A duration above zero.
pub const ABOVE_ZERO: Takes = at_least(Span(1));
/// A share from 0 to 1.
pub const SHARE: Takes = share(0.0, 1.0);
/// A share in whole percent, from 0 to 100.
pub const PERCENT: Takes = Takes::new(Kind::Percent { least: 0, most: 100, whole: false });
/// Cores of a processor.
pub const CORES: Takes = Takes::new(Kind::Cores);
/// What has a reader of its own.
pub const OWN: Takes = Takes::new(Kind::Own);

const FOREVER: Span = Span(u64::MAX);

/// A whole number within bounds.
#[must_use]
pub const fn count(least: u64, most: u64) -> Takes {
    Takes::new(Kind::Count { least, most })
}

/// A number within bounds.
#[must_use]
pub const fn number(least: f64, most: f64) -> Takes {
    Takes::new(Kind::Number { least, most })
}

/// A share within bounds.
#[must_use]
pub const fn share(least: f64, most: f64) -> Takes {
    Takes::new(Kind::Share { least, most, in_percent: false })
}

/// A share that is written and shown in percent, within bounds.
#[must_use]
pub const fn percentage(least: f64, most: f64) -> Takes {
    Takes::new(Kind::Share { least, most, in_percent: true })
}

/// A share in whole percent, within bounds.
#[must_use]
pub const fn whole_percent(least: u32, most: u32) -> Takes {
    Takes::new(Kind::Percent { least, most, whole: true })
}

/// A duration that is not shorter.
#[must_use]
pub const fn at_least(least: Span) -> Takes {
    between(least, FOREVER)
}

/// A duration within bounds.
#[must_use]
pub const fn between(least: Span, most: Span) -> Takes {
    Takes::new(Kind::Duration { least, most, or_zero: false })
}

/// A duration that is not shorter, or 0, which has a meaning of its own.
#[must_use]
pub const fn zero_or_at_least(least: Span) -> Takes {
    Takes::new(Kind::Duration { least, most: FOREVER, or_zero: true })
}

/// One word of an enum.
#[must_use]
pub const fn word<W: Words>() -> Takes {
    Takes::new(Kind::Word(W::VOCABULARY))
}

/// Keys of its own.
#[must_use]
pub const fn group<S: Settings>() -> Takes {
    Takes::new(Kind::Group(S::GROUP))
}

/// The keys of a struct.
#[derive(Debug)]
pub struct Group {
    /// The struct's name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its keys, in order.
    pub keys: &'static [Key],
    /// Their names.
    pub names: &'static [&'static str],
    /// The rows of its defaults.
    pub defaults: fn() -> Vec<(String, String)>,
}

impl Group {
    /// True if the default of the key at `path` is an assumption.
    #[must_use]
    pub fn assumes(&self, path: &str) -> bool {
        let (name, below) = path.split_once('.').unwrap_or((path, ""));
        let key = self.keys.iter().find(|key| key.name == name);
        key.is_some_and(|key| match key.kind {
            Kind::Group(group) if !below.is_empty() => group.assumes(below),
            _ => key.assumed,
        })
    }
}

/// The words of an enum.
#[derive(Debug)]
pub struct Vocabulary {
    /// The enum's name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// The words, in order.
    pub words: &'static [&'static str],
    /// What each means.
    pub meanings: &'static [&'static str],
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a flag.
    Flag(bool),
    /// Of a count, and of cores in thousandths.
    Count(u64),
    /// Of a duration.
    Duration(Span),
    /// Of a number, and of a share as a part of one.
    Number(f64),
    /// The number of a word among the words.
    Word(usize),
    /// Of a group: keys by their numbers, with their values.
    Group(Vec<(usize, Value)>),
}

/// A struct of declared keys.
pub trait Settings: Default + 'static {
    /// Its declaration.
    const GROUP: &'static Group;

    /// Gives the key of this number a value. One of another kind changes nothing.
    fn set(&mut self, key: usize, value: Value);

    /// The value of each key, as text: path below this struct, and value.
    fn rows(&self) -> Vec<(String, String)>;
}

/// An enum that is written as one word.
pub trait Words: Copy + PartialEq + 'static {
    /// Its words.
    const VOCABULARY: &'static Vocabulary;
    /// Its variants in the same order.
    const ALL: &'static [Self];

    /// As it is written.
    #[must_use]
    fn word(self) -> &'static str {
        let mut words = Self::ALL.iter().zip(Self::VOCABULARY.words);
        words.find_map(|(variant, word)| (*variant == self).then_some(*word)).unwrap_or_default()
    }
}

/// The type of a field.
pub trait Field {
    /// Takes a value over; one of another kind changes nothing.
    fn take(&mut self, value: Value);

    /// Its rows: path below the field (empty for the field itself), and value. `without` stands for none.
    fn rows(&self, kind: Kind, without: Option<&str>) -> Vec<(String, String)>;
}

/// What kinds of values a type can hold: a declaration with another kind does not compile.
pub trait Holds {
    /// One kind that it holds.
    const LIKE: Kind;
}
