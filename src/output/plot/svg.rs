//! A small writer of SVG: just the shapes that the figures use, with fixed decimals so that equal figures are equal bytes.
//! Written by hand rather than with a plotting crate for what those lack: text with a halo, tooltips that name a pod, labels
//! placed by the real widths of the font.

use std::fmt::{Display, Write as _};

use crate::printable;

/// The family that viewers use; the embedded font for PNG is the first, the others have similar widths.
const FAMILY: &str = "DejaVu Sans, Verdana, Geneva, sans-serif";

/// Where a text's position is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font<'a> {
    pub size: f64,
    pub fill: &'a str,
    pub anchor: Anchor,
    /// A white rim that keeps the text legible on lines and areas.
    pub halo: bool,
}

/// An SVG document in the making.
pub(super) struct Svg {
    out: String,
}

impl Svg {
    /// An empty white canvas. `title` is what a screen reader says.
    pub fn new(width: f64, height: f64, title: &str) -> Svg {
        let mut svg = Svg { out: String::new() };
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
             font-family=\"{FAMILY}\" role=\"img\">\n<title>{}</title>\n",
            escaped(title),
            w = n(width),
            h = n(height)
        ));
        svg.rect((0.0, 0.0), (width, height), "#ffffff");
        svg
    }

    fn push(&mut self, text: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{text}");
    }

    /// A filled rectangle with its upper left corner at `at`.
    pub fn rect(&mut self, at: (f64, f64), size: (f64, f64), fill: &str) {
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"/>\n",
            n(at.0),
            n(at.1),
            n(size.0),
            n(size.1)
        ));
    }

    /// A rectangle that lets what is under it shine through, paler.
    pub fn veil(&mut self, at: (f64, f64), size: (f64, f64)) {
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#ffffff\" fill-opacity=\"0.6\"/>\n",
            n(at.0),
            n(at.1),
            n(size.0),
            n(size.1)
        ));
    }

    /// A straight line; `dash` as in `stroke-dasharray`, empty for none.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64, dash: &str) {
        self.push(format_args!(
            "<path d=\"M{} {}L{} {}\" stroke=\"{stroke}\" stroke-width=\"{}\"{}/>\n",
            n(from.0),
            n(from.1),
            n(to.0),
            n(to.1),
            n(width),
            dashed(dash)
        ));
    }

    /// A line through points, with a tooltip.
    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: &str, width: f64, name: &str) {
        self.push(format_args!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\"><title>{}</title></path>\n",
            path(points),
            n(width),
            escaped(name)
        ));
    }

    /// A filled shape with a thin white edge, and a tooltip.
    pub fn polygon(&mut self, points: &[(f64, f64)], fill: &str, name: &str) {
        self.push(format_args!(
            "<path d=\"{}Z\" fill=\"{fill}\" stroke=\"#ffffff\" stroke-width=\"0.6\"><title>{}</title></path>\n",
            path(points),
            escaped(name)
        ));
    }

    /// One line of text with its baseline at `at`.
    pub fn text(&mut self, at: (f64, f64), font: Font<'_>, content: &str) {
        self.push_text(at, font, "", content);
    }

    /// A text that reads upwards.
    pub fn text_up(&mut self, at: (f64, f64), font: Font<'_>, content: &str) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", n(at.0), n(at.1));
        self.push_text(at, font, &turn, content);
    }

    fn push_text(&mut self, at: (f64, f64), font: Font<'_>, extra: &str, content: &str) {
        let anchor = match font.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let halo = if font.halo {
            " stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\""
        } else {
            ""
        };
        self.push(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{halo}{extra}>{}</text>\n",
            n(at.0),
            n(at.1),
            n(font.size),
            font.fill,
            escaped(content)
        ));
    }

    /// The document.
    pub fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

/// A coordinate with at most one decimal.
fn n(x: f64) -> String {
    crate::output::format::trimmed(x, 1)
}

fn dashed(dash: &str) -> String {
    if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") }
}

fn path(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        d.push(if i == 0 { 'M' } else { 'L' });
        d.push_str(&n(*x));
        d.push(' ');
        d.push_str(&n(*y));
    }
    d
}

/// Text for XML: reserved characters as entities, control characters (which XML 1.0 forbids) as a replacement sign.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if !printable::is_shown(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_the_document() {
        assert_eq!(escaped("a<b>&\"\u{0}\u{9b}\u{202e}"), "a&lt;b&gt;&amp;&quot;\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_small_document() {
        let mut svg = Svg::new(10.0, 5.5, "t");
        svg.line((0.0, 0.04), (1.25, 2.0), "#000", 1.0, "2 2");
        svg.text((1.0, 2.0), Font { size: 12.0, fill: "#000", anchor: Anchor::End, halo: false }, "a&b");
        insta::assert_snapshot!(svg.finish(), @r##"
        <svg xmlns="http://www.w3.org/2000/svg" width="10" height="5.5" viewBox="0 0 10 5.5" font-family="DejaVu Sans, Verdana, Geneva, sans-serif" role="img">
        <title>t</title>
        <rect x="0" y="0" width="10" height="5.5" fill="#ffffff"/>
        <path d="M0 0L1.2 2" stroke="#000" stroke-width="1" stroke-dasharray="2 2"/>
        <text x="1" y="2" font-size="12" fill="#000" text-anchor="end">a&amp;b</text>
        </svg>
        "##);
    }
}
