//! Charts over time: areas, lines, event marks, the shaded warmup, and labels at the right end.

use plotters::chart::MeshStyle;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::backend::{Svg, dashed, pixels, px, tip};
use super::{Area, Drawn, GREY, GRID, INK, UNMEASURED, font, text, text_on, width, write};
use crate::output::plot::figure::{self, Curve, TimeChart};
use crate::output::plot::palette::{ALARM, WHITE};
use crate::output::plot::scale::Scale;
use crate::words;

const SIZE: f64 = 12.0;
const LABEL: f64 = 13.0;
/// Least distance between two labels at the right end.
const LABEL_ROW: f64 = 17.0;
const AXIS_LEFT: f64 = 66.0;
const LABELS_WIDTH: f64 = 268.0;
const TOP: f64 = 20.0;
const MARK_ROW: f64 = 16.0;
const MARK_ROWS_MOST: usize = 5;
/// The labels and the heading of the time axis.
const AXIS_BELOW: f64 = 37.0;
const FOOT: f64 = 46.0;

type Plot<'s> = DrawingArea<Svg<'s>, Cartesian2d<Axis, Scale>>;

/// Height that the chart needs in a frame of this width.
pub(super) fn height(chart: &TimeChart, width: f64) -> f64 {
    TOP + Marks::of(chart, width).height() + chart.height + FOOT
}

/// Draws the chart.
pub(super) fn draw(area: &Area<'_>, chart: &TimeChart) -> Drawn {
    let marks = Marks::of(chart, width(area));
    let mut plot = ChartBuilder::on(area)
        .margin_top(px(TOP + marks.height()))
        .margin_right(px(labels_width(chart)))
        .margin_bottom(px(FOOT - AXIS_BELOW))
        .x_label_area_size(px(AXIS_BELOW))
        .y_label_area_size(px(AXIS_LEFT))
        .build_cartesian_2d(Axis::time(chart.end_s), chart.scale)?;
    let ends = chart.scale.range();
    let warmup = [(0.0, ends.start), (chart.warmup_s, ends.end)];
    plot.draw_series([Rectangle::new(warmup, UNMEASURED.filled())])?;
    mesh(&mut plot, &|t| words::duration(*t), chart.percent).x_desc("simulated time").y_desc(&chart.y_title).draw()?;
    let plot = plot.plotting_area();
    for area in &chart.areas {
        for stretch in &area.stretches {
            plot.draw(&tip(&area.name))?;
            plot.draw(&Polygon::new(outline(stretch), area.fill))?;
        }
    }
    if chart.warmup_s > 0.0 {
        plot.draw(&Rectangle::new(warmup, WHITE.mix(0.6).filled()))?;
        draw_warmup(plot, chart)?;
    }
    for curve in &chart.lines {
        draw_curve(plot, curve)?;
    }
    marks.draw(plot)?;
    for area in chart.areas.iter().filter(|a| a.labelled) {
        draw_area_label(plot, chart, area)?;
    }
    draw_end_labels(plot, chart)
}

/// Axes with lines across for the values of the y axis.
pub(super) fn mesh<'a, 'b, 's, X: Ranged<ValueType = f64> + ValueFormatter<f64>>(
    plot: &'b mut ChartContext<'a, Svg<'s>, Cartesian2d<X, Scale>>,
    x: &'b dyn Fn(&f64) -> String,
    percent: bool,
) -> MeshStyle<'a, 'b, X, Scale, Svg<'s>> {
    let mut mesh = plot.configure_mesh();
    mesh.disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .y_labels(7)
        .bold_line_style(GRID.stroke_width(10))
        .axis_style(GREY.stroke_width(10))
        .set_all_tick_mark_size(px(4.0))
        .label_style(font(SIZE, GREY, HPos::Left))
        .x_label_formatter(x)
        .y_label_formatter(if percent { &|v| words::percent(*v) } else { &|v| words::short(*v) });
    mesh
}

/// The shape between the lower and the upper values.
pub(super) fn outline(stretch: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
    let upper = stretch.iter().map(|&(x, _, hi)| (x, hi));
    upper.chain(stretch.iter().rev().map(|&(x, lo, _)| (x, lo))).collect()
}

fn labels_width(chart: &TimeChart) -> f64 {
    if chart.labels.is_empty() { 16.0 } else { LABELS_WIDTH }
}

fn draw_warmup(plot: &Plot<'_>, chart: &TimeChart) -> Drawn {
    let ends = chart.scale.range();
    let end = [(chart.warmup_s, ends.start), (chart.warmup_s, ends.end)];
    plot.draw(&dashed("2 3"))?;
    plot.draw(&PathElement::new(end, GREY.stroke_width(10)))?;
    let room = pixels(plot.map_coordinate(&end[0]).0 - plot.get_x_axis_pixel_range().start);
    let label = "warmup (not in the figures)";
    let label = if text::width(label, SIZE) < room { label } else { "warmup" };
    write(plot, (0.0, ends.start), (4.0, -10.0), (font(SIZE, GREY, HPos::Left), true), label)
}

fn draw_curve(plot: &Plot<'_>, curve: &Curve) -> Drawn {
    let style = curve.stroke.stroke_width(20);
    for stretch in &curve.stretches {
        plot.draw(&tip(&curve.name))?;
        match stretch[..] {
            // A path of one point is invisible.
            [only] => plot.draw(&Circle::new(only, px(2.0), style.filled()))?,
            _ => plot.draw(&PathElement::new(stretch.clone(), style))?,
        }
    }
    Ok(())
}

/// The events, each with the row of its label, from the plotting area upwards, and whether it stands to the left of its line.
/// `None` if there is no room for it.
struct Marks<'a> {
    chart: &'a TimeChart,
    rows: Vec<Option<(usize, bool)>>,
}

