//! From a tree back to YAML: in one line, or in blocks as people write them. Comments are gone.

use super::tree::{Node, Value, parse};

/// The longest line that a list or map stays in.
const WIDTH: usize = 100;

/// The value in one line.
pub(in crate::scenario) fn flow(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(x) => x.to_string(),
        Value::Int(x) => x.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Text(text) => scalar(text),
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) => {
            let entry = |e: &super::tree::Entry| format!("{}: {}", scalar(&e.key), flow(&e.value));
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The value in lines, each ended and indented by this many spaces; maps and lists that fit stay in one line, but for the
/// outermost.
pub(in crate::scenario) fn block(node: &Node, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let mut out = String::new();
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            for e in entries {
                let key = scalar(&e.key);
                let inner = flow(&e.value);
                if fits(&e.value, indent + key.len() + 2 + inner.len()) {
                    out.push_str(&format!("{spaces}{key}: {inner}\n"));
                } else {
                    out.push_str(&format!("{spaces}{key}:\n{}", block(&e.value, indent + 2)));
                }
            }
        }
        Value::List(items) if !items.is_empty() => {
            for item in items {
                let inner = flow(item);
                if fits(item, indent + 2 + inner.len()) {
                    out.push_str(&format!("{spaces}- {inner}\n"));
                } else {
                    let lines = block(item, indent + 2);
                    out.push_str(&format!("{spaces}- {}", lines.trim_start()));
                }
            }
        }
        _ => out.push_str(&format!("{spaces}{}\n", flow(node))),
    }
    out
}

/// True for a value that stays in a line of this length.
fn fits(value: &Node, length: usize) -> bool {
    match &value.value {
        Value::Map(entries) => length <= WIDTH || entries.is_empty(),
        Value::List(items) => length <= WIDTH || items.is_empty(),
        _ => true,
    }
}

/// A text, in quotes where it would not read as one otherwise.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./%-".contains(c);
    let is_text = || matches!(parse(text, 0, 0), Ok(Node { value: Value::Text(read), .. }) if read == text);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain) && is_text() {
        return text.to_owned();
    }
    // A JSON text is a YAML text.
    serde_json::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
name: a
about: "two\nlines: # and \"quotes\""
duration: 1m30s
seed: 5
servers:
  - { name: api, replicas: 3, service_time: { exponential: { mean: 20ms } }, strategy: { max_surge: 25%, max_unavailable: 0 } }
  - { name: "5", speed: 0.5, grpc: null }
clients: [{ name: web, policy: round_robin, load: { open: { rate: 1e3 } } }]
timeline: []
x: {}
"#;

    fn values(node: &Node) -> String {
        flow(node)
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        let root = parse(TEXT, 0, 0).unwrap();
        let text = block(&root, 0);
        assert_eq!(values(&parse(&text, 0, 0).unwrap()), values(&root), "{text}");
        assert_eq!(values(&parse(&flow(&root), 0, 0).unwrap()), values(&root));
        assert!(text.starts_with("name: a\nabout: \"two\\nlines"), "{text}");
        assert!(text.contains("\nservers:\n  - name: api\n    replicas: 3\n"), "{text}");
        assert!(text.contains("name: \"5\"") && text.contains("max_surge: 25%"), "{text}");
    }
}
