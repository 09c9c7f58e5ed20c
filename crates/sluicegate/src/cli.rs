//! The command line: verbs, options, their help texts and defaults.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `sluicegate`: serves Gateway API objects, Kafka and HTTP alike.
#[derive(Debug, Parser)]
#[command(
    name = "sluicegate",
    about = "A Kubernetes Gateway API implementation in which Kafka is as first class as HTTP",
    long_about = "A Kubernetes Gateway API implementation in which Kafka is as first class as HTTP.\n\n\
        The same YAML that a cluster takes is served here from a folder. To try it:\n\n  \
        sluicegate expose http localhost:3000     an HTTP server behind HTTP and HTTPS\n  \
        sluicegate expose kafka localhost:9092    a Kafka cluster behind TLS, one name per broker\n  \
        sluicegate check DIR                      what a folder would do, and every fault in it\n  \
        sluicegate run DIR                        serve a folder; changes are taken up as they are saved",
    version,
    propagate_version = false,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Serve files or folders of YAML, and follow their changes
    Run(RunArgs),
    /// Say what files or folders would do, and every fault in them
    Check(CheckArgs),
    /// Put a server behind a gateway: write the folder, say how clients connect, and run it
    #[command(subcommand)]
    Expose(Expose),
    /// Serve what a controller says, in a Pod of its own
    Proxy(ProxyArgs),
    /// Make Gateways of a Kubernetes cluster work: statuses, proxies, and what these serve
    Controller(ControllerArgs),
    /// Print the CustomResourceDefinitions of our kinds, for kubectl apply --server-side -f -
    Crds(CrdsArgs),
    /// Say whether a cluster is ready: kinds and their release, permissions, other controllers
    Doctor(DoctorArgs),
    /// Show what a cluster's Gateways, routes and policies came to
    Status(StatusArgs),
    /// Make a certificate for development, as a Secret, signed by a CA of the folder's own
    Certificate(CertificateArgs),
    /// Print the version, and of what else it is the version
    Version(VersionArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "bash:  source <(sluicegate completions bash)\nzsh:   sluicegate completions zsh > ~/.zfunc/_sluicegate\n\
        fish:  sluicegate completions fish > ~/.config/fish/completions/sluicegate.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Options of `run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Files end in .yaml, .yml or .json; folders are read with all folders in them; names that begin with a dot are skipped.\n\
    SIGTERM or Ctrl-C ends gracefully, a second one at once. SIGHUP reads all files again.\n\n\
    Exit status: 0 after a graceful end, 1 if it could not start or connections were cut at the end, 2 for a wrong command line."
)]
pub struct RunArgs {
    /// Files or folders to serve
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to serve
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Options of everything that serves.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where /healthz, /readyz, /metrics, /status and /config are served; `off` for nowhere
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:15000", value_parser = Admin::parse)]
    pub admin: Admin,
    /// Bind another port in place of a listener's, such as 443=8443; may be repeated
    #[arg(long, value_name = "PORT=PORT", value_parser = parse_port_map)]
    pub port_map: Vec<(u16, u16)>,
    /// Worker threads; 0 means one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub workers: usize,
    /// Where access logs go, one JSON line each: `stdout`, `off`, or a file that is appended to
    #[arg(long, value_name = "WHERE", default_value = "stdout", value_parser = AccessLog::parse)]
    pub access_log: AccessLog,
    /// Time series in /metrics, about; routes, backends and listeners that find no more room count under `other`
    #[arg(long, value_name = "N", default_value_t = proxy::Options::default().metric_series)]
    pub metric_series: usize,
    /// How long to go on accepting connections after SIGTERM, so that load balancers take note of /readyz first
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub min_drain: Duration,
    /// How long open connections may take to end after SIGTERM; what is left is cut
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub drain_timeout: Duration,
    /// Logging
    #[command(flatten)]
    pub log: LogArgs,
}

