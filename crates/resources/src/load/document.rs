//! Files cut into documents, and what one document is.

use super::tree::Node;
use crate::Kind;
use crate::load::shape::closest;

/// One document of a file, and the number of lines before it.
#[derive(Debug, PartialEq)]
pub(super) struct Document<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) lines_before: u32,
}

/// Cuts a file at its document markers (`---` and `...` at the beginning of a line), so that one broken document leaves
/// the others readable. In YAML no scalar may contain such a line, so that this needs no parser. Documents of comments
/// and blanks only are left out.
pub(super) fn split(bytes: &[u8]) -> Vec<Document<'_>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut documents = Vec::new();
    let (mut start, mut start_line) = (0, 0);
    let (mut offset, mut line) = (0, 0);
    let mut push = |from: usize, to: usize, lines_before: u32| {
        let document = Document { bytes: &bytes[from..to], lines_before };
        if !is_blank(document.bytes) {
            documents.push(document);
        }
    };
    for text in bytes.split_inclusive(|b| *b == b'\n') {
        if is_marker(text, b"---") {
            push(start, offset, start_line);
            (start, start_line) = (offset, line);
        } else if is_marker(text, b"...") {
            push(start, offset, start_line);
            (start, start_line) = (offset + text.len(), line + 1);
        }
        offset += text.len();
        line += 1;
    }
    push(start, bytes.len(), start_line);
    documents
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.first().is_none_or(|b| b.is_ascii_whitespace()))
}

fn is_blank(document: &[u8]) -> bool {
    document.split(|b| *b == b'\n').all(|line| {
        let line = if is_marker(line, b"---") { &line[3..] } else { line }.trim_ascii();
        matches!(line.first(), None | Some(b'#' | b'%'))
    })
}

/// What a document or an item of a list says it is.
#[derive(Debug)]
pub(super) enum Identity {
    /// One of our kinds.
    Ours(Kind),
    /// A list of objects.
    List,
    /// Ingress or IngressClass.
    Ingress(String),
    /// A kind that is known and does nothing yet.
    Unserved(String),
    /// Any other kind; maybe one of ours is meant.
    Foreign { what: String, hint: Option<String> },
    /// One of our kinds in a version that does not exist, or in nearly one of its groups.
    UnknownVersion(Kind),
    /// A group of ours, and nearly the name of one of its kinds.
    Misspelt(Kind),
    /// No object at all.
    NotAnObject(&'static str),
}

/// Kinds of Envoy Gateway that ask for something we do not do yet, and that leave nothing open when it is not done.
const UNSERVED: &[&str] = &["HTTPRouteFilter", "BackendTrafficPolicy", "EnvoyExtensionPolicy", "EnvoyPatchPolicy"];

pub(super) fn identify(node: &Node) -> Identity {
    let field = |name: &str| node.get(name).and_then(Node::text);
    let (api_version, kind) = match (field("apiVersion"), field("kind")) {
        (Some(api_version), Some(kind)) => (api_version, kind),
        (None, Some(_)) => return Identity::NotAnObject("apiVersion is missing"),
        (Some(_), None) => return Identity::NotAnObject("kind is missing"),
        (None, None) => return Identity::NotAnObject("apiVersion and kind are missing"),
    };
    if let Some(kind) = Kind::find(api_version, kind) {
        return Identity::Ours(kind);
    }
    if let Some(item) = kind.strip_suffix("List")
        && node.get("items").is_some()
        && (item.is_empty() || Kind::find(api_version, item).is_some())
    {
        return Identity::List;
    }
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    if group == "networking.k8s.io" && matches!(kind, "Ingress" | "IngressClass") {
        return Identity::Ingress(kind.to_owned());
    }
    if let Some(kind) = Kind::find_in_group(group, kind) {
        return Identity::UnknownVersion(kind);
    }
    let what = format!("{kind} ({api_version})");
    if group == crate::ENVOY_GATEWAY_GROUP && UNSERVED.contains(&kind) {
        return Identity::Unserved(what);
    }
    let of_group = || Kind::ALL.iter().copied().filter(|kind| kind.groups().any(|g| g == group));
    // Core has many kinds that are none of our business; only groups of our own can be misspelt.
    if matches!(group, crate::GATEWAY_GROUP | crate::SLUICEGATE_GROUP)
        && let Some(name) = closest(kind, of_group().map(Kind::as_str))
        && let Some(kind) = of_group().find(|kind| kind.as_str() == name)
    {
        return Identity::Misspelt(kind);
    }
    let elsewhere = Kind::ALL.iter().find(|ours| ours.as_str() == kind);
    if let Some(ours) = elsewhere
        && closest(group, ours.groups().filter(|ours| ours.contains('.'))).is_some()
    {
        return Identity::UnknownVersion(*ours);
    }
    let hint = elsewhere.map(|ours| format!("ours is {}", ours.api_versions().join(" or ")));
    Identity::Foreign { what, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_cut_at_markers_and_blank_documents_left_out() {
        let text = b"\xef\xbb\xbf# head\n---\na: 1\n--- # two\nb: |\n  ---x\n  --- y\n...\n\n---\n# nothing\n---\r\n\r\n--- {c: 3}";
        let documents: Vec<(String, u32)> =
            split(text).iter().map(|d| (String::from_utf8_lossy(d.bytes).into_owned(), d.lines_before)).collect();
        assert_eq!(
            documents,
            [
                ("---\na: 1\n".to_owned(), 1),
                ("--- # two\nb: |\n  ---x\n  --- y\n".to_owned(), 3),
                ("--- {c: 3}".to_owned(), 13),
            ]
        );
        assert!(split(b"").is_empty() && split(b"%YAML 1.2\n---\n").is_empty());
    }
}
