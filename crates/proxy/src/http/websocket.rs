//! WebSocket (RFC 6455), as far as a gateway that passes it through must know it: where one frame ends and the next
//! begins. Only there does a frame of our own fit, the Close that tells both sides that the gateway is going away.

/// Status code 1001, "going away" (RFC 6455 7.4.1).
const GOING_AWAY: [u8; 2] = 1001_u16.to_be_bytes();
/// The longest header of a frame: two bytes, eight of length, four of mask.
const HEADER: usize = 14;
const CLOSE: u8 = 0x8;
const FIN: u8 = 0x80;
const MASK: u8 = 0x80;

/// Finds the borders between the frames of one direction. It looks at headers only and holds no payload.
#[derive(Debug, Default)]
struct Frames {
    /// Of the header that has begun.
    header: [u8; HEADER],
    held: usize,
    /// Of the payload that is to come.
    left: u64,
    /// A Close has passed.
    closed: bool,
    /// A length that no frame can have (RFC 6455 5.2): from here on nothing is a border.
    broken: bool,
}

impl Frames {
    fn at_border(&self) -> bool {
        self.held == 0 && self.left == 0 && !self.broken
    }

    /// Takes bytes up to the end of the frame that they begin or go on with; says how many. A frame ends where
    /// [`Frames::at_border`] holds.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(&byte) = bytes.get(taken) {
            if self.broken {
                return bytes.len();
            }
            if self.left > 0 {
                let rest = bytes.len() - taken;
                let payload = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
                self.left -= payload as u64;
                taken += payload;
            } else {
                self.header[self.held] = byte;
                self.held += 1;
                taken += 1;
                self.look();
            }
            if self.at_border() {
                break;
            }
        }
        taken
    }

    /// Takes all.
    fn take_all(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.take(bytes);
            bytes = &bytes[taken..];
        }
    }

    /// Once the header is whole, goes on to the payload.
    fn look(&mut self) {
        let header = &self.header[..self.held];
        let &[first, second, ref rest @ ..] = header else { return };
        let mask = if second & MASK == 0 { 0 } else { 4 };
        let (extended, length) = match second & !MASK {
            126 => (2, rest.first_chunk().map(|bytes| u64::from(u16::from_be_bytes(*bytes)))),
            127 => (8, rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))),
            short => (0, Some(u64::from(short))),
        };
        let Some(length) = length else { return };
        if header.len() < 2 + extended + mask {
            return;
        }
        self.closed |= first & 0xf == CLOSE;
        self.broken |= length >> 63 != 0;
        self.left = length;
        self.held = 0;
    }
}

/// One direction of a WebSocket that ends with a Close frame of ours, if it is still open when [`Relay::go_away`] is called.
#[derive(Debug)]
pub(super) struct Relay {
    frames: Frames,
    close: Box<[u8]>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Passes what comes.
    Passing,
    /// Passes the rest of the frame that is under way.
    Leaving,
    /// Our Close has been sent: nothing may follow it.
    Left,
}

impl Relay {
    /// `mask`: for the direction to the backend, where frames must be masked (RFC 6455 5.1).
    pub(super) fn new(mask: Option<[u8; 4]>) -> Self {
        let length = GOING_AWAY.len() as u8;
        let close = match mask {
            None => [&[FIN | CLOSE, length][..], &GOING_AWAY].concat(),
            Some(mask) => {
                let code = [GOING_AWAY[0] ^ mask[0], GOING_AWAY[1] ^ mask[1]];
                [&[FIN | CLOSE, MASK | length][..], &mask, &code].concat()
            }
        };
        Self { frames: Frames::default(), close: close.into(), state: State::Passing }
    }

