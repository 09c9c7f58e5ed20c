//! HTTP: stub of the entry points.

use crate::{conn::Conn, io::Io, listener::Listener, worker::Worker};
use snapshot::{HttpRoute, ObjectName};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Routes of one port.
#[derive(Debug, Default)]
pub(crate) struct Table;

impl Table {
    /// `listeners`: the HTTP(S) listeners of the port. `routes`: those attached to one of them. `previous` and
    /// `changed`: the table to take unchanged hosts from and the routes that differ from it (`None`: the listeners do,
    /// or there is none).
    pub(crate) fn build(
        _worker_metrics: &crate::telemetry::metrics::Metrics,
        _listeners: &[Arc<Listener>],
        _routes: &BTreeMap<ObjectName, Arc<HttpRoute>>,
        _previous: Option<(&Self, &BTreeSet<ObjectName>)>,
    ) -> Self {
        Self
    }
}

/// Upstream connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Pool;

/// Serves one connection.
pub(crate) async fn serve(_worker: Worker, _io: Io, _conn: Conn, _table: Arc<Table>) {}
