//! The ledger: what a gateway does with every API and version, without filters and with them.
//!
//! Every API has its row in one `match` without a wildcard: a newer Kafka's APIs do not compile until each has a verdict.

use std::fmt::Write as _;

#[cfg(test)]
use crate::api::Carries;
use crate::api::{APIS, ApiKey};

/// What happens to an API's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Passed on by length, unread. Where a route has filters: it carries nothing that they look at.
    Opaque,
    /// Decoded: addresses are rewritten, and under filters names are mapped and rules checked.
    Rewrite,
    /// Taken out of ApiVersions, and answered with an error or a closed connection when sent all the same.
    Refuse,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Rewrite => "rewrite",
            Self::Refuse => "refuse",
        }
    }
}

/// Under filters.
#[derive(Clone, Copy)]
enum Filtered {
    /// Decoded; names are mapped and rules checked.
    Mapped,
    /// The same up to this version; newer ones are refused.
    MappedTo(i16),
    /// As on a route without filters: no topic in it.
    Same,
    /// It carries a topic, and nothing maps it yet.
    Refused,
}

/// Without filters.
#[derive(Clone, Copy)]
enum Plain {
    Opaque,
    /// Broker addresses from this version on.
    RewriteFrom(i16),
    Refuse,
}

struct Row {
    plain: Plain,
    filtered: Filtered,
    why: &'static str,
}

const fn row(plain: Plain, filtered: Filtered, why: &'static str) -> Row {
    Row { plain, filtered, why }
}

const NOT_MAPPED: &str = "carries topics that no filter maps yet";
const INTERNAL: &str = "between brokers and controllers only";

fn ledger(api: ApiKey) -> Row {
    use ApiKey as K;
    use Filtered::{Mapped, MappedTo, Refused, Same};
    use Plain::{Opaque, Refuse, RewriteFrom};
    match api {
        K::Produce => row(RewriteFrom(10), Mapped, "the response names new leaders' addresses (KIP-951)"),
        K::Fetch => {
            row(RewriteFrom(16), Mapped, "the response names new leaders' addresses, after the records (KIP-951)")
        }
        K::ListOffsets => row(Opaque, Mapped, ""),
        K::Metadata => row(RewriteFrom(0), Mapped, "every broker's address"),
        K::OffsetCommit | K::OffsetFetch => row(Opaque, Mapped, ""),
        K::FindCoordinator => row(RewriteFrom(0), Mapped, "the coordinators' addresses"),
        K::OffsetForLeaderEpoch | K::TxnOffsetCommit => row(Opaque, Mapped, ""),
        K::AddPartitionsToTxn => row(Opaque, MappedTo(3), "newer versions are the brokers' own"),
        K::JoinGroup | K::SyncGroup => row(Opaque, Mapped, "topics inside the consumer protocol's bytes"),
        K::DescribeGroups => row(Opaque, Mapped, "topics inside the consumer protocol's bytes"),
        K::Heartbeat | K::LeaveGroup | K::ListGroups | K::DeleteGroups => row(Opaque, Same, ""),
        K::SaslHandshake | K::SaslAuthenticate => row(Opaque, Same, "read along, so that the principal is known"),
        K::ApiVersions => row(
            RewriteFrom(0),
            Mapped,
            "clamped to this table; a client is told to use version 4, before cluster and node ids (KIP-1242)",
        ),
        K::ConsumerGroupHeartbeat => {
            row(Opaque, Mapped, "a subscription by expression is the broker's to evaluate: refused under filters")
        }
        K::ConsumerGroupDescribe => row(Opaque, Mapped, ""),
        K::InitProducerId | K::AddOffsetsToTxn | K::EndTxn | K::ListTransactions => row(Opaque, Same, ""),
        K::DescribeCluster => row(RewriteFrom(0), Mapped, "every broker's address; controllers are not shown"),
        K::DescribeQuorum => row(RewriteFrom(2), Refused, "the controllers' addresses"),
        K::ShareFetch => row(RewriteFrom(0), Refused, "the response names new leaders' addresses, after the records"),
        K::ShareAcknowledge => row(RewriteFrom(0), Refused, "the response names new leaders' addresses"),
        K::AddRaftVoter => row(Refuse, Refused, "carries a controller's address, which means nothing behind a gateway"),
        K::CreateTopics
        | K::DeleteTopics
        | K::DeleteRecords
        | K::WriteTxnMarkers
        | K::AlterReplicaLogDirs
        | K::DescribeLogDirs
        | K::CreatePartitions
        | K::ElectLeaders
        | K::AlterPartitionReassignments
        | K::ListPartitionReassignments
        | K::OffsetDelete
        | K::DescribeProducers
        | K::DescribeTransactions
        | K::DescribeTopicPartitions
        | K::ShareGroupHeartbeat
        | K::ShareGroupDescribe
        | K::InitializeShareGroupState
        | K::ReadShareGroupState
        | K::WriteShareGroupState
        | K::DeleteShareGroupState
        | K::ReadShareGroupStateSummary
        | K::DescribeShareGroupOffsets
        | K::AlterShareGroupOffsets
        | K::DeleteShareGroupOffsets
        | K::StreamsGroupHeartbeat
        | K::StreamsGroupDescribe
        | K::StreamsGroupTopologyDescriptionUpdate => row(Opaque, Refused, NOT_MAPPED),
        K::DescribeAcls | K::CreateAcls | K::DeleteAcls => row(Opaque, Refused, "topics are named as ACL resources"),
        K::DescribeConfigs | K::AlterConfigs | K::IncrementalAlterConfigs | K::ListConfigResources => {
            row(Opaque, Refused, "topics are named as config resources")
        }
        K::CreateDelegationToken
        | K::RenewDelegationToken
        | K::ExpireDelegationToken
        | K::DescribeDelegationToken
        | K::DescribeClientQuotas
        | K::AlterClientQuotas
        | K::DescribeUserScramCredentials
        | K::AlterUserScramCredentials
        | K::UpdateFeatures
        | K::UnregisterBroker
        | K::UnregisterController
        | K::RemoveRaftVoter => row(Opaque, Same, ""),
        K::GetTelemetrySubscriptions | K::PushTelemetry => row(Opaque, Same, "the client's own metrics (KIP-714)"),
        K::LeaderAndIsr | K::StopReplica | K::UpdateMetadata | K::ControlledShutdown => {
            row(Refuse, Refused, "between brokers only, gone since Kafka 4")
        }
        K::Vote
        | K::BeginQuorumEpoch
        | K::EndQuorumEpoch
        | K::AlterPartition
        | K::Envelope
        | K::FetchSnapshot
        | K::BrokerRegistration
        | K::BrokerHeartbeat
        | K::AllocateProducerIds
        | K::ControllerRegistration
        | K::AssignReplicasToDirs
        | K::UpdateRaftVoter => row(Refuse, Refused, INTERNAL),
    }
}

