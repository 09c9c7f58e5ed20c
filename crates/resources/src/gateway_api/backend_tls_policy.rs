//! BackendTLSPolicy.

use super::LocalObjectReference;
use crate::format::{self, string_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// TLS towards backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicySpec {
    /// The Services (or other backends) of the same namespace, maybe single ports of them.
    #[schemars(length(min = 1, max = 16))]
    pub target_refs: Vec<LocalPolicyTargetReferenceWithSectionName>,
    /// How the backend's certificate is checked.
    pub validation: BackendTlsPolicyValidation,
    /// Options of implementations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, format::AnnotationValue>", extend("maxProperties" = 16))]
    pub options: BTreeMap<String, String>,
}

/// What a policy is for: an object of the same namespace, maybe a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalPolicyTargetReferenceWithSectionName {
    /// Group of the target; empty is the core group.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the target.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the target.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Name of a part: the port name of a Service, the listener of a Gateway. The whole object when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub section_name: Option<String>,
}

/// How a backend's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicyValidation {
    /// ConfigMaps (key `ca.crt`) or Secrets with CA certificates. Exactly one of this and `wellKnownCACertificates`.
    #[serde(rename = "caCertificateRefs", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 8))]
    pub ca_certificate_refs: Vec<LocalObjectReference>,
    /// `System`, or a set of CA certificates with a domain as its prefix.
    #[serde(rename = "wellKnownCACertificates", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::WellKnownCaCertificates>")]
    pub well_known_ca_certificates: Option<String>,
    /// The server name sent, and the name that the certificate must carry unless `subjectAltNames` is set.
    #[schemars(with = "format::PreciseHostname")]
    pub hostname: String,
    /// Names of which the certificate must carry at least one, in place of `hostname`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub subject_alt_names: Vec<SubjectAltName>,
}

/// A subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectAltName {
    /// Which of the two members is set.
    #[serde(rename = "type")]
    pub name_type: SubjectAltNameType,
    /// A DNS name, maybe with `*` as its first label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::Hostname>")]
    pub hostname: Option<String>,
    /// A URI, such as a SPIFFE id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::AbsoluteUri>")]
    pub uri: Option<String>,
}

string_enum! {
    /// Kinds of subject alternative names.
    SubjectAltNameType {
        /// A DNS name.
        Hostname = "Hostname",
        /// A URI.
        Uri = "URI",
    }
}
