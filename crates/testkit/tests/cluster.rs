//! The cluster of the test kit: real controllers, Pods that run, Services that carry traffic.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::cluster::{Channel, Cluster, Component, Ref, condition};
use testkit::http::{Http, Response};
use testkit::process;

const LIMIT: Duration = Duration::from_secs(60);

/// Two echo servers behind a Service of type LoadBalancer; the container may write nothing and is no root.
const ECHO: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: words, namespace: shop}
stringData: {greeting: hello}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      securityContext: {runAsUser: 65532, runAsGroup: 65532}
      containers:
      - name: echo
        image: registry.k8s.io/gateway-api/conformance/echo-basic:any
        securityContext: {readOnlyRootFilesystem: true}
        env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        - {name: SERVICE_NAME, valueFrom: {secretKeyRef: {name: words, key: greeting}}}
        readinessProbe: {httpGet: {path: /ready, port: 3000}}
---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: shop}
spec:
  type: LoadBalancer
  selector: {app: echo}
  ports: [{name: http, port: 80, targetPort: 3000}]
"#;

fn get(cluster: &Cluster, address: &str, port: u16) -> anyhow::Result<Response> {
    let address = SocketAddr::new(address.parse::<IpAddr>()?, port);
    cluster.inside(|| Http::to(address).limit(Duration::from_secs(2)).get("shop.example.com", "/cart"))
}

