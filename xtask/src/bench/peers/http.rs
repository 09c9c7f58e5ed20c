//! HTTP proxies with the same job: everything to one backend with keep-alive connections, `X-Forwarded-For`, a line of JSON per request
//! with the same facts in a file, metrics on.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use testkit::{Identity, net};

use super::{Running, file};
use crate::bench::{Bench, tools};

/// What all proxies of a row serve.
pub(crate) struct Site {
    /// Port of the backend on 127.0.0.1.
    pub(crate) backend: u16,
    /// The certificate, if clients speak TLS; HTTP/2 is then offered too.
    pub(crate) identity: Option<Identity>,
    /// Routes of one host and one path prefix each, ten prefixes to a host; 0 for one that takes everything.
    pub(crate) routes: usize,
}

/// An HTTP proxy and how it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpPeer {
    /// The gateway.
    Sluicegate,
    /// nginx, its log as it is by default: one write per line.
    Nginx,
    /// nginx, its log with `buffer=64k flush=1s`.
    NginxBuffered,
    /// haproxy.
    Haproxy,
    /// Envoy.
    Envoy,
}

impl HttpPeer {
    /// All, the gateway first.
    pub(crate) const ALL: [Self; 5] = [Self::Sluicegate, Self::Nginx, Self::NginxBuffered, Self::Haproxy, Self::Envoy];

    /// As the tables call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sluicegate => "sluicegate",
            Self::Nginx => "nginx",
            Self::NginxBuffered => "nginx, log buffered",
            Self::Haproxy => "haproxy",
            Self::Envoy => "Envoy",
        }
    }

    /// Starts it for a row.
    pub(crate) fn start(self, bench: &Bench, row: &str, site: &Site) -> Result<Running> {
        let dir = bench.folder(row, &self.name().replace([' ', ','], "-"))?;
        let port = net::free_port()?;
        if let Some(identity) = &site.identity {
            file(&dir, "chain.pem", &identity.chain)?;
            file(&dir, "key.pem", &identity.key)?;
            file(&dir, "both.pem", &format!("{}{}", identity.chain, identity.key))?;
        }
        let mut running = match self {
            Self::Sluicegate => {
                sluicegate_config(&dir, port, site)?;
                super::sluicegate(&bench.binary, &dir, port, bench.workers)
            }
            Self::Nginx => nginx(&dir, port, site, bench.workers, ""),
            Self::NginxBuffered => nginx(&dir, port, site, bench.workers, " buffer=64k flush=1s"),
            Self::Haproxy => haproxy(&dir, port, site, bench.workers),
            Self::Envoy => envoy(&dir, port, site, bench.workers),
        }?;
        self.name().clone_into(&mut running.name);
        Ok(running)
    }
}

/// Host and path prefix of a route, both of a length that does not depend on the number.
pub(crate) fn route(number: usize) -> (String, String) {
    (format!("h{:05}.example.test", number / 10), format!("/p{}", number % 10))
}

/// The hosts of so many routes, each with its path prefixes.
fn hosts(routes: usize) -> Vec<(String, Vec<String>)> {
    let numbers: Vec<usize> = (0..routes).collect();
    numbers.chunks(10).map(|chunk| (route(chunk[0]).0, chunk.iter().map(|number| route(*number).1).collect())).collect()
}

/// Writes `DIR/config`: a Gateway with one listener, and the routes as HTTPRoutes of one rule each.
pub(crate) fn sluicegate_config(dir: &Path, port: u16, site: &Site) -> Result<()> {
    let (protocol, tls) = match site.identity {
        Some(_) => ("HTTPS", "    tls: {certificateRefs: [{name: site}]}\n"),
        None => ("HTTP", ""),
    };
    let mut gateway = format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: sluicegate}}
spec: {{controllerName: sluicegate.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: bench, namespace: default}}
spec:
  gatewayClassName: sluicegate
  addresses: [{{value: 127.0.0.1}}]
  listeners:
  - name: http
    port: {port}
    protocol: {protocol}
{tls}---
apiVersion: sluicegate.dev/v1alpha1
kind: Backend
metadata: {{name: backend, namespace: default}}
spec:
  endpoints:
  - ip: {{address: 127.0.0.1, port: {}}}
