//! Everything that turns an [`Outcome`](crate::metrics::outcome::Outcome) into text, files and pictures. Nothing here
//! computes what the recorder should: outputs read outcomes and nothing else.

pub mod csv;
pub mod format;
pub mod plot;

#[cfg(test)]
pub(crate) mod fixtures;

/// Writes figures into a folder that exists, each file whole or not at all; returns their paths.
///
/// # Errors
/// If a file cannot be written.
pub fn write_figures(
    folder: &Path,
    figures: &[(&'static str, plot::Figure)],
    png: bool,
) -> Result<Vec<PathBuf>, OutputError> {
    std::fs::create_dir_all(folder).map_err(OutputError::io("make the folder", folder))?;
    let mut paths = Vec::new();
    for (stem, figure) in figures {
        let path = folder.join(format!("{stem}.svg"));
        files::write_file(&path, figure.svg().as_bytes())?;
        paths.push(path);
        if png && cfg!(feature = "png") {
            let path = folder.join(format!("{stem}.png"));
            files::write_file(&path, &image(figure))?;
            paths.push(path);
        }
    }
    Ok(paths)
}
