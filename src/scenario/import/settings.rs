//! What the containers of a workload are told: flags, variables of the environment, and what of them stands in ConfigMaps.

use super::object::{Field, Object};
use super::words;

/// One flag or variable, or a word of a command line that is neither.
pub(super) struct Setting<'a> {
    /// Without what marks a flag; empty for a word.
    pub name: String,
    pub value: String,
    /// The value in the manifest.
    pub field: Field<'a>,
    /// The flag, where its value is the word after it.
    flag: Option<Field<'a>>,
}

impl Setting<'_> {
    /// Remembers that it was read.
    pub(super) fn read(&self) {
        self.field.read();
        self.flag.into_iter().for_each(Field::read);
    }
}

/// What a container is told. ConfigMaps that it takes variables from become part of the scenario.
pub(super) fn of_container<'a>(objects: &'a [Object], container: Field<'a>) -> Vec<Setting<'a>> {
    let mut all = Vec::new();
    of_command(&[container.list("command"), container.list("args")].concat(), &mut all);
    for variable in container.list("env") {
        let name = variable.get(&["name"]).and_then(|name| name.peek()).unwrap_or_default();
        if let Some(field) = variable.get(&["value"]) {
            of_variable(&name, field, &mut all);
        }
        if let Some(of) = variable.get(&["valueFrom", "configMapKeyRef"]) {
            let found = in_config_map(objects, of.get(&["name"]), of.get(&["key"]));
            found.into_iter().for_each(|(_, field)| of_variable(&name, field, &mut all));
        }
    }
    for from in container.list("envFrom") {
        let prefix = from.get(&["prefix"]).and_then(Field::text).unwrap_or_default();
        let found = from.get(&["configMapRef"]).map(|of| in_config_map(objects, of.get(&["name"]), None));
        for (key, field) in found.into_iter().flatten() {
            of_variable(&format!("{prefix}{key}"), field, &mut all);
        }
    }
    all
}

fn in_config_map<'a>(
    objects: &'a [Object],
    name: Option<Field<'a>>,
    key: Option<Field<'a>>,
) -> Vec<(&'a str, Field<'a>)> {
    let (name, key) = (name.and_then(Field::text), key.and_then(Field::text));
    let map = objects.iter().find(|o| o.kind == "ConfigMap" && name.as_deref() == Some(&o.name));
    let data = map.and_then(|map| map.takes_part().get(&["data"])).into_iter().flat_map(Field::entries);
    data.filter(|(k, _)| key.as_deref().is_none_or(|key| key == *k)).collect()
}

/// `--flag=value`, `--flag value`, and the words of a script for a shell.
fn of_command<'a>(words: &[Field<'a>], all: &mut Vec<Setting<'a>>) {
    for (i, field) in words.iter().enumerate() {
        let Some(text) = field.peek() else { continue };
        let (field, flag) = (*field, None);
        if text.contains(char::is_whitespace) {
            words::commands(&text).iter().for_each(|line| of_line(line, field, all));
        }
        let setting = match (flag_of(&text), words.get(i + 1)) {
            (Some((name, Some(value))), _) => Setting { name, value, field, flag },
            (Some((name, None)), Some(next)) => {
                let value = next.peek().unwrap_or_default();
                Setting { name, value, field: *next, flag: Some(field) }
            }
            _ => Setting { name: String::new(), value: text, field, flag },
        };
        all.push(setting);
    }
}

/// A variable; some (`JAVA_OPTS`) hold flags.
fn of_variable<'a>(name: &str, field: Field<'a>, all: &mut Vec<Setting<'a>>) {
    let Some(value) = field.peek() else { return };
    if value.trim_start().starts_with('-') {
        of_line(&words::split(&value), field, all);
    }
    all.push(Setting { name: name.to_owned(), value, field, flag: None });
}

/// The flags of a line that stands in one value.
fn of_line<'a>(line: &[String], field: Field<'a>, all: &mut Vec<Setting<'a>>) {
    for (i, word) in line.iter().enumerate() {
        let Some((name, value)) = flag_of(word) else { continue };
        let Some(value) = value.or_else(|| line.get(i + 1).cloned()) else { continue };
        all.push(Setting { name, value, field, flag: None });
    }
}

/// The name of a flag, and its value if that is joined to it: `--name=value`, `-name`, Java's `-Dname=value`.
fn flag_of(word: &str) -> Option<(String, Option<String>)> {
    let flag = word.strip_prefix('-').map(|flag| flag.trim_start_matches('-')).filter(|flag| !flag.is_empty())?;
    let flag = flag.strip_prefix('D').filter(|_| word.starts_with("-D")).unwrap_or(flag);
    let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
    (!name.contains(char::is_whitespace)).then(|| (name.to_owned(), value))
}
