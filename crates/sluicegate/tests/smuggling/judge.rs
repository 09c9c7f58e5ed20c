//! Who saw what: the wire, the origin, the access log and the clients compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::Ipv4Addr;

use serde_json::Value;
use testkit::echo::{Kind, SEEN, Seen};

use crate::requests::{EVIL, SMUGGLED, Verdict};
use crate::tap::Tap;
use crate::wire::{self, Message, latin1};
use crate::{CANARY_HOST, Got, responses};

/// What one client sent, and got.
#[derive(Debug)]
pub struct Sent {
    pub client: Ipv4Addr,
    pub class: &'static str,
    pub name: String,
    pub verdict: Verdict,
    pub bytes: Vec<u8>,
    pub got: Vec<u8>,
    pub ended: bool,
    pub head: bool,
    pub http2: bool,
    /// The path of a canary.
    pub canary: Option<String>,
}

impl Sent {
    pub fn new(client: Ipv4Addr, class: &'static str, name: &str, verdict: Verdict, bytes: Vec<u8>, got: Got) -> Self {
        let Got { bytes: got, ended } = got;
        Self {
            client,
            class,
            name: name.to_owned(),
            verdict,
            bytes,
            got,
            ended,
            head: false,
            http2: false,
            canary: None,
        }
    }

    fn answers(&self) -> (Vec<Message>, Option<wire::Fault>) {
        wire::responses(&self.got, |number| self.head && number == 0)
    }
}

#[derive(Debug)]
pub struct Divergence {
    origin: &'static str,
    payload: String,
    what: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}\n  {}", self.origin, self.payload, self.what)
    }
}

/// A request on the wire.
struct Wired<'a> {
    request: &'a Message,
    link: usize,
    time: usize,
    /// What the origin answered: its status, and what it saw.
    answer: Option<(u16, Option<String>)>,
}

#[derive(Debug, Default)]
struct Count {
    payloads: usize,
    /// At least one request reached the origin, none did, the origin refused one.
    forwarded: usize,
    refused: usize,
    declined: usize,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Report {
    pub divergences: Vec<Divergence>,
    counts: BTreeMap<(&'static str, &'static str), Count>,
    classes: Vec<&'static str>,
    origins: Vec<&'static str>,
    /// Canaries of an origin, and those that followed their payload over the same connection.
    canaries: BTreeMap<&'static str, (usize, usize)>,
}

/// Bytes, at most 700 of them.
pub fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(700)];
    format!("\"{}\"{}", cut.escape_ascii(), if cut.len() < bytes.len() { "…" } else { "" })
}

/// The last of the addresses that a request came over.
fn client_of(request: &Message) -> Option<Ipv4Addr> {
    request.one("x-forwarded-for")?.rsplit(',').next()?.trim().parse().ok()
}

fn is_own(status: u16) -> bool {
    matches!(status, 400 | 404 | 405 | 408 | 413 | 414 | 417 | 421 | 431 | 501 | 505)
}

