use std::{cell::Cell, rc::Rc};
use tokio::sync::{Notify, futures::Notified};

/// What [`crate::Proxy::drain`] left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Client connections that were open when the drain began to close them.
    pub open: usize,
    /// Those still open at the deadline, which are cut.
    pub cut: usize,
}

/// Something that happens once, e.g. the begin of a drain. One per worker and cause, so that waiting touches no memory
/// of other threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signal(Rc<(Cell<bool>, Notify)>);

impl Signal {
    /// Lets it happen.
    pub(crate) fn fire(&self) {
        if !self.0.0.replace(true) {
            self.0.1.notify_waiters();
        }
    }

    /// Whether it has happened.
    pub(crate) fn is_fired(&self) -> bool {
        self.0.0.get()
    }

    /// Ready when it happens; it must not have [happened](Signal::is_fired) yet.
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.0.1.notified()
    }

    /// Waits until it has happened.
    pub(crate) async fn fired(&self) {
        // Nothing else runs on this thread between the look and the registration.
        if !self.is_fired() {
            self.0.1.notified().await;
        }
    }
}
