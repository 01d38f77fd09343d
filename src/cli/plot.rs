//! `evenkeel plot`.

use std::path::PathBuf;

use super::failure::Failure;
use super::terminal;
use crate::output::replot;
use crate::printable;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder that `run` has written
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where to write the plots [default: the same folder]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Do not write PNG files beside the SVG files
    #[arg(long)]
    no_png: bool,
}

pub(super) fn plot(args: &Args) -> Result<(), Failure> {
    let out = args.out.as_ref().unwrap_or(&args.folder);
    let paths = replot::redraw(&args.folder, out, !args.no_png)?;
    terminal::print(&paths.iter().map(|p| printable::path(p) + "\n").collect::<String>())
}
