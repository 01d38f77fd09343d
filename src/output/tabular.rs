//! Tables as data. A report declares each column once, with what it shows of a row; a terminal and Markdown show the same.

pub(super) use Kind::{Bar, Below, Name, Number, Section, Text, Word};

use super::markdown;
use super::style::Style;
use crate::printable;
use crate::words::{middle_cut, paragraphs};

/// Names have at least this much room, however narrow the terminal is. A bar has the other if names leave it.
const NAME_LEAST: usize = 8;
const BAR: (usize, usize) = (6, 30);

/// How a text for a terminal looks.
pub(super) type Paint = fn(&Style, &str) -> String;

pub(super) fn plain(_: &Style, text: &str) -> String {
    text.to_owned()
}

/// What a column is decides where its cells stand. In a narrow terminal those that stand first here get room before the others. A number here is
/// the width in a terminal if there is room, however short the cells are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// On the right; never broken.
    Number(usize),
    /// On the left; never broken.
    Word,
    /// On the left. It gets half of the room that is left, and more if names need less. It is broken between words.
    Text,
    /// On the left. It gets the room that is left. It is broken between words. A word that is too long loses its middle, since two names may begin alike.
    Name(usize),
    /// In a terminal a bar, in Markdown nothing.
    Bar,
    /// In a terminal lines below the row.
    Below,
    /// In a terminal a line above the rows that share it.
    Section,
}

/// A column: its heading, what it holds, and who shows it.
pub(super) struct Column {
    kind: Kind,
    heading: String,
    /// The heading in a terminal.
    above: String,
    terminal: bool,
    markdown: bool,
    code: bool,
    paint: Paint,
}

pub(super) fn column(heading: &str, kind: Kind) -> Column {
    let (markdown, heading) = (kind != Bar, heading.to_owned());
    Column { kind, above: heading.clone(), heading, terminal: true, markdown, code: false, paint: plain }
}

impl Column {
    /// Another heading in a terminal.
    pub(super) fn above(self, heading: &str) -> Column {
        Column { above: heading.to_owned(), ..self }
    }

    /// A column only where there is something to show.
    pub(super) fn when(self, shown: bool) -> Column {
        Column { terminal: self.terminal && shown, markdown: self.markdown && shown, ..self }
    }

    pub(super) fn terminal_only(self) -> Column {
        Column { markdown: false, ..self }
    }

    pub(super) fn markdown_only(self) -> Column {
        Column { terminal: false, ..self }
    }

    /// Code in Markdown. A terminal never breaks it, so that a shell takes it.
    pub(super) fn code(self) -> Column {
        Column { code: true, ..self }
    }

    pub(super) fn paint(self, paint: Paint) -> Column {
        Column { paint, ..self }
    }

    /// It stands in the line of a terminal.
    fn stands(&self) -> bool {
        self.terminal && !matches!(self.kind, Below | Section)
    }

    fn gap(&self) -> usize {
        if matches!(self.kind, Number(_)) { 1 } else { 2 }
    }

    /// The lines of a cell.
    fn lines(&self, cell: &Cell, width: usize, style: &Style) -> Vec<(String, Paint)> {
        let text = format!("{}{}", cell.text, cell.mark);
        let texts = match self.kind {
            Name(_) => wrapped(&text, width, " ").iter().map(|line| middle_cut(line, width)).collect(),
            Text => wrapped(&text, width, ""),
            Bar => vec![style.bar(cell.part, width).trim_end().to_owned()],
            _ => vec![text],
        };
        let paint = if cell.strong { Style::strong } else { self.paint };
        let below = cell.below.iter().map(|text| (text.clone(), Style::faint as Paint));
        texts.into_iter().map(|text| (text, paint)).chain(below).collect()
    }
}

/// Text in lines that begin as it does.
fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    if text.chars().count() <= width {
        return vec![text.to_owned()];
    }
    let blanks = " ".repeat(text.len() - text.trim_start().len());
    let lines = paragraphs(text, width.saturating_sub(blanks.len()), indent);
    lines.lines().map(|line| format!("{blanks}{line}")).collect()
}

/// A cell. Its text is taken for text from outside: it is one printable line, and Markdown shows it as it is.
#[derive(Default)]
pub(super) struct Cell {
    text: String,
    /// A sign of ours behind the text.
    mark: &'static str,
    /// In a terminal on a faint line below the text, in Markdown beside it.
    below: Option<String>,
    /// Length of a bar, from 0 to 1.
    part: f64,
    strong: bool,
}

impl Cell {
    pub(super) fn bar(part: f64) -> Cell {
        Cell { part, ..Cell::default() }
    }

    pub(super) fn marked(self, mark: &'static str) -> Cell {
        Cell { mark, ..self }
    }

    pub(super) fn below(self, below: Option<String>) -> Cell {
        Cell { below, ..self }
    }

