//! Text from outside, made safe to show: what a terminal would obey, or what would reorder or hide other text, is written as an
//! escape such as `\u{1b}`.

use std::borrow::Cow;
use std::path::Path;

/// True for a character that shows as itself: no control character, none that changes the direction of text, and none that is
/// invisible or breaks lines.
#[must_use]
pub fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text in one line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_shown)
}

/// A path in one line.
#[must_use]
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// The text in its lines: line feeds and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_shown(c) || matches!(c, '\n' | '\t'))
}

/// The same, for a terminal whose colours are switched by sequences `ESC [ digits and semicolons m`, which stay, too.
#[must_use]
pub fn coloured_lines(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut out = lines(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(part.len());
        out.push_str(if part[end..].starts_with('m') { "\u{1b}[" } else { "\\u{1b}[" });
        out.push_str(&lines(part));
    }
    out
}

/// A JSON document in which such characters are escaped as JSON has it, so that it means the same.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let stays = |c: char| is_shown(c) || c == '\n';
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if stays(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(out)
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&stays) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if stays(c) => out.push(c),
            '\n' | '\r' | '\t' | '\0' => out.extend(c.escape_debug()),
            c => out.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (text, shown) in [
            ("plain · ±2 % – ü 日本", "plain · ±2 % – ü 日本"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fdp\u{2066}", "abc\\u{202e}fdp\\u{2066}"),
            (
                "\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\u{feff}",
                "\\u{200e}\\u{200f}\\u{61c}\\u{2028}\\u{2029}\\u{feff}",
            ),
            ("a\nb\tc\rd\u{7f}\u{0}", "a\\nb\\tc\\rd\\u{7f}\\0"),
        ] {
            assert_eq!(line(text), shown, "{text:?}");
        }
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\r");
    }

    #[test]
    fn only_colours_pass() {
        assert_eq!(coloured_lines("\u{1b}[1mbold\u{1b}[0m\n"), "\u{1b}[1mbold\u{1b}[0m\n");
        assert_eq!(coloured_lines("\u{1b}[38;5;9mred\u{1b}[m"), "\u{1b}[38;5;9mred\u{1b}[m");
        assert_eq!(coloured_lines("\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}"), "\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{1b}");
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "a": "x\u{9b}\u{202e}\u{7f}\u{e0001}\ny" });
        let text = json(&serde_json::to_string_pretty(&value).unwrap()).into_owned();
        assert_eq!(text, "{\n  \"a\": \"x\\u009b\\u202e\\u007f\\udb40\\udc01\\ny\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
