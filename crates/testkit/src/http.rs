//! A blocking HTTP client for tests: one connection per request, HTTP/1.1 or HTTP/2, plaintext or TLS, to any address by any name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use serde_json::Value;

use crate::certs::Identity;

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// HTTP/1.1 or HTTP/2, as it came over the wire.
    pub version: Version,
    /// All of them.
    pub headers: HeaderMap,
    /// The trailers; empty when there were none.
    pub trailers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("{} {}", self.status, self.text()))
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Where and how requests go.
#[derive(Debug, Clone)]
pub struct Http {
    address: SocketAddr,
    tls: Option<(String, Arc<rustls::ClientConfig>)>,
    http2: bool,
    limit: Duration,
}

impl Http {
    /// HTTP/1.1 in plaintext.
    pub fn to(address: SocketAddr) -> Self {
        Self { address, tls: None, http2: false, limit: Duration::from_secs(15) }
    }

    /// Over TLS, with this SNI name, trusting this CA alone.
    pub fn tls(mut self, name: &str, ca_pem: &str) -> Result<Self> {
        let alpn = if self.http2 { "h2" } else { "http/1.1" };
        self.tls = Some((name.to_owned(), crate::certs::client_config(ca_pem, None, &[alpn])?));
        Ok(self)
    }

    /// As [`Self::tls`], with a certificate of the client's own for a server that asks for one.
    pub fn tls_as(mut self, name: &str, ca_pem: &str, identity: &Identity) -> Result<Self> {
        let alpn = if self.http2 { "h2" } else { "http/1.1" };
        self.tls = Some((name.to_owned(), crate::certs::client_config(ca_pem, Some(identity), &[alpn])?));
        Ok(self)
    }

    /// HTTP/2: by prior knowledge, or by ALPN. Say this before [`Self::tls`].
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// How long a request may take; default 15 s.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// `GET path` of `host`.
    pub fn get(&self, host: &str, path: &str) -> Result<Response> {
        self.send(Request::get(path).header("host", host).body(Bytes::new())?)
    }

    /// Sends a request. Its `host` header becomes `:authority` in HTTP/2.
    ///
    /// # Errors
    /// When there is no whole response in time.
    pub fn send(&self, request: Request<Bytes>) -> Result<Response> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            tokio::time::timeout(self.limit, self.exchange(request))
                .await
                .with_context(|| format!("no response within {:?}", self.limit))?
        })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response> {
        let socket =
            tokio::net::TcpStream::connect(self.address).await.with_context(|| format!("connect {}", self.address))?;
        socket.set_nodelay(true)?;
        match &self.tls {
            Some((name, config)) => {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                let stream =
                    connector.connect(ServerName::try_from(name.clone())?, socket).await.context("TLS handshake")?;
                if self.http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                    bail!("h2 was not negotiated");
                }
                self.over(stream, request).await
            }
            None => self.over(socket, request).await,
        }
    }

    async fn over<S>(&self, stream: S, request: Request<Bytes>) -> Result<Response>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (mut head, body) = request.into_parts();
        let body = Full::new(body);
        let response = if self.http2 {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            if let Some(host) = head.headers.remove("host") {
                let mut parts = std::mem::take(&mut head.uri).into_parts();
                parts.scheme =
                    Some(if self.tls.is_some() { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
                parts.authority = Some(host.as_bytes().try_into()?);
                head.uri = parts.try_into()?;
            }
            sender.send_request(Request::from_parts(head, body)).await?
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(head, body)).await?
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("response body")?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Response {
            status: head.status.as_u16(),
            version: head.version,
            headers: head.headers,
            trailers,
            body: body.to_bytes(),
        })
    }
}
