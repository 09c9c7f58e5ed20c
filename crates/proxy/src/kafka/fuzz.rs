//! Bodies of fuzz targets.

use super::{
    close::Close,
    route::Filters,
    scope::Scope,
    session::{Answer, Caps, Plan, Session},
};
use bytes::Bytes;
use kafka::{
    RequestPrefix,
    walk::{EndpointWalker, Step},
};
use std::{sync::Arc, time::Instant};

/// Any bytes as a conversation, under each kind of filter and without: after each frame's length, its lowest bit says who speaks.
pub(crate) fn fuzz(bytes: &[u8]) {
    let mapping = snapshot::TopicMapping {
        name: "m".into(),
        client: "a".into(),
        broker: "b".into(),
        kind: snapshot::MappingKind::Exact,
    };
    let acl = snapshot::AclEntry {
        name: "a".into(),
        resource: snapshot::AclResource::Topic,
        pattern: snapshot::AclPattern::Prefix("a".into()),
        operations: vec![snapshot::AclOperation::Read, snapshot::AclOperation::Describe],
        principals: vec![],
        action: snapshot::AclAction::Allow,
    };
    let (mapping, acl) = ([mapping], [acl]);
    let kinds: [(&[_], &[_]); 4] = [(&[], &[]), (&mapping, &[]), (&[], &acl), (&mapping, &acl)];
    for (mappings, acls) in kinds {
        let Ok(filters) = Filters::compile(mappings, acls) else { return };
        let scope = Scope { filters: Arc::new(filters), ..Scope::default() };
        let caps = Caps { before_authentication: 1 << 10, frame: 1 << 16, held_response: 64 };
        converse(&mut Session::new(scope, caps, None), bytes);
    }
}

/// Any frames from both sides, until one ends the conversation.
fn converse(session: &mut Session, mut bytes: &[u8]) {
    let now = Instant::now();
    while let Some((&[from, high, low], rest)) = bytes.split_first_chunk::<3>() {
        let (body, rest) = rest.split_at((usize::from(high) << 8 | usize::from(low)).min(rest.len()));
        bytes = rest;
        let mut whole = (body.len() as u32).to_be_bytes().to_vec();
        whole.extend_from_slice(body);
        let whole = Bytes::from(whole);
        let result = if from & 1 == 0 {
            request(session, &whole, now)
        } else {
            let correlation = body.first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes));
            session.plan_response(body.len(), correlation, now).and_then(|answer| match answer {
                Answer::Hold => session.response(&whole, now).map(drop),
                Answer::Walk(walker) => walk(walker, body),
                Answer::Pass => Ok(()),
            })
        };
        if result.is_err() {
            return;
        }
        while session.take_answer().is_some() {}
    }
}

fn request(session: &mut Session, whole: &Bytes, now: Instant) -> Result<(), Close> {
    let start = whole.get(4..).unwrap_or_default();
    if session.is_token(start) {
        return session.token(whole.clone(), now).map(drop);
    }
    let prefix = RequestPrefix::peek(start).ok_or(Close::Header)?;
    match session.plan(prefix, start.len())? {
        Plan::Pass => session.pass(prefix, true, now),
        Plan::Hold => drop(session.request(whole, now)?),
        Plan::Wait => {}
    }
    session.take_own().map(drop)
}

/// Edits a response as the pump does; one that is cut short waits for more.
fn walk(mut walker: EndpointWalker, mut body: &[u8]) -> Result<(), Close> {
    loop {
        match walker.step(body).map_err(|_| Close::Unexpected)? {
            Step::Done | Step::NeedMore => return Ok(()),
            Step::Pass(len) => body = body.get(len..).unwrap_or_default(),
            Step::Tail(len) => {
                let Some((tail, rest)) = body.split_at_checked(len) else { return Ok(()) };
                walker.tail(Bytes::copy_from_slice(tail)).map_err(|_| Close::Unexpected)?;
                body = rest;
            }
        }
    }
}