/// The verdict for `version` of `api`, on a route with filters or without.
///
/// Versions older than the definitions, which brokers before Kafka 4 still offer, carry no address and pass unread where
/// there is no filter; those that are newer than the definitions may carry anything and are refused.
pub fn verdict(api: ApiKey, version: i16, filtered: bool) -> Verdict {
    let info = api.info();
    let Some((low, high)) = info.versions.filter(|_| info.broker) else { return Verdict::Refuse };
    if version < 0 || version > high {
        return Verdict::Refuse;
    }
    let Row { plain, filtered: under, .. } = ledger(api);
    let known = version >= low;
    let plain = match plain {
        Plain::Refuse => Verdict::Refuse,
        Plain::RewriteFrom(from) if version >= from && !known => Verdict::Refuse,
        Plain::RewriteFrom(from) if version >= from => Verdict::Rewrite,
        Plain::RewriteFrom(_) | Plain::Opaque => Verdict::Opaque,
    };
    match under {
        _ if !filtered => plain,
        _ if !known || plain == Verdict::Refuse => Verdict::Refuse,
        Filtered::Mapped => Verdict::Rewrite,
        Filtered::MappedTo(last) if version <= last => Verdict::Rewrite,
        Filtered::MappedTo(_) => Verdict::Refuse,
        Filtered::Same => plain,
        Filtered::Refused => Verdict::Refuse,
    }
}

/// What the gateway's ApiVersions answer says of an API for which the broker says `broker` (lowest and highest version).
/// None: the API is left out.
pub fn offer(api_key: i16, broker: (i16, i16), filtered: bool) -> Option<(i16, i16)> {
    let api = ApiKey::from_i16(api_key)?;
    let allowed = |version: &i16| verdict(api, *version, filtered) != Verdict::Refuse;
    let (_, newest) = api.info().versions?;
    let lowest = broker.0.max(0);
    let high = (lowest..=broker.1.min(newest)).rev().find(allowed)?;
    let low = (lowest..=high).find(allowed)?;
    // As brokers do since Kafka 4: librdkafka before 2.6 takes a higher minimum for "no compression" (KAFKA-18659). The
    // versions are refused when used.
    let low = if api == ApiKey::Produce { lowest } else { low };
    Some((low, high))
}

/// The ledger as a page of the reference.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Kafka APIs\n\n\
         What a KafkaRoute does with each API and version. Written by `cargo xtask gen`.\n\n\
         - **opaque**: passed on by length, unread.\n\
         - **rewrite**: decoded; broker addresses become the gateway's. On a route with filters, topics are mapped and rules checked.\n\
         - **refuse**: left out of the ApiVersions answer, and refused when sent all the same.\n\n\
         Versions before the first one known, which brokers older than Kafka 4 still offer, are listed too. Newer versions and \
         unknown APIs are refused, so clients and brokers agree on one that is known.\n\n\
         | key | API | no filters | with filters | why |\n| --- | --- | --- | --- | --- |\n",
    );
    for info in APIS.iter() {
        let high = info.versions.map_or(0, |(_, high)| high);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            info.key as i16,
            info.name,
            runs(info.key, high, false),
            runs(info.key, high, true),
            ledger(info.key).why
        );
    }
    page
}

