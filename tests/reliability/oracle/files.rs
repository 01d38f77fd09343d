//! What a run wrote, read strictly and with none of the code that wrote it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Complaints: the first few of them.
#[derive(Default)]
pub struct Findings(pub Vec<String>);

impl Findings {
    /// Complains unless it holds.
    pub fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.0.len() < 10 {
            self.0.push(what());
        }
    }

    /// Two numbers that are the same but for the last bits: sums of some thousand terms are off by less.
    pub fn same(&mut self, what: &str, got: f64, exact: f64) {
        self.near(what, got, exact, 1e-11 * exact.abs().max(1.0));
    }

    /// Two numbers that differ by no more than `by`.
    pub fn near(&mut self, what: &str, got: f64, exact: f64, by: f64) {
        self.must((got - exact).abs() <= by, || format!("{what}: {got}, should be {exact}"));
    }
}

/// The files of a folder, by name.
pub fn all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("lists").path();
        let name = path.file_name().expect("has a name").to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("reads"))
    };
    std::fs::read_dir(folder).expect("a folder").map(read).collect()
}

/// A CSV file.
pub struct Table {
    name: String,
    header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// RFC 4180, with line feeds: quotes only around a whole field and doubled within, as many fields in each record.
    pub fn parse(name: &str, text: &str) -> Result<Table, String> {
        let mut records = Vec::new();
        let (mut record, mut field) = (Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        let (mut quoted, mut closed) = (false, false);
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
                '"' if quoted => (quoted, closed) = (false, true),
                _ if quoted => field.push(c),
                '"' if field.is_empty() && !closed => quoted = true,
                ',' | '\n' => {
                    record.push(std::mem::take(&mut field));
                    closed = false;
                    if c == '\n' {
                        records.push(std::mem::take(&mut record));
                    }
                }
                '"' | '\r' => return Err(format!("{name}: a bare {c:?} in record {}", records.len())),
                _ if closed => return Err(format!("{name}: text after a quote in record {}", records.len())),
                _ => field.push(c),
            }
        }
        if quoted || !record.is_empty() || !field.is_empty() {
            return Err(format!("{name}: its end is missing"));
        }
        let header: Vec<String> = if records.is_empty() { Vec::new() } else { records.remove(0) };
        match records.iter().position(|r| r.len() != header.len()) {
            Some(at) => Err(format!("{name}: record {at} has {} fields", records[at].len())),
            None if header.is_empty() => Err(format!("{name}: no header")),
            None => Ok(Table { name: name.to_owned(), header, rows: records }),
        }
    }

    pub fn at<'a>(&'a self, row: &'a [String], column: &str) -> &'a str {
        let place = self.header.iter().position(|h| h == column);
        place.map_or_else(|| panic!("{} has no column {column}", self.name), |i| row[i].as_str())
    }

    pub fn count(&self, row: &[String], column: &str) -> u64 {
        let text = self.at(row, column);
        let plain =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        assert!(plain, "{}: {column} is {text:?}, no count", self.name);
        text.parse().expect("a count")
    }

    /// A number with exactly so many decimals, in units of the last one; `None` if the field is empty.
    pub fn decimal(&self, row: &[String], column: &str, decimals: usize) -> Option<u64> {
        let text = self.at(row, column);
        if text.is_empty() {
            return None;
        }
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let (whole, part) = text.split_once('.').unwrap_or_default();
        let form = digits(whole) && digits(part) && part.len() == decimals && (whole == "0" || !whole.starts_with('0'));
        assert!(form, "{}: {column} is {text:?}, not a number with {decimals} decimals", self.name);
        Some(format!("{whole}{part}").parse().expect("a number"))
    }

    /// A time, in microseconds.
    pub fn micros(&self, row: &[String], column: &str) -> Option<u64> {
        self.decimal(row, column, 6)
    }

    /// A share or a utilization.
    pub fn ratio(&self, row: &[String], column: &str) -> Option<f64> {
        self.decimal(row, column, 6).map(|n| n as f64 / 1e6)
    }
}

/// The number at a JSON pointer; `None` for `null`.
pub fn number(json: &Value, pointer: &str) -> Option<f64> {
    match json.pointer(pointer) {
        None => panic!("no {pointer}"),
        Some(Value::Null) => None,
        Some(value) => Some(value.as_f64().unwrap_or_else(|| panic!("{pointer} is {value}"))),
    }
}

pub fn count(json: &Value, pointer: &str) -> u64 {
    let value = json.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    value.as_u64().unwrap_or_else(|| panic!("{pointer} is {value}, no count"))
}

pub fn text<'a>(json: &'a Value, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {pointer}"))
}

/// The counts of an object, by key.
pub fn counts(json: &Value, pointer: &str) -> BTreeMap<String, u64> {
    let object = json.pointer(pointer).and_then(Value::as_object);
    let pair = |(key, value): (&String, &Value)| (key.clone(), value.as_u64().expect("a count"));
    object.map(|o| o.iter().map(pair).collect()).unwrap_or_default()
}

pub fn list<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// No text has what is not a number, and no zero has a sign.
pub fn no_odd_numbers(name: &str, text: &str, findings: &mut Findings) {
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c))) {
        let bare = word.trim_matches(['.', '_']);
        let zero =
            bare.strip_prefix('-').is_some_and(|z| z.starts_with('0') && z.bytes().all(|b| b == b'0' || b == b'.'));
        let odd =
            ["nan", "inf", "infinity", "null"].contains(&bare.trim_start_matches(['-', '+']).to_lowercase().as_str());
        let json = name.ends_with(".json") && bare == "null";
        findings.must(!zero && (!odd || json), || format!("{name}: {word:?}"));
    }
}

/// What a JSON Schema asks of a value: `$ref`, types, properties that must or may be there, items, and combinations of those.
pub fn validate(value: &Value, schema: &Value, root: &Value, at: &str, findings: &mut Findings) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#'));
        validate(value, target.expect("a definition"), root, at, findings);
    }
    if let Some(types) = schema.get("type") {
        let types: Vec<&str> = types
            .as_array()
            .map_or_else(|| vec![types], |all| all.iter().collect())
            .into_iter()
            .filter_map(Value::as_str)
            .collect();
        let is = |t: &&str| match *t {
            "null" => value.is_null(),
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            _ => value.is_number(),
        };
        findings.must(types.iter().any(is), || format!("{at} is {value}, not {types:?}"));
    }
    if let Some(any) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        let fits = |one: &Value| {
            let mut inner = Findings::default();
            validate(value, one, root, at, &mut inner);
            inner.0.is_empty()
        };
        findings.must(any.iter().any(fits), || format!("{at} is {value}, none of what is allowed"));
    }
    for required in list(schema, "required").iter().filter_map(Value::as_str) {
        findings.must(value.get(required).is_some(), || format!("{at} has no {required}"));
    }
    if let Some(object) = value.as_object() {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (key, inner) in object {
            match (known.and_then(|known| known.get(key)), others) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                    validate(inner, schema, root, &format!("{at}/{key}"), findings);
                }
                (None, Some(Value::Bool(false))) => findings.must(false, || format!("{at} has {key}")),
                (None, _) => {}
            }
        }
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        items.iter().enumerate().for_each(|(i, item)| validate(item, schema, root, &format!("{at}/{i}"), findings));
    }
}
