//! What somebody saw on their pods, as arguments and CSV files have it.

use std::io::Read;
use std::path::Path;

use super::failure::Failure;
use crate::printable;
use crate::scenario::diagnostic::quoted;
use crate::scenario::quantity::parse_number;
use crate::theory::shares::Known;

/// More pods than that are not looked at.
const MOST_PODS: usize = 200;
/// A file is not larger.
const MOST_BYTES: u64 = 1 << 20;
/// The largest connection count that is accepted.
const MOST_CONNECTIONS: f64 = 1e6;

/// What was seen.
#[derive(Debug, PartialEq)]
pub(super) struct Observed {
    /// The pods' names; empty if there are none.
    pub pods: Vec<String>,
    /// Their shares, which add up to one.
    pub shares: Vec<f64>,
    /// What else is known.
    pub known: Known,
}

/// A pod as it is written.
struct Row<'a> {
    name: Option<&'a str>,
    load: &'a str,
    connections: Option<&'a str>,
}

/// Reads an argument: shares, or the path of a CSV file.
pub(super) fn read(argument: &str) -> Result<Observed, Failure> {
    let path = Path::new(argument);
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if argument != "-" && !is_csv && !path.is_file() {
        return shares(argument).map_err(Failure::Usage);
    }
    let name = if argument == "-" { "stdin".to_owned() } else { printable::path(path) };
    let cannot = |error: std::io::Error| Failure::Usage(format!("cannot read {}: {error}", quoted(&name)));
    let mut text = String::new();
    // One byte more than it may have: what is too long is refused, and not cut.
    if argument == "-" {
        std::io::stdin().take(MOST_BYTES + 1).read_to_string(&mut text).map_err(cannot)?;
    } else {
        std::fs::File::open(path).map_err(cannot)?.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(cannot)?;
    }
    if text.len() as u64 > MOST_BYTES {
        return Err(Failure::Usage(format!(
            "{}: more than {} MiB, and a table of pods is small",
            quoted(&name),
            MOST_BYTES >> 20
        )));
    }
    table(&text).map_err(|why| Failure::Usage(format!("{}: {why}", quoted(&name))))
}

/// Numbers between slashes, commas or blanks, as parts of their sum; each perhaps with a name before it, and counted connections behind it.
fn shares(text: &str) -> Result<Observed, String> {
    let separator = ['/', ','].into_iter().find(|separator| text.contains(*separator)).unwrap_or(' ');
    let parts = text.split(separator).map(str::trim).filter(|part| separator != ' ' || !part.is_empty());
    let row = |part| {
        let (name, rest) = <str>::rsplit_once(part, '=').map_or((None, part), |(name, rest)| (Some(name.trim()), rest));
        let (load, connections) = rest.split_once(':').map_or((rest, None), |(load, n)| (load, Some(n.trim())));
        Row { name, load: load.trim(), connections }
    };
    let mut seen = observed(&parts.map(row).collect::<Vec<_>>(), text)?;
    // They may be rates.
    seen.known.calls = None;
    Ok(seen)
}

/// A CSV file with the columns pod, calls and perhaps connections, in this order if there is no header.
fn table(text: &str) -> Result<Observed, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut records = reader.records().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let number = |cell: &str| parse_number(cell.strip_suffix('%').unwrap_or(cell)).is_some();
    let mut columns = (0, 1, 2);
    if let Some(first) = records.first().filter(|first| !first.iter().skip(1).any(number)) {
        let at = |name: &str| first.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        let (Some(pod), Some(calls)) = (at("pod"), at("calls")) else {
            return Err("a header needs the columns pod and calls, and may have connections".to_owned());
        };
        columns = (pod, calls, at("connections").unwrap_or(usize::MAX));
        records.remove(0);
    }
    let row = |record| {
        let cell = |i| csv::StringRecord::get(record, i);
        Row { name: cell(columns.0), load: cell(columns.1).unwrap_or(""), connections: cell(columns.2) }
    };
    observed(&records.iter().map(row).collect::<Vec<_>>(), "the file")
}

