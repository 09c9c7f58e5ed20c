//! One bad object harms only itself: many kinds of them beside a hundred good routes under load, also after a restart.
#![allow(clippy::print_stdout, reason = "a test that prints its table")]

mod blast_radius_cases;
mod common;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use blast_radius_cases::{Case, cases};
use common::Folder;
use serde_json::Value;
use testkit::http::Http;
use testkit::origin::Origin;
use testkit::{Sluicegate, free_port};

const GOOD: usize = 100;

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A Gateway with an HTTP, an HTTPS and a Kafka listener, and a hundred routes that nobody is to notice anything on.
fn good(folder: &Folder, origin: &Origin) -> Result<()> {
    folder.write("gateway.yaml", blast_radius_cases::GATEWAY)?;
    folder.secret("default", "good-tls", &["*.good.test", "*.kafka.test"])?;
    let routes: String = (0..GOOD)
        .map(|i| {
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: good-{i}}}\nspec:\n  parentRefs: [{{name: g, sectionName: http}}, {{name: g, sectionName: https}}]\n  \
                 hostnames: [r{i}.good.test]\n  rules: [{{backendRefs: [{{name: good, port: 80}}]}}]\n---\n"
            )
        })
        .collect();
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: good}\nspec:\n  ports: [{name: main, port: 80}]\n---\n";
    let slice = common::endpoint_slice("default", "good", "main", origin.port(), &[Ipv4Addr::LOCALHOST]);
    folder.write("good.yaml", &format!("{routes}{service}{slice}"))?;
    Ok(())
}

/// Asks every good route in turn, by HTTP and by HTTPS, until it is stopped; every answer but 200 is kept.
struct Load {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    thread: JoinHandle<Result<Vec<String>>>,
}