    /// How many of these bytes, which have just been read, are to be passed on, and what is to be sent after them.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> (usize, &[u8]) {
        match self.state {
            State::Passing => {
                self.frames.take_all(bytes);
                (bytes.len(), &[])
            }
            State::Leaving => {
                let passed = self.frames.take(bytes);
                if !self.frames.at_border() {
                    return (passed, &[]);
                }
                // Before the rest is looked at: a Close in there is dropped with it.
                let close = self.leave();
                self.frames.take_all(&bytes[passed..]);
                (passed, if close { &self.close } else { &[] })
            }
            State::Left => {
                self.frames.take_all(bytes);
                (0, &[])
            }
        }
    }

    /// Ends this direction: what is to be sent now. If a frame is under way, [`Relay::pass`] says it when that has ended.
    pub(super) fn go_away(&mut self) -> &[u8] {
        if self.state != State::Passing {
            return &[];
        }
        if !self.frames.at_border() {
            self.state = State::Leaving;
            return &[];
        }
        if self.leave() { &self.close } else { &[] }
    }

    /// Whether the Close handshake is done as far as the sender of this direction has a part in it.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Left && self.frames.closed && self.frames.at_border()
    }

    /// Says whether a Close is to be sent: not if the sender has said goodbye itself.
    fn leave(&mut self) -> bool {
        self.state = State::Left;
        !self.frames.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with this payload, masked with zeros if masked.
    fn frame(first: u8, masked: bool, length: usize) -> Vec<u8> {
        let mask = if masked { MASK } else { 0 };
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(mask | length as u8),
            126..0x1_0000 => {
                frame.push(mask | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(vec![0; if masked { 4 } else { 0 }]);
        // Payload that looks like headers.
        frame.extend((0..length).map(|n| [0x88, 0x7f, 0x00][n % 3]));
        frame
    }

    #[test]
    fn borders_are_found_however_the_bytes_are_cut() {
        for masked in [false, true] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
                let frames = [frame(0x01, masked, length), frame(0x89, masked, 3), frame(0x80, masked, length)];
                let whole = frames.concat();
                let borders = [frames[0].len(), frames[0].len() + frames[1].len(), whole.len()];
                for step in [1, 2, 3, 7, 4096, whole.len()] {
                    let (mut tracker, mut at, mut found) = (Frames::default(), 0, Vec::new());
                    for mut piece in whole.chunks(step) {
                        while !piece.is_empty() {
                            let taken = tracker.take(piece);
                            assert!(taken > 0);
                            (at, piece) = (at + taken, &piece[taken..]);
                            if tracker.at_border() {
                                found.push(at);
                            }
                        }
                    }
                    assert_eq!(found, borders, "masked {masked}, {length} bytes, in pieces of {step}");
                    assert!(!tracker.closed);
                }
            }
        }
    }

    #[test]
    fn a_close_is_seen_and_an_impossible_length_is_no_border_ever() {
        let mut tracker = Frames::default();
        tracker.take_all(&frame(0x88, true, 2));
        assert!(tracker.closed && tracker.at_border());
        let mut tracker = Frames::default();
        tracker.take_all(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert!(!tracker.at_border());
        tracker.take_all(&[0; 100]);
        assert!(!tracker.at_border());
    }

    #[test]
    fn a_close_follows_at_once_between_frames() {
        let mut relay = Relay::new(None);
        let text = frame(0x81, false, 5);
        assert_eq!(relay.pass(&text), (text.len(), &[][..]));
        assert_eq!(relay.go_away(), [0x88, 2, 0x03, 0xe9]);
        assert_eq!(relay.go_away(), [] as [u8; 0], "once");
        assert_eq!(relay.pass(&text), (0, &[][..]), "nothing follows a Close");
        assert!(!relay.is_over());
        relay.pass(&frame(0x88, false, 2));
        assert!(relay.is_over());
    }

    #[test]
    fn within_a_frame_the_close_waits_for_its_end() {
        let mut relay = Relay::new(Some([1, 2, 3, 4]));
        let (text, next) = (frame(0x01, true, 300), frame(0x80, true, 4));
        relay.pass(&text[..10]);
        assert_eq!(relay.go_away(), [] as [u8; 0]);
        assert_eq!(relay.pass(&text[10..20]), (10, &[][..]));
        let both = [&text[20..], &next[..]].concat();
        // Masked, and between the fragments of a message, where control frames may stand.
        assert_eq!(relay.pass(&both), (text.len() - 20, &[0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe9 ^ 2][..]));
        assert_eq!(relay.pass(&next), (0, &[][..]));
    }

    #[test]
    fn the_end_of_a_frame_at_the_end_of_a_read_is_a_border_too() {
        let mut relay = Relay::new(None);
        let text = frame(0x81, false, 8);
        relay.pass(&text[..4]);
        relay.go_away();
        assert_eq!(relay.pass(&text[4..]), (text.len() - 4, &[0x88, 2, 0x03, 0xe9][..]));
    }

    #[test]
    fn a_close_that_is_dropped_is_replaced_by_ours() {
        let mut relay = Relay::new(None);
        let (text, close) = (frame(0x81, false, 8), frame(0x88, false, 2));
        relay.pass(&text[..4]);
        relay.go_away();
        assert_eq!(relay.pass(&[&text[4..], &close[..]].concat()), (text.len() - 4, &[0x88, 2, 0x03, 0xe9][..]));
        assert!(relay.is_over());
    }

    #[test]
    fn whoever_has_said_goodbye_gets_no_second_one() {
        let mut relay = Relay::new(None);
        relay.pass(&frame(0x88, false, 2));
        assert_eq!(relay.go_away(), [] as [u8; 0]);
        assert!(relay.is_over());
    }
}
