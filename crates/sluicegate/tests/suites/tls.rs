//! sslyze on the HTTPS listener.

use super::{Lab, NAME, local};
use anyhow::Result;
use serde_json::Value;
use testkit::origin::Origin;
use testkit::suites;

#[test]
fn sslyze_finds_modern_tls_and_none_of_the_known_holes() -> Result<()> {
    let origin = Origin::start("sslyze", local(0))?;
    let mut lab = Lab::start("sslyze", origin.address(), "", &[])?;
    let (scan, verdict) = suites::sslyze(lab.https, NAME, &lab.ca_file()?, "intermediate")?;
    let of = |name: &str| -> &Value {
        let attempt = &scan["scan_result"][name];
        assert_eq!(attempt["status"], "COMPLETED", "{name}: {attempt}");
        &attempt["result"]
    };
    for version in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        let accepted = &of(&format!("{version}_cipher_suites"))["accepted_cipher_suites"];
        assert_eq!(accepted.as_array().map(Vec::len), Some(0), "{version}: {accepted}");
    }
    for version in ["tls_1_2", "tls_1_3"] {
        let accepted = of(&format!("{version}_cipher_suites"))["accepted_cipher_suites"].as_array().unwrap();
        assert!(accepted.len() >= 3, "{version}: {accepted:?}");
        for suite in accepted {
            let suite = &suite["cipher_suite"];
            let name = suite["name"].as_str().unwrap();
            let forward_secret = version == "tls_1_3" || name.starts_with("TLS_ECDHE_");
            let authenticated = name.contains("_GCM_") || name.contains("CHACHA20_POLY1305");
            assert!(forward_secret && authenticated && suite["is_anonymous"] == false, "{version}: {suite}");
        }
    }
    let deployment = &of("certificate_info")["certificate_deployments"][0];
    assert_eq!(deployment["received_chain_has_valid_order"], true, "{deployment}");
    // With the name in the certificate, by the listener's CA, as the file of certificates says.
    let trusted = deployment["path_validation_results"].as_array().unwrap();
    assert!(trusted.iter().any(|store| store["was_validation_successful"] == true), "{trusted:?}");
    for (name, fields) in [
        ("heartbleed", &["is_vulnerable_to_heartbleed"][..]),
        ("openssl_ccs_injection", &["is_vulnerable_to_ccs_injection"]),
        ("tls_compression", &["supports_compression"]),
        ("tls_1_3_early_data", &["supports_early_data"]),
        ("session_renegotiation", &["is_vulnerable_to_client_renegotiation_dos"]),
    ] {
        for field in fields {
            assert_eq!(of(name)[field], false, "{name}: {}", of(name));
        }
    }
    assert!(verdict.contains("OK - Compliant"), "Mozilla's configuration is not met: {verdict}");
    let robot = of("robot")["robot_result"].as_str().unwrap();
    assert!(robot.starts_with("NOT_VULNERABLE"), "{robot}");
    assert_eq!(of("tls_extended_master_secret")["supports_ems_extension"], true);
    lab.gate.expect_alive()
}
