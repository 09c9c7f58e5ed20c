//! `doctor`: whether a cluster is ready for Sluicegate, before or after it is installed.

mod rights;

use crate::cli::DoctorArgs;
use crate::report::Style;
use anyhow::Context;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Config};
use resources::{GATEWAY_GROUP, Kind, SLUICEGATE_GROUP, crd};
use rights::{Right, rights};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// The release of the Gateway API that this program is made for.
const RELEASE: &str = "v1.7.0";
const RELEASE_ANNOTATION: &str = "gateway.networking.k8s.io/bundle-version";
const CHANNEL_ANNOTATION: &str = "gateway.networking.k8s.io/channel";
/// The label of the controller's Deployment.
const NAME_LABEL: &str = "app.kubernetes.io/name=sluicegate-controller";

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Good,
    Note,
    Warning,
    Error,
}

/// What is said at the end.
#[derive(Debug, Default)]
struct Findings(Vec<(Outcome, String, String)>);

impl Findings {
    fn add(&mut self, outcome: Outcome, what: impl Into<String>, help: impl Into<String>) {
        self.0.push((outcome, what.into(), help.into()));
    }

    fn good(&mut self, what: impl Into<String>) {
        self.add(Outcome::Good, what, "");
    }

    fn worst(&self) -> Outcome {
        self.0.iter().map(|(outcome, ..)| *outcome).max().unwrap_or(Outcome::Good)
    }

    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for (outcome, what, help) in &self.0 {
            let word = match outcome {
                Outcome::Good => style.bold("ok     "),
                Outcome::Note => style.dim("note   "),
                Outcome::Warning => style.severity(resources::Severity::Warning, "warning"),
                Outcome::Error => style.severity(resources::Severity::Error, "error  "),
            };
            text.push_str(&format!("{word} {what}\n"));
            if !help.is_empty() {
                text.push_str(&format!("        {help}\n"));
            }
        }
        text
    }
}

/// Asks the cluster and says what is missing. Fails with an error where there is one.
pub fn doctor(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let findings = in_cluster(args.kubeconfig.as_deref(), args.impersonate.clone(), async |client| {
        let mut findings = Findings::default();
        examine(args, &client, &mut findings).await;
        Ok(findings)
    })?;
    crate::print(&findings.text(Style::of(&std::io::stdout())))?;
    let count = |outcome| findings.0.iter().filter(|(it, ..)| *it == outcome).count();
    let (errors, warnings) = (count(Outcome::Error), count(Outcome::Warning));
    crate::print(&format!("{}, {}\n", crate::check::count(errors, "error"), crate::check::count(warnings, "warning")))?;
    Ok(ExitCode::from(u8::from(findings.worst() == Outcome::Error)))
}

/// Does something with a client of the API server that the kubeconfig, or the Pod's ServiceAccount, names.
pub(crate) fn in_cluster<T>(
    kubeconfig: Option<&std::path::Path>,
    impersonate: Option<String>,
    work: impl AsyncFnOnce(Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    // Fails only if a provider is installed already, which would be this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut config = match kubeconfig {
            Some(path) => {
                let file = kube::config::Kubeconfig::read_from(path)?;
                Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
            }
            None => Config::infer().await.context("no API server: neither a kubeconfig nor a ServiceAccount")?,
        };
        if impersonate.is_some() {
            config.auth_info.impersonate = impersonate;
        }
        work(Client::try_from(config)?).await
    })
}

async fn examine(args: &DoctorArgs, client: &Client, findings: &mut Findings) {
    match client.apiserver_version().await {
        Ok(version) => findings.good(format!("the API server answers: Kubernetes {}", version.git_version)),
        Err(error) => {
            let help = "look at the kubeconfig (KUBECONFIG, --kubeconfig) and at the network";
            return findings.add(Outcome::Error, format!("the API server does not answer: {error}"), help);
        }
    }
    kinds(client, findings).await;
    permissions(args, client, findings).await;
    controllers(args, client, findings).await;
}

