//! Bad objects beside good ones: one clear error each, and everything else goes on.
#![allow(missing_docs)]

mod common;

use anyhow::Result;
use common::Folder;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::http::Http;
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port, sluicegate};

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn gateway(extra_listeners: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: c}}\nspec: {{controllerName: sluicegate.dev/gateway-controller}}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g}}\nspec:\n  gatewayClassName: c\n  listeners:\n  \
         - {{name: http, port: 80, protocol: HTTP}}\n{extra_listeners}"
    )
}

fn good_route(to: SocketAddr) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: good}}\nspec:\n  parentRefs: [{{name: g, sectionName: http}}]\n  \
         hostnames: [good.test]\n  rules: [{{backendRefs: [{{name: good, port: 80}}]}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: good}}\n\
         spec:\n  ports: [{{name: main, port: 80}}]\n---\n{}",
        common::endpoint_slice("default", "good", "main", to.port(), &[Ipv4Addr::LOCALHOST])
    )
}

/// A bad file, the line that the error must name, and words that it must have.
struct Bad {
    name: &'static str,
    yaml: String,
    line: u64,
    words: &'static [&'static str],
}

fn bad(name: &'static str, line: u64, words: &'static [&'static str], yaml: impl Into<String>) -> Bad {
    Bad { name, yaml: yaml.into(), line, words }
}

const ROUTE: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: bad}\nspec:\n  parentRefs: [{name: g, sectionName: http}]\n  hostnames: [bad.test]\n";

fn bad_files() -> Vec<Bad> {
    vec![
        bad("unknown-field", 8, &["backendrefs", "backendRefs"], format!("{ROUTE}  rules:\n  - backendrefs: [{{name: good, port: 80}}]\n")),
        bad("wrong-type", 8, &["port"], format!("{ROUTE}  rules:\n  - backendRefs: [{{name: good, port: eighty}}]\n")),
        bad("reference-to-nothing", 8, &["nowhere"], format!("{ROUTE}  rules:\n  - backendRefs: [{{name: nowhere, port: 80}}]\n")),
        bad("no-port", 8, &["port"], format!("{ROUTE}  rules:\n  - backendRefs: [{{name: good}}]\n")),
        bad("bad-regex", 8, &["regular expression"], format!("{ROUTE}  rules:\n  - matches: [{{path: {{type: RegularExpression, value: '/a('}}}}]\n    backendRefs: [{{name: good, port: 80}}]\n")),
        bad("bad-duration", 8, &["duration"], format!("{ROUTE}  rules:\n  - timeouts: {{request: 5 seconds}}\n    backendRefs: [{{name: good, port: 80}}]\n")),
        bad("unknown-parent", 5, &["nobody"], ROUTE.replace("name: g,", "name: nobody,") + "  rules: [{backendRefs: [{name: good, port: 80}]}]\n"),
        bad("broken-document", 10, &[], format!("{ROUTE}  rules:\n  - backendRefs: [{{name: good, port: 80}}]\n---\nkind: [unclosed\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: after}}\n").replace("name: bad", "name: before")),
    ]
}

fn problems(path: &Path) -> Result<(i32, Vec<serde_json::Value>)> {
    let (code, output) = sluicegate::check(&[path])?;
    let json: serde_json::Value = serde_json::from_str(&output)?;
    Ok((code, json["problems"].as_array().cloned().unwrap_or_default()))
}

#[test]
fn check_names_each_fault_at_its_place() -> Result<()> {
    for bad in bad_files() {
        let folder = Folder::new(&format!("check-{}", bad.name))?;
        folder.write("gateway.yaml", &gateway(""))?;
        folder.write("good.yaml", &good_route(local(1)))?;
        let (code, found) = problems(folder.path())?;
        assert!(code == 0 && !found.iter().any(|p| p["severity"] == "error"), "the good folder is not good: {found:?}");
        folder.write("bad.yaml", &bad.yaml)?;
        let (code, found) = problems(folder.path())?;
        let errors: Vec<_> = found.iter().filter(|problem| problem["severity"] == "error").collect();
        assert_eq!(code, 1, "{}: {found:?}", bad.name);
        assert_eq!(errors.len(), 1, "{}: one fault, one error: {errors:#?}", bad.name);
        let error = errors[0];
        assert!(error["file"].as_str().is_some_and(|file| file.ends_with("bad.yaml")), "{}: {error}", bad.name);
        assert_eq!(error["line"], bad.line, "{}: {error}", bad.name);
        assert!(error["code"].as_str().is_some_and(|code| code.starts_with("SG")), "{}: {error}", bad.name);
        let text = error.to_string();
        for word in bad.words {
            assert!(text.contains(word), "{}: {word:?} is not in {text}", bad.name);
        }
    }
    Ok(())
}

#[test]
fn duplicates_name_both_places() -> Result<()> {
    let folder = Folder::new("duplicate")?;
    folder.write("a.yaml", &gateway(""))?;
    folder.write("b.yaml", "\n\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\nspec: {controllerName: example.com/other}\n")?;
    let (code, found) = problems(folder.path())?;
    assert_eq!(code, 1);
    let text = found.iter().find(|p| p["severity"] == "error").map(ToString::to_string).unwrap_or_default();
    assert!(text.contains("a.yaml") && text.contains("b.yaml"), "{found:?}");
    Ok(())
}

