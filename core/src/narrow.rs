//! From one type of numbers to a narrower one. `as` truncates without a word, and clippy refuses it in the rest of the crate
//! (`cast_possible_truncation`): each way that is meant has its function here.

/// A count or an index. Those of a run are below 2^32: the engine stops before there is so much of anything.
#[inline]
#[must_use]
pub(crate) fn u32_of(n: usize) -> u32 {
    debug_assert!(u32::try_from(n).is_ok(), "{n} is more than 32 bits hold");
    #[expect(clippy::cast_possible_truncation, reason = "it fits")]
    {
        n as u32
    }
}

/// A slot of a pod or a method of a client, of which there are at most 2^16 and 2^16 - 1.
#[inline]
#[must_use]
pub(crate) fn u16_of(n: usize) -> u16 {
    debug_assert!(u16::try_from(n).is_ok(), "{n} is more than 16 bits hold");
    #[expect(clippy::cast_possible_truncation, reason = "it fits")]
    {
        n as u16
    }
}

/// What indexes a slice or counts what is in memory, and so fits, whatever the width of an address. A time does not.
#[inline]
#[must_use]
pub(crate) const fn usize_of(n: u64) -> usize {
    debug_assert!(n <= usize::MAX as u64);
    #[expect(clippy::cast_possible_truncation, reason = "it fits")]
    {
        n as usize
    }
}

/// The lower half of 64 random bits.
#[inline]
#[must_use]
pub(crate) fn lower_half(bits: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "only these are asked for")]
    {
        bits as u32
    }
}

/// What comes of 128 bits in between, such as a product of two numbers that is divided again: a span that is too long becomes the
/// longest one.
#[inline]
#[must_use]
pub(crate) fn saturating_u64(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A number without what is behind its point. What the type does not hold becomes the nearest that it does, and NaN zero.
#[inline]
#[must_use]
pub(crate) fn whole<T: Whole>(x: f64) -> T {
    T::of(x)
}

/// What [`whole`] gives.
pub(crate) trait Whole {
    fn of(x: f64) -> Self;
}

macro_rules! whole {
    ($($number:ty)*) => {$(
        impl Whole for $number {
            #[inline]
            fn of(x: f64) -> $number {
                #[expect(clippy::cast_possible_truncation, reason = "from a float `as` saturates")]
                {
                    x as $number
                }
            }
        }
    )*};
}

whole! { u16 u32 u64 usize i64 }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_becomes_the_most() {
        assert_eq!((whole::<u16>(65_535.9), whole::<u16>(65_536.0), whole::<u16>(-1.0)), (65_535, 65_535, 0));
        assert_eq!((whole::<u32>(-0.9), whole::<u32>(1e10), whole::<u32>(f64::NAN)), (0, u32::MAX, 0));
        assert_eq!((whole::<u64>(f64::INFINITY), whole::<usize>(1e30)), (u64::MAX, usize::MAX));
        assert_eq!((saturating_u64(7), saturating_u64(1 << 64)), (7, u64::MAX));
        assert_eq!((whole::<i64>(-1.9), whole::<i64>(-1e30)), (-1, i64::MIN));
    }

    #[test]
    fn what_fits_stays_what_it_is() {
        assert_eq!((u32_of(4_294_967_295), u16_of(65_535), usize_of(7)), (u32::MAX, u16::MAX, 7));
        assert_eq!(lower_half(0x1234_5678_9abc_def0), 0x9abc_def0);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "65536 is more than 16 bits hold")]
    fn what_does_not_fit_is_seen_by_tests() {
        let _ = u16_of(65_536);
    }
}
