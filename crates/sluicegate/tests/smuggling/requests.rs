//! The table of HTTP/1 requests that two parsers could read in two ways.
//!
//! Three words in them are watched for: no origin may see a request for [`SMUGGLED`], no header field that an origin sees may have
//! the value [`EVIL`], while a request for `/next` is an honest one behind another.

use crate::fields::{expectations, hop_by_hop, hosts, lines, targets, upgrades};

pub const HOST: &str = "front.test";
/// The path of a request that is hidden in the body of another.
pub const SMUGGLED: &str = "/smuggled";
/// The value of headers that the gateway must not pass on.
pub const EVIL: &str = "must-not-arrive";

/// What the gateway has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer 4xx and end the connection; nothing reaches the origin.
    Refuse,
    /// Pass it on.
    Pass,
    /// Either: both are safe.
    Either,
}
use Verdict::{Either, Pass, Refuse};

#[derive(Debug)]
pub struct Payload {
    pub class: &'static str,
    pub name: String,
    pub bytes: Vec<u8>,
    pub verdict: Verdict,
    /// The first request is a HEAD.
    pub head: bool,
    /// Written byte by byte.
    pub slowly: bool,
}

#[derive(Default)]
pub struct Table(pub Vec<Payload>);

impl Table {
    pub fn add(&mut self, class: &'static str, name: &str, verdict: Verdict, bytes: impl AsRef<[u8]>) -> &mut Payload {
        let bytes = bytes.as_ref().to_vec();
        let head = bytes.starts_with(b"HEAD ");
        let payload = Payload { class, name: name.to_owned(), bytes, verdict, head, slowly: false };
        self.0.push(payload);
        self.0.last_mut().unwrap()
    }
}

/// A request that is hidden.
pub fn smuggled() -> String {
    format!("GET {SMUGGLED} HTTP/1.1\r\nHost: {HOST}\r\nX-A: {EVIL}\r\n\r\n")
}