fn observed(rows: &[Row<'_>], text: &str) -> Result<Observed, String> {
    let text = quoted(text);
    if !(2..=MOST_PODS).contains(&rows.len()) {
        let pods = if rows.len() == 1 { "1 pod".to_owned() } else { format!("{} pods", rows.len()) };
        return Err(format!("{text} has {pods}; write from 2 to {MOST_PODS}, such as 90/5/5/0/0"));
    }
    let percentages = rows.iter().filter(|row| row.load.ends_with('%')).count();
    if percentages != 0 && percentages != rows.len() {
        return Err(format!("{text} mixes percentages and numbers: write all of them in one unit"));
    }
    let load = |row: &Row<'_>| {
        let number = parse_number(row.load.strip_suffix('%').unwrap_or(row.load));
        let why = || format!("{} is not a share: write a number per pod, such as 90/5/5/0/0", quoted(row.load));
        number.filter(|x| (0.0..=1e15).contains(x)).ok_or_else(why)
    };
    let loads = rows.iter().map(load).collect::<Result<Vec<f64>, String>>()?;
    let sum: f64 = loads.iter().sum();
    if sum == 0.0 {
        return Err(format!("no pod of {text} has calls"));
    }
    let pods: Vec<String> = rows.iter().filter_map(|row| row.name).map(str::to_owned).collect();
    let mut names: Vec<&String> = pods.iter().collect();
    names.sort();
    if !(pods.is_empty() || pods.len() == rows.len() && names.windows(2).all(|two| two[0] != two[1])) {
        return Err(format!("{text} names only some pods, or uses a name twice: name each pod once, or none"));
    }
    let whole = percentages == 0 && loads.iter().all(|x| x.fract() == 0.0);
    let known = Known { connections: connections(rows)?, calls: whole.then_some(sum as u64) };
    Ok(Observed { pods, shares: loads.iter().map(|x| x / sum).collect(), known })
}

/// All pods' connections, or nobody's.
fn connections(rows: &[Row<'_>]) -> Result<Option<Vec<u32>>, String> {
    let count = |text: &str| {
        let number = parse_number(text).filter(|n| n.fract() == 0.0 && (0.0..=MOST_CONNECTIONS).contains(n));
        number.map(|n| n as u32).ok_or_else(|| format!("{} is not a number of connections", quoted(text)))
    };
    let counted: Vec<&str> = rows.iter().filter_map(|row| row.connections).collect();
    let counts = counted.into_iter().map(count).collect::<Result<Vec<u32>, String>>()?;
    match counts.len() {
        0 => Ok(None),
        n if n < rows.len() => Err("only some pods have connection counts: give one for each pod, or none".to_owned()),
        _ if counts.iter().all(|n| *n == 0) => Err("no pod has a connection".to_owned()),
        _ => Ok(Some(counts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_not_cut() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("pods.csv");
        std::fs::write(&path, "a,1\nb,2\n".repeat(1 << 18)).unwrap();
        let Err(Failure::Usage(why)) = read(path.to_str().unwrap()) else { panic!("it is read") };
        assert!(why.contains("more than 1 MiB"), "{why}");
    }

    #[test]
    fn shares_are_parts_of_their_sum() {
        let of = |text: &str| shares(text).unwrap().shares;
        assert_eq!(of("90/5/5/0/0"), [0.9, 0.05, 0.05, 0.0, 0.0]);
        assert_eq!(of("30, 10"), [0.75, 0.25]);
        assert_eq!(of("50% 50%"), [0.5, 0.5]);
        let named = shares("web-1=30:3, web-2=10:1").unwrap();
        assert_eq!((named.pods, named.shares), (vec!["web-1".to_owned(), "web-2".to_owned()], vec![0.75, 0.25]));
        assert_eq!(named.known, Known { connections: Some(vec![3, 1]), calls: None });
        for (text, says) in [
            ("", "0 pods"),
            ("5", "1 pod;"),
            ("0/0", "no pod"),
            ("a/b", "`a`"),
            ("-1/2", "`-1`"),
            ("40//30", "`` is not a share"),
            ("1/50%", "mixes percentages and numbers"),
            ("50% 1", "mixes percentages and numbers"),
            ("1e-400/1", "`1e-400`"),
            ("50,50/20", "`50,50` is not a share"),
            ("a=1/2", "names only some pods"),
            ("a=1/a=2", "uses a name twice"),
            ("1:2/3", "only some pods"),
            ("1:x/3:1", "`x` is not a number of connections"),
            ("1:0/3:0", "no pod has a connection"),
        ] {
            let why = shares(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    #[test]
    fn tables_have_a_header_or_are_in_order() {
        let want = Observed {
            pods: vec!["a".to_owned(), "b".to_owned()],
            shares: vec![0.75, 0.25],
            known: Known { connections: Some(vec![2, 1]), calls: Some(40) },
        };
        assert_eq!(table("a,30,2\nb,10,1\n").unwrap(), want);
        assert_eq!(table("Calls, connections, pod\n30,2,a\n10,1,b\n").unwrap(), want);
        assert_eq!(table("pod,calls\na,1.5\nb,0.5\n").unwrap().known, Known::default());
        for (text, says) in [
            ("pod,requests\na,1\nb,2\n", "needs the columns pod and calls"),
            ("pod,calls\na,1\n", "1 pod;"),
            ("a,1\nb\n", "fields"),
            ("", "0 pods"),
        ] {
            let why = table(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
