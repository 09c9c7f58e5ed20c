//! HTTP/1.1 read strictly: of what the gateway sends there may be one reading only.

/// A message on the wire.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Method, target; or status, nothing.
    pub first: (String, Vec<u8>),
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// Its end was there.
    pub complete: bool,
    /// Where its first byte lies.
    pub at: usize,
}

impl Message {
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| &**value)
    }

    pub fn one(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Some(latin1(value)),
            _ => None,
        }
    }

    pub fn status(&self) -> u16 {
        self.first.0.parse().unwrap_or_default()
    }

    pub fn is_chunked(&self) -> bool {
        self.values("transfer-encoding").next().is_some()
    }
}

pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What was wrong, and where.
#[derive(Debug)]
pub struct Fault {
    pub why: String,
    pub at: usize,
}

/// Bytes and a place in them.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Faults behind which reading can go on.
    minor: Vec<Fault>,
}

/// The bytes end before the message does.
struct Short;

type Read<T> = Result<Result<T, Short>, Fault>;

/// Leaves a reading function where the bytes end.
macro_rules! there {
    ($read:expr) => {
        match $read {
            Ok(value) => value,
            Err(Short) => return Ok(Err(Short)),
        }
    };
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl<'a> Reader<'a> {
    fn fault<T>(&self, why: &str) -> Result<T, Fault> {
        Err(Fault { why: why.to_owned(), at: self.at })
    }

    fn minor(&mut self, why: String) {
        let at = self.at;
        self.minor.push(Fault { why, at });
    }

    /// A line without its CRLF; a CR or LF alone is a fault.
    fn line(&mut self) -> Read<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\r' || *byte == b'\n') else { return Ok(Err(Short)) };
        if rest[end] == b'\n' {
            return self.fault("a bare LF");
        }
        match rest.get(end + 1) {
            None => return Ok(Err(Short)),
            Some(b'\n') => {}
            Some(_) => return self.fault("a bare CR"),
        }
        self.at += end + 2;
        Ok(Ok(&rest[..end]))
    }

    fn take(&mut self, length: usize, into: &mut Vec<u8>) -> Result<(), Short> {
        let rest = &self.bytes[self.at..];
        let there = length.min(rest.len());
        into.extend_from_slice(&rest[..there]);
        self.at += there;
        if there == length { Ok(()) } else { Err(Short) }
    }

    fn fields(&mut self) -> Read<Vec<(String, Vec<u8>)>> {
        let mut fields = Vec::new();
        loop {
            let line = there!(self.line()?);
            if line.is_empty() {
                return Ok(Ok(fields));
            }
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                return self.fault("a header line without a colon");
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.is_empty() || !name.iter().copied().all(is_token) {
                return self.fault("a header name that is no token");
            }
            if value.iter().any(|byte| *byte < b' ' && *byte != b'\t' || *byte == 0x7f) {
                return self.fault("a control character in a header value");
            }
            fields.push((latin1(name).to_ascii_lowercase(), value.to_vec()));
        }
    }

    /// The body of chunks, and its trailers.
    fn chunks(&mut self, body: &mut Vec<u8>, strict: bool) -> Read<Vec<(String, Vec<u8>)>> {
        loop {
            let line = there!(self.line()?);
            // One spelling only: no zeros before, no extensions.
            let canonical = matches!(line, b"0") || line.first().is_some_and(|first| *first != b'0');
            let line = if strict { line } else { line.split(|byte| *byte == b';').next().unwrap_or(line).trim_ascii() };
            let size = (line.len() <= 8 && line.iter().all(u8::is_ascii_hexdigit))
                .then(|| std::str::from_utf8(line).ok().and_then(|text| usize::from_str_radix(text, 16).ok()))
                .flatten();
            let Some(size) = size.filter(|_| canonical || !strict) else {
                return self.fault("a chunk size that has more than one reading");
            };
            if size == 0 {
                return self.fields();
            }
            there!(self.take(size, body));
            match self.bytes.get(self.at..self.at + 2) {
                Some(b"\r\n") => self.at += 2,
                Some(_) => return self.fault("no CRLF behind a chunk"),
                None => return Ok(Err(Short)),
            }
        }
    }
}

