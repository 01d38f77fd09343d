//! A heat map: a field per pair of values, coloured by its value, which stands in it.

use super::draw::Frame;
use super::figure::HeatChart;
use super::palette::{GREY, text_on};
use super::svg::{Anchor, Font, Svg};
use super::text;

const SIZE: f64 = 12.0;
const ROW: f64 = 28.0;
const HEAD: f64 = 44.0;
const FOOT: f64 = 22.0;
/// The most room for the values at the left.
const NAMES: f64 = 120.0;

/// Height that the chart needs.
pub(super) fn height(chart: &HeatChart) -> f64 {
    HEAD + chart.rows.len() as f64 * ROW + FOOT
}

/// Draws the chart.
pub(super) fn draw(svg: &mut Svg, frame: Frame, chart: &HeatChart) {
    let font = Font { size: SIZE, fill: GREY, anchor: Anchor::Middle, halo: false };
    let names = chart.rows.iter().map(|(name, _)| text::width(name, SIZE)).fold(0.0, f64::max).min(NAMES);
    let left = frame.left + names + 8.0;
    let width = (frame.left + frame.width - left) / chart.columns.len().max(1) as f64;
    let top = frame.top + HEAD;
    let title = text::fitted(&chart.title, SIZE, frame.width);
    svg.text((frame.left, frame.top + 12.0), Font { anchor: Anchor::Start, ..font }, &title);
    for (i, column) in chart.columns.iter().enumerate() {
        let x = left + (i as f64 + 0.5) * width;
        svg.text((x, top - 8.0), font, &text::fitted(column, SIZE, width - 2.0));
    }
    for (j, (name, fields)) in chart.rows.iter().enumerate() {
        let y = top + j as f64 * ROW;
        let before = Font { anchor: Anchor::End, ..font };
        svg.text((left - 8.0, y + ROW / 2.0 + 4.0), before, &text::fitted(name, SIZE, names));
        for (i, field) in fields.iter().enumerate() {
            let x = left + i as f64 * width;
            svg.rect((x + 0.5, y + 0.5), (width - 1.0, ROW - 1.0), &field.fill.to_string());
            if text::width(&field.text, SIZE) <= width - 2.0 {
                let font = Font { fill: text_on(field.fill), ..font };
                svg.text((x + width / 2.0, y + ROW / 2.0 + 4.0), font, &field.text);
            }
        }
    }
}
