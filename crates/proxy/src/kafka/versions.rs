//! Which APIs and versions clients may use: what this gateway knows, cut with what the broker offers (KIP-35, KIP-511).

use super::route::Filters;
use kafka::{
    ApiKey, Str,
    codes::ErrorCode,
    ledger::{self, Verdict},
    messages::{ApiVersionsResponse, api_versions_response::ApiVersion},
};
use std::ops::RangeInclusive;

/// The highest ApiVersions a client gets: from version 5 on it names a cluster and a node that the broker checks
/// (KIP-1242), while the client has addressed the gateway.
const API_VERSIONS_MAX: i16 = 4;

/// What is done with a request: the ledger's word, narrowed to what the rewriters know.
pub(super) fn verdict(api: ApiKey, version: i16, filters: &Filters) -> Verdict {
    match bounds(api, filters).contains(&version) {
        true => ledger::verdict(api, version, filters.stand()),
        false => Verdict::Refuse,
    }
}

/// The versions that are served at most, whatever the ledger says.
fn bounds(api: ApiKey, filters: &Filters) -> RangeInclusive<i16> {
    use ApiKey as A;
    match api {
        A::ApiVersions => 0..=API_VERSIONS_MAX,
        _ if !filters.stand() => 0..=i16::MAX,
        A::Produce => 3..=13,
        A::Fetch => 4..=18,
        A::ListOffsets => 1..=11,
        // Before version 4 a client could not say that topics must not be created.
        A::Metadata if filters.acls.closes_topics() => 4..=13,
        A::Metadata => 0..=13,
        A::OffsetCommit => 2..=10,
        A::OffsetFetch => 1..=10,
        A::FindCoordinator => 0..=6,
        A::JoinGroup => 0..=9,
        A::SyncGroup => 0..=5,
        A::DescribeGroups => 0..=6,
        A::OffsetForLeaderEpoch => 2..=4,
        // Above are the brokers' own, for several transactions at once.
        A::AddPartitionsToTxn => 0..=3,
        A::TxnOffsetCommit => 0..=6,
        A::ConsumerGroupHeartbeat | A::ConsumerGroupDescribe => 0..=1,
        _ => 0..=i16::MAX,
    }
}

/// Cuts a broker's answer down to what the route offers; unknown APIs go. Features pass.
pub(super) fn clamp(response: &mut ApiVersionsResponse, filters: &Filters) {
    response.api_keys.retain_mut(|range| {
        let Some(api) = ApiKey::from_i16(range.api_key) else { return false };
        let broker = (range.min_version, range.max_version);
        let Some((low, high)) = ledger::offer(range.api_key, broker, filters.stand()) else { return false };
        let bounds = bounds(api, filters);
        // Produce keeps the broker's 0: librdkafka takes a higher one for "no compression" (KAFKA-18659).
        range.min_version = if api == ApiKey::Produce { low } else { low.max(*bounds.start()) };
        range.max_version = high.min(*bounds.end());
        range.min_version <= range.max_version
    });
}

/// The answer to an ApiVersions request that is newer than the gateway: version 0, with the versions of ApiVersions
/// itself, as a broker answers it (KIP-511).
pub(super) fn too_new() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UNSUPPORTED_VERSION.0,
        api_keys: vec![ApiVersion {
            api_key: ApiKey::ApiVersions as i16,
            min_version: 0,
            max_version: API_VERSIONS_MAX,
            ..ApiVersion::default()
        }],
        ..ApiVersionsResponse::default()
    }
}

/// What a client calls itself (KIP-511): letters, digits, `.` and `-`; anything else is not believed.
pub(super) fn software(name: &Str, version: &Str) -> Option<String> {
    let valid = |text: &str| {
        text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    (!name.is_empty() && valid(name) && valid(version)).then(|| format!("{name}/{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters() -> Filters {
        let mapping = snapshot::TopicMapping {
            name: "m".into(),
            client: "a".into(),
            broker: "b".into(),
            kind: snapshot::MappingKind::Exact,
        };
        Filters::compile(&[mapping], &[]).unwrap()
    }

    fn range(api_key: i16, min_version: i16, max_version: i16) -> ApiVersion {
        ApiVersion { api_key, min_version, max_version, ..ApiVersion::default() }
    }

    fn clamped(ranges: &[(i16, i16, i16)], filters: &Filters) -> Vec<(i16, i16, i16)> {
        let mut response = ApiVersionsResponse {
            api_keys: ranges.iter().map(|&(key, low, high)| range(key, low, high)).collect(),
            ..ApiVersionsResponse::default()
        };
        clamp(&mut response, filters);
        response.api_keys.iter().map(|one| (one.api_key, one.min_version, one.max_version)).collect()
    }

    #[test]
    fn ranges_are_cut_both_ways() {
        let open = Filters::default();
        assert_eq!(clamped(&[(1, 4, 999), (9999, 0, 1), (18, 0, 5)], &open), [(1, 4, 18), (18, 0, 4)]);
        assert_eq!(clamped(&[(1, 0, 11)], &filters()), [(1, 4, 11)], "an older broker");
        assert_eq!(clamped(&[(1, 0, 3)], &filters()), [], "a broker without a version in common");
        assert_eq!(clamped(&[(0, 0, 13)], &filters()), [(0, 0, 13)], "Produce keeps 0");
        assert_eq!(clamped(&[(80, 0, 1)], &open), [], "AddRaftVoter");
        assert_eq!(clamped(&[(19, 2, 7), (75, 0, 0)], &filters()), [], "what carries topics and is not rewritten");
    }

    #[test]
    fn what_the_ledger_maps_is_what_the_filters_read() {
        let scope = crate::kafka::scope::Scope { filters: std::sync::Arc::new(filters()), ..Default::default() };
        let own = [ApiKey::ApiVersions, ApiKey::DescribeCluster];
        for info in kafka::api::APIS.iter().filter(|info| !own.contains(&info.key)) {
            let mapped = (0..=20).any(|version| verdict(info.key, version, &scope.filters) == Verdict::Rewrite);
            if mapped {
                assert!(crate::kafka::filter::reads(info.key, &scope), "{}", info.name);
            }
        }
    }

    #[test]
    fn software_names_are_checked() {
        assert_eq!(software(&"librdkafka".into(), &"2.12.1".into()).as_deref(), Some("librdkafka/2.12.1"));
        assert_eq!(software(&"evil\"\n".into(), &"1".into()), None);
    }
}
