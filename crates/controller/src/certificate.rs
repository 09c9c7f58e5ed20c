//! The certificate with which the controller meets its proxies: made at the first start, kept in a Secret that all its replicas
//! share, made anew well before it ends.

use jiff::{Timestamp, ToSpan};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::collections::BTreeMap;
use tonic::transport::Identity;

const SECRET: &str = "sluicegate-controller-tls";
/// A year, and renewed when less than a third of it is left.
const DAYS: i64 = 365;
const LEFT: i64 = 120;
const EXPIRES: &str = "sluicegate.dev/not-after";

/// What the controller shows, and what its proxies trust.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Chain and key.
    pub identity: Identity,
    /// PEM of the CA.
    pub ca: String,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The Secret can be neither read nor written.
    #[error("Secret {SECRET}: {0}")]
    Secret(#[from] kube::Error),
    /// It cannot be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The clock stands where no certificate can be valid.
    #[error("cannot make a certificate: the clock stands at {0}")]
    Clock(Timestamp),
}

/// The certificate for `server_name` from the Secret in this namespace; made if there is none, or if it ends soon.
///
/// # Errors
/// When the API server refuses, or nothing can be made.
pub async fn certificate(client: Client, namespace: &str, server_name: &str) -> Result<Certificate, CertificateError> {
    let api: Api<Secret> = Api::namespaced(client, namespace);
    loop {
        let known = api.get_opt(SECRET).await?;
        if let Some(certificate) = known.as_ref().and_then(|secret| usable(secret, Timestamp::now())) {
            return Ok(certificate);
        }
        let made = make(server_name, Timestamp::now())?;
        let written = match known {
            Some(mut secret) => {
                secret.data = made.data;
                secret.metadata.annotations = made.metadata.annotations;
                api.replace(SECRET, &PostParams::default(), &secret).await
            }
            None => api.create(&PostParams::default(), &made).await,
        };
        match written {
            Ok(_) => {}
            // Another replica was faster; its certificate is as good.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn usable(secret: &Secret, now: Timestamp) -> Option<Certificate> {
    let expires: Timestamp = secret.metadata.annotations.as_ref()?.get(EXPIRES)?.parse().ok()?;
    if expires < now.checked_add((LEFT * 24).hours()).ok()? {
        return None;
    }
    let text = |name: &str| String::from_utf8(secret.data.as_ref()?.get(name)?.0.clone()).ok();
    Some(Certificate { identity: Identity::from_pem(text("tls.crt")?, text("tls.key")?), ca: text("ca.crt")? })
}

fn make(server_name: &str, now: Timestamp) -> Result<Secret, CertificateError> {
    let expires = now.checked_add((DAYS * 24).hours()).map_err(|_| CertificateError::Clock(now))?;
    let date = |time: Timestamp| {
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    // A day before, for clocks that are behind.
    let begins = now.checked_sub(24.hours()).map_err(|_| CertificateError::Clock(now))?;
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    ca.distinguished_name.push(DnType::CommonName, "sluicegate controller");
    (ca.not_before, ca.not_after) = (date(begins), date(expires));
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
    let mut leaf = CertificateParams::new([server_name.to_owned()])?;
    (leaf.not_before, leaf.not_after) = (date(begins), date(expires));
    let key = KeyPair::generate()?;
    let leaf = leaf.signed_by(&key, &ca)?;
    let data = [("tls.crt", leaf.pem()), ("tls.key", key.serialize_pem()), ("ca.crt", ca.pem())];
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            annotations: Some(BTreeMap::from([(EXPIRES.to_owned(), expires.to_string())])),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(data.into_iter().map(|(name, text)| (name.to_owned(), ByteString(text.into_bytes()))).collect()),
        ..Secret::default()
    })
}
