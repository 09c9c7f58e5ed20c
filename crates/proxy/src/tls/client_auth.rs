//! Validation of client certificates (GEP-91): by whom they must be signed, and what becomes of clients without one.

use super::certificate::{provider, roots};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, UnixTime};
use snapshot::ClientValidation;
use std::{fmt::Write, sync::Arc};
use x509_parser::{
    der_parser::asn1_rs::{Any, Oid, Tag, ToDer},
    prelude::{FromDer, X509Certificate, X509Name},
};

/// A subject longer than this, in bytes, is nobody's name: it would stand in every line of the access log.
const LONGEST_SUBJECT: usize = 2 << 10;

/// Compiled from a [`ClientValidation`].
#[derive(Debug)]
pub(crate) struct ClientAuth {
    from: ClientValidation,
    valid: Arc<dyn ClientCertVerifier>,
}

impl ClientAuth {
    /// The error says why nobody could be let in.
    pub(crate) fn new(from: &ClientValidation) -> Result<Self, String> {
        let roots = Arc::new(roots(&from.ca_certificates)?);
        let valid = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .build()
            .map_err(|error| format!("the CA certificates cannot be used: {error}"))?;
        Ok(Self { from: from.clone(), valid })
    }

    /// What it was compiled from.
    pub(crate) fn from(&self) -> &ClientValidation {
        &self.from
    }

    /// For the TLS handshake.
    pub(crate) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        let valid = Arc::clone(&self.valid);
        if self.from.insecure_fallback { Arc::new(Fallback(valid)) } else { valid }
    }

    /// Subject of a client's certificate as RFC 2253 writes it, if it is a valid one. `chain`: leaf first, as the client
    /// has sent it and proven in the handshake that it has the key.
    pub(crate) fn subject(&self, chain: Option<&[CertificateDer<'_>]>) -> Option<Arc<str>> {
        let (leaf, intermediates) = chain?.split_first()?;
        // Without the fallback nobody else has come so far.
        if self.from.insecure_fallback {
            self.valid.verify_client_cert(leaf, intermediates, UnixTime::now()).ok()?;
        }
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let subject = rfc2253(certificate.subject())?;
        (!subject.is_empty() && subject.len() <= LONGEST_SUBJECT).then(|| subject.into())
    }
}

/// `AllowInsecureFallback`: asks for a certificate and takes any, and none. That a client has the key of the certificate
/// that it shows is checked all the same.
#[derive(Debug)]
struct Fallback(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Fallback {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A client that has a certificate of another CA would not show it, and may want to.
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// RFC 2253, as Kafka and Java write it: the last component first, parts of one component joined by `+`. `None` for a name
/// that cannot be written.
fn rfc2253(name: &X509Name<'_>) -> Option<String> {
    let mut components = Vec::new();
    for component in name.iter() {
        let parts: Option<Vec<String>> =
            component.iter().map(|part| attribute(part.attr_type(), part.attr_value())).collect();
        components.push(parts?.join("+"));
    }
    components.reverse();
    Some(components.join(","))
}

fn attribute(kind: &Oid<'_>, value: &Any<'_>) -> Option<String> {
    let kind = kind.to_id_string();
    // RFC 2253 2.3, and UID.
    let keyword = match kind.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.6" => "C",
        "2.5.4.9" => "STREET",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        _ => return hexadecimal(&kind, value),
    };
    match text(value) {
        Some(text) => Some(format!("{keyword}={}", escape(&text))),
        None => hexadecimal(keyword, value),
    }
}

fn text(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            std::str::from_utf8(value.data).ok().map(str::to_owned)
        }
        _ => None,
    }
}

fn hexadecimal(kind: &str, value: &Any<'_>) -> Option<String> {
    let mut out = format!("{kind}=#");
    for byte in value.to_der_vec().ok()? {
        let _ = write!(out, "{byte:02x}");
    }
    Some(out)
}

/// RFC 2253 2.4; control characters, which would break lines, are written as their bytes.
fn escape(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', c]),
            '#' if at == 0 => out.push_str("\\#"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\{:02X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    };

    /// A CA and a certificate that it has signed, for clients or for servers.
    fn chain(
        ca: &str,
        subject: &[(DnType, &str)],
        usage: ExtendedKeyUsagePurpose,
    ) -> (String, CertificateDer<'static>) {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, ca);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        subject.iter().for_each(|(kind, value)| params.distinguished_name.push(kind.clone(), *value));
        params.extended_key_usages = vec![usage];
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (pem, leaf.der().clone())
    }

    const ANNA: &[(DnType, &str)] =
        &[(DnType::CountryName, "DE"), (DnType::OrganizationName, "Blau, Weiß + Co"), (DnType::CommonName, " anna")];

    fn auth(ca: &str, insecure_fallback: bool) -> ClientAuth {
        ClientAuth::new(&ClientValidation { ca_certificates: ca.into(), insecure_fallback }).unwrap()
    }

    #[test]
    fn a_valid_certificate_has_a_subject_and_no_other_does() {
        let (ca, anna) = chain("one", ANNA, ExtendedKeyUsagePurpose::ClientAuth);
        let (other, _) = chain("two", ANNA, ExtendedKeyUsagePurpose::ClientAuth);
        let chain = [anna];
        let expected = Some("CN=\\ anna,O=Blau\\, Weiß \\+ Co,C=DE".into());
        assert_eq!(auth(&ca, false).subject(Some(&chain)), expected);
        assert_eq!(auth(&ca, true).subject(Some(&chain)), expected);
        assert_eq!(auth(&other, true).subject(Some(&chain)), None);
        assert_eq!(auth(&ca, true).subject(None), None);
    }

    #[test]
    fn only_the_fallback_lets_others_in() {
        let (ca, server) = chain("one", ANNA, ExtendedKeyUsagePurpose::ServerAuth);
        let check = |auth: &ClientAuth| auth.verifier().verify_client_cert(&server, &[], UnixTime::now()).is_ok();
        let (strict, fallback) = (auth(&ca, false), auth(&ca, true));
        assert!(strict.verifier().client_auth_mandatory() && !check(&strict));
        assert!(!fallback.verifier().client_auth_mandatory() && check(&fallback));
        assert!(fallback.verifier().offer_client_auth());
        assert_eq!(fallback.subject(Some(&[server])), None, "it is a server's");
    }

    #[test]
    fn without_a_certificate_authority_nobody_is_let_in() {
        for ca_certificates in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let from = ClientValidation { ca_certificates: ca_certificates.into(), insecure_fallback: true };
            assert!(ClientAuth::new(&from).is_err(), "{ca_certificates:?}");
        }
    }

    #[test]
    fn no_text_can_pass_for_another_name() {
        assert_eq!(escape("a,CN=root"), "a\\,CN=root");
        assert_eq!(escape("#x "), "\\#x\\ ");
        assert_eq!(escape("a\nb"), "a\\0Ab");
    }
}
