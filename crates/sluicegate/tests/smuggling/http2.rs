//! HTTP/2 requests that would become two of HTTP/1, or one with another end, if they were passed on as they are
//! (RFC 9113 8.2, 8.3, 10.3), in frames of our own: no library would send them.

use crate::requests::{EVIL, HOST, SMUGGLED, Verdict};
use Verdict::{Either, Pass, Refuse};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

#[derive(Debug)]
pub struct Payload {
    pub class: &'static str,
    pub name: String,
    /// The frames of stream 1.
    pub frames: Vec<u8>,
    pub verdict: Verdict,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// RFC 7541 5.1 and 5.2: a string without Huffman coding.
fn string(text: &[u8], into: &mut Vec<u8>) {
    let mut rest = text.len();
    if rest < 127 {
        into.push(u8::try_from(rest).unwrap());
    } else {
        into.push(127);
        rest -= 127;
        while rest >= 128 {
            into.push(u8::try_from(rest % 128 + 128).unwrap());
            rest /= 128;
        }
        into.push(u8::try_from(rest).unwrap());
    }
    into.extend_from_slice(text);
}

/// Fields as literals that are not indexed.
fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        string(name, &mut bytes);
        string(value, &mut bytes);
    }
    bytes
}

/// The connection preface.
pub fn preface() -> Vec<u8> {
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat()
}

/// An honest request.
pub fn get(stream: u32, path: &str) -> Vec<u8> {
    request(stream, "GET", path)
}

pub fn request(stream: u32, method: &str, path: &str) -> Vec<u8> {
    let fields = pseudo(method, path);
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&fields))
}

fn pseudo<'a>(method: &'a str, path: &'a str) -> Vec<(&'a [u8], &'a [u8])> {
    vec![
        (b":method", method.as_bytes()),
        (b":scheme", b"http"),
        (b":path", path.as_bytes()),
        (b":authority", HOST.as_bytes()),
    ]
}

/// Frames of a stream, and whether one of them ends it.
pub fn ends(frames: &[u8], stream: u32) -> bool {
    let mut rest = frames;
    while let [a, b, c, kind, flags, s @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some(id) = s.first_chunk::<4>() else { return false };
        let Some(after) = rest.get(9 + length..) else { return false };
        const RST_STREAM: u8 = 3;
        const GOAWAY: u8 = 7;
        let ended = *kind == RST_STREAM || (*kind <= HEADERS && flags & END_STREAM != 0);
        if *kind == GOAWAY || ended && u32::from_be_bytes(*id) == stream {
            return true;
        }
        rest = after;
    }
    false
}

