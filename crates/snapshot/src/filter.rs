//! Filters of HTTP requests that do more than edit a header.

use crate::{BackendKey, BackendTarget, HttpFilter, HttpRule};
use serde::{Deserialize, Serialize};

/// `RequestMirror`: copies of requests go to another backend, whose answers are dropped. A mirror whose backend does not resolve
/// is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Who gets the copies.
    pub backend: BackendKey,
    /// How many of the requests, and of how many: `percent` or `fraction`; all if neither is set. At most one, never of 0.
    pub share: (u32, u32),
}

/// `CORS` (GEP-1767).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// `*`, or `scheme://host[:port]`, whose host may be `*` or begin with `*.`. Empty: none.
    pub allow_origins: Vec<String>,
    /// Whether credentials may be sent.
    pub allow_credentials: bool,
    /// `*`, or methods.
    pub allow_methods: Vec<String>,
    /// `*`, or names.
    pub allow_headers: Vec<String>,
    /// `*`, or names.
    pub expose_headers: Vec<String>,
    /// Seconds.
    pub max_age: u32,
}

/// `ExternalAuth` (GEP-1494): another service says whether a request may pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAuth {
    /// Who is asked. If it does not resolve no request passes.
    pub backend: BackendTarget,
    /// How it is asked.
    pub protocol: AuthProtocol,
    /// Bytes of the body that are sent along; requests with more are refused. 0: no body is sent.
    pub max_body: u32,
}

/// How an authorization service is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthProtocol {
    /// `envoy.service.auth.v3.Authorization/Check`.
    Grpc {
        /// Headers of the request that are told, in lower case; empty: all.
        request_headers: Vec<String>,
    },
    /// An HTTP request, which passes if it is answered with 200.
    Http {
        /// What stands before the path.
        path: String,
        /// Headers of the request that are sent beside `Host` and `Authorization`, in lower case.
        request_headers: Vec<String>,
        /// Headers of the answer that the backend gets, in lower case; empty: all.
        response_headers: Vec<String>,
    },
}

impl HttpFilter {
    /// The backend that the filter itself talks to.
    pub fn backend(&self) -> Option<&BackendKey> {
        match self {
            Self::Mirror(mirror) => Some(&mirror.backend),
            Self::ExternalAuth(auth) => auth.backend.key(),
            Self::RequestHeaders(_)
            | Self::ResponseHeaders(_)
            | Self::Redirect(_)
            | Self::UrlRewrite(_)
            | Self::Cors(_) => None,
        }
    }
}

impl BackendTarget {
    /// The backend, if it resolves.
    pub fn key(&self) -> Option<&BackendKey> {
        match self {
            Self::Backend(key) => Some(key),
            Self::Invalid(_) => None,
        }
    }
}

impl HttpRule {
    /// Every backend that a request of this rule may reach: of `backendRefs` and of filters.
    pub fn reached(&self) -> impl Iterator<Item = &BackendKey> + Clone {
        let filters = self.filters.iter().chain(self.backends.iter().flat_map(|backend| &backend.filters));
        self.backends.iter().filter_map(|backend| backend.target.key()).chain(filters.filter_map(HttpFilter::backend))
    }
}
