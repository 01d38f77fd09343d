//! `--set PATH=VALUE`: a change of the tree before it is read, so that it is checked as if it stood in the file.

use super::tree::{Entry, MAX_DEPTH, Node, Value, parse};
use crate::scenario::diagnostic::{Place, Problem, nearest, quoted};
use crate::scenario::rules::Code;

/// Applies one `--set`; `source` is its number among the sources of messages.
pub(in crate::scenario) fn apply(root: &mut Node, argument: &str, source: u32) -> Result<(), Box<Problem>> {
    let all = Place { source, start: 0, end: argument.len() };
    let form = "write `--set PATH=VALUE`, for example `--set clients.0.policy=round_robin`";
    let Some((path, value)) = argument.split_once('=') else {
        return Err(bad(all, format!("{} has no `=`", quoted(argument))).help(form).into());
    };
    if value.trim().is_empty() {
        let at = Place { source, start: path.len(), end: argument.len() };
        let help = format!("write `{path}=null` for the default");
        return Err(bad(at, "no value stands after `=`").help(help).into());
    }
    // What is followed step by step must not be deeper than a file can be.
    let within = Place { source, start: 0, end: path.len() };
    let too_deep = |depth: usize| {
        (depth > MAX_DEPTH)
            .then(|| Problem::new(Code::TooLarge, within, format!("nested more than {MAX_DEPTH} levels deep")))
    };
    let depth = steps(path).take(MAX_DEPTH + 1).count();
    let new = match too_deep(depth) {
        None => parse(value, source, path.len() + 1)?,
        Some(problem) => return Err(problem.into()),
    };
    if let Some(problem) = too_deep(depth + new.depth()) {
        return Err(problem.into());
    }
    let step = |(start, step): (usize, &'_ str)| (step.to_owned(), Place { source, start, end: start + step.len() });
    let path: Vec<(String, Place)> = steps(path).map(step).collect();
    if let Some((_, place)) = path.iter().find(|(step, _)| step.is_empty()) {
        return Err(bad(*place, "a part of the path is empty").help(form).into());
    }
    put(root, &path, &new)
}

/// In a path: all items of a list.
const ALL: &str = "*";

/// Puts a value where a path leads to; its depth is bounded.
fn put(node: &mut Node, path: &[(String, Place)], new: &Node) -> Result<(), Box<Problem>> {
    let Some(((step, place), rest)) = path.split_first() else {
        *node = new.clone();
        return Ok(());
    };
    if step != ALL {
        return put(child(node, step, *place)?, rest, new);
    }
    match &mut node.value {
        Value::List(items) if !items.is_empty() => items.iter_mut().try_for_each(|item| put(item, rest, new)),
        _ => Err(bad(*place, "`*` stands for all items of a list, and here is none").into()),
    }
}

/// The steps of a path with the byte at which each begins. `servers[0].replicas` is `servers.0.replicas`.
pub(in crate::scenario) fn steps(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    path.split('.').flat_map(move |part| {
        let from = start;
        start += part.len() + 1;
        let indexed = part.strip_suffix(']').and_then(|inner| inner.split_once('['));
        let (key, index) = indexed.map_or((part, None), |(key, index)| (key, Some((from + key.len() + 1, index))));
        std::iter::once((from, key)).chain(index)
    })
}

/// Where the value at a path stands, or as much of the path as there is.
pub(in crate::scenario) fn place(root: &Node, path: &str) -> Place {
    follow(root, path).0
}

/// True if a value stands at a path.
pub(in crate::scenario) fn is_written(root: &Node, path: &str) -> bool {
    follow(root, path).1
}

/// As far as there is something: where that stands, and whether it is the whole path.
fn follow(root: &Node, path: &str) -> (Place, bool) {
    let (mut node, mut place) = (root, root.place);
    for (_, step) in steps(path) {
        let next = match &node.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == step).map(|e| (&e.value, e.key_place)),
            Value::List(items) => {
                let named = items.iter().find(|item| step == ALL || name(item).as_deref() == Some(step));
                named.or_else(|| items.get(step.parse::<usize>().ok()?)).map(|item| (item, item.place))
            }
            _ => None,
        };
        let Some(next) = next else { return (place, false) };
        (node, place) = next;
    }
    (place, true)
}

fn bad(place: Place, message: impl Into<String>) -> Problem {
    Problem::new(Code::BadSet, place, message)
}

/// The child that a step leads to; a key that is not there is added.
fn child<'a>(node: &'a mut Node, step: &str, place: Place) -> Result<&'a mut Node, Box<Problem>> {
    match &mut node.value {
        Value::Null => *node = Node::empty_map(place),
        // A bare `round_robin` is `round_robin: {}`.
        Value::Text(text) if text == step => {
            let value = Node::empty_map(node.place);
            node.value = Value::Map(vec![Entry { key: step.to_owned(), key_place: node.place, value }]);
        }
        _ => {}
    }
    match &mut node.value {
        Value::Map(entries) => {
            let at = entries.iter().position(|e| e.key == step).unwrap_or_else(|| {
                let value = Node { place, value: Value::Null, damaged: false };
                entries.push(Entry { key: step.to_owned(), key_place: place, value });
                entries.len() - 1
            });
            Ok(&mut entries[at].value)
        }
        Value::List(items) => {
            let names: Vec<String> = items.iter().filter_map(name).collect();
            let named = items.iter().position(|item| name(item).as_deref() == Some(step));
            let index = named.or_else(|| step.parse().ok().filter(|i| *i < items.len()));
            if let Some(index) = index {
                return Ok(&mut items[index]);
            }
            let problem = bad(place, format!("the list has no item {}", quoted(step)));
            Err(problem.help(match nearest(step, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => what_there_is(&names, items.len()),
            }))?
        }
        _ => Err(bad(place, format!("{} cannot be looked up in a value that has no keys", quoted(step))).into()),
    }
}

/// The items of a list in words.
fn what_there_is(names: &[String], items: usize) -> String {
    const MOST: usize = 10;
    let by_number = match items {
        0 => return "the list is empty".to_owned(),
        1 => "it has one item, number 0".to_owned(),
        n => format!("it has {n} items, numbered from 0"),
    };
    let by_name: Vec<String> = names.iter().take(MOST).map(|name| quoted(name)).collect();
    match by_name.is_empty() {
        true => by_number,
        false => format!("{by_number}; by name: {}{}", by_name.join(", "), if names.len() > MOST { ", …" } else { "" }),
    }
}

fn name(item: &Node) -> Option<String> {
    match &item.child("name")?.value {
        Value::Text(name) => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn items_are_numbered_with_a_dot_or_in_brackets() {
        let read = |path| steps(path).collect::<Vec<_>>();
        assert_eq!(read("servers.0.replicas"), [(0, "servers"), (8, "0"), (10, "replicas")]);
        assert_eq!(read("servers[0].replicas"), [(0, "servers"), (8, "0"), (11, "replicas")]);
        assert_eq!(read("timeline[12]"), [(0, "timeline"), (9, "12")]);
        assert_eq!(read("a..b]"), [(0, "a"), (2, ""), (3, "b]")]);
        assert_eq!(read("a[]"), [(0, "a"), (2, "")]);
    }
}
