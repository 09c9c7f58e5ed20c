//! The rest of the table: request lines, header fields and what they say of the connection.

use crate::requests::Verdict::{Either, Pass, Refuse};
use crate::requests::{HOST, Table, get, next, post, raw, shown, smuggled};

pub fn lines(table: &mut Table) {
    let mut add = |name: &str, verdict, bytes: String| {
        table.add("lines", name, verdict, raw(&bytes));
    };
    let good = get("X-A: b\r\n");
    add("CRLF before", Pass, format!("\r\n{good}"));
    add("CRLFs before", Either, format!("\r\n\r\n\r\n{good}"));
    add("CRLF between", Pass, format!("{good}\r\n{}", next()));
    add("LF before", Either, format!("\n{good}"));
    add("LF alone", Either, good.replace("\r\n", "\n"));
    add("LF alone, a body", Either, post("Content-Length: 3\r\n", "").replace("\r\n", "\n") + "abc");
    add("LF behind the request line", Either, good.replacen("\r\n", "\n", 1));
    add("LF before the end", Either, get("X-A: b\n"));
    add("LF at the end", Either, format!("{}\n", good.trim_end_matches("\r\n").to_owned() + "\r\n"));
    add("CR before", Refuse, format!("\r{good}"));
    add("CR alone", Refuse, good.replace("\r\n", "\r"));
    add("CR at the end", Refuse, get("X-A: b\r\n\r\n").replace("\r\n\r\n\r\n", "\r\n\r\r\n"));
    add("space before", Refuse, format!(" {good}"));
    add("space before Host", Refuse, good.replace("Host", " Host"));
    add("tab before Host", Refuse, good.replace("Host", "\tHost"));
    add("space on a line", Refuse, good.replacen("X-A", " \r\nX-A", 1));
    add("space on the last line", Refuse, get("X-A: b\r\n \r\n"));
    add("two spaces behind the method", Refuse, good.replacen("GET ", "GET  ", 1));
    add("two spaces before the version", Refuse, good.replacen(" HTTP", "  HTTP", 1));
    add("tab behind the method", Refuse, good.replacen("GET ", "GET\t", 1));
    add("tab before the version", Refuse, good.replacen(" HTTP", "\tHTTP", 1));
    add("space behind the version", Refuse, good.replacen("HTTP/1.1", "HTTP/1.1 ", 1));
    for line in [
        ": b",
        "X-A",
        "X A: b",
        "X-A : b",
        "X-A\t: b",
        "X-A\0: b",
        "X-\0A: b",
        "X-A\u{7f}: b",
        "X(A): b",
        "X\"A: b",
        "X/A: b",
        "X@A: b",
        "X[A]: b",
        "X{A}: b",
        "X=A: b",
        "X,A: b",
        "X;A: b",
        "X\\A: b",
        "X-\u{e9}: b",
        "\u{b}X-A: b",
        "X-A: a\0b",
        "X-A: a\rb",
        "X-A: a\u{1}b",
        "X-A: a\u{b}b",
        "X-A: a\u{c}b",
        "X-A: a\u{7f}b",
        "X-A: a\u{1b}b",
        "X-A: a\r\n b",
        "X-A: a\r\n\tb",
        "X-A: a\r\n \r\n",
        "X-A:\r\n b",
        "=: b\0",
        "\u{ef}\u{bb}\u{bf}X-A: b",
    ] {
        add(&shown(&raw(line)), Refuse, get(&format!("{line}\r\n")));
    }
    for line in [
        "X-A:",
        "X-A: ",
        "X-A: \u{e9}",
        "X-A: \u{80}\u{ff}",
        "X-A: a\tb",
        "x_a: b",
        "X!#$%&'*+.^_`|~9: b",
        "9: b",
        "X-A: a\nX-B: b",
        "X-A: a\u{85}Host: b",
    ] {
        add(&shown(&raw(line)), Either, get(&format!("{line}\r\n")));
    }
    add("a hidden head in a value", Either, get("X-A: b GET /smuggled HTTP/1.1\r\n"));
    add("a header of 100 KB", Refuse, get(&format!("X-A: {}\r\n", "a".repeat(100_000))));
    add("200 headers", Refuse, get(&"X-A: b\r\n".repeat(200)));
    add("a name of 100 KB", Refuse, get(&format!("{}: b\r\n", "a".repeat(100_000))));
    add("TLS", Refuse, "\u{16}\u{3}\u{1}\u{0}\u{5}hello\r\n\r\n".to_owned());
    add("no HTTP", Refuse, "EHLO front.test\r\n\r\n".to_owned());
}

