//! Building the cluster's programs from Go modules, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{apt, paths, process};

const LIMIT: Duration = Duration::from_secs(3600);

/// What is built of `cluster/controlplane`: the program and its package.
const CONTROL_PLANE: [(&str, &str); 6] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ("podrunner", "./podrunner"),
];

/// Where the programs lie.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    control_plane: PathBuf,
    conformance: PathBuf,
}

/// Builds everything, telling `progress` before each part.
///
/// # Errors
/// When there is no Go, no root for `apt-get`, or a build fails.
pub fn prepare(progress: impl FnMut(&str)) -> Result<()> {
    Programs::build(progress).map(drop)
}

impl Programs {
    /// All of them, built if need be.
    pub(super) fn get() -> Result<Self> {
        let began = Instant::now();
        Self::build(|what| eprintln!("cluster: {:>4} s  build {what}", began.elapsed().as_secs()))
    }

    fn build(mut progress: impl FnMut(&str)) -> Result<Self> {
        apt::install("/usr/sbin/nft", "nftables")?; // kube-proxy runs it
        let cache = paths::cache().join("cluster");
        let programs = Self { control_plane: cache.join("controlplane"), conformance: cache.join("conformance") };
        let module = sources().join("controlplane");
        paths::once(&programs.control_plane, ".complete", &text_of(&[&module])?, || {
            for (name, package) in CONTROL_PLANE {
                progress(name);
                let mut go = go(&module);
                go.args(["build", "-ldflags", &format!("-s -w {}", kubernetes_version(&module)?), "-o"]);
                process::check(go.arg(programs.control_plane.join(name)).arg(package), LIMIT)
                    .with_context(|| format!("build {name}"))?;
            }
            Ok(())
        })?;
        let (module, images) = (sources().join("conformance"), sources().join("images"));
        paths::once(&programs.conformance, ".complete", &text_of(&[&module, &images])?, || {
            progress("echo-basic");
            let mut echo = go(&images);
            echo.args(["build", "-ldflags=-s -w", "-o"]).arg(programs.echo());
            process::check(echo.arg("./echo-basic"), LIMIT).context("build echo-basic")?;
            progress("conformance.test");
            let mut suite = go(&module);
            suite.args(["test", "-c", "-ldflags=-s -w", "-o"]).arg(programs.suite());
            process::check(suite.arg("."), LIMIT).context("build the conformance suite")?;
            programs.copy_crds(&module)
        })?;
        Ok(programs)
    }

    /// Copies the CRDs of the Gateway API that the suite is made for.
    fn copy_crds(&self, module: &Path) -> Result<()> {
        let mut list = go(module);
        list.args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api"]);
        let upstream = PathBuf::from(process::check(&list, LIMIT)?.trim()).join("config/crd");
        for channel in ["standard", "experimental"] {
            let to = self.crds(channel);
            fs::create_dir_all(&to)?;
            for entry in fs::read_dir(upstream.join(channel))?.flatten() {
                if entry.file_name() != "kustomization.yaml" {
                    fs::write(to.join(entry.file_name()), fs::read(entry.path())?)?;
                }
            }
        }
        Ok(())
    }

    /// A program of the control plane.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.control_plane.join(name)
    }

    /// The backend that the suite's manifests run.
    pub(super) fn echo(&self) -> PathBuf {
        self.conformance.join("echo-basic")
    }

    /// The suite, a program.
    pub(super) fn suite(&self) -> PathBuf {
        self.conformance.join("conformance.test")
    }

    /// The folder with the CRDs of a channel.
    pub(super) fn crds(&self, channel: &str) -> PathBuf {
        self.conformance.join("crds").join(channel)
    }
}

fn sources() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cluster")
}

/// The go command in a module. The version of Go is the one that the module asks for: it comes as a module too.
fn go(module: &Path) -> Command {
    let mut go = Command::new("go");
    go.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "auto").env("GOFLAGS", "-mod=readonly -trimpath");
    go.current_dir(module);
    go
}

/// Linker flags, without which the programs say that they are v0.0.0.
fn kubernetes_version(module: &Path) -> Result<String> {
    let text = fs::read_to_string(module.join("go.mod"))?;
    let version = text.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    let version = version.and_then(|rest| rest.split(' ').next()).context("go.mod names no Kubernetes")?;
    let minor = version.split('.').nth(1).context("a version of Kubernetes has three parts")?;
    let variable = "k8s.io/component-base/version";
    Ok(format!("-X {variable}.gitVersion={version} -X {variable}.gitMajor=1 -X {variable}.gitMinor={minor}"))
}

/// The names and texts of all files below these folders, by which a build is known to be current.
fn text_of(dirs: &[&Path]) -> Result<String> {
    let mut pending: Vec<PathBuf> = dirs.iter().map(|dir| dir.to_path_buf()).collect();
    let mut files = Vec::new();
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() { pending.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut text = String::new();
    for file in files {
        let content = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
        text += &format!("{}\n{content}", file.strip_prefix(sources())?.display());
    }
    Ok(text)
}