",
        site.backend
    );
    if let Some(identity) = &site.identity {
        gateway += "---\n";
        gateway += &identity.secret_yaml("default", "site");
    }
    file(dir, "config/gateway.yaml", &gateway)?;
    let mut routes = String::new();
    let head = |name: &str| {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}, namespace: default}}\n\
             spec:\n  parentRefs: [{{name: bench}}]\n"
        )
    };
    const BACKEND: &str = "    backendRefs: [{group: sluicegate.dev, kind: Backend, name: backend}]\n";
    if site.routes == 0 {
        routes = format!("{}  rules:\n  -\n{BACKEND}", head("all"));
    }
    for number in 0..site.routes {
        let (host, prefix) = route(number);
        let _ = write!(
            routes,
            "{}  hostnames: [{host}]\n  rules:\n  - matches: [{{path: {{type: PathPrefix, value: {prefix}}}}}]\n{BACKEND}",
            head(&format!("r{number:05}"))
        );
    }
    file(dir, "config/routes.yaml", &routes)?;
    Ok(())
}

/// nginx's settings that do not depend on the row.
fn nginx_head(dir: &Path, workers: usize) -> String {
    let dir = dir.display();
    format!(
        "user root; daemon off; worker_processes {workers}; pid {dir}/pid; error_log stderr error; worker_rlimit_nofile 60000;
events {{ worker_connections 30000; }}
http {{
 client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
 keepalive_requests 1000000000; keepalive_timeout 600s; tcp_nodelay on; sendfile on; tcp_nopush on;
 server_names_hash_max_size 16384; server_names_hash_bucket_size 128; variables_hash_max_size 2048;
"
    )
}

fn nginx(dir: &Path, port: u16, site: &Site, workers: usize, log_options: &str) -> Result<Running> {
    let log = dir.join("access.log");
    let admin = net::free_port()?;
    let listen = match site.identity {
        Some(_) => format!(
            "listen 127.0.0.1:{port} ssl http2 reuseport; ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem; \
             ssl_protocols TLSv1.2 TLSv1.3;",
            dir.display()
        ),
        None => format!("listen 127.0.0.1:{port} reuseport;"),
    };
    const PASS: &str = "proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
                        proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let mut servers = String::new();
    if site.routes == 0 {
        let _ = writeln!(servers, " server {{ {listen} location / {{ {PASS} }} }}");
    }
    for (number, (host, prefixes)) in hosts(site.routes).into_iter().enumerate() {
        // Options of a socket are given once.
        let listen = if number == 0 { listen.clone() } else { format!("listen 127.0.0.1:{port};") };
        let _ = write!(servers, " server {{ {listen} server_name {host};");
        for prefix in prefixes {
            let _ = write!(servers, " location {prefix} {{ {PASS} }}");
        }
        servers += " }\n";
    }
    let config = format!(
        r#"{head} log_format facts escape=json '{{"time":"$time_iso8601","client":"$remote_addr:$remote_port","connection":$connection,"protocol":"$server_protocol","method":"$request_method","host":"$host","path":"$request_uri","status":$status,"bytes_sent":$body_bytes_sent,"duration":$request_time,"endpoint":"$upstream_addr","user_agent":"$http_user_agent"}}';
 access_log {log} facts{log_options};
 upstream backend {{ server 127.0.0.1:{backend}; keepalive 256; keepalive_requests 1000000000; }}
{servers} server {{ listen 127.0.0.1:{admin}; access_log off; location / {{ stub_status; }} }}
}}
"#,
        head = nginx_head(dir, workers),
        log = log.display(),
        backend = site.backend,
    );
    let path = file(dir, "nginx.conf", &config)?;
    start_nginx("nginx", dir, &path, port, log)
}

fn start_nginx(name: &str, dir: &Path, config: &Path, port: u16, log: std::path::PathBuf) -> Result<Running> {
    let mut command = tools::program("nginx");
    command.arg("-p").arg(dir).arg("-c").arg(config).args(["-e", "stderr"]);
    Running::start(name, &command, dir, port, log)
}

