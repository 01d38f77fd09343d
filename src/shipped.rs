//! The scenarios and properties that ship with evenkeel, embedded: `blog/rolling-restart` works without a clone.

use include_dir::{Dir, include_dir};

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

static PROPERTIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/properties");

/// A shipped scenario, or a file of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its path below `scenarios/` or `properties/`, without the extension: `blog/rolling-restart`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

/// All shipped scenarios, in order of name.
#[must_use]
pub fn all() -> Vec<Shipped> {
    below(&SCENARIOS)
}

/// All shipped files of properties, in order of name.
#[must_use]
pub fn properties() -> Vec<Shipped> {
    below(&PROPERTIES)
}

fn below(dir: &'static Dir<'_>) -> Vec<Shipped> {
    let mut found = Vec::new();
    collect(dir, &mut found);
    found.sort_by_key(|s: &Shipped| s.name);
    found
}

fn collect(dir: &'static Dir<'_>, found: &mut Vec<Shipped>) {
    for file in dir.files() {
        let name = file.path().to_str().and_then(|p| p.strip_suffix(".yaml"));
        if let (Some(name), Some(text)) = (name, file.contents_utf8()) {
            found.push(Shipped { name, text });
        }
    }
    dir.dirs().for_each(|d| collect(d, found));
}

/// The shipped scenarios that `name` means: one by its name, or all of a folder.
#[must_use]
pub fn find(name: &str) -> Vec<Shipped> {
    let name = name.trim_end_matches('/').trim_end_matches(".yaml");
    let folder = format!("{name}/");
    all().into_iter().filter(|s| s.name == name || s.name.starts_with(&folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_one_and_a_folder_all_of_it() {
        let all = all();
        assert!(!all.is_empty());
        for s in &all {
            assert_eq!(find(s.name).first(), Some(s));
        }
        assert!(find("blog").len() > 5);
        assert!(find("no-such-scenario").is_empty());
    }
}
