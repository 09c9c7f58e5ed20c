use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

/// How a proxy runs; what it serves comes with [`crate::Proxy::apply`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads; 0: one per core that this process may use.
    pub workers: usize,
    /// Port of the spec → port to bind in its place.
    pub port_map: BTreeMap<u16, u16>,
    /// Whether clients reach the proxy at the bound port (true, standalone) or at the spec's (behind a Service that
    /// maps it). Kafka's metadata answers carry that port.
    pub advertise_bound_ports: bool,
    /// Where to serve `/healthz /readyz /metrics /status /config`.
    pub admin: Option<SocketAddr>,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// Time series of `/metrics`, about: half of them for counts, half for durations. What comes when there is no more room
    /// counts under `other`. 550.
    pub metric_series: usize,
    /// How long a draining proxy goes on accepting, so that load balancers see the red readiness first.
    pub min_drain: Duration,
    /// Bounds on what clients and backends can cost.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 0,
            port_map: BTreeMap::new(),
            advertise_bound_ports: true,
            admin: None,
            access_log: AccessLog::Stdout,
            metric_series: 550,
            min_drain: Duration::from_secs(5),
            limits: Limits::default(),
        }
    }
}

/// Where the access log goes: one JSON object per line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// Standard output.
    #[default]
    Stdout,
    /// Appended to a file, which is made if it is not there.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// Bounds on what clients and backends can cost. Sizes are bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Client connections at one time. Beyond it the one that has waited longest without a request makes room for a new
    /// one, which is closed if there is none such. 0: 45 % of the file descriptors that the process may
    /// open, as most connections need a second one towards a backend.
    pub max_connections: usize,
    /// From the accepted connection to the end of the TLS handshake. 10 s.
    pub tls_handshake: Duration,
    /// Longest TLS ClientHello. 16 KiB.
    pub client_hello_bytes: usize,
    /// From the first byte of an HTTP request to the end of its header. 10 s.
    pub header_read: Duration,
    /// All of an HTTP request's header. 64 KiB.
    pub header_bytes: usize,
    /// Headers above 8 KiB that have not come as a whole, of all HTTP/1.1 connections together. 32 MiB.
    pub held_headers: usize,
    /// Number of an HTTP request's header fields. 128.
    pub headers: usize,
    /// An HTTP connection without a request. 60 s.
    pub http_idle: Duration,
    /// An HTTP message body, or an upgraded connection, without a byte in either direction. 5 min.
    pub stream_idle: Duration,
    /// Streams that a client may have open on one HTTP/2 connection. 128.
    pub h2_streams: u32,
    /// Streams that an HTTP/2 connection may reset in one second, sent and caused, before it is closed. 200.
    pub h2_resets_per_second: u32,
    /// Frames of an HTTP/2 client that carry neither a header nor a body, in one second and beside one for each 256 bytes
    /// sent to it, before the connection is closed; SETTINGS count 64-fold. 10 000.
    pub h2_control_frames_per_second: u32,
    /// To connect to an endpoint, TLS included. 5 s.
    pub connect: Duration,
    /// An upstream HTTP connection that waits in the pool. 90 s.
    pub upstream_idle: Duration,
    /// Copies of requests on their way to mirrors at one time; beyond it none is made. 1024.
    pub mirrors: usize,
    /// Bytes of bodies that wait for mirrors, all together; one copy holds 256 KiB at most. What does not fit ends the copy.
    /// 32 MiB.
    pub mirror_bytes: usize,
    /// What is kept of a request's body so that it can be sent again, where a rule has `retry`; one with a longer body is sent
    /// once. 64 KiB.
    pub retry_body: usize,
    /// What is kept of all such bodies together; beyond it a request is sent once. 32 MiB.
    pub held_retry_bodies: usize,
    /// Retries under way to one backend at one time; beyond it the client gets the answer that there is. 100.
    pub retries: u32,
    /// A TLSRoute's or TCPRoute's connection without a byte in either direction. 1 h.
    pub tcp_idle: Duration,
    /// A UDPRoute's session without a datagram in either direction. 60 s.
    pub udp_idle: Duration,
    /// Sessions of UDPRoutes at one time, at most a quarter of `max_connections`. Beyond it the oldest one that has never been
    /// answered makes room for a new one; if there is none, the datagram is dropped. 10 000.
    pub udp_sessions: usize,
    /// How long the other direction may go on once one side has ended its own without a byte flowing. 60 s.
    pub half_closed: Duration,
    /// A Kafka frame before the client is authenticated, where the broker asks for it. 64 KiB.
    pub kafka_preauth_frame: usize,
    /// A Kafka frame. 100 MiB, as `socket.request.max.bytes` of brokers.
    pub kafka_frame: usize,
    /// A Kafka response that is held to be rewritten; longer ones are rewritten as they stream. 64 KiB.
    pub kafka_held_response: usize,
    /// Kafka frames above 64 KiB that one route holds at one time, half of it for requests and half for responses; more
    /// wait. 256 MiB.
    pub kafka_held_frames: usize,
    /// From the start of a Kafka connection to the first request that the broker answers to this client, the end of SASL
    /// included. 60 s.
    pub kafka_authentication: Duration,
    /// A Kafka connection without a frame. 10 min, as `connections.max.idle.ms` of brokers.
    pub kafka_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 0,
            tls_handshake: Duration::from_secs(10),
            client_hello_bytes: 16 << 10,
            header_read: Duration::from_secs(10),
            header_bytes: 64 << 10,
            held_headers: 32 << 20,
            headers: 128,
            http_idle: Duration::from_secs(60),
            stream_idle: Duration::from_secs(300),
            h2_streams: 128,
            h2_resets_per_second: 200,
            h2_control_frames_per_second: 10_000,
            connect: Duration::from_secs(5),
            upstream_idle: Duration::from_secs(90),
            mirrors: 1024,
            mirror_bytes: 32 << 20,
            retry_body: 64 << 10,
            held_retry_bodies: 32 << 20,
            retries: 100,
            tcp_idle: Duration::from_secs(3600),
            udp_idle: Duration::from_secs(60),
            udp_sessions: 10_000,
            half_closed: Duration::from_secs(60),
            kafka_preauth_frame: 64 << 10,
            kafka_frame: 100 << 20,
            kafka_held_response: 64 << 10,
            kafka_held_frames: 256 << 20,
            kafka_authentication: Duration::from_secs(60),
            kafka_idle: Duration::from_secs(600),
        }
    }
}
