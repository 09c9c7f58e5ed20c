//! `controller`: Kubernetes around the gateway.

use crate::cli::ControllerArgs;
use anyhow::Context;
use controller::{Election, Options, ProxyTemplate};
use std::net::TcpListener;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Runs until a signal says otherwise.
pub fn controller(args: &ControllerArgs) -> anyhow::Result<ExitCode> {
    crate::logging::start(&args.log)?;
    // Fails only if a provider is installed already, which would be this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            result = run(args) => result.map(|()| ExitCode::FAILURE),
            _ = terminate.recv() => Ok(ExitCode::SUCCESS),
            _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
        }
    })
}

async fn run(args: &ControllerArgs) -> anyhow::Result<()> {
    let client =
        kube::Client::try_default().await.context("no API server: neither a kubeconfig nor a ServiceAccount")?;
    let certificate = controller::certificate(client.clone(), &args.namespace, &args.server_name).await?;
    let listener = TcpListener::bind(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    tracing::info!(listen = %args.listen, controllers = ?args.controller_names, "started");
    let options = Options {
        controller_names: args.controller_names.iter().cloned().collect(),
        election: Election {
            namespace: args.namespace.clone(),
            name: "sluicegate-controller".to_owned(),
            identity: args.identity.clone(),
        },
        listener,
        identity: Some(certificate.identity),
        proxy: ProxyTemplate {
            image: args.proxy_image.clone(),
            controller: args.advertise.clone(),
            ca: Some(certificate.ca),
            server_name: args.server_name.clone(),
        },
        allow_external_name: args.allow_external_name,
    };
    Ok(controller::run(client, options).await?)
}
