//! From a [`Figure`] to SVG text, with plotters: the layout of the whole sheet. The charts are drawn by the modules below it.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use self::backend::{Finish, Svg, px};
use super::figure::{Body, Figure, Panel};
use super::palette::{ALARM, Rgb, WHITE, luma};

mod axis;
mod backend;
mod bars;
mod heat;
mod text;
mod time;
mod values;

/// Text and strong lines.
const INK: Rgb = Rgb(26, 26, 26);
/// Secondary text and axes.
const GREY: Rgb = Rgb(92, 92, 92);
/// Grid lines.
const GRID: Rgb = Rgb(220, 220, 220);
/// The ground of the part of a run that is not measured.
const UNMEASURED: Rgb = Rgb(238, 238, 238);

/// Width of every figure, in pixels.
const WIDTH: f64 = 1120.0;
/// Around the sheet, and between panels.
const MARGIN: f64 = 28.0;
const TITLE: f64 = 22.0;
const SUBTITLE: f64 = 14.0;
const SUBTITLE_ROW: f64 = 20.0;
const PANEL_TITLE: f64 = 15.0;
const PANEL_HEAD: f64 = 27.0;
const LEGEND: f64 = 12.0;
const LEGEND_ROW: f64 = 21.0;

/// A rectangle of the picture.
type Area<'s> = DrawingArea<Svg<'s>, Shift>;
/// What drawing comes to.
type Drawn = DrawResult<(), Svg<'static>>;

/// Text of so many pixels, placed by the middle of its height.
fn font(size: f64, colour: Rgb, at: HPos) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::SansSerif, size * 10.0, FontStyle::Normal);
    font.color(&colour).pos(Pos::new(at, VPos::Center))
}

