//! What plotters draws on: a writer of SVG with fixed decimals, so that equal figures are equal bytes. Plotters' own SVG backend
//! lacks text with a halo, tooltips that name a pod, a title for screen readers and the real widths of the font, and it places
//! everything at whole pixels. Here a unit of plotters is a tenth of a pixel.

use std::convert::Infallible;
use std::fmt::{Arguments, Write as _};
use std::iter::Empty;
use std::mem::take;

use plotters::element::{Drawable, PointCollection};
use plotters::prelude::{Color, DrawingBackend};
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};

use super::text;
use crate::output::plot::palette::Rgb;
use crate::printable;
use crate::words::trimmed;

/// The family that viewers use; the embedded font for PNG is the first, the others have similar widths.
const FAMILY: &str = "DejaVu Sans, Verdana, Geneva, sans-serif";

/// Units of plotters for this many pixels.
pub(super) fn px(pixels: f64) -> i32 {
    (pixels * 10.0).round() as i32
}

/// Pixels for this many units of plotters.
pub(super) fn pixels(units: i32) -> f64 {
    f64::from(units) / 10.0
}

impl Color for Rgb {
    fn to_backend_color(&self) -> BackendColor {
        BackendColor { alpha: 1.0, rgb: (self.0, self.1, self.2) }
    }
}

/// What plotters' elements lack: an element that shows nothing, and gives it to the next one that is drawn.
#[derive(Clone, Default)]
pub(super) struct Finish {
    /// What a viewer shows under the pointer.
    pub tip: String,
    /// As in `stroke-dasharray`.
    pub dash: &'static str,
    /// A white rim that keeps a text legible on lines and areas.
    pub halo: bool,
}

/// Gives a tooltip.
pub(super) fn tip(tip: &str) -> Finish {
    Finish { tip: tip.to_owned(), ..Finish::default() }
}

/// Makes a line dashed.
pub(super) fn dashed(dash: &'static str) -> Finish {
    Finish { dash, ..Finish::default() }
}

impl<'a, C: 'a> PointCollection<'a, C> for &'a Finish {
    type Point = &'a C;
    type IntoIter = Empty<&'a C>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::empty()
    }
}

impl Drawable<Svg<'_>> for Finish {
    fn draw<I: Iterator<Item = BackendCoord>>(&self, _: I, svg: &mut Svg<'_>, _: (u32, u32)) -> Result<(), Failure> {
        svg.finish = self.clone();
        Ok(())
    }
}

/// Never: a string takes everything.
type Failure = DrawingErrorKind<Infallible>;

/// An SVG document in the making.
pub(super) struct Svg<'s> {
    out: &'s mut String,
    size: (u32, u32),
    finish: Finish,
}