pub fn hosts(table: &mut Table) {
    let with = |host: &str| format!("GET /g HTTP/1.1\r\n{host}\r\n");
    for (host, verdict) in [
        ("Host: front.test\r\n", Pass),
        ("Host: FRONT.test:80\r\n", Pass),
        ("Host: [::1]:80\r\n", Pass),
        ("Host: 127.0.0.1\r\n", Pass),
        ("Host: front.test.\r\n", Pass),
        ("Host:\r\n", Either),
        ("Host: front.test:\r\n", Either),
        ("", Refuse),
        ("Host: front.test\r\nHost: front.test\r\n", Refuse),
        ("Host: front.test\r\nHost: evil.test\r\n", Refuse),
        ("Host: front.test\r\nhost: evil.test\r\n", Refuse),
        ("Host: front.test\r\nHost :evil.test\r\n", Refuse),
        (" Host: front.test\r\nHost: evil.test\r\n", Refuse),
        ("Host: front.test\r\n Host: evil.test\r\n", Refuse),
        ("Host: front.test, evil.test\r\n", Refuse),
        ("Host: front.test evil.test\r\n", Refuse),
        ("Host: front.test@evil.test\r\n", Refuse),
        ("Host: user:secret@front.test\r\n", Refuse),
        ("Host: front.test/evil\r\n", Refuse),
        ("Host: front.test#evil\r\n", Refuse),
        ("Host: front.test?evil\r\n", Refuse),
        ("Host: front.test\\evil\r\n", Refuse),
        ("Host: front.test:80:81\r\n", Refuse),
        ("Host: front.test:http\r\n", Refuse),
        ("Host: front.test:-1\r\n", Refuse),
        ("Host: front.test:999999\r\n", Refuse),
        ("Host: http://front.test\r\n", Refuse),
        ("Host: front%2etest\r\n", Refuse),
        ("Host: front.test%00\r\n", Refuse),
        ("Host: front.test\0\r\n", Refuse),
        ("Host: fr\u{f6}nt.test\r\n", Refuse),
        ("Host: [::1\r\n", Refuse),
        ("Host: [::1%25lo]\r\n", Refuse),
        ("Host: ::1\r\n", Refuse),
        ("Host: \"front.test\"\r\n", Refuse),
        ("Host: ;front.test\r\n", Refuse),
        ("Host:\u{b}front.test\r\n", Refuse),
        ("Host\0: front.test\r\n", Refuse),
        ("Host: front.test\r\nX-Forwarded-Host: must-not-arrive\r\n", Pass),
        ("Host: front.test\r\nX-Host: evil.test\r\n", Pass),
    ] {
        table.add("Host", &shown(&raw(host)), verdict, raw(&with(host)));
    }
    for (target, host, verdict) in [
        ("http://front.test/g", "Host: front.test\r\n", Pass),
        ("HTTP://FRONT.test/g", "Host: front.test\r\n", Either),
        ("http://front.test", "Host: front.test\r\n", Either),
        ("http://front.test?x=1", "Host: front.test\r\n", Either),
        ("http://front.test:80/g", "Host: front.test\r\n", Either),
        ("https://front.test/g", "Host: front.test\r\n", Either),
        ("ftp://front.test/g", "Host: front.test\r\n", Either),
        ("http://front.test/g", "", Refuse),
        ("http://evil.test/g", "Host: front.test\r\n", Refuse),
        ("http://evil.test/g", "Host:\r\n", Refuse),
        ("http://front.test@evil.test/g", "Host: front.test\r\n", Refuse),
        ("http://evil.test@front.test/g", "Host: front.test\r\n", Refuse),
        ("http://front.test:80@evil.test/g", "Host: front.test:80\r\n", Refuse),
        ("http:///g", "Host: front.test\r\n", Refuse),
        ("http:/g", "Host: front.test\r\n", Refuse),
        ("http:g", "Host: front.test\r\n", Refuse),
        ("front.test/g", "Host: front.test\r\n", Refuse),
        ("front.test:80", "Host: front.test\r\n", Refuse),
        ("@evil.test/g", "Host: front.test\r\n", Refuse),
    ] {
        // RFC 9112 3.2: a request of HTTP/1.1 without Host is refused, whatever its target says.
        let verdict = if host.is_empty() { Either } else { verdict };
        table.add(
            "Host",
            &format!("{target} {}", shown(host.as_bytes())),
            verdict,
            format!("GET {target} HTTP/1.1\r\n{host}\r\n"),
        );
    }
}