    /// What the eye should find first.
    pub(super) fn strong(self, strong: bool) -> Cell {
        Cell { strong, ..self }
    }

    fn width(&self) -> usize {
        let below = self.below.as_ref().map_or(0, |text| text.chars().count());
        below.max(self.text.chars().count() + self.mark.len())
    }

    fn markdown(&self, column: &Column) -> String {
        let text = self.text.trim();
        let shown = if column.code && !text.is_empty() { markdown::code(text) } else { markdown::outside(text) };
        let shown = shown + self.mark;
        let shown = if self.strong { format!("**{shown}**") } else { shown };
        match self.below.as_deref().map(markdown::outside) {
            None => shown,
            Some(half) if half.starts_with('±') => format!("{shown} {half}"),
            Some(below) => format!("{shown} ({below})"),
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell { text: printable::line(&text.as_ref().replace('\n', " ")).into_owned(), ..Cell::default() }
    }
}

struct Row {
    cells: Vec<Cell>,
    paint: Paint,
    /// It is a remark of one cell.
    remark: bool,
}

/// What the rows of a table are about, while its columns are declared.
pub(super) struct Rows<R>(Vec<R>, Table);

impl<R: Copy> Rows<R> {
    pub(super) fn of(rows: impl IntoIterator<Item = R>) -> Rows<R> {
        let about = Vec::from_iter(rows);
        let rows = about.iter().map(|_| Row { cells: Vec::new(), paint: plain, remark: false }).collect();
        Rows(about, Table { columns: Vec::new(), rows })
    }

    /// A column, and what it shows of a row.
    pub(super) fn with<C: Into<Cell>>(mut self, column: Column, cell: impl Fn(R) -> C) -> Rows<R> {
        self.1.columns.push(column);
        self.0.iter().zip(&mut self.1.rows).for_each(|(about, row)| row.cells.push(cell(*about).into()));
        self
    }

    /// How a row looks in a terminal.
    pub(super) fn painted(mut self, paint: impl Fn(R) -> Paint) -> Rows<R> {
        self.0.iter().zip(&mut self.1.rows).for_each(|(about, row)| row.paint = paint(*about));
        self
    }

    pub(super) fn table(self) -> Table {
        self.1
    }
}

/// Columns and rows.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl Table {
    /// With a remark after so many rows, or at the end, if `n` of what it is about are not zero.
    pub(super) fn remark(mut self, after: usize, n: usize, text: impl Fn(usize) -> String) -> Table {
        let remark = (n > 0).then(|| Row { cells: vec![text(n).into()], paint: Style::faint, remark: true });
        let at = after.min(self.rows.len());
        self.rows.splice(at..at, remark);
        self
    }

    /// Adds the table for a terminal below an empty line. False if it has no rows.
    pub(super) fn apart(&self, out: &mut String, style: &Style) -> bool {
        if !self.rows.is_empty() {
            *out += &format!("\n{}", self.terminal(style));
        }
        !self.rows.is_empty()
    }

