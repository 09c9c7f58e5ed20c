//! HTTPRoute and the filters that other kinds borrow from it.

use super::{Report, Validate, routes};
use crate::Code;
use crate::format::PATH;
use crate::gateway_api::{
    CookieLifetimeType, ExternalAuthProtocol, HttpCorsFilter, HttpExternalAuthFilter, HttpHeaderFilter, HttpPathMatch,
    HttpPathModifier, HttpPathModifierType, HttpRequestMirrorFilter, HttpRouteFilter, HttpRouteFilterType,
    HttpRouteMatch, HttpRouteRule, HttpRouteSpec, PathMatchType, SessionPersistence,
};
use regex::Regex;
use std::sync::LazyLock;

pub(super) const DUPLICATE_NAME: &str = "names must be unique within the list";

impl Validate for HttpRouteSpec {
    fn check(&self, report: &mut Report) {
        routes::parent_refs(&self.parent_refs, report);
        routes::hostnames(&self.hostnames, report);
        let names = self.rules.iter().map(|rule| rule.name.as_deref());
        rule_names(names, self.rules.iter().map(|rule| rule.matches.len()).sum(), report);
        for (i, rule) in self.rules.iter().enumerate() {
            check_rule(rule, &format!("spec.rules[{i}]"), report);
        }
    }
}

/// Names of rules differ; there are at most 128 matches.
pub(super) fn rule_names<'a>(names: impl Iterator<Item = Option<&'a str>>, matches: usize, report: &mut Report) {
    let mut seen = Vec::new();
    for (i, name) in names.enumerate() {
        if let Some(name) = name {
            if seen.contains(&name) {
                let message = "Rule name must be unique within the route";
                report.add(Code::DuplicateName, format!("spec.rules[{i}].name"), message);
            }
            seen.push(name);
        }
    }
    if matches > 128 {
        let message =
            format!("the total number of matches across all rules in a route must be at most 128, found {matches}");
        report.add(Code::TooManyMatches, "spec.rules", message);
    }
}

fn check_rule(rule: &HttpRouteRule, field: &str, report: &mut Report) {
    for (i, matching) in rule.matches.iter().enumerate() {
        check_match(matching, &format!("{field}.matches[{i}]"), report);
    }
    filters(&rule.filters, &format!("{field}.filters"), report);
    prefix_match(&rule.filters, rule, &format!("{field}.filters"), report);
    if !rule.backend_refs.is_empty()
        && let Some(i) = rule.filters.iter().position(|filter| filter.request_redirect.is_some())
    {
        let message = "RequestRedirect filter must not be used together with backendRefs";
        report.add(Code::FilterConflict, format!("{field}.filters[{i}]"), message);
    }
    for (i, reference) in rule.backend_refs.iter().enumerate() {
        let field = format!("{field}.backendRefs[{i}]");
        routes::backend(&reference.backend.object, &field, report);
        filters(&reference.filters, &format!("{field}.filters"), report);
        prefix_match(&reference.filters, rule, &format!("{field}.filters"), report);
    }
    if let Some(timeouts) = &rule.timeouts
        && let (Some(request), Some(backend)) = (timeouts.request, timeouts.backend_request)
        && !request.is_zero()
        && backend > request
    {
        let message = "backendRequest timeout cannot be longer than request timeout";
        report.add(Code::InvalidTimeout, format!("{field}.timeouts.backendRequest"), message);
    }
    if let Some(session) = &rule.session_persistence {
        session_persistence(session, &format!("{field}.sessionPersistence"), report);
    }
}

fn check_match(matching: &HttpRouteMatch, field: &str, report: &mut Report) {
    path(&matching.path, &format!("{field}.path"), report);
    let headers = matching.headers.iter().map(|header| &header.name);
    report.unique(Code::DuplicateName, headers, |i| format!("{field}.headers[{i}].name"), DUPLICATE_NAME);
    let params = matching.query_params.iter().map(|param| &param.name);
    report.unique(Code::DuplicateName, params, |i| format!("{field}.queryParams[{i}].name"), DUPLICATE_NAME);
}

static PATH_CHARACTERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PATH).ok());

