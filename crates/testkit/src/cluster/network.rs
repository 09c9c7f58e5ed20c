//! The network namespace of a cluster.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::Process;

/// The one node: the API server (6443), node ports, container logs (10250).
pub const NODE: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 1);
/// Addresses of Services of type LoadBalancer, all inside the namespace. Those from .240 on are given only to a Service
/// that names one, in the annotation `testkit.sluicegate.dev/load-balancer-ip` or in `spec.loadBalancerIP`.
pub const LOAD_BALANCERS: &str = "198.18.0.0/24";
pub(super) const LOAD_BALANCERS_BY_NAME: &str = "198.18.0.240/28";
pub(super) const LOAD_BALANCERS_REFUSED: &str = "198.18.1.0/24";
pub(super) const PODS: &str = "10.244.0.0/16";
pub(super) const SERVICES: &str = "10.96.0.0/16";
/// The cluster IP of the Service `kubernetes`.
pub(super) const KUBERNETES: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// Run by the process that holds the namespace. Not every kernel has dummy interfaces: the node's address is on `lo`.
const SCRIPT: &str = r"
set -e
ip link set lo up
ip addr add $NODE/32 dev lo
cd /proc/sys/net
# Pods reach each other by way of the node, and need not be told of a shorter way.
for of in all default; do echo 0 >ipv4/conf/$of/send_redirects; done
echo 1 >ipv4/ip_forward
echo 0 >ipv4/ip_unprivileged_port_start
ip link add pods0 type bridge
ip addr add 10.244.0.1/16 dev pods0
ip link set pods0 up
# Packets of Pods pass the rules once, as routed ones, and not on the bridge too.
! [ -e bridge/bridge-nf-call-iptables ] || echo 0 >bridge/bridge-nf-call-iptables
# A local route: every address of the range can be bound and reached. Without a source, clients here would
# connect from the address that they connect to.
ip route add local $LOAD_BALANCERS dev lo src $NODE
# kube-proxy rewrites these on their way out, but the kernel asks for a route first.
ip route add $SERVICES dev pods0 src $NODE
echo ready
exec sleep infinity
";

/// A network namespace without a name: it is gone when the last process in it is, and those die with the one that made it.
#[derive(Debug)]
pub(super) struct Network {
    pid: u32,
    _holder: Option<Process>,
}

impl Network {
    /// A new one.
    pub(super) fn create(log: &Path) -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", SCRIPT]);
        command.env("NODE", NODE.to_string()).env("LOAD_BALANCERS", LOAD_BALANCERS).env("SERVICES", SERVICES);
        let mut holder = Process::start("network namespace", &command, log)?;
        holder
            .wait_until(Duration::from_secs(20), |holder| holder.log().contains("ready\n"))
            .context("make a network namespace (this needs root)")?;
        Ok(Self { pid: holder.id(), _holder: Some(holder) })
    }

    /// That of a process, which another process keeps.
    pub(super) fn of(pid: u32) -> Self {
        Self { pid, _holder: None }
    }

    /// The process that holds it.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// A command that runs in it.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.pid)).arg("--").arg(program);
        command
    }

    /// Runs `work` on a thread that is in the namespace, as are the threads that it starts and the sockets it opens.
    pub(super) fn inside<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let namespace = File::open(format!("/proc/{}/ns/net", self.pid)).context("the cluster is gone")?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}
