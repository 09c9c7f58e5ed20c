//! Topic names as clients see them and as the brokers have them (`TopicMapping`).

use snapshot::{MappingKind, TopicMapping};
use std::collections::HashMap;

/// Kafka's internal topics (`org.apache.kafka.common.internals.Topic`); hidden once a route maps.
const INTERNAL: [&str; 4] = ["__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"];

/// The route's mappings, both ways.
#[derive(Debug, Default)]
pub(crate) struct Names {
    to_broker: HashMap<String, String>,
    to_client: HashMap<String, String>,
}

impl Names {
    /// Compiles the filters; an error names the filter.
    pub(crate) fn compile(mappings: &[TopicMapping]) -> Result<Self, String> {
        let mut names = Self::default();
        for mapping in mappings {
            if mapping.kind == MappingKind::Prefix {
                return Err(format!("filter {}: a TopicMapping of type Prefix is not served", mapping.name));
            }
            let clash = names.to_broker.insert(mapping.client.clone(), mapping.broker.clone()).is_some()
                | names.to_client.insert(mapping.broker.clone(), mapping.client.clone()).is_some();
            if clash {
                return Err(format!(
                    "filter {}: {} or {} is mapped twice",
                    mapping.name, mapping.client, mapping.broker
                ));
            }
        }
        Ok(names)
    }

    /// Whether nothing is mapped and all names pass.
    pub(crate) fn is_empty(&self) -> bool {
        self.to_broker.is_empty()
    }

    /// The brokers' name of what a client calls `client`; `None` if clients have no such topic: it is mapped away, or
    /// internal.
    pub(crate) fn to_broker<'a>(&'a self, client: &'a str) -> Option<&'a str> {
        if self.is_empty() {
            return Some(client);
        }
        match self.to_broker.get(client) {
            Some(broker) => Some(broker),
            None if self.to_client.contains_key(client) || INTERNAL.contains(&client) => None,
            None => Some(client),
        }
    }

    /// What clients call the brokers' topic `broker`; `None` if they must not see it: another topic has its name, or it
    /// is internal.
    pub(crate) fn to_client<'a>(&'a self, broker: &'a str) -> Option<&'a str> {
        if self.is_empty() {
            return Some(broker);
        }
        match self.to_client.get(broker) {
            Some(client) => Some(client),
            None if self.to_broker.contains_key(broker) || INTERNAL.contains(&broker) => None,
            None => Some(broker),
        }
    }

    /// A broker's free text (`error_message`) with the brokers' names replaced by the clients'. A text that names a
    /// topic that clients must not see is dropped.
    pub(crate) fn text(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for (broker, client) in &self.to_client {
            if text.contains(broker.as_str()) {
                text = text.replace(broker.as_str(), client);
                if text.contains(broker.as_str()) {
                    return None;
                }
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pairs: &[(&str, &str)]) -> Names {
        let mappings: Vec<_> = pairs
            .iter()
            .map(|(client, broker)| TopicMapping {
                name: "mapping".into(),
                client: (*client).into(),
                broker: (*broker).into(),
                kind: MappingKind::Exact,
            })
            .collect();
        Names::compile(&mappings).unwrap()
    }

    #[test]
    fn a_mapped_topic_has_its_client_name_alone() {
        let names = names(&[("external", "internal")]);
        assert_eq!(names.to_broker("external"), Some("internal"));
        assert_eq!(names.to_broker("internal"), None);
        assert_eq!(names.to_broker("other"), Some("other"));
        assert_eq!(names.to_broker("__consumer_offsets"), None);
        assert_eq!(names.to_client("internal"), Some("external"));
        assert_eq!(names.to_client("external"), None, "shadowed");
        assert_eq!(names.to_client("other"), Some("other"));
        assert_eq!(names.text("topic internal is gone").as_deref(), Some("topic external is gone"));
    }

    #[test]
    fn two_topics_may_change_places() {
        let names = names(&[("a", "b"), ("b", "a")]);
        assert_eq!(names.to_broker("a"), Some("b"));
        assert_eq!(names.to_broker("b"), Some("a"));
        assert_eq!(names.to_client("a"), Some("b"));
    }

    #[test]
    fn without_mappings_internal_topics_stay() {
        assert_eq!(Names::default().to_client("__consumer_offsets"), Some("__consumer_offsets"));
    }
}
