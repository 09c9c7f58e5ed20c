//! Certificates of listeners, and the choice among several by name.

use super::client_auth::ClientAuth;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use snapshot::{Certificate, Hostname};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The one provider of cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
}

/// A certificate chain with its key.
pub(crate) struct Identity {
    /// For rustls.
    pub(crate) key: Arc<CertifiedKey>,
    /// DNS names that the certificate bears.
    pub(crate) names: Vec<Hostname>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Why a Secret cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadCertificate {
    /// Path in the Secret.
    pub(crate) field: &'static str,
    /// What is wrong and how to mend it.
    pub(crate) message: String,
}

const CHAIN: &str = "data[tls.crt]";
const KEY: &str = "data[tls.key]";

impl Identity {
    /// Reads PEM; the key must be the certificate's.
    pub(crate) fn new(from: &Certificate) -> Result<Self, BadCertificate> {
        let bad = |field, message| BadCertificate { field, message };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(from.chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| bad(CHAIN, format!("is no PEM: {error}")))?;
        let Some(leaf) = chain.first() else { return Err(bad(CHAIN, "holds no PEM certificate".into())) };
        let names = match X509Certificate::from_der(leaf) {
            Ok((_, certificate)) => names(&certificate),
            Err(error) => return Err(bad(CHAIN, format!("the first certificate cannot be read: {error}"))),
        };
        // rustls's words never quote the key.
        let key = PrivateKeyDer::from_pem_slice(from.key.as_bytes())
            .map_err(|error| bad(KEY, format!("is no PEM private key (PKCS#8, PKCS#1 or SEC1): {error}")))?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => bad(
                KEY,
                "the key does not belong to the first certificate of tls.crt: put the leaf first, or the right key"
                    .into(),
            ),
            error => bad(KEY, format!("the key cannot be used: {error}")),
        })?;
        Ok(Self { key: Arc::new(key), names })
    }
}

/// DNS names of the subjectAltName; of the common name only if there is no such extension (RFC 6125 6.4.4).
fn names(certificate: &X509Certificate<'_>) -> Vec<Hostname> {
    match certificate.subject_alternative_name() {
        Ok(Some(names)) => {
            let dns = |name: &GeneralName<'_>| match name {
                GeneralName::DNSName(name) => Some(Hostname::parse(name)),
                _ => None,
            };
            names.value.general_names.iter().filter_map(dns).collect()
        }
        _ => certificate
            .subject()
            .iter_common_name()
            .filter_map(|name| Some(Hostname::parse(name.as_str().ok()?)))
            .collect(),
    }
}

/// The certificates of one listener.
#[derive(Debug)]
struct ByName(Vec<Arc<Identity>>);

impl ByName {
    /// Certificates that bear the name come first, exact before wildcard; then the rest in their order.
    fn order(&self, server_name: Option<&str>) -> Vec<&Arc<Identity>> {
        let rank = |identity: &&Arc<Identity>| {
            let Some(name) = server_name else { return 2 };
            let bears = |hostname: &Hostname| match hostname {
                Hostname::Exact(exact) => (exact == name).then_some(0),
                // In a certificate the asterisk stands for one label (RFC 6125 6.4.3).
                Hostname::Wildcard(suffix) => {
                    let label = name.strip_suffix(suffix.as_str())?;
                    (!label.is_empty() && !label.contains('.')).then_some(1)
                }
                Hostname::Any => None,
            };
            identity.names.iter().filter_map(bears).min().unwrap_or(2)
        };
        let mut order: Vec<_> = self.0.iter().collect();
        order.sort_by_key(rank);
        let best = order.first().map_or(2, rank);
        order.retain(|identity| rank(identity) == best);
        order
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let order = self.order(name.as_deref());
        // Of equals (say an RSA and an ECDSA certificate) the first one that the client can verify.
        let fits = |identity: &&&Arc<Identity>| identity.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let identity = order.iter().find(fits).or(order.first())?;
        Some(Arc::clone(&identity.key))
    }
}

/// The trust anchors of a PEM bundle; at least one.
pub(crate) fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("the CA certificates are no PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a CA certificate cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("the CA bundle holds no certificate".into()) } else { Ok(roots) }
}

/// What a listener's TLS needs; `tickets` outlives changes of the certificates, so that sessions can be resumed.
pub(crate) fn server_config(
    identities: Vec<Arc<Identity>>,
    http: bool,
    tickets: Arc<dyn rustls::server::ProducesTickets>,
    client_auth: Option<&ClientAuth>,
) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match client_auth {
        None => builder.with_no_client_auth(),
        Some(client_auth) => builder.with_client_cert_verifier(client_auth.verifier()),
    };
    let mut config = builder.with_cert_resolver(Arc::new(ByName(identities)));
    if client_auth.is_none() {
        config.ticketer = tickets;
    } else {
        // A resumed session brings its client's certificate along unchecked: it may have run out, or be of a CA that is not
        // trusted any more, or there was none as none was asked for. So every client shows its certificate each time.
        config.send_tls13_tickets = 0;
    }
    // Stateless tickets make the cache needless, and it would hold memory per client.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    if http {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    Ok(config)
}
