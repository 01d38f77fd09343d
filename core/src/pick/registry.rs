//! What follows from the list of all pick policies, which stands in `mod.rs`.

use super::{Memories, PickPolicy, Policy, PolicyPlan, RotationStart, Wrong, on_policy};
use crate::ids::{ConnectionIx, Table};
use crate::settings::{Group, Settings, Value};

/// What there is to say of a policy without its settings.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// [`PickPolicy::NAME`].
    pub name: &'static str,
    /// [`PickPolicy::SUMMARY`].
    pub summary: &'static str,
    /// [`PickPolicy::SOURCE`].
    pub source: &'static str,
    /// [`PickPolicy::PROXY`].
    pub proxy: Option<&'static str>,
    /// [`PickPolicy::NEEDS_ADDRESSES`].
    pub needs_addresses: bool,
    /// [`PickPolicy::KEYS_OF_ADDRESSES`].
    pub keys_of_addresses: &'static [&'static str],
    /// Its keys.
    pub keys: &'static Group,
    /// The policy with its default settings.
    pub default: fn() -> Policy,
    /// [`PickPolicy::usual`].
    pub usual: fn(RotationStart) -> Policy,
}

/// A policy of the list: what there is to say of it, and where its memories and its plan are among those of all policies.
pub trait Registered: PickPolicy {
    /// What there is to say of it without its settings.
    const KIND: Kind;

    /// Its memories.
    fn memories(all: &mut Memories) -> &mut Table<ConnectionIx, Self::Memory>;
    /// Its plan as one of all policies.
    fn keep(plan: Self::Plan) -> PolicyPlan;
    /// Its plan, if it is one of this policy.
    fn kept(plan: PolicyPlan) -> Option<Self::Plan>;
    /// The same, to be looked at.
    fn kept_ref(plan: &PolicyPlan) -> Option<&Self::Plan>;
    /// The same, to be changed.
    fn kept_mut(plan: &mut PolicyPlan) -> Option<&mut Self::Plan>;
}

// `$d` is a dollar sign: the inner macro needs one of its own.
macro_rules! registry {
    ($d:tt $($file:ident: $Policy:ident,)*) => {
        $(pub use $file::$Policy;)*

        /// The pick policy of a channel.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Policy {
            $(
                #[doc = concat!("See [`", stringify!($Policy), "`](struct@", stringify!($Policy), ").")]
                $Policy($Policy),
            )*
        }

        /// What clients remember of their connections: by policy, then by connection. Lists of policies that remember nothing take no
        /// space.
        #[derive(Clone, Debug, Default)]
        pub struct Memories {
            $($file: Table<ConnectionIx, <$Policy as PickPolicy>::Memory>,)*
        }

        /// The plan of a channel's policy.
        #[derive(Debug)]
        pub enum PolicyPlan {
            $(
                #[doc = concat!("Of [`", stringify!($Policy), "`](struct@", stringify!($Policy), ").")]
                $Policy(<$Policy as PickPolicy>::Plan),
            )*
        }

        impl Policy {
            /// All policies.
            pub const KINDS: &'static [Kind] = &[$(<$Policy as Registered>::KIND,)*];
        }

        $(
            impl From<$Policy> for Policy {
                fn from(policy: $Policy) -> Policy {
                    Policy::$Policy(policy)
                }
            }

            impl Registered for $Policy {
                const KIND: Kind = Kind {
                    name: <$Policy as PickPolicy>::NAME,
                    summary: <$Policy as PickPolicy>::SUMMARY,
                    source: <$Policy as PickPolicy>::SOURCE,
                    proxy: <$Policy as PickPolicy>::PROXY,
                    needs_addresses: <$Policy as PickPolicy>::NEEDS_ADDRESSES,
                    keys_of_addresses: <$Policy as PickPolicy>::KEYS_OF_ADDRESSES,
                    keys: <$Policy as Settings>::GROUP,
                    default: || Policy::$Policy($Policy::default()),
                    usual: |rotation| Policy::$Policy($Policy::usual(rotation)),
                };

                #[inline(always)]
                fn memories(all: &mut Memories) -> &mut Table<ConnectionIx, Self::Memory> {
                    &mut all.$file
                }

                fn keep(plan: Self::Plan) -> PolicyPlan {
                    PolicyPlan::$Policy(plan)
                }

                fn kept(plan: PolicyPlan) -> Option<Self::Plan> {
                    if let PolicyPlan::$Policy(plan) = plan { Some(plan) } else { None }
                }

                #[inline(always)]
                fn kept_ref(plan: &PolicyPlan) -> Option<&Self::Plan> {
                    if let PolicyPlan::$Policy(plan) = plan { Some(plan) } else { None }
                }

                #[inline(always)]
                fn kept_mut(plan: &mut PolicyPlan) -> Option<&mut Self::Plan> {
                    if let PolicyPlan::$Policy(plan) = plan { Some(plan) } else { None }
                }
            }
        )*

        /// `on_policy!(policy, p => body)` is `body` with `p` of the policy's own type: the policy is looked at once, before the body.
        macro_rules! on_policy {
            ($d policy:expr, $d p:ident => $d body:expr) => {
                match $d policy {
                    $($crate::pick::Policy::$Policy($d p) => $d body,)*
                }
            };
        }
    };
}

