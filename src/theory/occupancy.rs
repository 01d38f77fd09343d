//! The law of a sum of equal, cut Poisson counts: the coefficient in `theory::balls`, computed with positive numbers
//! only, so that nothing cancels.

/// Terms this far below the largest one are dropped from a sum.
const NEGLIGIBLE: f64 = 1e-18;

/// One pod's count as a Poisson variable cut to `lo..=hi`, its rate chosen so that the mean is the one asked for: then
/// the sum over the pods is centred where its probability is wanted, and no precision is lost in the tail of it.
pub(super) struct Cell {
    /// Smallest value with a weight that matters.
    from: u32,
    /// Probabilities of `from`, `from + 1`, …
    probabilities: Vec<f64>,
    /// Logarithm of the Poisson rate.
    pub(super) log_rate: f64,
    /// Logarithm of `sum_{lo <= k <= hi} rate^k/k!`.
    pub(super) log_scale: f64,
}

impl Cell {
    /// `mean` lies strictly between `lo` and `hi`.
    pub(super) fn with_mean(lo: u32, hi: u32, mean: f64) -> Cell {
        // The mean of the cut law grows with the rate, from lo to hi: bisection on its logarithm.
        let (mut low, mut high) = (-50.0, 50.0);
        for _ in 0..100 {
            let log_rate = 0.5 * (low + high);
            if Cell::new(lo, hi, log_rate).mean() < mean {
                low = log_rate
            } else {
                high = log_rate
            }
            if high - low < 1e-12 {
                break;
            }
        }
        Cell::new(lo, hi, 0.5 * (low + high))
    }

    fn new(lo: u32, hi: u32, log_rate: f64) -> Cell {
        let log_weight = |k: u32| f64::from(k) * log_rate - libm::lgamma(f64::from(k) + 1.0);
        // The weights rise up to the rate and fall after it.
        let mode = libm::exp(log_rate.min(30.0)) as u32;
        let mode = mode.clamp(lo, hi);
        let peak = log_weight(mode);
        let rate = libm::exp(log_rate);
        let mut down = Vec::new();
        let (mut k, mut w) = (mode, 1.0);
        while k > lo && w > NEGLIGIBLE {
            w *= f64::from(k) / rate;
            k -= 1;
            down.push(w);
        }
        let from = k;
        let mut probabilities: Vec<f64> = down.into_iter().rev().collect();
        probabilities.push(1.0);
        (k, w) = (mode, 1.0);
        while k < hi && w > NEGLIGIBLE {
            k += 1;
            w *= rate / f64::from(k);
            probabilities.push(w);
        }
        let sum: f64 = probabilities.iter().sum();
        for p in &mut probabilities {
            *p /= sum;
        }
        Cell { from, probabilities, log_rate, log_scale: peak + libm::log(sum) }
    }

    fn mean(&self) -> f64 {
        f64::from(self.from) + self.probabilities.iter().enumerate().map(|(i, p)| i as f64 * p).sum::<f64>()
    }

    /// P(the sum of `pods` such counts is `total`): the laws of both halves of the pods, joined at the one point asked
    /// for.
    pub(super) fn sum_probability(&self, pods: u32, total: u32) -> f64 {
        let half = self.sum_law(pods / 2);
        let other = if pods.is_multiple_of(2) { None } else { Some(half.plus(&self.law())) };
        half.at_sum_with(other.as_ref().unwrap_or(&half), u64::from(total))
    }

    fn law(&self) -> Law {
        Law { from: u64::from(self.from), p: self.probabilities.clone() }
    }

    /// The law of the sum of `pods` counts, by repeated doubling.
    fn sum_law(&self, pods: u32) -> Law {
        let one = self.law();
        let mut sum = Law { from: 0, p: vec![1.0] };
        for bit in (0..u32::BITS - pods.leading_zeros()).rev() {
            sum = sum.plus(&sum);
            if pods >> bit & 1 == 1 {
                sum = sum.plus(&one);
            }
        }
        sum
    }
}

/// Probabilities of consecutive whole numbers.
struct Law {
    from: u64,
    p: Vec<f64>,
}

impl Law {
    /// The law of the sum of two independent variables, without its negligible ends.
    fn plus(&self, other: &Law) -> Law {
        let mut p = vec![0.0; self.p.len() + other.p.len() - 1];
        for (i, a) in self.p.iter().enumerate() {
            for (slot, b) in p[i..].iter_mut().zip(&other.p) {
                *slot += a * b;
            }
        }
        let floor = NEGLIGIBLE * p.iter().fold(0.0, |m: f64, x| m.max(*x));
        let skip = p.iter().take_while(|x| **x < floor).count();
        let end = p.len() - p.iter().rev().take_while(|x| **x < floor).count();
        Law { from: self.from + other.from + skip as u64, p: p[skip..end].to_vec() }
    }

    /// P(the sum of two independent variables is `total`).
    fn at_sum_with(&self, other: &Law, total: u64) -> f64 {
        let at =
            |law: &Law, x: u64| x.checked_sub(law.from).and_then(|i| law.p.get(i as usize)).copied().unwrap_or(0.0);
        (0..self.p.len() as u64)
            .map(|i| {
                let x = self.from + i;
                if x > total { 0.0 } else { self.p[i as usize] * at(other, total - x) }
            })
            .sum()
    }
}
