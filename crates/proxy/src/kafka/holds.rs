//! Room for the frames of a route that are held whole. What does not fit is not read.

use super::close::{Close, Side};
use std::time::{Duration, Instant};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Frames up to this length need no room: every connection may hold one each way.
const FREE: usize = 64 << 10;
/// What a permit stands for.
const UNIT: usize = 1 << 10;
/// A frame that is held comes at least so fast, in bytes per second, once its grace is over: its room is kept from others.
const PACE: u64 = 256 << 10;

/// What frames of one route may hold at one time. Requests and responses have a half each: a broker that is stuck until
/// its responses are read must not wait for the requests in front of it.
#[derive(Debug)]
pub(crate) struct Holds {
    requests: Semaphore,
    responses: Semaphore,
    most: u32,
}

impl Holds {
    /// `bytes` for both directions together.
    pub(super) fn new(bytes: usize) -> Self {
        let most = u32::try_from(bytes / 2 / UNIT).unwrap_or(u32::MAX).clamp(1, 1 << 28);
        let half = || Semaphore::new(most as usize);
        Self { requests: half(), responses: half(), most }
    }

    /// Room for a frame of `len` bytes from `side`; waits for as long as `patience`. All of it at once, so that two frames
    /// never wait for the rest of each other's room. A frame above the half takes all of that.
    pub(super) async fn room(&self, side: Side, len: usize, patience: Duration) -> Result<Room<'_>, Close> {
        let deadline = Instant::now() + patience + Duration::from_secs(len as u64 / PACE);
        if len <= FREE {
            return Ok(Room { deadline, _permit: None });
        }
        let half = match side {
            Side::Client => &self.requests,
            Side::Broker => &self.responses,
        };
        let units = u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.most);
        match timeout(patience, half.acquire_many(units)).await {
            Ok(Ok(permit)) => Ok(Room { deadline, _permit: Some(permit) }),
            _ => Err(Close::HeldFrames(side)),
        }
    }
}

/// Room for one frame, until it is dropped.
#[derive(Debug)]
pub(super) struct Room<'a> {
    /// When the frame has to be there.
    pub(super) deadline: Instant,
    _permit: Option<SemaphorePermit<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_wait_for_room_and_not_for_ever() {
        let holds = Holds::new(4 << 20);
        let room = |side, len| holds.room(side, len, Duration::from_millis(50));
        let first = room(Side::Client, 100 << 20).await.unwrap();
        assert!(room(Side::Client, FREE).await.is_ok(), "small ones need none");
        assert!(room(Side::Broker, 2 << 20).await.is_ok(), "the other way has its own");
        assert!(matches!(room(Side::Client, FREE + 1).await, Err(Close::HeldFrames(Side::Client))));
        let (waiting, ()) = tokio::join!(room(Side::Client, 1 << 20), async { drop(first) });
        let _second = waiting.unwrap();
        assert!(room(Side::Client, 1 << 20).await.is_ok());
    }
}