impl Report {
    pub fn judge(&mut self, kind: Kind, tap: &Tap, sent: &[Sent], log: &[Value]) {
        let origin = kind.name;
        self.origins.push(origin);
        let links = tap.links.lock().unwrap();
        let bytes: Vec<(Vec<u8>, Vec<u8>)> = links
            .iter()
            .map(|link| (link.sent.lock().unwrap().clone(), link.received.lock().unwrap().clone()))
            .collect();
        let read: Vec<(Vec<Message>, Vec<wire::Fault>)> = bytes.iter().map(|(sent, _)| wire::requests(sent)).collect();
        let mut of_client: HashMap<Ipv4Addr, Vec<Wired<'_>>> = HashMap::new();
        for (number, (requests, faults)) in read.iter().enumerate() {
            let (upward, downward) = &bytes[number];
            let mut wrong = |what: String, at: usize| {
                self.divergences.push(Divergence {
                    origin,
                    payload: format!("connection {number}, byte {at}"),
                    what: format!("{what}\n  the gateway: {}", shown(&upward[at.saturating_sub(300)..])),
                });
            };
            for fault in faults {
                wrong(fault.why.clone(), fault.at);
            }
            let (answers, fault) =
                wire::responses(downward, |n| requests.get(n).is_some_and(|request| request.first.0 == "HEAD"));
            // An origin's bytes that are no answer are its own affair once the gateway had broken off.
            if let Some(fault) = fault.filter(|_| requests.last().is_some_and(|last| last.complete)) {
                wrong(format!("the origin's answers, {}: {}", fault.why, shown(&downward[fault.at..])), 0);
            }
            // An origin may complain of a connection that ends with nothing, or half a request, on it.
            let complaint = answers.last().is_some_and(|last| last.one(SEEN).is_none() && is_own(last.status()));
            if answers.len() > requests.len() + usize::from(complaint) {
                wrong(format!("{} answers to {} requests", answers.len(), requests.len()), 0);
            }
            let marks =
                downward.windows(SEEN.len()).filter(|window| window.eq_ignore_ascii_case(SEEN.as_bytes())).count();
            if marks != answers.iter().filter(|answer| answer.one(SEEN).is_some()).count() {
                wrong(format!("{marks} answers of an application"), 0);
            }
            for (n, request) in requests.iter().enumerate() {
                let answer = answers.get(n).map(|answer| (answer.status(), answer.one(SEEN)));
                if let Some((_, Some(seen))) = &answer
                    && let Some(what) = compare(kind, request, seen)
                {
                    wrong(what, request.at);
                }
                let Some(client) = client_of(request) else {
                    if request.complete {
                        wrong("a request of nobody".to_owned(), request.at);
                    }
                    continue;
                };
                let time = links[number].time(request.at);
                of_client.entry(client).or_default().push(Wired { request, link: number, time, answer });
            }
        }
        let mut logged: HashMap<Ipv4Addr, Vec<&Value>> = HashMap::new();
        for line in log {
            let client = line["client"].as_str().and_then(|client| client.rsplit_once(':')?.0.parse().ok());
            logged.entry(client.unwrap_or(Ipv4Addr::UNSPECIFIED)).or_default().push(line);
        }
        let mut known = BTreeSet::new();
        let mut last_link = None;
        for sent in sent {
            known.insert(sent.client);
            let mut wired = of_client.remove(&sent.client).unwrap_or_default();
            wired.sort_by_key(|wired| wired.time);
            let lines = logged.remove(&sent.client).unwrap_or_default();
            let mut wrong = against_log(&wired, &lines);
            if !sent.http2 {
                wrong.extend(against_client(sent, &wired, &lines));
            }
            wrong.extend(verdict(sent, &wired, &lines));
            wrong.extend(canary_got_its_own(sent));
            for what in wrong {
                let requests: Vec<String> = wired
                    .iter()
                    .map(|wired| format!("{} {}", wired.request.first.0, latin1(&wired.request.first.1)))
                    .collect();
                let seen: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
                self.divergences.push(Divergence {
                    origin,
                    payload: format!("{}, {}", sent.class, sent.name),
                    what: format!(
                        "{what}\n  the client: {}\n  got: {}{}\n  on the wire: {requests:?}\n  in the log: {}",
                        shown(&sent.bytes),
                        shown(&sent.got),
                        if sent.ended { ", and the end" } else { "" },
                        seen.join("\n              ")
                    ),
                });
            }
            if sent.canary.is_some() {
                let count = self.canaries.entry(origin).or_default();
                count.0 += 1;
                count.1 += usize::from(wired.iter().any(|wired| Some(wired.link) == last_link));
                continue;
            }
            last_link = wired.last().map(|wired| wired.link);
            if !self.classes.contains(&sent.class) {
                self.classes.push(sent.class);
            }
            let count = self.counts.entry((origin, sent.class)).or_default();
            count.payloads += 1;
            let forwarded = wired.iter().any(|wired| wired.request.complete);
            count.forwarded += usize::from(forwarded);
            count.refused += usize::from(!forwarded);
            count.declined += usize::from(wired.iter().any(|wired| matches!(wired.answer, Some((_, None)))));
        }
        for client in of_client.keys().filter(|client| !known.contains(client)) {
            self.divergences.push(Divergence {
                origin,
                payload: "nobody's".to_owned(),
                what: format!("the origin got requests of {client}"),
            });
        }
    }

