//! Bad objects, each with what must be said of it and how it is mended.
#![allow(unreachable_pub, missing_docs)]

use anyhow::Result;
use testkit::{Ca, free_port};

/// Listeners for everything that the cases attach to.
pub const GATEWAY: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: c}
spec: {controllerName: sluicegate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: c
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: narrow, port: 80, protocol: HTTP, hostname: '*.narrow.test'}
  - name: https
    port: 443
    protocol: HTTPS
    hostname: '*.good.test'
    tls: {certificateRefs: [{name: good-tls}]}
  - name: kafka
    port: 9092
    protocol: TLS
    hostname: '*.kafka.test'
    tls: {mode: Terminate, certificateRefs: [{name: good-tls}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: Service
metadata: {name: good, namespace: other}
spec:
  ports: [{name: main, port: 80}]
";

pub struct Case {
    pub name: &'static str,
    pub bad: String,
    pub mended: String,
    /// What its problems must say.
    pub words: &'static [&'static str],
    /// `type=status/reason` that its status must have.
    pub condition: Option<&'static str>,
    /// Whether its host is served in spite of the fault.
    pub serves: bool,
}

impl Case {
    pub fn file(&self) -> String {
        format!("bad-{}.yaml", self.name)
    }

    pub fn host(&self) -> String {
        format!("{}.test", self.name)
    }

    fn serves(mut self) -> Self {
        self.serves = true;
        self
    }
}

const HEAD: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: NAME}\nspec:\n";
const PARENT: &str = "  parentRefs: [{name: g, sectionName: http}]\n";
const HOST: &str = "  hostnames: [NAME.test]\n";
const RULES: &str = "  rules: [{backendRefs: [{name: good, port: 80}]}]\n";

fn good() -> String {
    format!("{HEAD}{PARENT}{HOST}{RULES}")
}

fn case(
    name: &'static str,
    condition: &'static str,
    words: &'static [&'static str],
    bad: impl AsRef<str>,
    mended: impl AsRef<str>,
) -> Case {
    let named = |yaml: &str| yaml.replace("NAME", name);
    let condition = (!condition.is_empty()).then_some(condition);
    Case { name, bad: named(bad.as_ref()), mended: named(mended.as_ref()), words, condition, serves: false }
}

/// A route of which only the rules are bad.
fn rules(name: &'static str, condition: &'static str, words: &'static [&'static str], rules: &str) -> Case {
    case(name, condition, words, format!("{HEAD}{PARENT}{HOST}  rules:\n  - {rules}\n"), good())
}

const BACKENDS: &str = "backendRefs: [{name: good, port: 80}]";

