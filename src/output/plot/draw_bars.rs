//! Horizontal bars with the even share as a line across them.

use super::draw::Frame;
use super::figure::{Bar, BarChart};
use super::palette::{ALARM, GREY, INK};
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

    if chart.bars.is_empty() {
        let font = Font { size: SIZE, fill: GREY, anchor: Anchor::Start, halo: false };
        svg.text((frame.left, top), font, "no pod received a request");
        return;
    }
    let length = |bar: &Bar| room * (bar.value / chart.most).clamp(0.0, 1.0);
    for (i, bar) in chart.bars.iter().enumerate() {
        let at = (left, top + i as f64 * ROW + (ROW - THICKNESS) / 2.0);
        svg.rect(at, (length(bar), THICKNESS), &bar.fill.to_string());
    }
    svg.line((left, top - 2.0), (left, bottom), GREY, 1.0, "");
    let even = chart.even.as_ref().map(|(value, label)| (left + room * (value / chart.most).clamp(0.0, 1.0), label));
    if let Some((x, label)) = even {
        svg.line((x, top - 3.0), (x, bottom + 2.0), INK, 1.5, "5 3");
        let font = Font { size: 12.0, fill: INK, anchor: Anchor::Middle, halo: true };
        // Near the left edge a centred label would run into the names' column: harmless, since it stands above it.
        svg.text((x, top - 8.0), font, label);
    }
    for (i, bar) in chart.bars.iter().enumerate() {
        let end = left + length(bar) + 6.0;
        // A figure that the line of the even share would cross stands behind the line.
        let crossed = even.map(|(x, _)| x + 6.0).filter(|x| *x > end && end + text::width(&bar.figure, SIZE) > x - 9.0);
        let baseline = top + (i as f64 + 0.5) * ROW + 4.5;
        draw_texts(svg, bar, (left - 8.0, names), crossed.unwrap_or(end), baseline);
    }
}

/// The pod's name before the bar, in so much room, and its figure from `after` on.
fn draw_texts(svg: &mut Svg, bar: &Bar, (before, room): (f64, f64), after: f64, baseline: f64) {
    let fill = if bar.alarm { ALARM } else { INK };
    let font = Font { size: SIZE, fill, anchor: Anchor::End, halo: false };
    svg.text((before, baseline), font, &text::fitted(&bar.name, SIZE, room));
    let font = Font { size: SIZE, fill, anchor: Anchor::Start, halo: true };
    svg.text((after, baseline), font, &bar.figure);
}