/// A length, of which there is one spelling.
fn length(reader: &mut Reader<'_>, value: &[u8]) -> Option<usize> {
    if value != b"0" && value.first() == Some(&b'0') {
        reader.minor("a length with more than one spelling".to_owned());
    }
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    // What is too much for a number is never there whole.
    digits.then(|| std::str::from_utf8(value).map_or(usize::MAX, |text| text.parse().unwrap_or(usize::MAX)))
}

/// What no message that is passed on may have in its header, whatever the client sent.
const HOP_BY_HOP: [&str; 6] =
    ["keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "http2-settings", "expect"];
/// What trailers may not have (RFC 9110 6.5.1), and what the gateway answers for.
const NO_TRAILER: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-internal",
    "x-user",
];

/// All requests that the gateway sent on one connection, until the first fault.
pub fn requests(bytes: &[u8]) -> (Vec<Message>, Vec<Fault>) {
    let mut reader = Reader { bytes, at: 0, minor: Vec::new() };
    let mut messages = Vec::new();
    while reader.at < bytes.len() {
        let mut message = Message { at: reader.at, ..Message::default() };
        match request(&mut reader, &mut message) {
            Ok(Ok(())) => message.complete = true,
            Ok(Err(Short)) => reader.at = bytes.len(),
            Err(fault) => {
                messages.push(message);
                reader.minor.push(fault);
                return (messages, reader.minor);
            }
        }
        messages.push(message);
    }
    (messages, reader.minor)
}

fn request(reader: &mut Reader<'_>, message: &mut Message) -> Read<()> {
    let line = there!(reader.line()?);
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, b"HTTP/1.1"] = parts[..] else {
        return reader.fault("a request line that is not METHOD TARGET HTTP/1.1");
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return reader.fault("a method that is no token");
    }
    if target.is_empty() || target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f || *byte == b'#') {
        return reader.fault("a target with a control character, space or fragment");
    }
    if !(target.starts_with(b"/") || target == b"*" && method == b"OPTIONS") {
        return reader.fault("a target that is no path");
    }
    message.first = (latin1(method), target.to_vec());
    message.headers = there!(reader.fields()?);
    for name in HOP_BY_HOP {
        if message.values(name).next().is_some() {
            reader.minor(format!("{name} was passed on"));
        }
    }
    // A request of HTTP/1.0 may come without one; it is sent on empty or left out.
    if message.values("host").count() > 1 {
        return reader.fault("more than one host");
    }
    let connection: Vec<String> = message.values("connection").map(latin1).collect();
    let upgrade = message.values("upgrade").count();
    let te: Vec<String> = message.values("te").map(latin1).collect();
    match (&connection[..], &te[..]) {
        ([], []) if upgrade == 0 => {}
        ([one], []) if one.eq_ignore_ascii_case("upgrade") && upgrade == 1 => {}
        ([one], [two]) if one.eq_ignore_ascii_case("te") && two == "trailers" && upgrade == 0 => {}
        _ => reader.minor(format!("connection {connection:?}, te {te:?}, {upgrade} of upgrade")),
    }
    let lengths: Vec<&[u8]> = message.values("content-length").collect();
    let encodings: Vec<&[u8]> = message.values("transfer-encoding").collect();
    match (&lengths[..], &encodings[..]) {
        ([], []) => Ok(Ok(())),
        ([one], []) => {
            let Some(length) = length(reader, one) else { return reader.fault("a length that is no number") };
            Ok(reader.take(length, &mut message.body))
        }
        ([], [b"chunked"]) => {
            let trailers = there!(reader.chunks(&mut message.body, true)?);
            if let Some((name, _)) = trailers.iter().find(|(name, _)| NO_TRAILER.contains(&&**name)) {
                reader.minor(format!("{name} as a trailer"));
            }
            Ok(Ok(()))
        }
        _ => reader.fault("a request with two lengths"),
    }
}

