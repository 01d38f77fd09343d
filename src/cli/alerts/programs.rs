//! Prometheus' programs: where they are, and what promtool does.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::guarded::Guarded;
use super::scratch::Scratch;
use super::wrong;
use crate::cli::failure::Failure;
use crate::printable;
use crate::scenario::alerts::{Rule, RuleFile};
use crate::scenario::diagnostic::quoted;

/// Where the programs are.
pub(crate) struct Programs {
    pub prometheus: PathBuf,
    promtool: PathBuf,
}

impl Programs {
    /// Looks for them in a folder, or else in those of `PATH`.
    pub(crate) fn find(folder: Option<&Path>) -> Result<Programs, Failure> {
        let program = |name: &str| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            if let Some(folder) = folder {
                let here = folder.join(&name);
                let folder = quoted(&printable::path(folder));
                let missing = || Failure::Usage(format!("there is no program `{name}` in {folder} (--prometheus-dir)"));
                return here.is_file().then_some(here).ok_or_else(missing);
            }
            let path = std::env::var_os("PATH").unwrap_or_default();
            let found = std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file());
            found.ok_or_else(|| {
                Failure::Machine(format!(
                    "there is no program `{name}` in the folders of PATH; alerts need Prometheus 2.39 or later, with promtool: install it (Debian's \
                     package `prometheus`, or https://prometheus.io/download), or name its folder with --prometheus-dir"
                ))
            })
        };
        Ok(Programs { prometheus: program("prometheus")?, promtool: program("promtool")? })
    }

    /// Has promtool read the expressions, before anything is simulated.
    pub(crate) fn check(&self, file: &RuleFile, scratch: &Scratch) -> Result<(), Failure> {
        let alerts = file.alerts.iter().map(|alert| ("alert", &alert.rule));
        let rules: Vec<(&str, &Rule)> = file.records.iter().map(|rule| ("record", rule)).chain(alerts).collect();
        // A group per rule, whose name is the rule's number: messages name it.
        let group = |(i, (kind, rule)): (usize, &(&str, &Rule))| {
            let (kind, name, expr) = (*kind, &rule.name, &rule.expr);
            json!({ "name": i.to_string(), "rules": [{ kind: name, "expr": expr }] })
        };
        let groups: Vec<_> = rules.iter().enumerate().map(group).collect();
        let checked = scratch.path("rules.yml");
        super::written(&checked, |to| to.write_all(json!({ "groups": groups }).to_string().as_bytes()))?;
        let arguments = ["check", "rules", &checked.to_string_lossy()];
        let (status, said) = Guarded::start(scratch, "checked", &self.promtool, &arguments)?.finish()?;
        if status.success() {
            return Ok(());
        }
        let about = |line: &str| {
            let (_, rest) = line.split_once("group \"")?;
            let (number, rest) = rest.split_once('"')?;
            let (_, rule) = rules.get(number.parse::<usize>().ok()?)?;
            let why = rest.split_once("could not parse expression: ").map_or(rest, |(_, why)| why);
            Some(wrong(rule, &format!("in its expression: {why}")))
        };
        let unknown = || Failure::Machine(format!("promtool cannot check the rules: {said}"));
        Err(said.lines().find_map(about).unwrap_or_else(unknown))
    }

    /// Has promtool make blocks of a file with samples, which is removed.
    pub(crate) fn backfill(&self, file: &Path, scratch: &Scratch) -> Result<(), Failure> {
        let (from, to) = (file.to_string_lossy(), scratch.data());
        let arguments = ["tsdb", "create-blocks-from", "--quiet", "openmetrics", &from, &to.to_string_lossy()];
        let said = format!("{}.txt", file.file_name().unwrap_or_default().to_string_lossy());
        let (status, said) = Guarded::start(scratch, &said, &self.promtool, &arguments)?.finish()?;
        if !status.success() {
            return Err(Failure::Machine(format!("promtool cannot make blocks: {said}")));
        }
        let cannot = |error| Failure::Machine(format!("cannot remove {}: {error}", file.display()));
        std::fs::remove_file(file).map_err(cannot)
    }
}
