//! The macros that declare settings.

/// As a key is written.
#[macro_export]
#[doc(hidden)]
macro_rules! settings_name {
    ($key:ident) => {
        stringify!($key)
    };
    ($key:ident $name:literal) => {
        $name
    };
}

/// A group within a group.
#[macro_export]
#[doc(hidden)]
macro_rules! settings_field {
    ($name:ident) => {
        impl $crate::settings::Holds for $name {
            const LIKE: $crate::settings::Kind =
                $crate::settings::Kind::Group(<$name as $crate::settings::Settings>::GROUP);
        }

        impl $crate::settings::Field for $name {
            fn take(&mut self, value: $crate::settings::Value) {
                if let $crate::settings::Value::Group(values) = value {
                    values.into_iter().for_each(|(key, value)| $crate::settings::Settings::set(self, key, value));
                }
            }
            fn rows(&self, _: $crate::settings::Kind, _: Option<&str>) -> Vec<(String, String)> {
                $crate::settings::Settings::rows(self)
            }
        }
    };
}

/// Declares a struct of keys: `KEY: TYPE [what it takes] = default;`, each below its description.
///
/// ```
/// use evenkeel_core::settings::{Settings, count};
///
/// evenkeel_core::settings! {
///     /// A choice among a few.
///     pub struct Choice {
///         /// How many are drawn.
///         choice_count: u32 [count(2, 10)] = 2;
///     }
/// }
/// assert_eq!(Choice::default().choice_count, 2);
/// assert_eq!(Choice::GROUP.keys[0].about.trim(), "How many are drawn.");
/// ```
///
/// Fields that are no keys stand behind the keys: `} with { FIELD: TYPE = default; }`. A struct that cannot be copied says
/// `#[derive(Clone)]` before `pub struct`. A key that Rust reserves has another name in Rust: `lasts as "for": TYPE ...`.
///
/// A key that takes what its field cannot hold does not compile:
///
/// ```compile_fail
/// use evenkeel_core::settings::{DURATION, Settings};
///
/// evenkeel_core::settings! {
///     /// A flag is no duration.
///     pub struct Wrong {
///         /// On or off.
///         flag: bool [DURATION] = false;
///     }
/// }
/// let _ = Wrong::GROUP;
/// ```
#[macro_export]
macro_rules! settings {
    (@[$($derived:ident),*] [$($about:literal)*] $name:ident {
        $( $(#[doc = $meaning:literal])* $key:ident $(as $name_of_key:literal)?: $type:ty [$takes:expr] = $default:expr; )*
    } $( with {
        $( $(#[doc = $of_field:literal])* $field:ident: $field_type:ty = $field_default:expr; )*
    } )?) => {
        $(#[doc = $about])*
        #[derive($($derived,)* Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $meaning])* pub $key: $type, )*
            $( $( $(#[doc = $of_field])* pub $field: $field_type, )* )?
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $( $key: $default, )* $( $( $field: $field_default, )* )? }
            }
        }

        impl $crate::settings::Settings for $name {
            const GROUP: &'static $crate::settings::Group = &$crate::settings::Group {
                name: stringify!($name),
                about: concat!($($about,)*),
                keys: &[$( $takes.key($crate::settings_name!($key $($name_of_key)?), concat!($($meaning,)*), <$type as $crate::settings::Holds>::LIKE), )*],
                names: &[$( $crate::settings_name!($key $($name_of_key)?), )*],
                defaults: || $crate::settings::Settings::rows(&<$name as Default>::default()),
            };

            fn set(&mut self, key: usize, value: $crate::settings::Value) {
                let fields: &mut [&mut dyn $crate::settings::Field] = &mut [$( &mut self.$key, )*];
                fields[key].take(value);
            }

            fn rows(&self) -> Vec<(String, String)> {
                let fields: &[&dyn $crate::settings::Field] = &[$( &self.$key, )*];
                $crate::settings::rows_of(Self::GROUP, fields)
            }
        }

        $crate::settings_field!($name);
    };
    ($(#[doc = $about:literal])* #[derive(Clone)] pub struct $($rest:tt)*) => {
        $crate::settings! { @[Clone] [$($about)*] $($rest)* }
    };
    ($(#[doc = $about:literal])* pub struct $($rest:tt)*) => {
        $crate::settings! { @[Clone, Copy] [$($about)*] $($rest)* }
    };
}

/// Declares an enum that is written as one word: `Variant = "word",`, each below its meaning.
#[macro_export]
macro_rules! word_enum {
    (
        $(#[doc = $about:literal])*
        pub enum $name:ident {
            $( $(#[doc = $meaning:literal])* $variant:ident = $word:literal, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[doc = $meaning])* $variant, )*
        }

        impl $crate::settings::Words for $name {
            const VOCABULARY: &'static $crate::settings::Vocabulary = &$crate::settings::Vocabulary {
                name: stringify!($name),
                about: concat!($($about,)*),
                words: &[$( $word, )*],
                meanings: &[$( concat!($($meaning,)*), )*],
            };
            const ALL: &'static [Self] = &[$( $name::$variant, )*];
        }

        impl $crate::settings::Holds for $name {
            const LIKE: $crate::settings::Kind = $crate::settings::Kind::Word(<$name as $crate::settings::Words>::VOCABULARY);
        }

        impl $crate::settings::Field for $name {
            fn take(&mut self, value: $crate::settings::Value) {
                if let $crate::settings::Value::Word(word) = value {
                    *self = <$name as $crate::settings::Words>::ALL[word];
                }
            }
            fn rows(&self, _: $crate::settings::Kind, _: Option<&str>) -> Vec<(String, String)> {
                vec![(String::new(), $crate::settings::Words::word(*self).to_owned())]
            }
        }
    };
}