    /// The comparison had something to compare.
    pub fn assert_substance(&self) {
        for origin in &self.origins {
            let honest = &self.counts[&(*origin, "honest")];
            assert!(
                honest.forwarded * 10 >= honest.payloads * 9 && honest.declined * 2 <= honest.payloads,
                "{origin}: {honest:?}"
            );
            let of_origin = self.counts.iter().filter(|((o, _), _)| o == origin);
            let (all, forwarded) =
                of_origin.fold((0, 0), |(all, f), (_, count)| (all + count.payloads, f + count.forwarded));
            assert!(forwarded >= 100 && all - forwarded >= 100, "{origin}: {forwarded} of {all} forwarded");
            let (canaries, followed) = self.canaries[origin];
            assert!(
                followed * 4 >= canaries,
                "{origin}: {followed} of {canaries} canaries went over their payload's connection"
            );
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Payloads that reached the origin whole + payloads that did not, by class; canaries that followed over the same connection"
        )?;
        write!(f, "{:<22}", "origin")?;
        for class in &self.classes {
            write!(f, " {class:>12}")?;
        }
        writeln!(f, " {:>11} {:>12} divergences", "declined", "canaries")?;
        for origin in &self.origins {
            write!(f, "{origin:<22}")?;
            let mut declined = 0;
            for class in &self.classes {
                let count = &self.counts[&(*origin, *class)];
                declined += count.declined;
                write!(f, " {:>12}", format!("{}+{}", count.forwarded, count.refused))?;
            }
            let (canaries, followed) = self.canaries.get(origin).copied().unwrap_or_default();
            let divergences = self.divergences.iter().filter(|divergence| divergence.origin == *origin).count();
            writeln!(f, " {declined:>11} {:>12} {divergences}", format!("{followed}/{canaries}"))?;
        }
        // The same thing at each origin is told once at length.
        let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for divergence in &self.divergences {
            let what = divergence.what.lines().next().unwrap_or_default();
            let times = told.entry((&divergence.payload, what)).or_default();
            *times += 1;
            match times {
                1 => write!(f, "{divergence}")?,
                _ => writeln!(f, "{}: {}: the same", divergence.origin, divergence.payload)?,
            }
        }
        Ok(())
    }
}

/// Apache's Lua reads bodies of POST and PUT alone, and no chunks.
fn tells_body(kind: Kind, method: &str, chunked: bool) -> bool {
    kind.name != "apache" || !chunked && matches!(method, "POST" | "PUT")
}

/// What the origin saw against what was on the wire.
fn compare(kind: Kind, request: &Message, seen: &str) -> Option<String> {
    let seen = match Seen::parse(seen) {
        Ok(seen) => seen,
        Err(error) => return Some(format!("the origin's own words: {error:#}")),
    };
    let (method, target) = (&request.first.0, latin1(&request.first.1));
    if seen.target.contains(SMUGGLED) && !target.contains(SMUGGLED) {
        return Some(format!("the origin saw a hidden request: {seen:?}"));
    }
    if let Some(header) = seen.headers.iter().find(|(_, value)| value.contains(EVIL)) {
        return Some(format!("the origin saw {header:?}"));
    }
    // Of these each server has its own idea: a method in small letters, a bare question mark, bytes beyond ASCII.
    let same_method = seen.method == *method || seen.method == method.to_ascii_uppercase();
    let same_target = seen.target.trim_end_matches('?') == target.trim_end_matches('?') || !target.is_ascii();
    if !same_method || !same_target {
        return Some(format!("the origin saw {} {}", seen.method, seen.target));
    }
    // An empty one is as good as none (RFC 9112 3.2), and some leave the port or the last dot out.
    let host = seen.header("host").next().unwrap_or_default();
    let plain = |host: &str| {
        let port = host.to_ascii_lowercase().trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let name = if host[..port].ends_with(':') { &host[..port - 1] } else { host };
        name.trim_end_matches('.').to_ascii_lowercase()
    };
    if plain(host) != plain(&request.one("host").unwrap_or_default()) {
        return Some(format!("the origin saw the host {host}"));
    }
    let told = tells_body(kind, method, request.is_chunked());
    if request.complete && told && seen.body != request.body {
        return Some(format!("the origin saw the body {}", shown(&seen.body)));
    }
    None
}

