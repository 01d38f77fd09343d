//! PNG from SVG, with the embedded font and nothing from the system.

use resvg::{tiny_skia, usvg};
use std::sync::Arc;

use super::Figure;

/// A subset of DejaVu Sans; its licence is beside it.
const FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// Pixels per unit: sharp on dense screens and in print.
const ZOOM: f32 = 2.0;

impl Figure {
    /// The figure as a PNG image, twice as wide and high as the SVG says. Empty only if the image cannot be allocated.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        rendered(&self.svg()).unwrap_or_default()
    }
}

fn rendered(svg: &str) -> Option<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = usvg::Options { fontdb: Arc::new(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).ok()?;
    let size = tree.size().to_int_size().scale_by(ZOOM)?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
    pixels.encode_png().ok()
}