fn routes() -> Vec<Case> {
    let many = |count: usize, item: &str| vec![item; count].join(", ");
    let hostnames = |hosts: &str| format!("{HEAD}{PARENT}  hostnames: {hosts}\n{RULES}");
    vec![
        rules("unknown-field", "", &["backendrefs", "backendRefs"], "backendrefs: [{name: good, port: 80}]"),
        rules("wrong-type", "", &["port"], "backendRefs: [{name: good, port: eighty}]"),
        rules("port-range", "", &["65535"], "backendRefs: [{name: good, port: 99999}]"),
        rules("no-port", "", &["port"], "backendRefs: [{name: good}]"),
        rules(
            "no-service",
            "ResolvedRefs=False/BackendNotFound",
            &["nowhere"],
            "backendRefs: [{name: nowhere, port: 80}]",
        ),
        rules("no-such-port", "ResolvedRefs=False/BackendNotFound", &["81"], "backendRefs: [{name: good, port: 81}]"),
        rules(
            "backend-kind",
            "ResolvedRefs=False/InvalidKind",
            &["Thing"],
            "backendRefs: [{group: example.com, kind: Thing, name: x}]",
        ),
        rules(
            "no-grant",
            "ResolvedRefs=False/RefNotPermitted",
            &["ReferenceGrant"],
            "backendRefs: [{name: good, namespace: other, port: 80}]",
        ),
        rules(
            "path-regex",
            "",
            &["regular expression"],
            &format!("matches: [{{path: {{type: RegularExpression, value: '/a('}}}}]\n    {BACKENDS}"),
        ),
        rules(
            "header-regex",
            "",
            &["regular expression"],
            &format!("matches: [{{headers: [{{type: RegularExpression, name: a, value: '['}}]}}]\n    {BACKENDS}"),
        ),
        rules(
            "regex-bomb",
            "",
            &["regular expression"],
            &format!(
                "matches: [{{path: {{type: RegularExpression, value: '/(((a{{1000}}){{1000}}){{1000}})'}}}}]\n    {BACKENDS}"
            ),
        ),
        rules("path-relative", "", &["/"], &format!("matches: [{{path: {{value: relative}}}}]\n    {BACKENDS}")),
        rules("path-dots", "", &[".."], &format!("matches: [{{path: {{value: /a/../b}}}}]\n    {BACKENDS}")),
        rules(
            "match-type",
            "",
            &["Suffix"],
            &format!("matches: [{{path: {{type: Suffix, value: /}}}}]\n    {BACKENDS}"),
        ),
        rules("many-matches", "", &["64"], &format!("matches: [{}]\n    {BACKENDS}", many(65, "{method: GET}"))),
        rules("duration-words", "", &["duration"], &format!("timeouts: {{request: 5 seconds}}\n    {BACKENDS}")),
        rules("duration-negative", "", &["duration"], &format!("timeouts: {{request: -5s}}\n    {BACKENDS}")),
        rules(
            "duration-order",
            "",
            &["backendRequest"],
            &format!("timeouts: {{request: 1s, backendRequest: 5s}}\n    {BACKENDS}"),
        ),
        rules("duration-huge", "", &["duration"], &format!("timeouts: {{request: 999999999999h}}\n    {BACKENDS}")),
        rules("weight-negative", "", &["weight"], "backendRefs: [{name: good, port: 80, weight: -1}]"),
        rules("filter-unknown", "", &["Nonsense"], &format!("filters: [{{type: Nonsense}}]\n    {BACKENDS}")),
        rules(
            "filter-unserved",
            "Accepted=False/UnsupportedValue",
            &["path"],
            &format!(
                "filters: [{{type: ExternalAuth, externalAuth: {{protocol: HTTP, http: {{path: /a/../b}}, backendRef: {{name: good, port: 80}}}}}}]\n    {BACKENDS}"
            ),
        ),
        rules(
            "filter-without-body",
            "",
            &["requestHeaderModifier"],
            &format!("filters: [{{type: RequestHeaderModifier}}]\n    {BACKENDS}"),
        ),
        rules(
            "filters-clash",
            "",
            &["URLRewrite", "RequestRedirect"],
            "filters: [{type: RequestRedirect, requestRedirect: {hostname: a.test}}, {type: URLRewrite, urlRewrite: {hostname: b.test}}]",
        ),
        rules(
            "header-name",
            "",
            &["header"],
            &format!(
                "filters: [{{type: RequestHeaderModifier, requestHeaderModifier: {{set: [{{name: 'bad name', value: x}}]}}}}]\n    {BACKENDS}"
            ),
        ),
        rules(
            "header-newline",
            "",
            &["header"],
            &format!(
                "filters: [{{type: RequestHeaderModifier, requestHeaderModifier: {{set: [{{name: a, value: \"x\\r\\nb: y\"}}]}}}}]\n    {BACKENDS}"
            ),
        ),
        rules(
            "redirect-code",
            "",
            &["statusCode"],
            "filters: [{type: RequestRedirect, requestRedirect: {statusCode: 399}}]",
        ),
        rules(
            "extension-missing",
            "Accepted=False/UnsupportedValue",
            &["extensionRef"],
            &format!(
                "filters: [{{type: ExtensionRef, extensionRef: {{group: example.com, kind: Filter, name: none}}}}]\n    {BACKENDS}"
            ),
        ),
        case(
            "many-rules",
            "",
            &["16"],
            format!("{HEAD}{PARENT}{HOST}  rules: [{}]\n", many(17, "{backendRefs: [{name: good, port: 80}]}")),
            good(),
        ),
        case("many-hostnames", "", &["16"], hostnames(&format!("[NAME.test, {}]", many(16, "x.test"))), good()),
        case("hostname-port", "", &["hostname"], hostnames("['NAME.test:80']"), good()),
        case("hostname-ip", "", &["spec.hostnames[0]", "IP"], hostnames("['127.0.0.9']"), good()),
        case(
            "hostname-elsewhere",
            "Accepted=False/NoMatchingListenerHostname",
            &["narrow"],
            format!("{HEAD}  parentRefs: [{{name: g, sectionName: narrow}}]\n{HOST}{RULES}"),
            good(),
        ),
        case("no-gateway", "", &["nobody"], good().replace("name: g,", "name: nobody,"), good()),
        case(
            "no-section",
            "Accepted=False/NoMatchingParent",
            &["nowhere"],
            good().replace("sectionName: http", "sectionName: nowhere"),
            good(),
        ),
        case(
            "not-allowed",
            "Accepted=False/NotAllowedByListeners",
            &["namespace"],
            good()
                .replace("{name: NAME}", "{name: NAME, namespace: other}")
                .replace("{name: g,", "{name: g, namespace: default,"),
            good(),
        ),
        case("bad-name", "", &["name"], good().replace("{name: NAME}", "{name: Bad_Name}"), good()),
        case("no-name", "", &["name"], good().replace("{name: NAME}", "{labels: {}}"), good()),
        case("twice", "", &["NAME"], format!("{}---\n{}", good(), good()), good()).serves(),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        case("unclosed", "", &[], good().replace(RULES, "  rules: [{backendRefs: [{name: good, port: 80}]\n"), good()),
        case("tabs", "", &[], good().replace("  rules", "\trules"), good()),
        case("same-key", "", &["rules"], format!("{}{RULES}", good()), good()),
        case("garbage", "", &[], "\u{0}\u{1}\u{2}\u{7f}: : :\n- ][", good()),
        case("alias-bomb", "", &[], alias_bomb(), good()),
        case("api-version", "", &["v1alpha9"], good().replace("k8s.io/v1\n", "k8s.io/v1alpha9\n"), good()),
        case("kind-typo", "", &["HTTPRuote", "HTTPRoute"], good().replace("HTTPRoute", "HTTPRuote"), good()),
    ]
}