impl<'s> Svg<'s> {
    /// An empty canvas of this many units. `title` is what a screen reader says.
    pub(super) fn new(out: &'s mut String, size: (i32, i32), title: &str) -> Svg<'s> {
        let (w, h) = (n(size.0), n(size.1));
        let mut svg = Svg { out, size: (size.0.unsigned_abs(), size.1.unsigned_abs()), finish: Finish::default() };
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
             font-family=\"{FAMILY}\" role=\"img\">\n<title>{}</title>\n",
            escaped(title),
        ));
        svg
    }

    fn push(&mut self, text: Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }

    /// An element of this kind with its tooltip.
    fn element(&mut self, kind: &str, attributes: Arguments<'_>) -> Result<(), Failure> {
        let tip = escaped(&take(&mut self.finish).tip);
        if tip.is_empty() {
            self.push(format_args!("<{kind} {attributes}/>\n"));
        } else {
            self.push(format_args!("<{kind} {attributes}><title>{tip}</title></{kind}>\n"));
        }
        Ok(())
    }
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), Failure> {
        self.push(format_args!("</svg>\n"));
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Result<(), Failure> {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Result<(), Failure> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), Failure> {
        let (width, height) = (n(bottom_right.0 - upper_left.0), n(bottom_right.1 - upper_left.1));
        let place =
            format!("x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\"", n(upper_left.0), n(upper_left.1));
        self.element("rect", format_args!("{place} {}", painted(style, fill)))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Result<(), Failure> {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let round = " stroke-linejoin=\"round\" stroke-linecap=\"round\"";
        let dash = match self.finish.dash {
            "" => round.to_owned(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        };
        self.element("path", format_args!("d=\"{}\" {}{dash}", path(points), painted(style, false)))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), Failure> {
        let radius = trimmed(f64::from(radius) / 10.0, 1);
        let place = format!("cx=\"{}\" cy=\"{}\" r=\"{radius}\"", n(centre.0), n(centre.1));
        self.element("circle", format_args!("{place} {}", painted(style, fill)))
    }

    /// With a thin white edge, which keeps neighbours apart.
    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Result<(), Failure> {
        let edge = "stroke=\"#ffffff\" stroke-width=\"0.6\"";
        self.element("path", format_args!("d=\"{}Z\" {} {edge}", path(points), painted(style, true)))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, content: &str, style: &S, at: BackendCoord) -> Result<(), Failure> {
        let size = style.size();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        // From the point that plotters names to the baseline.
        let down = match style.anchor().v_pos {
            VPos::Top => 0.8,
            VPos::Center => 0.35,
            VPos::Bottom => -0.22,
        };
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            // Plotters turns the headings of y axes only, which read upwards.
            _ => format!(" transform=\"rotate(-90 {} {})\"", n(at.0), n(at.1)),
        };
        let halo = match take(&mut self.finish).halo {
            true => " stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\"",
            false => "",
        };
        let (x, y) = (n(at.0), n(at.1 + (down * size).round() as i32));
        let size = trimmed(size / 10.0, 1);
        let fill = hex(style.color());
        let content = escaped(content);
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\"{anchor}{halo}{turn}>{content}</text>\n"
        ));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, content: &str, style: &S) -> Result<(u32, u32), Failure> {
        Ok((text::width(content, style.size()).ceil() as u32, style.size().ceil() as u32))
    }
}

/// A position or length in pixels.
fn n(units: i32) -> String {
    trimmed(pixels(units), 1)
}

fn hex(colour: BackendColor) -> String {
    let (r, g, b) = colour.rgb;
    Rgb(r, g, b).to_string()
}

fn painted<S: BackendStyle>(style: &S, fill: bool) -> String {
    let (colour, alpha) = (hex(style.color()), style.color().alpha);
    match fill {
        true if alpha < 1.0 => format!("fill=\"{colour}\" fill-opacity=\"{}\"", trimmed(alpha, 2)),
        true => format!("fill=\"{colour}\""),
        false => {
            let width = trimmed(f64::from(style.stroke_width()) / 10.0, 1);
            format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"")
        }
    }
}

fn path(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut d = String::new();
    for (i, (x, y)) in points.into_iter().enumerate() {
        d.push(if i == 0 { 'M' } else { 'L' });
        d.push_str(&n(x));
        d.push(' ');
        d.push_str(&n(y));
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
    use plotters::prelude::*;

    #[test]
    fn text_cannot_break_the_document() {
        assert_eq!(escaped("a<b>&\"\u{0}\u{9b}\u{202e}"), "a&lt;b&gt;&amp;&quot;\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_small_document() {
        let mut out = String::new();
        let sheet = Svg::new(&mut out, (100, 55), "t").into_drawing_area();
        sheet.draw(&Finish { dash: "2 2", tip: "a & b".into(), halo: false }).unwrap();
        sheet.draw(&PathElement::new([(0, 0), (12, 20)], Rgb(0, 0, 0).stroke_width(15))).unwrap();
        sheet.draw(&PathElement::new([(0, 0), (12, 20)], TRANSPARENT)).unwrap();
        let style = FontDesc::new(FontFamily::SansSerif, 120.0, FontStyle::Normal).color(&Rgb(0, 0, 0));
        sheet.draw_text("a<b", &style, (10, 20)).unwrap();
        assert_eq!(sheet.estimate_text_size("00", &style).unwrap(), (153, 120));
        sheet.present().unwrap();
        drop(sheet);
        insta::assert_snapshot!(out, @r##"
        <svg xmlns="http://www.w3.org/2000/svg" width="10" height="5.5" viewBox="0 0 10 5.5" font-family="DejaVu Sans, Verdana, Geneva, sans-serif" role="img">
        <title>t</title>
        <path d="M0 0L1.2 2" fill="none" stroke="#000000" stroke-width="1.5" stroke-dasharray="2 2"><title>a &amp; b</title></path>
        <text x="1" y="11.6" font-size="12" fill="#000000">a&lt;b</text>
        </svg>
        "##);
    }
}