/// Options of `proxy`.
#[derive(Debug, Args)]
#[command(after_help = "SLUICEGATE_CA holds the PEM of the CA that signed the controller's certificate.")]
pub struct ProxyArgs {
    /// The Gateway that is served
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub gateway: String,
    /// Where the controller is, such as https://sluicegate-controller.sluicegate-system.svc:15010
    #[arg(long, value_name = "URL")]
    pub controller: String,
    /// The name in the controller's certificate
    #[arg(long, value_name = "NAME", default_value = CONTROLLER_SERVER_NAME)]
    pub server_name: String,
    /// File with the ServiceAccount token that is shown to the controller
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
    /// Unique among the proxies of the Gateway, such as the name of the Pod
    #[arg(long, value_name = "NAME", default_value = "proxy")]
    pub replica: String,
    /// Folder in which the snapshot is kept
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// How to serve
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// The name that a controller's certificate is for, wherever it is reached.
const CONTROLLER_SERVER_NAME: &str = "sluicegate-controller";

/// Options of `controller`.
#[derive(Debug, Args)]
pub struct ControllerArgs {
    /// A value of GatewayClass.spec.controllerName that is answered for; may be repeated
    #[arg(long = "controller-name", value_name = "NAME", default_value = translate::CONTROLLER_NAME)]
    pub controller_names: Vec<String>,
    /// Namespace of the controller itself: of its Lease and its certificate
    #[arg(long, value_name = "NAME", default_value = "sluicegate-system")]
    pub namespace: String,
    /// Unique among its replicas, such as the name of the Pod
    #[arg(long, value_name = "NAME", default_value = "controller")]
    pub identity: String,
    /// Where proxies connect
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:15010")]
    pub listen: SocketAddr,
    /// How proxies reach that
    #[arg(long, value_name = "URL", default_value = "https://sluicegate-controller.sluicegate-system.svc:15010")]
    pub advertise: String,
    /// The name in the controller's certificate
    #[arg(long, value_name = "NAME", default_value = CONTROLLER_SERVER_NAME)]
    pub server_name: String,
    /// Image of the proxies, whose entry point is this program
    #[arg(long, value_name = "IMAGE", default_value = concat!("sluicegate:", env!("CARGO_PKG_VERSION")))]
    pub proxy_image: String,
    /// Let Services of type ExternalName be backends
    #[arg(long)]
    pub allow_external_name: bool,
    /// Logging
    #[command(flatten)]
    pub log: LogArgs,
}

/// Options of `crds`.
#[derive(Debug, Args)]
pub struct CrdsArgs {
    /// Instead, those kinds of Envoy Gateway that are read: for a cluster that never had Envoy Gateway
    #[arg(long)]
    pub envoy_gateway: bool,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 without errors, 1 with errors, 2 for a wrong command line.")]
pub struct DoctorArgs {
    /// A value of GatewayClass.spec.controllerName that is to be answered for; may be repeated
    #[arg(long = "controller-name", value_name = "NAME", default_value = translate::CONTROLLER_NAME)]
    pub controller_names: Vec<String>,
    /// Namespace of the controller
    #[arg(long, value_name = "NAME", default_value = "sluicegate-system")]
    pub namespace: String,
    /// Ask as somebody else, such as system:serviceaccount:sluicegate-system:sluicegate-controller
    #[arg(long = "as", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Kubeconfig; default: KUBECONFIG, ~/.kube/config, or the Pod's ServiceAccount
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// Options of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 if all is as it should be, 1 if not, 2 for a wrong command line.")]
pub struct StatusArgs {
    /// One namespace instead of all
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Kubeconfig; default: KUBECONFIG, ~/.kube/config, or the Pod's ServiceAccount
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// Options about the log.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// Form of the log, which goes to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What to log: error, warn, info, debug, trace, or a filter such as `info,proxy=debug`; default: RUST_LOG, else info
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

/// Options of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 without errors, 1 with errors, 2 for a wrong command line or a path that cannot be read."
)]
pub struct CheckArgs {
    /// Files or folders; `-` reads standard input
    #[arg(value_name = "PATH", required_unless_present = "explain")]
    pub paths: Vec<PathBuf>,
    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Explain a code such as SG0101
    #[arg(long, value_name = "CODE", conflicts_with = "paths")]
    pub explain: Option<String>,
    /// Leave out notes, such as those on kinds that are not served
    #[arg(short, long)]
    pub quiet: bool,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs; the shape is stable
    Json,
    /// Annotations of GitHub Actions
    Github,
}

/// Options of `version`.
#[derive(Debug, Args)]
pub struct VersionArgs {
    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t = VersionOutput::Text)]
    pub output: VersionOutput,
}

/// Form of `version`'s answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VersionOutput {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What to expose.
#[derive(Debug, Subcommand)]
pub enum Expose {
    /// Put a Kafka cluster behind TLS: one name for bootstrap, one per broker, one port
    Kafka(ExposeKafkaArgs),
    /// Put an HTTP server behind HTTP and HTTPS
    Http(ExposeHttpArgs),
}

/// Options of `expose kafka`.
#[derive(Debug, Args)]
pub struct ExposeKafkaArgs {
    /// Where a broker listens, such as localhost:9092
    #[arg(value_name = "HOST:PORT", value_parser = Target::parse)]
    pub target: Target,
    /// Name of the route, and first label of the bootstrap name
    #[arg(long, default_value = "my-cluster", value_parser = parse_label)]
    pub name: String,
    /// Domain under which bootstrap and brokers get their names
    #[arg(long, default_value = "kafka.localhost", value_parser = parse_domain)]
    pub domain: String,
    /// Another broker that the gateway may dial, for a cluster that names its brokers only to those who log in; may be repeated
    #[arg(long = "broker", value_name = "HOST:PORT", value_parser = Target::parse)]
    pub brokers: Vec<Target>,
    /// Port for clients; default 9092, or 19092 if that is the cluster's own
    #[arg(long, value_name = "PORT")]
    pub listen: Option<u16>,
    /// Common options
    #[command(flatten)]
    pub common: ExposeArgs,
}