/// Statuses under which the gateway may not have sent the request, or not all of it.
fn is_broken_off(line: &Value) -> bool {
    matches!(line["status"].as_u64(), Some(400 | 408 | 499 | 502 | 503 | 504)) || !line["flags"].is_null()
}

/// The wire against the access log.
fn against_log(wired: &[Wired<'_>], lines: &[&Value]) -> Vec<String> {
    let mut forwarded = lines.iter().filter(|line| line["endpoint"].is_string()).peekable();
    let mut last: Option<(&Value, bool)> = None;
    let same = |line: &Value, request: &Message| {
        let target = latin1(&request.first.1);
        let path = target.split('?').next().unwrap_or_default();
        // The log takes 2 KiB of a path, and knows UTF-8 only.
        let logged = line["path"].as_str().unwrap_or_default();
        let path_fits = path == logged || path.len() > 2048 && path.starts_with(logged) || !path.is_ascii();
        line["method"] == request.first.0.as_str()
            && line["host"] == request.one("host").unwrap_or_default()
            && path_fits
    };
    let mut broken_off = Vec::new();
    for wired in wired {
        let request = wired.request;
        if request.first.0.is_empty() {
            continue;
        }
        while let Some(line) = forwarded.next_if(|line| is_broken_off(line) && !same(line, request)) {
            broken_off.push(line);
        }
        match forwarded.peek() {
            Some(line) if same(line, request) => {
                let length = request.body.len() as u64;
                if request.complete && line["bytes_received"] != length && !is_broken_off(line) {
                    return vec![format!("the log has a body of {}, the wire one of {length}", line["bytes_received"])];
                }
                if let Some((status, _)) = wired.answer
                    && line["status"] != status
                    && !is_broken_off(line)
                {
                    return vec![format!("the log has the status {}, the origin gave {status}", line["status"])];
                }
                last = forwarded.next().map(|line| (*line, wired.answer.is_none()));
            }
            // A kept connection had died, so it was sent again.
            _ if last.is_some_and(|(line, unanswered)| unanswered && same(line, request)) => {
                last = last.map(|(line, _)| (line, wired.answer.is_none()));
            }
            // It was broken off, and reached its own connection behind the one that came after it.
            _ if broken_off.iter().any(|line| same(line, request)) => {
                broken_off.retain(|line| !same(line, request));
            }
            _ => {
                return vec![format!(
                    "a request on the wire is not in the log: {} {}",
                    request.first.0,
                    latin1(&request.first.1)
                )];
            }
        }
    }
    match forwarded.find(|line| !is_broken_off(line)) {
        Some(line) => vec![format!("a request in the log is not on the wire: {line}")],
        None => vec![],
    }
}

/// What the client got against what the origin gave.
fn against_client(sent: &Sent, wired: &[Wired<'_>], lines: &[&Value]) -> Vec<String> {
    let (answers, fault) = sent.answers();
    let mut wrong = Vec::new();
    if let Some(fault) = fault {
        wrong.push(format!("the client got what is no answer: {} at byte {}", fault.why, fault.at));
    }
    if answers.len() > lines.len() {
        wrong.push(format!("{} answers, and {} requests in the log", answers.len(), lines.len()));
    }
    let given: Vec<&String> = wired.iter().filter_map(|wired| wired.answer.as_ref()?.1.as_ref()).collect();
    let got: Vec<String> = answers.iter().filter_map(|answer| answer.one(SEEN)).collect();
    if got.len() > given.len() || got.iter().zip(&given).any(|(got, given)| got != *given) {
        wrong.push("the client got other answers than the origin gave to it".to_owned());
    }
    wrong
}

fn verdict(sent: &Sent, wired: &[Wired<'_>], lines: &[&Value]) -> Vec<String> {
    let whole = wired.iter().any(|wired| wired.request.complete);
    let mut wrong = Vec::new();
    match sent.verdict {
        Verdict::Either => {}
        Verdict::Pass if wired.first().is_some_and(|first| first.answer.is_some()) => {}
        // An origin that ends the connection when it does not like trailers; the gateway says 502.
        Verdict::Pass
            if sent.class.ends_with("trailers") && wired.first().is_some_and(|first| first.request.complete) => {}
        Verdict::Pass => wrong.push("an honest request did not reach the origin".to_owned()),
        // In HTTP/2 what is wrong with one stream harms no other.
        Verdict::Refuse if sent.http2 => {
            if wired.iter().any(|wired| wired.request.complete && wired.request.first.1 != b"/tail") {
                wrong.push("what is malformed reached the origin".to_owned());
            }
        }
        Verdict::Refuse => {
            if whole {
                wrong.push("what is malformed reached the origin".to_owned());
            }
            if !sent.ended {
                wrong.push("the connection did not end".to_owned());
            }
        }
    }
    if !sent.http2 {
        let (answers, _) = sent.answers();
        let own = answers.iter().find(|answer| answer.one(SEEN).is_none() && is_own(answer.status()));
        // Whoever was refused is asked no more.
        let refused = own.is_some_and(|own| own.status() == 400)
            && wired.iter().all(|wired| !matches!(wired.answer, Some((400, _))));
        if refused && !sent.ended {
            wrong.push("a refused connection went on".to_owned());
        }
        if sent.verdict == Verdict::Refuse && !answers.is_empty() && own.is_none() {
            wrong.push(format!("refused with {}", answers[0].status()));
        }
        if sent.verdict == Verdict::Refuse && lines.is_empty() {
            wrong.push("a refusal is not in the log".to_owned());
        }
    }
    wrong
}

/// A canary's answer is its own.
pub fn canary_got_its_own(sent: &Sent) -> Vec<String> {
    let Some(path) = &sent.canary else { return vec![] };
    let (answers, _) = sent.answers();
    let [answer] = &answers[..] else {
        return vec![format!("a canary got {} answers: {}", answers.len(), shown(&sent.got))];
    };
    let Some(Ok(seen)) = answer.one(SEEN).map(|seen| Seen::parse(&seen)) else {
        return vec![format!("a canary got {}", shown(&sent.got))];
    };
    let own = seen.method == "GET"
        && seen.target == *path
        && seen.body.is_empty()
        && seen.header("host").next() == Some(CANARY_HOST)
        && seen.header("x-forwarded-for").next() == Some(&sent.client.to_string());
    if own { vec![] } else { vec![format!("a canary got the answer to {seen:?}")] }
}

/// What the client of a hostile origin got.
pub fn answers(payload: &responses::Payload, got: &[u8], ended: bool) -> Vec<String> {
    use responses::{POISON, Verdict};
    let (answers, fault) = wire::responses(got, |number| number == 0 && payload.method == "HEAD");
    let mut wrong = Vec::new();
    if got.windows(POISON.len()).any(|window| window == POISON.as_bytes()) {
        wrong.push("the client got what is no answer to it".to_owned());
    }
    if let Some(fault) = fault {
        wrong.push(format!("the client got what is no answer: {} at byte {}", fault.why, fault.at));
    }
    if !ended {
        wrong.push("the connection did not end".to_owned());
    }
    // One that breaks off before its header is out is none at all.
    let failed = answers.first().is_none_or(|first| first.status() == 502 || !first.complete);
    match payload.verdict {
        Verdict::Fail if !failed => wrong.push("the answer was passed on".to_owned()),
        Verdict::Pass if failed => wrong.push("the answer was not passed on".to_owned()),
        _ => {}
    }
    // The second is to the tail, and whole.
    for second in answers.iter().skip(1) {
        let seen = second.one(SEEN).and_then(|seen| Seen::parse(&seen).ok());
        if seen.is_none_or(|seen| seen.target != "/tail") {
            wrong.push("the answer to the tail is another's".to_owned());
        }
    }
    if answers.len() > 2 {
        wrong.push(format!("{} answers", answers.len()));
    }
    wrong
}
