//! A service that is asked over HTTP: 200 lets the request pass (GEP-1494).

use super::{
    ANSWER, Question, Unclear, Verdict, grant::Action, grant::Edit, grant::Grant, is_own, outgoing, to_client,
};
use crate::http::{call::Answer, filter::Target, upstream::Outgoing};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};

/// The request to the service: the client's method, path and host, and of its headers those that may be told.
pub(super) fn question(question: &Question<'_>, prefix: &str, allowed: &[HeaderName]) -> Result<Outgoing, Unclear> {
    let Question { exchange, method, path, headers, body, .. } = question;
    if !prefix.is_empty() && has_dots(path.path()) {
        return Err(Unclear("the path could step out of the service's".to_owned()));
    }
    let mut told = HeaderMap::new();
    for name in allowed.iter().filter(|name| !is_own(name)).chain([&header::AUTHORIZATION]) {
        if !told.contains_key(name) {
            told.extend(headers.get_all(name).iter().map(|value| (name.clone(), value.clone())));
        }
    }
    told.insert(header::CONTENT_LENGTH, body.len().into());
    let target = match prefix {
        "" => (*path).clone(),
        prefix => {
            // The target of OPTIONS may be an asterisk.
            let path = format!("{prefix}{}", path.as_str().trim_start_matches('*'));
            path.parse().map_err(|_| Unclear(format!("{path:?} is no path")))?
        }
    };
    Ok(outgoing((*method).clone(), Target { host: exchange.host.clone(), path: target }, told, false))
}

/// Whether a server could read the path as one that goes up.
fn has_dots(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment.contains("%2f") || segment.contains("%5c") || matches!(segment.as_str(), "." | "..")
    })
}

pub(super) async fn verdict(answer: Answer, allowed: &[HeaderName]) -> Result<Verdict, Unclear> {
    let status = answer.head.status();
    if status == StatusCode::OK {
        let may = |name: &HeaderName| {
            !is_own(name)
                && if allowed.is_empty() {
                    // What describes the answer's body is no word on the request's.
                    !name.as_str().starts_with("content-")
                } else {
                    allowed.contains(name)
                }
        };
        let mut grant = Grant::default();
        for (name, value) in answer.head.headers().iter().filter(|(name, _)| may(name)) {
            let known = grant.edits.iter().any(|edit| edit.name == *name);
            let action = if known { Action::Append } else { Action::Set };
            grant.edits.push(Edit { name: name.clone(), value: value.clone(), action });
        }
        answer.discard(ANSWER).await;
        return Ok(Verdict::Granted(grant));
    }
    if status.is_server_error() || status.is_informational() {
        return Err(Unclear(format!("status {status}")));
    }
    // A redirect to a page for logging in, a demand for credentials, or no. Another success is no yes, and must not look so.
    let status = if status.is_success() { StatusCode::FORBIDDEN } else { status };
    let headers = to_client(answer.head.headers().clone());
    let body = answer.read(ANSWER).await.map(|(body, _)| body);
    let (headers, body) = body.map_or_else(|| (HeaderMap::new(), Bytes::new()), |body| (headers, body));
    Ok(Verdict::Denied(status, headers, body))
}

#[cfg(test)]
mod tests {
    use super::has_dots;

    #[test]
    fn paths_that_could_go_up_are_seen() {
        for up in ["/..", "/a/../b", "/a/%2e%2E/b", "/a/.%2e", "/a%2f..", "/a\\..\\b", "/./a", "/%5c.."] {
            assert!(has_dots(up), "{up}");
        }
        for fine in ["/", "/a.b/c..d", "/...", "*", "/a//b"] {
            assert!(!has_dots(fine), "{fine}");
        }
    }
}