impl<'a> Marks<'a> {
    fn of(chart: &'a TimeChart, width: f64) -> Marks<'a> {
        let right = width - labels_width(chart);
        let mut taken: Vec<Vec<(f64, f64)>> = vec![Vec::new(); MARK_ROWS_MOST];
        if !chart.labels.is_empty() {
            // The heading of the labels stands there.
            taken[0].push((right + 24.0, f64::INFINITY));
        }
        let axis = Axis::time(chart.end_s);
        let mut row = |mark: &figure::Mark| {
            let x = pixels(axis.map(&mark.at_s, (px(AXIS_LEFT), px(right))));
            let width = text::width(&mark.label, SIZE) + 10.0;
            let left = x + width > right + LABELS_WIDTH - 20.0;
            let (from, to) = if left { (x - width, x) } else { (x, x + width) };
            let row = taken.iter().position(|row| row.iter().all(|&(a, b)| to <= a || from >= b))?;
            taken[row].push((from, to));
            Some((row, left))
        };
        // Later marks take the lower rows, so that no label stands on the line of a later mark.
        let mut rows: Vec<_> = chart.marks.iter().rev().map(&mut row).collect();
        rows.reverse();
        Marks { chart, rows }
    }

    fn height(&self) -> f64 {
        self.rows.iter().flatten().map(|row| row.0 + 1).max().map_or(0.0, |rows| rows as f64 * MARK_ROW)
    }

    fn draw(&self, plot: &Plot<'_>) -> Drawn {
        for (mark, row) in self.chart.marks.iter().zip(&self.rows) {
            let top = (mark.at_s, self.chart.scale.range().end);
            let rise = row.map_or(0.0, |(row, _)| 8.0 + row as f64 * MARK_ROW);
            let line = PathElement::new([(0, px(-rise)), (0, px(self.chart.height))], INK.stroke_width(14));
            plot.draw(&(EmptyElement::at(top) + line))?;
            if let Some((_, left)) = *row {
                let (dx, anchor) = if left { (-5.0, HPos::Right) } else { (5.0, HPos::Left) };
                write(plot, top, (dx, -rise - 4.0), (font(SIZE, INK, anchor), true), &mark.label)?;
            }
        }
        Ok(())
    }
}

/// Writes the name of an area where the area has the most room around it, clear of marks, if it fits anywhere.
fn draw_area_label(plot: &Plot<'_>, chart: &TimeChart, area: &figure::Area) -> Drawn {
    let name = words::middle_cut(&area.name, 26);
    let width = px(text::width(&name, SIZE) + 10.0);
    let least = chart.scale.range().start;
    let x = |seconds: f64| plot.map_coordinate(&(seconds, least)).0;
    let y = |value: f64| plot.map_coordinate(&(0.0, value)).1;
    let mut best: Option<(i32, f64, i32)> = None;
    for stretch in &area.stretches {
        for (i, &(t, _, _)) in stretch.iter().enumerate().filter(|(_, p)| p.0 >= chart.warmup_s) {
            let right = x(t) + width;
            if chart.marks.iter().any(|mark| (x(t)..right).contains(&x(mark.at_s))) {
                continue;
            }
            let under = stretch[i..].iter().take_while(|p| x(p.0) <= right + px(4.0));
            let (mut end, mut low, mut high) = (0, i32::MIN, i32::MAX);
            for &(t, lo, hi) in under {
                (end, low, high) = (x(t), low.max(y(hi)), high.min(y(lo)));
            }
            let room = high.saturating_sub(low);
            let fits = end >= right - px(4.0) && room >= px(SIZE + 4.0);
            if fits && best.is_none_or(|(most, _, _)| f64::from(room) > f64::from(most) * 1.05) {
                best = Some((room, t, i32::midpoint(low, high)));
            }
        }
    }
    let Some((_, t, middle)) = best else { return Ok(()) };
    let offset = (pixels(width / 2), pixels(middle - y(least)));
    write(plot, (t, least), offset, (font(SIZE, text_on(area.fill), HPos::Center), false), &name)
}

fn draw_end_labels(plot: &Plot<'_>, chart: &TimeChart) -> Drawn {
    if chart.labels.is_empty() {
        return Ok(());
    }
    let top = (chart.end_s, chart.scale.range().end);
    write(plot, top, (34.0, -12.0), (font(SIZE, GREY, HPos::Left), true), &chart.labels_title)?;
    let y = |value: f64| pixels(plot.map_coordinate(&(chart.end_s, value)).1 - plot.map_coordinate(&top).1);
    let wanted: Vec<f64> = chart.labels.iter().map(|l| y(l.value)).collect();
    let ys = spread(&wanted, LABEL_ROW, 4.0, chart.height + FOOT - 8.0);
    for ((label, from), to) in chart.labels.iter().zip(wanted).zip(ys) {
        let at = |x: f64, y: f64| (px(x), px(y));
        let line = vec![at(1.0, from), at(8.0, from), at(24.0, to), at(28.0, to)];
        let line = PathElement::new(line, label.colour.stroke_width(12));
        let square = Rectangle::new([at(28.0, to - 5.0), at(38.0, to + 5.0)], label.colour.filled());
        plot.draw(&(EmptyElement::at(top) + line + square))?;
        let room = LABELS_WIDTH - 46.0;
        let figure = text::fitted(&label.figure, LABEL, room - 60.0);
        let name = text::fitted(&label.name, LABEL, room - text::width(&figure, LABEL) - 8.0);
        let style = font(LABEL, if label.alarm { ALARM } else { INK }, HPos::Left);
        write(plot, top, (43.0, to), (style, false), &format!("{name}\u{a0}\u{a0}{figure}"))?;
    }
    Ok(())
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
