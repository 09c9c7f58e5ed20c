//! `one_of_many ROUTES EDITS`: translates so many HTTPRoutes, then changes one of them so many times. What it costs is
//! counted by `cargo xtask bench gate`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

use resources::Resources;
use std::error::Error;
use translate::{LastGood, Settings, Translator};

const BASE: &str = r"
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sluicegate}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: sluicegate
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: sluicegate.dev/v1alpha1
kind: Backend
metadata: {name: origin}
spec: {endpoints: [{ip: {address: 127.0.0.1, port: 3000}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route}
spec:
  parentRefs: [{name: gateway}]
  hostnames: [app.example.com]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs: [{group: sluicegate.dev, kind: Backend, name: origin}]
";

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let [routes, edits] = numbers[..] else { return Err("usage: one_of_many ROUTES EDITS".into()) };
    let mut resources: Resources = resources::load([("base.yaml", BASE.as_bytes())]).resources;
    let model = resources.http_routes.values().next().ok_or("no route")?.as_ref().clone();
    let named = |n: usize| {
        let mut route = model.clone();
        route.meta.name = format!("route-{n}").into();
        route
    };
    for n in 0..routes {
        resources.insert(named(n));
    }
    let mut translator = Translator::new(Settings::default());
    let last_good = LastGood::default();
    let first = translator.update(resources.clone(), &last_good);
    let mut changes = 0;
    for edit in 0..edits {
        let mut route = named(routes / 2);
        route.spec.hostnames = vec![format!("edit-{edit}.example.com")];
        resources.insert(route);
        let output = translator.update(resources.clone(), &last_good);
        changes += usize::from(!output.delta.is_empty());
    }
    println!("revision {} at first, {changes} changes of {edits}", first.delta.revision);
    if changes == edits { Ok(()) } else { Err("an edit has changed nothing".into()) }
}
