//! Kafka: stub of the entry points.

use crate::{conn::Conn, io::Io, worker::Worker};
use snapshot::{KafkaRoute, Refusal};
use std::sync::Arc;

/// A compiled KafkaRoute.
#[derive(Debug)]
pub(crate) struct Route;

impl Route {
    /// Compiles it.
    pub(crate) fn compile(_route: &KafkaRoute) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

/// What Kafka sessions of one worker share.
#[derive(Debug, Default)]
pub(crate) struct WorkerState;

/// Which name the client came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The route's own.
    Bootstrap,
    /// A broker's.
    Broker(i32),
}

/// Serves one connection.
pub(crate) async fn serve(_worker: Worker, _io: Io, _conn: Conn, _route: Arc<Route>, _wanted: Wanted) {}
