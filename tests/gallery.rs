//! The committed pictures are those that the code draws.

#[path = "../examples/gallery/pictures.rs"]
mod pictures;

use std::collections::BTreeSet;

#[test]
fn the_gallery_is_current() {
    let folder = pictures::folder();
    let mut expected = BTreeSet::new();
    for (stem, figure) in pictures::all().expect("shipped scenarios run") {
        let path = folder.join(format!("{stem}.svg"));
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let svg = figure.svg();
        assert!(
            committed == svg,
            "{} is not what the code draws; run: cargo run --release --locked --example gallery",
            path.display()
        );
        expected.insert(format!("{stem}.svg"));
    }
    let files = std::fs::read_dir(&folder).expect("the gallery is there");
    let names = files.map(|f| f.expect("a file").file_name().to_string_lossy().into_owned());
    let svgs: BTreeSet<String> = names.filter(|n| n.ends_with(".svg")).collect();
    assert_eq!(svgs, expected, "files that nothing draws");
}
