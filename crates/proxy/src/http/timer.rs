//! A timer that is rarely set: waiting for later than last time, as the next request of a connection does, leaves it be.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::time::Sleep;

/// Wakes its task at some time; one task, one time at a time.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready once it is `at`.
    pub(super) fn poll(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at.into())));
        if sleep.deadline() > at.into() {
            sleep.as_mut().reset(at.into());
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= at.into() {
                return Poll::Ready(());
            }
            // It was set for something sooner, which has come to pass.
            sleep.as_mut().reset(at.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::poll_fn, time::Duration};

    #[tokio::test]
    async fn it_is_ready_when_it_is_time_whatever_came_before() {
        let mut timer = Timer::default();
        for millis in [300, 20, 40, 0, 10] {
            let at = Instant::now() + Duration::from_millis(millis);
            let soon = poll_fn(|cx| Poll::Ready(timer.poll(at + Duration::from_secs(9), cx))).await;
            assert!(soon.is_pending());
            poll_fn(|cx| timer.poll(at, cx)).await;
            assert!((at..at + Duration::from_millis(250)).contains(&Instant::now()));
        }
    }
}
