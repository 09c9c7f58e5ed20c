//! One client's conversation with one broker, without I/O: what to do with each frame, and which answer belongs to
//! which request.
//!
//! The pump shows the start of each request ([`Session::plan`]); most frames then pass by their length. Those that are
//! read come whole ([`Session::request`]). Every request that will be answered stands in a queue, so that responses,
//! the broker's and the gateway's own, go out in the order of the requests, and requests of the gateway itself find
//! their answers without the client seeing them.

use super::{
    advertise::readdress,
    auth::Auth,
    close::{Close, Side},
    cluster::Address,
    filter::{self, Outcome, parse},
    own::Own,
    pending::{Kind, Pending},
    refuse,
    scope::Scope,
    versions,
};
use bytes::Bytes;
use kafka::{
    ApiKey, Body, Reader, RequestHeader, RequestPrefix, ResponseHeader, Rope, Writer,
    codes::ErrorCode,
    ledger::Verdict,
    messages::{
        ApiVersionsRequest, ApiVersionsResponse, DescribeClusterRequest, SaslAuthenticateRequest,
        SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
    },
    walk::EndpointWalker,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Requests that may wait for their answers; the client is not read from meanwhile.
const MAX_IN_FLIGHT: usize = 1024;
/// Bytes of the gateway's own answers that may wait.
const MAX_ANSWERS: usize = 1 << 20;
/// The same for a client that has not been admitted: clients wait for the first answers.
const STRANGER: (usize, usize) = (8, 1 << 10);

/// Bytes of rewritten requests that may wait for their answers, as what is kept for these grows with them.
const MAX_KEPT: usize = 16 << 20;

/// What to do with a request whose start is there.
#[derive(Debug)]
pub(super) enum Plan {
    /// Pass it on by its length, after [`Session::pass`].
    Pass,
    /// Hold it whole for [`Session::request`].
    Hold,
    /// Ask again when all answers under way are back ([`Session::is_idle`]).
    Wait,
}

/// What to do with a request that was held.
#[derive(Debug)]
pub(super) enum Next {
    /// Send this to the broker.
    Forward(Rope),
    /// The answer stands in the queue.
    Answered,
    /// Something has to be asked for first: wait until the session is idle, then hand the same frame in again.
    Again,
}

/// What to do with a response whose start is there.
#[derive(Debug)]
pub(super) enum Answer {
    /// Pass it on by its length.
    Pass,
    /// Hold it whole for [`Session::response`].
    Hold,
    /// Pass it on and edit its end at equal length.
    Walk(EndpointWalker),
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// A frame before the client has authenticated.
    pub(super) before_authentication: usize,
    /// A frame that is held.
    pub(super) frame: usize,
    /// A response that is held when it could be walked.
    pub(super) held_response: usize,
}

/// A finished request, for metrics.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    pub(super) api: ApiKey,
    pub(super) gateway: Duration,
    pub(super) broker: Duration,
}

/// Whether an address is the one that this session's connection leads to.
pub(super) type IsPeer = Box<dyn Fn(&Address) -> bool>;

/// State of one connection.
pub(super) struct Session {
    pub(super) scope: Scope,
    caps: Caps,
    auth: Auth,
    queue: VecDeque<Pending>,
    answer_bytes: usize,
    kept: usize,
    finished: Vec<Finished>,
    /// A request of the gateway that waits to be sent.
    asking: Option<Own>,
    next_own: i32,
    /// The broker has answered something that it answers to authenticated clients only.
    answered: bool,
    /// Metadata versions that the broker has said it has.
    metadata_versions: Option<(i16, i16)>,
    /// The broker that the client wants, if it is not known where it is: to be learned after authentication.
    learning: Option<(i32, IsPeer)>,
    pub(super) client_id: Option<String>,
    pub(super) software: Option<String>,
    pub(super) requests: u64,
    /// Requests that the gateway has answered in the broker's place.
    pub(super) local_answers: u64,
}

