//! The bound on what requests' headers cost while they come: until one is whole, its connection costs the bytes that have
//! come and little more, and all the large ones of a worker together have a bound.

use crate::worker::Worker;

/// What every header may have; more counts as large.
const FREE: usize = 8 << 10;

/// Room for a large header, until it is dropped.
pub(super) struct Held<'a> {
    worker: &'a Worker,
    bytes: usize,
}

impl<'a> Held<'a> {
    /// None yet.
    pub(super) fn new(worker: &'a Worker) -> Self {
        Self { worker, bytes: 0 }
    }

    /// Asks for so much; false if the worker has no more.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        if bytes <= FREE.max(self.bytes) {
            return true;
        }
        let all = self.worker.held_heads();
        let others = all.get() - self.bytes;
        let share = self.worker.limits().held_headers / self.worker.shared().loads.len().max(1);
        if others + bytes > share {
            return false;
        }
        all.set(others + bytes);
        self.bytes = bytes;
        true
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let all = self.worker.held_heads();
        all.set(all.get() - self.bytes);
    }
}
