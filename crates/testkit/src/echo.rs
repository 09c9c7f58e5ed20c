//! HTTP servers that nobody here wrote, each telling how it read a request: what a differential compares.
//!
//! Their small programs and configurations lie in `crates/testkit/origins`. Every answer carries the header [`SEEN`].

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::net::free_port;
use crate::paths::{self, RunDir};
use crate::process::{self, Process};

/// The header of every answer: method, target, body and header lines, each in base64, separated by dots.
pub const SEEN: &str = "x-seen";

const LIMIT: Duration = Duration::from_secs(900);

/// What runs a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    Python,
    Go,
    Node,
    Java,
    Ruby,
    Debian,
    Rust,
}

/// An HTTP server.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What its makers call it.
    pub name: &'static str,
    runs: Runs,
}

/// All servers, by where they come from: Python and PyPI, Go, Node and npm, Java and Maven, Ruby and C by Debian, Rust.
pub const KINDS: [Kind; 27] = {
    const fn kind(name: &'static str, runs: Runs) -> Kind {
        Kind { name, runs }
    }
    [
        kind("http.server", Runs::Python),
        kind("gunicorn", Runs::Python),
        kind("uvicorn-h11", Runs::Python),
        kind("uvicorn-httptools", Runs::Python),
        kind("hypercorn", Runs::Python),
        kind("waitress", Runs::Python),
        kind("tornado", Runs::Python),
        kind("aiohttp", Runs::Python),
        kind("cheroot", Runs::Python),
        kind("gevent", Runs::Python),
        kind("twisted", Runs::Python),
        kind("net/http", Runs::Go),
        kind("fasthttp", Runs::Go),
        kind("node", Runs::Node),
        kind("http-parser-js", Runs::Node),
        kind("express", Runs::Node),
        kind("com.sun.net.httpserver", Runs::Java),
        kind("jetty", Runs::Java),
        kind("undertow", Runs::Java),
        kind("tomcat", Runs::Java),
        kind("netty", Runs::Java),
        kind("puma", Runs::Ruby),
        kind("nginx", Runs::Debian),
        kind("apache", Runs::Debian),
        kind("lighttpd", Runs::Debian),
        kind("haproxy", Runs::Debian),
        kind("hyper", Runs::Rust),
    ]
};

/// How a server read a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
    /// Header fields in the server's order and case; of servers after the manner of CGI in capitals.
    pub headers: Vec<(String, String)>,
}

