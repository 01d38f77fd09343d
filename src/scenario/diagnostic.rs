//! What is wrong with a scenario, where, and what would be right; printed with the line that it is about.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::rules::{Code, Rule};
use crate::printable;

/// More problems than this are counted but not shown; the reader stops looking there.
pub(super) const MAX_SHOWN: usize = 50;
/// Lines longer than this are not shown, only their position.
const LONGEST_LINE_SHOWN: usize = 300;

/// A stretch of a source, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which source: the scenario file (or the manifests that it was made of), then the `--set`s, or what the user typed in another option.
    pub source: u32,
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which rule it breaks.
    pub code: Code,
    /// Where; `None` if it has no place in a text (a file that does not exist).
    pub place: Option<Place>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(code: Code, place: Place, message: impl Into<String>) -> Problem {
        Problem { code, place: Some(place), message: message.into(), help: None }
    }

    pub(super) fn nowhere(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, place: None, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

/// A text that problems point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Its name in messages, in one line: a path, or the option.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Source {
        Source { name: printable::line(name).into_owned(), text: text.into() }
    }
}

/// All that is wrong with a scenario, in order of position. `Display` is plain text; [`Diagnostics::render`] has colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    sources: Vec<Source>,
    problems: Vec<Problem>,
    /// How many more there are.
    hidden: usize,
    machine: bool,
}

impl Diagnostics {
    pub(super) fn new(sources: Vec<Source>, mut problems: Vec<Problem>) -> Diagnostics {
        problems.sort_by_key(|p| p.place.map(|at| (at.source, at.start)));
        problems.dedup();
        let hidden = problems.len().saturating_sub(MAX_SHOWN);
        problems.truncate(MAX_SHOWN);
        Diagnostics { sources, problems, hidden, machine: false }
    }

    /// One thing that is wrong with the argument of an option, at a stretch of its bytes.
    #[must_use]
    pub fn of_argument(
        option: &str,
        argument: &str,
        at: Range<usize>,
        code: Code,
        message: &str,
        help: &str,
    ) -> Diagnostics {
        let place = Place { source: 0, start: at.start, end: at.end };
        let problem = Problem::new(code, place, message).help(help);
        Diagnostics::new(vec![Source::new(option, argument)], vec![problem])
    }

    /// The same, where overrides were made of what the user typed in other options than `--set`. `typed` is asked for each place, with
    /// the text of its source, and says of an override which option that is, what was typed, and where in it.
    #[must_use]
    pub fn retold<'a>(
        mut self,
        typed: impl Fn(&str, Range<usize>) -> Option<(&'static str, &'a str, Range<usize>)>,
    ) -> Diagnostics {
        for place in self.problems.iter_mut().filter_map(|p| p.place.as_mut()) {
            let Some(source) = self.sources.get(place.source as usize) else { continue };
            let Some((option, text, at)) = typed(&source.text, place.start..place.end) else { continue };
            let known = self.sources.iter().position(|s| s.name == option && *s.text == *text);
            let number = known.unwrap_or_else(|| {
                self.sources.push(Source::new(option, text));
                self.sources.len() - 1
            });
            *place = Place { source: number as u32, start: at.start, end: at.end };
        }
        self.problems.sort_by_key(|p| p.place.map(|at| (at.source, at.start)));
        self
    }

    /// True if the machine failed (a file that may not be read, an I/O error); false if the input is wrong.
    #[must_use]
    pub fn is_machine_failure(&self) -> bool {
        self.machine
    }

    /// Marks the failure as the machine's.
    pub(super) fn set_machine(mut self, machine: bool) -> Diagnostics {
        self.machine = machine;
        self
    }

    /// The exit status that the failure stands for: 3 if the machine failed, else 2.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        if self.machine { 3 } else { 2 }
    }

    /// The first problems (at most 50), in order of position.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Name of the source, line and column (both from 1, columns in characters) of a problem.
    #[must_use]
    pub fn position(&self, problem: &Problem) -> Option<(&str, usize, usize)> {
        let place = problem.place?;
        let source = self.sources.get(place.source as usize)?;
        let at = Line::of(&source.text, place);
        Some((&source.name, at.number, at.column))
    }

    /// The messages, with colours for a terminal or as plain text.
    #[must_use]
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        let mut all = String::new();
        for problem in &self.problems {
            all.push_str(&renderer.render(&[self.report(problem)]));
            all.push_str("\n\n");
        }
        let n = self.problems.len() + self.hidden;
        let one = self.problems.first().map_or("E001", |p| p.code.rule().code);
        let errors = match (n, self.problems.len()) {
            (1, _) => "1 error".to_owned(),
            (_, MAX_SHOWN) => format!("{n} errors or more, {MAX_SHOWN} shown"),
            _ => format!("{n} errors"),
        };
        all.push_str(&format!("{errors}; `evenkeel explain {one}` says more\n"));
        all
    }

    fn report<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let Rule { code, .. } = problem.code.rule();
        let title = Level::ERROR.primary_title(printable::line(&problem.message)).id(*code);
        let mut group = Group::with_title(title);
        if let Some((place, source)) = problem.place.and_then(|at| Some((at, self.sources.get(at.source as usize)?))) {
            let line = Line::of(&source.text, place);
            if line.text.len() <= LONGEST_LINE_SHOWN {
                let (text, span) = line.shown();
                group = group.element(
                    Snippet::source(text)
                        .line_start(line.number)
                        .path(source.name.as_str())
                        .annotation(AnnotationKind::Primary.span(span)),
                );
            } else {
                group = group.element(Origin::path(source.name.as_str()).line(line.number).char_column(line.column));
            }
        }
        match &problem.help {
            Some(help) => group.element(Level::HELP.message(printable::line(help))),
            None => group,
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// The line that a place begins in.
struct Line<'a> {
    number: usize,
    column: usize,
    text: &'a str,
    /// The part of `text` to mark.
    span: Range<usize>,
}

