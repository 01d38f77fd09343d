//! Charts over time: areas, lines, event marks, the shaded warmup, and labels at the right end.

use super::draw::Frame;
use super::figure::{Area, Curve, EndLabel, Mark, TimeChart};
use super::palette::{ALARM, GREY, GRID, INK, text_on};
use super::scale::time_ticks;
use super::svg::{Anchor, Font, Svg};
use super::text;
use crate::output::format;

const SIZE: f64 = 12.0;
const LABEL: f64 = 13.0;
/// Least distance between two labels at the right end.
const LABEL_ROW: f64 = 17.0;
const AXIS_LEFT: f64 = 66.0;
const LABELS_WIDTH: f64 = 268.0;
const MARK_ROW: f64 = 16.0;
const MARK_ROWS_MOST: usize = 5;
const FOOT: f64 = 46.0;

/// Height that the chart needs in a frame of this width.
pub(super) fn height(chart: &TimeChart, width: f64) -> f64 {
    let place = Place::of(chart, Frame { left: 0.0, top: 0.0, width });
    place.bottom + FOOT
}

/// Draws the chart.
pub(super) fn draw(svg: &mut Svg, frame: Frame, chart: &TimeChart) {
    let place = Place::of(chart, frame);
    let warmup = place.x(chart.warmup_s) - place.left;
    svg.rect((place.left, place.top), (warmup, chart.height), "#eeeeee");
    draw_axes(svg, &place, chart);
    for area in &chart.areas {
        for stretch in &area.stretches {
            svg.polygon(&place.outline(stretch), &area.fill.to_string(), &area.name);
        }
    }
    draw_warmup(svg, &place, chart);
    for curve in &chart.lines {
        draw_curve(svg, &place, curve);
    }
    draw_marks(svg, &place, chart);
    for area in chart.areas.iter().filter(|a| a.labelled) {
        draw_area_label(svg, &place, area);
    }
    draw_end_labels(svg, &place, chart);
}

/// Where the chart's values are on the sheet.
struct Place<'a> {
    chart: &'a TimeChart,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Each mark's row, from the plotting area upwards; `None` if there is no room for its label.
    mark_rows: Vec<Option<usize>>,
}