    /// The table for a terminal; nothing if it has no rows.
    pub(super) fn terminal(&self, style: &Style) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths = self.widths(style.columns());
        let headings: Vec<Cell> = self.columns.iter().map(|column| Cell::from(&column.above)).collect();
        let headings = self.line(&headings, &widths, &Style::default());
        let mut lines = Vec::from_iter((!headings.is_empty()).then(|| style.strong(&headings)));
        let indent = self.indent(&widths);
        let mut section = "";
        for Row { cells, paint, remark } in &self.rows {
            if *remark {
                lines.extend(cells.iter().map(|cell| paint(style, &paragraphs(&cell.text, style.columns(), "  "))));
                continue;
            }
            let shown = |(column, cell): &(&Column, &Cell)| column.terminal && !cell.text.is_empty();
            let pairs = || self.columns.iter().zip(cells).filter(shown);
            for (column, cell) in pairs().filter(|(column, _)| column.kind == Section) {
                if cell.text != section {
                    section = &cell.text;
                    lines.push((column.paint)(style, &paragraphs(section, style.columns(), "  ")));
                }
            }
            lines.push(paint(style, &self.line(cells, &widths, style)));
            for (column, cell) in pairs().filter(|(column, _)| column.kind == Below) {
                let width = if column.code { usize::MAX } else { style.columns() };
                let text = paragraphs(&cell.text, width.saturating_sub(indent.len()), &indent);
                lines.push(format!("{indent}{}", (column.paint)(style, &text)));
            }
        }
        lines.join("\n") + "\n"
    }

    /// What stands below a row stands a little to the right of the first column that is no number.
    fn indent(&self, widths: &[usize]) -> String {
        let mut standing = self.columns.iter().zip(widths).filter(|(column, _)| column.stands()).peekable();
        let mut at = 2;
        while let Some((_, width)) = standing.next_if(|(column, _)| matches!(column.kind, Number(_))) {
            at += width + standing.peek().map_or(0, |(next, _)| next.gap());
        }
        " ".repeat(at)
    }

    /// Widths in a terminal.
    fn widths(&self, columns: usize) -> Vec<usize> {
        let rows = || self.rows.iter().filter(|row| !row.remark);
        let longest = |i: usize, column: &Column| {
            let (cells, heading) = (rows().map(|row| row.cells[i].width()), column.above.chars().count());
            cells.max().unwrap_or(0).max(match column.kind {
                // The heading of a number may reach into the gap before it.
                Number(least) => heading.saturating_sub(1).max(least),
                Name(least) => heading.max(least),
                _ => heading,
            })
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(|(i, column)| longest(i, column)).collect();
        let mut order: Vec<usize> = (0..widths.len()).filter(|&i| self.columns[i].stands()).collect();
        let gaps: usize = order.iter().skip(1).map(|&i| self.columns[i].gap()).sum();
        order.sort_by_key(|&i| self.columns[i].kind);
        let of = |wanted: fn(Kind) -> bool| order.iter().filter(move |&&i| wanted(self.columns[i].kind));
        let names: usize = of(|kind| matches!(kind, Name(_))).map(|&i| widths[i]).sum();
        let bars = of(|kind| kind == Bar).count() * BAR.0;
        let mut left = columns.saturating_sub(gaps);
        for &i in &order {
            widths[i] = match self.columns[i].kind {
                Text => widths[i].min(left - names.min(left / 2)),
                Name(_) => widths[i].min(left.saturating_sub(bars)).max(NAME_LEAST),
                Bar => left.min(BAR.1),
                _ => widths[i],
            };
            left = left.saturating_sub(widths[i]);
        }
        widths
    }

    /// The lines of a row.
    fn line(&self, cells: &[Cell], widths: &[usize], style: &Style) -> String {
        let standing = self.columns.iter().zip(cells).zip(widths).filter(|((column, _), _)| column.stands());
        let columns: Vec<_> =
            standing.map(|((column, cell), width)| (column, *width, column.lines(cell, *width, style))).collect();
        let height = columns.iter().map(|(_, _, lines)| lines.len()).max().unwrap_or(0);
        let mut lines = vec![String::new(); height];
        for (number, line) in lines.iter_mut().enumerate() {
            // Blanks stand before a text, so that none end a line.
            let mut blanks = 0;
            for (i, (column, width, texts)) in columns.iter().enumerate() {
                let (text, paint) = texts.get(number).map_or(("", plain as Paint), |(text, paint)| (text, *paint));
                let (gap, length) = (if i == 0 { 0 } else { column.gap() }, text.chars().count());
                let right = matches!(column.kind, Number(_));
                blanks += if right { (gap + width).saturating_sub(length) } else { gap };
                if length > 0 {
                    *line += &(" ".repeat(blanks) + &paint(style, text));
                    blanks = 0;
                }
                blanks += if right { 0 } else { width.saturating_sub(length) };
            }
        }
        lines.join("\n")
    }

    /// The table in Markdown, with an empty line after it; nothing if it has no rows.
    pub(super) fn markdown(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let columns: Vec<usize> = (0..self.columns.len()).filter(|&i| self.columns[i].markdown).collect();
        let line = |cell: &dyn Fn(usize) -> Option<String>| {
            let cells = columns.iter().map(|&i| markdown::cell(&cell(i).unwrap_or_default()));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut out = line(&|i| Some(markdown::outside(&self.columns[i].heading))) + "|";
        out.extend(columns.iter().map(|&i| if matches!(self.columns[i].kind, Number(_)) { "---:|" } else { "---|" }));
        out.push('\n');
        for row in &self.rows {
            // A remark stands in the first column.
            out += &line(&|i| Some(row.cells.get(i)?.markdown(&self.columns[i])));
        }
        out + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers stand below each other, what is too long for its column is broken, and text from outside is only text.
    #[test]
    fn a_terminal_and_markdown_show_the_same() {
        let rows =
            [("a|b", "1", "*x*\u{1b}"), ("a name that is much too long for a terminal so narrow", "1234567", "z")];
        let table = Rows::of(rows)
            .with(column("part", Section), |_| "all")
            .with(column("name", Name(0)), |(name, _, _)| name)
            .with(column("n", Number(4)), |(_, n, _)| Cell::from(n).below(Some("±1".into())))
            .with(column("of", Word).markdown_only().code(), |(_, _, of)| of)
            .with(column("said", Below), |(_, _, said)| said);
        let table = table.table().remark(1, 2, |n| format!("… {n} more"));
        let style = Style { width: 60, ..Style::default() };
        insta::assert_snapshot!(format!("{}\n{}", table.terminal(&style), table.markdown()));
    }
}