fn alias_bomb() -> String {
    let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let before = vec![format!("*a{}", i - 1); 10].join(", ");
        yaml.push_str(&format!("a{i}: &a{i} [{before}]\n"));
    }
    yaml
}

/// A Gateway of its own, with an HTTP listener that serves the case's host when all is well.
fn gateways(ca: &Ca) -> Result<Vec<Case>> {
    let port = free_port()?;
    let gateway = |listener: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: NAME}}\nspec:\n  gatewayClassName: c\n  listeners:\n{listener}---\n{}",
            good()
        )
    };
    let https = |port: u16, secret: &str| {
        format!("  - {{name: https, port: {port}, protocol: HTTPS, tls: {{certificateRefs: [{secret}]}}}}\n")
    };
    let pair = ca.server(&["NAME.test"])?;
    let secret = pair.secret_yaml("default", "NAME");
    let whole = |port: u16| format!("{}---\n{secret}", gateway(&https(port, "{name: NAME}")));
    let with_secret = |port: u16, secret: &str| format!("{}---\n{secret}", gateway(&https(port, "{name: NAME}")));
    let mismatch = pair.with_key_of(&ca.server(&["NAME.test"])?).secret_yaml("default", "NAME");
    let opaque = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\ntype: kubernetes.io/tls\nstringData: {tls.crt: nonsense, tls.key: nonsense}\n";
    let base64 = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\ntype: kubernetes.io/tls\ndata: {tls.crt: '***', tls.key: '***'}\n";
    let no_key =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\ntype: kubernetes.io/tls\nstringData: {tls.crt: ''}\n";
    let refused = "ResolvedRefs=False/InvalidCertificateRef";
    let ports: Vec<u16> = (0..12).map(|_| free_port()).collect::<Result<_>>()?;
    let listeners = |text: &str| gateway(text);
    Ok(vec![
        case("no-secret", refused, &["NAME"], gateway(&https(ports[0], "{name: NAME}")), whole(ports[0])).serves(),
        case("secret-garbage", refused, &["NAME"], with_secret(ports[1], opaque), whole(ports[1])).serves(),
        case("secret-base64", "", &["tls.crt"], with_secret(ports[2], base64), whole(ports[2])).serves(),
        case("secret-no-key", refused, &["tls.key"], with_secret(ports[3], no_key), whole(ports[3])).serves(),
        case("secret-mismatch", refused, &["key"], with_secret(ports[4], &mismatch), whole(ports[4])).serves(),
        case(
            "secret-elsewhere",
            "ResolvedRefs=False/RefNotPermitted",
            &["ReferenceGrant"],
            gateway(&https(ports[5], "{name: NAME, namespace: other}")),
            whole(ports[5]),
        )
        .serves(),
        case(
            "listeners-clash",
            "",
            &["listeners[1]", "unique"],
            listeners(&format!("  - {{name: one, port: {0}, protocol: HTTP}}\n  - {{name: two, port: {0}, protocol: HTTP}}\n", ports[6])),
            listeners(&format!("  - {{name: one, port: {0}, protocol: HTTP}}\n  - {{name: two, port: {0}, protocol: HTTP, hostname: two.test}}\n", ports[6])),
        )
        .serves(),
        case(
            "protocols-clash",
            "Conflicted=True/ProtocolConflict",
            &["one", "two"],
            format!("{}---\n{secret}", listeners(&format!("  - {{name: one, port: {0}, protocol: HTTP}}\n  - {{name: two, port: {0}, protocol: HTTPS, tls: {{certificateRefs: [{{name: NAME}}]}}}}\n", ports[7]))),
            format!("{}---\n{secret}", listeners(&format!("  - {{name: one, port: {0}, protocol: HTTP}}\n  - {{name: two, port: {1}, protocol: HTTPS, tls: {{certificateRefs: [{{name: NAME}}]}}}}\n", ports[7], ports[8]))),
        )
        .serves(),
        case(
            "protocol-unknown",
            "Accepted=False/UnsupportedProtocol",
            &["SCTP"],
            listeners(&format!("  - {{name: one, port: {}, protocol: SCTP}}\n", ports[9])),
            listeners(&format!("  - {{name: one, port: {}, protocol: HTTP}}\n", ports[9])),
        )
        .serves(),
        case(
            "tls-missing",
            "",
            &["tls"],
            listeners(&format!("  - {{name: one, port: {}, protocol: HTTPS}}\n", ports[10])),
            whole(ports[10]),
        )
        .serves(),
        case(
            "address-type",
            "Accepted=False/UnsupportedAddress",
            &["NamedAddress"],
            listeners(&format!("  - {{name: one, port: {}, protocol: HTTP}}\n  addresses: [{{type: NamedAddress, value: x}}]\n", ports[11])),
            listeners(&format!("  - {{name: one, port: {}, protocol: HTTP}}\n", ports[11])),
        )
        .serves(),
        case(
            "parameters",
            "Accepted=False/InvalidParameters",
            &["Missing"],
            listeners(&format!("  - {{name: one, port: {port}, protocol: HTTP}}\n  infrastructure: {{parametersRef: {{group: example.com, kind: Missing, name: x}}}}\n")),
            listeners(&format!("  - {{name: one, port: {port}, protocol: HTTP}}\n")),
        )
        .serves(),
    ])
}

