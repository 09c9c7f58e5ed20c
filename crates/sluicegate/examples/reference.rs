//! Prints pages of the reference, `codes` or `cli`; `cargo xtask gen` writes them to `docs/reference`.

#![allow(clippy::print_stdout)]

use clap::{Arg, Command, CommandFactory};
use sluicegate::{cli::Cli, report};
use std::fmt::Write as _;

/// Longest line of running text.
const WIDTH: usize = 160;

fn main() -> Result<(), &'static str> {
    match std::env::args().nth(1).as_deref() {
        Some("codes") => print!("{}", codes()),
        Some("cli") => print!("{}", cli()),
        _ => return Err("name a page: codes or cli"),
    }
    Ok(())
}

fn codes() -> String {
    let mut out = "# Codes of `check`\n\n".to_owned();
    out += &wrap(
        "Written by `cargo xtask gen`. Every problem that `sluicegate check` and a running gateway report has one of these codes. A code never \
         changes its meaning. `sluicegate check --explain SG0301` prints one. An error is not served as written, a warning is served but maybe \
         not as it was meant, a note is no fault.",
    );
    out += "\n| code | | what |\n| --- | --- | --- |\n";
    for (code, title, _) in report::all_codes() {
        let _ = writeln!(out, "| [{code}](#{}) | {} | {title} |", code.to_lowercase(), severity(code));
    }
    for (code, title, explanation) in report::all_codes() {
        let _ = write!(out, "\n## {code}\n\n{}", wrap(&format!("**{title}.** {explanation}")));
    }
    out
}

/// The usual severity; problems with files as such are errors.
fn severity(code: &str) -> &'static str {
    let known = resources::Code::all().iter().find(|known| known.as_str() == code);
    known.map_or("error", |known| known.severity().as_str())
}

fn cli() -> String {
    let mut root = Cli::command();
    root.build();
    let mut out = "# Command line\n\nWritten by `cargo xtask gen` from the program's own help: `sluicegate --help`, `sluicegate VERB --help`.\n".to_owned();
    for verb in root.get_subcommands() {
        write_verb(&mut out, verb);
    }
    out
}

fn write_verb(out: &mut String, verb: &Command) {
    if verb.get_name() == "help" {
        return;
    }
    if verb.has_subcommands() {
        for below in verb.get_subcommands() {
            write_verb(out, below);
        }
        return;
    }
    let mut verb = verb.clone();
    let name = verb.get_bin_name().unwrap_or(verb.get_name()).to_owned();
    let usage = verb.render_usage().to_string().replace("Usage: ", "");
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(out, "\n## {name}\n\n    {}\n\n{}", usage.trim(), wrap(&format!("{about}.")));
    let arguments: Vec<&Arg> =
        verb.get_arguments().filter(|arg| arg.get_id() != "help" && !arg.is_hide_set()).collect();
    if !arguments.is_empty() {
        *out += "\n| | default | meaning |\n| --- | --- | --- |\n";
        for arg in arguments {
            let _ = writeln!(out, "| `{}` | {} | {} |", form(arg), default(arg), meaning(arg));
        }
    }
    if let Some(after) = verb.get_after_help() {
        let after = after.to_string();
        for paragraph in after.split("\n\n") {
            out.push('\n');
            for line in paragraph.lines() {
                // Commands stay as they are, sentences are wrapped.
                *out += &if line.contains("  ") { format!("    {line}\n") } else { wrap(line) };
            }
        }
    }
}

/// `-o, --output <OUTPUT>` or `PATH…`.
fn form(arg: &Arg) -> String {
    let several = if arg.get_num_args().is_some_and(|n| n.max_values() > 1) { "…" } else { "" };
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let value = value.unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
    let names: Vec<String> = [arg.get_short().map(|c| format!("-{c}")), arg.get_long().map(|long| format!("--{long}"))]
        .into_iter()
        .flatten()
        .collect();
    if names.is_empty() {
        return format!("{value}{several}");
    }
    let names = names.join(", ");
    if takes { format!("{names} {value}") } else { names }
}

fn default(arg: &Arg) -> String {
    let values: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if values.is_empty() || !arg.get_action().takes_values() {
        return if arg.is_required_set() { "required".into() } else { String::new() };
    }
    format!("`{}`", values.join(" "))
}

fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), first_lower(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(text, ": {}", values.join(", "));
    }
    text
}

fn first_lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The text in lines of at most [`WIDTH`] characters, with a line end.
fn wrap(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let wide = word.chars().count();
        if length > 0 && length + 1 + wide > WIDTH {
            out.push('\n');
            length = 0;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out += word;
        length += wide;
    }
    out.push('\n');
    out
}
