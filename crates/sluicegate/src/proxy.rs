//! `proxy`: serves what a controller says, and what it said last when it is away.

use crate::cli::ProxyArgs;
use crate::run::{self, Signal};
use anyhow::Context;
use controller::stream::{Follow, Store, follow};
use snapshot::ObjectName;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

/// Serves until a signal says otherwise.
pub fn proxy(args: &ProxyArgs) -> anyhow::Result<ExitCode> {
    crate::logging::start(&args.serve.log)?;
    // Fails only if a provider is installed already, which would be this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (signals, received) = sync_channel(4);
    run::signals(move |signal| signals.send(signal).is_ok()).context("cannot wait for signals")?;
    let proxy = Arc::new(run::start(&args.serve)?);
    let (namespace, name) = args.gateway.split_once('/').context("--gateway: give NAMESPACE/NAME")?;
    let from = Follow {
        controller: args.controller.clone(),
        ca: std::env::var("SLUICEGATE_CA").ok().filter(|ca| !ca.is_empty()),
        server_name: args.server_name.clone(),
        token: args.token.clone(),
        gateway: ObjectName::new(namespace, name),
        replica: args.replica.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let (store, serving) = (Store::new(&args.state), Arc::clone(&proxy));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Ends with the process: what it serves goes on while connections drain.
    std::thread::Builder::new().name("controller".into()).spawn(move || {
        let apply = |delta| {
            let ack = serving.apply(delta);
            serving.set_ready(true);
            ack
        };
        runtime.block_on(follow(from, store, apply, || serving.refusals()));
    })?;
    tracing::info!(gateway = args.gateway, controller = args.controller, "started");
    loop {
        match received.recv() {
            Ok(Signal::Reload) => {}
            Ok(Signal::Stop) => return Ok(run::drain(&proxy, args.serve.drain_timeout)),
            Err(_) => anyhow::bail!("nobody waits for signals any more"),
        }
    }
}
