//! What fuzzing does with bytes; the same for libFuzzer (`fuzz/run.sh`) and for `tests/reliability/fuzz.rs`, which runs on
//! stable. Whatever the bytes are, nothing panics, nothing takes long, and what is refused is refused with a message.

use std::path::Path;

use evenkeel::experiment::alerts::rounds;
use evenkeel::experiment::sweep::{Merge, Plan, results};
use evenkeel::experiment::{self, FailOn, Until, guard};
use evenkeel::model::{Load, Maglev, Model, Policy, Protocol, RingHash, Scale, What};
use evenkeel::output::cells::CellStore;
use evenkeel::output::{self, Style, json, plot, replot, sealed};
use evenkeel::scenario::alerts;
use evenkeel::scenario::diagnostic::Diagnostics;
use evenkeel::scenario::quantity::{parse_duration, parse_percent};
use evenkeel::scenario::vary::Grid;
use evenkeel::scenario::{self, property};
use evenkeel::units::Span;

/// Longer inputs are not tried.
pub const MOST_BYTES: usize = 64 << 10;

/// What one input goes through; true if all of it is accepted.
pub type Entry = fn(&[u8]) -> bool;

/// All targets, by the names of their folders in `fuzz/corpus`.
pub const TARGETS: [(&str, Entry); 6] = [
    ("scenario", scenario),
    ("expression", expression),
    ("properties", properties),
    ("sweep", sweep),
    ("result", result),
    ("rules", rules),
];

/// Reads bytes as a scenario, followed by `--set` arguments after NUL bytes. What is accepted has a hash, means the same when
/// read again, and runs; what is refused has a message with a code and a position within the text.
pub fn scenario(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('\0');
    let scenario = parts.next().unwrap_or("");
    let sets: Vec<String> = parts.map(str::to_owned).collect();
    match scenario::parse("fuzz.yaml", scenario, None, &sets) {
        Ok(loaded) => {
            assert_eq!(loaded.scenario_hash.len(), 16);
            assert!(loaded.effective.iter().all(|row| !row.path.is_empty()));
            assert!(!loaded.model.servers.is_empty() && !loaded.model.clients.is_empty());
            if is_small(&loaded.model) {
                // The first look is after some ten thousand events: enough to see whether it runs.
                let run = experiment::run(&loaded, loaded.model.seed, true, Some(&|_, _| true));
                if let Ok(outcome) = run {
                    let requests = outcome.summary.requests;
                    assert_eq!(requests.started, requests.ok + requests.failed + requests.unfinished);
                    assert!(!outcome.summary.verdict.is_empty());
                }
            }
            assert_eq!(scenario::parse("again.yaml", scenario, None, &sets), Ok(loaded));
            true
        }
        Err(found) => refused(&found, scenario),
    }
}

/// A refusal, which has codes, messages, and positions within the text.
fn refused(found: &Diagnostics, text: &str) -> bool {
    assert!(!found.problems().is_empty());
    assert!(!found.is_machine_failure());
    for problem in found.problems() {
        assert!(problem.code.rule().code.starts_with('E') && !problem.message.is_empty());
        if let Some((source, line, column)) = found.position(problem) {
            let lines = if source.starts_with("--") { MOST_BYTES } else { text.matches(['\n', '\r']).count() + 1 };
            assert!((1..=lines).contains(&line) && column >= 1, "{source}:{line}:{column}");
        }
    }
    assert!(found.to_string().contains("error[E") && found.render(true).contains("error"));
    false
}

/// True if building the world and a look at it take no time to speak of.
fn is_small(model: &Model) -> bool {
    let scaled = model.timeline.iter().map(|action| match action.what {
        What::Scale(Scale { replicas, .. }) => replicas,
        _ => 0,
    });
    let grown = model.deployments().map(|s| s.hpa.as_ref().map_or(0, |hpa| hpa.max_replicas));
    let pods: u64 = model.deployments().map(|s| s.replicas).chain(scaled).chain(grown).map(u64::from).sum();
    let slots = model.deployments().map(|s| s.concurrency).max().unwrap_or(0);
    let channels: u64 = model.callers().map(|c| u64::from(c.replicas) * u64::from(c.channels)).sum();
    let points = |policy: Policy| match policy {
        Policy::RingHash(RingHash { max_ring_size, .. }) => max_ring_size.into(),
        Policy::Maglev(Maglev { table_size }) => table_size.into(),
        _ => 1,
    };
    let tables = model.callers().map(|c| match &c.protocol {
        Protocol::Grpc(grpc) => points(grpc.policy) * u64::from(c.replicas) * u64::from(c.channels),
        Protocol::Http1(_) => 1,
    });
    let workers = model.callers().map(|c| match &c.load {
        Load::Closed(closed) => u64::from(closed.concurrency),
        _ => 0,
    });
    let window = model.window.unwrap_or(Span::from_secs(1)).0.max(1);
    let windows = model.duration.map_or(0, |duration| duration.0 / window);
    pods <= 50
        && slots <= 1_000
        && channels <= 100
        && windows <= 1_000
        && workers.sum::<u64>() <= 1_000
        && tables.sum::<u64>() <= 1 << 16
}

/// Reads each line as whatever an argument can be: `--set`, `--vary`, `--until`, an expectation or objective, a quantity.
pub fn expression(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // Each line is read against a whole scenario.
    let mut accepted = false;
    for line in text.lines().take(4) {
        let _ = (parse_duration(line), parse_percent(line), Until::parse(line));
        let _ = (FailOn::parse(line), guard::sizes(&[line.to_owned()]));
        let sets = |set: String| match scenario::parse("starter.yaml", scenario::STARTER, None, &[set]) {
            Ok(loaded) => loaded.scenario_hash.len() == 16,
            Err(found) => refused(&found, scenario::STARTER),
        };
        accepted |= sets(line.to_owned());
        accepted |= sets(format!("expect={}", serde_json_text(line)));
        let axes = [line.to_owned()];
        if let Ok(grid) = Grid::parse("--vary", &axes) {
            assert!(grid.cells() >= 1);
            let last = grid.cells() - 1;
            assert!(grid.sets(0).len() == 1 && !grid.label(last).is_empty());
            sets(grid.sets(last).concat());
        }
    }
    accepted
}