impl Line<'_> {
    fn of(text: &str, place: Place) -> Line<'_> {
        let mut start = place.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        if text[start..].starts_with('\n') && text[..start].ends_with('\r') {
            start -= 1;
        }
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let start = start.max(mark);
        let from = text[..start].rfind(['\n', '\r']).map_or(mark, |at| at + 1);
        let to = text[from..].find(['\n', '\r']).map_or(text.len(), |at| from + at);
        let line = &text[from..to];
        let begin = (start - from).min(line.len());
        let mut end = place.end.saturating_sub(from).clamp(begin, line.len());
        while !line.is_char_boundary(end) {
            end += 1;
        }
        let next = line[begin..].chars().next().map_or(0, char::len_utf8);
        let column = line[..begin].chars().count() + 1;
        let number = lines(&text[..from]).count();
        Line { number, column, text: line, span: begin..end.max(begin + next) }
    }

    /// The text and the marked part with a placeholder for each character that a terminal would obey, so that columns stay.
    fn shown(&self) -> (String, Range<usize>) {
        let clean = |text: &str| -> String {
            text.chars().map(|c| if c == '\t' || printable::is_shown(c) { c } else { '\u{fffd}' }).collect()
        };
        let (before, marked) = (clean(&self.text[..self.span.start]), clean(&self.text[self.span.clone()]));
        let span = before.len()..before.len() + marked.len();
        (before + &marked + &clean(&self.text[self.span.end..]), span)
    }
}

/// The lines of a text as YAML breaks them, after CR LF, LF or CR alone, each with the byte that it begins at; after a last break
/// there is an empty one.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let from = next?;
        let rest = &text[from..];
        let end = rest.find(['\n', '\r']);
        next = end.map(|at| from + at + if rest[at..].starts_with("\r\n") { 2 } else { 1 });
        Some((from, &rest[..end.unwrap_or(rest.len())]))
    })
}

/// Line and column (both from 1, columns in characters) of a byte of a text.
pub(super) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let line = Line::of(text, Place { source: 0, start: byte, end: byte });
    (line.number, line.column)
}

/// The same of many bytes, which come in order: the text is read once.
pub(super) fn lines_and_columns(text: &str, bytes: &[usize]) -> Vec<(usize, usize)> {
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut number, mut column) = (1, 1);
    let position = |byte: &usize| {
        let to = text.floor_char_boundary(*byte).max(at);
        let (mut passed, mut last) = (0, "");
        for (_, line) in lines(&text[at..to]) {
            (passed, last) = (passed + 1, line);
        }
        if passed > 1 {
            (number, column) = (number + passed - 1, 1);
        }
        column += last.chars().count();
        at = to;
        (number, column)
    };
    bytes.iter().map(position).collect()
}