/// The verdicts of versions 0 to `high`, equal neighbours together.
fn runs(api: ApiKey, high: i16, filtered: bool) -> String {
    let mut runs: Vec<(i16, i16, Verdict)> = Vec::new();
    for version in 0..=high {
        let verdict = verdict(api, version, filtered);
        match runs.last_mut() {
            Some((_, end, last)) if *last == verdict => *end = version,
            _ => runs.push((version, version, verdict)),
        }
    }
    if let [(_, _, verdict)] = runs[..] {
        return verdict.word().into();
    }
    let texts = runs.iter().map(|(start, end, verdict)| {
        if start == end {
            format!("v{start} {}", verdict.word())
        } else {
            format!("v{start}–{end} {}", verdict.word())
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions() -> impl Iterator<Item = (ApiKey, i16)> {
        APIS.iter()
            .filter_map(|info| Some((info.key, info.versions?.1)))
            .flat_map(|(key, high)| (0..=high).map(move |v| (key, v)))
    }

    #[test]
    fn what_carries_a_topic_is_mapped_or_refused_under_filters() {
        let topics = Carries::TOPIC.union(Carries::TOPIC_ID).union(Carries::RESOURCE).union(Carries::RECORDS);
        for (api, version) in versions() {
            let info = api.info();
            if info.request.union(info.response).intersects(topics) {
                assert_ne!(verdict(api, version, true), Verdict::Opaque, "{api:?} v{version}");
            }
        }
    }

    #[test]
    fn what_carries_an_address_is_not_opaque() {
        let opaque = [
            // From which version on is in the rows; what applications say of themselves is theirs.
            ApiKey::Produce,
            ApiKey::Fetch,
            ApiKey::DescribeQuorum,
            ApiKey::StreamsGroupHeartbeat,
            ApiKey::StreamsGroupDescribe,
            // The hosts here are the clients' own.
            ApiKey::DescribeAcls,
            ApiKey::CreateAcls,
            ApiKey::DeleteAcls,
        ];
        for (api, version) in versions().filter(|(api, _)| !opaque.contains(api)) {
            if api.info().request.union(api.info().response).contains(Carries::ADDRESS) {
                assert_ne!(verdict(api, version, false), Verdict::Opaque, "{api:?} v{version}");
            }
        }
        assert_eq!(verdict(ApiKey::Produce, 9, false), Verdict::Opaque);
        assert_eq!(verdict(ApiKey::Produce, 10, false), Verdict::Rewrite);
        assert_eq!(verdict(ApiKey::Fetch, 15, false), Verdict::Opaque);
        assert_eq!(verdict(ApiKey::Fetch, 16, false), Verdict::Rewrite);
        assert_eq!(verdict(ApiKey::DescribeQuorum, 1, false), Verdict::Opaque);
        assert_eq!(verdict(ApiKey::DescribeQuorum, 2, false), Verdict::Rewrite);
    }

    #[test]
    fn what_is_rewritten_can_be_decoded() {
        for (api, version) in versions() {
            for filtered in [false, true] {
                if verdict(api, version, filtered) == Verdict::Rewrite {
                    assert!(api.info().has(version), "{api:?} v{version}");
                }
            }
            // Filters never let through what is refused without them.
            assert!(verdict(api, version, true) >= verdict(api, version, false), "{api:?} v{version}");
        }
    }

    #[test]
    fn newer_and_unknown_are_refused() {
        for info in APIS.iter() {
            let high = info.versions.map_or(0, |(_, high)| high);
            assert_eq!(verdict(info.key, high + 1, false), Verdict::Refuse, "{}", info.name);
            assert_eq!(verdict(info.key, -1, false), Verdict::Refuse, "{}", info.name);
        }
        assert_eq!(offer(999, (0, 3), false), None);
    }

    #[test]
    fn offers_are_what_both_sides_have() {
        assert_eq!(offer(ApiKey::Metadata as i16, (0, 99), false), Some((0, 13)));
        assert_eq!(offer(ApiKey::Metadata as i16, (0, 12), true), Some((0, 12)));
        assert_eq!(offer(ApiKey::Fetch as i16, (0, 16), false), Some((0, 16)));
        assert_eq!(offer(ApiKey::Fetch as i16, (0, 16), true), Some((4, 16)));
        assert_eq!(offer(ApiKey::Produce as i16, (0, 13), true), Some((0, 13)));
        assert_eq!(offer(ApiKey::CreateTopics as i16, (0, 7), false), Some((0, 7)));
        assert_eq!(offer(ApiKey::CreateTopics as i16, (0, 7), true), None);
        assert_eq!(offer(ApiKey::AddRaftVoter as i16, (0, 1), false), None);
        assert_eq!(offer(ApiKey::Metadata as i16, (90, 99), false), None);
        assert_eq!(offer(ApiKey::Heartbeat as i16, (i16::MIN, i16::MAX), false), Some((0, 4)));
    }

    #[test]
    fn the_page_has_a_row_for_each_api() {
        let page = markdown();
        assert_eq!(page.lines().filter(|line| line.starts_with("| ")).count(), APIS.len() + 2);
    }
}
