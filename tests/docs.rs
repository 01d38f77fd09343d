//! Documents say what the program prints: every ```` ```console ```` block of README.md and docs/*.md is run, those of one document in
//! turn in an empty folder, and its output compared. `TRYCMD=overwrite cargo test --test docs` writes the outputs into the
//! documents.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn documents_say_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let desk = tempfile::tempdir().unwrap();
    let documents = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<PathBuf> = documents.chain([root.join("README.md")]).collect();
    let cases = trycmd::TestCases::new();
    let mut copies = Vec::new();
    for document in documents.iter().filter(|path| path.extension().is_some_and(|e| e == "md")) {
        if !fs::read_to_string(document).unwrap().contains("```console") {
            continue;
        }
        let copy = desk.path().join(document.file_name().unwrap());
        fs::copy(document, &copy).unwrap();
        // What stands in `x.in` is where the commands of `x.md` run.
        fs::create_dir(copy.with_extension("in")).unwrap();
        cases.case(&copy);
        copies.push((copy, document));
    }
    assert!(copies.len() >= 3, "there are documents with console blocks");
    cases.env("COLUMNS", "120").run();
    if std::env::var_os("TRYCMD").is_some() {
        for (copy, document) in copies {
            fs::copy(copy, document).unwrap();
        }
    }
}