pub fn targets(table: &mut Table) {
    for (target, verdict) in [
        ("/a/../b/%2e/./c;d=e", Pass),
        ("/%2e%2e/%2f%5c", Pass),
        ("/%0d%0aX-A:%20b", Pass),
        ("/?a=b?c&d=%0d%0a", Pass),
        ("/a?", Either),
        ("/%00", Either),
        ("/%", Either),
        ("/%zz", Either),
        ("//evil.test/a", Either),
        ("///", Either),
        ("/..;/a", Either),
        ("/a\\..\\b", Either),
        ("/a|b^c`d", Either),
        ("/{a}", Either),
        ("/[a]", Either),
        ("/\"a\"", Either),
        ("/<a>", Either),
        ("/a#b", Either),
        ("/a#/smuggled", Either),
        ("/a?b#c", Either),
        ("/:80/@evil.test", Either),
        ("/\u{e9}", Either),
        ("/\u{ff}\u{fe}", Either),
        ("/\u{c3}\u{a9}", Either),
        ("/?\u{e9}", Either),
        ("/a b", Refuse),
        ("/a b c", Refuse),
        ("/a HTTP/1.1 b", Refuse),
        ("/a\tb", Refuse),
        ("/a\0b", Refuse),
        ("/a\u{1}b", Refuse),
        ("/a\u{7f}b", Refuse),
        ("/a\u{b}b", Refuse),
        ("/a\rb", Refuse),
        ("/a\nb", Refuse),
        ("\\a", Refuse),
        ("a", Refuse),
        ("?a", Refuse),
        ("#a", Refuse),
        (".", Refuse),
        ("*", Refuse),
        ("", Refuse),
        ("/a HTTP/1.1\nX-A: b\nX-B:", Either),
    ] {
        table.add("target", &shown(&raw(target)), verdict, raw(&get("").replacen("/g", target, 1)));
    }
    table.add("target", "OPTIONS *", Pass, format!("OPTIONS * HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    table.add("target", "of 6000 bytes", Either, get("").replacen("/g", &format!("/{}", "a".repeat(6000)), 1));
    table.add("target", "of 70 KB", Refuse, get("").replacen("/g", &format!("/{}", "a".repeat(70_000)), 1));
}

pub fn expectations(table: &mut Table) {
    let next = next();
    for (name, verdict, bytes) in [
        ("the body comes at once", Pass, post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc")),
        (
            "chunks come at once",
            Pass,
            post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
        ),
        ("in capitals", Pass, post("Expect: 100-CONTINUE\r\nContent-Length: 3\r\n", "abc")),
        ("no body", Pass, get("Expect: 100-continue\r\n")),
        ("length 0", Pass, post("Expect: 100-continue\r\nContent-Length: 0\r\n", "")),
        ("no length", Either, post("Expect: 100-continue\r\n", "")),
        ("GET with a body", Pass, get("Expect: 100-continue\r\nContent-Length: 3\r\n") + "abc"),
        ("twice", Either, post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n", "abc")),
        ("a list", Refuse, post("Expect: 100-continue, x\r\nContent-Length: 3\r\n", "abc")),
        ("something else", Refuse, post("Expect: 200-ok\r\nContent-Length: 3\r\n", "abc")),
        ("something else besides", Either, post("Expect: 100-continue\r\nExpect: x\r\nContent-Length: 3\r\n", "abc")),
        ("empty", Either, post("Expect:\r\nContent-Length: 3\r\n", "abc")),
        ("a space before the colon", Refuse, post("Expect : 100-continue\r\nContent-Length: 3\r\n", "abc")),
        ("100-continuex", Refuse, post("Expect: 100-continuex\r\nContent-Length: 3\r\n", "abc")),
    ] {
        table.add("Expect", name, verdict, bytes + &next);
    }
    let hidden = smuggled();
    let waits = post(&format!("Expect: 100-continue\r\nContent-Length: {}\r\n", hidden.len()), &hidden);
    table.add("Expect", "a request as the body", Pass, waits);
    // Refused before its body has come: what follows is no request.
    let refused = post(&format!("Expect: x\r\nContent-Length: {}\r\n", hidden.len()), &hidden);
    table.add("Expect", "a request as the body of a refused one", Refuse, refused);
}

pub fn hop_by_hop(table: &mut Table) {
    for (lines, verdict) in [
        // CVE-2026-105299: what Connection names.
        ("Connection: X-Nom\r\nX-Nom: must-not-arrive\r\n", Pass),
        ("Connection: close, x-nom\r\nX-NOM: must-not-arrive\r\n", Pass),
        ("Connection: keep-alive\r\nConnection: x-nom\r\nX-Nom: must-not-arrive\r\n", Pass),
        ("X-Nom: must-not-arrive\r\nConnection: , ,x-nom,\r\n", Pass),
        ("Connection: x-nom\r\nX-Nom: must-not-arrive\r\nX-Nom: must-not-arrive\r\n", Pass),
        ("Connection: Cookie\r\nCookie: must-not-arrive\r\n", Pass),
        ("Connection: x-forwarded-for\r\n", Pass),
        ("Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-User\r\n", Pass),
        ("Connection: x-user\r\nX-User: must-not-arrive\r\n", Pass),
        ("Connection: Host\r\n", Refuse),
        ("Connection: close, Content-Length\r\nContent-Length: 0\r\n", Refuse),
        ("Connection: Transfer-Encoding\r\n", Either),
        ("Connection: \"x-nom\"\r\n", Either),
        ("Connection: \u{ff}\r\n", Either),
        ("Connection: te, close\r\nTE: trailers\r\n", Pass),
        ("TE: must-not-arrive\r\n", Pass),
        ("TE: gzip, must-not-arrive\r\nConnection: TE\r\n", Pass),
        ("Keep-Alive: must-not-arrive\r\n", Pass),
        ("Proxy-Connection: must-not-arrive\r\n", Pass),
        ("Proxy-Authorization: must-not-arrive\r\n", Pass),
        ("Proxy-Authenticate: must-not-arrive\r\n", Pass),
        ("HTTP2-Settings: must-not-arrive\r\n", Pass),
        ("Upgrade: must-not-arrive\r\n", Pass),
        // What the gateway answers for, in the spellings that CGI does not tell apart.
        ("X_Forwarded_For: must-not-arrive\r\n", Pass),
        ("X-Forwarded_Proto: must-not-arrive\r\n", Pass),
        ("X-Forwarded-Proto: must-not-arrive\r\n", Pass),
        ("X-FORWARDED-HOST: must-not-arrive\r\nX_FORWARDED_HOST: must-not-arrive\r\n", Pass),
        ("X-User: must-not-arrive\r\n", Pass),
        ("X-User: must-not-arrive\r\nX-User: must-not-arrive\r\nx_user: must-not-arrive\r\n", Pass),
        ("X-Internal: must-not-arrive\r\nX_Internal: must-not-arrive\r\n", Pass),
        ("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n", Pass),
        ("Trailer: Content-Length\r\n", Either),
    ] {
        table.add("hop by hop", &shown(&raw(lines)), verdict, raw(&get(lines)));
    }
    let both = "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n";
    table.add("hop by hop", "Connection names the framing", Either, post(both, "3\r\nabc\r\n0\r\n\r\n"));
}

/// CVE-2026-2833: bytes behind an Upgrade, before anybody has said 101.
pub fn upgrades(table: &mut Table) {
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let settings =
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    for (name, verdict, bytes) in [
        ("websocket", Pass, get(websocket)),
        ("a request behind it (CVE-2026-2833)", Pass, get(websocket) + &next()),
        ("frames behind it (CVE-2026-2833)", Pass, get(websocket) + "\u{81}\u{5}hello"),
        ("with a body", Either, get(&format!("{websocket}Content-Length: 3\r\n")) + "abc" + &next()),
        (
            "a request as the body",
            Either,
            get(&format!("{websocket}Content-Length: {}\r\n", smuggled().len())) + &smuggled(),
        ),
        (
            "with chunks",
            Either,
            get(&format!("{websocket}Transfer-Encoding: chunked\r\n")) + "3\r\nabc\r\n0\r\n\r\n" + &next(),
        ),
        ("POST", Either, get(websocket).replacen("GET", "POST", 1) + &next()),
        ("of another protocol", Pass, get("Connection: upgrade\r\nUpgrade: foo/2\r\n") + &next()),
        ("several", Either, get("Connection: upgrade\r\nUpgrade: foo, websocket\r\nUpgrade: bar\r\n") + &next()),
        ("h2c", Pass, get(settings) + &next()),
        ("h2c and the preface", Either, get(settings) + preface),
        ("h2c alone", Pass, get("Upgrade: h2c\r\nConnection: upgrade\r\n") + &next()),
        ("TLS", Either, get("Upgrade: TLS/1.0, HTTP/1.1\r\nConnection: upgrade\r\n") + &next()),
        ("in 1.0", Pass, get(websocket).replacen("HTTP/1.1", "HTTP/1.0", 1)),
        ("without Connection", Pass, get("Upgrade: must-not-arrive\r\n") + &next()),
        ("HEAD", Either, get(websocket).replacen("GET", "HEAD", 1) + &next()),
        ("CONNECT", Refuse, format!("CONNECT /g HTTP/1.1\r\nHost: {HOST}\r\n\r\n{}", smuggled())),
    ] {
        table.add("upgrade", name, verdict, raw(&bytes));
    }
}
