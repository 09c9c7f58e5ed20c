//! `status`: what a cluster's controllers say of Gateways, routes and policies, in one table and in plain words.

use crate::cli::StatusArgs;
use crate::doctor::in_cluster;
use crate::report::{self, Object, Style};
use anyhow::Context;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use resources::status::{Condition, ConditionStatus};
use resources::{Key, Kind, crd};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use translate::{Status, Statuses};

/// Kinds with a status, in the order in which they are shown.
const KINDS: [Kind; 13] = [
    Kind::GatewayClass,
    Kind::Gateway,
    Kind::ListenerSet,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
    Kind::KafkaRoute,
    Kind::BackendTlsPolicy,
    Kind::XBackend,
    Kind::XBackendTrafficPolicy,
    Kind::XTelemetryPolicy,
];
/// Conditions that are good when they are false.
const BAD: [&str; 4] = ["Conflicted", "OverlappingTLSConfig", "PartiallyInvalid", "InsecureFrontendValidationMode"];

/// Shows them; fails if something does not hold.
pub fn status(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let statuses = in_cluster(args.kubeconfig.as_deref(), None, async |client| read(&client, args).await)?;
    let style = Style::of(&std::io::stdout());
    if statuses.is_empty() {
        crate::print("no objects of the Gateway API\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    crate::print(&report::statuses(&statuses, style))?;
    let remarks = remarks(&statuses);
    if !remarks.is_empty() {
        crate::print(&format!("\n{}\n", remarks.join("\n")))?;
    }
    Ok(ExitCode::from(u8::from(!remarks.is_empty())))
}

async fn read(client: &Client, args: &StatusArgs) -> anyhow::Result<Statuses> {
    let mut statuses = BTreeMap::new();
    for kind in KINDS {
        for version in kind.api_versions() {
            let (group, name) = version.split_once('/').unwrap_or(("", version));
            let resource = ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk(group, name, kind.as_str()),
                &crd::plural(kind.as_str()),
            );
            let api: Api<DynamicObject> = match &args.namespace {
                Some(namespace) if kind.is_namespaced() => Api::namespaced_with(client.clone(), namespace, &resource),
                _ => Api::all_with(client.clone(), &resource),
            };
            let objects = match api.list(&ListParams::default()).await {
                Ok(objects) => objects,
                // The kind, or this version of it, is not installed.
                Err(kube::Error::Api(status)) if status.code == 404 => continue,
                Err(error) => return Err(error).with_context(|| format!("list {kind} of {version}")),
            };
            for object in objects {
                let meta = &object.metadata;
                let key = Key::new(
                    kind,
                    meta.namespace.clone().unwrap_or_default().as_str(),
                    meta.name.clone().unwrap_or_default().as_str(),
                );
                let value = object.data.get("status").cloned().unwrap_or_else(|| Value::Object(Default::default()));
                if let Some(status) = status_of(kind, value) {
                    statuses.insert(key, Arc::new(status));
                }
            }
            // All versions of one group are the same objects; another group has others.
            if kind != Kind::KafkaRoute {
                break;
            }
        }
    }
    Ok(statuses)
}

fn status_of(kind: Kind, value: Value) -> Option<Status> {
    let status = match kind {
        Kind::GatewayClass => serde_json::from_value(value).map(Status::GatewayClass),
        Kind::Gateway => serde_json::from_value(value).map(Status::Gateway),
        Kind::ListenerSet => serde_json::from_value(value).map(Status::ListenerSet),
        Kind::BackendTlsPolicy | Kind::XBackend | Kind::XBackendTrafficPolicy | Kind::XTelemetryPolicy => {
            serde_json::from_value(value).map(Status::Policy)
        }
        _ => serde_json::from_value(value).map(Status::Route),
    };
    status.ok()
}

/// A sentence for each condition that is not as it should be, and for objects that nobody has answered.
fn remarks(statuses: &Statuses) -> Vec<String> {
    let mut remarks = Vec::new();
    for (key, status) in statuses {
        let name = Object::from(key).to_string();
        let conditions = status.conditions();
        if conditions.is_empty() {
            let why = match &**status {
                Status::Route(_) => "none of its parents has a controller that answers",
                Status::Policy(_) => "it has no effect on any Gateway",
                _ => "no controller has answered yet",
            };
            remarks.push(format!("{name}: {why}"));
        }
        let mut said: Vec<String> = conditions.into_iter().filter_map(|condition| remark(&name, condition)).collect();
        said.dedup();
        remarks.extend(said);
    }
    remarks
}

fn remark(name: &str, condition: &Condition) -> Option<String> {
    let wanted =
        if BAD.contains(&condition.condition_type.as_str()) { ConditionStatus::False } else { ConditionStatus::True };
    if condition.status == wanted {
        return None;
    }
    let Condition { condition_type, status, reason, message, .. } = condition;
    let message = if message.is_empty() { String::new() } else { format!(": {message}") };
    Some(format!("{name}: {condition_type} is {status} ({reason}){message}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_hold_is_said() {
        let condition =
            |name: &str, status: &str| json!({"type": name, "status": status, "reason": "Because", "message": "why"});
        let route = json!({"parents": [{
            "parentRef": {"name": "gate"}, "controllerName": "a.example/b",
            "conditions": [condition("Accepted", "True"), condition("ResolvedRefs", "False"), condition("PartiallyInvalid", "False")],
        }]});
        let statuses: Statuses = BTreeMap::from([
            (Key::new(Kind::HttpRoute, "shop", "cart"), Arc::new(status_of(Kind::HttpRoute, route).unwrap())),
            (Key::new(Kind::Gateway, "shop", "gate"), Arc::new(status_of(Kind::Gateway, json!({})).unwrap())),
        ]);
        assert_eq!(
            remarks(&statuses),
            [
                "Gateway shop/gate: no controller has answered yet",
                "HTTPRoute shop/cart: ResolvedRefs is False (Because): why",
            ]
        );
    }
}
