//! One bar per proxy, as SVG.

use anyhow::{Result, anyhow};
use plotters::element::{EmptyElement, PathElement, Rectangle, Text};
use plotters::prelude::{ChartBuilder, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, WHITE};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle, TextStyle};

use super::measure::median;
use super::outcome::{Outcome, least, most};

const OURS: [RGBColor; 2] = [RGBColor(23, 105, 170), RGBColor(120, 180, 225)];
const THEIRS: [RGBColor; 2] = [RGBColor(110, 110, 110), RGBColor(190, 190, 190)];
const TEXT: RGBColor = RGBColor(30, 30, 30);

/// Width in pixels, and height of a bar's lane.
const WIDTH: u32 = 760;
const LANE: u32 = 30;

/// The proxies that have all figures of the plot, with the median of each figure and the range of the sum.
struct Bar<'a> {
    name: &'a str,
    parts: Vec<f64>,
    range: (f64, f64),
}

fn bars(outcome: &Outcome) -> Vec<Bar<'_>> {
    let bar = |name| {
        let samples: Vec<&[f64]> = outcome.plot.iter().map(|key| outcome.samples(name, key)).collect();
        let rounds = samples.iter().map(|values| values.len()).min().filter(|n| *n > 0)?;
        let sums: Vec<f64> = (0..rounds).map(|round| samples.iter().map(|values| values[round]).sum()).collect();
        let parts = samples.iter().map(|values| median(values)).collect();
        Some(Bar { name, parts, range: (least(&sums), most(&sums)) })
    };
    outcome.peers.iter().filter_map(|peer| bar(peer.name.as_str())).collect()
}

/// The plot of a row; `None` if it has none.
pub(crate) fn svg(outcome: &Outcome) -> Result<Option<String>> {
    let bars = bars(outcome);
    if bars.is_empty() {
        return Ok(None);
    }
    let mut svg = String::new();
    draw(outcome, &bars, &mut svg).map_err(|e| anyhow!("plot of {}: {e}", outcome.row))?;
    // A file of text ends with a line's end.
    Ok(Some(svg.trim_end().to_owned() + "\n"))
}

fn draw(outcome: &Outcome, bars: &[Bar<'_>], svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let lanes = u32::try_from(bars.len())?;
    let area = SVGBackend::with_string(svg, (WIDTH, 72 + LANE * lanes)).into_drawing_area();
    area.fill(&WHITE)?;
    let longest = bars.iter().map(|bar| bar.range.1.max(bar.parts.iter().sum())).fold(0.0, f64::max);
    let end = if longest > 0.0 { longest * 1.12 } else { 1.0 };
    let mut chart = ChartBuilder::on(&area)
        .caption(&outcome.title, ("sans-serif", 15).into_font().color(&TEXT))
        .margin(6)
        .margin_left(190)
        .x_label_area_size(34)
        .build_cartesian_2d(0.0..end, f64::from(lanes)..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(WHITE)
        .x_labels(8)
        .x_desc(unit(outcome))
        .label_style(("sans-serif", 12).into_font().color(&TEXT))
        .draw()?;
    let style = |at| TextStyle::from(("sans-serif", 12).into_font()).color(&TEXT).pos(at);
    for (lane, bar) in (0_u32..).zip(bars) {
        let (top, bottom, middle) = (f64::from(lane) + 0.2, f64::from(lane) + 0.8, f64::from(lane) + 0.5);
        let colors = if bar.name.starts_with("sluicegate") { OURS } else { THEIRS };
        let mut from = 0.0;
        for (part, color) in bar.parts.iter().zip(colors.into_iter().cycle()) {
            chart.draw_series([Rectangle::new([(from, top), (from + part, bottom)], color.filled())])?;
            from += part;
        }
        let (least, most) = bar.range;
        if most > least {
            let line = ShapeStyle::from(&TEXT).stroke_width(1);
            chart.draw_series([PathElement::new(vec![(least, middle), (most, middle)], line)])?;
        }
        let end = from.max(most);
        chart.draw_series([EmptyElement::at((end, middle))
            + Text::new(figure(from), (6, 0), style(Pos::new(HPos::Left, VPos::Center)))])?;
        chart.draw_series([EmptyElement::at((0.0, middle))
            + Text::new(bar.name.to_owned(), (-8, 0), style(Pos::new(HPos::Right, VPos::Center)))])?;
    }
    area.present()?;
    Ok(())
}

/// What the axis counts: the heading of the first column whose figure is plotted or, of a stack, is its sum.
fn unit(outcome: &Outcome) -> String {
    let title = |key: &str| outcome.columns.iter().find(|column| column.key == key).map(|column| column.title.clone());
    match outcome.plot.as_slice() {
        [one] => title(one).unwrap_or_default(),
        [first, second] if first == "user" && second == "sys" => {
            format!("{}: user (dark) and system (light), range of the rounds", title("cpu").unwrap_or_default())
        }
        parts => parts.iter().filter_map(|key| title(key)).collect::<Vec<_>>().join(" + "),
    }
}

fn figure(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value:.3}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}
