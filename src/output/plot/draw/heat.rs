//! A heat map: a field per pair of values, coloured by its value, which stands in it.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::backend::px;
use super::{Area, Drawn, GREY, font, text, text_on, width, write};
use crate::output::plot::figure::HeatChart;

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
pub(super) fn draw(area: &Area<'_>, chart: &HeatChart) -> Drawn {
    let title = text::fitted(&chart.title, SIZE, width(area));
    write(area, (0, 0), (0.0, 8.0), (font(SIZE, GREY, HPos::Left), false), &title)?;
    let names = chart.rows.iter().map(|(name, _)| text::width(name, SIZE)).fold(0.0, f64::max).min(NAMES);
    let (columns, rows) = (chart.columns.len(), chart.rows.len());
    let room = (width(area) - names - 8.0) / columns.max(1) as f64;
    let mut plot = ChartBuilder::on(area)
        .margin_top(px(HEAD - 20.0))
        .margin_bottom(px(FOOT))
        .set_label_area_size(LabelAreaPosition::Top, px(20.0))
        .y_label_area_size(px(names + 8.0))
        .build_cartesian_2d(Axis::places(0..columns, 1), Axis::places(rows..0, 1))?;
    plot.configure_mesh()
        .disable_mesh()
        // The labels stand twice as far from the axis as the ticks are long, which nobody sees.
        .axis_style(TRANSPARENT)
        .set_all_tick_mark_size(px(4.0))
        .label_style(font(SIZE, GREY, HPos::Left))
        .x_label_formatter(&|x| text::fitted(&chart.columns[*x as usize], SIZE, room - 2.0))
        .y_label_formatter(&|y| text::fitted(&chart.rows[*y as usize].0, SIZE, names))
        .draw()?;
    for (y, (_, fields)) in chart.rows.iter().enumerate() {
        for (x, field) in fields.iter().enumerate() {
            let (left, top) = (x as f64, y as f64);
            let mut shape = Rectangle::new([(left, top), (left + 1.0, top + 1.0)], field.fill.filled());
            shape.set_margin(5, 5, 5, 5);
            plot.plotting_area().draw(&shape)?;
            if text::width(&field.text, SIZE) <= room - 2.0 {
                let style = font(SIZE, text_on(field.fill), HPos::Center);
                write(plot.plotting_area(), (left + 0.5, top + 0.5), (0.0, 0.0), (style, false), &field.text)?;
            }
        }
    }
    Ok(())
}
