//! How wide a text is, so that labels are placed without drawing them first.

/// Advance widths of DejaVu Sans for U+0020 to U+007E, in 1/2048 of the font size.
const ASCII: [u16; 95] = [
    651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690, 1303, 1303, 1303, 1303, 1303,
    1303, 1303, 1303, 1303, 1303, 690, 690, 1716, 1716, 1716, 1087, 2048, 1401, 1405, 1430, 1577, 1294, 1178, 1587,
    1540, 604, 604, 1343, 1141, 1767, 1532, 1612, 1235, 1612, 1423, 1300, 1251, 1499, 1401, 2025, 1403, 1251, 1403,
    799, 690, 799, 1716, 1024, 1024, 1255, 1300, 1126, 1300, 1260, 721, 1300, 1298, 569, 569, 1186, 569, 1995, 1298,
    1253, 1300, 1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075, 1303, 690, 1303, 1716,
];

/// Wider than most other characters: a label that is thought too wide is cut, one thought too narrow overlaps.
const OTHER: u16 = 1716;

/// Width of `text` at `size`, in the unit of `size`.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let units: u64 = text.chars().map(|c| u64::from(advance(c))).sum();
    units as f64 * size / 2048.0
}

/// `text`, cut in the middle until it fits into `room`.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    let mut characters = text.chars().count();
    loop {
        let cut = crate::words::middle_cut(text, characters);
        if characters <= 2 || width(&cut, size) <= room {
            return cut;
        }
        characters -= 1;
    }
}

/// `text` in lines of at most `room`, broken at spaces.
pub(super) fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or("", String::as_str);
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || width(&longer, size) <= room {
            lines.pop();
            lines.push(longer);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn advance(c: char) -> u16 {
    let index = (c as usize).wrapping_sub(0x20);
    match c {
        '·' => 651,
        _ => ASCII.get(index).copied().unwrap_or(OTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_where_they_are_put() {
        let long = "a-deployment-with-a-very-long-name-indeed-1-12";
        let cut = fitted(long, 12.0, 100.0);
        assert!(width(&cut, 12.0) <= 100.0 && cut.ends_with("1-12"), "{cut}");
        assert_eq!(fitted("s-1-0", 12.0, 100.0), "s-1-0");
        assert_eq!(wrapped("one two three", 10.0, width("one two", 10.0)), ["one two", "three"]);
    }
}
