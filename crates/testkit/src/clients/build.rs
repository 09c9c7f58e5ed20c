//! Building the client programs once: `javac`, `go build`, a Python environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Client;
use crate::kafka::{Dist, VERSIONS};
use crate::{paths, process};

const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// The command that runs a client, built first if need be.
pub(super) fn command(client: Client) -> Result<Command> {
    match client {
        Client::Java => java(),
        Client::Go => Ok(Command::new(go_program("franz")?)),
        Client::Librdkafka | Client::Python | Client::Aiokafka => {
            let mut python = Command::new(python()?);
            python.arg(paths::client_sources().join("python/client.py")).arg(client.name());
            python.env("PYTHONDONTWRITEBYTECODE", "1");
            Ok(python)
        }
    }
}

/// Builds every client, telling `progress` before each.
pub fn prepare_all(mut progress: impl FnMut(&str)) -> Result<()> {
    for client in [Client::Java, Client::Python, Client::Go] {
        progress(client.name());
        command(client)?;
    }
    progress("grpc-go");
    go_program("grpc")?;
    progress("authz");
    go_program("authz")?;
    Ok(())
}

/// The text of all files of a client, by which a build is known to be current.
fn fingerprint(dir: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir)?.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).with_context(|| format!("{}", path.display()))).collect()
}

/// The Java client as a jar (class-data archives do not take folders), with an archive of the classes it loads.
fn java() -> Result<Command> {
    let dist = Dist::get(VERSIONS[0])?;
    let sources = paths::client_sources().join("java");
    let dir = paths::cache().join("clients/java");
    let jar = dir.join("client.jar");
    let archive = dir.join("client.jsa");
    let class_path = format!("{}:{}", jar.display(), dist.class_path()?);
    let run = || -> Result<Command> {
        let mut java = dist.java(384, "WARN")?;
        java.arg("-Xss512k");
        Ok(java)
    };
    paths::once(&dir, ".complete", &fingerprint(&sources)?, || {
        let classes = dir.join("classes");
        let _ = fs::remove_dir_all(&classes);
        let mut javac = Command::new("javac");
        javac.args(["-nowarn", "-Xlint:none", "-d"]).arg(&classes).arg("-cp").arg(dist.class_path()?);
        for entry in fs::read_dir(&sources)?.flatten() {
            javac.arg(entry.path());
        }
        process::check(&javac, BUILD_LIMIT).context("build the Java client")?;
        let mut pack = Command::new("jar");
        pack.arg("cf").arg(&jar).arg("-C").arg(&classes).arg(".");
        process::check(&pack, BUILD_LIMIT)?;
        let _ = fs::remove_file(&archive);
        let mut dump = run()?;
        dump.arg(format!("-XX:ArchiveClassesAtExit={}", archive.display()));
        dump.arg("-cp").arg(&class_path).args(["Client", "--load-classes"]);
        process::check(&dump, BUILD_LIMIT).context("archive the Java client's classes")?;
        Ok(())
    })?;
    let mut java = run()?;
    java.arg(format!("-XX:SharedArchiveFile={}", archive.display()));
    java.arg("-cp").arg(class_path).arg("Client");
    Ok(java)
}

/// `~/.cache/sluicegate/clients/go/NAME`, built from `clients/NAME`.
pub fn go_program(name: &str) -> Result<PathBuf> {
    let sources = paths::client_sources().join(name);
    let dir = paths::cache().join("clients").join(name);
    let program = dir.join(name);
    paths::once(&dir, ".complete", &fingerprint(&sources)?, || {
        let mut go = Command::new("go");
        go.args(["build", "-mod=readonly", "-trimpath", "-o"]).arg(&program).arg(".").current_dir(&sources);
        process::check(&go, BUILD_LIMIT).with_context(|| format!("build the Go client {name}"))?;
        Ok(())
    })?;
    Ok(program)
}

/// `~/.cache/sluicegate/clients/FOLDER`, with the programs that `clients/FOLDER/go.mod` names as tools.
pub(crate) fn go_tools(folder: &str) -> Result<PathBuf> {
    let sources = paths::client_sources().join(folder);
    let dir = paths::cache().join("clients").join(folder);
    let stamp =
        format!("{}{}", fs::read_to_string(sources.join("go.mod"))?, fs::read_to_string(sources.join("go.sum"))?);
    paths::once(&dir, ".complete", &stamp, || {
        let mut go = Command::new("go");
        go.args(["build", "-mod=readonly", "-trimpath", "-o"]).arg(&dir).arg("tool").current_dir(&sources);
        process::check(&go, BUILD_LIMIT).with_context(|| format!("build the tools of {folder}"))?;
        Ok(())
    })?;
    Ok(dir)
}

/// The interpreter of `~/.cache/sluicegate/venv`, with the packages of `clients/python/requirements.txt`.
pub(crate) fn python() -> Result<PathBuf> {
    python_with("venv", "python")
}

/// The interpreter of `~/.cache/sluicegate/VENV`, with the packages of `clients/FOLDER/requirements.txt`.
pub(crate) fn python_with(venv: &str, folder: &str) -> Result<PathBuf> {
    let dir = paths::cache().join(venv);
    let requirements = paths::client_sources().join(folder).join("requirements.txt");
    let interpreter = dir.join("bin/python");
    paths::once(&dir, ".complete", &fs::read_to_string(&requirements)?, || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&dir);
        process::check(&venv, BUILD_LIMIT).context("make a Python environment")?;
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "-r"])
            .arg(&requirements);
        process::check(&pip, BUILD_LIMIT).with_context(|| format!("install {}", requirements.display()))?;
        Ok(())
    })?;
    Ok(interpreter)
}