impl Seen {
    /// From the value of [`SEEN`].
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(value: &str) -> Result<Self> {
        let parts: Vec<Vec<u8>> =
            value.trim().split('.').map(|part| STANDARD.decode(part)).collect::<Result<_, _>>().context("base64")?;
        let [method, target, body, lines] = <[Vec<u8>; 4]>::try_from(parts).ok().context("four parts are wanted")?;
        let text = |bytes: Vec<u8>| bytes.into_iter().map(char::from).collect::<String>();
        let field = |line: &str| -> Option<(String, String)> {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        let headers = text(lines).lines().filter_map(field).collect();
        Ok(Self { method: text(method), target: text(target), body, headers })
    }

    /// The value of [`SEEN`].
    pub fn to_value(&self) -> String {
        let bytes = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect::<Vec<_>>();
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        [bytes(&self.method), bytes(&self.target), self.body.clone(), bytes(&lines)]
            .map(|part| STANDARD.encode(part))
            .join(".")
    }

    /// The values of a header field, whatever the case of its name.
    pub fn header<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// A running server.
#[derive(Debug)]
pub struct Echo {
    /// Which.
    pub kind: Kind,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Running servers; all are killed on drop.
#[derive(Debug)]
pub struct Echoes {
    servers: Vec<Echo>,
    _processes: Vec<Process>,
    _dir: RunDir,
}

impl Echoes {
    /// Starts all of [`KINDS`] and waits until each can be connected to.
    ///
    /// # Errors
    /// When one does not start, with the last lines of its log.
    pub fn start() -> Result<Self> {
        prepare()?;
        let mut dir = RunDir::new("echoes")?;
        match start_all(dir.path()) {
            Ok((servers, processes)) => Ok(Self { servers, _processes: processes, _dir: dir }),
            Err(error) => {
                dir.keep();
                Err(error)
            }
        }
    }

    /// The servers.
    pub fn servers(&self) -> &[Echo] {
        &self.servers
    }
}

fn start_all(dir: &Path) -> Result<(Vec<Echo>, Vec<Process>)> {
    let mut servers = Vec::new();
    let mut waiting: Vec<(Process, Vec<SocketAddr>)> = Vec::new();
    let mut java = Vec::new();
    for kind in KINDS {
        if kind.runs == Runs::Rust {
            servers.push(Echo { kind, address: hyper_echo()? });
            continue;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        servers.push(Echo { kind, address });
        if kind.runs == Runs::Java {
            java.push((kind.name, address));
            continue;
        }
        let command = command(kind, address, dir)?;
        waiting.push((start(kind.name, &command, dir)?, vec![address]));
    }
    let mut command = java_command();
    command.arg("127.0.0.1").args(java.iter().map(|(name, address)| format!("{name}={}", address.port())));
    let process = start("java", &command, dir)?;
    waiting.push((process, java.into_iter().map(|(_, address)| address).collect()));
    let mut processes = Vec::new();
    for (mut process, addresses) in waiting {
        for address in addresses {
            process.wait_until(Duration::from_secs(60), |_| TcpStream::connect(address).is_ok())?;
        }
        processes.push(process);
    }
    Ok((servers, processes))
}

fn start(name: &str, command: &Command, dir: &Path) -> Result<Process> {
    Process::start(name, command, &dir.join(format!("{}.log", name.replace('/', "-"))))
}

fn sources() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("origins")
}

fn built() -> PathBuf {
    paths::cache().join("origins")
}

fn command(kind: Kind, address: SocketAddr, dir: &Path) -> Result<Command> {
    let mut command = match kind.runs {
        Runs::Python => script(built().join("python/bin/python"), "python/echo.py"),
        Runs::Node => script("node".into(), "node/echo.js"),
        Runs::Ruby => script("ruby".into(), "servers/echo.rb"),
        Runs::Go => Command::new(built().join("go/echo")),
        Runs::Debian => return debian(kind.name, address, dir),
        Runs::Java | Runs::Rust => anyhow::bail!("{} has no process of its own", kind.name),
    };
    command.arg(kind.name).arg(address.ip().to_string()).arg(address.port().to_string());
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NODE_PATH", built().join("node/node_modules"));
    Ok(command)
}

fn script(interpreter: PathBuf, file: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(sources().join(file));
    command
}

fn java_command() -> Command {
    let mut java = Command::new("java");
    java.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx192m", "-cp"]);
    java.arg(format!("{0}/classes:{0}/libs/*", built().join("java").display())).arg("Echo");
    java
}

/// A server that a configuration turns into an origin, which is filled in and put into a folder that the server's own
/// user can read.
fn debian(name: &str, address: SocketAddr, dir: &Path) -> Result<Command> {
    let own = dir.join(name);
    fs::create_dir_all(&own)?;
    for entry in fs::read_dir(sources().join("servers"))?.flatten() {
        let text = fs::read_to_string(entry.path())?
            .replace("DIR", &own.to_string_lossy())
            .replace("HOST", &address.ip().to_string())
            .replace("PORT", &address.port().to_string());
        fs::write(own.join(entry.file_name()), text)?;
    }
    let mut command = Command::new(Path::new("/usr/sbin").join(if name == "apache" { "apache2" } else { name }));
    match name {
        "nginx" => command.args(["-e", "stderr", "-p"]).arg(&own).arg("-c").arg(own.join("nginx.conf")),
        "apache" => command.arg("-DFOREGROUND").arg("-f").arg(own.join("apache.conf")),
        "lighttpd" => command.arg("-D").arg("-f").arg(own.join("lighttpd.conf")),
        _ => command.arg("-db").arg("-f").arg(own.join("haproxy.cfg")),
    };
    Ok(command)
}

/// Gets what the servers need, once: Debian's packages, a Python environment, Node modules, jars, a Go program.
///
/// # Errors
/// When a registry does not give it.
pub fn prepare() -> Result<()> {
    let packages = [
        ("/usr/sbin/nginx", "nginx-light"),
        ("/usr/lib/nginx/modules/ngx_http_lua_module.so", "libnginx-mod-http-lua"),
        ("/usr/sbin/apache2", "apache2-bin"),
        ("/usr/sbin/lighttpd", "lighttpd"),
        ("/usr/lib/lighttpd/mod_magnet.so", "lighttpd-modules-lua"),
        ("/usr/sbin/haproxy", "haproxy"),
        ("/usr/bin/puma", "puma"),
    ];
    let missing: Vec<&str> =
        packages.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        let mut apt = Command::new("sh");
        apt.args(["-c", "apt-get -qq update && apt-get -qq install -y --no-install-recommends \"$@\"", "sh"]);
        // Level 1: the packages start no service.
        apt.args(missing).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        process::check(&apt, LIMIT).context("install servers")?;
    }
    prepare_python()?;
    prepare_node()?;
    prepare_java()?;
    prepare_go()
}

fn prepare_python() -> Result<()> {
    let dir = built().join("python");
    let requirements = sources().join("python/requirements.txt");
    paths::once(&dir, ".complete", &fs::read_to_string(&requirements)?, || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&dir);
        process::check(&venv, LIMIT).context("make a Python environment")?;
        let mut pip = Command::new(dir.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "-r"]);
        pip.arg(&requirements);
        process::check(&pip, LIMIT).context("install Python's servers")?;
        Ok(())
    })
}

