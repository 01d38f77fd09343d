//! The style of the sources, as far as a test can see it: sizes, the order of the layers, and no way to panic by the way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 400;
const MOST_LINES_OF_A_FUNCTION: usize = 70;

/// What a module may use: itself and those before it. Those on one line of the list know nothing of each other. The first half
/// is the core (`core/src`), which knows nothing of the rest; `src/lib.rs` names its modules again.
const LAYERS: &[&[&str]] = &[
    &["narrow"],
    &["units", "ids", "random"],
    &["settings", "distribution"],
    &["pick"],
    &["model"],
    &["policy"],
    &["sim"],
    &["metrics"],
    &["observe"],
    &["printable", "words"],
    &["scenario", "theory"],
    &["verdict"],
    &["experiment"],
    &["output"],
    &["shipped", "lint"],
    &["cli"],
    &["lib", "main"],
];

/// Functions that are longer, with the reason. Nothing is added here lightly.
const LONG: &[(&str, &str)] = &[("standard_normal", "a table of coefficients, one to a line")];

/// The folders of the two crates.
const CRATES: [&str; 2] = ["core/src", "src"];

struct Source {
    /// From the root on.
    path: String,
    module: String,
    /// Without its `#[cfg(test)]` module, which stands at the end.
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    CRATES.iter().for_each(|folder| collect(&root.join(folder), &mut paths));
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root).unwrap();
        let inside = CRATES.iter().find_map(|folder| path.strip_prefix(folder).ok()).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
        let (path, lines) = (path.display().to_string(), text.lines().count());
        let module = first.trim_end_matches(".rs").to_owned();
        // A file that is a test module of its own, or made for tests only.
        let tests = path.ends_with("tests.rs") || path.ends_with("fixtures.rs");
        Source { path, module, code: if tests { String::new() } else { code }, lines }
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}

#[test]
fn files_are_short() {
    let long = sources().into_iter().filter(|s| s.lines > MOST_LINES);
    let long: Vec<_> = long.map(|s| format!("{}: {} lines", s.path, s.lines)).collect();
    assert!(long.is_empty(), "longer than {MOST_LINES}: {long:#?}");
}

/// rustfmt puts the brace that ends a function below the first letter of its signature.
#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        let mut open: Option<(usize, usize, String)> = None;
        for (i, line) in source.code.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            match &open {
                None if is_function(line) && !line.trim_end().ends_with(['}', ';']) => {
                    open = Some((i, indent, line.trim().to_owned()));
                }
                Some((from, at, name)) if *at == indent && (line.trim() == "}" || line.trim_end().ends_with(';')) => {
                    if i - from + 1 > MOST_LINES_OF_A_FUNCTION
                        && !LONG.iter().any(|l| name.contains(&format!("fn {}(", l.0)))
                    {
                        long.push(format!("{}:{}: {} lines: {name}", source.path, from + 1, i - from + 1));
                    }
                    open = None;
                }
                _ => {}
            }
        }
        assert!(open.is_none(), "{}: a function without an end: {open:?}", source.path);
    }
    assert!(long.is_empty(), "longer than {MOST_LINES_OF_A_FUNCTION} lines: {long:#?}");
}

fn is_function(line: &str) -> bool {
    let words = line.trim_start();
    let words =
        ["pub ", "pub(crate) ", "pub(super) ", "const "].iter().fold(words, |w, p| w.strip_prefix(p).unwrap_or(w));
    words.starts_with("fn ")
}

#[test]
fn data_flows_one_way() {
    let layer = |module: &str| LAYERS.iter().position(|l| l.contains(&module));
    let mut wrong = BTreeMap::new();
    for source in sources() {
        let from = layer(&source.module).unwrap_or_else(|| panic!("{} is in no layer", source.path));
        for (i, line) in source.code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let module: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if module.is_empty() || layer(&module).is_none() || module == source.module {
                    continue;
                }
                if layer(&module) >= Some(from) {
                    wrong.insert(
                        format!("{}:{}", source.path, i + 1),
                        format!(
                            "`{}` may not use `{module}`, which is in a later layer (LAYERS in tests/tidy.rs)",
                            source.module
                        ),
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `expect` says why it cannot fail, and so may stand; `unreachable!` does so too.
#[test]
fn nothing_panics_by_the_way() {
    let mut found = Vec::new();
    for source in sources() {
        for (i, line) in source.code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in [".unwrap()", "panic!(", "todo!(", "unimplemented!(", "dbg!("] {
                if code.contains(word) {
                    found.push(format!("{}:{}: {}", source.path, i + 1, line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_line_of_the_golden_file_is_a_scenario() {
    let golden = include_str!("golden/digests.txt");
    let shipped: Vec<&str> = evenkeel::shipped::all().iter().map(|s| s.name).collect();
    let stale: Vec<&str> = golden
        .lines()
        .filter_map(|l| l.split(' ').next())
        .filter(|n| !n.starts_with("tests/") && !shipped.contains(n))
        .collect();
    assert!(stale.is_empty(), "not shipped any more: {stale:?}");
}
