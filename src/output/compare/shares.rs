//! The shares of pods as people quote them: `90/5/5/0/0`.

use crate::experiment::compare::PodShare;
use crate::words::trimmed;

/// More pods than this are not listed.
const MOST: usize = 8;

/// Percentages of the pods' shares, the largest first; of many pods the first ones.
pub(super) fn quoted(shares: &[PodShare]) -> String {
    let mut sorted: Vec<f64> = shares.iter().map(|pod| pod.share).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut words: Vec<String> = sorted.iter().take(MOST).map(|share| percent(*share)).collect();
    if sorted.len() > MOST {
        words.push("…".to_owned());
    }
    if words.is_empty() { "-".to_owned() } else { words.join("/") }
}

/// A whole percentage, or enough of it that what is above zero does not read as zero, and what is not all not as all.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p == 0.0 || p == 100.0 || (0.95..99.5).contains(&p) => trimmed(p, 0),
        p if p >= 99.95 => ">99.9".to_owned(),
        p if p < 0.05 => "<0.1".to_owned(),
        p => trimmed(p, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shares: &[f64]) -> String {
        let pod = |share: &f64| PodShare { pod: "p".into(), share: *share };
        quoted(&shares.iter().map(pod).collect::<Vec<_>>())
    }

    #[test]
    fn shares_are_as_people_quote_them() {
        assert_eq!(of(&[0.0, 0.9, 0.05, 0.0, 0.05]), "90/5/5/0/0");
        assert_eq!(of(&[0.0, 1.0, 0.0]), "100/0/0");
        assert_eq!(of(&[0.199, 0.202, 0.2, 0.2, 0.199]), "20/20/20/20/20");
        assert_eq!(of(&[0.999_8, 0.000_2]), ">99.9/<0.1");
        assert_eq!(of(&[0.996, 0.004]), "99.6/0.4");
        assert_eq!(of(&[0.1; 10]), "10/10/10/10/10/10/10/10/…");
        assert_eq!(of(&[]), "-");
    }
}