fn prepare_node() -> Result<()> {
    let dir = built().join("node");
    let lock = fs::read_to_string(sources().join("node/package-lock.json"))?;
    paths::once(&dir, ".complete", &lock, || {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources().join("node").join(file), dir.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&dir);
        process::check(&npm, LIMIT).context("install Node's servers")?;
        Ok(())
    })
}

fn prepare_java() -> Result<()> {
    let dir = built().join("java");
    let pom = sources().join("java/pom.xml");
    let source = sources().join("java/Echo.java");
    let stamp = format!("{}{}", fs::read_to_string(&pom)?, fs::read_to_string(&source)?);
    paths::once(&dir, ".complete", &stamp, || {
        let libs = dir.join("libs");
        let _ = fs::remove_dir_all(&libs);
        let mut maven = Command::new("mvn");
        maven.args(["-B", "-ntp", "-q", "-f"]).arg(&pom).arg("dependency:copy-dependencies");
        maven.arg(format!("-DoutputDirectory={}", libs.display()));
        process::check(&maven, LIMIT).context("fetch Java's servers")?;
        let mut javac = Command::new("javac");
        javac.args(["-nowarn", "-Xlint:none", "-d"]).arg(dir.join("classes"));
        javac.arg("-cp").arg(format!("{}/*", libs.display())).arg(&source);
        process::check(&javac, LIMIT).context("build Java's servers")?;
        Ok(())
    })
}

fn prepare_go() -> Result<()> {
    let dir = built().join("go");
    let from = sources().join("go");
    let stamp = format!("{}{}", fs::read_to_string(from.join("go.sum"))?, fs::read_to_string(from.join("main.go"))?);
    paths::once(&dir, ".complete", &stamp, || {
        let mut go = Command::new("go");
        go.args(["build", "-mod=readonly", "-trimpath", "-o"]).arg(dir.join("echo")).arg(".").current_dir(&from);
        process::check(&go, LIMIT).context("build Go's servers")?;
        Ok(())
    })
}

/// hyper, on a thread of this process that lasts as long as it.
fn hyper_echo() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("hyper".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true);
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(socket), service_fn(answer)));
            }
        });
    })?;
    Ok(address)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let seen = Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        body: body.collect().await?.to_bytes().to_vec(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
    };
    Ok(Response::builder().header(SEEN, seen.to_value()).body(Full::new(Bytes::from_static(b"ok\n")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_survives_its_header() {
        let seen = Seen {
            method: "GET".to_owned(),
            target: "/a".to_owned(),
            body: vec![0, 255],
            headers: vec![("Host".to_owned(), "h\u{ff}".to_owned())],
        };
        let parsed = Seen::parse(&seen.to_value()).unwrap();
        assert_eq!(parsed, seen);
        assert_eq!(parsed.header("host").collect::<Vec<_>>(), ["h\u{ff}"]);
        assert!(Seen::parse("a.b").is_err());
    }
}
