//! Certificates for development: a CA in the folder, and what it signs.

use crate::cli::CertificateArgs;
use anyhow::{Context, ensure};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The CA's certificate, for clients.
pub const CA_CERTIFICATE: &str = "ca.crt";
/// The CA's key; only its owner may read it.
pub const CA_KEY: &str = "ca.key";
/// Days that certificates are good for; some clients refuse more than 825.
const DAYS: i64 = 397;
const CA_DAYS: i64 = 3650;

/// A certificate authority for development, kept in a folder (ECDSA P-256).
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its CA's, and its key; all PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, then the CA's.
    pub chain: String,
    /// PKCS#8.
    pub key: String,
}

impl Ca {
    /// The CA of a folder, made if there is none; the key is written for its owner alone.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let (certificate, key) = (dir.join(CA_CERTIFICATE), dir.join(CA_KEY));
        match (certificate.exists(), key.exists()) {
            (true, true) => {
                let pem = fs::read_to_string(&certificate).with_context(|| certificate.display().to_string())?;
                let key_pem = fs::read_to_string(&key).with_context(|| key.display().to_string())?;
                let key_pair = KeyPair::from_pem(&key_pem).with_context(|| format!("{}: not a key", key.display()))?;
                let issuer = Issuer::from_ca_cert_pem(&pem, key_pair)
                    .with_context(|| format!("{}: not a certificate", certificate.display()))?;
                Ok(Self { issuer, pem })
            }
            (false, false) => {
                fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
                let (ca, key_pem) = Self::new()?;
                write_private(&key, &key_pem)?;
                fs::write(&certificate, &ca.pem).with_context(|| certificate.display().to_string())?;
                Ok(ca)
            }
            _ => anyhow::bail!(
                "{} holds only one of {CA_CERTIFICATE} and {CA_KEY}: put the other one back, or remove this one and a new CA is made",
                dir.display()
            ),
        }
    }

    fn new() -> anyhow::Result<(Self, String)> {
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = common_name("sluicegate development CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, CA_DAYS)?;
        let pem = params.self_signed(&key)?.pem();
        Ok((Self { issuer: Issuer::new(params, key), pem }, key_pem))
    }

    /// The CA's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server's certificate for these names (`*.example.com` too) and IP addresses.
    pub fn issue(&self, hosts: &[String]) -> anyhow::Result<Identity> {
        ensure!(!hosts.is_empty(), "a certificate needs a name");
        let mut params = CertificateParams::new(Vec::new())?;
        // The names count; a common name holds at most 64 characters.
        params.distinguished_name = common_name("sluicegate development certificate");
        for host in hosts {
            params.subject_alt_names.push(match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => {
                    let name = host.strip_prefix("*.").unwrap_or(host);
                    ensure!(
                        !name.is_empty()
                            && name.split('.').all(|label| !label.is_empty()
                                && label
                                    .bytes()
                                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')),
                        "`{host}` is neither a name, nor a wildcard such as *.example.com, nor an IP address"
                    );
                    SanType::DnsName(host.to_ascii_lowercase().try_into()?)
                }
            });
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, DAYS)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { chain: format!("{}{}", certificate.pem(), self.pem), key: key.serialize_pem() })
    }
}

impl Identity {
    /// A Secret of type `kubernetes.io/tls`.
    pub fn secret(&self, namespace: &str, name: &str) -> String {
        format!(
            "# For development: signed by the CA beside it.\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n\
             type: kubernetes.io/tls\nstringData:\n  tls.crt: |\n{}  tls.key: |\n{}",
            indented(&self.chain),
            indented(&self.key)
        )
    }
}

/// Writes a Secret and the CA that signed it: the verb `certificate`. Says which files were written.
pub fn certificate(args: &CertificateArgs) -> anyhow::Result<Vec<PathBuf>> {
    let ca = Ca::open(&args.dir)?;
    let secret = args.dir.join(format!("{}.yaml", args.name));
    write_private(&secret, &ca.issue(&args.hosts)?.secret(&args.namespace, &args.name))?;
    let mut written = vec![secret, args.dir.join(CA_CERTIFICATE), args.dir.join(CA_KEY)];
    if args.ca_config_map {
        let path = args.dir.join("ca.yaml");
        let text = format!(
            "# The CA for BackendTLSPolicies.\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ca\n  namespace: {}\ndata:\n  ca.crt: |\n{}",
            args.namespace,
            indented(ca.pem())
        );
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        written.push(path);
    }
    Ok(written)
}

/// Writes a file that only its owner may read; whole or not at all.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    // What an earlier, interrupted run left may have any mode.
    let _ = fs::remove_file(&temporary);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    fs::rename(&temporary, path).with_context(context)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Sets the days from yesterday, since clocks differ, until `days` from now.
fn set_validity(params: &mut CertificateParams, days: i64) -> anyhow::Result<()> {
    let today = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
    let day = |date: jiff::civil::Date| -> anyhow::Result<_> {
        Ok(rcgen::date_time_ymd(date.year().into(), date.month().try_into()?, date.day().try_into()?))
    };
    params.not_before = day(today.checked_sub(jiff::Span::new().days(1))?)?;
    params.not_after = day(today.checked_add(jiff::Span::new().days(days))?)?;
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_ca_of_a_folder_is_used_again_and_its_key_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let args = CertificateArgs {
            hosts: vec!["*.kafka.example.com".into(), "127.0.0.1".into()],
            dir: dir.path().join("new"),
            name: "tls".into(),
            namespace: "default".into(),
            ca_config_map: true,
        };
        let written = certificate(&args).unwrap();
        let ca = fs::read_to_string(args.dir.join(CA_CERTIFICATE)).unwrap();
        assert_eq!(written.len(), 4);
        certificate(&args).unwrap();
        assert_eq!(fs::read_to_string(args.dir.join(CA_CERTIFICATE)).unwrap(), ca);
        for private in ["tls.yaml", CA_KEY] {
            let mode = fs::metadata(args.dir.join(private)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{private}");
        }
        fs::remove_file(args.dir.join(CA_KEY)).unwrap();
        assert!(certificate(&args).unwrap_err().to_string().contains("only one of ca.crt and ca.key"));
    }

    #[test]
    fn hosts_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::open(dir.path()).unwrap();
        for wrong in ["", "a..b", "*", "*.", "a/b", "*.*.example.com"] {
            assert!(ca.issue(&[wrong.into()]).is_err(), "{wrong}");
        }
        assert!(ca.issue(&["localhost".into(), "::1".into()]).is_ok());
    }
}
