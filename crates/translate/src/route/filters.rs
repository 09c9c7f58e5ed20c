//! Filters of HTTPRoutes, GRPCRoutes and listeners.

use crate::backend::{Backends, Use};
use crate::findings::Problem;
use resources::Code;
use resources::Kind;
use resources::gateway_api::{
    BackendObjectReference, ExternalAuthProtocol, GrpcRouteFilter, GrpcRouteFilterType, HttpCorsFilter,
    HttpExternalAuthFilter, HttpHeader, HttpHeaderFilter, HttpPathModifier, HttpPathModifierType,
    HttpRequestMirrorFilter, HttpRouteFilter, HttpRouteFilterType, LocalObjectReference,
};
use snapshot::{
    AuthProtocol, BackendKey, BackendTarget, Cors, ExternalAuth, HeaderEdit, HttpFilter, Mirror, PathModifier,
    Redirect, UrlRewrite,
};

/// Compiles the filters of one object, and gathers what is wrong with them.
pub(crate) struct Filters<'c, 'a> {
    backends: &'c Backends<'a>,
    /// Kind and namespace of the object.
    from: (Kind, &'c str),
    /// Why what has the filters cannot be served.
    pub(crate) problems: Vec<Problem>,
    /// References that do not resolve.
    pub(crate) ref_problems: Vec<Problem>,
    /// Remarks that change no condition.
    pub(crate) warnings: Vec<Problem>,
}

impl<'c, 'a> Filters<'c, 'a> {
    /// None yet.
    pub(crate) fn new(backends: &'c Backends<'a>, from: (Kind, &'c str)) -> Self {
        Self { backends, from, problems: Vec::new(), ref_problems: Vec::new(), warnings: Vec::new() }
    }

    /// Filters of a rule or a backendRef of an HTTPRoute; `path`: of what has them.
    pub(crate) fn http(&mut self, filters: &[HttpRouteFilter], path: &str) -> Vec<HttpFilter> {
        let mut compiled = Vec::with_capacity(filters.len());
        for (i, filter) in filters.iter().enumerate() {
            compiled.extend(self.http_filter(filter, &format!("{path}.filters[{i}]")));
        }
        let has = |wanted: fn(&HttpFilter) -> bool| compiled.iter().any(wanted);
        if has(|f| matches!(f, HttpFilter::Redirect(_))) && has(|f| matches!(f, HttpFilter::UrlRewrite(_))) {
            let message = "RequestRedirect and URLRewrite exclude each other";
            let (path, hint) = (format!("{path}.filters"), "remove one of them");
            self.problems.push(Problem::new("IncompatibleFilters", Code::FilterConflict, path, message, hint));
        }
        compiled
    }

    /// As [`Filters::http`], of a GRPCRoute.
    pub(crate) fn grpc(&mut self, filters: &[GrpcRouteFilter], path: &str) -> Vec<HttpFilter> {
        let mut compiled = Vec::with_capacity(filters.len());
        for (i, filter) in filters.iter().enumerate() {
            let path = format!("{path}.filters[{i}]");
            let settings = match filter.filter_type {
                GrpcRouteFilterType::RequestHeaderModifier => filter
                    .request_header_modifier
                    .as_ref()
                    .map(|edit| Some(HttpFilter::RequestHeaders(header_edit(edit)))),
                GrpcRouteFilterType::ResponseHeaderModifier => filter
                    .response_header_modifier
                    .as_ref()
                    .map(|edit| Some(HttpFilter::ResponseHeaders(header_edit(edit)))),
                GrpcRouteFilterType::RequestMirror => {
                    filter.request_mirror.as_ref().map(|settings| self.mirror(settings, &path))
                }
                GrpcRouteFilterType::ExtensionRef => {
                    filter.extension_ref.as_ref().map(|reference| self.extension(reference, &path))
                }
            };
            match settings {
                Some(filter) => compiled.extend(filter),
                None => self.no_settings(&path, filter.filter_type.as_str()),
            }
        }
        compiled
    }

    fn http_filter(&mut self, filter: &HttpRouteFilter, path: &str) -> Option<HttpFilter> {
        let compiled = match filter.filter_type {
            HttpRouteFilterType::RequestHeaderModifier => {
                filter.request_header_modifier.as_ref().map(|edit| Some(HttpFilter::RequestHeaders(header_edit(edit))))
            }
            HttpRouteFilterType::ResponseHeaderModifier => filter
                .response_header_modifier
                .as_ref()
                .map(|edit| Some(HttpFilter::ResponseHeaders(header_edit(edit)))),
            HttpRouteFilterType::RequestRedirect => filter.request_redirect.as_ref().map(|redirect| {
                Some(HttpFilter::Redirect(Redirect {
                    scheme: redirect.scheme.map(|scheme| scheme.as_str().to_owned()),
                    hostname: redirect.hostname.clone(),
                    path: redirect.path.as_ref().and_then(path_modifier),
                    port: redirect.port,
                    status: redirect.status_code,
                }))
            }),
            HttpRouteFilterType::UrlRewrite => filter.url_rewrite.as_ref().map(|rewrite| {
                Some(HttpFilter::UrlRewrite(UrlRewrite {
                    hostname: rewrite.hostname.clone(),
                    path: rewrite.path.as_ref().and_then(path_modifier),
                }))
            }),
            HttpRouteFilterType::RequestMirror => {
                filter.request_mirror.as_ref().map(|settings| self.mirror(settings, path))
            }
            HttpRouteFilterType::Cors => filter.cors.as_ref().map(|settings| Some(HttpFilter::Cors(cors(settings)))),
            HttpRouteFilterType::ExternalAuth => filter
                .external_auth
                .as_ref()
                .map(|settings| self.external_auth(settings, path).map(HttpFilter::ExternalAuth)),
            HttpRouteFilterType::ExtensionRef => {
                filter.extension_ref.as_ref().map(|reference| self.extension(reference, path))
            }
        };
        compiled.unwrap_or_else(|| {
            self.no_settings(path, filter.filter_type.as_str());
            None
        })
    }

    /// The member that `type` names is not there.
    pub(crate) fn no_settings(&mut self, path: &str, filter: &str) {
        let message = format!("the settings of {filter} are missing");
        self.problems.push(Problem::unsupported(path, message, "add them"));
    }

    /// No kind is served as a filter: what has it is answered with 500.
    pub(crate) fn extension<T>(&mut self, reference: &LocalObjectReference, path: &str) -> Option<T> {
        let message = format!("kind {} of group {:?} is not served as a filter", reference.kind, reference.group);
        let (path, hint) = (format!("{path}.extensionRef"), "remove the filter; until then the answer is 500");
        let problem = Problem::new("InvalidKind", Code::InvalidKind, path, message, hint);
        // A reference to a kind that is not served is both.
        self.problems.push(Problem { reason: "UnsupportedValue", ..problem.clone() });
        self.ref_problems.push(problem);
        None
    }

    fn resolve(&mut self, reference: &BackendObjectReference, path: &str) -> Result<BackendKey, String> {
        let (kind, namespace) = self.from;
        match self.backends.resolve(kind, namespace, reference.into(), path, Use::Http) {
            Ok((key, remarks)) => {
                self.warnings.extend(remarks);
                Ok(key)
            }
            Err(problem) => {
                let why = problem.to_string();
                self.ref_problems.push(problem);
                Err(why)
            }
        }
    }

    /// A mirror whose backend does not resolve is dropped, and the requests go on (`HTTPRequestMirrorFilter.backendRef`).
    fn mirror(&mut self, written: &HttpRequestMirrorFilter, path: &str) -> Option<HttpFilter> {
        let path = format!("{path}.requestMirror");
        let share = match (written.percent, &written.fraction) {
            (Some(percent), _) => (percent, 100),
            (None, Some(fraction)) => (fraction.numerator, fraction.denominator),
            (None, None) => (1, 1),
        };
        if share.1 == 0 || share.0 > share.1 {
            let message = format!("{} of {} is no share", share.0, share.1);
            self.problems.push(Problem::unsupported(
                path,
                message,
                "write at most 100 percent, or a fraction of at most 1",
            ));
            return None;
        }
        let backend = self.resolve(&written.backend_ref, &format!("{path}.backendRef")).ok()?;
        Some(HttpFilter::Mirror(Mirror { backend, share }))
    }

    /// A service that does not resolve lets nothing pass.
    pub(crate) fn external_auth(&mut self, written: &HttpExternalAuthFilter, path: &str) -> Option<ExternalAuth> {
        let path = format!("{path}.externalAuth");
        let before = self.problems.len();
        let protocol = match (written.protocol, &written.grpc, &written.http) {
            (ExternalAuthProtocol::Grpc, Some(grpc), _) => {
                let request_headers = self.names(&grpc.allowed_request_headers, &format!("{path}.grpc.allowedHeaders"));
                AuthProtocol::Grpc { request_headers }
            }
            (ExternalAuthProtocol::Http, _, Some(http)) => {
                let path = format!("{path}.http");
                let prefix = http.path.as_deref().unwrap_or_default();
                if !is_clean(prefix) {
                    let message =
                        format!("{prefix:?} is no prefix of paths: an empty, dot or encoded segment is in it");
                    let hint = "write it without //, /./, /../ and %2F";
                    self.problems.push(Problem::unsupported(format!("{path}.path"), message, hint));
                }
                let prefix = prefix.trim_matches('/');
                AuthProtocol::Http {
                    path: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
                    request_headers: self.names(&http.allowed_request_headers, &format!("{path}.allowedHeaders")),
                    response_headers: self
                        .names(&http.allowed_response_headers, &format!("{path}.allowedResponseHeaders")),
                }
            }
            (protocol, ..) => {
                let field = protocol.as_str().to_ascii_lowercase();
                let message = format!("protocol {protocol} needs the settings {field}");
                self.problems.push(Problem::unsupported(&*path, message, format!("add {field}: {{}}")));
                return None;
            }
        };
        let backend = match self.resolve(&written.backend_ref, &format!("{path}.backendRef")) {
            Ok(key) => BackendTarget::Backend(key),
            Err(why) => BackendTarget::Invalid(why),
        };
        let max_body = written.forward_body.as_ref().and_then(|body| body.max_size).unwrap_or_default();
        (self.problems.len() == before).then_some(ExternalAuth { backend, protocol, max_body })
    }

    /// Names of headers, in lower case.
    fn names(&mut self, written: &[String], path: &str) -> Vec<String> {
        for (i, name) in written.iter().enumerate() {
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) {
                let message = format!("{name:?} is no name of a header");
                self.problems.push(Problem::unsupported(format!("{path}[{i}]"), message, "use letters, digits and -"));
            }
        }
        written.iter().map(|name| name.to_ascii_lowercase()).collect()
    }
}

/// Whether servers agree on what a prefix of a path means.
fn is_clean(prefix: &str) -> bool {
    let encoded = prefix.to_ascii_lowercase();
    !prefix.contains("//")
        && prefix.split('/').all(|segment| segment != "." && segment != "..")
        && !encoded.contains("%2f")
        && !encoded.contains("%2e")
}

fn cors(written: &HttpCorsFilter) -> Cors {
    Cors {
        allow_origins: written.allow_origins.clone(),
        allow_credentials: written.allow_credentials.unwrap_or_default(),
        allow_methods: written.allow_methods.clone(),
        allow_headers: written.allow_headers.clone(),
        expose_headers: written.expose_headers.clone(),
        max_age: written.max_age,
    }
}

fn header_edit(written: &HttpHeaderFilter) -> HeaderEdit {
    let lower = |headers: &[HttpHeader]| {
        headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.clone())).collect()
    };
    HeaderEdit {
        set: lower(&written.set),
        add: lower(&written.add),
        remove: written.remove.iter().map(|name| name.to_ascii_lowercase()).collect(),
    }
}

fn path_modifier(written: &HttpPathModifier) -> Option<PathModifier> {
    match written.modifier_type {
        HttpPathModifierType::ReplaceFullPath => written.replace_full_path.clone().map(PathModifier::Full),
        HttpPathModifierType::ReplacePrefixMatch => written.replace_prefix_match.clone().map(PathModifier::Prefix),
    }
}
