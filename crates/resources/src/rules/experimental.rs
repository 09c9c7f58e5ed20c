//! XBackend, XBackendTrafficPolicy, XTelemetryPolicy.

use super::{Report, Validate, bracket, http, is_qualified_name, routes};
use crate::Code;
use crate::gateway_api::{
    AttributeSourceType, BackendTlsPolicyValidation, Duration, Fraction, SubjectAltNameType, TelemetryMode,
    XBackendProtocol, XBackendSpec, XBackendTlsMode, XBackendTrafficPolicySpec, XBackendType, XTelemetryPolicySpec,
};
use std::time::Duration as Time;

const HOUR: Time = Time::from_secs(3600);

impl Validate for XBackendSpec {
    fn check(&self, report: &mut Report) {
        let members = [
            ("externalHostname", XBackendType::ExternalHostname, self.external_hostname.is_some()),
            ("endpointSelector", XBackendType::EndpointSelector, self.endpoint_selector.is_some()),
        ];
        for (name, belongs_to, set) in members {
            if (self.backend_type == belongs_to) != set {
                let message = format!("{name} must be set when type is {belongs_to} and must be unset otherwise");
                report.add(Code::UnionMember, if set { format!("spec.{name}") } else { "spec".into() }, message);
            }
        }
        let hostname = self.external_hostname.as_ref().map(|external| external.hostname.as_str());
        if hostname.is_some_and(|name| name.ends_with(".cluster.local") || name.parse::<std::net::IpAddr>().is_ok()) {
            let message = "hostname must not be an IP address or end with .cluster.local";
            report.add(Code::InvalidHostname, "spec.externalHostname.hostname", message);
        }
        for key in self.endpoint_selector.iter().flat_map(|selector| selector.match_labels.keys()) {
            if !is_qualified_name(key) {
                let message = "Label keys must be in the form of an optional DNS subdomain prefix not longer than 253 \
                               characters followed by a required name segment of up to 63 characters.";
                report.add(Code::InvalidKey, format!("spec.endpointSelector.matchLabels{}", bracket(key)), message);
            }
        }
        let none = self.tls.mode == XBackendTlsMode::None;
        let wrong = match self.protocol {
            Some(XBackendProtocol::H2c) if !none => {
                "tls must be disabled when protocol is H2C, use protocol HTTP2 for HTTP/2 with tls"
            }
            Some(XBackendProtocol::Http2) if none => {
                "tls must be enabled when protocol is HTTP2, use protocol H2C for HTTP/2 without tls"
            }
            Some(XBackendProtocol::Wss) if none => "tls must be enabled when protocol is WSS",
            _ => "",
        };
        if !wrong.is_empty() {
            report.add(Code::UnionMember, "spec.protocol", wrong);
        }
        if let Some(session) = &self.session_persistence {
            if self.backend_type != XBackendType::EndpointSelector {
                let message = "sessionPersistence can only be set when type is EndpointSelector";
                report.add(Code::UnionMember, "spec.sessionPersistence", message);
            }
            http::session_persistence(session, "spec.sessionPersistence", report);
        }
        if (self.tls.mode == XBackendTlsMode::ClientAndServer) != self.tls.client_certificate_ref.is_some() {
            let message = "clientCertificateRef must be set if and only if mode is ClientAndServer";
            report.add(Code::UnionMember, "spec.tls", message);
        }
        if none == self.tls.validation.is_some() {
            let message = "validation must be set if and only if mode is either ClientAndServer or ServerOnly";
            report.add(Code::UnionMember, "spec.tls", message);
        }
        if let Some(validation) = &self.tls.validation {
            tls_validation(validation, "spec.tls.validation", report);
        }
    }
}

/// What a BackendTLSPolicy and an XBackend have in common.
pub(super) fn tls_validation(validation: &BackendTlsPolicyValidation, field: &str, report: &mut Report) {
    match (validation.ca_certificate_refs.is_empty(), &validation.well_known_ca_certificates) {
        (false, Some(_)) => report.add(
            Code::CaCertificates,
            field,
            "must not contain both caCertificateRefs and wellKnownCACertificates",
        ),
        (true, None) => report.add_hint(
            Code::CaCertificates,
            field,
            "must specify either caCertificateRefs or wellKnownCACertificates",
            "for a public CA write wellKnownCACertificates: System",
        ),
        _ => {}
    }
    for (i, name) in validation.subject_alt_names.iter().enumerate() {
        let members = [
            ("hostname", SubjectAltNameType::Hostname.as_str(), name.hostname.is_some()),
            ("uri", SubjectAltNameType::Uri.as_str(), name.uri.is_some()),
        ];
        report.union(&format!("{field}.subjectAltNames[{i}]"), name.name_type.as_str(), &members, "");
    }
}

