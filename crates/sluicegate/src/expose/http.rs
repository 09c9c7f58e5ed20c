//! `expose http`.

use super::{CLASS, Exposed, Folder, addresses, connect, endpoint, is_local_name, resolves_here};
use crate::cli::ExposeHttpArgs;

/// Writes the folder for an HTTP server.
pub fn http(args: &ExposeHttpArgs) -> anyhow::Result<Exposed> {
    let name = args.hostname.split('.').next().unwrap_or("app").to_owned();
    let dir = args.common.dir.clone().unwrap_or_else(|| format!("sluicegate-{name}").into());
    let mut folder = Folder::open(&dir, args.common.overwrite)?;
    let host = &args.hostname;
    folder.manifest("gateway.yaml", &gateway(args))?;
    folder.manifest("http.yaml", &route(args, &name))?;
    folder.certificate(std::slice::from_ref(host))?;

    let (http, https) = (args.listen, args.listen_tls);
    // curl takes every name under .localhost for this machine.
    let resolve = |port| {
        if is_local_name(host) || resolves_here(host, port) {
            String::new()
        } else {
            format!("--resolve {host}:{port}:127.0.0.1 ")
        }
    };
    let absent = match connect(&args.target) {
        Ok(_) => String::new(),
        Err(error) => format!("\nnote: {error:#}; until it answers, requests get status 502\n"),
    };
    let text = format!(
        "{target} is exposed as http://{host}:{http}/ and https://{host}:{https}/.

The folder {dir} holds:
  gateway.yaml http.yaml certificate.yaml   what is served; edit them while it runs
  ca.crt                                    the CA that clients must trust

curl:  curl {plain}http://{host}:{http}/
       curl {tls}--cacert {ca} https://{host}:{https}/
{absent}{note}",
        target = args.target,
        dir = folder.path().display(),
        plain = resolve(http),
        tls = resolve(https),
        ca = folder.file("ca.crt"),
        note = folder.note(),
    );
    Ok(Exposed { dir: folder.path().to_owned(), text })
}

fn gateway(args: &ExposeHttpArgs) -> String {
    format!(
        "{CLASS}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: gateway
spec:
  gatewayClassName: sluicegate
{addresses}  listeners:
  - name: http
    port: {http}
    protocol: HTTP
    hostname: {host}
  - name: https
    port: {https}
    protocol: HTTPS
    hostname: {host}
    tls:
      certificateRefs:
      - name: certificate
",
        addresses = addresses(&args.hostname),
        http = args.listen,
        https = args.listen_tls,
        host = args.hostname,
    )
}

fn route(args: &ExposeHttpArgs, name: &str) -> String {
    format!(
        "# Requests for {host}, on both listeners.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {name}
spec:
  parentRefs:
  - name: gateway
  hostnames:
  - {host}
  rules:
  - backendRefs:
    - group: sluicegate.dev
      kind: Backend
      name: {name}
---
# Where the server is.
apiVersion: sluicegate.dev/v1alpha1
kind: Backend
metadata:
  name: {name}
spec:
  endpoints:
{endpoint}",
        host = args.hostname,
        endpoint = endpoint(&args.target),
    )
}
