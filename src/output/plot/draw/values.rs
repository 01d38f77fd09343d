//! A line over the values of one varied path, with the confidence intervals as an area.

use plotters::prelude::*;

use super::axis::Axis;
use super::backend::{px, tip};
use super::time::{mesh, outline};
use super::{Area, Drawn, text, width};
use crate::output::plot::figure::ValueChart;
use crate::output::plot::palette::{NEUTRAL, Rgb};

/// Height of every such chart.
pub(super) const HEIGHT: f64 = 240.0;
const SIZE: f64 = 12.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 10.0;
const AXIS_BELOW: f64 = 39.0;
const FOOT: f64 = 56.0;
const DOT: u32 = 30;
const BAND: Rgb = Rgb(200, 224, 240);

/// Draws the chart.
pub(super) fn draw(area: &Area<'_>, chart: &ValueChart) -> Drawn {
    let n = chart.labels.len();
    let step = (width(area) - LEFT - RIGHT) / n.max(1) as f64;
    let widest = chart.labels.iter().map(|l| text::width(l, SIZE)).fold(0.0, f64::max).min(90.0) + 8.0;
    let x = Axis::places(0..n, (widest / step).ceil().max(1.0) as usize);
    let mut plot = ChartBuilder::on(area)
        .margin_top(px(TOP))
        .margin_right(px(RIGHT))
        .margin_bottom(px(FOOT - AXIS_BELOW))
        .x_label_area_size(px(AXIS_BELOW))
        .y_label_area_size(px(LEFT))
        .build_cartesian_2d(x, chart.scale)?;
    let label = |x: &f64| text::fitted(&chart.labels[*x as usize], SIZE, 90.0);
    mesh(&mut plot, &label, chart.percent).x_desc(&chart.x_title).draw()?;
    let plot = plot.plotting_area();
    let mut first = 0.5;
    for stretch in chart.points.split(Option::is_none) {
        let known = || stretch.iter().flatten().enumerate().map(|(i, point)| (first + i as f64, point));
        let band: Vec<(f64, f64, f64)> = known().map(|(x, &(_, lo, hi))| (x, lo, hi)).collect();
        if !band.is_empty() {
            plot.draw(&tip("95 % confidence interval"))?;
            plot.draw(&Polygon::new(outline(&band), BAND))?;
        }
        let line = LineSeries::new(known().map(|(x, &(mean, ..))| (x, mean)), NEUTRAL.filled().stroke_width(20));
        for part in line.point_size(DOT) {
            plot.draw(&tip(&chart.x_title))?;
            plot.draw(&part)?;
        }
        first += stretch.len() as f64 + 1.0;
    }
    Ok(())
}
