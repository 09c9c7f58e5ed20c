//! Types that several kinds share (upstream `shared_types.go`, `object_reference_types.go`).

use crate::format::{self, string_enum};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

pub(crate) fn gateway_group() -> String {
    crate::GATEWAY_GROUP.to_owned()
}
pub(crate) fn gateway_kind() -> String {
    "Gateway".to_owned()
}
pub(crate) fn service_kind() -> String {
    "Service".to_owned()
}
pub(crate) fn secret_kind() -> String {
    "Secret".to_owned()
}
pub(crate) fn one() -> u32 {
    1
}

/// The Gateway, ListenerSet or Service that a route wants to be attached to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentReference {
    /// Group of the parent.
    #[serde(default = "gateway_group")]
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the parent.
    #[serde(default = "gateway_kind")]
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Namespace of the parent; the route's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::NamespaceName>")]
    pub namespace: Option<String>,
    /// Name of the parent.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Name of one listener of the parent; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::SectionName>")]
    pub section_name: Option<String>,
    /// Port of the listeners; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
}

string_enum! {
    /// Which routes a default Gateway takes (GEP-3793, experimental).
    GatewayDefaultScope {
        /// Every route that asks for default Gateways.
        All = "All",
        /// None.
        None = "None",
    }
}

/// A reference to something that takes requests or connections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendObjectReference {
    /// Group of the backend; empty is the core group.
    #[serde(default)]
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the backend.
    #[serde(default = "service_kind")]
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the backend.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Namespace of the backend; the referrer's own when absent. Another one needs a ReferenceGrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::NamespaceName>")]
    pub namespace: Option<String>,
    /// The port of the Service (not its targetPort). Required for Services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
}

/// A reference to a backend with its share of the traffic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendRef {
    /// The backend.
    #[serde(flatten)]
    pub object: BackendObjectReference,
    /// Share of the traffic: weight over the sum of all weights. 0 takes none.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: u32,
}

/// A reference to an object of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalObjectReference {
    /// Group of the object; empty is the core group.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the object.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the object.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
}

/// A reference to an object, maybe of another namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    /// Group of the object; empty is the core group.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the object.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the object.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Namespace of the object; the referrer's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::NamespaceName>")]
    pub namespace: Option<String>,
}

/// A reference to a Secret (or another kind that holds certificates).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretObjectReference {
    /// Group of the object; empty is the core group.
    #[serde(default)]
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the object.
    #[serde(default = "secret_kind")]
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the object.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Namespace of the object; the referrer's own when absent. Another one needs a ReferenceGrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::NamespaceName>")]
    pub namespace: Option<String>,
}

/// A reference to parameters of a class or a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParametersReference {
    /// Group of the object; empty is the core group.
    #[schemars(with = "format::Group")]
    pub group: String,
    /// Kind of the object.
    #[schemars(with = "format::KindName")]
    pub kind: String,
    /// Name of the object.
    #[schemars(with = "format::ObjectName")]
    pub name: String,
    /// Namespace of the object; absent for an object of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<format::NamespaceName>")]
    pub namespace: Option<String>,
}

/// A selector of labels, as Kubernetes' `metav1.LabelSelector`. All parts must match; an empty one matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must be there with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements beyond equality.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelSelectorRequirement>,
}

/// One requirement of a [`LabelSelector`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelectorRequirement {
    /// The label's key.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// Values for `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl LabelSelector {
    /// Whether `labels` satisfy every part of the selector. An operator nobody knows satisfies nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| {
                let value = labels.get(&requirement.key);
                match requirement.operator.as_str() {
                    "In" => value.is_some_and(|v| requirement.values.contains(v)),
                    "NotIn" => value.is_none_or(|v| !requirement.values.contains(v)),
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
    }
}

/// A length of time in the form of GEP-2257, such as `1h30m`, `300ms`; whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

impl Duration {
    /// Reads one to four numbers of up to five digits, each followed by `h`, `m`, `s` or `ms`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut total, mut parts) = (text, std::time::Duration::ZERO, 0);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let unit = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            parts += 1;
            if digits == 0 || digits > 5 || parts > 4 {
                return None;
            }
            let number: u64 = rest[..digits].parse().ok()?;
            total += match &rest[digits..digits + unit] {
                "h" => std::time::Duration::from_secs(number * 3600),
                "m" => std::time::Duration::from_secs(number * 60),
                "s" => std::time::Duration::from_secs(number),
                "ms" => std::time::Duration::from_millis(number),
                _ => return None,
            };
            rest = &rest[digits + unit..];
        }
        (parts > 0).then_some(Self(total))
    }

    /// The same length as the standard library's type.
    pub fn get(self) -> std::time::Duration {
        self.0
    }

    /// Whether it is `0s`, which the Gateway API reads as "no timeout".
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let parts =
            [(millis / 3_600_000, "h"), (millis / 60_000 % 60, "m"), (millis / 1000 % 60, "s"), (millis % 1000, "ms")];
        if millis == 0 {
            return f.write_str("0s");
        }
        parts.iter().filter(|(n, _)| *n > 0).try_for_each(|(n, unit)| write!(f, "{n}{unit}"))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a duration such as 1h30m or 500ms"))
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        format::GepDuration::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_gep_2257() {
        for (text, millis, shown) in [
            ("0s", 0, "0s"),
            ("300ms", 300, "300ms"),
            ("1h30m", 5_400_000, "1h30m"),
            ("90m", 5_400_000, "1h30m"),
            ("1s1s", 2000, "2s"),
        ] {
            let duration = Duration::parse(text).unwrap();
            assert_eq!((duration.get().as_millis(), duration.to_string().as_str()), (millis, shown), "{text}");
        }
        for text in ["", "1", "s", "1d", "-1s", "1.5s", "123456s", "1h1m1s1ms1s", "1 s", "1S", "é", "1é"] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn selectors_match_as_kubernetes_does() {
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let selector = |operator: &str, key: &str, values: &[&str]| LabelSelector {
            match_labels: BTreeMap::new(),
            match_expressions: vec![LabelSelectorRequirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
        };
        assert!(LabelSelector::default().matches(&labels));
        assert!(selector("In", "app", &["web", "db"]).matches(&labels));
        assert!(!selector("NotIn", "app", &["web"]).matches(&labels));
        assert!(selector("NotIn", "tier", &["web"]).matches(&labels));
        assert!(selector("DoesNotExist", "tier", &[]).matches(&labels));
        assert!(!selector("Like", "app", &["web"]).matches(&labels));
    }
}