impl<'a> Place<'a> {
    fn of(chart: &'a TimeChart, frame: Frame) -> Place<'a> {
        let left = frame.left + AXIS_LEFT;
        let labels = if chart.labels.is_empty() { 16.0 } else { LABELS_WIDTH };
        let mut place = Place {
            chart,
            left,
            right: frame.left + frame.width - labels,
            top: 0.0,
            bottom: 0.0,
            mark_rows: Vec::new(),
        };
        place.mark_rows = place.rows_of_marks();
        let rows = place.mark_rows.iter().flatten().max().map_or(0, |row| row + 1);
        place.top = frame.top + 20.0 + rows as f64 * MARK_ROW;
        place.bottom = place.top + chart.height;
        place
    }

    fn x(&self, seconds: f64) -> f64 {
        self.left + (self.right - self.left) * (seconds / self.chart.end_s).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.chart.scale.at(value)
    }

    fn outline(&self, stretch: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
        let upper = stretch.iter().map(|&(t, _, hi)| (self.x(t), self.y(hi)));
        let lower = stretch.iter().rev().map(|&(t, lo, _)| (self.x(t), self.y(lo)));
        upper.chain(lower).collect()
    }

    /// A label stands to the right of its line, or to the left near the right edge.
    fn mark_span(&self, mark: &Mark) -> (f64, f64) {
        let (x, width) = (self.x(mark.at_s), text::width(&mark.label, SIZE) + 10.0);
        if x + width > self.right + LABELS_WIDTH - 20.0 { (x - width, x) } else { (x, x + width) }
    }

    fn rows_of_marks(&self) -> Vec<Option<usize>> {
        let mut taken: Vec<Vec<(f64, f64)>> = vec![Vec::new(); MARK_ROWS_MOST];
        if !self.chart.labels.is_empty() {
            // The heading of the labels stands there.
            taken[0].push((self.right + 24.0, f64::INFINITY));
        }
        let mut rows = Vec::new();
        // Later marks take the lower rows, so that no label stands on the line of a later mark.
        for mark in self.chart.marks.iter().rev() {
            let (from, to) = self.mark_span(mark);
            let free = taken.iter().position(|row| row.iter().all(|&(a, b)| to <= a || from >= b));
            if let Some(row) = free {
                taken[row].push((from, to));
            }
            rows.push(free);
        }
        rows.reverse();
        rows
    }
}

fn draw_axes(svg: &mut Svg, place: &Place<'_>, chart: &TimeChart) {
    let font = Font { size: SIZE, fill: GREY, anchor: Anchor::End, halo: false };
    for tick in chart.scale.ticks() {
        let y = place.y(tick);
        svg.line((place.left, y), (place.right, y), GRID, 1.0, "");
        let label = if chart.percent { format::percent(tick) } else { format::short(tick) };
        svg.text((place.left - 8.0, y + 4.0), font, &label);
    }
    for tick in time_ticks(chart.end_s) {
        let x = place.x(tick);
        svg.line((x, place.bottom), (x, place.bottom + 5.0), GREY, 1.0, "");
        let font = Font { anchor: Anchor::Middle, ..font };
        svg.text((x, place.bottom + 19.0), font, &format::duration(tick));
    }
    svg.line((place.left, place.bottom), (place.right, place.bottom), GREY, 1.0, "");
    let middle = (place.top + place.bottom) / 2.0;
    svg.text_up((place.left - 52.0, middle), Font { anchor: Anchor::Middle, ..font }, &chart.y_title);
    let font = Font { anchor: Anchor::Middle, ..font };
    svg.text(((place.left + place.right) / 2.0, place.bottom + 36.0), font, "simulated time");
}

fn draw_warmup(svg: &mut Svg, place: &Place<'_>, chart: &TimeChart) {
    if chart.warmup_s <= 0.0 {
        return;
    }
    let (x, y) = (place.x(chart.warmup_s), place.bottom);
    svg.veil((place.left, place.top), (x - place.left, y - place.top));
    svg.line((x, place.top), (x, y), GREY, 1.0, "2 3");
    let label = "warmup (not in the figures)";
    let label = if text::width(label, SIZE) < x - place.left { label } else { "warmup" };
    let font = Font { size: SIZE, fill: GREY, anchor: Anchor::Start, halo: true };
    svg.text((place.left + 4.0, y - 6.0), font, label);
}

fn draw_curve(svg: &mut Svg, place: &Place<'_>, curve: &Curve) {
    for stretch in &curve.stretches {
        let mut points: Vec<(f64, f64)> = stretch.iter().map(|&(t, v)| (place.x(t), place.y(v))).collect();
        if let [(x, y)] = points[..] {
            // A single value is a short dash: a path of one point is invisible.
            points = vec![(x - 1.5, y), (x + 1.5, y)];
        }
        svg.polyline(&points, &curve.stroke.to_string(), 2.0, &curve.name);
    }
}

fn draw_marks(svg: &mut Svg, place: &Place<'_>, chart: &TimeChart) {
    for (mark, row) in chart.marks.iter().zip(&place.mark_rows) {
        let x = place.x(mark.at_s);
        let label_y = row.map_or(place.top, |row| place.top - 8.0 - row as f64 * MARK_ROW);
        svg.line((x, label_y), (x, place.bottom), INK, 1.4, "");
        if row.is_some() {
            let left = place.mark_span(mark).0 < x;
            let (x, anchor) = if left { (x - 5.0, Anchor::End) } else { (x + 5.0, Anchor::Start) };
            svg.text((x, label_y), Font { size: SIZE, fill: INK, anchor, halo: true }, &mark.label);
        }
    }
}

/// Writes the name of an area where the area has the most room around it, clear of marks, if it fits anywhere.
fn draw_area_label(svg: &mut Svg, place: &Place<'_>, area: &Area) {
    let name = format::middle_cut(&area.name, 26);
    let width = text::width(&name, SIZE) + 10.0;
    let mut best: Option<(f64, f64, f64)> = None;
    for stretch in &area.stretches {
        for (i, &(t, _, _)) in stretch.iter().enumerate().filter(|(_, p)| p.0 >= place.chart.warmup_s) {
            let right = place.x(t) + width;
            if place.chart.marks.iter().any(|mark| (place.x(t)..right).contains(&place.x(mark.at_s))) {
                continue;
            }
            let under = stretch[i..].iter().take_while(|p| place.x(p.0) <= right + 4.0);
            let (mut end, mut low, mut high) = (0.0, place.top, place.bottom);
            for &(t, lo, hi) in under {
                (end, low, high) = (place.x(t), f64::max(low, place.y(hi)), f64::min(high, place.y(lo)));
            }
            let room = high - low;
            if end >= right - 4.0 && room >= SIZE + 4.0 && best.is_none_or(|(most, _, _)| room > most * 1.05) {
                best = Some((room, place.x(t), (low + high) / 2.0));
            }
        }
    }
    if let Some((_, x, y)) = best {
        let font = Font { size: SIZE, fill: text_on(area.fill), anchor: Anchor::Middle, halo: false };
        svg.text((x + width / 2.0, y + 4.0), font, &name);
    }
}

fn draw_end_labels(svg: &mut Svg, place: &Place<'_>, chart: &TimeChart) {
    if chart.labels.is_empty() {
        return;
    }
    let wanted: Vec<f64> = chart.labels.iter().map(|l| place.y(l.value)).collect();
    let ys = spread(&wanted, LABEL_ROW, place.top + 4.0, place.bottom + FOOT - 8.0);
    let font = Font { size: SIZE, fill: GREY, anchor: Anchor::Start, halo: true };
    svg.text((place.right + 34.0, place.top - 8.0), font, &chart.labels_title);
    for ((label, from), y) in chart.labels.iter().zip(wanted).zip(ys) {
        draw_end_label(svg, place, label, from, y);
    }
}

fn draw_end_label(svg: &mut Svg, place: &Place<'_>, label: &EndLabel, from: f64, y: f64) {
    let colour = label.colour.to_string();
    let x = place.right;
    svg.line((x + 1.0, from), (x + 8.0, from), &colour, 1.2, "");
    svg.line((x + 8.0, from), (x + 24.0, y), &colour, 1.2, "");
    svg.line((x + 24.0, y), (x + 28.0, y), &colour, 1.2, "");
    svg.rect((x + 28.0, y - 5.0), (10.0, 10.0), &colour);
    let room = LABELS_WIDTH - 46.0;
    let figure = text::fitted(&label.figure, LABEL, room - 60.0);
    let name = text::fitted(&label.name, LABEL, room - text::width(&figure, LABEL) - 8.0);
    let fill = if label.alarm { ALARM } else { INK };
    let font = Font { size: LABEL, fill, anchor: Anchor::Start, halo: false };
    svg.text((x + 43.0, y + 4.5), font, &format!("{name}\u{a0}\u{a0}{figure}"));
}

/// Moves positions apart to at least `gap`, in their order, as little as needed, within `low` and `high` if they fit.
fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    // Downwards from the top, then pushed back up from the bottom.
    let mut ys: Vec<f64> = Vec::with_capacity(wanted.len());
    for &want in wanted {
        let least = ys.last().map_or(low, |last| last + gap);
        ys.push(want.max(least));
    }
    let mut most = high;
    for y in ys.iter_mut().rev() {
        *y = y.min(most);
        most = *y - gap;
    }
    ys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_stay_inside() {
        let ys = spread(&[10.0, 10.0, 95.0, 100.0], 15.0, 0.0, 100.0);
        assert_eq!(ys, [10.0, 25.0, 85.0, 100.0]);
    }
}
