//! The table of APIs: keys, versions, where flexible versions begin, and what a gateway has to look at in each.

pub use crate::messages::generated::apis::{APIS, ApiKey};

/// A set of what the messages of an API carry that may concern a gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carries(pub u16);

impl Carries {
    /// Topic names, or expressions over them.
    pub const TOPIC: Self = Self(1);
    /// Topic ids.
    pub const TOPIC_ID: Self = Self(1 << 1);
    /// Group ids.
    pub const GROUP: Self = Self(1 << 2);
    /// Transactional ids.
    pub const TRANSACTIONAL_ID: Self = Self(1 << 3);
    /// Names of config or ACL resources, topics among them.
    pub const RESOURCE: Self = Self(1 << 4);
    /// Host names.
    pub const ADDRESS: Self = Self(1 << 5);
    /// The cluster's id.
    pub const CLUSTER_ID: Self = Self(1 << 6);
    /// Record batches.
    pub const RECORDS: Self = Self(1 << 7);

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether some of `other` is in this set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What the definitions say about an API.
#[derive(Clone, Copy, Debug)]
pub struct ApiInfo {
    /// Its key.
    pub key: ApiKey,
    /// Its name in the protocol.
    pub name: &'static str,
    /// The lowest and the highest version, both included; none for APIs that Kafka 4 has dropped.
    pub versions: Option<(i16, i16)>,
    /// The first flexible version (KIP-482).
    pub flexible: Option<i16>,
    /// Whether a broker offers the latest version only when told to.
    pub unstable_latest: bool,
    /// Whether clients reach it.
    pub broker: bool,
    /// Whether it is served between brokers and controllers.
    pub controller: bool,
    /// What the request carries.
    pub request: Carries,
    /// What the response carries.
    pub response: Carries,
}

impl ApiInfo {
    /// Whether this crate can decode `version`.
    pub fn has(&self, version: i16) -> bool {
        self.broker && self.versions.is_some_and(|(low, high)| (low..=high).contains(&version))
    }

    /// Whether `version` is flexible: compact lengths, tagged fields, and newer headers.
    pub fn is_flexible(&self, version: i16) -> bool {
        self.flexible.is_some_and(|from| version >= from)
    }

    /// The version of the request's header: 0 without a client id, 1 with one, 2 with tagged fields too.
    pub fn request_header(&self, version: i16) -> i16 {
        match self.key {
            ApiKey::ControlledShutdown if version == 0 => 0,
            _ if self.is_flexible(version) => 2,
            _ => 1,
        }
    }

    /// The version of the response's header: 1 if it has tagged fields. ApiVersions never has, so that any client can read it (KIP-511).
    pub fn response_header(&self, version: i16) -> i16 {
        i16::from(self.key != ApiKey::ApiVersions && self.is_flexible(version))
    }
}

impl ApiKey {
    /// The API of a key on the wire, if there is one.
    pub fn from_i16(key: i16) -> Option<Self> {
        usize::try_from(key).ok().and_then(|at| APIS.get(at)).map(|info| info.key)
    }

    /// What the definitions say about it.
    pub fn info(self) -> &'static ApiInfo {
        // A test holds every API to the place of its key; the first one can only stand in for none.
        static NONE: ApiInfo = ApiInfo {
            key: ApiKey::Produce,
            name: "",
            versions: None,
            flexible: None,
            unstable_latest: false,
            broker: false,
            controller: false,
            request: Carries(0),
            response: Carries(0),
        };
        usize::try_from(self as i16).ok().and_then(|at| APIS.get(at)).unwrap_or(&NONE)
    }

    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        self.info().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_api_stands_at_the_place_of_its_key() {
        for (at, info) in APIS.iter().enumerate() {
            assert_eq!(info.key as usize, at, "{}", info.name);
            assert_eq!(info.key.name(), info.name);
        }
        assert_eq!(ApiKey::from_i16(-1), None);
        assert_eq!(ApiKey::from_i16(i16::MAX), None);
    }

    #[test]
    fn headers_follow_flexibility() {
        assert_eq!(ApiKey::ApiVersions.info().request_header(3), 2);
        assert_eq!(ApiKey::ApiVersions.info().response_header(3), 0);
        assert_eq!(ApiKey::Produce.info().request_header(8), 1);
        assert_eq!(ApiKey::Produce.info().response_header(9), 1);
        assert_eq!(ApiKey::SaslHandshake.info().request_header(1), 1);
    }
}
