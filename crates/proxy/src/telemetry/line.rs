//! Lines of the access log by hand: what is written for every request must not cost more than the request.

use std::{
    cell::RefCell,
    io::Write,
    net::{IpAddr, SocketAddr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A JSON object under way: `{"a":"b","c":1`. [`Line::end`] closes it.
pub(crate) struct Line<'a>(&'a mut Vec<u8>);

impl<'a> Line<'a> {
    /// Begins an object whose first field is `time`, now.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.reserve(512);
        out.extend_from_slice(b"{\"time\":\"");
        write_time(out);
        out.push(b'"');
        Self(out)
    }

    fn name(&mut self, name: &'static str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// A text of our own: it holds nothing that JSON would escape.
    #[inline]
    pub(crate) fn plain(&mut self, name: &'static str, text: &'static str) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    /// Any text.
    #[inline]
    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        self.0.push(b'"');
        escape(self.0, text);
        self.0.push(b'"');
    }

    /// Bytes that should be text; what is none becomes U+FFFD.
    pub(crate) fn bytes(&mut self, name: &'static str, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(name, text),
            Err(_) => self.text(name, &String::from_utf8_lossy(bytes)),
        }
    }

    /// A number.
    #[inline]
    pub(crate) fn number(&mut self, name: &'static str, number: u64) {
        self.name(name);
        decimal(self.0, number);
    }

    /// Milliseconds with three digits behind the point.
    pub(crate) fn millis(&mut self, name: &'static str, duration: Duration) {
        self.name(name);
        decimal(self.0, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        self.0.push(b'.');
        digits(self.0, u64::from(duration.subsec_micros() % 1000), 3);
    }

    /// Address and port.
    pub(crate) fn address(&mut self, name: &'static str, address: SocketAddr) {
        self.name(name);
        self.0.push(b'"');
        match address.ip() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                for (octet, after) in [(a, b'.'), (b, b'.'), (c, b'.'), (d, b':')] {
                    decimal(self.0, octet.into());
                    self.0.push(after);
                }
                decimal(self.0, address.port().into());
            }
            // Writing to a Vec does not fail.
            IpAddr::V6(_) => drop(write!(self.0, "{address}")),
        }
        self.0.push(b'"');
    }

    /// Closes the object.
    pub(crate) fn end(self) {
        self.0.push(b'}');
    }
}

fn must_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The inside of a JSON string.
fn escape(out: &mut Vec<u8>, text: &str) {
    // Without a way out of the loop, so that it is done many bytes at a time.
    if !text.bytes().fold(false, |found, byte| found | must_escape(byte)) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ if must_escape(byte) => drop(write!(out, "\\u{byte:04x}")),
            _ => out.push(byte),
        }
    }
}

/// A number without leading zeros.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        // A remainder of ten fits.
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// The last `count` digits of a number, with leading zeros.
fn digits(out: &mut Vec<u8>, mut number: u64, count: usize) {
    let mut text = [b'0'; 20];
    for digit in text[..count].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text[..count]);
}

/// Now as `2026-11-21T12:00:00.123456Z`. Date and time of day are worked out once a second.
pub(super) fn write_time(out: &mut Vec<u8>) {
    thread_local! {
        static SECOND: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    // A clock before 1970 is as wrong as one at 1970.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_secs() {
            let whole = i64::try_from(now.as_secs()).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
            *text = whole.unwrap_or_default().to_string();
            text.truncate(text.trim_end_matches('Z').len());
            *second = now.as_secs();
        }
        out.extend_from_slice(text.as_bytes());
    });
    out.push(b'.');
    digits(out, now.subsec_micros().into(), 6);
    out.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_line_is_json() {
        let mut out = Vec::new();
        let mut line = Line::begin(&mut out);
        line.plain("kind", "http");
        line.text("any", "a\"b\\c\n\r\t\u{1}é\u{7f}");
        line.bytes("broken", b"a\xff");
        line.number("least", 0);
        line.number("most", u64::MAX);
        line.millis("short", Duration::from_nanos(7_012_345));
        line.millis("none", Duration::ZERO);
        line.address("v4", "10.200.3.40:65535".parse().unwrap());
        line.address("v6", "[2001:db8::1]:80".parse().unwrap());
        line.end();
        let mut value: Value = serde_json::from_slice(&out).unwrap();
        let time = value["time"].take();
        let expected = json!({
            "time": null, "kind": "http", "any": "a\"b\\c\n\r\t\u{1}é\u{7f}", "broken": "a\u{fffd}", "least": 0,
            "most": u64::MAX, "short": 7.012, "none": 0.0, "v4": "10.200.3.40:65535", "v6": "[2001:db8::1]:80",
        });
        assert_eq!(value, expected);
        let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
        assert!(time.duration_until(jiff::Timestamp::now()).as_secs() < 60);
    }
}