/// A user's word in a message: in backquotes, without control characters, cut if long.
#[must_use]
pub fn quoted(word: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = word.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if word.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    format!("`{}`", short.replace("\\'", "'").replace("\\\"", "\""))
}

/// The candidate nearest to `word` in edits, if near enough to be what was meant: a third of its letters may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 60;
    let fold = |c: char| if c == '-' { '_' } else { c.to_ascii_lowercase() };
    let word: String = word.chars().take(LONGEST).map(fold).collect();
    candidates
        .into_iter()
        .map(|c| (strsim::levenshtein(&word, &c.chars().map(fold).collect::<String>()), c))
        .filter(|(distance, c)| *distance <= c.chars().count().max(word.chars().count()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_many_bytes_are_those_of_each() {
        let text = "\u{feff}a: é\r\n\r\nb: [c, d]\rlast é\nx";
        let bytes: Vec<usize> =
            (3..text.len()).filter(|at| text.is_char_boundary(*at) && !text[..*at].ends_with('\r')).collect();
        let each: Vec<(usize, usize)> = bytes.iter().map(|byte| line_and_column(text, *byte)).collect();
        assert_eq!(lines_and_columns(text, &bytes), each);
    }

    #[test]
    fn the_nearest_word_is_near() {
        let keys = ["replicas", "concurrency", "service_time"];
        assert_eq!(nearest("replica", keys), Some("replicas"));
        assert_eq!(nearest("serviceTime", keys), Some("service_time"));
        assert_eq!(nearest("service-time", keys), Some("service_time"));
        assert_eq!(nearest("banana", keys), None);
    }

    #[test]
    fn lines_are_counted_in_characters() {
        let text = "a: 1\r\nü: ö\r\n";
        let at = text.find('ö').unwrap();
        let line = Line::of(text, Place { source: 0, start: at, end: at + 2 });
        assert_eq!((line.number, line.column, line.text), (2, 4, "ü: ö"));
        assert_eq!(&line.text[line.span], "ö");
        let end = Line::of(text, Place { source: 0, start: 999, end: 1000 });
        assert_eq!((end.number, end.column), (3, 1));
        let text = "\u{feff}a\rb\r\rü: 5\n";
        let place = |part: &str| line_and_column(text, text.find(part).unwrap());
        assert_eq!((place("a"), place("b"), place("5")), ((1, 1), (2, 1), (4, 4)));
        assert_eq!((line_and_column(text, 0), line_and_column("a\r\nb", 2)), ((1, 1), (1, 2)));
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        let text = "a: \u{1b}[2J\u{202e}\tü";
        let at = text.find('ü').unwrap();
        let (shown, span) = Line::of(text, Place { source: 0, start: at, end: at + 2 }).shown();
        assert_eq!((shown.as_str(), &shown[span]), ("a: \u{fffd}[2J\u{fffd}\tü", "ü"));
        let source = Source::new("x\u{1b}[2J\ny.yaml", text);
        let problem =
            Problem::new(Code::Syntax, Place { source: 0, start: at, end: at + 2 }, "m\u{9b}1\n").help("h\u{2028}");
        let said = Diagnostics::new(vec![source], vec![problem]).to_string();
        assert!(said.chars().all(|c| c == '\n' || printable::is_shown(c)), "{said:?}");
    }

    #[test]
    fn places_in_overrides_are_told_as_places_in_what_was_typed() {
        let sources = ["file", "a=1", "b=2"].map(|text| Source::new("--set", text)).to_vec();
        let place = |source| Place { source, start: 2, end: 3 };
        let problems = [0, 1, 2].map(|source| Problem::new(Code::Syntax, place(source), "wrong")).to_vec();
        let told = Diagnostics::new(sources, problems)
            .retold(|set, at| (set == "b=2").then(|| ("--vary", "b=1,2", at.start + 2..at.end + 2)));
        let places: Vec<_> = told.problems().iter().map(|p| told.position(p).unwrap()).collect();
        assert_eq!(places, [("--set", 1, 3), ("--set", 1, 3), ("--vary", 1, 5)]);
    }
}
