//! Horizontal bars with the even share as a line across them.

use super::draw::Frame;
use super::figure::{Bar, BarChart};
use super::palette::{ALARM, GREY, GRID, INK};
use super::svg::{Anchor, Font, Svg};
use super::text;

const ROW: f64 = 22.0;
const THICKNESS: f64 = 15.0;
const SIZE: f64 = 13.0;
/// Above the bars: the label of the even share.
const HEAD: f64 = 20.0;
const FOOT: f64 = 22.0;

/// Height that the chart needs.
pub(super) fn height(chart: &BarChart) -> f64 {
    HEAD + chart.bars.len() as f64 * ROW + FOOT
}

/// Draws the chart.
pub(super) fn draw(svg: &mut Svg, frame: Frame, chart: &BarChart) {
    let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|t| text::width(t, SIZE)).fold(0.0, f64::max);
    let names = widest(&mut chart.bars.iter().map(|b| &b.name)).min(frame.width * 0.42);
    let figures = widest(&mut chart.bars.iter().map(|b| &b.figure)).min(frame.width * 0.4);
    let left = frame.left + names + 8.0;
    let room = (frame.left + frame.width - left - figures - 10.0).max(20.0);
    let top = frame.top + HEAD;
    let bottom = top + chart.bars.len() as f64 * ROW;

    for (i, bar) in chart.bars.iter().enumerate() {
        let length = room * (bar.value / chart.most).clamp(0.0, 1.0);
        draw_bar(svg, bar, (left, top + i as f64 * ROW), length, names);
    }
    svg.line((left, top - 2.0), (left, bottom), GREY, 1.0, "");
    if let Some((value, label)) = &chart.even {
        let x = left + room * (value / chart.most).clamp(0.0, 1.0);
        svg.line((x, top - 3.0), (x, bottom + 2.0), INK, 1.5, "5 3");
        let font = Font { size: 12.0, fill: INK, anchor: Anchor::Middle, halo: true };
        // Near the left edge a centred label would run into the names' column: harmless, since it stands above it.
        svg.text((x, top - 8.0), font, label);
    }
}

fn draw_bar(svg: &mut Svg, bar: &Bar, at: (f64, f64), length: f64, names: f64) {
    let (left, top) = at;
    let middle = top + ROW / 2.0;
    let fill = if bar.alarm { ALARM } else { INK };
    svg.line((left - 3.0, middle), (left, middle), GRID, 1.0, "");
    svg.rect((left, middle - THICKNESS / 2.0), (length, THICKNESS), &bar.fill.to_string());
    let font = Font { size: SIZE, fill, anchor: Anchor::End, halo: false };
    svg.text((left - 8.0, middle + 4.5), font, &text::fitted(&bar.name, SIZE, names));
    let font = Font { size: SIZE, fill, anchor: Anchor::Start, halo: true };
    svg.text((left + length + 6.0, middle + 4.5), font, &bar.figure);
}
