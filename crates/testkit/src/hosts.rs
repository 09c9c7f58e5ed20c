//! Host names for one command, without touching the machine's `/etc/hosts`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

/// The lines of a hosts file: name to address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(BTreeMap<String, IpAddr>);

impl Hosts {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, address: impl Into<IpAddr>) -> Self {
        self.0.insert(name.into(), address.into());
        self
    }

    /// Adds `names`, all at one address.
    #[must_use]
    pub fn with_all<S: Into<String>>(self, names: impl IntoIterator<Item = S>, address: impl Into<IpAddr>) -> Self {
        let address = address.into();
        names.into_iter().fold(self, |hosts, name| hosts.with(name, address))
    }

    /// Both together; `other` wins.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().map(|(name, address)| (name.clone(), *address)));
        self
    }

    /// The address of a name.
    pub fn get(&self, name: &str) -> Option<IpAddr> {
        self.0.get(name).copied()
    }

    /// Name and address of each line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, IpAddr)> {
        self.0.iter().map(|(name, address)| (name.as_str(), *address))
    }

    /// Writes the file, `localhost` and the machine's own name included (Java asks for the latter).
    pub fn write(&self, path: &Path) -> Result<()> {
        let own = fs::read_to_string("/etc/hostname").unwrap_or_default();
        Ok(fs::write(path, format!("127.0.0.1 localhost {}\n{self}", own.trim()))?)
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, address)| writeln!(f, "{address} {name}"))
    }
}

/// `command` in a mount namespace of its own in which `hosts_file` is `/etc/hosts`. Works for every client, whatever it
/// resolves with. Root needs nothing else; others get a user namespace too.
pub fn with_hosts(hosts_file: &Path, command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped.arg(if rustix::process::geteuid().is_root() { "-m" } else { "-Urm" });
    wrapped.args(["sh", "-c", r#"mount --bind "$0" /etc/hosts && exec setpriv --pdeathsig KILL -- "$@""#]);
    wrapped.arg(hosts_file).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        wrapped.env(key, value.unwrap_or(OsStr::new("")));
    }
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped
}
