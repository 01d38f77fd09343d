//! Whether the runs of one scenario refute a claim.

use super::wager::Wager;
use crate::scenario::property::Holds;

/// Runs after which a scenario that does not look bad is left, if the claim is about many runs; more if the claim lets fewer than
/// one of this many be broken.
const ENOUGH: u64 = 10;

/// What one run says of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Whether the claim holds in this run.
    pub met: bool,
    /// How far beyond the claim the run is, as a part of the larger side: from -1 to 1, above zero if beyond.
    pub excess: f64,
}

/// Judges a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    /// How often the claim holds.
    pub holds: Holds,
    /// The most that the chance of refuting a claim that this scenario meets may be; of no meaning for [`Holds::Always`].
    pub level: f64,
    /// The most runs.
    pub most: u64,
}

/// What the runs of a scenario say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judged {
    /// The claim is false.
    pub refuted: bool,
    /// Runs that were made.
    pub runs: u64,
    /// Those that had no value of a figure, and say nothing.
    pub silent: u64,
    /// Those in which the claim did not hold.
    pub broken: u64,
    /// The first of these.
    pub first_broken: Option<u64>,
    /// Sum of all excesses.
    pub excess: f64,
    /// The run that comes nearest to breaking the claim, or breaks it most, and its excess.
    pub worst: Option<(u64, f64)>,
    /// Evidence against the claim: refuted at 1/level. Of [`Holds::Always`] none.
    pub evidence: f64,
}

impl Judged {
    /// The mean excess over the runs that say something.
    #[must_use]
    pub fn mean_excess(&self) -> f64 {
        self.excess / (self.runs - self.silent).max(1) as f64
    }

    /// The part of the runs that say something in which the claim did not hold.
    #[must_use]
    pub fn broken_part(&self) -> f64 {
        self.broken as f64 / (self.runs - self.silent).max(1) as f64
    }

    pub(super) fn add(&mut self, run: u64, reading: Option<Reading>) {
        self.runs += 1;
        let Some(Reading { met, excess }) = reading else {
            self.silent += 1;
            return;
        };
        if !met {
            self.broken += 1;
            self.first_broken.get_or_insert(run);
        }
        self.excess += excess;
        if self.worst.is_none_or(|(_, known)| excess > known) {
            self.worst = Some((run, excess));
        }
    }
}

impl Judge {
    /// True if this many runs can refute the claim at all: when each of them breaks it by as much as can be.
    #[must_use]
    pub fn can_refute(&self) -> bool {
        let worst = |_| Ok::<_, std::convert::Infallible>(Some(Reading { met: false, excess: 1.0 }));
        self.judge(worst).is_ok_and(|judged| judged.refuted)
    }

    /// Makes runs (numbered from 0) until the claim is refuted, or no more are worth while. A run says nothing if a figure has no
    /// value in it.
    ///
    /// # Errors
    /// Those of the runs.
    pub fn judge<E>(&self, mut run: impl FnMut(u64) -> Result<Option<Reading>, E>) -> Result<Judged, E> {
        let may_break = match self.holds {
            Holds::InRuns(part) => 1.0 - part,
            Holds::Always | Holds::OnAverage => 0.0,
        };
        let least = if may_break > 0.0 { may_break } else { 1.0 };
        let enough = ENOUGH.max((1.0 / least).round() as u64);
        let mut wager = Wager::new(least);
        let mut judged = Judged::default();
        let mut sum = 0.0;
        for i in 0..self.most {
            let reading = run(i)?;
            judged.add(i, reading);
            let Some(Reading { met, excess }) = reading else { continue };
            let x = match self.holds {
                Holds::Always if met => continue,
                Holds::Always => {
                    judged.refuted = true;
                    break;
                }
                Holds::InRuns(_) => f64::from(u8::from(!met)) - may_break,
                Holds::OnAverage => excess,
            };
            sum += x;
            wager.add(x);
            judged.evidence = wager.evidence();
            judged.refuted = judged.evidence >= 1.0 / self.level;
            // To stop early never refutes anything.
            if judged.refuted || (i + 1 >= enough && sum <= 0.0) {
                break;
            }
        }
        Ok(judged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(holds: Holds, level: f64, runs: &[Option<f64>]) -> Judged {
        let reading = |x: f64| Reading { met: x <= 0.0, excess: x };
        let run = |i: u64| Ok::<_, ()>(runs[i as usize % runs.len()].map(reading));
        Judge { holds, level, most: 200 }.judge(run).unwrap()
    }

    #[test]
    fn one_run_refutes_what_always_holds() {
        let got = judge(Holds::Always, 0.01, &[Some(-0.5), None, Some(-0.1), Some(0.01)]);
        assert!(got.refuted && got.runs == 4 && got.silent == 1 && got.broken == 1, "{got:?}");
        assert_eq!((got.first_broken, got.worst), (Some(3), Some((3, 0.01))));
        assert!(!judge(Holds::Always, 0.01, &[Some(0.0)]).refuted);
    }

    #[test]
    fn a_part_of_the_runs_may_break_a_claim() {
        let often = judge(Holds::InRuns(0.95), 0.001, &[Some(1.0), Some(-1.0)]);
        assert!(often.refuted && often.runs <= 14, "{often:?}");
        let seldom: Vec<Option<f64>> = (0..20).map(|i| Some(if i == 0 { 1.0 } else { -1.0 })).collect();
        let seldom = judge(Holds::InRuns(0.9), 0.001, &seldom);
        assert!(!seldom.refuted && seldom.runs <= 12, "{seldom:?}");
    }

    #[test]
    fn an_average_needs_its_runs() {
        let got = judge(Holds::OnAverage, 0.001, &[Some(0.5), Some(-0.1)]);
        assert!(got.refuted && got.runs > 30, "{got:?}");
        assert!(!judge(Holds::OnAverage, 0.001, &[Some(0.1), Some(-0.1)]).refuted);
        assert_eq!(judge(Holds::OnAverage, 0.001, &[None]).mean_excess(), 0.0);
    }
}
