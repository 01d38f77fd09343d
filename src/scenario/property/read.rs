//! From a properties file to properties, with all that is wrong with it.

use std::path::Path;

use super::claim::{self, Claim, Holds};
use super::draw::{self, Draw};
use super::file::{ExpectedFile, PropertiesFile, PropertyFile, ScenarioRef};
use super::{Property, Side, Template};
use crate::model::{Comparison, Model};
use crate::printable;
use crate::scenario::MAX_BYTES;
use crate::scenario::diagnostic::{Diagnostics, MAX_SHOWN, Place, Problem, Source, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::input::{self, Beside, Text};
use crate::scenario::rules::Code;
use crate::scenario::yaml::tree::{Entry, Node, Value};
use crate::scenario::yaml::{read, set, tree, write};

/// The chance of a false refutation unless the file says otherwise.
const LEVEL: f64 = 0.01;
/// More than this is no level of a test.
const HIGHEST_LEVEL: f64 = 0.2;
/// Names are parts of scenario names, which have at most 63 letters.
const LONGEST_NAME: usize = 40;
const LONGEST_VARIANT: usize = 20;

/// Keys of a scenario that a property answers itself.
pub(in crate::scenario) const OF_THE_PROPERTY: [(&str, &str); 5] = [
    ("name", "it is the property's"),
    ("expect", "what is expected is the `claim`"),
    ("seed", "runs have seeds from `check --seed` on"),
    ("about", "the property has `says` and `learnt`"),
    ("story", "the property has `says` and `learnt`"),
];

/// Reads a properties file.
///
/// # Errors
/// All that is wrong with it, or why it cannot be read.
pub fn open(path: &Path) -> Result<Vec<Property>, Diagnostics> {
    let text = input::text_of(path, MAX_BYTES)?;
    parse(&printable::path(path), &text, Some(&Beside::file(path).folder))
}

/// Reads properties from a text; files that scenarios name are looked for in `base_dir`, and refused without one.
///
/// # Errors
/// All that is wrong with the text.
pub fn parse(name: &str, text: &str, base_dir: Option<&Path>) -> Result<Vec<Property>, Diagnostics> {
    let source = Source::new(name, text);
    let fail = |problems| Err(Diagnostics::new(vec![source.clone()], problems));
    let mut root = match tree::parse(text, 0, 0) {
        Ok(root) => root,
        Err(problem) => return fail(vec![*problem]),
    };
    if matches!(root.value, Value::Null) {
        return fail(vec![Problem::new(Code::Empty, root.place, "there is nothing in this file")]);
    }
    let mut problems = Vec::new();
    let written = root.clone();
    let file = read::read::<PropertiesFile>(&mut root, &mut problems);
    let Some(file) = file.filter(|_| problems.is_empty()) else { return fail(problems) };
    let list = file.properties.map_or(Vec::new(), |list| list.value);
    if list.is_empty() {
        let message = "there is no property in this file: it needs the key `properties`, a list";
        return fail(vec![Problem::new(Code::Missing, written.place, message)]);
    }
    let mut cx = Reader { sources: vec![source.clone()], beside: base_dir.map(Beside::new), problems, machine: false };
    let mut all: Vec<Property> = Vec::new();
    let nodes = written.child("properties");
    for (i, item) in list.into_iter().enumerate() {
        let Some(node) = nodes.and_then(|list| list.child(&i.to_string())) else { continue };
        let name_place = item.value.name.as_ref().map_or(item.place, |name| name.place);
        let Some(property) = cx.property(item, node) else { continue };
        if all.iter().any(|known| known.name == property.name) {
            cx.problem(Code::DuplicateName, name_place, format!("there are two properties {}", quoted(&property.name)));
        }
        all.push(property);
    }
    match cx.problems.is_empty() {
        true => Ok(all),
        false => Err(Diagnostics::new(cx.sources, cx.problems).set_machine(cx.machine)),
    }
}

struct Reader {
    /// The file of properties, then the scenario files that it names.
    sources: Vec<Source>,
    beside: Option<Beside>,
    problems: Vec<Problem>,
    machine: bool,
}

impl Reader {
    fn problem(&mut self, code: Code, place: Place, message: impl Into<String>) {
        self.problems.push(Problem::new(code, place, message));
    }

    fn property(&mut self, item: At<PropertyFile>, node: &Node) -> Option<Property> {
        let At { value: file, place } = item;
        let PropertyFile { name, says, learnt, scenario, draw, variants, claim, holds, level, expected } = file;
        let before = self.problems.len();
        let (name, says) = (required(self, name, "name", place), required(self, says, "says", place));
        let (claim, holds) = (required(self, claim, "claim", place), required(self, holds, "holds", place));
        let (scenario, draw) = (required(self, scenario, "scenario", place), required(self, draw, "draw", place));
        let (name, says, claim, holds) = (name?, says?.value, claim?, holds?);
        let name = self.name(name, "property", LONGEST_NAME);
        let holds = self.holds(holds)?;
        let (scenario, _) = (scenario?, draw?);
        let (root, beside) = match &scenario.value {
            ScenarioRef::Inline => (self.inline(node.child("scenario")?), self.beside.clone()),
            ScenarioRef::Path(path) => self.in_file(path, scenario.place)?,
        };
        let draws = self.draws(node.child("draw")?, &root);
        let level = self.level(level, holds);
        let template = Template { sources: self.sources.clone(), beside, root, claim: claim.place };
        let variants = node.child("variants").filter(|_| variants.is_some());
        let (comparison, sides) = self.sides(&claim, variants)?;
        let property = Property {
            name: name?,
            says: printable::lines(&says).into_owned(),
            learnt: learnt.map_or_else(String::new, |l| printable::lines(&l.value).into_owned()),
            draws,
            text: claim.value.split_whitespace().collect::<Vec<_>>().join(" "),
            claim: comparison,
            holds,
            level,
            expect_refuted: matches!(expected, Some(At { value: ExpectedFile::Refuted, .. })),
            sides,
            template,
        };
        if self.problems.len() > before {
            return None;
        }
        self.scenarios(&property);
        (self.problems.len() == before).then_some(property)
    }

    fn name(&mut self, name: At<String>, whose: &str, longest: usize) -> Option<String> {
        let At { value, place } = name;
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inner = |c: char| ok(c) || c == '-' || (c == '_' && whose == "variant");
        if value.len() <= longest && value.starts_with(ok) && value.ends_with(ok) && value.chars().all(inner) {
            return Some(value);
        }
        let more = if whose == "variant" { ", `-` and `_`" } else { " and `-`" };
        let help = format!("1 to {longest} lower-case letters, digits{more}, with a letter or digit at both ends");
        let message = format!("{} is not a name of a {whose}", quoted(&value));
        self.problems.push(Problem::new(Code::BadName, place, message).help(help));
        None
    }

    fn holds(&mut self, holds: At<String>) -> Option<Holds> {
        let read = claim::holds(&holds.value);
        read.map_err(|why| self.problem(Code::BadProperty, holds.place, why)).ok()
    }

    fn level(&mut self, level: Key<crate::scenario::quantity::Share>, holds: Holds) -> f64 {
        let Some(At { value, place }) = level else { return LEVEL };
        if holds == Holds::Always {
            self.problem(Code::NoEffect, place, "`level` has no effect on what holds always: one run refutes it");
        } else if !(value.0 > 0.0 && value.0 <= HIGHEST_LEVEL) {
            self.problem(Code::OutOfRange, place, "`level` must be above 0% and at most 20%");
        }
        value.0
    }

    /// A scenario file, without what a property has no use for, and its folder.
    fn in_file(&mut self, path: &str, place: Place) -> Option<(Node, Option<Beside>)> {
        let Some(beside) = &self.beside else {
            let message = "a scenario file is looked for beside the file of properties, and there is none";
            self.problem(Code::BadProperty, place, message);
            return None;
        };
        let number = self.sources.len() as u32;
        let text = match beside.read(path, MAX_BYTES) {
            Ok(Text { text, .. }) => text,
            Err(failure) => {
                self.problem(failure.code, place, failure.message);
                self.machine |= failure.machine;
                return None;
            }
        };
        let path = beside.folder.join(path);
        self.sources.push(Source::new(&printable::path(&path), &text));
        let mut root = tree::parse(&text, number, 0).map_err(|problem| self.problems.push(*problem)).ok()?;
        let Value::Map(entries) = &mut root.value else {
            self.problem(Code::WrongType, root.place, "a scenario is a map of keys");
            return None;
        };
        entries.retain(|e| !OF_THE_PROPERTY.iter().any(|(key, _)| e.key == *key));
        Some((root, Some(Beside::file(&path))))
    }

    /// A scenario that stands here, and has none of what it has no use for.
    fn inline(&mut self, root: &Node) -> Node {
        let Value::Map(entries) = &root.value else { return root.clone() };
        for Entry { key, key_place, .. } in entries {
            if let Some((_, why)) = OF_THE_PROPERTY.iter().find(|(known, _)| known == key) {
                let message = format!("`{key}` has no effect in a property's scenario: {why}");
                self.problem(Code::NoEffect, *key_place, message);
            }
        }
        root.clone()
    }

    fn draws(&mut self, node: &Node, scenario: &Node) -> Vec<Draw> {
        let Value::Map(entries) = &node.value else {
            self.problem(Code::WrongType, node.place, "expected a map of paths, each with its values");
            return Vec::new();
        };
        if entries.is_empty() {
            self.problem(Code::EmptyList, node.place, "`draw` is empty, and must have at least one path");
        }
        let mut draws = Vec::new();
        for Entry { key, key_place, value } in entries {
            match draw::values(value) {
                Ok((values, is_range)) => {
                    let default = at_path(scenario, key).map_or_else(String::new, write::flow);
                    draws.push(Draw { path: key.clone(), values, default, is_range, place: *key_place });
                }
                Err(why) => self.problem(Code::BadProperty, value.place, why),
            }
        }
        draws
    }

    fn sides(&mut self, claim: &At<String>, variants: Option<&Node>) -> Option<(Claim, Vec<Side>)> {
        let Some(node) = variants else {
            let line = claim.value.clone();
            let side = Side { name: String::new(), sets: Vec::new(), places: Vec::new(), line };
            return Some((Claim::Line, vec![side]));
        };
        let two = match &node.value {
            Value::Map(entries) => <&[Entry; 2]>::try_from(entries.as_slice()).ok(),
            _ => None,
        };
        let Some(two) = two else {
            self.problem(Code::BadProperty, node.place, "a claim is between two variants: name two here");
            return None;
        };
        let mut changed: Vec<(Vec<String>, Vec<Place>)> = Vec::new();
        for Entry { key, key_place, value } in two {
            self.name(At { value: key.clone(), place: *key_place }, "variant", LONGEST_VARIANT);
            match &value.value {
                Value::Map(changes) => {
                    let set = |c: &Entry| (format!("{}={}", c.key, write::flow(&c.value)), c.key_place);
                    changed.push(changes.iter().map(set).unzip());
                }
                Value::Null => changed.push((Vec::new(), Vec::new())),
                _ => self.problem(Code::WrongType, value.place, "expected a map of paths, each with its value"),
            }
        }
        let names = [two[0].key.clone(), two[1].key.clone()];
        let read = claim::between(&claim.value, &names);
        let read = read.map_err(|why| self.problem(Code::BadProperty, claim.place, why)).ok()?;
        let side = |(variant, line): (usize, String)| {
            let (sets, places) = changed.get(variant)?.clone();
            Some(Side { name: names.get(variant)?.clone(), sets, places, line })
        };
        let sides: Option<Vec<Side>> = read.lines.into_iter().map(side).collect();
        Some((read.claim, sides?))
    }

    /// Whether the scenarios can be read: as they are written, and with each value alone.
    fn scenarios(&mut self, property: &Property) {
        let none = vec![None; property.draws.len()];
        for side in 0..property.sides.len() {
            match property.load(side, &none) {
                Ok(loaded) => self.averages(property, &loaded.model),
                Err(wrong) => self.problems.extend(wrong.problems().iter().cloned()),
            }
        }
        if !self.problems.is_empty() {
            return;
        }
        for (i, draw) in property.draws.iter().enumerate() {
            let last = draw.values.len() as u32 - 1;
            let values: Vec<u32> = if draw.is_range { vec![0, last] } else { (0..=last).collect() };
            for value in values {
                let mut drawn = none.clone();
                drawn[i] = Some(value);
                let Err(wrong) = property.load(0, &drawn) else { continue };
                // What does not go with other values of the scenario may go with others that are drawn.
                let own = |p: &&Problem| !p.code.is_of_several();
                let before = self.problems.len();
                self.problems.extend(wrong.problems().iter().filter(own).take(MAX_SHOWN).cloned());
                if self.problems.len() > before {
                    break;
                }
            }
        }
    }

    /// What has no average is refused.
    fn averages(&mut self, property: &Property, model: &Model) {
        let Some(line) = model.expect.first().filter(|_| property.holds == Holds::OnAverage) else { return };
        let place = property.template.claim;
        if matches!(line.op, Comparison::Equal | Comparison::NotEqual) {
            self.problem(Code::Contradiction, place, "`on average` needs <, <=, > or >=");
        }
        if line.path.first().is_some_and(|step| step == "time_to_balance") {
            let message =
                "a time to balance has no average, since balance may never come: write `always` or `in 95% of runs`";
            self.problem(Code::Contradiction, place, message);
        }
    }
}

fn required<T>(cx: &mut Reader, key: Key<T>, name: &str, place: Place) -> Option<At<T>> {
    if key.is_none() {
        cx.problem(Code::Missing, place, format!("the property needs the key `{name}`"));
    }
    key
}

/// What stands at a path of `--set`.
fn at_path<'a>(root: &'a Node, path: &str) -> Option<&'a Node> {
    set::steps(path).try_fold(root, |node, (_, step)| match &node.value {
        Value::List(items) => {
            let named =
                |item: &&Node| matches!(item.child("name").map(|n| &n.value), Some(Value::Text(n)) if n == step);
            items.iter().find(named).or_else(|| node.child(step))
        }
        _ => node.child(step),
    })
}
