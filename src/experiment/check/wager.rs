//! A sequential test of a mean that may be looked at after every run, and needs no law of the values.
//!
//! Whoever doubts a claim bets against it, run by run. The claim says that the mean of `x` is at most zero, and no `x` is
//! below `-least`; a bet of the part λ of one's money, 0 < λ <= 1/least, turns it into (1 + λ·x) times as much. If the claim is
//! true, no bet gains on average, so the money is a supermartingale, and the chance that it is ever `1/level` times what it
//! was is at most `level` (Ville's inequality; Shafer and Vovk, 2019; for bounded means Waudby-Smith and Ramdas, 2024): at
//! whatever run one stops, however skewed the values are. For values that are 0 or 1 each bet is Wald's likelihood ratio
//! against one alternative. Money is spread over several λ, since the best one depends on what is not known.

/// Bets, from the boldest; each the half of the one before.
const BETS: usize = 8;

/// The money of all bets.
#[derive(Clone, Debug)]
pub struct Wager {
    boldest: f64,
    money: [f64; BETS],
}

impl Wager {
    /// A wager on values that are never below `-least` (above zero).
    #[must_use]
    pub fn new(least: f64) -> Wager {
        Wager { boldest: 1.0 / least, money: [1.0; BETS] }
    }

    /// Adds the next value.
    pub fn add(&mut self, x: f64) {
        let mut bet = self.boldest;
        for money in &mut self.money {
            *money *= (1.0 + bet * x).max(0.0);
            bet /= 2.0;
        }
    }

    /// How many times what it was the money is: the evidence against the claim.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        self.money.iter().sum::<f64>() / BETS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_grows_against_what_is_false_only() {
        let mut against = Wager::new(1.0);
        (0..20).for_each(|_| against.add(0.5));
        assert!(against.evidence() > 1.5f64.powi(20) / 8.0);
        let mut even = Wager::new(1.0);
        (0..20).for_each(|i| even.add(if i % 2 == 0 { 0.5 } else { -0.5 }));
        assert!(even.evidence() < 1.0);
        // Of a coin: all failures where 1 in 20 may fail. The boldest bet gains 1/0.05 each time.
        let mut coin = Wager::new(0.05);
        (0..3).for_each(|_| coin.add(0.95));
        assert!((coin.money[0] / 8000.0 - 1.0).abs() < 1e-9, "{coin:?}");
    }

    /// The mean over all outcomes of a fair wager is what was put in: worked out, not drawn.
    #[test]
    fn a_fair_wager_gains_nothing() {
        // 9 of 10 times +0.1, else -0.9.
        let runs = 8;
        let mut mean = 0.0;
        for outcome in 0..1u32 << runs {
            let mut wager = Wager::new(1.0);
            let mut chance = 1.0;
            for run in 0..runs {
                let rare = outcome >> run & 1 == 1;
                wager.add(if rare { -0.9 } else { 0.1 });
                chance *= if rare { 0.1 } else { 0.9 };
            }
            mean += chance * wager.evidence();
        }
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    }
}
