//! A Kubernetes cluster: the real control plane in a network namespace of its own, and a stand-in for the node.
//!
//! etcd, kube-apiserver, kube-controller-manager and kube-proxy are the upstream programs, built from Go modules into
//! `~/.cache/sluicegate/cluster` when their sources in `crates/testkit/cluster` change (about ten minutes on two cores with
//! nothing cached). `podrunner` is the node: it runs Pods as processes with namespaces, addresses, volumes and logs, and
//! gives Services of type LoadBalancer their addresses. Needs root.
//!
//! ```no_run
//! use std::time::Duration;
//! use testkit::cluster::{Cluster, Ref, condition};
//! let cluster = Cluster::start()?;
//! cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")?;
//! let class = Ref::new("gateway.networking.k8s.io/v1", "GatewayClass", "sluicegate");
//! cluster.wait(&class, Duration::from_secs(10), |class| condition(class, "Accepted") == Some("True"))?;
//! # anyhow::Ok(())
//! ```

mod api;
pub mod conformance;
mod control_plane;
pub mod deploy;
mod network;
mod programs;

pub use api::{Ref, condition};
pub use control_plane::{Builder, Channel, Cluster, Component};
pub use network::{LOAD_BALANCERS, NODE};
pub use programs::prepare;
