//! Problems as text: the line that tools read, the place in the source, what to do.

use super::{Problem, Severity, may_show};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The text of files, by path, to show lines of.
pub type Sources = BTreeMap<String, String>;

/// Longest part of a source line that is shown, in characters.
const WIDTH: usize = 120;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No.
    Plain,
    /// With ANSI sequences.
    Coloured,
}

impl Style {
    /// Colours for terminals, unless `NO_COLOR` is set (no-color.org).
    pub fn of(stream: &impl std::io::IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !refused { Self::Coloured } else { Self::Plain }
    }

    fn paint(self, sequence: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\x1b[{sequence}m{text}\x1b[0m"),
        }
    }

    /// The text in the severity's colour.
    pub fn severity(self, severity: Severity, text: &str) -> String {
        let sequence = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.paint(sequence, text)
    }

    /// Bold text.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Text that stands back.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// A problem over several lines.
pub fn problem(problem: &Problem, sources: &Sources, style: Style) -> String {
    let head = format!("{}[{}]", problem.severity.as_str(), problem.code);
    let mut text = problem.line().replacen(&head, &style.severity(problem.severity, &head), 1);
    text.push('\n');
    let source = sources.get(&problem.file).filter(|source| may_show(problem, source));
    let line = source.and_then(|source| source.lines().nth((problem.line as usize).checked_sub(1)?));
    if let Some(line) = line.filter(|line| !line.trim().is_empty()) {
        let (line, column) = window(line, problem.column as usize);
        let number = problem.line.to_string();
        let margin = " ".repeat(number.len());
        let caret = format!("{}{}", " ".repeat(column), "^".repeat(word(&line, column)));
        let bar = style.dim("|");
        let _ = writeln!(text, "{margin} {bar}\n{} {bar} {line}", style.dim(&number));
        let _ = writeln!(text, "{margin} {bar} {}", style.severity(problem.severity, &caret));
    }
    if !problem.help.is_empty() {
        let _ = writeln!(text, "  {}: {}", style.bold("help"), printable(&problem.help));
    }
    text
}

/// An annotation of GitHub Actions.
pub fn github(problem: &Problem) -> String {
    let level = match problem.severity {
        Severity::Note => "notice",
        other => other.as_str(),
    };
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let mut place = format!("file={},", property(&problem.file));
    if problem.line > 0 {
        let _ = write!(place, "line={},col={},", problem.line, problem.column);
    }
    let help = if problem.help.is_empty() { String::new() } else { format!("\n{}", problem.help) };
    format!("::{level} {place}title={}::{}", problem.code, escape(&(problem.text() + &help)))
}

/// The text without control characters, which could drive a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The part of a line around a column (from 1), and where the column stands in it (from 0).
fn window(line: &str, column: usize) -> (String, usize) {
    let line: Vec<char> = printable(line).chars().collect();
    let column = column.saturating_sub(1).min(line.len());
    let start = if column > WIDTH / 2 && line.len() > WIDTH { column - WIDTH / 2 } else { 0 };
    let shown: String = line.iter().skip(start).take(WIDTH).collect();
    (shown.trim_end().to_owned(), column - start)
}

/// Length of the word that begins at a column.
fn word(line: &str, column: usize) -> usize {
    let rest: Vec<char> = line.chars().skip(column).collect();
    let quote = rest.first().filter(|c| **c == '"' || **c == '\'');
    let end = match quote {
        Some(quote) => rest.iter().skip(1).position(|c| c == quote).map(|at| at + 2),
        None => rest.iter().enumerate().position(|(at, c)| {
            c.is_whitespace()
                || ",]}".contains(*c)
                || (*c == ':' && rest.get(at + 1).is_none_or(|next| next.is_whitespace()))
        }),
    };
    end.unwrap_or(rest.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Object;

    fn unknown_field() -> Problem {
        Problem {
            file: "shop.yaml".into(),
            line: 2,
            column: 3,
            severity: Severity::Error,
            code: "SG0301",
            object: Some(Object { kind: "HTTPRoute", namespace: "default".into(), name: "shop".into() }),
            field: "spec.nmae".into(),
            message: "unknown field".into(),
            help: "did you mean `name`?".into(),
        }
    }

    fn sources(text: &str) -> Sources {
        Sources::from([("shop.yaml".to_owned(), text.to_owned())])
    }

    #[test]
    fn a_problem_shows_its_place() {
        let text = problem(&unknown_field(), &sources("spec:\n  nmae: x\n"), Style::Plain);
        assert_eq!(
            text,
            "shop.yaml:2:3: error[SG0301] HTTPRoute default/shop: spec.nmae: unknown field\n  |\n2 |   nmae: x\n  |   ^^^^\n  help: did you mean `name`?\n"
        );
    }

    #[test]
    fn secrets_and_control_characters_are_not_shown() {
        let mut secret = unknown_field();
        secret.object = None;
        let text = problem(&secret, &sources("kind: Secret\n  tls.key: hush\n"), Style::Plain);
        assert!(!text.contains("hush"), "{text}");
        secret.object = Some(Object { kind: "Secret", namespace: "default".into(), name: "s".into() });
        assert!(!problem(&secret, &sources("a\n  hush\n"), Style::Plain).contains("hush"));
        let mut hostile = unknown_field();
        hostile.message = "\x1b[2J".into();
        assert!(!problem(&hostile, &sources("a\n  \x1b[2Jnmae\n"), Style::Plain).contains('\x1b'));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}here: x{}", " ".repeat(500), "y".repeat(500));
        let (shown, column) = window(&line, 501);
        assert!(shown.chars().count() <= WIDTH);
        assert!(shown.chars().skip(column).collect::<String>().starts_with("here"));
        assert_eq!(word(&shown, column), 4);
        assert_eq!(word("\"a b\": c", 0), 5);
        assert_eq!(word("", 0), 1);
    }

    #[test]
    fn annotations_are_escaped() {
        let mut one = unknown_field();
        one.message = "100% wrong".into();
        assert_eq!(
            github(&one),
            "::error file=shop.yaml,line=2,col=3,title=SG0301::HTTPRoute default/shop: spec.nmae: 100%25 wrong%0Adid you mean `name`?"
        );
    }
}