impl Load {
    fn start(http: u16, https: u16, ca: &str) -> Result<Self> {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let plain = Http::to(local(http)).limit(Duration::from_secs(20));
        let tls: Vec<Http> = (0..GOOD)
            .map(|i| Http::to(local(https)).limit(Duration::from_secs(20)).tls(&format!("r{i}.good.test"), ca))
            .collect::<Result<_>>()?;
        let thread = std::thread::spawn({
            let (stop, rounds) = (Arc::clone(&stop), Arc::clone(&rounds));
            move || {
                let mut failed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    for (i, tls) in tls.iter().enumerate() {
                        let host = format!("r{i}.good.test");
                        // A handshake for one in five: the point is that each of them is asked, all the time.
                        let secure = (i + usize::try_from(rounds.load(Ordering::Relaxed))?).is_multiple_of(5);
                        let answer = if secure { tls.get(&host, "/") } else { plain.get(&host, "/") };
                        match answer {
                            Ok(response) if response.status == 200 => {}
                            Ok(response) => failed.push(format!("{host}: {}", response.status)),
                            Err(e) => failed.push(format!("{host}: {e:#}")),
                        }
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
                Ok(failed)
            }
        });
        Ok(Self { stop, rounds, thread })
    }

    /// Waits until every route has been asked once more, from its first to its last.
    fn two_rounds(&self) -> Result<()> {
        let target = self.rounds.load(Ordering::Relaxed) + 2;
        let began = Instant::now();
        while self.rounds.load(Ordering::Relaxed) < target {
            anyhow::ensure!(began.elapsed() < Duration::from_secs(120), "the load stands still");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let failed = self.thread.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
        let asked = self.rounds.load(Ordering::Relaxed) * GOOD as u64;
        anyhow::ensure!(
            failed.is_empty(),
            "{} of {asked} good requests failed: {:#?}",
            failed.len(),
            &failed[..failed.len().min(20)]
        );
        Ok(asked)
    }
}

/// What `/status` says of a file: its problems, and the conditions of its objects.
fn said(status: &Value, file: &str) -> Vec<String> {
    let problems = status["problems"].as_array().into_iter().flatten();
    problems
        .filter(|problem| problem["file"].as_str().is_some_and(|path| path.ends_with(file)))
        .map(Value::to_string)
        .collect()
}

/// `type=status/reason` of every condition of the objects of this name, and their messages.
fn conditions(status: &Value, name: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for object in status["objects"].as_array().into_iter().flatten().filter(|object| object["name"] == name) {
        collect(&object["status"], &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
            if fields.contains_key("reason") && fields.contains_key("type") {
                let key = format!("{}={}/{}", text("type"), text("status"), text("reason"));
                found.insert(key, text("message").to_owned());
            }
            fields.values().for_each(|item| collect(item, found));
        }
        _ => {}
    }
}

/// What is wrong with what is said of a case; `None` when all of it is as it must be.
fn complaint(case: &Case, status: &Value, http: &Http) -> Option<String> {
    let (said, conditions) = (said(status, &case.file()), conditions(status, case.name));
    let here =
        |what: &str| Some(format!("{}: {what}\n  problems: {said:#?}\n  conditions: {conditions:#?}", case.name));
    if said.is_empty() {
        return here("no problem names its file");
    }
    if !said.iter().any(|problem| problem.contains("\"line\":") && problem.contains("\"severity\":\"error\"")) {
        return here("no error with a line");
    }
    if let Some(word) = case
        .words
        .iter()
        .map(|word| word.replace("NAME", case.name))
        .find(|word| !said.iter().any(|problem| problem.contains(word)))
    {
        return here(&format!("no problem says {word:?}"));
    }
    if let Some(condition) = case.condition {
        match conditions.get(condition) {
            None => return here(&format!("{condition} is not among its conditions")),
            Some(message) if message.len() < 20 => return here(&format!("{condition} says only {message:?}")),
            Some(_) => {}
        }
    }
    let answer = http.get(&case.host(), "/").map(|response| response.status);
    match answer {
        Ok(404 | 500 | 502 | 503) => None,
        _ if case.serves => None,
        other => here(&format!("its own host answers {other:?}")),
    }
}

/// What is still wrong with a mended case.
fn lingers(case: &Case, status: &Value, http: &Http) -> Option<String> {
    let (said, conditions) = (said(status, &case.file()), conditions(status, case.name));
    let here = |what: &str| {
        Some(format!("{} after mending: {what}\n  problems: {said:#?}\n  conditions: {conditions:#?}", case.name))
    };
    if said.iter().any(|problem| problem.contains("\"severity\":\"error\"")) {
        return here("errors stay");
    }
    let bad = |key: &&String| {
        let good = if key.starts_with("Conflicted") { "=True/" } else { "=False/" };
        key.contains(good)
    };
    if let Some(key) = conditions.keys().find(bad) {
        return here(&format!("{key} stays"));
    }
    match http.get(&case.host(), "/").map(|response| response.status) {
        Ok(200) => None,
        other => here(&format!("{} answers {other:?}", case.host())),
    }
}

fn until_none_complains(limit: Duration, gate: &Sluicegate, mut of: impl FnMut(&Value) -> Vec<String>) -> Result<()> {
    let began = Instant::now();
    loop {
        let complaints = of(&gate.status()?);
        if complaints.is_empty() {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < limit, "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn bad_objects_harm_only_themselves() -> Result<()> {
    let origin = Origin::start("good", local(0))?;
    let folder = Folder::new("blast")?;
    good(&folder, &origin)?;
    let cases = cases(&folder.ca)?;
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let (http_port, https_port) = (free_port()?, free_port()?);
    let mut gate = Sluicegate::run(&[folder.path()])?
        .port_map(80, http_port)
        .port_map(443, https_port)
        .port_map(9092, free_port()?)
        .arg("--access-log")
        .arg("off")
        .start()?;
    let http = Http::to(local(http_port)).limit(Duration::from_secs(20));
    let load = Load::start(http_port, https_port, folder.ca.pem())?;
    load.two_rounds()?;

    // One after another, each seen by itself first.
    for case in &cases {
        folder.write(&case.file(), &case.bad)?;
    }
    let limit = Duration::from_secs(30);
    let complaints = |status: &Value| cases.iter().filter_map(|case| complaint(case, status, &http)).collect();
    until_none_complains(limit, &gate, complaints)?;
    load.two_rounds()?;
    let mut asked = load.stop()?;

    // Started with all of them there: nothing last good is left to lean on.
    gate.restart()?;
    let load = Load::start(http_port, https_port, folder.ca.pem())?;
    until_none_complains(limit, &gate, complaints)?;
    load.two_rounds()?;

    for case in &cases {
        folder.write(&case.file(), &case.mended)?;
    }
    until_none_complains(limit, &gate, |status| {
        cases.iter().filter_map(|case| lingers(case, status, &http)).collect()
    })?;
    load.two_rounds()?;

    // And bad again, one by one, as people edit: what was served until now may go on, the others must.
    for case in &cases {
        folder.write(&case.file(), &case.bad)?;
        std::thread::sleep(Duration::from_millis(60));
        folder.remove(&case.file())?;
    }
    load.two_rounds()?;
    asked += load.stop()?;
    println!("{} bad objects beside {GOOD} good routes: {asked} good requests, 0 failed", cases.len());
    gate.expect_alive().context("at the end")
}
