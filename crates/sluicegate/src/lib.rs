//! The binary's parts: the command line, the folder watch, and what each verb does.
//!
//! ```text
//!   paths ─▶ watch ─▶ files ─▶ config (resources, translate) ─▶ run (proxy)
//!                                            └──▶ report ─▶ check, standard error, /status
//! ```

pub mod certificate;
pub mod check;
pub mod cli;
pub mod config;
pub mod controller;
pub mod doctor;
pub mod expose;
pub mod files;
pub mod logging;
pub mod proxy;
pub mod report;
pub mod run;
pub mod status;
pub mod summary;
pub mod version;
pub mod watch;

use clap::CommandFactory;
use cli::{Cli, Expose, Verb};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Exit status for a wrong command line, as clap has it, or a path that cannot be read.
pub const USAGE: u8 = 2;

/// Does what the command line says.
pub fn main(cli: Cli) -> ExitCode {
    match dispatch(cli) {
        Ok(code) => code,
        // Whoever reads our output has had enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "sluicegate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.verb {
        Verb::Run(args) => run::run(&args.paths, &args.serve),
        Verb::Proxy(args) => proxy::proxy(&args),
        Verb::Controller(args) => controller::controller(&args),
        Verb::Check(args) => check::check(&args),
        Verb::Expose(Expose::Kafka(args)) => serve_exposed(expose::kafka(&args)?, &args.common),
        Verb::Expose(Expose::Http(args)) => serve_exposed(expose::http(&args)?, &args.common),
        Verb::Crds(args) => {
            print(&crds(&args))?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Status(args) => status::status(&args),
        Verb::Certificate(args) => {
            for path in certificate::certificate(&args)? {
                print(&format!("{}\n", path.display()))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Version(args) => {
            print(&version::version(args.output))?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sluicegate", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The definitions, one document each.
fn crds(args: &cli::CrdsArgs) -> String {
    use resources::crd::{CrdSet, crds};
    let set = if args.envoy_gateway { CrdSet::EnvoyGateway } else { CrdSet::Own };
    crds(set).iter().map(|crd| format!("---\n{}", crd.yaml())).collect()
}

fn serve_exposed(exposed: expose::Exposed, args: &cli::ExposeArgs) -> anyhow::Result<ExitCode> {
    print(&exposed.text)?;
    let dir = shown(&exposed.dir);
    if args.no_run {
        print(&format!("\nServe it:  sluicegate run {}\n", dir.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    print("\n")?;
    run::run(&[dir], &args.serve)
}

/// The path as seen from the working directory, if that is shorter.
fn shown(path: &Path) -> std::path::PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or_else(|| path.to_owned())
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