/// Until there is an answer: the time from a Pod's readiness to traffic is not the cluster's to promise.
fn get_soon(cluster: &Cluster, address: &str, port: u16) -> Response {
    let began = Instant::now();
    loop {
        match get(cluster, address, port) {
            Ok(response) => return response,
            Err(e) => assert!(began.elapsed() < LIMIT, "{address}:{port}: {e:#}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn load_balancer(service: &Value) -> Option<&str> {
    service.pointer("/status/loadBalancer/ingress/0/ip")?.as_str()
}

fn endpoints(cluster: &Cluster) -> Vec<String> {
    let slices = cluster.list("discovery.k8s.io/v1", "EndpointSlice", Some("shop")).unwrap();
    let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().cloned().unwrap_or_default());
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
    ready.map(|endpoint| endpoint["addresses"][0].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pods_run_and_services_carry_traffic() {
    let cluster = Cluster::start().unwrap();
    cluster.apply(ECHO).unwrap();
    let deployment = Ref::new("apps/v1", "Deployment", "shop/echo");
    cluster.wait(&deployment, LIMIT, |echo| echo["status"]["readyReplicas"] == 2).unwrap();

    let pods = cluster.list("v1", "Pod", Some("shop")).unwrap();
    assert!(pods.iter().all(|pod| condition(pod, "Ready") == Some("True")), "{pods:#?}");
    let mut addresses: Vec<String> =
        pods.iter().map(|pod| pod["status"]["podIP"].as_str().unwrap().to_owned()).collect();
    let began = Instant::now();
    let mut sliced = endpoints(&cluster);
    while sliced.len() < 2 && began.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(50));
        sliced = endpoints(&cluster);
    }
    addresses.sort();
    sliced.sort();
    assert_eq!(sliced, addresses);

    // The Pod itself, the cluster IP, the load balancer.
    let service = Ref::new("v1", "Service", "shop/echo");
    let service = cluster.wait(&service, LIMIT, |echo| load_balancer(echo).is_some()).unwrap();
    let cluster_ip = service["spec"]["clusterIP"].as_str().unwrap();
    for (address, port) in [(&*addresses[0], 3000), (cluster_ip, 80), (load_balancer(&service).unwrap(), 80)] {
        let response = get_soon(&cluster, address, port);
        let seen = response.json().unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(seen["path"], "/cart");
        assert_eq!(seen["host"], "shop.example.com");
        assert_eq!(seen["namespace"], "shop");
        assert_eq!(seen["service"], "hello", "from the Secret");
    }
    let logs: String =
        pods.iter().map(|pod| cluster.logs("shop", pod["metadata"]["name"].as_str().unwrap()).unwrap()).collect();
    assert!(logs.contains("Echoing back request made to /cart"), "{logs}");

    cluster.delete(ECHO).unwrap();
    cluster.wait_gone(&Ref::new("v1", "Namespace", "shop"), LIMIT).unwrap();
}

/// A program of this machine with its shared libraries, as the Pod's user and with its volumes.
const JOB: &str = r#"
{apiVersion: v1, kind: ConfigMap, metadata: {name: words, namespace: default}, data: {script: "hello from a ConfigMap\n"}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: script, namespace: default}
spec:
  template:
    spec:
      restartPolicy: Never
      securityContext: {runAsUser: 1234}
      volumes: [{name: words, configMap: {name: words}}, {name: scratch, emptyDir: {}}]
      containers:
      - name: script
        image: example.com/tools/shell
        args: [-c, 'while read -r word; do echo "$word"; done </words/script >/scratch/copy; read -r copy </scratch/copy; echo "$copy"; echo /*; (: >/etc/x) || exit 7']
        volumeMounts: [{name: words, mountPath: /words}, {name: scratch, mountPath: /scratch}]
"#;

#[test]
fn a_pod_sees_its_program_and_its_volumes_alone() {
    let cluster = Cluster::builder().channel(None).image("example.com/tools/shell", "/bin/sh").start().unwrap();
    cluster.apply(JOB).unwrap();
    let job = Ref::new("batch/v1", "Job", "default/script");
    cluster.wait(&job, LIMIT, |job| job["status"]["failed"] == 1).unwrap();
    let pods = cluster.list("v1", "Pod", Some("default")).unwrap();
    let pod = pods.iter().find(|pod| pod["status"]["phase"] == "Failed").unwrap();
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 7, "{pod:#}");
    let logs = cluster.logs("default", pod["metadata"]["name"].as_str().unwrap()).unwrap();
    assert!(logs.contains("hello from a ConfigMap"), "{logs}");
    let root = logs.lines().find(|line| line.starts_with("/dash") || line.contains(" /etc ")).unwrap();
    assert!(!root.contains("/home") && !root.contains("/root"), "{root}");
}

#[test]
fn the_api_server_knows_the_gateway_api_and_who_asks() {
    let cluster = Cluster::builder().channel(Some(Channel::Standard)).start().unwrap();
    let class = "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: a}, spec: {controllerName: %}}";
    cluster.apply(&class.replace('%', "example.com/a")).unwrap();
    let refused = cluster.apply(&class.replace('%', "no-path")).unwrap_err();
    assert!(format!("{refused:#}").contains("spec.controllerName"), "{refused:#}");
    let unknown = "{apiVersion: gateway.networking.x-k8s.io/v1alpha1, kind: XBackend, metadata: {name: a}}";
    assert!(cluster.apply(unknown).is_err(), "XBackend is not in the standard channel");

    // A ServiceAccount has the rights that it is given, and no others.
    cluster
        .apply(
            r#"
{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [gateway.networking.k8s.io], resources: [gatewayclasses], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: default}]
"#,
        )
        .unwrap();
    let kubeconfig = cluster.service_account_kubeconfig("default", "reader").unwrap();
    let ask = |arguments: &[&str]| {
        let mut kubectl = cluster.kubectl();
        kubectl.args(arguments).env("KUBECONFIG", &kubeconfig);
        process::check(&kubectl, LIMIT).map_err(|e| format!("{e:#}"))
    };
    let began = Instant::now();
    let mut classes = ask(&["get", "gatewayclass", "-o", "name"]);
    while classes.is_err() && began.elapsed() < LIMIT {
        // The authorizer learns of the binding a moment after it is written.
        std::thread::sleep(Duration::from_millis(200));
        classes = ask(&["get", "gatewayclass", "-o", "name"]);
    }
    assert_eq!(classes.unwrap().trim(), "gatewayclass.gateway.networking.k8s.io/a");
    assert!(ask(&["get", "secrets"]).unwrap_err().contains("forbidden"));
}

#[test]
fn clusters_stand_side_by_side_and_survive_their_api_server() {
    let mut one = Cluster::builder().channel(None).start().unwrap();
    let two = Cluster::builder().channel(None).start().unwrap();
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}, data: {b: c}}";
    let about = Ref::new("v1", "ConfigMap", "default/a");
    one.apply(map).unwrap();
    assert_eq!(two.get(&about).unwrap(), None);

    one.stop(Component::ApiServer);
    assert!(one.get(&about).is_err());
    one.resume(Component::ApiServer).unwrap();
    assert_eq!(one.get(&about).unwrap().unwrap()["data"]["b"], "c");

    // What runs in the network ends with it.
    let pid = two.pid();
    let dir = two.dir().to_owned();
    drop(two);
    assert!(!std::path::Path::new(&format!("/proc/{pid}/ns/net")).exists());
    assert!(!dir.exists());
}
