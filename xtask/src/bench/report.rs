//! Tables for the terminal and the documentation.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use super::measure::median;
use super::outcome::{Goal, Outcome, least, most};

/// Markdown of one row: method, goals, figures.
pub(crate) fn table(outcome: &Outcome) -> String {
    let mut text = format!("### {}: {}\n\n{}\n\n", outcome.row, outcome.title, outcome.method);
    if !outcome.goals.is_empty() {
        text += "| goal | reached | verdict |\n| --- | ---: | --- |\n";
        for goal in &outcome.goals {
            let _ = writeln!(
                text,
                "| {} ≤ {} | {} | {} |",
                goal.what,
                amount(goal, goal.limit),
                reached(goal),
                goal.verdict()
            );
        }
        text += "\n";
    }
    let titles: Vec<&str> = outcome.columns.iter().map(|column| column.title.as_str()).collect();
    let _ = writeln!(text, "| | {} |\n| --- |{}", titles.join(" | "), " ---: |".repeat(titles.len()));
    for peer in &outcome.peers {
        let cells = outcome.columns.iter().map(|column| {
            peer.samples.get(&column.key).map_or_else(String::new, |samples| range(samples, column.digits))
        });
        let _ = writeln!(text, "| {} | {} |", peer.name, cells.collect::<Vec<_>>().join(" | "));
    }
    for note in &outcome.notes {
        let _ = write!(text, "\n{note}\n");
    }
    text
}

/// `1.2 [1.1–1.4]`, or the value alone if there is but one.
fn range(samples: &[f64], digits: usize) -> String {
    match samples {
        [] => String::new(),
        [one] => format!("{one:.digits$}"),
        _ => format!("{:.digits$} [{:.digits$}–{:.digits$}]", median(samples), least(samples), most(samples)),
    }
}

fn amount(goal: &Goal, value: f64) -> String {
    let digits = if goal.unit == "×" || value.abs() < 10.0 { 2 } else { 1 };
    let space = if goal.unit == "×" { "" } else { " " };
    format!("{value:.digits$}{space}{}", goal.unit)
}

fn reached(goal: &Goal) -> String {
    let [value, least, most] = goal.value;
    if least.is_nan() || (least - most).abs() < f64::EPSILON {
        return amount(goal, value);
    }
    format!("{} [{}–{}]", amount(goal, value), amount(goal, least), amount(goal, most))
}

/// Writes the page of figures from the newest result of each row.
pub(crate) fn write(results: &Path, order: &[&str]) -> Result<()> {
    for row in order {
        let path = results.join(format!("{row}.json"));
        if path.exists() {
            println!("{}", table(&Outcome::read(&path)?));
        }
    }
    Ok(())
}