/// An honest one.
pub fn next() -> String {
    format!("GET /next HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
}

/// POST with header lines (each with its CRLF) and a body.
pub fn post(lines: &str, body: &str) -> String {
    format!("POST /p HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n{body}")
}

pub fn get(lines: &str) -> String {
    format!("GET /g HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n")
}

pub fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

/// Shown in names.
pub fn shown(text: &[u8]) -> String {
    let text = text.escape_ascii().to_string();
    if text.len() > 60 { format!("{}…", &text[..60]) } else { text }
}

/// Bytes beyond ASCII are one byte each.
pub fn raw(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

pub fn table() -> Vec<Payload> {
    let mut table = Table::default();
    controls(&mut table);
    transfer_encodings(&mut table);
    lengths(&mut table);
    versions(&mut table);
    chunks(&mut table);
    trailers(&mut table);
    lines(&mut table);
    hosts(&mut table);
    targets(&mut table);
    expectations(&mut table);
    hop_by_hop(&mut table);
    upgrades(&mut table);
    table.0
}

/// Honest requests: a gateway that refuses everything is none.
fn controls(table: &mut Table) {
    let next = next();
    for (name, bytes) in [
        ("GET", get("")),
        ("GET with a body", get("Content-Length: 3\r\n") + "abc"),
        ("HEAD", get("").replace("GET", "HEAD")),
        ("HEAD with a body", get("Content-Length: 3\r\n").replace("GET", "HEAD") + "abc"),
        ("POST", post("Content-Length: 3\r\n", "abc")),
        ("POST without a length", post("", "")),
        ("POST of length 0", post("Content-Length: 0\r\n", "")),
        ("POST in chunks", chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n")),
        ("POST in small chunks", chunked("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")),
        ("POST of no chunk", chunked("0\r\n\r\n")),
        ("PUT", post("Content-Length: 3\r\n", "abc").replace("POST", "PUT")),
        ("DELETE with a body", post("Content-Length: 3\r\n", "abc").replace("POST", "DELETE")),
        ("OPTIONS with a body", post("Content-Length: 3\r\n", "abc").replace("POST", "OPTIONS")),
        ("PATCH in chunks", chunked("3\r\nabc\r\n0\r\n\r\n").replace("POST", "PATCH")),
        ("GET in chunks", chunked("3\r\nabc\r\n0\r\n\r\n").replace("POST", "GET")),
        ("two GETs", get("") + &next),
        ("POST and GET", post("Content-Length: 3\r\n", "abc") + &next),
        ("POST in chunks and GET", chunked("3\r\nabc\r\n0\r\n\r\n") + &next),
        ("POST without a length and GET", post("", "") + &next),
        ("POST of length 0 and GET", post("Content-Length: 0\r\n", "") + &next),
        ("a request as a body", post(&format!("Content-Length: {}\r\n", smuggled().len()), &smuggled())),
        ("a request as a chunk", chunked(&format!("{:x}\r\n{}\r\n0\r\n\r\n", smuggled().len(), smuggled()))),
        (
            "a request as a body of GET",
            post(&format!("Content-Length: {}\r\n", smuggled().len()), &smuggled()).replacen("POST", "GET", 1),
        ),
        (
            "a request as a body of HEAD",
            post(&format!("Content-Length: {}\r\n", smuggled().len()), &smuggled()).replacen("POST", "HEAD", 1),
        ),
        ("HEAD and GET", get("").replace("GET", "HEAD") + &next),
        ("twenty GETs", next.repeat(20)),
    ] {
        table.add("honest", name, Pass, bytes);
    }
    let bodies = [post("Content-Length: 3\r\n", "abc") + &next, chunked("3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n") + &next];
    for (name, bytes) in ["byte by byte", "chunks byte by byte"].into_iter().zip(bodies) {
        table.add("honest", name, Pass, bytes).slowly = true;
    }
    for method in ["BREW", "get", "G!T", "M-SEARCH", "PROPFIND"] {
        table.add("honest", &format!("method {method}"), Either, post("", "").replace("POST", method));
    }
    for method in ["G\0T", "G(T", "G\tT", "G\u{e9}T", "", "\u{b}GET"] {
        let bytes = raw(&post("", "").replacen("POST", method, 1));
        table.add("request line", &format!("method {}", shown(method.as_bytes())), Refuse, bytes);
    }
    table.add(
        "request line",
        "CONNECT",
        Refuse,
        format!("CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}\r\n\r\n{}", smuggled()),
    );
    table.add(
        "request line",
        "TRACE with a body",
        Either,
        post("Content-Length: 3\r\n", "abc").replace("POST", "TRACE"),
    );
}

/// Each spelling of Transfer-Encoding with a Content-Length that covers a hidden request (CL.TE), with one that ends before it
/// (TE.CL), and alone.
fn transfer_encodings(table: &mut Table) {
    let spellings: [(&str, Verdict); 54] = [
        // Understood: with a length RFC 9112 6.1 lets the gateway choose.
        ("Transfer-Encoding: chunked", Pass),
        ("transfer-encoding: chunked", Pass),
        ("TRANSFER-ENCODING: CHUNKED", Pass),
        ("Transfer-Encoding: Chunked", Pass),
        ("Transfer-Encoding:chunked", Pass),
        ("Transfer-Encoding:   chunked", Pass),
        ("Transfer-Encoding:\tchunked", Pass),
        ("Transfer-Encoding: chunked ", Pass),
        ("Transfer-Encoding: chunked\t", Pass),
        // Not understood.
        ("Transfer-Encoding: xchunked", Refuse),
        ("Transfer-Encoding: chunkedx", Refuse),
        ("Transfer-Encoding: x chunked", Refuse),
        ("Transfer-Encoding: chu nked", Refuse),
        ("Transfer-Encoding: \u{b}chunked", Refuse),
        ("Transfer-Encoding: chunked\u{b}", Refuse),
        ("Transfer-Encoding: \u{c}chunked", Refuse),
        ("Transfer-Encoding: \u{a0}chunked", Refuse),
        ("Transfer-Encoding: \u{85}chunked", Refuse),
        ("Transfer-Encoding: chunked\0", Refuse),
        ("Transfer-Encoding: ch\0unked", Refuse),
        ("Transfer-Encoding: \"chunked\"", Refuse),
        ("Transfer-Encoding: 'chunked'", Refuse),
        ("Transfer-Encoding: chunked;q=1", Refuse),
        ("Transfer-Encoding: chunked,", Refuse),
        ("Transfer-Encoding: ,chunked", Refuse),
        ("Transfer-Encoding: chunked, identity", Refuse),
        ("Transfer-Encoding: identity, chunked", Refuse),
        ("Transfer-Encoding: gzip, chunked", Refuse),
        ("Transfer-Encoding: chunked, gzip", Refuse),
        ("Transfer-Encoding: chunked, chunked", Refuse),
        ("Transfer-Encoding: identity", Refuse),
        ("Transfer-Encoding: cow", Refuse),
        ("Transfer-Encoding: ", Refuse),
        ("Transfer-Encoding: \u{e7}hunked", Refuse),
        // Twice.
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Refuse),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", Refuse),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", Refuse),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow", Refuse),
        ("Transfer-Encoding: cow\r\ntransfer-encoding: chunked", Refuse),
        ("Transfer-Encoding:\r\nTransfer-Encoding: chunked", Refuse),
        // A broken line.
        ("Transfer-Encoding : chunked", Refuse),
        ("Transfer-Encoding\t: chunked", Refuse),
        ("Transfer-Encoding\0: chunked", Refuse),
        ("Transfer-Encoding\u{b}: chunked", Refuse),
        ("\0Transfer-Encoding: chunked", Refuse),
        ("Transfer Encoding: chunked", Refuse),
        ("Transfer-Encoding\u{ff}: chunked", Refuse),
        ("Transfer-Encoding", Refuse),
        ("Transfer-Encoding:\r\n chunked", Refuse),
        ("Transfer-Encoding: chunked\r\n , identity", Refuse),
        ("X-A: b\r\n Transfer-Encoding: chunked", Refuse),
        ("X-A: b\rTransfer-Encoding: chunked", Refuse),
        ("X-A: b\r\r\nTransfer-Encoding: chunked", Refuse),
        // A line that ends with LF alone may be taken for one (RFC 9112 2.2).
        ("X-A: b\nTransfer-Encoding: chunked", Either),
    ];
    for (number, (spelling, verdict)) in spellings.into_iter().enumerate() {
        let name = shown(&raw(spelling));
        let hidden = format!("0\r\n\r\n{}", smuggled());
        let both = if verdict == Pass { Either } else { verdict };
        let cl_te = post(&format!("Content-Length: {}\r\n{spelling}\r\n", hidden.len()), &hidden);
        table.add("CL.TE", &name, both, raw(&cl_te));
        let inner = smuggled();
        let te_cl = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
        if verdict != Refuse || number % 4 == 0 {
            table.add("TE.CL", &name, both, raw(&post(&format!("{spelling}\r\nContent-Length: 4\r\n"), &te_cl)));
        }
        table.add("TE", &name, verdict, raw(&post(&format!("{spelling}\r\n"), "3\r\nabc\r\n0\r\n\r\n")));
    }
    // Other names: what they say of the body counts for nothing, so the next request stands right behind the head.
    for (name, verdict) in [
        ("Transfer_Encoding", Pass),
        ("Transfer-Encodin", Pass),
        ("X-Transfer-Encoding", Pass),
        ("Content-Encoding", Pass),
        ("TE", Pass),
        ("Transfer.Encoding", Pass),
        ("Tran\u{17f}fer-Encoding", Refuse),
    ] {
        let bytes = post(&format!("{name}: chunked\r\n"), "") + &next();
        table.add("TE", &format!("{name}: chunked"), verdict, bytes);
    }
}

fn lengths(table: &mut Table) {
    for (value, verdict) in [
        ("3", Pass),
        ("  3", Pass),
        ("3 ", Pass),
        ("\t3\t", Pass),
        ("03", Either),
        ("00000000000000000000003", Either),
        ("3, 3", Either),
        ("3,3", Either),
        ("3\r\nContent-Length: 3", Either),
        ("3\r\ncontent-length: 03", Either),
        ("3, 4", Refuse),
        ("4,3", Refuse),
        ("3\r\nContent-Length: 4", Refuse),
        ("4\r\nContent-Length: 3", Refuse),
        ("0\r\nContent-Length: 3", Refuse),
        ("3\r\nContent-Length: x", Refuse),
        ("3\r\nContent-Length:", Refuse),
        ("3\r\nContent-Length : 4", Refuse),
        ("+3", Refuse),
        ("-3", Refuse),
        ("-0", Refuse),
        ("+0", Refuse),
        ("3;", Refuse),
        ("3.0", Refuse),
        ("3e0", Refuse),
        ("0x3", Refuse),
        ("0b11", Refuse),
        ("1_0", Refuse),
        ("3 3", Refuse),
        ("\"3\"", Refuse),
        (",3", Refuse),
        ("3,", Refuse),
        ("", Refuse),
        ("x", Refuse),
        ("\u{b}3", Refuse),
        ("3\u{b}", Refuse),
        ("3\0", Refuse),
        ("3\u{a0}", Refuse),
        ("\u{b2}", Refuse),
        ("\r\n 3", Refuse),
        ("3\r\n 4", Refuse),
        ("18446744073709551616", Refuse),
        ("18446744073709551619", Refuse),
        ("99999999999999999999999999", Refuse),
        ("3\nContent-Length: 4", Refuse),
        ("4294967299", Either),
        ("9223372036854775808", Either),
        ("18446744073709551615", Either),
        ("20", Either),
    ] {
        let bytes = raw(&post(&format!("Content-Length: {value}\r\n"), "abc"));
        table.add("CL", &format!("Content-Length: {}", shown(&raw(value))), verdict, bytes);
    }
    // Names that are not quite it: refused, or no length at all, and the next request begins at once.
    let next = next();
    for (name, verdict) in [
        ("Content-Length ", Refuse),
        ("Content-Length\t", Refuse),
        ("Content-Length\0", Refuse),
        ("\u{b}Content-Length", Refuse),
        ("Content Length", Refuse),
        ("Content_Length", Pass),
        ("Content-Lengthx", Pass),
        ("X-Content-Length", Pass),
        ("Content.Length", Pass),
    ] {
        let bytes = raw(&post(&format!("{name}: {}\r\n", next.len()), &next));
        table.add("CL", &format!("{}:", shown(&raw(name))), verdict, bytes);
    }
    table.add("CL", "less than the body", Either, post("Content-Length: 1\r\n", &format!("a{next}")));
    table.add(
        "CL",
        "twice, a request between",
        Refuse,
        post(&format!("Content-Length: 0\r\nContent-Length: {}\r\n", smuggled().len()), &smuggled()),
    );
}

fn versions(table: &mut Table) {
    let one = |bytes: String| bytes.replacen("HTTP/1.1", "HTTP/1.0", 1);
    let hidden = smuggled();
    table.add("version", "1.0", Pass, one(get("")));
    table.add("version", "1.0 without Host", Pass, "GET /g HTTP/1.0\r\n\r\n");
    table.add("version", "1.0, POST with a length", Pass, one(post("Content-Length: 3\r\n", "abc")));
    // CVE-2026-2835: a body until the connection ends, and Transfer-Encoding in HTTP/1.0.
    table.add("version", "1.0, POST without a length (CVE-2026-2835)", Pass, one(post("", "")) + &hidden);
    table.add(
        "version",
        "1.0 with Transfer-Encoding (CVE-2026-2835)",
        Refuse,
        one(chunked("3\r\nabc\r\n0\r\n\r\n")) + &hidden,
    );
    table.add(
        "version",
        "1.0 with both (CVE-2026-2835)",
        Refuse,
        one(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) + &hidden,
    );
    table.add(
        "version",
        "1.0 with identity (CVE-2026-2835)",
        Refuse,
        one(post("Transfer-Encoding: identity\r\n", "abc")),
    );
    table.add("version", "1.0, keep-alive", Pass, one(get("Connection: keep-alive\r\n")) + &next());
    table.add(
        "version",
        "1.0, keep-alive, POST",
        Pass,
        one(post("Connection: keep-alive\r\nContent-Length: 3\r\n", "abc")) + &next(),
    );
    table.add("version", "1.0, keep-alive, no length", Either, one(post("Connection: keep-alive\r\n", "")) + &next());
    table.add("version", "1.0 and Expect", Either, one(post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc")));
    table.add("version", "0.9", Refuse, "GET /g\r\n");
    for version in [
        "HTTP/1.2",
        "HTTP/2.0",
        "HTTP/3.0",
        "HTTP/0.9",
        "HTTP/1.10",
        "HTTP/1.01",
        "HTTP/01.1",
        "HTTP/1.1x",
        "HTTP/1",
        "HTTP/1.",
        "http/1.1",
        "HTTP/1,1",
        "HTTP/ 1.1",
        "HTTP /1.1",
        "HTPP/1.1",
        "",
        "HTTP/1.1 HTTP/1.1",
        "HTTP/1.1\0",
        "HTTP/-1.1",
        "HTTP/1.1,",
    ] {
        let bytes = chunked("3\r\nabc\r\n0\r\n\r\n").replacen("HTTP/1.1", version, 1);
        table.add("version", &format!("\"{}\"", shown(version.as_bytes())), Refuse, bytes);
    }
}

fn chunks(table: &mut Table) {
    let hidden = smuggled();
    for (body, verdict) in [
        ("a\r\n0123456789\r\n0\r\n\r\n", Pass),
        ("3;ext\r\nabc\r\n0\r\n\r\n", Either),
        ("3;ext=\"d;e\"\r\nabc\r\n0;last\r\n\r\n", Either),
        ("03\r\nabc\r\n0\r\n\r\n", Either),
        ("0000000000000003\r\nabc\r\n00\r\n\r\n", Either),
        ("000000000000000000000000000003\r\nabc\r\n0\r\n\r\n", Either),
        ("3 \r\nabc\r\n0\r\n\r\n", Either),
        ("3\t\r\nabc\r\n0\r\n\r\n", Either),
        ("3 ;ext\r\nabc\r\n0\r\n\r\n", Either),
        ("3;\r\nabc\r\n0\r\n\r\n", Either),
        // Nothing of these is a chunk.
        (" 3\r\nabc\r\n0\r\n\r\n", Refuse),
        ("+3\r\nabc\r\n0\r\n\r\n", Refuse),
        ("-3\r\nabc\r\n0\r\n\r\n", Refuse),
        ("-0\r\nabc\r\n0\r\n\r\n", Refuse),
        ("0x3\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3h\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3 3\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3_0\r\nabc\r\n0\r\n\r\n", Refuse),
        ("G\r\nabc\r\n0\r\n\r\n", Refuse),
        ("\u{b2}\r\nab\r\n0\r\n\r\n", Refuse),
        ("\r\n3\r\nabc\r\n0\r\n\r\n", Refuse),
        (";ext\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3\0\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3,3\r\nabc\r\n0\r\n\r\n", Refuse),
        ("10000000000000003\r\nabc\r\n0\r\n\r\n", Refuse),
        ("100000003\r\nabc\r\n0\r\n\r\n", Either),
        ("FFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n", Either),
        ("FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n", Refuse),
        ("7FFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n", Either),
        // Lines that do not end, or end otherwise.
        ("3\nabc\r\n0\r\n\r\n", Refuse),
        ("3\rabc\r\n0\r\n\r\n", Refuse),
        ("3\r\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3\r\nabc0\r\n\r\n", Refuse),
        ("3\r\nabc\n0\r\n\r\n", Refuse),
        ("3\r\nabc\r0\r\n\r\n", Refuse),
        ("3\r\nabcd\r\n0\r\n\r\n", Refuse),
        ("3\r\nabc\r\n\r\n0\r\n\r\n", Refuse),
        ("3\r\nabc  0\r\n\r\n", Refuse),
        ("3\r\nabc\r\n0\n\n", Refuse),
        ("3\r\nabc\r\n0\r\n\n", Either),
        ("3\r\nabc\r\n0\n\r\n", Refuse),
        ("3\r\nabc\r\n0\r\r\n\r\n", Refuse),
        // Extensions that end the line for some.
        ("3;a\nb\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3;a\rb\r\nabc\r\n0\r\n\r\n", Refuse),
        ("3;a=\"\r\nabc\r\n0\r\n\r\n", Either),
        ("3;a\0b\r\nabc\r\n0\r\n\r\n", Either),
        ("3;\u{ff}\r\nabc\r\n0\r\n\r\n", Either),
        ("0;a\nb\r\n\r\n", Refuse),
        // Broken off.
        ("3\r\nabc\r\n", Either),
        ("3\r\nabc\r\n0\r\n", Either),
        ("3\r\nab", Either),
        ("", Either),
    ] {
        table.add("chunks", &shown(&raw(body)), verdict, raw(&chunked(body)));
    }
    let long = "e".repeat(100 << 10);
    table.add("chunks", "an extension of 100 KiB", Refuse, chunked(&format!("3;{long}\r\nabc\r\n0\r\n\r\n")));
    table.add(
        "chunks",
        "extensions of 200 KiB",
        Refuse,
        chunked(&("1;".to_owned() + &"e".repeat(400) + "\r\na\r\n").repeat(500)),
    );
    // What a reader that ends a line at LF takes for chunks, and the other for an extension.
    let inner = format!("2;\nxx\r\n{:x}\r\n0\r\n\r\n{hidden}\r\n0\r\n\r\n", hidden.len() + 5);
    table.add("chunks", "TERM.EXT", Refuse, chunked(&inner));
    let inner = format!("2\r\nxx{:x}\r\n0\r\n\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    table.add("chunks", "two bytes in CRLF's place", Refuse, chunked(&inner));
    table.add("chunks", "behind the end", Either, chunked("0\r\n\r\nabc\r\n") + &next());
}

fn trailers(table: &mut Table) {
    for (line, verdict) in [
        ("X-Ok: 1", Pass),
        ("X-Ok: 1\r\nX-Ok: 2", Pass),
        ("Content-Length: 5", Either),
        ("Transfer-Encoding: chunked", Either),
        ("Host: evil.test", Either),
        ("Connection: close", Either),
        ("Expect: 100-continue", Either),
        ("Authorization: must-not-arrive", Either),
        ("X-Forwarded-For: must-not-arrive", Either),
        ("X-Forwarded-Host: must-not-arrive", Either),
        ("X_Forwarded_For: must-not-arrive", Either),
        ("X-User: must-not-arrive", Either),
        ("X-Internal: must-not-arrive", Either),
        ("Trailer: X-A", Either),
        ("X-A", Refuse),
        ("X-A : 1", Refuse),
        (": 1", Refuse),
        (" fold", Refuse),
        ("X-A: 1\r\n fold", Refuse),
        ("X-A: \0", Refuse),
        ("X\0A: 1", Refuse),
        ("X-A: 1\rX-B: 2", Refuse),
        ("X-A: 1\nX-B: 2", Either),
        ("GET /smuggled HTTP/1.1", Refuse),
    ] {
        for (announced, names) in
            [("", ""), ("announced ", "X-Ok, X-A, Content-Length, Host, X-User, X-Internal, X-Forwarded-For")]
        {
            let head = if names.is_empty() { String::new() } else { format!("Trailer: {names}\r\n") };
            let body = format!("3\r\nabc\r\n0\r\n{line}\r\n\r\n");
            let bytes = post(&format!("TE: trailers\r\nConnection: TE\r\n{head}Transfer-Encoding: chunked\r\n"), &body);
            table.add("trailers", &format!("{announced}{}", shown(line.as_bytes())), verdict, bytes + &next());
        }
    }
    table.add("trailers", "too many", Either, chunked(&format!("0\r\n{}\r\n", "X-A: 1\r\n".repeat(500))) + &next());
    table.add(
        "trailers",
        "too long",
        Refuse,
        chunked(&format!("0\r\nX-A: {}\r\n\r\n", "a".repeat(200 << 10))) + &next(),
    );
}
