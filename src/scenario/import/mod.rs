//! Real manifests as scenarios: Kubernetes objects, meshes, gRPC's service config and load generators' command lines.
//!
//! Each value of the scenario has the place in the manifests that it comes from, so that what is wrong with it, and what lint finds,
//! is said of the manifest. What the manifests say and the scenario does not is listed ([`Remark`]), never dropped in silence. What
//! they cannot say (how long a call takes, how many there are) is a default, and the text that `evenkeel import` writes says so.

mod assemble;
mod build;
mod callers;
mod embedded;
mod envoy;
mod fields;
mod flags;
mod gateways;
mod hpa;
mod k6;
mod load;
mod mesh;
mod object;
mod retold;
mod routes;
mod service_config;
mod settings;
mod target;
mod text;
mod words;
mod workload;

use std::fmt;

use super::diagnostic::{Place, Problem, Source};
use super::effective::Assumed;
use super::linting::ignore::Note;
use super::meaning;
use super::rules::Code;
use super::yaml::tree::{Entry, Node, Value};
use object::{Field, Object};
use target::{Target, target};

pub(super) use object::is_manifest;
pub(super) use retold::in_words_of;
pub(super) use text::written;

/// What becomes of a field of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It is not known.
    Unknown,
    /// It is not modelled, and the answer may miss something.
    Matters,
    /// It is in the scenario.
    Modelled,
    /// It has no bearing on which pod gets the traffic.
    NoBearing,
}

impl Class {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Class; 4] = [Class::Unknown, Class::Matters, Class::Modelled, Class::NoBearing];

    /// What a list of this class is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Class::Unknown => "Not known to evenkeel, and left out",
            Class::Matters => "Not modelled, and the answer may miss it",
            Class::Modelled => "Modelled",
            Class::NoBearing => "No bearing on which pod gets the traffic",
        }
    }
}

/// What becomes of one field, or of a whole object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What.
    pub class: Class,
    /// Kind and name of the object.
    pub object: String,
    /// Its keys with blanks between them; empty for the whole object.
    pub path: String,
    /// What the answer may miss.
    pub note: String,
    /// Where it stands.
    pub place: Place,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.object)?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path.replace(' ', "."))?;
        }
        if self.note.is_empty() { Ok(()) } else { write!(f, ": {}", self.note) }
    }
}

/// A scenario that was made of manifests.
#[derive(Clone, Debug)]
pub(super) struct Imported {
    pub root: Node,
    pub remarks: Vec<Remark>,
    /// Paths of what no manifest says.
    pub assumed: Vec<String>,
    /// By section and item: what is assumed there, and how to find out.
    pub hints: Vec<Hint>,
    /// What the objects of the scenario say of findings of lint.
    pub notes: Vec<Note>,
}

/// What is assumed of an item of a list, in lines.
#[derive(Clone, Debug)]
pub(super) struct Hint {
    pub section: &'static str,
    pub item: usize,
    pub lines: Vec<String>,
}

/// What an import knows and finds.
struct Cx<'a> {
    objects: &'a [Object],
    remarks: Vec<Remark>,
    problems: Vec<Problem>,
}

impl Cx<'_> {
    /// The name of an object as a value.
    fn name(&self, object: &Object) -> Node {
        let field = object.get(&["metadata", "name"]).or_else(|| object.get(&["metadata", "generateName"]));
        let place = field.map_or(object.root.place, |field| {
            field.read();
            field.place()
        });
        build::text(place, assemble::label(&object.name))
    }

    /// Says that a field is not modelled as it stands.
    fn matters(&mut self, object: &Object, field: Field<'_>, note: &str) {
        let path = path_to(object.field(), &|found| std::ptr::eq(found.node, field.node), "").unwrap_or_default();
        let (class, note) = (Class::Matters, note.to_owned());
        self.remarks.push(Remark { class, object: object.title(), path, note, place: field.place() });
    }

    /// Says that a whole object has no bearing.
    fn no_bearing(&mut self, object: &Object, note: &str) {
        let place = object.get(&["kind"]).map_or(object.root.place, Field::place);
        let (class, object, path) = (Class::NoBearing, object.title(), String::new());
        self.remarks.push(Remark { class, object, path, note: note.to_owned(), place });
    }

    fn problem(&mut self, place: Option<Place>, message: String, help: &str) {
        self.problems.push(Problem { place, ..Problem::nowhere(Code::Manifests, message).help(help) });
    }
}