fn path(path: &HttpPathMatch, field: &str, report: &mut Report) {
    if path.match_type == PathMatchType::RegularExpression {
        return;
    }
    let field = format!("{field}.value");
    let value = path.value.as_str();
    let types = "when type one of ['Exact', 'PathPrefix']";
    if !value.starts_with('/') {
        let message = format!("value must be an absolute path and start with '/' {types}, found {value:?}");
        report.add_hint(Code::InvalidPath, field.as_str(), message, format!("write \"/{value}\""));
    }
    for forbidden in ["//", "/./", "/../", "%2f", "%2F", "#"] {
        if value.contains(forbidden) {
            report.add(Code::InvalidPath, field.as_str(), format!("must not contain '{forbidden}' {types}"));
        }
    }
    for forbidden in ["/..", "/."] {
        if value.ends_with(forbidden) {
            report.add(Code::InvalidPath, field.as_str(), format!("must not end with '{forbidden}' {types}"));
        }
    }
    if !value.contains('#') && !super::is(&PATH_CHARACTERS, value) {
        let message = format!("{value:?} must only contain valid characters for types ['Exact', 'PathPrefix']");
        report.add_hint(Code::InvalidPath, field, message, "escape other characters as %XX");
    }
}

/// Adds a violation for every type of `once` that stands a second time.
pub(super) fn repeated<'a>(types: impl Iterator<Item = &'a str>, once: &[&str], field: &str, report: &mut Report) {
    let mut seen = Vec::new();
    for (i, name) in types.enumerate() {
        if once.contains(&name) && seen.contains(&name) {
            report.add(Code::RepeatedFilter, format!("{field}[{i}]"), format!("{name} filter cannot be repeated"));
        }
        seen.push(name);
    }
}

fn filters(filters: &[HttpRouteFilter], field: &str, report: &mut Report) {
    use HttpRouteFilterType as Type;
    let has = |wanted: Type| filters.iter().any(|filter| filter.filter_type == wanted);
    if has(Type::RequestRedirect) && has(Type::UrlRewrite) {
        report.add(Code::FilterConflict, field, "May specify either RequestRedirect or URLRewrite, but not both");
    }
    let once = [
        Type::Cors.as_str(),
        Type::RequestHeaderModifier.as_str(),
        Type::ResponseHeaderModifier.as_str(),
        Type::RequestRedirect.as_str(),
        Type::UrlRewrite.as_str(),
    ];
    repeated(filters.iter().map(|filter| filter.filter_type.as_str()), &once, field, report);
    for (i, filter) in filters.iter().enumerate() {
        check_filter(filter, &format!("{field}[{i}]"), report);
    }
}

fn check_filter(filter: &HttpRouteFilter, field: &str, report: &mut Report) {
    use HttpRouteFilterType as Type;
    let members = [
        ("requestHeaderModifier", Type::RequestHeaderModifier.as_str(), filter.request_header_modifier.is_some()),
        ("responseHeaderModifier", Type::ResponseHeaderModifier.as_str(), filter.response_header_modifier.is_some()),
        ("requestMirror", Type::RequestMirror.as_str(), filter.request_mirror.is_some()),
        ("requestRedirect", Type::RequestRedirect.as_str(), filter.request_redirect.is_some()),
        ("urlRewrite", Type::UrlRewrite.as_str(), filter.url_rewrite.is_some()),
        ("cors", Type::Cors.as_str(), filter.cors.is_some()),
        ("externalAuth", Type::ExternalAuth.as_str(), filter.external_auth.is_some()),
        ("extensionRef", Type::ExtensionRef.as_str(), filter.extension_ref.is_some()),
    ];
    report.union(field, filter.filter_type.as_str(), &members, "filter.");
    header_filter(filter.request_header_modifier.as_ref(), field, "requestHeaderModifier", report);
    header_filter(filter.response_header_modifier.as_ref(), field, "responseHeaderModifier", report);
    if let Some(filter) = &filter.request_mirror {
        mirror(filter, &format!("{field}.requestMirror"), report);
    }
    if let Some(path) = filter.request_redirect.as_ref().and_then(|redirect| redirect.path.as_ref()) {
        path_modifier(path, &format!("{field}.requestRedirect.path"), report);
    }
    if let Some(path) = filter.url_rewrite.as_ref().and_then(|rewrite| rewrite.path.as_ref()) {
        path_modifier(path, &format!("{field}.urlRewrite.path"), report);
    }
    if let Some(filter) = &filter.cors {
        cors(filter, &format!("{field}.cors"), report);
    }
    if let Some(filter) = &filter.external_auth {
        external_auth(filter, &format!("{field}.externalAuth"), report);
    }
}

