//! `--shard`: which part of a sweep a process runs.

use crate::experiment::sweep::Shard;
use crate::scenario::diagnostic::quoted;

/// Variables that number the tasks of a job, from 0.
const INDICES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"];

/// Reads `I/N`, where I counts from 1, or `auto/N`, where it is taken from the environment, which counts from 0.
///
/// N is never taken from the environment: Kubernetes does not tell it, and SLURM_ARRAY_TASK_COUNT is that of the present
/// submission, which is another one when a single failed task is run again.
pub(super) fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
    const FORM: &str = "write --shard I/N with I from 1 to N, or --shard auto/N";
    let (i, n) = text.split_once('/').ok_or_else(|| format!("{} is not a shard; {FORM}", quoted(text)))?;
    let of: u64 =
        n.parse().ok().filter(|n| *n >= 1).ok_or_else(|| format!("{} is not a number of shards; {FORM}", quoted(n)))?;
    if i != "auto" {
        let index = i.parse::<u64>().ok().and_then(|i| i.checked_sub(1)).filter(|index| *index < of);
        let index =
            index.ok_or_else(|| format!("{} is not a shard: there are 1/{of} to {of}/{of}; {FORM}", quoted(text)))?;
        return Ok(Shard { index, of });
    }
    let found = INDICES.iter().find_map(|name| Some((*name, environment(name)?)));
    let Some((name, value)) = found else {
        return Err(format!("--shard auto/{of} needs one of {}, and none is set", INDICES.join(", ")));
    };
    let number: Option<u64> = value.parse().ok();
    match number.filter(|index| *index < of) {
        Some(index) => Ok(Shard { index, of }),
        None => Err(format!("{name} is {}, and {of} shards are numbered from 0 to {} there", quoted(&value), of - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_shards_count_from_1_and_those_of_the_environment_from_0() {
        let nothing = |_: &str| None;
        assert_eq!(parse("1/1", nothing), Ok(Shard::WHOLE));
        assert_eq!(parse("3/7", nothing), Ok(Shard { index: 2, of: 7 }));
        for wrong in ["0/7", "8/7", "-1/7", "1/0", "x/7", "3", "3/7/1", "auto/0", "/7", "1/"] {
            assert!(parse(wrong, nothing).is_err(), "{wrong}");
        }
        for name in INDICES {
            let set = |value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(parse("auto/7", set("0")), Ok(Shard { index: 0, of: 7 }));
            assert_eq!(parse("auto/7", set("6")), Ok(Shard { index: 6, of: 7 }));
            assert!(parse("auto/7", set("7")).unwrap_err().contains("from 0 to 6"));
            assert_eq!(parse("3/7", set("5")), Ok(Shard { index: 2, of: 7 }));
        }
        assert!(parse("auto/7", nothing).unwrap_err().contains("JOB_COMPLETION_INDEX"));
    }
}
