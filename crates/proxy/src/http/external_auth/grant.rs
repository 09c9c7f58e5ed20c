//! What an authorization service adds to a request that it lets pass, and to the answer.

use super::is_own;
use crate::http::message;
use http::{HeaderMap, HeaderName, HeaderValue, uri::PathAndQuery};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Changes that a service asks for.
#[derive(Debug, Default)]
pub(in crate::http) struct Grant {
    pub(super) remove: Vec<HeaderName>,
    pub(super) edits: Vec<Edit>,
    /// Of the answer.
    pub(super) response: Vec<Edit>,
    pub(super) query_set: Vec<(String, String)>,
    pub(super) query_remove: Vec<String>,
}

/// A change of one header.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    pub(super) action: Action,
}

/// `HeaderValueOption.HeaderAppendAction`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Append,
    AddIfAbsent,
    Set,
    SetIfPresent,
}

impl Edit {
    fn apply(&self, headers: &mut HeaderMap) {
        let (name, value) = (&self.name, self.value.clone());
        match self.action {
            Action::Append => drop(headers.append(name, value)),
            Action::AddIfAbsent if headers.contains_key(name) => {}
            Action::SetIfPresent if !headers.contains_key(name) => {}
            Action::AddIfAbsent | Action::Set | Action::SetIfPresent => drop(headers.insert(name, value)),
        }
    }
}

impl Grant {
    /// Changes the request: neither whom it is for, nor where it ends (GEP-5224, "Listener Match Invariance").
    pub(in crate::http) fn apply(&self, headers: &mut HeaderMap, path: &mut PathAndQuery) {
        let edits = || self.edits.iter().filter(|edit| !is_own(&edit.name));
        // Some origins take a name with an underscore for the one with a dash: what the client says must not stand beside it.
        let changed = || edits().map(|edit| &edit.name).chain(&self.remove);
        if changed().next().is_some() {
            message::remove_aliases(headers, |name| {
                changed().any(|changed| changed != name && message::is_alias(name, changed))
            });
        }
        for name in self.remove.iter().filter(|name| !is_own(name)) {
            headers.remove(name);
        }
        for edit in edits() {
            edit.apply(headers);
        }
        if !(self.query_set.is_empty() && self.query_remove.is_empty())
            && let Some(changed) = self.query(path)
        {
            *path = changed;
        }
    }

    fn query(&self, path: &PathAndQuery) -> Option<PathAndQuery> {
        let name = |pair: &str| {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        let gone =
            |name: &String| self.query_remove.contains(name) || self.query_set.iter().any(|(set, _)| set == name);
        let kept = path.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !gone(&name(pair)));
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let set = self.query_set.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let query: Vec<String> = kept.map(str::to_owned).chain(set).collect();
        let path = path.path();
        if query.is_empty() { path.parse().ok() } else { format!("{path}?{}", query.join("&")).parse().ok() }
    }

    /// Changes the answer.
    pub(in crate::http) fn apply_to_response(&self, headers: &mut HeaderMap) {
        for edit in self.response.iter().filter(|edit| !is_own(&edit.name)) {
            edit.apply(headers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_changes_headers_and_query_but_neither_host_nor_length() {
        let edit = |name: &'static str, value: &'static str, action| Edit {
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
            action,
        };
        let grant = Grant {
            remove: vec![HeaderName::from_static("authorization"), HeaderName::from_static("content-length")],
            edits: vec![
                edit("x-user", "alice", Action::Set),
                edit("x-role", "b", Action::Append),
                edit("x-present", "new", Action::SetIfPresent),
                edit("x-absent", "new", Action::SetIfPresent),
                edit("x-given", "new", Action::AddIfAbsent),
                edit("host", "evil", Action::Set),
                edit("transfer-encoding", "chunked", Action::Set),
            ],
            query_set: vec![("user".into(), "a b".into())],
            query_remove: vec!["to ken".into()],
            ..Grant::default()
        };
        let sent = [
            ("authorization", "secret"),
            ("content-length", "3"),
            ("x-user", "mallory"),
            ("x_user", "mallory"),
            ("x-role", "a"),
            ("x-present", "old"),
            ("x-given", "old"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name, HeaderValue::from_static(value));
        }
        let mut path = PathAndQuery::from_static("/p?user=x&a=b&to%20ken=1&to+ken=2");
        grant.apply(&mut headers, &mut path);
        assert_eq!(path.as_str(), "/p?a=b&user=a%20b");
        let get = |name: &str| {
            headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(",")
        };
        let names = [
            "authorization",
            "content-length",
            "x-user",
            "x_user",
            "x-role",
            "x-present",
            "x-absent",
            "x-given",
            "host",
            "transfer-encoding",
        ];
        assert_eq!(names.map(get), ["", "3", "alice", "", "a,b", "new", "", "old", "", ""]);
    }
}