impl Policy {
    /// What there is to say of it without its settings.
    #[must_use]
    pub fn kind(self) -> &'static Kind {
        fn of<P: Registered>(_: P) -> &'static Kind {
            &P::KIND
        }
        on_policy!(self, p => of(p))
    }

    /// [`Settings::set`].
    pub fn set(&mut self, key: usize, value: Value) {
        on_policy!(self, p => p.set(key, value));
    }

    /// [`Settings::rows`].
    #[must_use]
    pub fn rows(&self) -> Vec<(String, String)> {
        on_policy!(self, p => p.rows())
    }

    /// [`PickPolicy::settle`].
    ///
    /// # Errors
    /// What is wrong with its settings.
    pub fn settle(&mut self, given: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
        on_policy!(self, p => p.settle(given))
    }

    /// [`PickPolicy::NAME`].
    #[must_use]
    pub fn name(self) -> &'static str {
        self.kind().name
    }

    /// [`PickPolicy::PROXY`].
    #[must_use]
    pub fn proxy(self) -> Option<&'static str> {
        self.kind().proxy
    }

    /// [`PickPolicy::one_connection`].
    #[inline]
    #[must_use]
    pub fn one_connection(self) -> bool {
        on_policy!(self, p => p.one_connection())
    }

    /// [`PickPolicy::goes_in_turn`].
    #[must_use]
    pub fn goes_in_turn(self) -> bool {
        on_policy!(self, p => p.goes_in_turn())
    }

    /// [`PickPolicy::rotation`].
    #[must_use]
    pub fn rotation(self) -> Option<RotationStart> {
        on_policy!(self, p => p.rotation())
    }

    /// [`PickPolicy::hashes`].
    #[inline]
    #[must_use]
    pub fn hashes(self) -> bool {
        on_policy!(self, p => p.hashes())
    }

    /// [`PickPolicy::prefers_by_load`].
    #[must_use]
    pub fn prefers_by_load(self) -> bool {
        on_policy!(self, p => p.prefers_by_load())
    }

    /// [`PickPolicy::learns`].
    #[must_use]
    pub fn learns(self) -> bool {
        on_policy!(self, p => p.learns())
    }

    /// [`PickPolicy::asks_for_reports`].
    #[must_use]
    pub fn asks_for_reports(self) -> bool {
        on_policy!(self, p => p.asks_for_reports())
    }

    /// [`PickPolicy::counts`].
    #[inline]
    #[must_use]
    pub fn counts(self) -> bool {
        on_policy!(self, p => p.counts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `policy` chooses has a name of its own; each proxy has names of its own.
    #[test]
    fn names_are_unique_and_every_policy_says_what_it_does() {
        let names: std::collections::BTreeSet<_> = Policy::KINDS.iter().map(|kind| (kind.proxy, kind.name)).collect();
        assert_eq!(names.len(), Policy::KINDS.len());
        for kind in Policy::KINDS {
            let default = (kind.default)();
            assert_eq!((default.name(), default.proxy()), (kind.name, kind.proxy));
            assert!(kind.summary.ends_with('.') && !kind.source.is_empty(), "{}", kind.name);
        }
    }
}
