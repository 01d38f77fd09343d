//! Horizontal bars with the even share as a line across them.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::backend::{dashed, pixels, px, tip};
use super::{Area, Drawn, GREY, INK, font, text, width, write};
use crate::output::plot::figure::BarChart;
use crate::output::plot::palette::{ALARM, paler};

const ROW: f64 = 22.0;
/// Above and below each bar.
const GAP: u32 = 35;
/// Between the parts of a bar.
const SEAM: u32 = 12;
const SIZE: f64 = 13.0;
/// Above the bars: the label of the even share.
const HEAD: f64 = 20.0;
const FOOT: f64 = 22.0;

/// Height that the chart needs.
pub(super) fn height(chart: &BarChart) -> f64 {
    HEAD + chart.bars.len() as f64 * ROW + FOOT
}

/// Draws the chart.
pub(super) fn draw(area: &Area<'_>, chart: &BarChart) -> Drawn {
    if chart.bars.is_empty() {
        return write(area, (0, 0), (0.0, HEAD), (font(SIZE, GREY, HPos::Left), false), "no pod received a request");
    }
    let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|t| text::width(t, SIZE)).fold(0.0, f64::max);
    let names = widest(&mut chart.bars.iter().map(|b| &b.name)).min(width(area) * 0.42);
    let figures = widest(&mut chart.bars.iter().map(|b| &b.figure)).min(width(area) * 0.4);
    let rows = chart.bars.len() as f64;
    let plot = ChartBuilder::on(area)
        .margin_top(px(HEAD))
        .margin_bottom(px(FOOT))
        .margin_left(px(names + 8.0))
        .margin_right(px(figures + 10.0))
        .build_cartesian_2d(0.0..chart.most, rows..0.0)?;
    let plot = plot.plotting_area();
    for (i, bar) in chart.bars.iter().enumerate() {
        let whole = [(format!("{}: {}", bar.name, bar.figure), bar.value)];
        let parts = if bar.parts.is_empty() { &whole[..] } else { &bar.parts };
        let (mut from, mut fill) = (0.0, bar.fill);
        for (name, length) in parts {
            let mut shape = Rectangle::new([(from, i as f64), (from + length, i as f64 + 1.0)], fill.filled());
            shape.set_margin(GAP, GAP, 0, if parts.len() > 1 { SEAM } else { 0 });
            plot.draw(&tip(name))?;
            plot.draw(&shape)?;
            (from, fill) = (from + length, paler(bar.fill));
        }
    }
    plot.draw(&PathElement::new([(0.0, 0.0), (0.0, rows)], GREY.stroke_width(10)))?;
    if let Some((even, label)) = &chart.even {
        let line = PathElement::new([(0, px(-3.0)), (0, px(rows * ROW + 2.0))], INK.stroke_width(15));
        plot.draw(&(EmptyElement::at((*even, 0.0)) + dashed("5 3") + line))?;
        // Near the left edge a centred label would run into the names' column: harmless, since it stands above it.
        write(plot, (*even, 0.0), (0.0, -12.0), (font(12.0, INK, HPos::Center), true), label)?;
    }
    let x = |value: f64| pixels(plot.map_coordinate(&(value.min(chart.most), 0.0)).0);
    for (i, bar) in chart.bars.iter().enumerate() {
        let (colour, middle) = (if bar.alarm { ALARM } else { INK }, i as f64 + 0.5);
        let name = text::fitted(&bar.name, SIZE, names);
        write(plot, (0.0, middle), (-8.0, 0.0), (font(SIZE, colour, HPos::Right), false), &name)?;
        // A figure that the line of the even share would cross stands behind the line.
        let to = x(bar.value) + text::width(&bar.figure, SIZE) + 9.0;
        let crossed = chart.even.as_ref().map(|even| even.0).filter(|even| *even > bar.value && to > x(*even));
        let after = (crossed.unwrap_or(bar.value), middle);
        write(plot, after, (6.0, 0.0), (font(SIZE, colour, HPos::Left), true), &bar.figure)?;
    }
    Ok(())
}