impl Session {
    pub(super) fn new(scope: Scope, caps: Caps, certificate_subject: Option<&str>) -> Self {
        let auth = Auth::new(certificate_subject);
        Self {
            scope: Scope { principal: auth.principal(), ..scope },
            caps,
            auth,
            queue: VecDeque::new(),
            answer_bytes: 0,
            kept: 0,
            finished: Vec::new(),
            asking: None,
            next_own: 0,
            answered: false,
            metadata_versions: None,
            learning: None,
            client_id: None,
            software: None,
            requests: 0,
            local_answers: 0,
        }
    }

    /// The client wants `broker`, but nobody can tell where it is before the client has authenticated: find out then.
    /// Unless this connection leads to it, it ends, and the client's next one finds the broker.
    pub(super) fn learn_after_authentication(&mut self, broker: i32, is_peer: IsPeer) {
        self.learning = Some((broker, is_peer));
    }

    /// Whether no answer is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.asking.is_none()
    }

    /// Whether the client's next frame, of which `start` is there, is a SASL token without a header.
    pub(super) fn is_token(&self, start: &[u8]) -> bool {
        let is_request = || {
            RequestPrefix::peek(start).is_some_and(|prefix| {
                ApiKey::from_i16(prefix.api_key).is_some_and(|api| {
                    versions::verdict(api, prefix.api_version, &self.scope.filters) != Verdict::Refuse
                })
            })
        };
        self.auth.is_raw() && !(self.auth.is_unclear() && is_request())
    }

    /// Judges a request by its start. `len` is the frame's length, without the four bytes that say it.
    pub(super) fn plan(&mut self, prefix: RequestPrefix, len: usize) -> Result<Plan, Close> {
        let Some(api) = ApiKey::from_i16(prefix.api_key) else { return Err(Close::UnknownApi(prefix.api_key)) };
        let (requests, answers) = if self.is_admitted() { (MAX_IN_FLIGHT, MAX_ANSWERS) } else { STRANGER };
        let full = self.queue.len() >= requests || self.answer_bytes >= answers || self.kept >= MAX_KEPT;
        if self.asking.is_some() || full {
            return Ok(Plan::Wait);
        }
        if self.auth.is_open() {
            if len > self.caps.before_authentication {
                return Err(Close::PreAuthFrame(len));
            }
            if !matches!(api, ApiKey::SaslHandshake | ApiKey::SaslAuthenticate | ApiKey::ApiVersions) {
                if !self.queue.is_empty() {
                    return Ok(Plan::Wait);
                }
                self.auth.end_of_unclear()?;
                self.scope.principal = self.auth.principal();
            }
        }
        let version = prefix.api_version;
        let hold = match api {
            ApiKey::ApiVersions | ApiKey::SaslHandshake | ApiKey::SaslAuthenticate => {
                if len > self.caps.before_authentication {
                    return Err(Close::PreAuthFrame(len));
                }
                if api != ApiKey::ApiVersions && !api.info().has(version) {
                    return Err(Close::UnsupportedVersion { name: api.name(), version });
                }
                return Ok(Plan::Hold);
            }
            ApiKey::DescribeCluster => true,
            _ => self.scope.filters.stand() && filter::reads(api, &self.scope),
        };
        match versions::verdict(api, version, &self.scope.filters) {
            Verdict::Refuse if refuse::answers(api) && api.info().has(version) => {}
            Verdict::Refuse => return Err(Close::UnsupportedVersion { name: api.name(), version }),
            _ if !hold => return Ok(Plan::Pass),
            _ => {}
        }
        if len > self.caps.before_authentication && !self.is_trusted() {
            // Held bytes of a client that nobody has authenticated: first see whether the broker asks for that.
            if self.queue.is_empty() {
                self.asking = Some(Own::Probe);
            }
            return Ok(Plan::Wait);
        }
        Ok(Plan::Hold)
    }

    /// Whether the client has come as far as brokers let only those who may: it has ended SASL, or a broker has answered
    /// it, or has answered others without SASL and this one has asked for something.
    pub(super) fn is_admitted(&self) -> bool {
        let sasl = self.auth.is_used();
        (sasl && !self.auth.is_open())
            || (!sasl && (self.answered || (self.requests > 0 && self.scope.cluster.is_open())))
    }

    fn is_trusted(&self) -> bool {
        (self.auth.is_used() && !self.auth.is_open()) || self.answered || self.scope.cluster.is_open()
    }

    /// A request passes on by its length. `answered`: a response will come (all but Produce with acks=0).
    pub(super) fn pass(&mut self, prefix: RequestPrefix, answered: bool, now: Instant) {
        let Some(api) = ApiKey::from_i16(prefix.api_key) else { return };
        let kind = match versions::verdict(api, prefix.api_version, &self.scope.filters) {
            Verdict::Rewrite => Kind::Addresses,
            _ => Kind::Pass,
        };
        self.requests += 1;
        if answered {
            self.push(api, prefix.api_version, prefix.correlation_id, kind, now, now);
        } else {
            self.finished.push(Finished { api, gateway: Duration::ZERO, broker: Duration::ZERO });
        }
    }

    fn push(&mut self, api: ApiKey, version: i16, correlation: i32, kind: Kind, arrived: Instant, sent: Instant) {
        let gateway = sent.saturating_duration_since(arrived);
        self.queue.push_back(Pending { api, version, correlation, kind, gateway, sent, kept: 0 });
    }

    /// Whether a SASL token may be so long.
    pub(super) fn token_cap(&self, len: usize) -> Result<(), Close> {
        if len > self.caps.before_authentication { Err(Close::PreAuthFrame(len)) } else { Ok(()) }
    }

    /// A SASL token without a header, as a whole frame with its length.
    pub(super) fn token(&mut self, whole: Bytes, now: Instant) -> Result<Rope, Close> {
        self.token_cap(whole.len().saturating_sub(4))?;
        self.auth.client_token(whole.get(4..).unwrap_or_default());
        self.push(ApiKey::SaslAuthenticate, 0, 0, Kind::Token, now, now);
        Ok(Rope::from(whole))
    }

    /// Judges a request that was held: a whole frame with its length.
    pub(super) fn request(&mut self, whole: &Bytes, now: Instant) -> Result<Next, Close> {
        let mut reader = Reader::new(whole.slice(4.min(whole.len())..));
        let header = RequestHeader::decode(&mut reader).map_err(|_| Close::Header)?;
        let Some(api) = header.api() else { return Err(Close::UnknownApi(header.api_key)) };
        // An empty one says nothing; a later request may have a better one.
        if self.client_id.as_deref().is_none_or(str::is_empty) {
            self.client_id = Some(header.client_id_text().chars().take(256).collect());
        }
        let head = whole.slice(4..4 + reader.position());
        let (version, body) = (header.api_version, reader.rest());
        let as_is = Rope::from(whole.clone());
        let (kind, forward) = match api {
            ApiKey::ApiVersions => match self.api_versions(version, body)? {
                Some(answer) => return self.answer(&header, answer, now),
                None => (Kind::ApiVersions, as_is),
            },
            ApiKey::SaslHandshake => {
                let request: SaslHandshakeRequest = parse(version, body)?;
                (Kind::Handshake { mechanism: request.mechanism.detach(), raw: version == 0 }, as_is)
            }
            ApiKey::SaslAuthenticate => {
                let request: SaslAuthenticateRequest = parse(version, body)?;
                self.auth.client_token(&request.auth_bytes);
                self.scope.principal = self.auth.principal();
                (Kind::Authenticate, as_is)
            }
            _ if versions::verdict(api, version, &self.scope.filters) == Verdict::Refuse => {
                let answer = refuse::answer(&self.scope, api, version, body)?;
                return self.answer(&header, answer, now);
            }
            ApiKey::DescribeCluster => {
                let request: DescribeClusterRequest = parse(version, body)?;
                match refuse::controllers(version, &request)? {
                    Some(answer) => return self.answer(&header, answer, now),
                    None => (Kind::Addresses, as_is),
                }
            }
            _ => match filter::request(&self.scope, api, version, body)? {
                Outcome::Answer(answer) => return self.answer(&header, answer, now),
                Outcome::Close(close) => return Err(close),
                Outcome::Ask(topics) => {
                    self.scope.asked.set(true);
                    // A broker that takes ids in requests can be asked for them.
                    self.asking = Some(Own::Topics(topics));
                    return Ok(Next::Again);
                }
                Outcome::Forward { body, then } => {
                    let kind = match (then, versions::verdict(api, version, &self.scope.filters)) {
                        (Some(then), _) => Kind::Filter(then),
                        (None, Verdict::Rewrite) => Kind::Addresses,
                        (None, _) => Kind::Pass,
                    };
                    let forward = match body {
                        None => as_is,
                        Some(body) => frame(api, version, &head, body)?,
                    };
                    (kind, forward)
                }
            },
        };
        self.scope.asked.set(false);
        self.requests += 1;
        let silent = api == ApiKey::Produce
            && kafka::walk::ProduceHead::peek(whole.get(4..).unwrap_or_default())
                .is_ok_and(|head| head.is_some_and(|head| head.acks == 0));
        if silent {
            self.finished.push(Finished { api, gateway: now.elapsed(), broker: Duration::ZERO });
        } else {
            let keeps = matches!(kind, Kind::Filter(_));
            self.push(api, version, header.correlation_id, kind, now, Instant::now());
            if let Some(pending) = self.queue.back_mut().filter(|_| keeps) {
                pending.kept = whole.len();
                self.kept += whole.len();
            }
        }
        Ok(Next::Forward(forward))
    }

    /// Reads the request, if it is not too new; answers it, if it is.
    fn api_versions(&mut self, version: i16, body: Bytes) -> Result<Option<Rope>, Close> {
        let info = ApiKey::ApiVersions.info();
        if !info.has(version) || versions::verdict(ApiKey::ApiVersions, version, &self.scope.filters) == Verdict::Refuse
        {
            return filter::write(0, &versions::too_new()).map(Some);
        }
        let request: ApiVersionsRequest = parse(version, body)?;
        self.software = versions::software(&request.client_software_name, &request.client_software_version)
            .or(self.software.take());
        Ok(None)
    }

    /// Puts the gateway's own answer into its place in the queue.
    fn answer(&mut self, header: &RequestHeader, body: Rope, now: Instant) -> Result<Next, Close> {
        self.scope.asked.set(false);
        let Some(api) = header.api() else { return Err(Close::UnknownApi(header.api_key)) };
        let unwritable = |error| Close::Unwritable { name: api.name(), version: header.api_version, error };
        let mut head = Writer::new();
        // ApiVersions answers have the oldest header, so one that is too new can be answered.
        ResponseHeader::new(header.correlation_id).encode(header.response_version(), &mut head).map_err(unwritable)?;
        let head = head.finish().map_err(unwritable)?.into_bytes();
        let answer = frame(api, header.api_version, &head, body)?;
        self.answer_bytes += answer.len();
        self.requests += 1;
        self.local_answers += 1;
        self.push(api, header.api_version, header.correlation_id, Kind::Local(answer), now, Instant::now());
        Ok(Next::Answered)
    }

    /// A request of the gateway itself that is to be sent to the broker now.
    pub(super) fn take_own(&mut self) -> Result<Option<Rope>, Close> {
        let Some(own) = self.asking.take() else { return Ok(None) };
        self.next_own = self.next_own.wrapping_add(1);
        let (version, request) = own.request(self.next_own, self.metadata_versions)?;
        let now = Instant::now();
        self.push(ApiKey::Metadata, version, self.next_own, Kind::Own(own), now, now);
        Ok(Some(request))
    }

    /// The gateway's own answer, if it is its turn.
    pub(super) fn take_answer(&mut self) -> Option<Rope> {
        match self.queue.front()?.kind {
            Kind::Local(_) => {}
            _ => return None,
        }
        let pending = self.queue.pop_front()?;
        let Kind::Local(answer) = pending.kind else { return None };
        self.answer_bytes = self.answer_bytes.saturating_sub(answer.len());
        self.finished.push(Finished { api: pending.api, gateway: pending.gateway, broker: Duration::ZERO });
        Some(answer)
    }

    /// Whether the broker's next frame has no header, as it is a SASL token.
    pub(super) fn awaits_token(&self) -> bool {
        self.queue.front().is_some_and(|pending| matches!(pending.kind, Kind::Token))
    }

    /// Judges a response by its start: its length, without the four bytes that say it, and the correlation id.
    pub(super) fn plan_response(&mut self, len: usize, correlation: i32, now: Instant) -> Result<Answer, Close> {
        let Some(pending) = self.queue.front() else { return Err(Close::Unexpected) };
        if let Kind::Token = pending.kind {
            return if len <= self.caps.before_authentication {
                Ok(Answer::Hold)
            } else {
                Err(Close::PreAuthFrame(len))
            };
        }
        if pending.correlation != correlation {
            return Err(Close::Correlation { got: correlation, wanted: pending.correlation });
        }
        let walks = len > self.caps.held_response && EndpointWalker::applies(pending.api, pending.version);
        let answer = match pending.kind {
            Kind::Local(_) => return Err(Close::Unexpected),
            Kind::Pass => Answer::Pass,
            Kind::Addresses if walks => match EndpointWalker::new(pending.api, pending.version, len) {
                Some(walker) => Answer::Walk(walker),
                None => Answer::Hold,
            },
            _ => Answer::Hold,
        };
        if matches!(answer, Answer::Hold) && len > self.caps.frame {
            let error = kafka::FrameError::TooLarge { len, max: self.caps.frame };
            return Err(Close::Frame(Side::Broker, error));
        }
        if !matches!(answer, Answer::Hold)
            && let Some(pending) = self.queue.pop_front()
        {
            self.note_answered();
            self.finish(&pending, now, Duration::ZERO);
        }
        Ok(answer)
    }

    fn note_answered(&mut self) {
        self.answered = true;
        if !self.auth.is_used() {
            self.scope.cluster.learn_open();
        }
    }

    fn finish(&mut self, pending: &Pending, arrived: Instant, gateway: Duration) {
        self.finished.push(Finished {
            api: pending.api,
            gateway: pending.gateway + gateway,
            broker: arrived.saturating_duration_since(pending.sent),
        });
    }

    /// Requests that have been answered since the last call.
    pub(super) fn take_finished(&mut self) -> std::vec::Drain<'_, Finished> {
        self.finished.drain(..)
    }

    /// Rewrites a response that was held: a whole frame with its length. What comes back goes to the client; nothing, if
    /// the gateway itself had asked.
    pub(super) fn response(&mut self, whole: &Bytes, now: Instant) -> Result<Rope, Close> {
        let Some(pending) = self.queue.pop_front() else { return Err(Close::Unexpected) };
        self.kept = self.kept.saturating_sub(pending.kept);
        let as_is = Rope::from(whole.clone());
        if let Kind::Token = pending.kind {
            let authenticated = self.auth.broker_token(whole.get(4..).unwrap_or_default())?;
            self.after_sasl(authenticated);
            return Ok(as_is);
        }
        let (api, version) = (pending.api, pending.version);
        let wrong = |error| Close::Message { side: Side::Broker, name: api.name(), version, error };
        let mut reader = Reader::new(whole.slice(4.min(whole.len())..));
        ResponseHeader::decode(api.info().response_header(version), &mut reader).map_err(wrong)?;
        let head = whole.slice(4..4 + reader.position());
        let body = reader.rest();
        let (api, arrived) = (pending.api, now);
        let rewritten = match pending.kind {
            Kind::Filter(then) => {
                self.note_answered();
                let rewritten = then(&self.scope, body)?;
                let gateway = pending.gateway + arrived.elapsed();
                let broker = arrived.saturating_duration_since(pending.sent);
                self.finished.push(Finished { api, gateway, broker });
                return Ok(match rewritten {
                    Some(body) => frame(api, version, &head, body)?,
                    None => as_is,
                });
            }
            Kind::Addresses => {
                self.note_answered();
                readdress(&self.scope, api, version, body)?
            }
            Kind::ApiVersions => self.api_versions_response(version, body)?,
            Kind::Handshake { ref mechanism, raw } => {
                let response: SaslHandshakeResponse = from_broker(version, body)?;
                if response.error_code == 0 {
                    self.auth.begin(mechanism, raw);
                    self.scope.principal = self.auth.principal();
                } else {
                    self.scope.errors.note(response.error_code);
                }
                None
            }
            Kind::Authenticate => {
                let response: SaslAuthenticateResponse = from_broker(version, body)?;
                if response.error_code == 0 {
                    let authenticated = self.auth.broker_token(&response.auth_bytes)?;
                    self.after_sasl(authenticated);
                } else {
                    self.scope.errors.note(response.error_code);
                    self.auth.failed();
                }
                None
            }
            Kind::Own(ref own) => {
                own.response(&self.scope, version, body)?;
                self.note_answered();
                self.after_own(own)?;
                return Ok(Rope::default());
            }
            Kind::Pass | Kind::Local(_) | Kind::Token => None,
        };
        self.finish(&pending, arrived, arrived.elapsed());
        match rewritten {
            Some(body) => frame(api, version, &head, body),
            None => Ok(as_is),
        }
    }

    /// A broker older than the client answers in version 0, whatever was asked (KIP-511).
    fn api_versions_response(&mut self, version: i16, body: Bytes) -> Result<Option<Rope>, Close> {
        let error = body.first_chunk::<2>().map(|code| i16::from_be_bytes(*code));
        let version = if error == Some(ErrorCode::UNSUPPORTED_VERSION.0) { 0 } else { version };
        let mut response: ApiVersionsResponse = from_broker(version, body)?;
        let metadata = response.api_keys.iter().find(|range| range.api_key == ApiKey::Metadata as i16);
        self.metadata_versions =
            metadata.map(|range| (range.min_version, range.max_version)).or(self.metadata_versions);
        versions::clamp(&mut response, &self.scope.filters);
        filter::write(version, &response).map(Some)
    }

    fn after_sasl(&mut self, authenticated: bool) {
        self.scope.principal = self.auth.principal();
        if authenticated && self.learning.is_some() {
            self.asking = Some(Own::Brokers);
        }
    }

    fn after_own(&mut self, own: &Own) -> Result<(), Close> {
        if !matches!(own, Own::Brokers) {
            return Ok(());
        }
        let Some((broker, is_peer)) = self.learning.take() else { return Ok(()) };
        match self.scope.cluster.broker(broker) {
            None => Err(Close::UnknownBroker(broker)),
            Some(address) if is_peer(&address) => Ok(()),
            Some(_) => Err(Close::Learned(broker)),
        }
    }
}

fn from_broker<B: Body>(version: i16, body: Bytes) -> Result<B, Close> {
    B::from_bytes(version, body).map_err(|error| Close::Message { side: Side::Broker, name: B::NAME, version, error })
}

/// A frame of a header as it came and another body.
fn frame(api: ApiKey, version: i16, head: &Bytes, body: Rope) -> Result<Rope, Close> {
    let mut writer = Writer::frame();
    writer.raw(head);
    body.into_chunks().iter().for_each(|chunk| writer.raw(chunk));
    writer.finish().map_err(|error| Close::Unwritable { name: api.name(), version, error })
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("in_flight", &self.queue.len())
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

const _: () = {
    // A session belongs to one thread, but what it shares must not.
    const fn shared<T: Send + Sync>() {}
    shared::<super::cluster::Cluster>();
    shared::<super::route::Route>();
};