/// The keys that lead to a value, below these ones.
fn path_to(from: Field<'_>, is_it: &dyn Fn(Field<'_>) -> bool, path: &str) -> Option<String> {
    if is_it(from) {
        return Some(path.to_owned());
    }
    let in_map = from.entries().find_map(|(key, field)| path_to(field, is_it, &fields::below(path, key)));
    in_map.or_else(|| from.items().find_map(|item| path_to(item, is_it, path)))
}

/// Makes a scenario of texts. It has this name, or that of the Service that it is about, which `service` names.
pub(super) fn import(sources: &[Source], name: &str, service: Option<&str>) -> Result<Imported, Vec<Problem>> {
    let mut problems = Vec::new();
    let (mut objects, mut tools, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (i, source) in sources.iter().enumerate() {
        let number = i as u32;
        match source.name.rsplit('.').next() {
            Some("sh") => {
                tools.extend(load::of_script(&source.text, number));
                notes.extend(Note::of_script(&source.text, number));
            }
            Some("toml") => objects.push(Object::new(embedded::toml(&source.text, number))),
            _ => objects.extend(object::objects(&source.text, number, &mut problems)),
        }
    }
    embedded::name_kinds(&mut objects, sources);
    let inner = embedded::in_config_maps(&objects);
    objects.extend(inner);
    workload::lend_templates(&mut objects);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut cx = Cx { objects: &objects, remarks: Vec::new(), problems };
    let Some(target) = target(&mut cx, service) else { return Err(cx.problems) };
    let (mut root, assumed, hints) = assemble::scenario(&mut cx, name, &target, tools);
    cx.problems.extend(objects.iter().flat_map(|object| object.seen.problems.take()));
    let parts = objects.iter().filter(|object| object.is_part.get());
    notes.extend(parts.flat_map(|object| Note::of_object(&object.root, &mut cx.problems)));
    if !cx.problems.is_empty() {
        return Err(cx.problems);
    }
    let mut said = cx.remarks;
    for (place, note) in take_out_what_has_no_effect(&mut root) {
        let of = |o: &Object| Some((o.title(), path_to(o.field(), &|found| found.place() == place, "")?));
        let (object, path) = objects.iter().find_map(of).unwrap_or_default();
        said.push(Remark { class: Class::Matters, object, path, note, place });
    }
    // What was said of a field counts more than what the tables say of it, or of what is in it.
    let counts_less = |r: &Remark, said: &Remark| {
        let same = r.path == said.path && r.place == said.place;
        let after = r.place.source == said.place.source && r.place.start >= said.place.start;
        let not_read = matches!(r.class, Class::Unknown | Class::Matters) || r.path.is_empty();
        r.object == said.object && (same || after && not_read && fields::leads_to(&said.path, &r.path))
    };
    let mut remarks = fields::remarks(&objects, &said);
    remarks.retain(|r| !said.iter().any(|said| counts_less(r, said)));
    remarks.extend(said);
    remarks.sort_by_key(|r| (r.class, r.place.source, r.place.start));
    Ok(Imported { root, remarks, assumed, hints, notes })
}

/// A manifest may hold what has no effect, and a scenario may not: that is taken out, and said. Where it stands, and why.
fn take_out_what_has_no_effect(root: &mut Node) -> Vec<(Place, String)> {
    const MOST: usize = 20;
    let mut out = Vec::new();
    for _ in 0..MOST {
        let Err((problems, _)) = meaning(&mut root.clone(), None, Assumed::default()) else { break };
        let without = problems.iter().find(|problem| problem.code == Code::NoEffect);
        let Some((place, message)) = without.and_then(|problem| Some((problem.place?, problem.message.clone()))) else {
            break;
        };
        if !take_out(root, place) {
            break;
        }
        out.push((place, message));
    }
    out
}

/// Takes out the outermost key that stands at a place, but for lists, which hold what must be there.
fn take_out(node: &mut Node, place: Place) -> bool {
    match &mut node.value {
        Value::Map(entries) => {
            let is_it = |e: &Entry| {
                (e.key_place == place || e.value.place == place) && !matches!(e.value.value, Value::List(_))
            };
            match entries.iter().position(is_it) {
                Some(i) if entries[i].key != "name" && entries[i].key != "load" => {
                    entries.remove(i);
                    true
                }
                _ => entries.iter_mut().any(|e| take_out(&mut e.value, place)),
            }
        }
        Value::List(items) => items.iter_mut().any(|item| take_out(item, place)),
        _ => false,
    }
}