impl Validate for XBackendTrafficPolicySpec {
    fn check(&self, report: &mut Report) {
        let targets = self.target_refs.iter();
        report.unique(Code::DuplicateName, targets, |i| format!("spec.targetRefs[{i}]"), "targetRefs must differ");
        if let Some(session) = &self.session_persistence {
            http::session_persistence(session, "spec.sessionPersistence", report);
        }
        let Some(constraint) = &self.retry_constraint else { return };
        let interval = constraint.budget.interval.get();
        if interval < Time::from_secs(1) || interval > HOUR {
            let message = "interval cannot be greater than one hour or less than one second";
            report.add(Code::InvalidTimeout, "spec.retryConstraint.budget.interval", message);
        }
        let rate = constraint.min_retry_rate.interval.map(Duration::get);
        if rate.is_some_and(|interval| interval.is_zero() || interval > HOUR) {
            let message = "interval cannot be greater than one hour";
            report.add(Code::InvalidTimeout, "spec.retryConstraint.minRetryRate.interval", message);
        }
    }
}

impl Validate for XTelemetryPolicySpec {
    fn check(&self, report: &mut Report) {
        let Some(tracing) = &self.tracing else {
            report.add(Code::UnionMember, "spec", "at least one of the fields in [tracing] must be set");
            return;
        };
        let enabled = tracing.mode == TelemetryMode::Enabled;
        if enabled != tracing.provider.is_some() {
            let message = "provider is required when mode is Enabled, and must be empty otherwise";
            report.add(Code::UnionMember, "spec.tracing", message);
        }
        let only_enabled = [
            ("samplingRate", tracing.sampling_rate.is_some()),
            ("parentBasedSampling", tracing.parent_based_sampling.is_some()),
            ("serviceName", tracing.service_name.is_some()),
            ("spanName", tracing.span_name.is_some()),
            ("attributes", !tracing.attributes.is_empty()),
        ];
        for (name, set) in only_enabled {
            if set && !enabled {
                let message = format!("{name} can only be set when mode is Enabled");
                report.add(Code::UnionMember, format!("spec.tracing.{name}"), message);
            }
        }
        if let Some(provider) = &tracing.provider {
            routes::backend(&provider.backend_ref, "spec.tracing.provider.backendRef", report);
        }
        fraction(tracing.sampling_rate.as_ref(), "spec.tracing.samplingRate", report);
        if let Some(parent) = &tracing.parent_based_sampling {
            let field = "spec.tracing.parentBasedSampling.samplingRate";
            if parent.sampling_rate.is_some() && parent.mode != TelemetryMode::Enabled {
                report.add(Code::UnionMember, field, "samplingRate can only be set when mode is Enabled");
            }
            fraction(parent.sampling_rate.as_ref(), field, report);
        }
        let names = tracing.attributes.iter().map(|attribute| &attribute.name);
        report.unique(
            Code::DuplicateName,
            names,
            |i| format!("spec.tracing.attributes[{i}].name"),
            "names of attributes must differ",
        );
        for (i, attribute) in tracing.attributes.iter().enumerate() {
            let members = [
                ("headerName", AttributeSourceType::Header, attribute.header_name.is_some()),
                ("literalValue", AttributeSourceType::Literal, attribute.literal_value.is_some()),
                ("attributeKey", AttributeSourceType::Attribute, attribute.attribute_key.is_some()),
            ];
            for (name, belongs_to, set) in members {
                if (attribute.source_type == belongs_to) != set {
                    let message =
                        format!("{name} is required when sourceType is {belongs_to}, and must be empty otherwise");
                    report.add(Code::UnionMember, format!("spec.tracing.attributes[{i}]"), message);
                }
            }
        }
    }
}

fn fraction(fraction: Option<&Fraction>, field: &str, report: &mut Report) {
    if fraction.is_some_and(|fraction| fraction.numerator > fraction.denominator) {
        let message = "numerator must be less than or equal to denominator";
        report.add(Code::InvalidShare, format!("{field}.numerator"), message);
    }
}
