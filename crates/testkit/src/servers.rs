//! Real HTTP servers that nobody here wrote: nginx, and Python's.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::apt;
use crate::certs::Identity;
use crate::paths::RunDir;
use crate::process::Process;

/// A running server; killed on drop.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    _dir: RunDir,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn wait(mut self) -> Result<Self> {
        let address = self.address;
        self.process.wait_until(Duration::from_secs(15), |_| TcpStream::connect(address).is_ok())?;
        Ok(self)
    }
}

/// Installs nginx from Debian's packages unless it is there.
pub fn prepare_nginx() -> Result<()> {
    apt::install("/usr/sbin/nginx", "nginx-light")
}

/// nginx at `address`, with TLS (and HTTP/2) when an identity is given. Every path answers 200 with JSON
/// `{"origin", "method", "path", "host", "protocol", "user_agent", "forwarded_for", "forwarded_proto"}` and the header `x-origin`; `/big`
/// answers with 1 MiB, `/status/503` and `/status/404` with these.
pub fn nginx(name: &str, address: SocketAddr, identity: Option<&Identity>) -> Result<Server> {
    prepare_nginx()?;
    let dir = RunDir::new(&format!("nginx-{name}"))?;
    let root = dir.path();
    fs::write(root.join("big"), "x".repeat(1 << 20))?;
    let listen = match identity {
        Some(identity) => {
            fs::write(root.join("chain.pem"), &identity.chain)?;
            fs::write(root.join("key.pem"), &identity.key)?;
            format!(
                "listen {address} ssl http2; ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem;",
                root.display()
            )
        }
        None => format!("listen {address};"),
    };
    let config = format!(
        r#"daemon off; master_process off; pid {root}/pid; error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type application/json;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  map $request_uri $quoted_path {{ default $request_uri; }}
  server {{
    {listen}
    add_header x-origin {name} always;
    location / {{ return 200 '{{"origin":"{name}","method":"$request_method","path":"$request_uri","host":"$http_host","protocol":"$server_protocol","user_agent":"$http_user_agent","forwarded_for":"$http_x_forwarded_for","forwarded_proto":"$http_x_forwarded_proto"}}\n'; }}
    location = /status/503 {{ return 503; }}
    location = /status/404 {{ return 404; }}
    location = /big {{ root {root}; }}
  }}
}}
"#,
        root = root.display(),
    );
    fs::write(
        root.join("nginx.conf"),
        config.replace("  map $request_uri $quoted_path { default $request_uri; }\n", ""),
    )?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(root).arg("-c").arg(root.join("nginx.conf")).args(["-e", "stderr"]);
    let process = Process::start(&format!("nginx {name}"), &command, &root.join("log"))?;
    Server { process, address, _dir: dir }.wait()
}

/// Python's `http.server` at `address`, serving a folder of two files: `index.html` (`name` and a newline) and `big` (1 MiB).
pub fn python(name: &str, address: SocketAddr) -> Result<Server> {
    let dir = RunDir::new(&format!("python-{name}"))?;
    let root = dir.path().join("root");
    fs::create_dir_all(&root)?;
    fs::write(root.join("index.html"), format!("{name}\n"))?;
    fs::write(root.join("big"), "x".repeat(1 << 20))?;
    let SocketAddr::V4(v4) = address else { bail!("an IPv4 address is wanted") };
    let mut command = Command::new("python3");
    command.args(["-m", "http.server", "--protocol", "HTTP/1.1", "--bind", &v4.ip().to_string(), "--directory"]);
    command.arg(&root).arg(v4.port().to_string());
    let process = Process::start(&format!("http.server {name}"), &command, &dir.path().join("log"))?;
    Server { process, address, _dir: dir }.wait()
}
