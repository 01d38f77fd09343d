//! Draws the pictures in outputs/gallery again: `cargo run --release --locked --example gallery`.

mod pictures;

use evenkeel::output::files::write_file;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = pictures::folder();
    std::fs::create_dir_all(&folder)?;
    for (stem, figure) in pictures::all()? {
        let svg = folder.join(format!("{stem}.svg"));
        write_file(&svg, figure.svg().as_bytes())?;
        println!("{}", svg.display());
        #[cfg(feature = "png")]
        if stem == pictures::README {
            let png = svg.with_extension("png");
            write_file(&png, &figure.png())?;
            println!("{}", png.display());
        }
    }
    Ok(())
}