fn others() -> Vec<Case> {
    let backend = |endpoint: &str| {
        format!(
            "{}---\napiVersion: sluicegate.dev/v1alpha1\nkind: Backend\nmetadata: {{name: NAME}}\nspec:\n  endpoints: [{endpoint}]\n",
            good().replace("{name: good, port: 80}", "{group: sluicegate.dev, kind: Backend, name: NAME}")
        )
    };
    let policy = |target: &str, ca: &str| {
        format!(
            "{}---\napiVersion: v1\nkind: Service\nmetadata: {{name: NAME}}\nspec:\n  ports: [{{name: main, port: 80}}]\n---\n\
             apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {{name: NAME}}\nspec:\n  \
             targetRefs: [{{group: '', kind: Service, name: {target}}}]\n  validation: {{hostname: x.test, caCertificateRefs: [{{group: '', kind: ConfigMap, name: {ca}}}]}}\n",
            good().replace("{name: good,", "{name: NAME,")
        )
    };
    let kafka = |spec: &str| {
        format!(
            "{}---\napiVersion: sluicegate.dev/v1alpha1\nkind: KafkaRoute\nmetadata: {{name: NAME}}\nspec:\n  parentRefs: [{{name: g, sectionName: kafka}}]\n{spec}",
            good()
        )
    };
    let good_kafka = kafka("  hostname: NAME.kafka.test\n  backendRefs: [{name: good, port: 80}]\n");
    let security = "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: NAME}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: NAME}]\n  jwt: {providers: []}\n";
    vec![
        case("backend-address", "", &["address"], backend("{ip: {address: not-an-ip, port: 80}}"), good()),
        case("backend-empty", "", &["endpoint"], backend("{}"), good()),
        case("policy-no-ca", "Accepted=False/NoValidCACertificate", &["none"], policy("NAME", "none"), good()),
        case("kafka-hostname", "Accepted=False/NoMatchingListenerHostname", &["elsewhere.test"], kafka("  hostname: NAME.elsewhere.test\n  backendRefs: [{name: good, port: 80}]\n"), &good_kafka).serves(),
        case("kafka-backend", "ResolvedRefs=False/BackendNotFound", &["nowhere"], kafka("  hostname: NAME.kafka.test\n  backendRefs: [{name: nowhere, port: 80}]\n"), &good_kafka).serves(),
        case("kafka-filter", "", &["Nonsense"], kafka("  hostname: NAME.kafka.test\n  filters: [{type: Nonsense}]\n  backendRefs: [{name: good, port: 80}]\n"), &good_kafka).serves(),
        case("policy-unserved", "", &["SG0626"], format!("{}{security}", good()), good()),
        case("slice-address", "", &["address"], format!("{}---\n{}", good(), "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: NAME, labels: {kubernetes.io/service-name: NAME}}\naddressType: IPv4\nports: [{name: main, port: 80}]\nendpoints: [{addresses: [not-an-address]}]\n"), good()).serves(),
        case("grant-empty", "", &["from"], format!("{}---\n{}", good(), "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: NAME}\nspec: {from: [], to: []}\n"), good()).serves(),
    ]
}

/// All of them.
pub fn cases(ca: &Ca) -> Result<Vec<Case>> {
    Ok([routes(), documents(), gateways(ca)?, others()].into_iter().flatten().collect())
}