/// Options of `expose http`.
#[derive(Debug, Args)]
pub struct ExposeHttpArgs {
    /// Where the server listens, such as localhost:3000
    #[arg(value_name = "HOST:PORT", value_parser = Target::parse)]
    pub target: Target,
    /// Name that clients use
    #[arg(long, default_value = "app.localhost", value_parser = parse_domain)]
    pub hostname: String,
    /// Port for HTTP
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub listen: u16,
    /// Port for HTTPS
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub listen_tls: u16,
    /// Common options
    #[command(flatten)]
    pub common: ExposeArgs,
}

/// Options that the `expose` verbs share.
#[derive(Debug, Args)]
pub struct ExposeArgs {
    /// Folder to write; default ./sluicegate-NAME
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Write the folder over what stands there; else files that were changed by hand stay as they are
    #[arg(long)]
    pub overwrite: bool,
    /// Only write the folder
    #[arg(long)]
    pub no_run: bool,
    /// How to serve
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Options of `certificate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Writes DIR/NAME.yaml (a Secret, readable by its owner alone), DIR/ca.crt for clients and DIR/ca.key.\n\
    A second run in the same folder signs with the same CA. These certificates are for development: nobody else trusts them."
)]
pub struct CertificateArgs {
    /// Name or IP address the certificate is for, such as '*.kafka.example.com'; may be repeated
    #[arg(long = "host", value_name = "HOST", required = true)]
    pub hosts: Vec<String>,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Name of the Secret
    #[arg(long, default_value = "certificate", value_parser = parse_label)]
    pub name: String,
    /// Namespace of the Secret
    #[arg(long, default_value = "default", value_parser = parse_label)]
    pub namespace: String,
    /// Also write DIR/ca.yaml, a ConfigMap with the CA for BackendTLSPolicies
    #[arg(long)]
    pub ca_config_map: bool,
}

/// Where the admin server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admin {
    /// Nowhere.
    Off,
    /// Here.
    At(SocketAddr),
}

impl Admin {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| "give an IP address and a port such as 127.0.0.1:15000, or `off`".into())
    }

    /// The address, if any.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

/// Where access logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// Appended to a file.
    File(PathBuf),
}

impl AccessLog {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "off" => Self::Off,
            "stdout" | "-" => Self::Stdout,
            "" => return Err("give `stdout`, `off` or a file".into()),
            path => Self::File(path.into()),
        })
    }
}

/// `HOST:PORT` of a server to expose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Target {
    /// Reads `localhost:9092`, `10.0.0.1:9092` or `[::1]:9092`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "give a host and a port, such as localhost:9092".to_owned();
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.parse::<std::net::IpAddr>().is_err() && (host.contains(':') || !is_domain(bare)) {
            return Err(wrong());
        }
        Ok(Self { host: bare.to_ascii_lowercase(), port })
    }

    /// The address, if the host is one, or the name `localhost`.
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        if self.host == "localhost" { Some(std::net::Ipv4Addr::LOCALHOST.into()) } else { self.host.parse().ok() }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn parse_port_map(text: &str) -> Result<(u16, u16), String> {
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port != 0);
    text.split_once('=')
        .and_then(|(listener, bound)| Some((port(listener)?, port(bound)?)))
        .ok_or_else(|| "give the listener's port and the one to bind, such as 443=8443".into())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "give a time such as 500ms, 30s or 2m".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<jiff::SignedDuration>().map_err(|_| wrong())?.try_into().map_err(|_| wrong())
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether the text is a DNS name of letters, digits and dashes.
pub(crate) fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.to_ascii_lowercase().split('.').all(is_label)
}

fn parse_label(text: &str) -> Result<String, String> {
    if is_label(text) {
        Ok(text.to_owned())
    } else {
        Err("use at most 63 small letters, digits and dashes, with no dash at the ends".into())
    }
}

fn parse_domain(text: &str) -> Result<String, String> {
    if is_domain(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("give a domain name such as app.example.com".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn targets() {
        assert_eq!(Target::parse("Localhost:9092"), Ok(Target { host: "localhost".into(), port: 9092 }));
        assert_eq!(Target::parse("[::1]:80").map(|t| t.to_string()), Ok("[::1]:80".into()));
        for wrong in ["localhost", "localhost:0", "localhost:99999", "::1:80x", "a b:1", ":80", "http://a:80"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_and_port_maps() {
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        assert!(parse_duration("-1s").is_err());
        assert!(parse_duration("soon").is_err());
        assert_eq!(parse_port_map("443=8443"), Ok((443, 8443)));
        assert!(parse_port_map("443").is_err());
        assert!(parse_port_map("0=1").is_err());
    }
}
