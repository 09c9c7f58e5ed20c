//! `check`: what files and folders would do, and every fault in them.

use crate::USAGE;
use crate::cli::{CheckArgs, Output};
use crate::config::Config;
use crate::files::{self, Source};
use crate::report::{self, Problem, Report, Severity, Style};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use translate::Settings;

/// The name under which standard input is shown.
const STDIN: &str = "<stdin>";

/// Does it, and says whether there were errors.
pub fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let paths: Vec<PathBuf> = args.paths.iter().filter(|path| path.as_os_str() != "-").cloned().collect();
    let scan = files::scan(&paths);
    // Paths of the command line that cannot be read are a wrong command line; files below them are problems.
    let wrong = paths.iter().any(|path| scan.unreadable.contains_key(path));
    let (mut sources, unreadable) = files::read(&scan);
    if args.paths.iter().any(|path| path == Path::new("-")) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(files::MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        sources.push(Source { path: STDIN.into(), bytes });
    }
    let mut config = Config::new(Settings { assume_acknowledged: true, ..Settings::default() });
    config.update(sources, unreadable);
    let mut problems = config.problems();
    if args.quiet {
        problems.retain(|problem| problem.severity != Severity::Note);
    }
    crate::print(&render(&config, &problems, args.output, Style::of(&std::io::stdout())))?;
    let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
    Ok(if wrong { ExitCode::from(USAGE) } else { ExitCode::from(u8::from(failed)) })
}

fn render(config: &Config, problems: &[Problem], output: Output, style: Style) -> String {
    let report = Report::new(problems, config.objects(), config.statuses());
    match output {
        Output::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
        Output::Github => problems.iter().map(|problem| report::github(problem) + "\n").collect(),
        Output::Text => {
            let sources = config.sources();
            let mut text: String =
                problems.iter().map(|problem| report::problem(problem, &sources, style) + "\n").collect();
            let table = report::statuses(config.statuses(), style);
            if !table.is_empty() {
                text.push_str(&table);
                text.push('\n');
            }
            text.push_str(&format!(
                "{} in {}: {}, {}, {}\n",
                count(report.objects.len(), "object"),
                count(config.files(), "file"),
                count(report.errors, "error"),
                count(report.warnings, "warning"),
                count(report.notes, "note")
            ));
            text
        }
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn explain(code: &str) -> anyhow::Result<ExitCode> {
    let Some((code, title, explanation)) = report::explain(code) else {
        anyhow::bail!("there is no code {code}; codes look like SG0301");
    };
    crate::print(&if explanation.is_empty() {
        format!("{code}: {title}\n")
    } else {
        format!("{code}: {title}\n\n{explanation}\n")
    })?;
    Ok(ExitCode::SUCCESS)
}