pub fn table() -> Vec<Payload> {
    let mut table = Vec::new();
    let mut add = |class, name: &str, verdict, frames: Vec<u8>| {
        table.push(Payload { class, name: name.to_owned(), frames, verdict });
    };
    let hidden = format!("GET {SMUGGLED} HTTP/1.1\r\nHost: {HOST}\r\nX-A: {EVIL}\r\n\r\n");
    let whole = |fields: &[(&[u8], &[u8])]| frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(fields));
    let with_data = |fields: &[(&[u8], &[u8])], data: &[u8]| {
        [frame(HEADERS, END_HEADERS, 1, &block(fields)), frame(DATA, END_STREAM, 1, data)].concat()
    };

    add("h2", "GET", Pass, get(1, "/g"));
    add("h2", "POST", Pass, with_data(&pseudo("POST", "/p"), b"abc"));
    add("h2", "POST of no byte", Pass, with_data(&pseudo("POST", "/p"), b""));
    add("h2", "HEAD", Pass, whole(&pseudo("HEAD", "/g")));
    add("h2", "a request as the body", Pass, with_data(&pseudo("POST", "/p"), hidden.as_bytes()));
    add("h2", "a request as the body of GET", Pass, with_data(&pseudo("GET", "/p"), hidden.as_bytes()));

    // Fields of HTTP/1 (RFC 9113 8.2.2): malformed, or dropped.
    for (name, value, verdict) in [
        ("transfer-encoding", "chunked", Either),
        ("transfer-encoding", "identity", Either),
        ("connection", "close", Either),
        ("connection", "x-forwarded-for", Either),
        ("connection", "content-length", Either),
        ("keep-alive", EVIL, Either),
        ("proxy-connection", EVIL, Either),
        ("upgrade", EVIL, Either),
        ("http2-settings", EVIL, Either),
        ("te", EVIL, Either),
        ("te", "trailers", Pass),
        ("expect", "100-continue", Either),
        ("x-user", EVIL, Pass),
        ("x_user", EVIL, Pass),
        ("x-internal", EVIL, Pass),
        ("x_forwarded_for", EVIL, Pass),
        ("x-forwarded-proto", EVIL, Pass),
        ("host", HOST, Either),
        ("host", "evil.test", Refuse),
        ("host", "", Either),
    ] {
        let mut fields = pseudo("POST", "/p");
        fields.push((name.as_bytes(), value.as_bytes()));
        add("h2 fields", &format!("{name}: {value}"), verdict, whole(&fields));
        let body = format!("0\r\n\r\n{hidden}");
        add("h2 fields", &format!("{name}: {value}, a body"), verdict, with_data(&fields, body.as_bytes()));
    }
    // Lengths that the frames do not bear out (RFC 9113 8.1.1).
    for (value, data, verdict) in [
        ("3", "abc", Pass),
        ("03", "abc", Either),
        ("0", &*hidden, Refuse),
        ("2", "abc", Refuse),
        ("4", "abc", Refuse),
        ("-1", "abc", Refuse),
        ("+3", "abc", Refuse),
        ("3, 3", "abc", Either),
        ("x", "abc", Refuse),
        ("", "abc", Refuse),
        ("18446744073709551619", "abc", Refuse),
    ] {
        let mut fields = pseudo("POST", "/p");
        fields.push((b"content-length", value.as_bytes()));
        add("h2 lengths", &format!("{value:?} and {} bytes", data.len()), verdict, with_data(&fields, data.as_bytes()));
    }
    let mut fields = pseudo("POST", "/p");
    fields.push((b"content-length", b"3"));
    add("h2 lengths", "3 and no DATA", Refuse, whole(&fields));
    fields.push((b"content-length", b"4"));
    add("h2 lengths", "3 and 4", Refuse, with_data(&fields, b"abc"));
    fields.pop();
    fields.push((b"content-length", b"3"));
    add("h2 lengths", "3 and 3", Either, with_data(&fields, b"abc"));

    // What would end a line in HTTP/1.
    let split = format!("b\r\n\r\n{hidden}");
    for (name, value) in [
        ("x-a", &*split),
        ("x-a", "b\r\ntransfer-encoding: chunked"),
        ("x-a", "b\nhost: evil.test"),
        ("x-a", "b\rc"),
        ("x-a", "b\0c"),
        ("x-a", "b\n"),
        ("x-a\r\nx-b", "c"),
        ("x-a: b\r\ntransfer-encoding", "chunked"),
        ("x-a\0", "b"),
        ("x-a:", "b"),
        ("x a", "b"),
        ("x-a ", "b"),
        ("transfer-encoding ", "chunked"),
        (" x-a", "b"),
        ("", "b"),
        ("X-A", "b"),
        ("Transfer-Encoding", "chunked"),
        ("x-\u{e9}", "b"),
        (":", "b"),
        (":x", "b"),
        (":status", "200"),
        (":path", "/smuggled"),
    ] {
        let mut fields = pseudo("POST", "/p");
        fields.push((name.as_bytes(), value.as_bytes()));
        let shown =
            format!("{}: {}", name.escape_default(), &value.escape_default().to_string()[..value.len().min(12)]);
        add("h2 splitting", &shown, Refuse, with_data(&fields, b"abc"));
    }
    // RFC 9113 8.2.1 has such refused as well; that they can be dropped or kept as whitespace harms nobody.
    for value in [" b", "b ", "\tb"] {
        let mut fields = pseudo("POST", "/p");
        fields.push((b"x-a", value.as_bytes()));
        add("h2 splitting", &format!("x-a: {value:?}"), Either, with_data(&fields, b"abc"));
    }
    for (at, value, verdict) in [
        (0, "", Refuse),
        (0, "GE T", Refuse),
        (0, "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n", Refuse),
        (0, "G\0T", Refuse),
        (0, "CONNECT", Refuse),
        (1, "", Either),
        (1, "https", Either),
        (1, "ftp", Either),
        (1, "http://evil.test/smuggled HTTP/1.1\r\n", Refuse),
        (2, "", Refuse),
        (2, "p", Refuse),
        (2, "*", Refuse),
        (2, "/p HTTP/1.1\r\nx-a: b\r\n\r\nGET /smuggled", Refuse),
        (2, "/p\r\nx-a: b", Refuse),
        (2, "/p\n", Refuse),
        (2, "/p q", Refuse),
        (2, "/p\0", Refuse),
        (2, "/p\u{7f}", Refuse),
        (2, "http://evil.test/p", Refuse),
        (2, "//evil.test/p", Either),
        (2, "/p#q", Either),
        (2, "/\u{e9}", Either),
        (3, "", Either),
        (3, "front.test@evil.test", Refuse),
        (3, "user@front.test", Refuse),
        (3, "front.test/p", Refuse),
        (3, "front.test\r\nx-a: b", Refuse),
        (3, "front.test\0", Refuse),
        (3, "front.test evil.test", Refuse),
        (3, "front.test:80:81", Refuse),
        (3, "front.test,evil.test", Refuse),
        (3, "fr\u{f6}nt.test", Refuse),
        (3, "front.test:", Either),
    ] {
        let mut fields = pseudo("POST", "/p");
        let name = fields[at].0;
        fields[at].1 = value.as_bytes();
        let shown = format!("{}={}", String::from_utf8_lossy(name), value.escape_default());
        add("h2 pseudo", &shown, verdict, with_data(&fields, b"abc"));
    }
    for (at, verdict) in [(0, Refuse), (1, Either), (2, Refuse), (3, Refuse)] {
        let mut fields = pseudo("POST", "/p");
        let (name, value) = fields.remove(at);
        add("h2 pseudo", &format!("no {}", String::from_utf8_lossy(name)), verdict, with_data(&fields, b"abc"));
        // Twice, and behind other fields.
        let mut fields = pseudo("POST", "/p");
        fields.push((name, value));
        add("h2 pseudo", &format!("{} twice", String::from_utf8_lossy(name)), Refuse, with_data(&fields, b"abc"));
        fields.remove(at);
        fields.insert(0, (b"x-a", b"b"));
        add(
            "h2 pseudo",
            &format!("{} behind a field", String::from_utf8_lossy(name)),
            Refuse,
            with_data(&fields, b"abc"),
        );
    }
    let mut fields = pseudo("POST", "/p");
    fields.remove(3);
    fields.push((b"host", HOST.as_bytes()));
    add("h2 pseudo", "host in :authority's place", Either, with_data(&fields, b"abc"));
    fields.push((b"host", b"evil.test"));
    add("h2 pseudo", "two of host", Refuse, with_data(&fields, b"abc"));

    // Trailers.
    for (name, value, verdict) in [
        ("x-ok", "1", Pass),
        ("content-length", "5", Either),
        ("transfer-encoding", "chunked", Either),
        ("host", "evil.test", Either),
        ("connection", "close", Either),
        ("x-forwarded-for", EVIL, Either),
        ("x-user", EVIL, Either),
        ("x_user", EVIL, Either),
        ("x-a", "b\r\n\r\nGET /smuggled HTTP/1.1", Refuse),
        ("x-a\r\n", "b", Refuse),
        (":path", SMUGGLED, Refuse),
        (":status", "200", Refuse),
    ] {
        for te in [false, true] {
            let mut fields = pseudo("POST", "/p");
            if te {
                fields.extend([(&b"te"[..], &b"trailers"[..]), (b"trailer", b"x-ok, x-user, x-forwarded-for, host")]);
            }
            let frames = [
                frame(HEADERS, END_HEADERS, 1, &block(&fields)),
                frame(DATA, 0, 1, b"abc"),
                frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&[(name.as_bytes(), value.as_bytes())])),
            ];
            let shown =
                format!("{}: {}{}", name.escape_default(), value.escape_default(), if te { ", announced" } else { "" });
            // That there was something wrong may be known only when the origin has the rest.
            add("h2 trailers", &shown, if verdict == Refuse { Either } else { verdict }, frames.concat());
        }
    }
    let plain = format!("GET /g HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    add("h2", "HTTP/1.1 behind the preface", Refuse, plain.into_bytes());
    let fields = block(&pseudo("GET", "/g"));
    let (one, two) = fields.split_at(10);
    let parts = [frame(HEADERS, END_STREAM, 1, one), frame(CONTINUATION, END_HEADERS, 1, two)].concat();
    add("h2", "a header in two frames", Pass, parts);
    let parts = [frame(HEADERS, END_STREAM, 1, one), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, two)]
        .concat();
    add("h2", "DATA within a header", Refuse, parts);
    table
}
