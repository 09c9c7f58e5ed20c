//! Room for the frames of a route that are held whole. What does not fit is not read.

use super::close::{Close, Side};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::timeout,
};

/// Frames up to this length need no room: every connection may hold one each way.
const FREE: usize = 64 << 10;
/// What a permit stands for.
const UNIT: usize = 1 << 10;
/// A frame that is held comes at least so fast, in bytes per second, once its grace is over: its room is kept from others.
const PACE: u64 = 256 << 10;
/// Clients that nobody knows yet and that may hold more than a small piece of what they have not sent to its end.
const PLACES: usize = 32;

/// What frames of one route may hold at one time. Requests and responses have a half each: a broker that is stuck until
/// its responses are read must not wait for the requests in front of it.
#[derive(Debug)]
pub(crate) struct Holds {
    requests: Semaphore,
    responses: Semaphore,
    most: u32,
    seats: Semaphore,
    places: Mutex<Places>,
}

/// Who has a place, and who wants one.
#[derive(Debug, Default)]
struct Places {
    /// The oldest first; those who are told to go are not in here any more.
    taken: VecDeque<Arc<Notify>>,
    wanted: usize,
}

impl Places {
    /// Tells the oldest one to go.
    fn make_room(&mut self) {
        if let Some(oldest) = self.taken.pop_front() {
            oldest.notify_one();
        }
    }
}

impl Holds {
    /// `bytes` for both directions together.
    pub(super) fn new(bytes: usize) -> Self {
        let most = u32::try_from(bytes / 2 / UNIT).unwrap_or(u32::MAX).clamp(1, 1 << 28);
        let half = || Semaphore::new(most as usize);
        Self { requests: half(), responses: half(), most, seats: Semaphore::new(PLACES), places: Mutex::default() }
    }

    /// Room for a frame of `len` bytes from `side`; waits for as long as `patience`. All of it at once, so that two frames
    /// never wait for the rest of each other's room. A frame above the half takes all of that.
    pub(super) async fn room(&self, side: Side, len: usize, patience: Duration) -> Result<Room<'_>, Close> {
        let deadline = Instant::now() + patience + Duration::from_secs(len as u64 / PACE);
        if len <= FREE {
            return Ok(Room { deadline, permit: None });
        }
        let half = match side {
            Side::Client => &self.requests,
            Side::Broker => &self.responses,
        };
        let units = u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.most);
        match timeout(patience, half.acquire_many(units)).await {
            Ok(Ok(permit)) => Ok(Room { deadline, permit: Some(permit) }),
            _ => Err(Close::HeldFrames(side)),
        }
    }

    /// A place for a client that nobody knows yet. Who has held one for the longest goes if there are none left: a client that sends its
    /// frame to the end needs one for a round trip, a client that does not waits here for all others.
    pub(super) async fn place(&self) -> Result<Place<'_>, Close> {
        let lost = Arc::new(Notify::new());
        let seat = match self.seats.try_acquire() {
            Ok(seat) => seat,
            Err(_) => {
                let _wanted = Wanted::new(self);
                // Never closed.
                self.seats.acquire().await.map_err(|_| Close::HeldFrames(Side::Client))?
            }
        };
        let mut places = self.places();
        places.taken.push_back(Arc::clone(&lost));
        if places.wanted > 0 {
            places.make_room();
        }
        Ok(Place { holds: self, lost, _seat: seat })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one who wants a place.
struct Wanted<'a>(&'a Holds);

impl<'a> Wanted<'a> {
    fn new(holds: &'a Holds) -> Self {
        let mut places = holds.places();
        places.wanted += 1;
        places.make_room();
        drop(places);
        Self(holds)
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.places().wanted -= 1;
    }
}

/// The right to hold the part of a frame, until it is dropped or lost.
#[derive(Debug)]
pub(super) struct Place<'a> {
    holds: &'a Holds,
    lost: Arc<Notify>,
    _seat: SemaphorePermit<'a>,
}

impl Place<'_> {
    /// Resolves once others have needed it more.
    pub(super) async fn lost(place: Option<&Self>) {
        match place {
            Some(place) => place.lost.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.holds.places().taken.retain(|one| !Arc::ptr_eq(one, &self.lost));
    }
}

/// Room for one frame, until it is dropped.
#[derive(Debug)]
pub(super) struct Room<'a> {
    /// When the frame has to be there.
    pub(super) deadline: Instant,
    permit: Option<SemaphorePermit<'a>>,
}

impl Room<'_> {
    /// Whether it has been taken from what the route has.
    pub(super) fn is_counted(&self) -> bool {
        self.permit.is_some()
    }
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

    #[tokio::test]
    async fn the_oldest_place_goes_first() {
        async fn lost(places: &[Place<'_>]) -> Vec<usize> {
            let mut lost = Vec::new();
            for (number, place) in places.iter().enumerate() {
                if timeout(Duration::ZERO, Place::lost(Some(place))).await.is_ok() {
                    lost.push(number);
                }
            }
            lost
        }
        let holds = Holds::new(4 << 20);
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.push(holds.place().await.unwrap());
        }
        places.remove(0);
        places.push(holds.place().await.unwrap());
        assert_eq!(lost(&places).await, [0; 0], "one was free");
        let mut next = Box::pin(holds.place());
        assert!(timeout(Duration::from_millis(1), &mut next).await.is_err(), "not before the oldest has gone");
        assert_eq!(lost(&places).await, [0]);
        places.remove(0);
        places.push(next.await.unwrap());
        assert_eq!(lost(&places).await, [0; 0]);
        // Many at once: each who gets a place makes room for the next.
        let mut two = Box::pin(async { tokio::join!(holds.place(), holds.place()) });
        assert!(timeout(Duration::from_millis(1), &mut two).await.is_err());
        assert_eq!(lost(&places).await, [0, 1]);
        places.drain(..2);
        let (one, other) = two.await;
        places.extend([one.unwrap(), other.unwrap()]);
        assert_eq!(places.len(), PLACES);
        drop(places);
        assert_eq!(holds.places().taken.len(), 0);
        assert_eq!(holds.places().wanted, 0);
        assert_eq!(holds.seats.available_permits(), PLACES);
    }
}
