//! Gateways that ask clients for certificates (GEP-91), with a CA of a ConfigMap and of a ClusterTrustBundle (GEP-5075).
#![allow(missing_docs)]

mod common;

use anyhow::Result;
use common::{Folder, endpoint_slice};
use rcgen::DnType;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use testkit::http::Http;
use testkit::origin::Origin;
use testkit::{Ca, Identity, Sluicegate, free_port};

const HOST: &str = "a.example.com";

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn config_map(name: &str, pem: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n  ca.crt: |\n{}", indented(pem))
}

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sg}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: sg
  tls:
    frontend:
      default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: clients}]}}
      perPort:
      - port: 8444
        tls:
          validation:
            mode: AllowInsecureFallback
            caCertificateRefs: [{group: certificates.k8s.io, kind: ClusterTrustBundle, name: 'example.com:clients:v1'}]
      - {port: 8445, tls: {}}
  listeners:
  - {name: open, port: 8445, protocol: HTTPS, hostname: '*.example.com', tls: {certificateRefs: [{name: cert}]}}
  - {name: strict, port: 8443, protocol: HTTPS, hostname: '*.example.com', tls: {certificateRefs: [{name: cert}]}}
  - {name: tls, port: 8443, protocol: TLS, hostname: tls.example.com, tls: {certificateRefs: [{name: cert}]}}
  - {name: fallback, port: 8444, protocol: HTTPS, hostname: '*.example.com', tls: {certificateRefs: [{name: cert}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: gw}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: tls}
spec:
  parentRefs: [{name: gw}]
  hostnames: [tls.example.com]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
";

#[test]
fn only_clients_with_a_valid_certificate_are_let_in_unless_the_fallback_says_so() -> Result<()> {
    let (clients, strangers) = (Ca::new("clients")?, Ca::new("strangers")?);
    let anna = clients.client(&[(DnType::OrganizationName, "Blue"), (DnType::CommonName, "anna")])?;
    let otto = strangers.client(&[(DnType::CommonName, "anna")])?;
    let origin = Origin::start("web", local(0))?;
    let folder = Folder::new("client-certificates")?;
    folder.secret("default", "cert", &["*.example.com"])?;
    folder.write("gateway.yaml", GATEWAY)?;
    folder.write("clients.yaml", &config_map("clients", clients.pem()))?;
    folder.write(
        "bundle.yaml",
        &format!(
            "apiVersion: certificates.k8s.io/v1\nkind: ClusterTrustBundle\nmetadata: {{name: 'example.com:clients:v1'}}\n\
             spec:\n  signerName: example.com/clients\n  trustBundle: |\n{}",
            indented(clients.pem())
        ),
    )?;
    folder.write(
        "slice.yaml",
        &endpoint_slice("default", "web", "http", origin.address().port(), &[Ipv4Addr::LOCALHOST]),
    )?;
    let (strict, fallback, open) = (free_port()?, free_port()?, free_port()?);
    let log = folder.path().join(".access.log");
    let mut gate = Sluicegate::run(&[folder.path()])?
        .port_map(8443, strict)
        .port_map(8444, fallback)
        .port_map(8445, open)
        .arg("--access-log")
        .arg(&log)
        .start()?;
    let get = |port: u16, host: &str, identity: Option<&Identity>, http2: bool| {
        let http = Http::to(local(port));
        let http = if http2 { http.http2() } else { http };
        match identity {
            Some(identity) => http.tls_as(host, folder.ca.pem(), identity)?,
            None => http.tls(host, folder.ca.pem())?,
        }
        .get(host, "/x")
    };
    for http2 in [false, true] {
        assert_eq!(get(strict, HOST, Some(&anna), http2)?.status, 200);
        assert!(get(strict, HOST, Some(&otto), http2).is_err(), "signed by another CA");
        assert!(get(strict, HOST, None, http2).is_err(), "without a certificate");
        for identity in [Some(&anna), Some(&otto), None] {
            assert_eq!(get(fallback, HOST, identity, http2)?.status, 200);
        }
    }
    // A TLSRoute's listener asks as well.
    assert_eq!(get(strict, "tls.example.com", Some(&anna), false)?.status, 200);
    assert!(get(strict, "tls.example.com", None, false).is_err());

    let lines = wait_for(|| {
        let lines: Vec<serde_json::Value> = std::fs::read_to_string(&log)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let served = lines.iter().filter(|line| line["kind"] == "http" && line["status"] == 200).count();
        (served == 8).then_some(lines)
    });
    let named = |listener: &str| {
        let of = |line: &&serde_json::Value| line["listener"] == listener && line["kind"] != "connection";
        let subjects =
            lines.iter().filter(of).map(|line| line["client_subject"].as_str().unwrap_or("nobody").to_owned());
        let mut subjects: Vec<String> = subjects.collect();
        subjects.sort();
        subjects
    };
    assert_eq!(named("default/gw/strict"), ["CN=anna,O=Blue", "CN=anna,O=Blue"]);
    assert_eq!(
        named("default/gw/fallback"),
        ["CN=anna,O=Blue", "CN=anna,O=Blue", "nobody", "nobody", "nobody", "nobody"]
    );
    assert_eq!(named("default/gw/tls"), ["CN=anna,O=Blue"]);

    // Who has been there while nothing was asked for cannot come back on the session of then.
    let returning = Http::to(local(open)).tls(HOST, folder.ca.pem())?;
    for _ in 0..2 {
        assert_eq!(returning.get(HOST, "/x")?.status, 200);
    }
    folder.write("gateway.yaml", &GATEWAY.replace("      - {port: 8445, tls: {}}\n", ""))?;
    wait_for(|| get(open, HOST, None, false).is_err().then_some(()));
    assert!(returning.get(HOST, "/x").is_err(), "a session was resumed without a certificate");
    assert_eq!(get(open, HOST, Some(&anna), false)?.status, 200);

    // Another CA is in force with the next connection, and a broken one lets nobody in.
    folder.write("clients.yaml", &config_map("clients", strangers.pem()))?;
    wait_for(|| get(strict, HOST, Some(&otto), false).ok().filter(|response| response.status == 200));
    assert!(get(strict, HOST, Some(&anna), false).is_err());
    folder.write("clients.yaml", &config_map("clients", "nothing"))?;
    wait_for(|| get(strict, HOST, Some(&otto), false).is_err().then_some(()));
    assert!(get(strict, HOST, Some(&anna), false).is_err());
    assert_eq!(get(fallback, HOST, Some(&anna), false)?.status, 200);
    gate.expect_alive()
}

/// Tries for 20 seconds.
fn wait_for<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "it does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