#[test]
fn certificates_and_listeners_are_checked() -> Result<()> {
    let folder = Folder::new("listeners")?;
    folder.write(
        "gateway.yaml",
        &gateway(
            "  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: mismatch}]}}\n  \
             - {name: one, port: 8080, protocol: HTTP, hostname: same.test}\n  \
             - {name: two, port: 8080, protocol: HTTPS, hostname: other.test, tls: {certificateRefs: [{name: mismatch}]}}\n",
        ),
    )?;
    let pair = folder.ca.server(&["a.test"])?.with_key_of(&folder.ca.server(&["a.test"])?);
    folder.write("secret.yaml", &pair.secret_yaml("default", "mismatch"))?;
    let (code, found) = problems(folder.path())?;
    assert_eq!(code, 1);
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(all.iter().any(|p| p.contains("key") && p.contains("mismatch")), "{all:#?}");
    assert!(
        all.iter().any(|p| p.contains("8080") && p.contains("\"listeners\"")
            || p.contains("ProtocolConflict")
            || p.contains("protocol")),
        "{all:#?}"
    );
    assert!(!all.iter().any(|p| p.contains("PRIVATE KEY")));
    Ok(())
}

/// Status and reason of `Programmed` of a listener of Gateway g.
fn programmed(gate: &Sluicegate, listener: &str) -> Result<Vec<String>> {
    let status = gate.status()?;
    let items = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let gateway = items(&status, "objects").into_iter().find(|object| object["kind"] == "Gateway");
    let listeners = gateway.map(|gateway| items(&gateway["status"], "listeners")).unwrap_or_default();
    let listener = listeners.iter().find(|found| found["name"] == listener);
    let conditions = listener.map(|listener| items(listener, "conditions")).unwrap_or_default();
    let condition = conditions.iter().find(|condition| condition["type"] == "Programmed");
    let text = |name: &str| condition.and_then(|condition| condition[name].as_str()).unwrap_or_default().to_owned();
    Ok(vec![text("status"), text("reason")])
}

#[test]
fn bad_files_come_and_go_and_nothing_else_stops() -> Result<()> {
    let good = Origin::start("good", local(0))?;
    let folder = Folder::new("blast-radius")?;
    let taken = free_port()?;
    let occupant = TcpListener::bind(("0.0.0.0", taken))?;
    // The listener before it cannot be served and is not counted: the port's fault stays with the right one.
    folder.write(
        "gateway.yaml",
        &gateway(
            "  - {name: bad, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: missing}]}}\n  \
             - {name: taken, port: 8081, protocol: HTTP}\n",
        ),
    )?;
    folder.write("good.yaml", &good_route(good.address()))?;
    let port = free_port()?;
    let mut gate = Sluicegate::run(&[folder.path()])?.port_map(80, port).port_map(8081, taken).start()?;
    let http = Http::to(local(port));
    let mut asked = 0;
    let mut still_good = |what: &str| -> Result<()> {
        for _ in 0..5 {
            assert_eq!(http.get("good.test", "/")?.status, 200, "{what}");
            asked += 1;
        }
        Ok(())
    };
    still_good("port in use")?;
    let status = gate.status()?.to_string();
    assert!(status.contains("PortUnavailable") && status.contains(&taken.to_string()), "{status}");
    assert_eq!(programmed(&gate, "taken")?, ["False", "PortUnavailable"]);
    assert_eq!(programmed(&gate, "bad")?, ["False", "Invalid"]);
    for bad in bad_files() {
        folder.write("bad.yaml", &bad.yaml)?;
        std::thread::sleep(Duration::from_millis(250));
        still_good(bad.name)?;
        folder.remove("bad.yaml")?;
        std::thread::sleep(Duration::from_millis(150));
        still_good(bad.name)?;
    }
    // All of them at once, and a restart on top.
    for bad in bad_files() {
        folder.write(&format!("{}.yaml", bad.name), &bad.yaml.replace("name: bad", &format!("name: {}", bad.name)))?;
    }
    gate.restart()?;
    still_good("after a restart")?;
    assert_eq!(programmed(&gate, "taken")?, ["False", "PortUnavailable"]);
    // The port is free again: the listener comes by itself, and its status with it.
    drop(occupant);
    let (freed, mut status) = (Instant::now(), Vec::new());
    while status != ["True", "Programmed"] {
        assert!(freed.elapsed() < Duration::from_secs(10), "{status:?}");
        std::thread::sleep(Duration::from_millis(100));
        status = programmed(&gate, "taken")?;
    }
    assert!(!gate.status()?.to_string().contains("PortUnavailable"));
    let free = Http::to(local(taken));
    gate.wait_until(Duration::from_secs(20), || {
        free.get("good.test", "/").is_ok_and(|response| response.status == 404)
    })?;
    assert!(asked > 80);
    gate.expect_alive()
}

#[test]
fn nothing_passes_by_an_access_policy_that_is_not_served() -> Result<()> {
    let good = Origin::start("good", local(0))?;
    let folder = Folder::new("access-policy")?;
    folder.write("gateway.yaml", &gateway(""))?;
    folder.write("good.yaml", &good_route(good.address()))?;
    let guarded = "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: auth}\nspec:\n  \
                   targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: bad}]\n  jwt: {providers: []}\n";
    folder
        .write("guarded.yaml", &format!("{ROUTE}  rules: [{{backendRefs: [{{name: good, port: 80}}]}}]\n{guarded}"))?;
    let (code, found) = problems(folder.path())?;
    assert_eq!(code, 1);
    let of_policy = found.iter().find(|problem| problem["object"]["kind"] == "SecurityPolicy").map(ToString::to_string);
    assert!(
        of_policy.as_ref().is_some_and(|text| text.contains("SG0626") && text.contains("remove the policy")),
        "{found:?}"
    );
    let port = free_port()?;
    let mut gate = Sluicegate::run(&[folder.path()])?.port_map(80, port).start()?;
    let http = Http::to(local(port));
    assert_eq!((http.get("bad.test", "/")?.status, http.get("good.test", "/")?.status), (500, 200));
    gate.expect_alive()
}
