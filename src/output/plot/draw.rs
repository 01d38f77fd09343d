//! From a [`Figure`] to SVG text: the layout of the whole sheet. The charts are drawn by `draw_time` and `draw_bars`.

use super::draw_bars;
use super::draw_heat;
use super::draw_time;
use super::draw_values;
use super::figure::{Body, Figure, Panel};
use super::palette::{ALARM, GREY, INK, Rgb};
use super::svg::{Anchor, Font, Svg};
use super::text;

/// Width of every figure, in pixels.
const WIDTH: f64 = 1120.0;
const MARGIN: f64 = 28.0;
const GUTTER: f64 = 28.0;
const TITLE: f64 = 22.0;
const SUBTITLE: f64 = 14.0;
const PANEL_TITLE: f64 = 15.0;
const LEGEND: f64 = 12.0;

/// A rectangle of the sheet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
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
        let head = MARGIN + TITLE + 8.0 + subtitle.len() as f64 * (SUBTITLE + 6.0) + 14.0;
        let foot = legend.len() as f64 * (LEGEND + 9.0) + MARGIN;
        let columns = self.columns.max(1);
        let column = (inner - GUTTER * (columns - 1) as f64) / columns as f64;
        let rows: Vec<&[Panel]> = self.panels.chunks(columns).collect();
        let heights: Vec<f64> =
            rows.iter().map(|row| row.iter().map(|p| height(p, column)).fold(0.0, f64::max)).collect();
        let total = head + heights.iter().sum::<f64>() + foot;

        let mut svg = Svg::new(WIDTH, total, &self.title);
        let font = Font { size: TITLE, fill: INK, anchor: Anchor::Start, halo: false };
        svg.text((MARGIN, MARGIN + TITLE * 0.8), font, &text::fitted(&self.title, TITLE, inner));
        for (i, (line, alarm)) in subtitle.iter().enumerate() {
            let y = MARGIN + TITLE + 8.0 + (i + 1) as f64 * (SUBTITLE + 6.0) - 4.0;
            let fill = if *alarm { ALARM } else { GREY };
            svg.text((MARGIN, y), Font { size: SUBTITLE, fill, anchor: Anchor::Start, halo: false }, line);
        }
        let mut top = head;
        for (row, height) in rows.iter().zip(&heights) {
            for (i, panel) in row.iter().enumerate() {
                let frame = Frame { left: MARGIN + i as f64 * (column + GUTTER), top, width: column };
                draw_panel(&mut svg, frame, panel);
            }
            top += height;
        }
        draw_legend(&mut svg, top + 4.0, &legend);
        svg.finish()
    }
}

fn title_height(panel: &Panel) -> f64 {
    if panel.title.is_empty() { 0.0 } else { PANEL_TITLE + 12.0 }
}

fn height(panel: &Panel, width: f64) -> f64 {
    title_height(panel)
        + match &panel.body {
            Body::Time(chart) => draw_time::height(chart, width),
            Body::Bars(chart) => draw_bars::height(chart),
            Body::Values(_) => draw_values::HEIGHT,
            Body::Heat(chart) => draw_heat::height(chart),
        }
}

fn draw_panel(svg: &mut Svg, frame: Frame, panel: &Panel) {
    if !panel.title.is_empty() {
        let font = Font { size: PANEL_TITLE, fill: INK, anchor: Anchor::Start, halo: false };
        let title = text::fitted(&panel.title, PANEL_TITLE, frame.width);
        svg.text((frame.left, frame.top + PANEL_TITLE), font, &title);
    }
    let frame = Frame { top: frame.top + title_height(panel), ..frame };
    match &panel.body {
        Body::Time(chart) => draw_time::draw(svg, frame, chart),
        Body::Bars(chart) => draw_bars::draw(svg, frame, chart),
        Body::Values(chart) => draw_values::draw(svg, frame, chart),
        Body::Heat(chart) => draw_heat::draw(svg, frame, chart),
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

fn draw_legend(svg: &mut Svg, top: f64, rows: &[LegendRow<'_>]) {
    for (i, row) in rows.iter().enumerate() {
        let y = top + i as f64 * (LEGEND + 9.0);
        for (x, colour, name) in row {
            svg.rect((MARGIN + x, y), (12.0, 12.0), &colour.to_string());
            let font = Font { size: LEGEND, fill: INK, anchor: Anchor::Start, halo: false };
            svg.text((MARGIN + x + 17.0, y + 10.5), font, name);
        }
    }
}
