//! `evenkeel import`.

use std::path::PathBuf;

use super::failure::Failure;
use super::sources::{self, Changes};
use super::terminal;
use crate::output::files::write_file;
use crate::printable;
use crate::scenario::document::{Document, Position};
use crate::scenario::import::{Class, Remark};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Kubernetes manifests: files, a folder of them, or standard input (-)
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<String>,
    #[command(flatten)]
    changes: Changes,
    /// File to write; an existing file is not overwritten [default: print]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// List what becomes of every field instead
    #[arg(long)]
    fields: bool,
}

pub(super) fn import(args: &Args) -> Result<(), Failure> {
    let documents = sources::documents(&args.manifests, &args.changes)?;
    let [document] = documents.as_slice() else {
        let message =
            format!("these are {} inputs; import takes one: a folder, or the files of one Service", documents.len());
        return Err(Failure::Usage(message));
    };
    let Some(text) = document.imported() else {
        return Err(Failure::Usage(format!("{} is a scenario already", document.name())));
    };
    if args.fields {
        return terminal::print(&fields(document));
    }
    let Some(file) = &args.out else { return terminal::print(&text) };
    if file.exists() {
        return Err(Failure::Usage(format!("{} exists already; name another file", printable::path(file))));
    }
    write_file(file, text.as_bytes())?;
    let file = printable::path(file);
    terminal::print(&format!("wrote {file}: {}; now: evenkeel run {file}\n", counts(document)))
}

/// How many fields there are of each class.
fn counts(document: &Document) -> String {
    let remarks = document.remarks();
    let count = |class: Class| remarks.iter().filter(|(remark, _)| remark.class == class).count();
    let all = [
        (count(Class::Modelled), "modelled"),
        (count(Class::Matters), "not modelled that may matter"),
        (count(Class::Unknown), "unknown"),
        (count(Class::NoBearing), "without bearing"),
    ];
    let parts: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    format!("fields: {}", parts.join(", "))
}

/// A line per field, by class.
fn fields(document: &Document) -> String {
    let remarks = document.remarks();
    let mut out = String::new();
    for class in Class::ALL {
        let of_class: Vec<&(&Remark, Position)> = remarks.iter().filter(|(remark, _)| remark.class == class).collect();
        if of_class.is_empty() {
            continue;
        }
        out.push_str(&format!("{}:\n", class.title()));
        for (remark, position) in of_class {
            out.push_str(&format!("  {position}  {remark}\n"));
        }
    }
    out
}
