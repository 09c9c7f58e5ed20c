//! Autobahn's cases for WebSocket: whatever a client does, the gateway changes nothing of what the backend makes of it.

use super::{Lab, NAME, local};
use anyhow::Result;
use testkit::origin::Origin;
use testkit::suites::{self, Verdict};

#[test]
fn autobahn_finds_no_fault_that_the_backend_does_not_have() -> Result<()> {
    let echo = Origin::start("echo", local(0))?;
    let lab = Lab::start("autobahn", echo.address(), "", &[])?;
    let ca = lab.ca_file()?;
    let ca = ca.as_path();
    let (direct, plain, tls) = std::thread::scope(|scope| {
        let direct = scope.spawn(|| suites::websocket(echo.address(), NAME, None));
        let plain = scope.spawn(|| suites::websocket(lab.http, NAME, None));
        let tls = scope.spawn(|| suites::websocket(lab.https, NAME, Some(ca)));
        (direct.join().unwrap(), plain.join().unwrap(), tls.join().unwrap())
    });
    let direct = direct?;
    assert!(direct.len() >= 300, "{} cases", direct.len());
    let failed = |verdict: &&Verdict| verdict.behaviour == "FAILED";
    assert!(direct.values().filter(failed).count() <= 1, "the echo is no measure: {direct:#?}");
    for (through, tls) in [(plain?, false), (tls?, true)] {
        assert!(through.keys().eq(direct.keys()));
        let worse: Vec<_> = through
            .iter()
            .filter_map(|(case, verdict)| {
                let before = &direct[case];
                (verdict.distance() > before.distance()).then(|| format!("{case}: {verdict:?}, directly {before:?}"))
            })
            .collect();
        assert!(worse.is_empty(), "TLS: {tls}\n{}", worse.join("\n"));
    }
    // Two connections for each case, one of them through the gateway.
    let passed = lab.gate.metric("sluicegate_http_requests_total", &["route=\"default/all\""])?;
    assert!(passed >= 2.0 * direct.len() as f64, "{passed} of {} connections went through the gateway", direct.len());
    Ok(())
}