/// Which kinds the API server knows, by discovery, which everybody may ask; their release, by what stands on their definitions.
async fn kinds(client: &Client, findings: &mut Findings) {
    let mut missing: BTreeMap<bool, BTreeSet<&str>> = BTreeMap::new();
    let mut served: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for kind in Kind::ALL.iter().filter(|kind| matches!(kind.group(), GATEWAY_GROUP | SLUICEGATE_GROUP)) {
        let mut found = false;
        for version in kind.api_versions() {
            if !served.contains_key(version) {
                let list = client.list_api_group_resources(version).await;
                let names = list.map(|list| list.resources.into_iter().map(|resource| resource.kind).collect());
                served.insert(version, names.unwrap_or_default());
            }
            found |= served[version].contains(kind.as_str());
        }
        if !found {
            let core = matches!(kind, Kind::GatewayClass | Kind::Gateway | Kind::HttpRoute);
            missing.entry(core).or_default().insert(kind.as_str());
        }
    }
    let list = |kinds: &BTreeSet<&str>| kinds.iter().copied().collect::<Vec<_>>().join(", ");
    if let Some(kinds) = missing.get(&true) {
        let help = format!("install the Gateway API {RELEASE}; nothing is served without it");
        findings.add(Outcome::Error, format!("the API server does not know {}", list(kinds)), help);
    }
    if let Some(kinds) = missing.get(&false) {
        let own: BTreeSet<&str> = kinds
            .iter()
            .copied()
            .filter(|kind| crd::crds(crd::CrdSet::Own).iter().any(|crd| crd.name.starts_with(&crd::plural(kind))))
            .collect();
        let upstream: BTreeSet<&str> = kinds.difference(&own).copied().collect();
        if !own.is_empty() {
            let help = "sluicegate crds | kubectl apply --server-side -f -";
            findings.add(Outcome::Warning, format!("the API server does not know {}", list(&own)), help);
        }
        if !upstream.is_empty() {
            let help = "they are in the other channel, or in another release, of the Gateway API; the rest is served";
            findings.add(Outcome::Note, format!("the API server does not know {}", list(&upstream)), help);
        }
    }
    if missing.is_empty() {
        findings.good("the API server knows every kind that is served");
    }
    releases(client, findings).await;
}

async fn releases(client: &Client, findings: &mut Findings) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crds = match api.list(&ListParams::default()).await {
        Ok(crds) => crds,
        Err(error) => {
            let what = format!("the release of the Gateway API cannot be read: {error}");
            return findings.add(Outcome::Note, what, "it takes the right to list customresourcedefinitions");
        }
    };
    let annotation = |crd: &CustomResourceDefinition, name: &str| crd.metadata.annotations.as_ref()?.get(name).cloned();
    let of = |name: &str| -> BTreeSet<String> {
        crds.items
            .iter()
            .filter(|crd| {
                crd.spec.group == GATEWAY_GROUP
                    && crd.spec.names.kind != Kind::KafkaRoute.as_str()
                    && annotation(crd, RELEASE_ANNOTATION).is_some()
            })
            .filter_map(|crd| annotation(crd, name))
            .collect()
    };
    let (releases, channels) = (of(RELEASE_ANNOTATION), of(CHANNEL_ANNOTATION));
    let join = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" and ");
    match (releases.len(), releases.contains(RELEASE)) {
        (0, _) => {}
        (1, true) => findings.good(format!("Gateway API {RELEASE}, channel {}", join(&channels))),
        (1, false) => {
            let what = format!("Gateway API {}; this program is made for {RELEASE}", join(&releases));
            findings.add(Outcome::Warning, what, "fields that one of them does not know are not served");
        }
        _ => {
            let what = format!("the kinds of the Gateway API are of several releases: {}", join(&releases));
            findings.add(Outcome::Warning, what, "install all of one release");
        }
    }
    if channels.len() > 1 {
        let what = format!("the kinds of the Gateway API are of several channels: {}", join(&channels));
        findings.add(Outcome::Warning, what, "install all of one channel");
    }
}

