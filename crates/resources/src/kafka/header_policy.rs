//! KafkaHeaderPolicy: headers of records.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Changes of the headers of every record that is produced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaHeaderPolicySpec {
    /// Headers to add to those of the same key.
    #[serde(default, skip_serializing_if = "KafkaHeaders::is_empty")]
    pub add: KafkaHeaders,
    /// Headers to put in place of those of the same key.
    #[serde(default, skip_serializing_if = "KafkaHeaders::is_empty")]
    pub set: KafkaHeaders,
    /// Keys of headers to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 1024)), extend("uniqueItems" = true))]
    pub remove: Vec<String>,
}

/// A header of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KafkaHeader {
    /// Its key.
    pub name: String,
    /// Its value, as UTF-8.
    pub value: String,
}

/// Headers, written as a map `{X-Custom: Hello}` or as a list `[{name: X-Custom, value: Hello}]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KafkaHeaders(pub Vec<KafkaHeader>);

impl KafkaHeaders {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for KafkaHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Headers;
        impl<'de> Visitor<'de> for Headers {
            type Value = KafkaHeaders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of headers, or a list of {name, value}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KafkaHeaders, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    headers.push(KafkaHeader { name, value });
                }
                Ok(KafkaHeaders(headers))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<KafkaHeaders, A::Error> {
                let mut headers = Vec::new();
                while let Some(header) = seq.next_element()? {
                    headers.push(header);
                }
                Ok(KafkaHeaders(headers))
            }
        }
        deserializer.deserialize_any(Headers)
    }
}

impl JsonSchema for KafkaHeaders {
    fn schema_name() -> Cow<'static, str> {
        "KafkaHeaders".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let value = json_schema!({ "type": "string", "maxLength": 4096 });
        json_schema!({
            "type": ["object", "array"],
            "maxProperties": 64,
            "additionalProperties": value,
            "maxItems": 64,
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "properties": {
                    "name": { "type": "string", "minLength": 1, "maxLength": 1024 },
                    "value": value,
                },
            },
        })
    }
}
