//! What `check` prints for a folder with faults, and what it exits with.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn sluicegate(args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args(args)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read standard input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const FAULTS: &str = "\
broken/routes.yaml:9:5: error[SG0301] HTTPRoute default/typo: spec.rules[0].backendRef: unknown field
  |
9 |   - backendRef:
  |     ^^^^^^^^^^
  help: did you mean backendRefs?

broken/routes.yaml:23:7: error[SG0616] HTTPRoute default/lost: spec.rules[0].backendRefs[0].name: Service default/nowhere does not exist
   |
23 |     - name: nowhere
   |       ^^^^
  help: create it

broken/routes.yaml:26:18: error[SG0101] unclosed bracket '['
   |
26 | metadata: {name: [
   |                  ^

";

const TABLE: &str = "\
OBJECT                  PARENT     ACCEPTED  RESOLVEDREFS           PROGRAMMED
GatewayClass c          -          True      -                      -
Gateway default/g       -          True      True                   True
  listener http         -          True      True                   True        2 routes
HTTPRoute default/good  Gateway g  True      True                   -
HTTPRoute default/lost  Gateway g  True      False/BackendNotFound  -

4 objects in 3 files: 3 errors, 0 warnings, 0 notes
";

#[test]
fn a_folder_with_faults() {
    let output = sluicegate(&["check", "--quiet", "broken"], "");
    assert_eq!(stdout(&output), format!("{FAULTS}{TABLE}"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn notes_name_foreign_kinds() {
    let text = stdout(&sluicegate(&["check", "broken"], ""));
    assert!(text.contains("broken/sub/other.yaml:1:1: note[SG0201] Deployment (apps/v1)"), "{text}");
}

#[test]
fn programs_get_json() {
    let output = sluicegate(&["check", "-o", "json", "broken"], "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!((&report["ok"], &report["errors"], &report["notes"]), (&false.into(), &3.into(), &1.into()));
    let first = &report["problems"][0];
    assert_eq!(first["file"], "broken/routes.yaml");
    assert_eq!((&first["line"], &first["column"], &first["severity"]), (&9.into(), &5.into(), &"error".into()));
    assert_eq!((&first["code"], &first["field"]), (&"SG0301".into(), &"spec.rules[0].backendRef".into()));
    assert_eq!(first["object"], serde_json::json!({"kind": "HTTPRoute", "namespace": "default", "name": "typo"}));
    let gateway = report["objects"].as_array().unwrap().iter().find(|object| object["kind"] == "Gateway").unwrap();
    assert_eq!(gateway["status"]["listeners"][0]["attachedRoutes"], 2);
    assert_eq!((&gateway["file"], &gateway["line"]), (&"broken/gateway.yaml".into(), &8.into()));
}

#[test]
fn continuous_integration_gets_annotations() {
    let text = stdout(&sluicegate(&["check", "-o", "github", "broken"], ""));
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        text.starts_with("::error file=broken/routes.yaml,line=9,col=5,title=SG0301::HTTPRoute default/typo"),
        "{text}"
    );
}

#[test]
fn standard_input_is_a_file() {
    let yaml =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken/gateway.yaml")).unwrap();
    let output = sluicegate(&["check", "-"], &yaml);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).ends_with("2 objects in 1 file: 0 errors, 0 warnings, 0 notes\n"));
    let output = sluicegate(&["check", "-"], "a: [");
    assert!(stdout(&output).starts_with("<stdin>:1:4: error[SG0101]"), "{output:?}");
}

#[test]
fn wrong_paths_and_empty_folders_say_what_to_do() {
    let output = sluicegate(&["check", "nowhere"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).starts_with("nowhere: error[SG0001] no such file or folder\n"), "{output:?}");
    let empty = tempfile::tempdir().unwrap();
    let output = sluicegate(&["check", empty.path().to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("no file that ends in .yaml"), "{output:?}");
    assert!(stdout(&output).contains("help: "), "{output:?}");
    assert_eq!(sluicegate(&["check"], "").status.code(), Some(2));
    assert_eq!(sluicegate(&["check", "--no-such-option", "x"], "").status.code(), Some(2));
}

#[test]
fn every_code_is_explained() {
    for (code, title, explanation) in sluicegate::report::all_codes() {
        assert!(!title.is_empty() && explanation.len() > 20, "{code}");
    }
    let codes: Vec<_> = sluicegate::report::all_codes().map(|(code, ..)| code).collect();
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    let output = sluicegate(&["check", "--explain", "sg0301"], "");
    assert!(stdout(&output).starts_with("SG0301: Unknown field\n\n"), "{output:?}");
    assert_eq!(sluicegate(&["check", "--explain", "SG9999"], "").status.code(), Some(1));
}

/// The commands that an example's comments give for its certificates.
fn certificate_commands(dir: &Path) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        for line in text.lines() {
            if let Some(arguments) = line.trim_start_matches(['#', ' ']).strip_prefix("sluicegate certificate ") {
                commands.push(arguments.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect());
            }
        }
    }
    commands
}

#[test]
fn examples_are_valid_with_the_certificates_that_their_comments_make() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    // `cargo xtask demo` completes and serves that one.
    folders.retain(|folder| !folder.ends_with("quickstart"));
    folders.sort();
    assert!(folders.len() >= 15, "{folders:?}");
    let readme = std::fs::read_to_string(examples.join("README.md")).unwrap();
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(readme.contains(&format!("({name}/gateway.yaml)")), "examples/README.md does not name {name}");
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // Certificates that somebody made by hand are not part of it.
            if !["certificate.yaml", "ca.yaml", "ca.crt", "ca.key"].iter().any(|made| path.ends_with(made)) {
                std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        for mut arguments in certificate_commands(copy.path()) {
            let dir = arguments.iter().position(|word| word == "--dir").unwrap() + 1;
            assert_eq!(arguments[dir], format!("examples/{name}"));
            copy.path().to_str().unwrap().clone_into(&mut arguments[dir]);
            let words: Vec<&str> = std::iter::once("certificate").chain(arguments.iter().map(String::as_str)).collect();
            let output = sluicegate(&words, "");
            assert!(output.status.success(), "{name}: {output:?}");
        }
        let output = sluicegate(&["check", copy.path().to_str().unwrap()], "");
        assert!(stdout(&output).ends_with(" 0 errors, 0 warnings, 0 notes\n"), "examples/{name}:\n{}", stdout(&output));
    }
}
