//! Problems in the log: each once when it comes, once when it goes.

use crate::cli::LogFormat;
use crate::report::{Problem, Severity, Style};
use std::collections::HashMap;
use std::io::Write;

/// What the log has said about problems.
pub(super) struct ProblemLog {
    format: LogFormat,
    style: Style,
    known: HashMap<Identity, Problem>,
}

/// What makes a problem the same one although its place has moved.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    file: String,
    code: &'static str,
    text: String,
}

impl Identity {
    fn of(problem: &Problem) -> Self {
        Self { file: problem.file.clone(), code: problem.code, text: problem.text() }
    }
}

impl ProblemLog {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, style: Style::of(&std::io::stderr()), known: HashMap::new() }
    }

    /// Says what is new and what is gone.
    pub(super) fn update(&mut self, problems: &[Problem]) {
        let mut before = std::mem::take(&mut self.known);
        for problem in problems {
            let identity = Identity::of(problem);
            if before.remove(&identity).is_none() && !self.known.contains_key(&identity) {
                self.say(problem);
            }
            self.known.insert(identity, problem.clone());
        }
        let mut gone: Vec<Problem> = before.into_values().collect();
        gone.sort();
        for problem in gone.iter().filter(|problem| problem.severity != Severity::Note) {
            self.resolved(problem);
        }
    }

    fn say(&self, problem: &Problem) {
        match self.format {
            LogFormat::Text => {
                let head = format!("{}[{}]", problem.severity.as_str(), problem.code);
                let mut line = problem.line().replacen(&head, &self.style.severity(problem.severity, &head), 1);
                if !problem.help.is_empty() {
                    line.push_str(&format!("\n  help: {}", problem.help));
                }
                stderr(&(line + "\n"));
            }
            LogFormat::Json => {
                let (file, line, column) = (&problem.file, problem.line, problem.column);
                let object = problem.object.as_ref().map(ToString::to_string);
                let (code, field, help, message) = (problem.code, &problem.field, &problem.help, &problem.message);
                match problem.severity {
                    Severity::Error => {
                        tracing::error!(code, file, line, column, object, field, help, "{message}");
                    }
                    Severity::Warning => {
                        tracing::warn!(code, file, line, column, object, field, help, "{message}");
                    }
                    Severity::Note => {
                        tracing::info!(code, file, line, column, object, field, help, "{message}");
                    }
                }
            }
        }
    }

    fn resolved(&self, problem: &Problem) {
        match self.format {
            LogFormat::Text => {
                let place = if problem.file.is_empty() { String::new() } else { format!("{}: ", problem.file) };
                stderr(&format!("{place}resolved[{}] {}\n", problem.code, problem.text()));
            }
            LogFormat::Json => {
                let object = problem.object.as_ref().map(ToString::to_string);
                let (code, file, field) = (problem.code, &problem.file, &problem.field);
                tracing::info!(code, file, object, field, "resolved: {}", problem.message);
            }
        }
    }
}

/// Writes to standard error; what cannot be written there cannot be told anywhere.
pub(super) fn stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
