//! The search for the least number that is enough.

/// The least number from `lo` to `hi` that is `enough`, if every larger one is, too: from `start` on in steps that double, then by
/// bisection. What it returns is enough, and the number below it was tried and is not (or is below `lo`), whether larger ones are or
/// not. `None`: `hi` is not enough.
///
/// # Errors
/// Those of `enough`.
pub fn least<E>(
    (lo, hi): (i64, i64),
    start: i64,
    step: i64,
    enough: &mut dyn FnMut(i64) -> Result<bool, E>,
) -> Result<Option<i64>, E> {
    let mut reach = step.max(1);
    let mut at = start.clamp(lo, hi.max(lo));
    let (mut no, mut yes);
    if enough(at)? {
        yes = at;
        loop {
            if yes == lo {
                return Ok(Some(lo));
            }
            at = (yes - reach).max(lo);
            if !enough(at)? {
                no = at;
                break;
            }
            (yes, reach) = (at, reach * 2);
        }
    } else {
        no = at;
        loop {
            if no >= hi {
                return Ok(None);
            }
            at = (no + reach).min(hi);
            if enough(at)? {
                yes = at;
                break;
            }
            (no, reach) = (at, reach * 2);
        }
    }
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if enough(middle)? { yes = middle } else { no = middle }
    }
    Ok(Some(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(bounds: (i64, i64), start: i64, step: i64, enough: impl Fn(i64) -> bool) -> (Option<i64>, Vec<i64>) {
        let mut tried = Vec::new();
        let found = least(bounds, start, step, &mut |at| {
            tried.push(at);
            Ok::<_, ()>(enough(at))
        });
        (found.unwrap(), tried)
    }

    #[test]
    fn every_threshold_is_found_from_every_start() {
        for (lo, hi) in [(1, 1), (1, 40), (-20, 20)] {
            for start in lo - 2..=hi + 2 {
                for threshold in lo..=hi + 1 {
                    for step in [1, 8] {
                        let (found, tried) = search((lo, hi), start, step, |at| at >= threshold);
                        assert_eq!(found, (threshold <= hi).then_some(threshold), "{lo}..{hi} from {start}");
                        assert!(tried.iter().all(|at| (lo..=hi).contains(at)));
                        assert!(tried.len() <= 14, "{tried:?}");
                    }
                }
            }
        }
    }

    /// The number below the answer was tried, whatever is enough.
    #[test]
    fn the_answer_is_an_edge_even_where_more_does_not_help() {
        for pattern in 0u32..1 << 10 {
            let enough = |at: i64| pattern >> (at - 1) & 1 == 1;
            for start in 1..=10 {
                let (found, tried) = search((1, 10), start, 1, enough);
                match found {
                    Some(at) => assert!(enough(at) && (at == 1 || (!enough(at - 1) && tried.contains(&(at - 1))))),
                    None => assert!(!enough(10)),
                }
            }
        }
    }
}
