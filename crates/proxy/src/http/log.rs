//! The line of the access log about one request. Absent fields are left out.

use super::{
    exchange::{Exchange, Flag},
    server::Connection,
};
use crate::{telemetry::line::Line, upstream::Endpoint};
use http::{StatusCode, Version};
use snapshot::EndpointAddress;
use std::{net::SocketAddr, time::Duration};

/// Bytes of any one thing that the client says which go to the log: requests of 64 KiB would fill the disk faster than
/// they cost the client anything.
const LOGGED: usize = 2 << 10;

fn cut(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= LOGGED {
        return bytes;
    }
    // Not inside a character, of which there are at most four bytes.
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    &bytes[..(LOGGED - 3..=LOGGED).rev().find(begins).unwrap_or(LOGGED)]
}

/// The fields that a request and bytes which are none have in common: whose connection it was.
fn begin(line: &mut Line<'_>, connection: &Connection, listener: &str, protocol: &'static str) {
    let conn = &connection.conn;
    line.plain("kind", "http");
    // `namespace/gateway/listener`
    line.text("listener", listener);
    line.address("client", conn.peer);
    line.number("connection", conn.id);
    line.plain("protocol", protocol);
    if let Some(tls) = &conn.tls {
        line.plain("tls", tls.version);
        if let Some(subject) = &tls.client_subject {
            line.text("client_subject", subject);
        }
    }
}

fn endpoint(line: &mut Line<'_>, endpoint: &Endpoint) {
    match &endpoint.address {
        EndpointAddress::Ip(ip) => line.address("endpoint", SocketAddr::new(*ip, endpoint.port)),
        EndpointAddress::Fqdn(_) => line.text("endpoint", &endpoint.to_string()),
    }
}

impl Exchange {
    pub(super) fn log(&self, status: u16, duration: Duration) {
        let conn = &self.connection.conn;
        self.connection.worker.access_log().log(|out| {
            let mut line = Line::begin(out);
            let protocol = match self.version {
                Version::HTTP_10 => "HTTP/1.0",
                Version::HTTP_2 => "HTTP/2",
                _ => "HTTP/1.1",
            };
            begin(&mut line, &self.connection, &self.listener.as_ref().unwrap_or(&conn.listener).label, protocol);
            line.bytes("method", cut(self.method.as_str().as_bytes()));
            // As sent.
            line.bytes("host", cut(self.host.as_bytes()));
            // As sent. The query is left out, as it may hold secrets.
            line.bytes("path", cut(self.path.path().as_bytes()));
            // 499 if the client went before there was one.
            line.number("status", status.into());
            // Of a gRPC call.
            if let Some(code) = self.grpc {
                line.plain("grpc_status", code.as_str());
            }
            // Of the bodies.
            line.number("bytes_received", self.meter.request_bytes.get());
            line.number("bytes_sent", self.response_bytes);
            // From the request's header to the end of the response.
            line.millis("duration_ms", duration);
            if let Some(served) = &self.served {
                let rule = &served.rule;
                // `namespace/name` of the HTTPRoute, name or index of its rule; kind, name and port of the backend.
                line.text("route", &rule.route);
                line.text("rule", &rule.name);
                if let Some(backend) = self.backend.and_then(|index| rule.backends.get(index)) {
                    line.text("backend", &backend.label);
                }
            }
            if let Some(chosen) = &self.endpoint {
                endpoint(&mut line, chosen);
            }
            // How often it was sent again; `endpoint` is the last one.
            if self.retries > 0 {
                line.number("retries", self.retries.into());
            }
            if let Some(agent) = &self.user_agent {
                line.bytes("user_agent", cut(agent.as_bytes()));
            }
            // What went wrong, whose doing that was (`client`, `gateway`, `upstream`), and in words.
            if let Some(flag) = self.flag {
                line.plain("flags", flag.as_str());
                line.plain("blame", flag.blame());
            } else if status >= 500 {
                line.plain("blame", "upstream");
            }
            if let Some(error) = &self.error {
                line.text("error", error);
            }
            line.end();
        });
    }
}

/// Logs a connection whose bytes are no request, as if they were one.
pub(super) fn log_refusal(connection: &Connection, status: StatusCode, why: &str) {
    let conn = &connection.conn;
    connection.worker.access_log().log(|out| {
        let mut line = Line::begin(out);
        let protocol = if connection.is_http1() { "HTTP/1.1" } else { "HTTP/2" };
        begin(&mut line, connection, &conn.listener.label, protocol);
        for name in ["method", "host", "path"] {
            line.plain(name, "");
        }
        line.number("status", status.as_u16().into());
        line.number("bytes_received", 0);
        line.number("bytes_sent", 0);
        line.millis("duration_ms", conn.accepted.elapsed());
        line.plain("flags", Flag::BadRequest.as_str());
        line.plain("blame", Flag::BadRequest.blame());
        line.text("error", why);
        line.end();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(cut(b"short"), b"short");
        let long = "é".repeat(LOGGED);
        assert_eq!(cut(long.as_bytes()).len(), LOGGED);
        let odd = format!("a{long}");
        assert_eq!(cut(odd.as_bytes()).len(), LOGGED - 1);
        assert!(std::str::from_utf8(cut(odd.as_bytes())).is_ok());
    }
}
