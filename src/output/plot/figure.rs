//! A figure as plain data: what is seen, not how it is drawn.

use super::palette::Rgb;
use super::scale::Scale;

/// A picture: a title, panels in a grid, a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What is seen.
    pub title: String,
    /// What to take from it, a line each.
    pub subtitle: Vec<Line>,
    /// The charts, row by row.
    pub panels: Vec<Panel>,
    /// How many panels stand side by side, at least 1.
    pub columns: usize,
    /// Colours that no direct label explains.
    pub legend: Vec<(Rgb, String)>,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text; broken where it is too long.
    pub text: String,
    /// True for what is wrong.
    pub alarm: bool,
}

/// One chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Its heading; may be empty.
    pub title: String,
    /// What it shows.
    pub body: Body,
}

/// Kinds of charts.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Values over time.
    Time(TimeChart),
    /// A horizontal bar per pod.
    Bars(BarChart),
    /// A line over the values of one varied path.
    Values(ValueChart),
    /// A field per pair of values of two varied paths.
    Heat(HeatChart),
}

/// Means over the values of one varied path, which stand at equal distances, with their confidence intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueChart {
    /// The y axis.
    pub scale: Scale,
    /// The y axis shows percentages.
    pub percent: bool,
    /// What is varied.
    pub x_title: String,
    /// Its values.
    pub labels: Vec<String>,
    /// (mean, lower end, upper end) at each value; `None` where there is none.
    pub points: Vec<Option<(f64, f64, f64)>>,
}

/// Means over two varied paths.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatChart {
    /// What is varied from top to bottom, and from left to right.
    pub title: String,
    /// The values from left to right.
    pub columns: Vec<String>,
    /// The values from top to bottom, each with its fields, one per column.
    pub rows: Vec<(String, Vec<Field>)>,
}

/// One field of a heat map.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The value in words; a dash if there is none.
    pub text: String,
    /// Its colour.
    pub fill: Rgb,
}

/// Values over simulated time, from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeChart {
    /// Height of the plotting area in pixels.
    pub height: f64,
    /// The y axis.
    pub scale: Scale,
    /// The y axis shows percentages.
    pub percent: bool,
    /// Heading of the y axis.
    pub y_title: String,
    /// End of the x axis in seconds.
    pub end_s: f64,
    /// The first part of the run, which is not measured, in seconds; zero if there is none.
    pub warmup_s: f64,
    /// What happened.
    pub marks: Vec<Mark>,
    /// Filled shapes, drawn in this order.
    pub areas: Vec<Area>,
    /// Lines above the shapes, drawn in this order.
    pub lines: Vec<Curve>,
    /// Heading of the labels at the right end.
    pub labels_title: String,
    /// Labels at the right end, from top to bottom where they collide.
    pub labels: Vec<EndLabel>,
}

/// An event on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When, in seconds.
    pub at_s: f64,
    /// What.
    pub label: String,
}

/// A filled shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// Whose it is.
    pub name: String,
    /// Its colour.
    pub fill: Rgb,
    /// Unbroken stretches of (seconds, lower value, upper value).
    pub stretches: Vec<Vec<(f64, f64, f64)>>,
    /// Write the name into the shape where it fits.
    pub labelled: bool,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Whose it is.
    pub name: String,
    /// Its colour.
    pub stroke: Rgb,
    /// Unbroken stretches of (seconds, value).
    pub stretches: Vec<Vec<(f64, f64)>>,
}

/// A label at the right end of a time chart.
#[derive(Clone, Debug, PartialEq)]
pub struct EndLabel {
    /// The value that it points to.
    pub value: f64,
    /// Its colour.
    pub colour: Rgb,
    /// The name; cut in the middle where it is too long.
    pub name: String,
    /// What follows the name.
    pub figure: String,
    /// True for what is wrong.
    pub alarm: bool,
}

/// A horizontal bar per pod.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// From top to bottom.
    pub bars: Vec<Bar>,
    /// The value of a bar over the full width; above zero.
    pub most: f64,
    /// Where all bars would end if the load were even, and what to call that.
    pub even: Option<(f64, String)>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Whose it is.
    pub name: String,
    /// Its length.
    pub value: f64,
    /// What it is made of, each with its name: the first part in the bar's colour, the others paler. Of one piece if empty.
    pub parts: Vec<(String, f64)>,
    /// What stands at its end.
    pub figure: String,
    /// Its colour.
    pub fill: Rgb,
    /// True for what is wrong.
    pub alarm: bool,
}
