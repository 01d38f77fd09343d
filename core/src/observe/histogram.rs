//! Log-linear latency histograms. Each power of two is cut into 64 buckets of equal width, so that the midpoint of a value's
//! bucket is off by at most 1/128 (0.79 %) of the value; below 128 ns each value has a bucket of its own. Count, sum (and so
//! the mean), smallest and largest value are exact.
//!
//! Quantiles use the nearest rank: the quantile `q` of `n` values is the `ceil(q n)`-th smallest one (the smallest if that is
//! zero). What is returned is the midpoint of its bucket, kept within the smallest and the largest value.

use crate::narrow::usize_of;
use crate::units::Span;

/// Buckets per power of two, as a power of two.
const SUB_BITS: u32 = 6;
/// How many buckets there are: the last one holds `u64::MAX`.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) << SUB_BITS;

/// The bucket of a value; monotone.
#[inline]
fn bucket(ns: u64) -> usize {
    // Without a branch: values below 128 have shift 0 and are their own bucket.
    let shift = 63 - SUB_BITS - (ns | (1 << SUB_BITS)).leading_zeros();
    ((shift as usize) << SUB_BITS) + usize_of(ns >> shift)
}

/// The middle of a bucket, rounded down.
fn midpoint(bucket: usize) -> u64 {
    let shift = (bucket >> SUB_BITS).saturating_sub(1);
    let low = ((bucket - (shift << SUB_BITS)) as u64) << shift;
    low + ((1u64 << shift) - 1) / 2
}

/// What histograms have in common: the exact figures, and counts over a range of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Totals {
    n: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Totals {
    const EMPTY: Totals = Totals { n: 0, sum: 0, min: u64::MAX, max: 0 };

    fn add(&mut self, other: &Totals) {
        self.n += other.n;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// The bits of a word that are set, from the lowest.
fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        bit
    })
}

/// A histogram to record into: it holds the range of buckets that has had values, mostly some KB, and is cleared and merged at the
/// cost of the part that was touched.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The first bucket of `counts`, a multiple of 64.
    first: usize,
    counts: Vec<u64>,
    /// A bit per bucket that has values: a window has few values in many buckets.
    used: [u64; BUCKETS / 64],
    totals: Totals,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { first: 0, counts: Vec::new(), used: [0; BUCKETS / 64], totals: Totals::EMPTY }
    }
}

impl Histogram {
    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: Span) {
        let ns = value.0;
        let i = bucket(ns);
        if i.wrapping_sub(self.first) >= self.counts.len() {
            self.reach(i);
        }
        self.counts[i - self.first] += 1;
        self.used[i / 64] |= 1 << (i % 64);
        self.totals.n += 1;
        self.totals.sum += u128::from(ns);
        self.totals.min = self.totals.min.min(ns);
        self.totals.max = self.totals.max.max(ns);
    }

    #[cold]
    fn reach(&mut self, bucket: usize) {
        let block = bucket & !63;
        let (first, end) = match self.counts.len() {
            0 => (block, block + 64),
            n => (block.min(self.first), (block + 64).max(self.first + n)),
        };
        let mut counts = vec![0; end - first];
        let old = if self.counts.is_empty() { 0 } else { self.first - first };
        counts[old..old + self.counts.len()].copy_from_slice(&self.counts);
        (self.first, self.counts) = (first, counts);
    }

    /// True if nothing was recorded since the last `clear`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.n == 0
    }

    /// Forgets all values; keeps the memory.
    pub fn clear(&mut self) {
        let used = &mut self.used[self.first / 64..];
        for (word, counts) in used.iter_mut().zip(self.counts.as_chunks_mut::<64>().0) {
            for bit in ones(std::mem::take(word)) {
                counts[bit] = 0;
            }
        }
        self.totals = Totals::EMPTY;
    }

    /// The buckets that have values, in order, with their counts.
    fn filled(&self) -> impl Iterator<Item = (usize, u64)> {
        let of_word = |(i, &word): (usize, &u64)| ones(word).map(move |bit| 64 * i + bit);
        self.used.iter().enumerate().flat_map(of_word).map(|i| (i, self.counts[i - self.first]))
    }

    /// Forgets all values and gives the memory back.
    pub fn release(&mut self) {
        *self = Histogram::default();
    }
}

/// A histogram to merge into and to read: it holds only the range of buckets that has values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    first: usize,
    counts: Vec<u64>,
    totals: Totals,
}

impl Default for Tally {
    fn default() -> Self {
        Tally { first: 0, counts: Vec::new(), totals: Totals::EMPTY }
    }
}

impl Tally {
    /// Adds all values of `other`.
    pub fn add(&mut self, other: &Histogram) {
        if !other.is_empty() {
            let first = bucket(other.totals.min);
            self.cover(first, bucket(other.totals.max) + 1 - first);
            for (i, count) in other.filled() {
                self.counts[i - self.first] += count;
            }
            self.totals.add(&other.totals);
        }
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Tally) {
        if !other.is_empty() {
            self.cover(other.first, other.counts.len());
            for (mine, theirs) in self.counts[other.first - self.first..].iter_mut().zip(&other.counts) {
                *mine += theirs;
            }
            self.totals.add(&other.totals);
        }
    }