/// Whether who asks may do what the controller does.
async fn permissions(args: &DoctorArgs, client: &Client, findings: &mut Findings) {
    let all = match rights(&args.namespace) {
        Ok(all) => all,
        Err(error) => return findings.add(Outcome::Error, format!("the list of rights cannot be read: {error:#}"), ""),
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let (mut denied, count): (Vec<String>, _) = (Vec::new(), all.len());
    for right in all {
        let shown = right.to_string();
        match allowed(&api, right).await {
            Ok(true) => {}
            Ok(false) => denied.push(shown),
            Err(error) => {
                let what = format!("permissions cannot be asked for: {error}");
                return findings.add(Outcome::Error, what, "");
            }
        }
    }
    let who = args.impersonate.as_deref().unwrap_or("whoever asks");
    if denied.is_empty() {
        return findings.good(format!("{who} may do all that the controller does ({count} rights)"));
    }
    let help = "the rights that it needs stand in deploy/controller.yaml, and come with the Helm chart; ask as the controller with \
                --as system:serviceaccount:sluicegate-system:sluicegate-controller";
    let what = format!("{who} lacks {} of {count} rights:\n          {}", denied.len(), denied.join("\n          "));
    findings.add(Outcome::Error, what, help);
}

async fn allowed(api: &Api<SelfSubjectAccessReview>, right: Right) -> kube::Result<bool> {
    let attributes = ResourceAttributes {
        group: Some(right.group),
        resource: Some(right.resource),
        subresource: right.subresource,
        verb: Some(right.verb),
        namespace: right.namespace,
        name: right.name,
        ..Default::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), non_resource_attributes: None };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    Ok(api.create(&PostParams::default(), &review).await?.status.is_some_and(|status| status.allowed))
}

/// Other controllers of ours that answer for the same classes: they would write one another's statuses over.
async fn controllers(args: &DoctorArgs, client: &Client, findings: &mut Findings) {
    let api: Api<Deployment> = Api::all(client.clone());
    let deployments = match api.list(&ListParams::default().labels(NAME_LABEL)).await {
        Ok(deployments) => deployments,
        Err(error) => {
            let what = format!("whether there is another controller cannot be seen: {error}");
            return findings.add(Outcome::Note, what, "it takes the right to list deployments");
        }
    };
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for deployment in &deployments.items {
        let namespace = deployment.metadata.namespace.clone().unwrap_or_default();
        let place = format!("{namespace}/{}", deployment.metadata.name.clone().unwrap_or_default());
        let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        for container in pod.into_iter().flat_map(|pod| &pod.containers) {
            let arguments = container.args.clone().unwrap_or_default();
            for name in controller_names(&arguments) {
                by_name.entry(name).or_default().push(place.clone());
            }
        }
    }
    for name in &args.controller_names {
        match by_name.get(name).map_or(&[][..], Vec::as_slice) {
            [] => findings.add(Outcome::Note, format!("no Deployment of a controller answers for {name} yet"), ""),
            [one] => findings.good(format!("one Deployment answers for {name}: {one}")),
            several => {
                let what = format!("several Deployments answer for {name}: {}", several.join(", "));
                let help = "give each a --controller-name of its own, or remove all but one";
                findings.add(Outcome::Error, what, help);
            }
        }
    }
}

/// The values of `--controller-name`, or the default.
fn controller_names(arguments: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    let mut all = arguments.iter();
    while let Some(argument) = all.next() {
        match argument.strip_prefix("--controller-name") {
            Some("") => names.extend(all.next().cloned()),
            Some(rest) => names.extend(rest.strip_prefix('=').map(str::to_owned)),
            None => {}
        }
    }
    if names.is_empty() { vec![translate::CONTROLLER_NAME.to_owned()] } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_arguments() {
        let names =
            |arguments: &[&str]| controller_names(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["controller"]), [translate::CONTROLLER_NAME]);
        assert_eq!(
            names(&["--controller-name=a.example/x", "--controller-name", "b.example/y"]),
            ["a.example/x", "b.example/y"]
        );
    }

    #[test]
    fn errors_are_the_worst() {
        let mut findings = Findings::default();
        assert_eq!(findings.worst(), Outcome::Good);
        findings.add(Outcome::Error, "a", "do b");
        findings.add(Outcome::Note, "c", "");
        assert_eq!(findings.worst(), Outcome::Error);
        assert_eq!(findings.text(Style::Plain), "error   a\n        do b\nnote    c\n");
    }
}
