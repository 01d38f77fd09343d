//! Properties files: claims over scenarios that are drawn at random, read with positions and all their errors.

mod claim;
mod draw;
pub(super) mod file;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use claim::{Claim, Holds};
pub use draw::Draw;
pub(super) use read::OF_THE_PROPERTY;
pub use read::{open, parse};

use super::diagnostic::{Diagnostics, Place, Problem, Source};
use super::effective::Assumed;
use super::input::Beside;
use super::yaml::tree::{Entry, Node, Value};
use super::yaml::{set, write};
use super::{Loaded, meaning};

/// A claim over scenarios that are drawn at random.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its name, which files are called by.
    pub name: String,
    /// The claim in words.
    pub says: String,
    /// What is learnt from its outcome, or empty.
    pub learnt: String,
    /// What is drawn; at least one key.
    pub draws: Vec<Draw>,
    /// The claim as written.
    pub text: String,
    /// What it compares.
    pub claim: Claim,
    /// How often it holds.
    pub holds: Holds,
    /// The most that the chance of a refutation may be if the claim is true; of no meaning for [`Holds::Always`].
    pub level: f64,
    /// True if the claim is known to be false.
    pub expect_refuted: bool,
    /// One without variants, else those of the claim in its order.
    pub sides: Vec<Side>,
    template: Template,
}

/// One of the scenarios that a claim compares.
#[derive(Clone, Debug)]
pub struct Side {
    /// The variant's name; empty without variants.
    pub name: String,
    /// What the variant changes, as `--set` writes it.
    pub sets: Vec<String>,
    /// Where each stands.
    places: Vec<Place>,
    /// A line of `expect` that gives the figure.
    line: String,
}

/// A value of each [`Draw`], by its place in the list; `None`: as in the scenario.
pub type Drawn = [Option<u32>];

/// The scenario that draws change.
#[derive(Clone, Debug)]
struct Template {
    /// The file of properties, then scenario files; places count them.
    sources: Vec<Source>,
    beside: Option<Beside>,
    root: Node,
    claim: Place,
}

impl Property {
    /// What the scenario of a side means with these values, seed 1 unless it says otherwise.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(&self, side: usize, drawn: &Drawn) -> Result<Loaded, Diagnostics> {
        let fail = |problems| Diagnostics::new(self.template.sources.clone(), problems);
        let mut root = self.tree(side, drawn).map_err(|problem| fail(vec![*problem]))?;
        let line = self.sides.get(side).map_or("", |side| &side.line);
        put(&mut root, "expect", text_list(line, self.template.claim));
        meaning(&mut root, self.template.beside.as_ref(), Assumed::default())
            .map_err(|(problems, machine)| fail(problems).set_machine(machine))
    }

    /// The scenario of a side with these values and this seed as a file. One that is alone expects the claim.
    #[must_use]
    pub fn scenario_text(&self, side: usize, drawn: &Drawn, seed: u64) -> String {
        let Ok(mut root) = self.tree(side, drawn) else { return String::new() };
        let place = self.template.claim;
        let seed = Node { place, value: Value::Int(seed.into()), damaged: false };
        put(&mut root, "seed", seed);
        if let Some(beside) = &self.template.beside {
            anchor(&mut root, &beside.folder);
        }
        if self.claim == Claim::Line {
            put(&mut root, "expect", text_list(&self.text, place));
        }
        write::block(&root, 0)
    }

    /// The values that are not those of the scenario as it is written, as `--set` writes them.
    #[must_use]
    pub fn sets(&self, drawn: &Drawn) -> Vec<String> {
        self.changed(drawn).map(|(draw, value)| format!("{}={value}", draw.path)).collect()
    }

    /// The name of a side's scenario.
    #[must_use]
    pub fn scenario_name(&self, side: usize) -> String {
        match self.sides.get(side) {
            Some(side) if !side.name.is_empty() => format!("{}-{}", self.name, side.name.replace('_', "-")),
            _ => self.name.clone(),
        }
    }

    fn changed<'a>(&'a self, drawn: &'a Drawn) -> impl Iterator<Item = (&'a Draw, &'a str)> {
        let pairs = self.draws.iter().zip(drawn);
        pairs.filter_map(|(draw, value)| Some((draw, draw.values.get((*value)? as usize)?.as_str())))
    }

    fn tree(&self, side: usize, drawn: &Drawn) -> Result<Node, Box<Problem>> {
        let mut root = self.template.root.clone();
        let text = |text: String| Node { place: root.place, value: Value::Text(text), damaged: false };
        let name = text(self.scenario_name(side));
        if let Value::Map(entries) = &mut root.value {
            let entry = Entry { key: "name".to_owned(), key_place: root.place, value: name };
            entries.insert(0, entry);
        }
        for (draw, value) in self.changed(drawn) {
            set_at(&mut root, &format!("{}={value}", draw.path), draw.place)?;
        }
        for (set, place) in self.sides.get(side).into_iter().flat_map(|side| side.sets.iter().zip(&side.places)) {
            set_at(&mut root, set, *place)?;
        }
        Ok(root)
    }
}

/// Applies what `--set` would write, as if it stood at `place`.
fn set_at(root: &mut Node, set: &str, place: Place) -> Result<(), Box<Problem>> {
    /// No source has this number.
    const HERE: u32 = u32::MAX;
    set::apply(root, set, HERE).map_err(|mut problem| {
        problem.place = Some(place);
        problem
    })?;
    relocate(root, HERE, place);
    Ok(())
}

fn relocate(node: &mut Node, from: u32, to: Place) {
    let moved = |place: &mut Place| {
        if place.source == from {
            *place = to;
        }
    };
    moved(&mut node.place);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, from, to)),
        Value::Map(entries) => {
            for e in entries {
                moved(&mut e.key_place);
                relocate(&mut e.value, from, to);
            }
        }
        _ => {}
    }
}

/// Sets a key of the outermost map.
fn put(root: &mut Node, key: &str, value: Node) {
    if let Value::Map(entries) = &mut root.value {
        entries.retain(|e| e.key != key);
        entries.push(Entry { key: key.to_owned(), key_place: value.place, value });
    }
}

/// CSV files are looked for beside a scenario, which is written elsewhere: their paths become absolute.
fn anchor(node: &mut Node, folder: &Path) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| anchor(item, folder)),
        Value::Map(entries) => {
            for Entry { key, value, .. } in entries {
                match &mut value.value {
                    Value::Text(path) if key == "trace" || key == "empirical" => {
                        let absolute = std::path::absolute(folder.join(&*path));
                        *path = absolute.map_or_else(|_| path.clone(), |p| p.display().to_string());
                    }
                    _ => anchor(value, folder),
                }
            }
        }
        _ => {}
    }
}

fn text_list(line: &str, place: Place) -> Node {
    let text = Node { place, value: Value::Text(line.to_owned()), damaged: false };
    Node { place, value: Value::List(vec![text]), damaged: false }
}
