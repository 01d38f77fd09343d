//! `.evenkeel.yaml`: which rules count, how much, and which files are left out.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Reading, known, read_file};
use crate::scenario::diagnostic::{Diagnostics, Problem, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::rules::Code;
use crate::scenario::yaml::tree::{Node, Value};

/// What it is called where it is looked for.
pub const FILE: &str = ".evenkeel.yaml";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    lint: Key<LintFile>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LintFile {
    // Taken from the tree, since its keys are rules.
    rules: Key<IgnoredAny>,
    exclude: Key<Vec<At<String>>>,
}

/// The configuration of lint; `L` is how much a rule counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config<L> {
    /// The rules that count otherwise than they do by themselves, by their codes.
    pub rules: BTreeMap<String, L>,
    /// Patterns of paths from the folder on, in parts.
    exclude: Vec<Vec<String>>,
    folder: PathBuf,
}

impl<L: Copy> Config<L> {
    /// Reads a file. These rules are known, and these words for how much one counts.
    ///
    /// # Errors
    /// All that is wrong with it, or why it cannot be read.
    pub fn open(path: &Path, codes: &[&str], levels: &[(&str, L)]) -> Result<Config<L>, Diagnostics> {
        read_file(path, |file: ConfigFile, cx: &mut Reading<'_>| {
            let lint = file.lint.map(|lint| lint.value).unwrap_or_default();
            let written = cx.root.child("lint").and_then(|lint| lint.child("rules")).filter(|_| lint.rules.is_some());
            let patterns = lint.exclude.map_or_else(Vec::new, |list| list.value);
            Config {
                rules: written.map(|node| rules(node, codes, levels, &mut cx.problems)).unwrap_or_default(),
                exclude: patterns.iter().filter_map(|at| pattern(at, &mut cx.problems)).collect(),
                folder: path.parent().map_or_else(PathBuf::new, Path::to_owned),
            }
        })
    }

    /// True for a file that is left out.
    #[must_use]
    pub fn excludes(&self, file: &Path) -> bool {
        // The two may be written differently.
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let (Ok(folder), Ok(file)) = (folder.canonicalize(), file.canonicalize()) else { return false };
        let Ok(inside) = file.strip_prefix(folder) else { return false };
        let parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        self.exclude.iter().any(|pattern| leads_to(pattern, &parts))
    }
}

fn rules<L: Copy>(
    node: &Node,
    codes: &[&str],
    levels: &[(&str, L)],
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, L> {
    let mut rules = BTreeMap::new();
    let Value::Map(entries) = &node.value else {
        let message = "expected a map of rules, each with how much it counts";
        problems.push(Problem::new(Code::WrongType, node.place, message).help("for example `rules: { EK014: off }`"));
        return rules;
    };
    let words: Vec<&str> = levels.iter().map(|(word, _)| *word).collect();
    for entry in entries {
        let word = match &entry.value.value {
            Value::Text(word) => word.as_str(),
            // What YAML 1.1 makes of `off`.
            Value::Bool(false) => "false",
            _ => "",
        };
        let code = known("rule", &entry.key, codes, entry.key_place);
        let level = known("severity", word, &words, entry.value.place);
        match (code, level) {
            (Ok(code), Ok(word)) => {
                let level = levels.iter().find(|(known, _)| *known == word).map(|(_, level)| *level);
                rules.extend(level.map(|level| (code.to_owned(), level)));
            }
            (code, level) => problems.extend(code.err().into_iter().chain(level.err())),
        }
    }
    rules
}

/// The parts of a path that is left out.
fn pattern(at: &At<String>, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let path = Path::new(&at.value);
    let parts = path.components().filter(|part| *part != Component::CurDir).map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    });
    let parts = parts.collect::<Option<Vec<String>>>().filter(|parts| !parts.is_empty());
    if parts.is_none() {
        let message = format!("{} leads to nothing in the folder of this file", quoted(&at.value));
        let help = "write a path from that folder on: `k8s/legacy`, `k8s/*.generated.yaml`, `**/vendor`";
        problems.push(Problem::new(Code::Unreadable, at.place, message).help(help));
    }
    parts
}

/// True if a pattern is the path, or a folder around it. `**` is any number of folders, and `*` any part of a name.
fn leads_to(pattern: &[String], path: &[String]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return true };
    if first == "**" {
        return (0..=path.len()).any(|skipped| leads_to(rest, &path[skipped..]));
    }
    path.split_first().is_some_and(|(name, inside)| is_like(name, first) && leads_to(rest, inside))
}

/// True for a name that has the parts between the `*`s in their order.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut left) = name.strip_prefix(begin) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_folders_files_and_stars() {
        let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let is = |pattern: &str, path: &str| leads_to(&parts(pattern), &parts(path));
        assert!(is("k8s/legacy", "k8s/legacy/a.yaml") && is("k8s/a.yaml", "k8s/a.yaml"));
        assert!(!is("k8s/legacy", "k8s/legacy2/a.yaml") && !is("legacy", "k8s/legacy/a.yaml"));
        assert!(is("**/legacy", "k8s/legacy/a.yaml") && is("**/legacy", "legacy/a.yaml") && is("k8s/**", "k8s/a"));
        assert!(is("k8s/*.gen.yaml", "k8s/a.gen.yaml") && !is("k8s/*.gen.yaml", "k8s/b/a.gen.yaml"));
        assert!(is("a*b*c", "a-b-b-c") && is("*", "x") && !is("a*b*c", "ac") && !is("ab*ba", "aba"));
    }
}