/// Writes `content` at a point of the area's coordinates, moved by `offset` pixels; with a white rim that keeps it legible on
/// lines and areas if `halo`.
fn write<P: CoordTranslate<From: Clone>>(
    area: &DrawingArea<Svg<'_>, P>,
    at: P::From,
    offset: (f64, f64),
    (style, halo): (TextStyle<'static>, bool),
    content: &str,
) -> Drawn {
    let text = Text::new(content.to_owned(), (px(offset.0), px(offset.1)), style);
    area.draw(&(EmptyElement::at(at) + Finish { halo, ..Finish::default() } + text))
}

/// Width of an area in pixels.
fn width(area: &Area<'_>) -> f64 {
    f64::from(area.dim_in_pixel().0) / 10.0
}

/// Black or white, whichever is legible on `fill`.
fn text_on(fill: Rgb) -> Rgb {
    if luma(fill) > 140_000 { INK } else { WHITE }
}

impl Figure {
    /// The figure as an SVG document: the same bytes for the same figure, always.
    #[must_use]
    pub fn svg(&self) -> String {
        let inner = WIDTH - 2.0 * MARGIN;
        let subtitle: Vec<(String, bool)> = self
            .subtitle
            .iter()
            .flat_map(|line| text::wrapped(&line.text, SUBTITLE, inner).into_iter().map(|t| (t, line.alarm)))
            .collect();
        let legend = legend_rows(&self.legend, inner);
        let columns = self.columns.max(1);
        let column = (WIDTH - MARGIN) / columns as f64 - MARGIN;
        let heights: Vec<f64> = self
            .panels
            .chunks(columns)
            .map(|row| row.iter().map(|panel| height(panel, column)).fold(0.0, f64::max))
            .collect();
        let head = TITLE + 22.0 + subtitle.len() as f64 * SUBTITLE_ROW;
        let panels: f64 = heights.iter().sum();
        let total = 2.0 * MARGIN + head + panels + legend.len() as f64 * LEGEND_ROW;

        let mut out = String::new();
        let sheet = Svg::new(&mut out, (px(WIDTH), px(total)), &self.title).into_drawing_area();
        let drawn = self.draw(&sheet, &subtitle, (head, &heights), &legend).and_then(|()| sheet.present());
        drop(sheet);
        drawn.expect("a string takes everything, and nothing else draws on this sheet");
        out
    }

    fn draw(
        &self,
        sheet: &Area<'_>,
        subtitle: &[(String, bool)],
        (head, heights): (f64, &[f64]),
        legend: &[LegendRow<'_>],
    ) -> Drawn {
        sheet.fill(&WHITE)?;
        let margin = px(MARGIN);
        let (top, mut rest) = sheet.margin(margin, margin, margin, 0).split_vertically(px(head));
        let title = text::fitted(&self.title, TITLE, WIDTH - 2.0 * MARGIN);
        write(&top, (0, 0), (0.0, TITLE * 0.45), (font(TITLE, INK, HPos::Left), false), &title)?;
        for (i, (line, alarm)) in subtitle.iter().enumerate() {
            let style = font(SUBTITLE, if *alarm { ALARM } else { GREY }, HPos::Left);
            write(&top, (0, 0), (0.0, TITLE + 19.0 + i as f64 * SUBTITLE_ROW), (style, false), line)?;
        }
        let columns = self.columns.max(1);
        for (row, height) in self.panels.chunks(columns).zip(heights) {
            let (here, below) = rest.split_vertically(px(*height));
            for (panel, area) in row.iter().zip(here.split_evenly((1, columns))) {
                draw_panel(&area.margin(0, 0, 0, margin), panel)?;
            }
            rest = below;
        }
        draw_legend(&rest, legend)
    }
}

fn height(panel: &Panel, width: f64) -> f64 {
    let title = if panel.title.is_empty() { 0.0 } else { PANEL_HEAD };
    title
        + match &panel.body {
            Body::Time(chart) => time::height(chart, width),
            Body::Bars(chart) => bars::height(chart),
            Body::Values(_) => values::HEIGHT,
            Body::Heat(chart) => heat::height(chart),
        }
}

fn draw_panel(area: &Area<'_>, panel: &Panel) -> Drawn {
    let title = if panel.title.is_empty() { 0.0 } else { PANEL_HEAD };
    let (head, body) = area.split_vertically(px(title));
    if !panel.title.is_empty() {
        let fitted = text::fitted(&panel.title, PANEL_TITLE, width(area));
        write(&head, (0, 0), (0.0, PANEL_TITLE * 0.65), (font(PANEL_TITLE, INK, HPos::Left), false), &fitted)?;
    }
    // A row is as high as its highest panel.
    let body = body.shrink((0, 0), (px(width(area)), px(height(panel, width(area)) - title)));
    match &panel.body {
        Body::Time(chart) => time::draw(&body, chart),
        Body::Bars(chart) => bars::draw(&body, chart),
        Body::Values(chart) => values::draw(&body, chart),
        Body::Heat(chart) => heat::draw(&body, chart),
    }
}

type LegendRow<'a> = Vec<(f64, Rgb, &'a str)>;

/// The legend's entries with their distance from the left, in rows.
fn legend_rows(entries: &[(Rgb, String)], room: f64) -> Vec<LegendRow<'_>> {
    let mut rows: Vec<LegendRow<'_>> = Vec::new();
    let mut x = 0.0;
    for (colour, name) in entries {
        let width = text::width(name, LEGEND) + 34.0;
        if rows.is_empty() || x + width > room {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, *colour, name));
        }
        x += width;
    }
    rows
}

fn draw_legend(area: &Area<'_>, rows: &[LegendRow<'_>]) -> Drawn {
    for (i, row) in rows.iter().enumerate() {
        let middle = 10.0 + i as f64 * LEGEND_ROW;
        for (x, colour, name) in row {
            let corners = [(px(*x), px(middle - 6.0)), (px(x + 12.0), px(middle + 6.0))];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            write(area, (0, 0), (x + 17.0, middle), (font(LEGEND, INK, HPos::Left), false), name)?;
        }
    }
    Ok(())
}
