//! Answers of an origin that is up to no good, or broken: what the client and everybody else get of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use testkit::echo::{SEEN, Seen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What nobody may get for an answer.
pub const POISON: &str = "poison";

/// What the client has to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 502, or a response that ends in a way that it can tell from a whole one.
    Fail,
    /// The origin's answer.
    Pass,
    Either,
}
use Verdict::{Either, Fail, Pass};

#[derive(Debug)]
pub struct Payload {
    pub name: String,
    /// Of the request.
    pub method: &'static str,
    pub answer: Vec<u8>,
    /// The origin ends the connection behind it.
    pub ends: bool,
    /// It answers before it has read the request's body.
    pub early: bool,
    pub verdict: Verdict,
}

/// A whole answer for somebody else.
fn poison() -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-A: {POISON}\r\n\r\n{POISON}")
}

pub fn table() -> Vec<Payload> {
    let mut table = Vec::new();
    let mut add = |name: &str, method, verdict, ends, answer: String| {
        let answer = answer.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        table.push(Payload { name: name.to_owned(), method, answer, ends, early: name.contains("early"), verdict });
    };
    let ok = |lines: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n{body}");
    let poison = poison();
    let long = poison.len() + 5;
    add("a length", "GET", Pass, false, ok("Content-Length: 3\r\n", "abc"));
    add("chunks", "GET", Pass, false, ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"));
    add("until the end", "GET", Pass, true, ok("", "abc"));
    add("until the end, close", "GET", Pass, true, ok("Connection: close\r\n", "abc"));
    add("to HEAD", "HEAD", Pass, false, ok("Content-Length: 3\r\n", ""));
    add("HTTP/1.0", "GET", Pass, true, ok("", "abc").replace("1.1", "1.0"));
    add(
        "HTTP/1.0, keep-alive",
        "GET",
        Pass,
        false,
        ok("Connection: keep-alive\r\nContent-Length: 3\r\n", "abc").replace("1.1", "1.0"),
    );
    // Two lengths.
    for (lines, verdict) in [
        ("Content-Length: 3\r\nContent-Length: 3\r\n", Either),
        ("Content-Length: 3, 3\r\n", Either),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", Fail),
        ("Content-Length: 4\r\nContent-Length: 3\r\n", Fail),
        ("Content-Length: 3, 4\r\n", Fail),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", Fail),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", Fail),
        ("Content-Length: 3\r\nTransfer-Encoding: identity\r\n", Fail),
        ("Content-Length: +3\r\n", Fail),
        ("Content-Length: -3\r\n", Fail),
        ("Content-Length: 0x3\r\n", Fail),
        ("Content-Length: 3x\r\n", Fail),
        ("Content-Length:\r\n", Fail),
        ("Content-Length: 18446744073709551619\r\n", Fail),
        ("Content-Length: 03\r\n", Either),
        ("Content-Length : 3\r\n", Fail),
        ("Content-Length: 3\r\n 4\r\n", Fail),
        ("Content-Length: 3\r\nConnection: Content-Length\r\n", Fail),
        ("X-A: b\nContent-Length: 3\r\n", Either),
        ("X-A: b\rContent-Length: 3\r\n", Fail),
        ("X-A: \0\r\nContent-Length: 3\r\n", Fail),
        ("X-A\r\nContent-Length: 3\r\n", Fail),
        (": b\r\nContent-Length: 3\r\n", Fail),
        (" X-A: b\r\nContent-Length: 3\r\n", Fail),
        ("X A: b\r\nContent-Length: 3\r\n", Fail),
        ("X-A: b\r\n c\r\nContent-Length: 3\r\n", Either),
    ] {
        add(&lines.escape_default().to_string(), "GET", verdict, false, ok(lines, "abc"));
    }
    for spelling in [
        "xchunked",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked;q=1",
        "\"chunked\"",
        "\u{b}chunked",
        "chunked\0",
        "",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
        "\r\n chunked",
    ] {
        let name = format!("Transfer-Encoding: {}", spelling.escape_default());
        add(&name, "GET", Fail, false, ok(&format!("Transfer-Encoding: {spelling}\r\n"), "3\r\nabc\r\n0\r\n\r\n"));
    }
    // Chunks that are none.
    for (body, verdict) in [
        ("0x3\r\nabc\r\n0\r\n\r\n", Fail),
        ("+3\r\nabc\r\n0\r\n\r\n", Fail),
        ("-3\r\nabc\r\n0\r\n\r\n", Fail),
        ("3\nabc\r\n0\r\n\r\n", Fail),
        ("3\r\nabcd\r\n0\r\n\r\n", Fail),
        ("3\r\nabc0\r\n\r\n", Fail),
        ("G\r\nabc\r\n0\r\n\r\n", Fail),
        ("10000000000000003\r\nabc\r\n0\r\n\r\n", Fail),
        ("3;a\nb\r\nabc\r\n0\r\n\r\n", Fail),
        ("3;a=b\r\nabc\r\n0\r\n\r\n", Either),
        ("03\r\nabc\r\n0\r\n\r\n", Either),
        ("3\r\nabc\r\n0\r\nContent-Length: 5\r\nX-Ok: 1\r\n\r\n", Either),
        ("3\r\nabc\r\n0\r\nX-A : b\r\n\r\n", Fail),
        ("3\r\nabc\r\n0\r\nX-A\0: b\r\n\r\n", Fail),
    ] {
        add(
            &format!("chunks {}", body.escape_default()),
            "GET",
            verdict,
            false,
            ok("Transfer-Encoding: chunked\r\n", body),
        );
    }
    // Broken off.
    add("a length and less", "GET", Fail, true, ok("Content-Length: 30\r\n", "abc"));
    add("chunks without an end", "GET", Fail, true, ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"));
    add("half a head", "GET", Fail, true, "HTTP/1.1 200 OK\r\nContent-Le".to_owned());
    add("nothing", "GET", Fail, true, String::new());
    // More than one answer.
    add("a length and more", "GET", Pass, false, ok("Content-Length: 3\r\n", "abc") + &poison);
    add("chunks and more", "GET", Pass, false, ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") + &poison);
    add("length 0 and more", "GET", Pass, false, ok("Content-Length: 0\r\n", &poison));
    add("HEAD with a body", "HEAD", Pass, false, ok(&format!("Content-Length: {}\r\n", poison.len()), &poison));
    add(
        "HEAD with chunks",
        "HEAD",
        Pass,
        false,
        ok("Transfer-Encoding: chunked\r\n", &format!("{long:x}\r\n{poison}hello\r\n0\r\n\r\n")),
    );
    add("HEAD without a length, with a body", "HEAD", Pass, false, ok("", &poison));
    for status in [204, 304] {
        let head = format!("HTTP/1.1 {status} X\r\n");
        add(&format!("{status}"), "GET", Pass, false, format!("{head}\r\n"));
        add(
            &format!("{status} with a length"),
            "GET",
            Pass,
            false,
            format!("{head}Content-Length: {}\r\n\r\n{poison}", poison.len()),
        );
        add(&format!("{status} with length 0"), "GET", Pass, false, format!("{head}Content-Length: 0\r\n\r\n"));
        add(
            &format!("{status} with chunks"),
            "GET",
            Either,
            false,
            format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        );
        add(&format!("{status} with more"), "GET", Pass, false, format!("{head}\r\n{poison}"));
    }
    // Interim responses.
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    add("100 first", "GET", Pass, false, interim.to_owned() + &ok("Content-Length: 3\r\n", "abc"));
    add(
        "103 first",
        "GET",
        Pass,
        false,
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_owned() + &ok("Content-Length: 3\r\n", "abc"),
    );
    add(
        "100 with a length",
        "GET",
        Either,
        false,
        "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n".to_owned() + &ok("Content-Length: 3\r\n", "abc"),
    );
    add(
        "102 with chunks",
        "GET",
        Either,
        false,
        "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()
            + &ok("Content-Length: 3\r\n", "abc"),
    );
    add("10,000 of 100", "GET", Either, false, interim.repeat(10_000) + &ok("Content-Length: 3\r\n", "abc"));
    add("100 alone, and the end", "GET", Fail, true, interim.to_owned());
    add(
        "101 that nobody asked for",
        "GET",
        Fail,
        false,
        format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n{poison}"),
    );
    add(
        "101 that nobody asked for, to HEAD",
        "HEAD",
        Fail,
        false,
        "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(),
    );
    // No HTTP.
    for line in [
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1  200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/0.9 200 OK",
        "HTTX/1.1 200 OK",
        "200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1\t200 OK",
        "\0HTTP/1.1 200 OK",
        "GET / HTTP/1.1",
    ] {
        add(&format!("{:?}", line), "GET", Fail, false, format!("{line}\r\nContent-Length: 3\r\n\r\nabc"));
    }
    for line in ["HTTP/1.1 999 X", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 \u{e9}", "HTTP/1.1 299 a\tb"] {
        add(&format!("{:?}", line), "GET", Either, false, format!("{line}\r\nContent-Length: 3\r\n\r\nabc"));
    }
    add(
        "a control character in the reason",
        "GET",
        Fail,
        false,
        "HTTP/1.1 200 O\rK\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
    );
    add("CRLF before", "GET", Either, false, "\r\n".to_owned() + &ok("Content-Length: 3\r\n", "abc"));
    add("LF alone", "GET", Either, false, ok("Content-Length: 3\r\n", "").replace("\r\n", "\n") + "abc");
    add(
        "a header of 300 KB",
        "GET",
        Fail,
        false,
        ok(&format!("X-A: {}\r\nContent-Length: 3\r\n", "a".repeat(300 << 10)), "abc"),
    );
    add("1000 headers", "GET", Fail, false, ok(&("X-A: b\r\n".repeat(1000) + "Content-Length: 3\r\n"), "abc"));
    // Before the request is there.
    add("early", "POST", Pass, false, ok("Content-Length: 3\r\n", "abc"));
    add("early, and the end", "POST", Pass, true, ok("Content-Length: 3\r\n", "abc"));
    add("early, and more", "POST", Pass, false, ok("Content-Length: 3\r\n", "abc") + &poison);
    add(
        "early 413, close",
        "POST",
        Pass,
        true,
        "HTTP/1.1 413 X\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
    );
    table
}

/// Answers `/r/N` as the table says, everything else honestly with [`SEEN`].
pub async fn origin(table: Arc<Vec<Payload>>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let table = Arc::clone(&table);
            tokio::spawn(async move { serve(stream, &table).await });
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream, table: &[Payload]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break bytes.drain(..end + 4).collect::<Vec<u8>>();
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let field = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers: Vec<(String, String)> = head.lines().skip(1).filter_map(field).collect();
        let payload = target.strip_prefix("/r/").and_then(|n| n.parse::<usize>().ok()).and_then(|n| table.get(n));
        if let Some(payload) = payload.filter(|payload| payload.early) {
            stream.write_all(&payload.answer).await?;
        }
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        if payload.is_none_or(|payload| !payload.early || !payload.ends) {
            while bytes.len() < length {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Ok(());
                }
            }
        }
        let body = bytes.drain(..length.min(bytes.len())).collect();
        match payload {
            Some(payload) if payload.early => {}
            Some(payload) => stream.write_all(&payload.answer).await?,
            None => {
                let seen = Seen { method: method.to_owned(), target: target.to_owned(), body, headers };
                let answer = format!("HTTP/1.1 200 OK\r\n{SEEN}: {}\r\ncontent-length: 3\r\n\r\nok\n", seen.to_value());
                stream.write_all(answer.as_bytes()).await?;
            }
        }
        if payload.is_some_and(|payload| payload.ends) {
            // What is written arrives before the end of the connection does, whatever is still unread.
            stream.shutdown().await?;
            let drain = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {} };
            let _ = tokio::time::timeout(Duration::from_secs(2), drain).await;
            return Ok(());
        }
    }
}
