//! What is written, and what it means: scenario files are read, checked with all their errors, and become a
//! [`Model`].

pub mod alerts;
mod check;
pub mod diagnostic;
pub mod document;
pub mod effective;
pub mod file;
pub mod import;
mod input;
pub mod linting;
pub mod property;
pub mod quantity;
pub mod rules;
pub mod schema;
pub mod vary;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::Model;
use diagnostic::{Diagnostics, Problem};
use document::Document;
use effective::{Assumed, EffectiveValue};
use file::ScenarioFile;
use input::Beside;
pub use input::hash;
use rules::Code;

/// A commented scenario to start from: what `evenkeel init` writes.
pub const STARTER: &str = include_str!("starter.yaml");

/// The largest scenario file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A scenario, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it means.
    pub model: Model,
    /// Every value in force, and where it comes from.
    pub effective: Vec<EffectiveValue>,
    /// Hash of what it means: 16 hexadecimal digits, the same however it is written; without name, about and seed.
    pub scenario_hash: String,
    /// Hash of the contents of each CSV file that it names, by the path that is written: 16 hexadecimal digits.
    pub files: BTreeMap<String, String>,
}

/// Reads a text that is no scenario, of at most `max_bytes`.
///
/// # Errors
/// Why it cannot be read, or is none.
pub fn read_text(path: &Path, max_bytes: u64) -> Result<String, Diagnostics> {
    input::text_of(path, max_bytes)
}

/// Reads a scenario file; `sets` are `PATH=VALUE` overrides, applied in order.
///
/// # Errors
/// All that is wrong with the file, or why it cannot be read ([`Diagnostics::is_machine_failure`]).
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, Diagnostics> {
    Document::open(path, sets, None)?.load(&[])
}

/// Reads a scenario from a text. `name_for_messages` stands where a path would; CSV files are looked for in `base_dir`, and
/// refused without one.
///
/// # Errors
/// All that is wrong with the text.
pub fn parse(
    name_for_messages: &str,
    text: &str,
    base_dir: Option<&Path>,
    sets: &[String],
) -> Result<Loaded, Diagnostics> {
    Document::embedded(name_for_messages, text, sets).beside(base_dir).load(&[])
}

/// What a tree means; or what is wrong with it, and whether the machine failed.
/// Paths of `assumed` are not the user's.
fn meaning(
    root: &mut yaml::tree::Node,
    beside: Option<&Beside>,
    assumed: Assumed<'_>,
) -> Result<Loaded, (Vec<Problem>, bool)> {
    let mut problems = Vec::new();
    let written = root.clone();
    let Some(file) = yaml::read::read::<ScenarioFile>(root, &mut problems) else { return Err((problems, false)) };
    let damaged = !problems.is_empty();
    let mut cx = check::Check { beside, files: BTreeMap::new(), problems, machine: false, damaged };
    match check::check(&mut cx, file, root.place) {
        Some(model) => {
            let effective = effective::values(&model, &written, assumed);
            let scenario_hash = effective::hash(&effective);
            Ok(Loaded { model, effective, scenario_hash, files: cx.files })
        }
        None => Err((cx.problems, cx.machine)),
    }
}

/// The YAML tree of a scenario.
fn tree(text: &str, problems: &mut Vec<Problem>) -> Option<yaml::tree::Node> {
    if text.len() as u64 > MAX_BYTES {
        problems.push(Problem::nowhere(Code::TooLarge, format!("the scenario is larger than {} MiB", MAX_BYTES >> 20)));
        return None;
    }
    match yaml::tree::parse(text, 0, 0) {
        Ok(root) if matches!(root.value, yaml::tree::Value::Null) => {
            let problem = Problem::new(Code::Empty, root.place, "there is nothing in this file");
            problems.push(problem.help("`evenkeel init` writes a scenario to start from"));
            None
        }
        Ok(root) => Some(root),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}
