//! Certificates: reads PEM, checks that a key belongs to its certificate, lists the names a certificate covers.

use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use snapshot::{Certificate, ObjectName};
use std::sync::Arc;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A Secret's certificate that loads.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// What the proxy gets.
    pub(crate) certificate: Arc<Certificate>,
    /// DNS names of the leaf, in lower case, maybe with `*` as first label.
    pub(crate) names: Vec<String>,
}

impl Loaded {
    /// Whether the leaf is good for `host` (RFC 6125: `*` stands for exactly one label).
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name.strip_prefix('*') {
            Some(suffix) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && suffix.strip_prefix('.').is_some_and(|suffix| suffix == rest)
            }),
            None => name == host,
        })
    }
}

/// Reads a certificate chain and its key, both PEM. The error says what is wrong, for people.
pub(crate) fn load(name: ObjectName, chain: &[u8], key: &[u8]) -> Result<Loaded, String> {
    let certificates = certificates(chain).map_err(|why| format!("tls.crt {why}"))?;
    let private = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "tls.key holds no PEM private key (PKCS#8, PKCS#1 or SEC1)".to_owned())?;
    let names = dns_names(&certificates[0]).map_err(|why| format!("tls.crt {why}"))?;
    CertifiedKey::from_der(certificates, private, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "tls.key does not belong to the certificate in tls.crt".to_owned(),
        other => format!("the key or certificate cannot be used: {other}"),
    })?;
    let text = |bytes: &[u8], what| String::from_utf8(bytes.to_vec()).map_err(|_| format!("{what} is not PEM text"));
    let certificate = Certificate { name, chain: text(chain, "tls.crt")?, key: text(key, "tls.key")? };
    Ok(Loaded { certificate: Arc::new(certificate), names })
}

/// Checks a PEM bundle of CA certificates: at least one, and every one readable.
pub(crate) fn check_bundle(pem: &[u8]) -> Result<(), String> {
    for certificate in certificates(pem)? {
        X509Certificate::from_der(&certificate).map_err(|_| "holds a certificate that cannot be read".to_owned())?;
    }
    Ok(())
}

/// All certificates of a PEM text; never empty.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| "is not valid PEM".to_owned())?;
    if found.is_empty() { Err("holds no PEM certificate".to_owned()) } else { Ok(found) }
}

fn dns_names(leaf: &CertificateDer<'_>) -> Result<Vec<String>, String> {
    let (_, parsed) =
        X509Certificate::from_der(leaf).map_err(|_| "holds a certificate that cannot be read".to_owned())?;
    let extension = parsed.subject_alternative_name().map_err(|_| "has unreadable subjectAltNames".to_owned())?;
    let names = extension.iter().flat_map(|names| &names.value.general_names);
    Ok(names
        .filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some(dns.to_ascii_lowercase()),
            _ => None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(names: &[&str]) -> (String, String) {
        let key =
            rcgen::generate_simple_self_signed(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
        (key.cert.pem(), key.signing_key.serialize_pem())
    }

    fn object() -> ObjectName {
        ObjectName::new("default", "cert")
    }

    #[test]
    fn a_wildcard_covers_exactly_one_label() {
        let (chain, key) = pair(&["*.Example.com", "example.org"]);
        let loaded = load(object(), chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(loaded.covers("a.example.com") && loaded.covers("example.org"));
        assert!(!loaded.covers("example.com") && !loaded.covers("a.b.example.com") && !loaded.covers("a.example.org"));
    }

    #[test]
    fn what_does_not_load_says_why() {
        let ((chain, key), (_, other)) = (pair(&["a.example"]), pair(&["b.example"]));
        let error = |chain: &str, key: &str| load(object(), chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(error(&chain, &other), "tls.key does not belong to the certificate in tls.crt");
        assert_eq!(error("", &key), "tls.crt holds no PEM certificate");
        assert_eq!(error(&key, &key), "tls.crt holds no PEM certificate");
        assert!(error(&chain, "garbage").starts_with("tls.key holds no PEM private key"));
        assert!(error("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key).starts_with("tls.crt"));
        assert!(check_bundle(chain.as_bytes()).is_ok());
        assert!(check_bundle(b"nothing").is_err());
    }
}