    /// Makes room for this many buckets from `first` on.
    fn cover(&mut self, first: usize, buckets: usize) {
        if self.is_empty() {
            self.first = first;
        } else if first < self.first {
            let missing = self.first - first;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = first;
        }
        let needed = first - self.first + buckets;
        if self.counts.len() < needed {
            self.counts.resize(needed, 0);
        }
    }

    /// True if there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.n == 0
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.totals.n
    }

    /// The exact mean in nanoseconds, rounded once; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.totals.sum as f64 / self.totals.n as f64)
    }

    /// The exact largest value; `None` without values.
    #[must_use]
    pub fn max(&self) -> Option<Span> {
        (!self.is_empty()).then_some(Span(self.totals.max))
    }

    /// The quantile at `per_mille` thousandths (500 is the median), by nearest rank, with a relative error of at most 1/128
    /// or half a nanosecond; `None` without values.
    #[must_use]
    pub fn quantile(&self, per_mille: u32) -> Option<Span> {
        let n = u128::from(self.totals.n);
        let rank = (n * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut below = 0;
        let at = self.counts.iter().position(|&count| {
            below += u128::from(count);
            below >= rank
        })?;
        Some(Span(midpoint(self.first + at).clamp(self.totals.min, self.totals.max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(values: &[u64]) -> Tally {
        let mut histogram = Histogram::default();
        for &v in values {
            histogram.record(Span(v));
        }
        let mut tally = Tally::default();
        tally.add(&histogram);
        tally
    }

    /// The proof of the stated error: at both ends of every bucket the midpoint is off by at most 1/128, and the buckets follow
    /// each other without a gap from 0 to `u64::MAX`, so that every value is in one of them.
    #[test]
    fn every_value_is_within_one_128th_of_its_buckets_midpoint() {
        let mut low = 0u64;
        for i in 0..BUCKETS {
            let shift = (i >> SUB_BITS).saturating_sub(1);
            let high = low + ((1u64 << shift) - 1);
            assert_eq!((bucket(low), bucket(high)), (i, i));
            let mid = midpoint(i);
            for end in [low, high] {
                assert!(u128::from(mid.abs_diff(end)) * 128 <= u128::from(end), "bucket {i}: {end} -> {mid}");
            }
            if i + 1 == BUCKETS {
                assert_eq!(high, u64::MAX);
            } else {
                low = high + 1;
            }
        }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let ten: Vec<u64> = (1..=10).collect();
        let t = tally(&ten);
        for (per_mille, value) in [(0, 1), (100, 1), (101, 2), (500, 5), (501, 6), (900, 9), (999, 10), (1000, 10)] {
            assert_eq!(t.quantile(per_mille), Some(Span(value)), "{per_mille}");
        }
        assert_eq!(t.mean(), Some(5.5));
        assert_eq!(Tally::default().quantile(500), None);
        assert_eq!(Tally::default().mean(), None);
        assert_eq!(Tally::default().max(), None);
    }

    #[test]
    fn one_value_is_exact() {
        for v in [0, 1, 127, 128, 1_000_003, u64::MAX] {
            assert_eq!(tally(&[v]).quantile(500), Some(Span(v)));
        }
    }

    #[test]
    fn cleared_histograms_are_empty() {
        let mut h = Histogram::default();
        for v in [5, 1_000_000, 1 << 40] {
            h.record(Span(v));
        }
        h.clear();
        assert!(h.is_empty() && h.counts.iter().all(|&c| c == 0));
        h.record(Span(7));
        let mut t = Tally::default();
        t.add(&h);
        assert_eq!((t.count(), t.max(), t.mean()), (1, Some(Span(7)), Some(7.0)));
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec((any::<u64>(), 0u32..64).prop_map(|(v, shift)| v >> shift), 0..200)
    }

    proptest! {
        #[test]
        fn quantiles_agree_with_sorted_values(mut v in values(), per_mille in 0u32..=1000) {
            let t = tally(&v);
            v.sort_unstable();
            let rank = (v.len() * per_mille as usize).div_ceil(1000).max(1);
            match v.get(rank - 1) {
                None => prop_assert_eq!(t.quantile(per_mille), None),
                Some(&exact) => {
                    let got = t.quantile(per_mille).map_or(0, |s| s.0);
                    prop_assert!(u128::from(got.abs_diff(exact)) * 128 <= u128::from(exact), "{} for {}", got, exact);
                }
            }
        }

        #[test]
        fn merging_parts_is_the_same_as_recording_all(a in values(), b in values()) {
            let mut merged = tally(&a);
            merged.merge(&tally(&b));
            prop_assert_eq!(merged, tally(&[a, b].concat()));
        }
    }
}
