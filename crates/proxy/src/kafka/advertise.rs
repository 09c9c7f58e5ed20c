//! Every place in a response where a broker's address stands. Clients get the gateway's name for the broker; the real
//! address is kept for the connection that will ask for it.

use super::{close::Close, filter, scope::Scope};
use bytes::Bytes;
use kafka::{
    ApiKey, Body, Rope,
    messages::{
        DescribeClusterResponse, DescribeQuorumResponse, FetchResponse, FindCoordinatorResponse, MetadataResponse,
        ProduceResponse, ShareAcknowledgeResponse, ShareFetchResponse, fetch_response, produce_response,
        share_acknowledge_response, share_fetch_response,
    },
};

/// A response that may hold addresses.
pub(super) trait Advertise: Body {
    /// Rewrites them; whether anything changed.
    fn advertise(&mut self, scope: &Scope) -> bool;
}

/// Responses without an address.
macro_rules! without_addresses {
    ($($name:ident),* $(,)?) => {
        $(impl Advertise for kafka::messages::$name {
            fn advertise(&mut self, _scope: &Scope) -> bool {
                false
            }
        })*
    };
}

without_addresses!(
    ListOffsetsResponse,
    OffsetCommitResponse,
    OffsetFetchResponse,
    OffsetForLeaderEpochResponse,
    TxnOffsetCommitResponse,
    AddPartitionsToTxnResponse,
    JoinGroupResponse,
    SyncGroupResponse,
    HeartbeatResponse,
    LeaveGroupResponse,
    DescribeGroupsResponse,
    DeleteGroupsResponse,
    ListGroupsResponse,
    ConsumerGroupHeartbeatResponse,
    ConsumerGroupDescribeResponse,
    AddRaftVoterResponse,
    CreateTopicsResponse,
    AddOffsetsToTxnResponse,
);

impl Advertise for MetadataResponse {
    fn advertise(&mut self, scope: &Scope) -> bool {
        let real: Vec<_> = self
            .brokers
            .iter_mut()
            .filter_map(|one| scope.advertise(one.node_id, &mut one.host, &mut one.port))
            .collect();
        scope.cluster.learn_brokers(real, true);
        if scope.filters.stand() {
            scope.cluster.learn_topics(self.topics.iter().filter_map(|one| Some((one.topic_id, one.name.as_ref()?))));
        }
        !self.brokers.is_empty()
    }
}

impl Advertise for FindCoordinatorResponse {
    fn advertise(&mut self, scope: &Scope) -> bool {
        let mut real: Vec<_> = scope.advertise(self.node_id, &mut self.host, &mut self.port).into_iter().collect();
        real.extend(
            self.coordinators.iter_mut().filter_map(|one| scope.advertise(one.node_id, &mut one.host, &mut one.port)),
        );
        scope.cluster.learn_brokers(real, false);
        true
    }
}

impl Advertise for DescribeClusterResponse {
    fn advertise(&mut self, scope: &Scope) -> bool {
        // The ids of controllers are no brokers, and the gateway does not lead to them.
        if self.endpoint_type == 2 {
            self.brokers.clear();
            return true;
        }
        let real: Vec<_> = self
            .brokers
            .iter_mut()
            .filter_map(|one| scope.advertise(one.broker_id, &mut one.host, &mut one.port))
            .collect();
        scope.cluster.learn_brokers(real, false);
        true
    }
}

impl Advertise for DescribeQuorumResponse {
    fn advertise(&mut self, _scope: &Scope) -> bool {
        // Listeners of controllers, which the gateway does not lead to.
        self.nodes.iter_mut().fold(false, |changed, node| !std::mem::take(&mut node.listeners).is_empty() | changed)
    }
}

/// `NodeEndpoints` of KIP-951: the new leaders that errors in the response speak of.
macro_rules! with_node_endpoints {
    ($($name:ident in $module:ident),* $(,)?) => {
        $(impl Advertise for $name {
            fn advertise(&mut self, scope: &Scope) -> bool {
                let rewrite = |one: &mut $module::NodeEndpoint| scope.advertise(one.node_id, &mut one.host, &mut one.port);
                let real: Vec<_> = self.node_endpoints.iter_mut().filter_map(rewrite).collect();
                scope.cluster.learn_brokers(real, false);
                !self.node_endpoints.is_empty()
            }
        })*
    };
}

