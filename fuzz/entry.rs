//! What fuzzing does with bytes; the same for cargo-fuzz and for `tests/fuzz_reader.rs`, which runs on stable.

use evenkeel::scenario;

/// Reads bytes as a scenario, followed by `--set` arguments after NUL bytes. Whatever they are, the reader must not panic;
/// what it accepts must have a hash and mean the same when read again; what it refuses must have a message with a code and
/// a position within the text.
pub fn read(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('\0');
    let scenario = parts.next().unwrap_or("");
    let sets: Vec<String> = parts.map(str::to_owned).collect();
    match scenario::parse("fuzz.yaml", scenario, None, &sets) {
        Ok(loaded) => {
            assert_eq!(loaded.scenario_hash.len(), 16);
            assert!(loaded.effective.iter().all(|row| !row.path.is_empty()));
            assert!(!loaded.model.servers.is_empty() && !loaded.model.clients.is_empty());
            assert_eq!(scenario::parse("again.yaml", scenario, None, &sets), Ok(loaded));
        }
        Err(found) => {
            assert!(!found.problems().is_empty());
            assert!(!found.is_machine_failure());
            for problem in found.problems() {
                assert!(problem.code.rule().code.starts_with('E') && !problem.message.is_empty());
                if let Some((source, line, column)) = found.position(problem) {
                    let lines = if source == "--set" { 1 << 20 } else { scenario.matches(['\n', '\r']).count() + 1 };
                    assert!((1..=lines).contains(&line) && column >= 1, "{source}:{line}:{column}");
                }
            }
            assert!(found.to_string().contains("error[E") && found.render(true).contains("error"));
        }
    }
}
