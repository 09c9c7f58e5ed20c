//! The admin server: health, readiness, metrics, statuses, configuration. It shows no keys, and nobody can change
//! anything through it.

use crate::control::Control;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use snapshot::{Entity, Refusal, Snapshot};
use std::{
    convert::Infallible,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections at one time; more wait.
const CONNECTIONS: usize = 64;
/// For a request's header.
const HEADER: Duration = Duration::from_secs(10);
/// A connection lives no longer.
const LIFE: Duration = Duration::from_secs(300);

const INDEX: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sluicegate</title>
<style>body{font:16px/1.6 system-ui,sans-serif;margin:3em auto;max-width:40em;padding:0 1em}code{font-size:1em}</style>
<h1>Sluicegate</h1>
<ul>
<li><a href="/healthz"><code>/healthz</code></a> the process lives
<li><a href="/readyz"><code>/readyz</code></a> a complete configuration is applied, and the proxy does not drain
<li><a href="/metrics"><code>/metrics</code></a> Prometheus
<li><a href="/status"><code>/status</code></a> every object with its status
<li><a href="/config"><code>/config</code></a> what the proxy runs, and what it could not serve
</ul>
"#;

const JSON: &str = "application/json";

/// Serves until the proxy is gone.
pub(crate) async fn serve(listener: TcpListener, control: Weak<Control>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "admin: accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let control = Weak::clone(&control);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = control.upgrade().map(|control| answer(&control, &request));
                async move {
                    Ok::<_, Infallible>(response.unwrap_or_else(|| text(StatusCode::SERVICE_UNAVAILABLE, "gone\n")))
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER)
                .serve_connection(TokioIo::new(stream), service);
            // Either way the connection has ended.
            let _ = tokio::time::timeout(LIFE, connection).await;
            drop(permit);
        });
    }
}

fn answer(control: &Control, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    match request.uri().path() {
        "/" => typed(StatusCode::OK, "text/html; charset=utf-8", INDEX),
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if control.is_ready() => text(StatusCode::OK, "ok\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        "/metrics" => {
            const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            typed(StatusCode::OK, OPEN_METRICS, control.shared.encode_metrics())
        }
        "/status" => typed(StatusCode::OK, JSON, format!("{}\n", control.status())),
        "/config" => {
            let (snapshot, refusals) = control.config();
            json(&config(&snapshot, &refusals))
        }
        _ => text(StatusCode::NOT_FOUND, "not found; see /\n"),
    }
}

fn config(snapshot: &Snapshot, refusals: &[Refusal]) -> Value {
    let entities = snapshot.entities.iter().map(|(key, entity)| {
        let value = match entity {
            // Certificates are public; keys never leave the process. The field is skipped when written, too.
            Entity::Certificate(certificate) => Ok(json!({ "name": certificate.name, "chain": certificate.chain })),
            Entity::Backend(entity) => serde_json::to_value(entity),
            Entity::Gateway(entity) => serde_json::to_value(entity),
            Entity::ListenerSet(entity) => serde_json::to_value(entity),
            Entity::HttpRoute(entity) => serde_json::to_value(entity),
            Entity::GrpcRoute(entity) => serde_json::to_value(entity),
            Entity::TlsRoute(entity) => serde_json::to_value(entity),
            Entity::TcpRoute(entity) | Entity::UdpRoute(entity) => serde_json::to_value(entity),
            Entity::KafkaRoute(entity) => serde_json::to_value(entity),
        };
        (key.to_string(), value.unwrap_or_else(|error| json!({ "error": error.to_string() })))
    });
    let refusals: Vec<_> = refusals
        .iter()
        .map(|r| json!({ "entity": r.entity.to_string(), "field": r.field, "message": r.message }))
        .collect();
    json!({
        "revision": snapshot.revision,
        "refusals": refusals,
        "entities": entities.collect::<serde_json::Map<_, _>>(),
    })
}

fn json(value: &Value) -> Response<Full<Bytes>> {
    typed(StatusCode::OK, JSON, format!("{value:#}\n"))
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    // No other site's page may read it through the user's browser, nor guess its type.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
