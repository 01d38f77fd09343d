//! How text for a terminal looks; the command line decides, from the terminal, the locale and `NO_COLOR`.

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// ANSI colours.
    pub colour: bool,
    /// Characters beyond ASCII.
    pub unicode: bool,
    /// Columns; wider than 100 is not used, narrower than 60 is not possible.
    pub width: usize,
}

impl Default for Style {
    /// For a file or a pipe.
    fn default() -> Self {
        Style { colour: false, unicode: true, width: 100 }
    }
}

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

impl Style {
    /// The columns that are used.
    pub(super) fn columns(&self) -> usize {
        self.width.clamp(60, 100)
    }

    /// A heading, or what the eye should find first.
    pub fn strong(&self, text: &str) -> String {
        self.wrapped("1", text)
    }

    /// What is wrong.
    pub fn bad(&self, text: &str) -> String {
        self.wrapped("31", text)
    }

    /// What deserves a look.
    pub(super) fn hot(&self, text: &str) -> String {
        self.wrapped("33", text)
    }

    /// What is as it should be.
    pub(super) fn good(&self, text: &str) -> String {
        self.wrapped("32", text)
    }

    /// What can be skipped.
    pub fn faint(&self, text: &str) -> String {
        self.wrapped("2", text)
    }

    fn wrapped(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A bar of `part` (0 to 1) of `width` columns, filled up with spaces.
    pub(super) fn bar(&self, part: f64, width: usize) -> String {
        let eighths = (part.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
        let (full, rest) = if self.unicode { (eighths / 8, EIGHTHS[eighths % 8]) } else { ((eighths + 4) / 8, "") };
        let bar = if self.unicode { "█" } else { "#" }.repeat(full) + rest;
        format!("{bar:<width$}")
    }

    /// `text` without characters that the terminal cannot show.
    pub fn shown(&self, text: String) -> String {
        if self.unicode {
            return text;
        }
        let plain = |c: char| match c {
            '·' => "|".to_owned(),
            '×' => "x".to_owned(),
            '–' | '—' | '−' => "-".to_owned(),
            // One character for one, so that columns stay where they are.
            '±' | '…' => "~".to_owned(),
            c if c.is_ascii() => c.to_string(),
            _ => "?".to_owned(),
        };
        text.chars().map(plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_the_length_of_their_part() {
        let style = Style::default();
        assert_eq!(style.bar(0.5, 4), "██  ");
        assert_eq!(style.bar(0.3, 4), "█▎  ");
        assert_eq!(style.bar(2.0, 4), "████");
        assert_eq!(Style { unicode: false, ..style }.bar(0.5, 4), "##  ");
    }
}