/// `["text"]`, as JSON.
fn serde_json_text(text: &str) -> String {
    json::text(&[text]).replace('\n', " ")
}

/// Reads bytes as a rule file of Prometheus. Recording rules of one that is accepted have an order, or are in a circle.
pub fn rules(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match alerts::parse("rules.yaml", &text) {
        Ok(file) => {
            assert!(!file.alerts.is_empty());
            if let Ok(rounds) = rounds(&file) {
                let rules: usize = rounds.iter().map(Vec::len).sum();
                assert!(rules <= file.records.len() && rounds.iter().all(|round| !round.is_empty()));
            }
            assert_eq!(alerts::parse("rules.yaml", &text), Ok(file));
            true
        }
        Err(found) => refused(&found, &text),
    }
}

/// Reads bytes as a file of properties. Those that are accepted have scenarios that can be written and read.
pub fn properties(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match property::parse("fuzz.yaml", &text, None) {
        Ok(all) => {
            for property in &all {
                let first: Vec<Option<u32>> = property.draws.iter().map(|_| Some(0)).collect();
                let last: Vec<Option<u32>> =
                    property.draws.iter().map(|draw| u32::try_from(draw.values.len() - 1).ok()).collect();
                for (side, drawn) in (0..property.sides.len().max(1)).flat_map(|side| [(side, &first), (side, &last)]) {
                    let _ = (property.load(side, drawn).map(|loaded| loaded.scenario_hash), property.sets(drawn));
                    assert!(!property.scenario_text(side, drawn, 1).is_empty());
                }
            }
            true
        }
        Err(found) => refused(&found, &text),
    }
}

/// Writes the files that the bytes hold, each after a line `=== NAME`, below a folder.
fn unpack(bytes: &[u8], folder: &Path, edit: impl Fn(&[u8]) -> Vec<u8>) {
    for (name, content) in files(bytes) {
        let _ = std::fs::write(folder.join(name), edit(content));
    }
}

fn files(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut all: Vec<(String, &[u8])> = Vec::new();
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|&i| bytes[i..].starts_with(b"=== ") && (i == 0 || bytes[i - 1] == b'\n'))
        .take(40)
        .collect();
    for (n, &start) in starts.iter().enumerate() {
        let part = &bytes[start + 4..starts.get(n + 1).copied().unwrap_or(bytes.len())];
        let end = part.iter().position(|b| *b == b'\n').unwrap_or(part.len());
        let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'.' || *b == b'-';
        let name: String = part[..end].iter().filter(|b| plain(b)).take(40).map(|b| char::from(*b)).collect();
        let content = part.get(end + 1..).unwrap_or_default();
        if name.bytes().any(|b| b != b'.') {
            all.push((name, content));
        }
    }
    all
}

/// Reads bytes as the folder of a sweep (`=== plan.json`, `=== 000000.json`, …), merges it, and writes what comes of that. Files
/// without a checksum get one here, and `@plan@` in them stands for the plan's digest: else no change would get beyond
/// those.
pub fn sweep(bytes: &[u8]) -> bool {
    let Ok(folder) = tempfile::tempdir() else { return false };
    let cells = folder.path().join("cells");
    if std::fs::create_dir(&cells).is_err() {
        return false;
    }
    let all = files(bytes);
    let plan = all.iter().find(|(name, _)| name == "plan.json");
    let digest = plan.and_then(|(_, text)| serde_json::from_slice::<Plan>(text).ok()).map(|plan| plan.digest());
    let sealed = |content: &[u8]| {
        let text = String::from_utf8_lossy(content.trim_ascii()).replace("@plan@", digest.as_deref().unwrap_or(""));
        let sum = sealed::checksum(text.as_bytes());
        if text.starts_with("{\"xxh64") { text } else { format!("{{\"xxh64\":\"{sum}\",\"content\":{text}}}\n") }
            .into_bytes()
    };
    unpack(bytes, &cells, sealed);
    merge(folder.path()).is_some()
}

fn merge(folder: &Path) -> Option<()> {
    let store = CellStore::below(folder);
    let plan = store.plan().ok()??;
    let all = plan.axes.cells();
    let mut merge = Merge::default();
    for cell in store.cells(&plan).ok()? {
        merge.add(cell).ok()?;
    }
    let cells = merge.finish(all).ok()?;
    let sweep = results(&plan, &cells);
    let _ = (output::sweep::render(&sweep, &Style::default()), output::sweep::markdown(&sweep), json::text(&sweep));
    output::sweep::csv(&sweep, Vec::new()).ok()?;
    output::sweep::runs_csv(&plan, &cells, Vec::new()).ok()?;
    plot::over_values(&sweep).map(|figure| figure.svg());
    Some(())
}

/// Reads bytes as the folder of a run (`=== summary.json`, `=== pods.csv`, `=== events.csv`), and draws its pictures.
pub fn result(bytes: &[u8]) -> bool {
    let Ok(folder) = tempfile::tempdir() else { return false };
    unpack(bytes, folder.path(), <[u8]>::to_owned);
    match replot::read(folder.path()) {
        Ok(outcome) => plot::figures(&outcome).iter().all(|(_, figure)| !figure.svg().is_empty()),
        Err(error) => error.to_string().is_empty(),
    }
}