/// The backend of all rows: nginx with one worker; 128 bytes, and 64 KiB for `/64k`.
pub(crate) fn backend(bench: &Bench, row: &str) -> Result<Running> {
    let dir = bench.folder(row, "backend")?;
    let port = net::free_port()?;
    file(&dir, "www/64k", &"x".repeat(1 << 16))?;
    let config = format!(
        "{} access_log off; default_type text/plain;
 server {{ listen 127.0.0.1:{port} reuseport backlog=16384; root {}/www; location / {{ return 200 \"{}\"; }} location = /64k {{ }} }}
}}
",
        nginx_head(&dir, 1),
        dir.display(),
        "a".repeat(128),
    );
    let path = file(&dir, "nginx.conf", &config)?;
    start_nginx("backend", &dir, &path, port, dir.join("access.log"))
}

fn haproxy(dir: &Path, port: u16, site: &Site, workers: usize) -> Result<Running> {
    let admin = net::free_port()?;
    let bind = match site.identity {
        Some(_) => format!("bind 127.0.0.1:{port} ssl crt {}/both.pem alpn h2,http/1.1", dir.display()),
        None => format!("bind 127.0.0.1:{port}"),
    };
    let choice = if site.routes == 0 {
        "default_backend backend".to_owned()
    } else {
        let mut map = String::new();
        for (host, prefix) in (0..site.routes).map(route) {
            let _ = writeln!(map, "{host}{prefix} backend");
        }
        format!("use_backend %[base,map_beg({})]", file(dir, "routes.map", &map)?.display())
    };
    // The log goes to standard output, which is a file: one write per line, as haproxy has no other way to a file.
    let config = format!(
        r#"global
  nbthread {workers}
  maxconn 20000
  no strict-limits
  log stdout format raw local0
  tune.ssl.default-dh-param 2048
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
  option http-keep-alive
  option forwardfor
  log-format '{{"time":"%Ts.%ms","client":"%ci:%cp","frontend":"%ft","protocol":"%HV","method":"%HM","host":"%[capture.req.hdr(0)]","path":"%HP","status":%ST,"bytes_sent":%B,"duration":%Ta,"endpoint":"%si:%sp","user_agent":"%[capture.req.hdr(1)]","state":"%tsc"}}'
frontend f
  {bind}
  http-request capture req.hdr(host) len 64
  http-request capture req.hdr(user-agent) len 64
  {choice}
backend backend
  http-reuse always
  server s 127.0.0.1:{backend}
frontend metrics
  bind 127.0.0.1:{admin}
  no log
  http-request use-service prometheus-exporter if {{ path /metrics }}
"#,
        backend = site.backend,
    );
    let path = file(dir, "haproxy.cfg", &config)?;
    let mut command = tools::program("haproxy");
    command.arg("-db").arg("-f").arg(path);
    Running::start("haproxy", &command, dir, port, dir.join("output"))
}

fn envoy(dir: &Path, port: u16, site: &Site, workers: usize) -> Result<Running> {
    let admin = net::free_port()?;
    let log = dir.join("access.log");
    let tls = match site.identity {
        Some(_) => format!(
            r#"      transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates: [{{certificate_chain: {{filename: {0}/chain.pem}}, private_key: {{filename: {0}/key.pem}}}}]
"#,
            dir.display()
        ),
        None => String::new(),
    };
    let mut virtual_hosts = String::new();
    if site.routes == 0 {
        virtual_hosts =
            r#"{name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: be, timeout: 0s}}]}"#
                .to_owned();
    }
    for (host, prefixes) in hosts(site.routes) {
        let routes: Vec<String> = prefixes
            .iter()
            .map(|prefix| {
                format!("{{match: {{path_separated_prefix: \"{prefix}\"}}, route: {{cluster: be, timeout: 0s}}}}")
            })
            .collect();
        let _ = write!(
            virtual_hosts,
            "{{name: {host}, domains: [{host}], routes: [{}]}},\n              ",
            routes.join(", ")
        );
    }
    let config = format!(
        r#"admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}
static_resources:
  listeners:
  - name: l
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    enable_reuse_port: true
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: h
          codec_type: AUTO
          generate_request_id: false
          use_remote_address: true
          stream_idle_timeout: 0s
          server_header_transformation: PASS_THROUGH
          access_log:
          - name: file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: {log}
              log_format:
                json_format: {{time: "%START_TIME%", client: "%DOWNSTREAM_REMOTE_ADDRESS%", connection: "%CONNECTION_ID%", protocol: "%PROTOCOL%", method: "%REQ(:METHOD)%", host: "%REQ(:AUTHORITY)%", path: "%REQ(:PATH)%", status: "%RESPONSE_CODE%", bytes_sent: "%BYTES_SENT%", duration: "%DURATION%", endpoint: "%UPSTREAM_HOST%", user_agent: "%REQ(USER-AGENT)%", flags: "%RESPONSE_FLAGS%"}}
          http_filters: [{{name: r, typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router, suppress_envoy_headers: true}}}}]
          route_config:
            virtual_hosts: [{virtual_hosts}]
{tls}  clusters:
  - name: be
    connect_timeout: 5s
    type: STATIC
    circuit_breakers: {{thresholds: [{{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}}]}}
    load_assignment: {{cluster_name: be, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {backend}}}}}}}}}]}}]}}
"#,
        log = log.display(),
        backend = site.backend,
    );
    let path = file(dir, "envoy.yaml", &config)?;
    let mut command = Command::new(tools::envoy()?);
    command
        .args(["--concurrency", &workers.to_string(), "--disable-hot-restart", "--log-level", "error", "-c"])
        .arg(path);
    Running::start("envoy", &command, dir, port, log)
}
