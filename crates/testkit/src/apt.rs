//! Programs from Debian's packages.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process;

/// Installs `package` unless `program`, a file, is there.
///
/// # Errors
/// When it is not, and this is no Debian, or not root's.
pub fn install(program: &str, package: &str) -> Result<()> {
    if Path::new(program).exists() {
        return Ok(());
    }
    let mut apt = Command::new("sh");
    apt.args(["-c", r#"apt-get -qq update && apt-get -qq install -y --no-install-recommends "$0""#, package]);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    process::check(&apt, Duration::from_secs(300)).with_context(|| format!("install {package}"))?;
    Ok(())
}
