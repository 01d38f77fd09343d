//! Real manifests as scenarios: Kubernetes objects, meshes, gRPC's service config and load generators' command lines.
//!
//! Each value of the scenario has the place in the manifests that it comes from, so that what is wrong with it, and what lint finds,
//! is said of the manifest. What the manifests say and the scenario does not is listed ([`Remark`]), never dropped in silence. What
//! they cannot say (how long a call takes, how many there are) is a default, and the text that `evenkeel import` writes says so.

mod build;
mod callers;
mod envoy;
mod fields;
mod load;
mod mesh;
mod object;
mod service_config;
mod target;
mod text;
mod words;
mod workload;

use std::fmt;

use super::diagnostic::{Place, Problem, Source, quoted};
use super::effective::Assumed;
use super::linting::ignore::Note;
use super::meaning;
use super::rules::Code;
use super::yaml::tree::{Entry, Node, Value};
use build::Map;
use object::{Field, Object};
use target::{Target, target};

pub(super) use object::is_manifest;
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
        build::text(place, label(&object.name))
    }

    /// Says that a field is not modelled as it stands.
    fn matters(&mut self, object: &Object, field: Field<'_>, note: &str) {
        let path = path_to(object.field(), &|found| std::ptr::eq(found.node, field.node), "").unwrap_or_default();
        let (class, note) = (Class::Matters, note.to_owned());
        self.remarks.push(Remark { class, object: object.title(), path, note, place: field.place() });
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
        if source.name.ends_with(".sh") {
            tools.extend(load::of_script(&source.text, i as u32));
            notes.extend(Note::of_script(&source.text, i as u32));
        } else {
            objects.extend(object::objects(&source.text, i as u32, &mut problems));
        }
    }
    let inner = envoy::in_config_maps(&objects);
    objects.extend(inner);
    for object in objects.iter_mut().filter(|object| object.kind.is_empty()) {
        if service_config::is_config(object) {
            service_config::KIND.clone_into(&mut object.kind);
        } else if envoy::is_bootstrap(object) {
            envoy::KIND.clone_into(&mut object.kind);
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut cx = Cx { objects: &objects, remarks: Vec::new(), problems };
    let Some(target) = target(&mut cx, service) else { return Err(cx.problems) };
    let (mut root, assumed, hints) = scenario(&mut cx, name, &target, tools);
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
    let mut remarks = fields::remarks(&objects);
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

/// The workloads whose pods a Service selects.
fn servers<'a>(cx: &Cx<'a>, service: &Object) -> Vec<&'a Object> {
    let Some(selector) = service.get(&["spec", "selector"]) else { return Vec::new() };
    let alike = |o: &Object| match (o.namespace(), service.namespace()) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let is_one = |o: &&Object| o.is_workload() && alike(o) && o.has_labels(selector) && !callers::is_owned(cx, o);
    cx.objects.iter().filter(is_one).collect()
}

fn scenario(
    cx: &mut Cx<'_>,
    name: &str,
    target: &Target<'_>,
    tools: Vec<load::Tool>,
) -> (Node, Vec<String>, Vec<Hint>) {
    let service = target.service;
    let place = service.root.place;
    let servers = servers(cx, service);
    servers.iter().for_each(|server| _ = server.takes_part());
    if servers.is_empty() {
        let at = service.get(&["spec", "selector"]).map_or(place, Field::place);
        cx.problem(
            Some(at),
            format!("no workload of this input has the labels that Service {} selects", quoted(&service.name)),
            "add the Deployment (or StatefulSet, or Rollout) to the input",
        );
    }
    let affinity = service.get(&["spec", "sessionAffinity"]);
    if let Some(field) = affinity.filter(|field| field.text().is_some_and(|text| text != "None")) {
        cx.matters(service, field, "all connections of a client go to one pod; here each goes to any");
    }
    let mut root = Map::new(place);
    let of_folder = label(name);
    root.put("name", if of_folder.is_empty() { cx.name(service) } else { build::text(place, of_folder) });
    let (mut hints, mut assumed) = (Vec::new(), Vec::new());
    let made: Vec<Node> = servers.iter().map(|object| workload::server(cx, object)).collect();
    for (item, object) in servers.iter().enumerate() {
        hints.push(Hint { section: "servers", item, lines: text::of_server(object, service) });
    }
    let clients = callers::clients(cx, target, &servers, tools);
    // A load that ends by itself is an experiment that is complete.
    let event = workload::rollout(&servers, &made).filter(|_| !clients.assumed.is_empty() && !clients.ends);
    assumed.extend(clients.assumed.iter().cloned());
    if !clients.ends {
        let usual = event.as_ref().map_or_else(|| "5m".to_owned(), |(_, duration)| duration.to_string());
        let duration = clients.duration.clone().filter(|_| clients.assumed.is_empty());
        if duration.is_none() {
            assumed.push("duration".to_owned());
        }
        root.put("duration", duration.unwrap_or_else(|| build::text(place, usual)));
        if !clients.assumed.is_empty() {
            assumed.push("warmup".to_owned());
            root.put("warmup", build::text(place, "30s"));
        }
    }
    if target.headless {
        let field = service.get(&["spec", "clusterIP"]).map_or(place, Field::place);
        root.put("service", build::one("type", build::text(field, "Headless")));
    }
    root.put("servers", build::list(place, made));
    hints.extend(clients.hints);
    root.put("clients", build::list(place, clients.nodes));
    if let Some((action, _)) = event {
        assumed.push("timeline".to_owned());
        root.put("timeline", build::list(place, vec![action]));
    }
    let mut root = root.node();
    unique_names(&mut root);
    (root, assumed, hints)
}

/// Two workloads of one name (in two namespaces, say) get a number.
fn unique_names(root: &mut Node) {
    let mut taken = std::collections::BTreeSet::new();
    let Value::Map(sections) = &mut root.value else { return };
    for section in sections.iter_mut().filter(|e| e.key == "servers" || e.key == "clients") {
        let Value::List(items) = &mut section.value.value else { continue };
        for item in items {
            let Value::Map(entries) = &mut item.value else { continue };
            let Some(Value::Text(name)) = entries.iter_mut().find(|e| e.key == "name").map(|e| &mut e.value.value)
            else {
                continue;
            };
            let (first, mut number) = (name.clone(), 2);
            while !taken.insert(name.clone()) {
                *name = format!("{first}-{number}");
                number += 1;
            }
        }
    }
}

/// What a DNS label can hold of a name.
fn label(name: &str) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let label: String = name.chars().map(part).take(63).collect();
    label.trim_matches('-').to_owned()
}
