//! NGINX's smooth weighted round robin.
//!
//! Source: nginx `src/http/ngx_http_upstream_round_robin.c` (`ngx_http_upstream_get_peer`): each server's current weight
//! grows by its weight, the largest is taken, the first of equals, and the sum of all is taken off it. All start at zero:
//! every worker begins with the first server. Not modelled: the effective weight that falls with failures (`max_fails`).

/// The state of one worker.
#[derive(Clone, Debug)]
pub struct Swrr {
    pub(super) weights: Vec<u32>,
    current: Vec<i64>,
    /// The next one, while all weights are equal and all turns were whole: then it is a plain rotation.
    rotation: Option<usize>,
}

impl Swrr {
    /// Servers with their weights, from 0 (gets nothing) on.
    #[must_use]
    pub fn new(weights: &[u32]) -> Swrr {
        let equal = weights.iter().all(|w| *w > 0 && *w == weights[0]);
        Swrr { weights: weights.to_vec(), current: vec![0; weights.len()], rotation: equal.then_some(0) }
    }

    /// The next server. `None` without one of weight. Constant cost with equal weights, else linear as in nginx.
    pub fn pick(&mut self) -> Option<usize> {
        let Some(next) = self.rotation else {
            return self.pick_among(|_, _| true);
        };
        let n = self.weights.len();
        self.rotation = Some(if next + 1 < n { next + 1 } else { 0 });
        (n > 0).then_some(next)
    }

    /// One turn among those with weight that `takes_part` (by index and weight): their current weights grow, and the winner
    /// pays the sum.
    pub(super) fn pick_among(&mut self, takes_part: impl Fn(usize, u32) -> bool) -> Option<usize> {
        self.leave_rotation();
        let (mut best, mut total) = (None::<usize>, 0);
        for (i, &weight) in self.weights.iter().enumerate().filter(|(i, w)| **w > 0 && takes_part(*i, **w)) {
            self.current[i] += i64::from(weight);
            total += i64::from(weight);
            if best.is_none_or(|b| self.current[i] > self.current[b]) {
                best = Some(i);
            }
        }
        self.current[best?] -= total;
        best
    }

    /// Writes down the current weights that the rotation stood for: after k picks of n, the first k have `w (k - n)`, the
    /// others `w k`.
    fn leave_rotation(&mut self) {
        if let Some(k) = self.rotation.take() {
            let n = self.weights.len();
            for (i, (current, w)) in self.current.iter_mut().zip(&self.weights).enumerate() {
                *current = i64::from(*w) * (k as i64 - if i < k { n as i64 } else { 0 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(swrr: &mut Swrr, k: usize) -> Vec<usize> {
        (0..k).map(|_| swrr.pick().unwrap()).collect()
    }

    #[test]
    fn weights_are_interleaved() {
        // The example of nginx's commit message (52327e0627f4): { 5, 1, 1 } gives a a b a c a a.
        let mut swrr = Swrr::new(&[5, 1, 1]);
        assert_eq!(picks(&mut swrr, 14), [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn with_equal_weights_the_rotation_is_what_the_counters_would_do() {
        for before in 0..12 {
            let mut short = Swrr::new(&[3; 5]);
            let mut long = Swrr { rotation: None, ..Swrr::new(&[3; 5]) };
            assert_eq!(picks(&mut short, before), picks(&mut long, before));
            short.leave_rotation();
            assert_eq!(short.current, long.current, "after {before}");
            assert_eq!(picks(&mut short, 20), picks(&mut long, 20));
        }
    }

    #[test]
    fn no_weight_no_pick() {
        assert_eq!((Swrr::new(&[]).pick(), Swrr::new(&[0, 0]).pick()), (None, None));
        let mut swrr = Swrr::new(&[0, 1, 0]);
        assert_eq!(picks(&mut swrr, 3), [1, 1, 1]);
    }
}
