//! TLS towards backends (BackendTLSPolicy, GEP-1897).

use crate::tls::certificate::{Identity, provider, roots};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::WebPkiSupportedAlgorithms,
    server::ParsedCertificate,
    sign::SingleCertAndKey,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use snapshot::{BackendTls, CaCertificates, SubjectAltName};
use std::sync::{Arc, OnceLock};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Compiled from a [`BackendTls`].
#[derive(Clone, Debug)]
pub(crate) struct ClientTls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
    from: Arc<(BackendTls, Option<Arc<Identity>>)>,
}

impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        let identity = match (&self.from.1, &other.from.1) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        identity && self.server_name == other.server_name && self.from.0 == other.from.0
    }
}

impl ClientTls {
    /// `identity`: the certificate that `client_certificate` names. The error says what is wrong with which field.
    pub(crate) fn new(from: &BackendTls, identity: Option<Arc<Identity>>) -> Result<Self, String> {
        if from.client_certificate.is_some() != identity.is_some() {
            return Err("the client certificate cannot be used".into());
        }
        let server_name = server_name(&from.hostname)?;
        let roots = match &from.ca_certificates {
            CaCertificates::System => system_roots(),
            CaCertificates::Pem(pem) => Arc::new(roots(pem)?),
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if from.subject_alt_names.is_empty() {
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
                .build()
                .map_err(|error| format!("the CA certificates cannot be used: {error}"))?;
            builder.with_webpki_verifier(verifier)
        } else {
            let verifier = AltNameVerifier {
                roots,
                names: from.subject_alt_names.iter().map(AltName::new).collect::<Result<_, _>>()?,
                algorithms: provider().signature_verification_algorithms,
            };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        };
        let config = match &identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.key))))
            }
        };
        Ok(Self { config: Arc::new(config), server_name, from: Arc::new((from.clone(), identity)) })
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(name.to_owned()).map_err(|_| format!("{name:?} is no name that TLS can carry"))
}

/// The system's trust store, read once; unreadable certificates are passed over, as everywhere.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let load = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::warn!("the system's trust store is empty: backends that rely on it cannot be reached");
        }
        Arc::new(roots)
    };
    Arc::clone(ROOTS.get_or_init(load))
}

/// Wants one of several names in place of the one that was sent as SNI (GEP-1897, `subjectAltNames`).
#[derive(Debug)]
struct AltNameVerifier {
    roots: Arc<RootCertStore>,
    names: Vec<AltName>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum AltName {
    Dns(ServerName<'static>),
    Uri(String),
}

impl AltName {
    fn new(from: &SubjectAltName) -> Result<Self, String> {
        Ok(match from {
            SubjectAltName::Hostname(name) => Self::Dns(server_name(name)?),
            SubjectAltName::Uri(uri) => Self::Uri(uri.clone()),
        })
    }
}

impl ServerCertVerifier for AltNameVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        let bears = |name: &AltName| match name {
            AltName::Dns(name) => verify_server_name(&certificate, name).is_ok(),
            AltName::Uri(uri) => bears_uri(end_entity, uri),
        };
        if self.names.iter().any(bears) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn bears_uri(certificate: &CertificateDer<'_>, wanted: &str) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| matches!(name, GeneralName::URI(uri) if *uri == wanted))
}
