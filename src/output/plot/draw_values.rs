//! A line over the values of one varied path, with the confidence intervals as an area.

use super::draw::Frame;
use super::figure::ValueChart;
use super::palette::{GREY, GRID, NEUTRAL, Rgb};
use super::svg::{Anchor, Font, Svg};
use super::text;
use crate::output::format;

/// Height of every such chart.
pub(super) const HEIGHT: f64 = 240.0;
const SIZE: f64 = 12.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 10.0;
const FOOT: f64 = 56.0;
const BAND: Rgb = Rgb(200, 224, 240);
const DOT: f64 = 5.0;

struct Place<'a> {
    chart: &'a ValueChart,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Place<'_> {
    fn x(&self, i: usize) -> f64 {
        let n = self.chart.labels.len();
        let part = if n > 1 { i as f64 / (n - 1) as f64 } else { 0.5 };
        // The outer values stand within the axes, so that their labels do.
        self.left + (self.right - self.left) * (0.05 + 0.9 * part)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.chart.scale.at(value)
    }
}

/// Draws the chart.
pub(super) fn draw(svg: &mut Svg, frame: Frame, chart: &ValueChart) {
    let place = Place {
        chart,
        left: frame.left + LEFT,
        right: frame.left + frame.width - RIGHT,
        top: frame.top + TOP,
        bottom: frame.top + HEIGHT - FOOT,
    };
    draw_axes(svg, &place);
    for stretch in stretches(chart) {
        let upper = stretch.iter().map(|&(i, (_, _, hi))| (place.x(i), place.y(hi)));
        let lower = stretch.iter().rev().map(|&(i, (_, lo, _))| (place.x(i), place.y(lo)));
        svg.polygon(&upper.chain(lower).collect::<Vec<_>>(), &BAND.to_string(), "95 % confidence interval");
    }
    for stretch in stretches(chart) {
        let points: Vec<(f64, f64)> = stretch.iter().map(|&(i, (mean, _, _))| (place.x(i), place.y(mean))).collect();
        svg.polyline(&points, &NEUTRAL.to_string(), 2.0, &chart.x_title);
        for (x, y) in points {
            svg.rect((x - DOT / 2.0, y - DOT / 2.0), (DOT, DOT), &NEUTRAL.to_string());
        }
    }
}

/// The place of a value, and its mean with the ends of its interval.
type Point = (usize, (f64, f64, f64));

/// Neighbouring values that have a mean.
fn stretches(chart: &ValueChart) -> Vec<Vec<Point>> {
    let mut stretches = vec![Vec::new()];
    for (i, point) in chart.points.iter().enumerate() {
        match (point, stretches.last_mut()) {
            (Some(point), Some(open)) => open.push((i, *point)),
            _ => stretches.push(Vec::new()),
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

fn draw_axes(svg: &mut Svg, place: &Place<'_>) {
    let font = Font { size: SIZE, fill: GREY, anchor: Anchor::End, halo: false };
    for tick in place.chart.scale.ticks() {
        let y = place.y(tick);
        svg.line((place.left, y), (place.right, y), GRID, 1.0, "");
        let label = if place.chart.percent { format::percent(tick) } else { format::short(tick) };
        svg.text((place.left - 8.0, y + 4.0), font, &label);
    }
    let labels = &place.chart.labels;
    let widest = labels.iter().map(|l| text::width(l, SIZE)).fold(0.0, f64::max).min(90.0) + 8.0;
    let step = if labels.len() > 1 { place.x(1) - place.x(0) } else { widest };
    let every = (widest / step).ceil().max(1.0) as usize;
    for (i, label) in labels.iter().enumerate().filter(|(i, _)| i.is_multiple_of(every)) {
        let x = place.x(i);
        svg.line((x, place.bottom), (x, place.bottom + 5.0), GREY, 1.0, "");
        svg.text((x, place.bottom + 19.0), Font { anchor: Anchor::Middle, ..font }, &text::fitted(label, SIZE, 90.0));
    }
    svg.line((place.left, place.bottom), (place.right, place.bottom), GREY, 1.0, "");
    let middle = f64::midpoint(place.left, place.right);
    svg.text((middle, place.bottom + 37.0), Font { anchor: Anchor::Middle, ..font }, &place.chart.x_title);
}