/// A replaced prefix is the one that the rule's only match names.
fn prefix_match(filters: &[HttpRouteFilter], rule: &HttpRouteRule, field: &str, report: &mut Report) {
    let replaces = |path: Option<&HttpPathModifier>| path.is_some_and(|path| path.replace_prefix_match.is_some());
    let one_prefix = matches!(rule.matches.as_slice(), [only] if only.path.match_type == PathMatchType::PathPrefix);
    for (i, filter) in filters.iter().enumerate().filter(|_| !one_prefix) {
        let redirect = filter.request_redirect.as_ref().and_then(|redirect| redirect.path.as_ref());
        let rewrite = filter.url_rewrite.as_ref().and_then(|rewrite| rewrite.path.as_ref());
        for (name, member, path) in
            [("RequestRedirect", "requestRedirect", redirect), ("URLRewrite", "urlRewrite", rewrite)]
        {
            if replaces(path) {
                let message = format!(
                    "When using {name} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified"
                );
                report.add(Code::FilterConflict, format!("{field}[{i}].{member}.path.replacePrefixMatch"), message);
            }
        }
    }
}

pub(super) fn header_filter(filter: Option<&HttpHeaderFilter>, field: &str, member: &str, report: &mut Report) {
    let Some(filter) = filter else { return };
    for (list, headers) in [("set", &filter.set), ("add", &filter.add)] {
        let names = headers.iter().map(|header| &header.name);
        report.unique(Code::DuplicateName, names, |i| format!("{field}.{member}.{list}[{i}].name"), DUPLICATE_NAME);
    }
}

pub(super) fn mirror(filter: &HttpRequestMirrorFilter, field: &str, report: &mut Report) {
    routes::backend(&filter.backend_ref, &format!("{field}.backendRef"), report);
    if filter.percent.is_some() && filter.fraction.is_some() {
        let message = "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter";
        report.add(Code::InvalidShare, field, message);
    }
    if filter.fraction.as_ref().is_some_and(|fraction| fraction.numerator > fraction.denominator) {
        let message = "numerator must be less than or equal to denominator";
        report.add(Code::InvalidShare, format!("{field}.fraction.numerator"), message);
    }
}

fn path_modifier(path: &HttpPathModifier, field: &str, report: &mut Report) {
    let full = HttpPathModifierType::ReplaceFullPath.as_str();
    let prefix = HttpPathModifierType::ReplacePrefixMatch.as_str();
    let members = [
        ("replaceFullPath", full, path.replace_full_path.is_some()),
        ("replacePrefixMatch", prefix, path.replace_prefix_match.is_some()),
    ];
    report.union(field, path.modifier_type.as_str(), &members, "");
}

fn cors(filter: &HttpCorsFilter, field: &str, report: &mut Report) {
    for (name, values) in [
        ("allowOrigins", &filter.allow_origins),
        ("allowMethods", &filter.allow_methods),
        ("allowHeaders", &filter.allow_headers),
    ] {
        if values.len() > 1 && values.iter().any(|value| value == "*") {
            let message = format!("{name} cannot contain '*' alongside others");
            report.add(Code::WildcardNotAlone, format!("{field}.{name}"), message);
        }
    }
}

pub(super) fn external_auth(filter: &HttpExternalAuthFilter, field: &str, report: &mut Report) {
    routes::backend(&filter.backend_ref, &format!("{field}.backendRef"), report);
    let members = [
        ("grpc", ExternalAuthProtocol::Grpc.as_str(), filter.grpc.is_some()),
        ("http", ExternalAuthProtocol::Http.as_str(), filter.http.is_some()),
    ];
    for (name, belongs_to, set) in members {
        match (belongs_to == filter.protocol.as_str(), set) {
            (true, false) => {
                let message = format!("{name} must be specified when protocol is set to '{belongs_to}'");
                report.add_hint(Code::UnionMember, field, message, format!("add {name}: {{}}"));
            }
            (false, true) => {
                let message = format!("protocol must be '{belongs_to}' when {name} is set");
                report.add(Code::UnionMember, format!("{field}.{name}"), message);
            }
            _ => {}
        }
    }
}

pub(super) fn session_persistence(session: &SessionPersistence, field: &str, report: &mut Report) {
    for (name, belongs_to, set) in
        [("cookie", "Cookie", session.cookie.is_some()), ("header", "Header", session.header.is_some())]
    {
        match (belongs_to == session.session_type.as_str(), set) {
            (true, false) => {
                let message = format!("{name} must be specified for {belongs_to} type");
                report.add_hint(Code::UnionMember, field, message, format!("add {name}: {{name: NAME}}"));
            }
            (false, true) => {
                let message = format!("{name} must be nil if type is not {belongs_to}");
                report.add(Code::UnionMember, format!("{field}.{name}"), message);
            }
            _ => {}
        }
    }
    let permanent = session.cookie.as_ref().is_some_and(|c| c.lifetime_type == CookieLifetimeType::Permanent);
    if permanent && session.absolute_timeout.is_none() {
        let message = "AbsoluteTimeout must be specified when cookie lifetimeType is Permanent";
        report.add_hint(Code::InvalidTimeout, field, message, "add absoluteTimeout: 24h");
    }
}