/// All responses on one connection; `is_head` tells of the nth whether it answers HEAD. Bytes behind the last are a fault
/// unless they begin another.
pub fn responses(bytes: &[u8], is_head: impl Fn(usize) -> bool) -> (Vec<Message>, Option<Fault>) {
    let mut reader = Reader { bytes, at: 0, minor: Vec::new() };
    let mut messages: Vec<Message> = Vec::new();
    while reader.at < bytes.len() {
        let mut message = Message { at: reader.at, ..Message::default() };
        match response(&mut reader, &mut message, is_head(messages.len())) {
            Ok(Ok(())) => message.complete = true,
            Ok(Err(Short)) => reader.at = bytes.len(),
            Err(fault) => {
                messages.push(message);
                return (messages, Some(fault));
            }
        }
        // Interim responses are none of the final ones (RFC 9110 15.2).
        if !(100..200).contains(&message.status()) || message.status() == 101 {
            messages.push(message);
        }
    }
    let minor = reader.minor.into_iter().next();
    (messages, minor)
}

fn response(reader: &mut Reader<'_>, message: &mut Message, head: bool) -> Read<()> {
    let line = there!(reader.line()?);
    let text = latin1(line);
    let Some((version, rest)) = text.split_once(' ') else { return reader.fault("no status line") };
    let status = rest.get(..3).and_then(|digits| digits.parse::<u16>().ok());
    let (true, Some(status)) = (matches!(version, "HTTP/1.1" | "HTTP/1.0"), status) else {
        return reader.fault("no status line");
    };
    message.first = (status.to_string(), Vec::new());
    message.headers = there!(reader.fields()?);
    if head || status < 200 || status == 204 || status == 304 {
        return Ok(Ok(()));
    }
    if message.is_chunked() {
        there!(reader.chunks(&mut message.body, false)?);
        return Ok(Ok(()));
    }
    let Some(value) = message.values("content-length").next() else {
        // Until the connection ends.
        let rest = reader.bytes.len() - reader.at;
        return Ok(reader.take(rest, &mut message.body));
    };
    let length = length(reader, value);
    let Some(length) = length.filter(|_| message.values("content-length").count() == 1) else {
        return reader.fault("no length, or two");
    };
    Ok(reader.take(length, &mut message.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &str) -> Option<String> {
        requests(bytes.as_bytes()).1.pop().map(|fault| fault.why)
    }

    #[test]
    fn only_one_spelling_is_taken() {
        let good =
            "POST /a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n";
        let next = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
        let (messages, none) = requests(format!("{good}{next}").as_bytes());
        assert!(none.is_empty() && messages.len() == 2 && messages.iter().all(|m| m.complete), "{messages:?} {none:?}");
        assert_eq!(messages[0].body, b"0123456789");
        for (from, to) in [
            ("A\r\n", "0A\r\n"),
            ("A\r\n", "A;x\r\n"),
            ("A\r\n", "A \r\n"),
            ("9\r\n", "99\r\n"),
            ("x: y", "host: y"),
            ("chunked\r\n", "chunked\r\ncontent-length: 3\r\n"),
            ("chunked\r\n", "Chunked\r\n"),
            ("host: h\r\n", "host: h\n"),
            ("host: h\r\n", "host: h\r\n fold\r\n"),
            ("host: h\r\n", "host: h\r\nhost: h\r\n"),
            ("host: h\r\n", "host: h\r\nconnection: close\r\n"),
            ("host: h\r\n", "host : h\r\n"),
            ("/a ", "/a  "),
            ("/a ", "http://h/a "),
            ("1.1", "1.0"),
        ] {
            assert!(good.contains(from) && fault(&good.replacen(from, to, 1)).is_some(), "{to:?}");
        }
        assert!(fault("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 03\r\n\r\nabc").is_some());
    }
}
