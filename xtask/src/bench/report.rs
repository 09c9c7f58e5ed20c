//! Tables for the terminal and the documentation.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::measure::median;
use super::outcome::{Goal, Outcome, least, most};
use super::plot;
use crate::run;

/// Markdown of one row: method, goals, figures.
pub(crate) fn table(outcome: &Outcome) -> String {
    let mut text =
        format!("### {}\n\n{}\n\n", outcome.row, wrapped(&format!("**{}.** {}", outcome.title, outcome.method)));
    if !outcome.goals.is_empty() {
        text += "| goal | reached | verdict |\n| --- | ---: | --- |\n";
        for goal in &outcome.goals {
            let _ = writeln!(text, "| {}", goal_cells(goal));
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
        let _ = write!(text, "\n{}\n", wrapped(note));
    }
    let rounds = match outcome.rounds {
        1 => "measured once".to_owned(),
        rounds => format!("median [range] of {rounds} rounds of {} s", outcome.seconds),
    };
    let workers =
        if outcome.workers == 1 { "1 worker each".to_owned() } else { format!("{} workers each", outcome.workers) };
    let _ = write!(
        text,
        "\n{}, commit {}, {rounds}, {workers}, load average {:.1}.\n",
        outcome.date, outcome.commit, outcome.load
    );
    text
}

/// Prose in lines of at most 150 characters.
fn wrapped(prose: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in prose.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 150 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn goal_cells(goal: &Goal) -> String {
    format!("{} ≤ {} | {} | {} |", goal.what, amount(goal, goal.limit), reached(goal), goal.verdict())
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

/// Where the page and its plots lie.
fn page() -> PathBuf {
    run::root().join("docs/operating/performance")
}

/// Writes the page of figures, its plots and its raw figures from the newest result of each row: of `results`, where rows are measured, or of
/// the page's own folder, where the last report has left them.
pub(crate) fn write(results: &Path, order: &[&str]) -> Result<()> {
    let page = page();
    let raw = page.join("results");
    fs::create_dir_all(&raw)?;
    let mut outcomes = Vec::new();
    for row in order {
        let name = format!("{row}.json");
        let read = |dir: &Path| dir.join(&name).exists().then(|| Outcome::read(&dir.join(&name))).transpose();
        let (fresh, kept) = (read(results)?, read(&raw)?);
        let newest = match (fresh, kept) {
            (Some(fresh), Some(kept)) if kept.date > fresh.date => kept,
            (Some(fresh), _) => fresh,
            (None, Some(kept)) => kept,
            (None, None) => {
                println!("{row}: no result yet");
                continue;
            }
        };
        newest.write(&raw)?;
        outcomes.push(newest);
    }
    fs::write(page.join("results.md"), text(&outcomes, &page)?)?;
    println!("{} rows written to {}", outcomes.len(), page.join("results.md").display());
    Ok(())
}

/// The page; plots are written on the way.
fn text(outcomes: &[Outcome], page: &Path) -> Result<String> {
    let mut text = "# Results\n\nWritten by `cargo xtask bench report`; how to read them: [performance](README.md). Raw figures: [`results`](results).\n\n".to_owned();
    let machines: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.machine.as_str()).collect();
    let versions: BTreeSet<&str> = outcomes.iter().flat_map(|outcome| &outcome.versions).map(String::as_str).collect();
    let _ = writeln!(text, "- Machine: {}", machines.into_iter().collect::<Vec<_>>().join("; "));
    let _ = writeln!(text, "- Versions: {}", versions.into_iter().collect::<Vec<_>>().join(", "));
    text += "\n## Goals\n\n| row | goal | reached | verdict |\n| --- | --- | ---: | --- |\n";
    for outcome in outcomes {
        for goal in &outcome.goals {
            let _ = writeln!(text, "| [{0}](#{0}) | {1}", outcome.row, goal_cells(goal));
        }
    }
    text += "\n## Rows\n";
    for outcome in outcomes {
        let _ = write!(text, "\n{}", table(outcome));
        if let Some(svg) = plot::svg(outcome)? {
            fs::write(page.join(format!("{}.svg", outcome.row)), svg)?;
            let _ = write!(text, "\n![{}]({}.svg)\n", outcome.title, outcome.row);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::outcome::{Column, Measured};

    fn outcome() -> Outcome {
        let measured = |name: &str, factor: f64| Measured {
            name: name.to_owned(),
            samples: [("cpu", [30.0, 10.0, 20.0]), ("user", [10.0, 4.0, 5.0]), ("sys", [20.0, 6.0, 15.0])]
                .map(|(key, values)| (key.to_owned(), values.map(|value| value * factor).to_vec()))
                .into(),
        };
        let mut outcome = Outcome {
            row: "h1".to_owned(),
            title: "CPU per request".to_owned(),
            method: "By counting.".to_owned(),
            date: "2026-11-21 16:00 UTC".to_owned(),
            machine: "a machine".to_owned(),
            load: 1.0,
            commit: "abc".to_owned(),
            rounds: 3,
            seconds: 1,
            workers: 1,
            versions: Vec::new(),
            columns: vec![Column { key: "cpu".to_owned(), title: "CPU".to_owned(), digits: 1 }],
            peers: vec![measured("sluicegate", 1.2), measured("nginx", 1.0)],
            goals: Vec::new(),
            notes: vec!["A note.".to_owned()],
            plot: vec!["user".to_owned(), "sys".to_owned()],
        };
        outcome.ratio("CPU ÷ nginx", "cpu", "sluicegate", "nginx", 1.15);
        outcome.at_most("CPU", "cpu", "sluicegate", 30.0, "ms");
        outcome.at_most("what nobody measured", "pss", "sluicegate", 30.0, "MiB");
        outcome
    }

    #[test]
    fn a_table_says_what_was_reached() {
        let table = table(&outcome());
        assert!(table.contains("| CPU ÷ nginx ≤ 1.15× | 1.20× | **missed by 4 %** |"), "{table}");
        assert!(table.contains("| CPU ≤ 30.0 ms | 24.0 ms [12.0 ms–36.0 ms] | met |"), "{table}");
        assert!(table.contains("| nginx | 20.0 [10.0–30.0] |"), "{table}");
        assert!(table.contains("A note."), "{table}");
    }

    #[test]
    fn a_plot_has_a_bar_for_every_proxy() -> Result<()> {
        let svg = plot::svg(&outcome())?.unwrap_or_default();
        assert!(svg.starts_with("<svg") && svg.contains("sluicegate") && svg.contains("nginx"), "{svg}");
        assert!(svg.matches("<rect").count() >= 5, "{svg}");
        Ok(())
    }

    #[test]
    fn results_are_read_as_they_were_written() -> Result<()> {
        let dir = testkit::paths::RunDir::new("bench-results")?;
        outcome().write(dir.path())?;
        let read = Outcome::read(&dir.path().join("h1.json"))?;
        assert_eq!(table(&read), table(&outcome()));
        Ok(())
    }
}
