//! The one door for people and CI: `cargo xtask COMMAND`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

mod bench;
mod fuzz;
mod gate;
mod r#gen;
mod lint;
mod run;
mod test;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  test [STAGE…]        everything CI runs, or these stages of it: tools build lint gate unit fuzz http cli kafka
                       floods change suites soak demo
  lint                 rustfmt, clippy, generated files up to date, forbidden words, links of the docs
  gen [--check]        Kafka's messages, the ledger and the reference docs, from their sources
  demo [--once]        the main job on real input; stays up until Ctrl-C, or ends by itself
  bench gate           instructions of the hot paths beside xtask/instructions.json; --update writes it
  bench [ROW…]         CPU, memory and instructions beside other proxies; --help lists the rows
  kafka [OPTIONS]      real brokers by hand: --brokers N, --version V; stays up until Ctrl-C
  cluster up           a Kubernetes control plane with the Gateway API, in the background; options: docs/developing/cluster.md
  cluster COMMAND      status, down, kubectl ARGUMENT…, exec PROGRAM ARGUMENT…, backends
  conformance          the Gateway API's official suite: --run TEST, --features A,B, --report FILE, --gateway-class NAME
  fuzz TARGET [SECS]   one fuzz target: ext_authz http1 kafka_decode kafka_session route_match sni yaml_load
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["gen"] => r#gen::run(false),
        ["gen", "--check"] => r#gen::run(true),
        ["lint"] => lint::run(),
        ["test", ref stages @ ..] => test::run(stages),
        ["fuzz", target] => fuzz::run(&[target], 60),
        ["fuzz", target, seconds] => {
            seconds.parse().map_err(Into::into).and_then(|seconds| fuzz::run(&[target], seconds))
        }
        ["demo", ref rest @ ..] => run::testkit("demo", rest),
        ["kafka", ref rest @ ..] => run::testkit("kafka", rest),
        ["bench", "gate"] => gate::run(false),
        ["bench", "gate", "--update"] => gate::run(true),
        ["bench", ref rest @ ..] => bench::run(rest),
        ["cluster", ref rest @ ..] => run::testkit("cluster", rest),
        ["conformance", ref rest @ ..] => run::testkit("conformance", rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e:#}");
            ExitCode::FAILURE
        }
    }
}