with_node_endpoints!(
    ProduceResponse in produce_response,
    FetchResponse in fetch_response,
    ShareFetchResponse in share_fetch_response,
    ShareAcknowledgeResponse in share_acknowledge_response,
);

/// Rewrites the addresses in a response that filters do not concern.
pub(super) fn readdress(scope: &Scope, api: ApiKey, version: i16, body: Bytes) -> Result<Option<Rope>, Close> {
    fn one<B: Advertise>(scope: &Scope, version: i16, body: Bytes) -> Result<Option<Rope>, Close> {
        filter::rewrite(scope, version, body, |_: &Scope, _: &mut B| false)
    }
    match api {
        ApiKey::Metadata => one::<MetadataResponse>(scope, version, body),
        ApiKey::FindCoordinator => one::<FindCoordinatorResponse>(scope, version, body),
        ApiKey::DescribeCluster => one::<DescribeClusterResponse>(scope, version, body),
        ApiKey::DescribeQuorum => one::<DescribeQuorumResponse>(scope, version, body),
        ApiKey::Produce => one::<ProduceResponse>(scope, version, body),
        ApiKey::Fetch => one::<FetchResponse>(scope, version, body),
        ApiKey::ShareFetch => one::<ShareFetchResponse>(scope, version, body),
        ApiKey::ShareAcknowledge => one::<ShareAcknowledgeResponse>(scope, version, body),
        // Read for topics only.
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::route::Advertised;
    use kafka::messages::{
        describe_cluster_response::DescribeClusterBroker,
        describe_quorum_response::{Listener, Node},
        find_coordinator_response::Coordinator,
        metadata_response::MetadataResponseBroker,
    };
    use std::{collections::BTreeMap, sync::Arc};

    fn scope() -> Scope {
        Scope {
            advertised: Arc::new(Advertised::new(
                "broker-{brokerId}-k.example.com",
                &BTreeMap::from([(10, "ten.example.com".into())]),
            )),
            port: 9443,
            ..Scope::default()
        }
    }

    #[test]
    fn metadata_names_the_gateway_and_teaches_the_cluster() {
        let broker = |node_id, host: &str| MetadataResponseBroker {
            node_id,
            host: host.into(),
            port: 9092,
            ..Default::default()
        };
        let mut response =
            MetadataResponse { brokers: vec![broker(0, "10.0.0.1"), broker(10, "b")], ..Default::default() };
        let scope = scope();
        assert!(response.advertise(&scope));
        let shown: Vec<_> = response.brokers.iter().map(|one| (one.host.as_str(), one.port)).collect();
        assert_eq!(shown, [("broker-0-k.example.com", 9443), ("ten.example.com", 9443)]);
        assert_eq!(scope.cluster.broker(0).unwrap().host.as_str(), "10.0.0.1");
        assert_eq!(scope.cluster.broker(10).unwrap().port, 9092);
    }

    #[test]
    fn an_absent_coordinator_stays_absent() {
        let mut response = FindCoordinatorResponse {
            node_id: -1,
            port: -1,
            coordinators: vec![
                Coordinator { node_id: 3, host: "x".into(), port: 1, ..Default::default() },
                Coordinator { node_id: -1, port: -1, ..Default::default() },
            ],
            ..Default::default()
        };
        response.advertise(&scope());
        assert_eq!((response.host.as_str(), response.port), ("", -1));
        let shown: Vec<_> = response.coordinators.iter().map(|one| (one.host.as_str(), one.port)).collect();
        assert_eq!(shown, [("broker-3-k.example.com", 9443), ("", -1)]);
    }

    #[test]
    fn controllers_are_not_shown() {
        let mut response = DescribeClusterResponse {
            endpoint_type: 2,
            brokers: vec![DescribeClusterBroker { broker_id: 1, host: "c".into(), ..Default::default() }],
            ..Default::default()
        };
        response.advertise(&scope());
        assert!(response.brokers.is_empty());
        let mut response = DescribeQuorumResponse {
            nodes: vec![Node {
                listeners: vec![Listener { host: "c".into(), ..Default::default() }],
                ..Default::default()
            }],
            ..Default::default()
        };
        assert!(response.advertise(&scope()));
        assert!(response.nodes[0].listeners.is_empty());
    }
}
