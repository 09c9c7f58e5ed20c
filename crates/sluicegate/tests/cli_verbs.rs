//! The verbs beside `check`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use serde_json::Value;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    command.args(args).env_remove("RUST_LOG");
    command
}

fn sluicegate(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn version_in_both_forms() {
    assert!(stdout(&sluicegate(&["version"])).starts_with(concat!(
        "sluicegate ",
        env!("CARGO_PKG_VERSION"),
        "\nGateway API v1.7.0\n"
    )));
    assert_eq!(stdout(&sluicegate(&["--version"])), concat!("sluicegate ", env!("CARGO_PKG_VERSION"), "\n"));
    let version: Value = serde_json::from_slice(&sluicegate(&["version", "-o", "json"]).stdout).unwrap();
    assert_eq!(version["gatewayApi"], "v1.7.0");
    assert_eq!(version["kinds"]["Service"], serde_json::json!(["v1"]));
    assert!(version["kafkaFetch"].as_i64().unwrap() >= 17);
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&sluicegate(&["completions", shell]));
        assert!(script.contains("drain-timeout"), "{shell}");
    }
}

#[test]
fn help_is_there_for_every_verb() {
    for verb in [&["run"][..], &["check"], &["expose", "kafka"], &["expose", "http"], &["certificate"], &["version"]] {
        let output = sluicegate(&[verb, &["--help"]].concat());
        assert!(output.status.success() && stdout(&output).contains("Usage:"), "{verb:?}");
    }
    assert_eq!(sluicegate(&[]).status.code(), Some(2));
}

#[test]
fn what_expose_writes_is_valid_and_stays_as_the_user_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = format!("127.0.0.1:{closed}");
    for (verb, names) in [
        (
            "kafka",
            &[
                "gateway.yaml",
                "kafka.yaml",
                "certificate.yaml",
                "ca.crt",
                "java.properties",
                "librdkafka.conf",
                "hosts",
            ][..],
        ),
        ("http", &["gateway.yaml", "http.yaml", "certificate.yaml", "ca.crt"]),
    ] {
        let folder = dir.path().join(verb);
        let path = folder.to_str().unwrap();
        let args = ["expose", verb, &target, "--dir", path, "--no-run"];
        let output = sluicegate(&args);
        assert!(output.status.success(), "{output:?}");
        for name in names {
            assert!(folder.join(name).is_file(), "{name}");
        }
        for private in ["ca.key", "certificate.yaml"] {
            let mode = std::fs::metadata(folder.join(private)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{private}");
        }
        let checked = sluicegate(&["check", path]);
        assert!(stdout(&checked).ends_with(" 0 errors, 0 warnings, 0 notes\n"), "{}", stdout(&checked));

        let ca = std::fs::read(folder.join("ca.crt")).unwrap();
        let gateway = std::fs::read_to_string(folder.join("gateway.yaml")).unwrap() + "# mine\n";
        std::fs::write(folder.join("gateway.yaml"), &gateway).unwrap();
        let again = sluicegate(&args);
        assert!(stdout(&again).contains("note: kept gateway.yaml as found"), "{}", stdout(&again));
        assert_eq!(std::fs::read_to_string(folder.join("gateway.yaml")).unwrap(), gateway);
        assert_eq!(std::fs::read(folder.join("ca.crt")).unwrap(), ca);
        sluicegate(&[&args[..], &["--overwrite"]].concat());
        assert_ne!(std::fs::read_to_string(folder.join("gateway.yaml")).unwrap(), gateway);
    }
}

#[test]
fn wrong_targets_and_hosts_are_refused() {
    assert_eq!(sluicegate(&["expose", "kafka", "nowhere"]).status.code(), Some(2));
    assert_eq!(sluicegate(&["run", "x", "--port-map", "80"]).status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let output = sluicegate(&["certificate", "--host", "a b", "--dir", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`a b` is neither a name"), "{output:?}");
}

#[test]
fn a_server_that_does_not_answer_yet_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = dir.path().join("folder");
    let said =
        stdout(&sluicegate(&["expose", "http", &closed.to_string(), "--no-run", "--dir", folder.to_str().unwrap()]));
    assert!(said.contains(&format!("note: {closed} cannot be reached: Connection refused")), "{said}");
}

#[test]
fn an_access_log_that_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        sluicegate(&["run", dir.path().to_str().unwrap(), "--admin", "off", "--access-log", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot open the access log: /nowhere/at/all: No such file or directory"), "{said}");
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[test]
fn run_names_a_path_that_does_not_exist() {
    let output = sluicegate(&["run", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "sluicegate: cannot read /nowhere/at/all: no such file or folder\n"
    );
}

/// Ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }

    fn exit_code(&mut self, limit: Duration) -> Option<i32> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running");
    }
}

fn wait_for(file: &Path, words: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(file).unwrap();
        if text.contains(words) {
            return text;
        }
        assert!(Instant::now() < deadline, "no `{words}` in:\n{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn run_says_what_it_serves_follows_changes_and_ends_gracefully() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("served");
    std::fs::create_dir(&folder).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let gateway = std::fs::read_to_string(tests.join("gateway.yaml")).unwrap();
    std::fs::write(folder.join("gateway.yaml"), &gateway).unwrap();
    let log = dir.path().join("log");
    let mut running = Running(
        command(&["run", "--admin", "127.0.0.1:0", "--port-map", &format!("8080={port}")])
            .arg(&folder)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap(),
    );
    let text = wait_for(&log, "no routes");
    assert!(text.contains("2 objects in 1 file; admin on http://127.0.0.1:"), "{text}");
    assert!(text.contains(&format!("*:{port} in place of 8080  HTTP  listener http")), "{text}");

    std::fs::write(folder.join("bad.yaml"), "a: [").unwrap();
    wait_for(&log, "bad.yaml:1:4: error[SG0101]");
    std::fs::remove_file(folder.join("bad.yaml")).unwrap();
    let text = wait_for(&log, "bad.yaml: resolved[SG0101]");
    assert_eq!(text.matches("error[").count(), 1, "{text}");

    // A port in use is said, and taken once it is free.
    let other = TcpListener::bind("0.0.0.0:0").unwrap();
    let taken = other.local_addr().unwrap().port();
    std::fs::write(folder.join("gateway.yaml"), gateway.replace("8080", &taken.to_string())).unwrap();
    wait_for(&log, "error[SG0606]");
    drop(other);
    wait_for(&log, "resolved[SG0606]");

    running.signal("-TERM");
    assert_eq!(running.exit_code(Duration::from_secs(10)), Some(0));
    wait_for(&log, "ended gracefully");
}
