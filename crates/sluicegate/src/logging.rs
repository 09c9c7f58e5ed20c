//! The log of the process, on standard error.

use crate::cli::{LogArgs, LogFormat};
use crate::report::Style;
use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// What is logged unless somebody asks for something else. `notify` warns of each folder that goes while it is watched.
const DEFAULT: &str = "info,notify=error";

/// Starts logging; fails if the level cannot be read or a log was started before.
pub fn start(args: &LogArgs) -> anyhow::Result<()> {
    let filter = match &args.log_level {
        Some(level) => {
            EnvFilter::try_new(level).with_context(|| format!("--log-level {level}: not a level or a filter"))?
        }
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT)),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Text => {
            log.with_target(false).with_ansi(Style::of(&std::io::stderr()) == Style::Coloured).try_init()
        }
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
    }
    .map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}
