//! The server of `lictor serve` and `lictor demo`, from its options to its shutdown.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lictor_authority::clock::Clock;
use lictor_authority::random;
use lictor_authority::{Authority, Opened, Start, StartError};
use lictor_core::{PublicKey, SigningKey};
use lictor_server::http::budget::Budgets;
use lictor_server::http::limits::ConnectionLimits;
use lictor_server::http::{accept, router, tls};
use lictor_server::settings::{Server, ServerParts, Settings};
use lictor_store::{New, Store};
use reqwest::Url;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

use crate::address;
use crate::config::ServeOptions;
use crate::document_files;
use crate::exit::{self, Failure, Outcome};
use crate::files;
use crate::log;
use crate::token_file;

/// Where a server listens, and where a client looks for it.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:8001";

/// Connections that the kernel queues until they are accepted. It may be configured for fewer. In a larger burst,
/// some clients retry a second later.
const ACCEPT_QUEUE: u32 = 4096;

/// The most connections for metrics, which few clients read.
const METRICS_CONNECTIONS: usize = 64;

/// The name of the control plane's key in the data folder.
pub(crate) const CONTROL_PLANE_KEY: &str = "control-plane.key";

const DEFAULT_KONG_VERSION: &str = "3.4.3.5";

type Tls = Option<Arc<rustls::ServerConfig>>;

/// A server that is ready to answer.
pub(crate) struct Prepared {
    /// Where it listens, such as `http://127.0.0.1:8001`.
    pub url: String,
    /// What `--public-url` says, without a slash at its end.
    pub public_url: Option<String>,
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    tls: Tls,
    app: router::App,
    metrics_app: axum::Router,
    opened: Opened,
    limits: ConnectionLimits,
}

/// Does everything that can fail before the first request: reads certificate and keys, takes the
/// port unless it is `given`, opens the folder, hands a first operator token to `announce`, and then
/// opens the port: whoever can connect finds the token. What can be refused without looking at the
/// folder is refused before a folder is made.
pub(crate) async fn prepare(
    options: ServeOptions,
    given: Option<TcpListener>,
    operator_secret: Option<String>,
    announce: impl FnOnce(&str) -> std::io::Result<()>,
) -> Outcome<Prepared> {
    let folder = options.data.clone().ok_or_else(|| {
        Failure::Usage("say where the data is: `lictor serve --data DIR`".to_owned())
    })?;
    let tls = load_tls(&options)?;
    let budgets = Budgets::new(options.body_limits()?);
    let limits = options.connection_limits(open_files())?;
    let public_url = options.public_url.as_deref().map(public_url).transpose()?;
    let mut start = Start {
        policy: options.trust_policy,
        keys: read_keys(&options.trust)?,
        operator_secret,
        census_max_age: options.census_max_age.map_or(0, |age| age.0),
        keep_holders: options.keep_holders.map(|retention| retention.0),
        control_plane_key: None,
    };
    let (port, metrics_port) = take_ports(&options, given, tls.is_some()).await?;
    let url = url_of(&port, &tls)?;
    let metrics_url = metrics_port.as_ref().map(|port| url_of(port, &tls));
    let metrics_url = metrics_url.transpose()?;
    let store = lictor_store::open(&folder, may_be_new(&options))?;
    let key = control_plane_key(&options, &folder)?;
    start.control_plane_key = Some(key.key);
    let opened = Authority::open(store.clone(), Clock::System, start, announce).await?;
    warn_of_new_key(&opened, &key.file, key.is_new).await?;
    let listener = open(port, "--listen")?;
    let metrics_listener = metrics_port.map(|port| open(port, "--metrics-listen"));
    let metrics_listener = metrics_listener.transpose()?;
    if let Some(url) = metrics_url {
        tracing::info!("metrics are at {url}/metrics, without a token");
    }
    note_address(&*store, &url, public_url.as_deref());
    let figures = move || {
        let batches = store.batches();
        (batches.commits, batches.writes)
    };
    let server = Server::new(ServerParts {
        authority: opened.authority(),
        settings: Arc::new(settings(options, public_url.as_ref().unwrap_or(&url))),
        budgets,
        metrics: router::counters(Box::new(figures), Box::new(log::write_metrics)),
    });
    Ok(Prepared {
        url,
        public_url,
        listener,
        metrics_listener,
        tls,
        app: router::router(server.clone()),
        metrics_app: router::metrics_router(server),
        opened,
        limits,
    })
}

/// Where a new database may be made.
fn may_be_new(options: &ServeOptions) -> New<'static> {
    match options.new {
        Some(true) => New::Anywhere,
        // An interrupted first start leaves this file.
        Some(false) | None => New::Beside(&[token_file::NOTE]),
    }
}

/// Warns if the control plane's key was lost: nodes accept nothing that is signed with a new one.
async fn warn_of_new_key(authority: &Authority, file: &Path, is_new: bool) -> Outcome {
    if is_new && authority.has_nodes().await.map_err(StartError::Store)? {
        tracing::error!(
            file = %file.display(),
            "the control plane's key was missing and a new one was made: nodes that joined \
             before accept nothing from it; put the old key back, or enroll them again"
        );
    }
    Ok(())
}

/// Notes in the data folder where the server listens, for commands that find it in use.
fn note_address(store: &dyn Store, url: &str, public_url: Option<&str>) {
    let address = match public_url {
        Some(public_url) => format!("{url}, for clients at {public_url}"),
        None => url.to_owned(),
    };
    if let Err(error) = store.note_address(&address) {
        tracing::warn!(%error, "the address could not be noted in the data folder");
    }
}

/// How many files this process may have open.
fn open_files() -> u64 {
    use rustix::process::{Resource, getrlimit};

    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// The port, and that of the metrics. Nobody can connect there yet.
async fn take_ports(
    options: &ServeOptions,
    given: Option<TcpListener>,
    tls: bool,
) -> Outcome<(Port, Option<Port>)> {
    let plain_allowed = tls || options.insecure_http == Some(true);
    let address = resolve(options.listen.as_deref().unwrap_or(DEFAULT_ADDRESS)).await?;
    refuse_plain(address, plain_allowed)?;
    let metrics_address = match options.metrics_listen.as_deref() {
        Some(text) => Some(resolve(text).await?),
        None => None,
    };
    if let Some(address) = metrics_address {
        refuse_plain(address, plain_allowed)?;
    }
    let port = match given {
        Some(listener) => Port::Open(listener),
        None => bind(address, "--listen")?,
    };
    let metrics_port = metrics_address.map(|address| bind(address, "--metrics-listen"));
    Ok((port, metrics_port.transpose()?))
}

impl Prepared {
    /// Answers until `shutdown` is ready, then lets the requests in flight end.
    pub(crate) async fn serve(self, shutdown: impl Future<Output = ()>) -> Outcome {
        let (stop, stopping) = watch::channel(());
        let stopped = |mut stopping: watch::Receiver<()>| async move {
            // It fails when the sender is gone, which also means to stop.
            let _ = stopping.changed().await;
        };
        let limits = self.limits;
        let metrics_limits = ConnectionLimits {
            max_connections: limits.max_connections.min(METRICS_CONNECTIONS),
            ..limits.clone()
        };
        let metrics = match self.metrics_listener {
            Some(listener) => Some(tokio::spawn(accept::serve(
                listener,
                self.tls.clone(),
                self.metrics_app,
                metrics_limits,
                stopped(stopping.clone()),
            ))),
            None => None,
        };
        let leases = tokio::spawn(self.opened.watch_leases());
        let ended = tokio::spawn(self.opened.watch_kept());
        let expiry = tokio::spawn(self.opened.watch_expiry());
        let places = tokio::spawn(self.opened.watch_node_places());
        let pools = tokio::spawn(self.opened.watch_pools());
        let serving = accept::serve(self.listener, self.tls, self.app, limits, stopped(stopping));
        let ending = async {
            shutdown.await;
            self.opened.end_feeds();
            let _ = stop.send(());
        };
        let (served, ()) = tokio::join!(serving, ending);
        places.abort();
        expiry.abort();
        pools.abort();
        ended.abort();
        leases.abort();
        if let Some(task) = metrics {
            let _ = task.await;
        }
        served.map_err(|error| Failure::Usage(error.to_string()))
    }
}

fn url_of(port: &Port, tls: &Tls) -> Outcome<String> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = port
        .address()
        .map_err(|error| Failure::Usage(format!("no listening address: {error}")))?;
    Ok(format!("{scheme}://{address}"))
}

fn public_url(text: &str) -> Outcome<String> {
    let text = text.trim();
    let url = Url::parse(text).ok().filter(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && bare && nobody
    });
    match url {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(Failure::Usage(format!(
            "--public-url {}: use http:// or https://, a host, a port if need be, and nothing \
             after it, such as https://licenses.example.com",
            address::shown(text)
        ))),
    }
}

fn settings(options: ServeOptions, public_url: &str) -> Settings {
    Settings {
        public_url: public_url.to_owned(),
        kong_version: options
            .kong_version
            .unwrap_or_else(|| DEFAULT_KONG_VERSION.to_owned()),
        kong_origins: options.kong_origin,
        hash_hostname: options.hash_hostname.unwrap_or(false),
        node_certificates: options.node_ca.is_some(),
        rate_limit: options.rate_limit.map(|rate| rate.0),
    }
}

/// The control plane's key, and whether it was made just now.
struct ControlPlaneKey {
    key: SigningKey,
    file: PathBuf,
    is_new: bool,
}

/// Reads the control plane's key, or makes it. The folder is locked by now: nobody else makes one.
fn control_plane_key(options: &ServeOptions, folder: &Path) -> Outcome<ControlPlaneKey> {
    let usual = || folder.join(CONTROL_PLANE_KEY);
    let file = options.control_plane_key.clone().unwrap_or_else(usual);
    if options.control_plane_key.is_none() && file.is_symlink() {
        return Err(Failure::Usage(format!(
            "{} is a symbolic link, and none is followed there: name the key's real path with \
             --control-plane-key",
            file.display()
        )));
    }
    let is_new = !file.exists();
    let key = if is_new {
        let seed = random::bytes().map_err(exit::no_randomness)?;
        let key = SigningKey::from_seed(seed);
        files::create(&file, &key.to_pem().map_err(Failure::Refused)?, 0o600)?;
        key
    } else {
        let pem = files::read_secret(&file)?;
        SigningKey::from_pem(&pem)
            .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?
    };
    Ok(ControlPlaneKey { key, file, is_new })
}

fn load_tls(options: &ServeOptions) -> Outcome<Tls> {
    match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => tls::load(certificate, key, options.node_ca.as_deref())
            .map(Some)
            .map_err(|error| Failure::Usage(error.to_string())),
        (None, None) if options.node_ca.is_some() => Err(Failure::Usage(
            "--node-ca needs TLS; give --tls-cert and --tls-key too".to_owned(),
        )),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(Failure::Usage(
            "--tls-cert and --tls-key go together; give both".to_owned(),
        )),
    }
}

fn read_keys(files: &[PathBuf]) -> Outcome<Vec<PublicKey>> {
    files.iter().map(|file| read_public_key(file)).collect()
}

/// Reads a public key file.
pub(crate) fn read_public_key(file: &Path) -> Outcome<PublicKey> {
    let pem = document_files::read_public(file, "a public key").map_err(Failure::into_usage)?;
    PublicKey::from_pem(pem.trim()).map_err(|error| {
        let why = match document_files::cause(&pem).filter(|_| !pem.contains("PUBLIC KEY-----")) {
            Some(cause) => format!("not a public key: {cause}"),
            None => error,
        };
        Failure::Usage(format!("{}: {why}", files::shown(file)))
    })
}

/// The socket address that a text names.
pub(crate) async fn resolve(text: &str) -> Outcome<SocketAddr> {
    let text = text.trim();
    let wrong = |why: String| {
        Failure::Usage(format!(
            "cannot listen on {}: {why}; use ADDRESS:PORT, such as {DEFAULT_ADDRESS}",
            address::shown(text)
        ))
    };
    let mut found = tokio::net::lookup_host(text)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => wrong("it has no port, or an invalid one".to_owned()),
            _ => wrong("its name is unknown here".to_owned()),
        })?;
    found.next().ok_or_else(|| wrong("no address".to_owned()))
}

fn refuse_plain(address: SocketAddr, allowed: bool) -> Outcome {
    let loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.to_canonical().is_loopback(),
    };
    if loopback || allowed {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{address} can be reached from outside, and tokens would travel in plain text. Give \
         --tls-cert and --tls-key, or --insecure-http if a TLS proxy stands in front of it"
    )))
}

/// A port of this process.
enum Port {
    /// Nobody can connect yet.
    Taken(TcpSocket),
    /// Connections wait in line.
    Open(TcpListener),
}

impl Port {
    fn address(&self) -> std::io::Result<SocketAddr> {
        match self {
            Self::Taken(socket) => socket.local_addr(),
            Self::Open(listener) => listener.local_addr(),
        }
    }
}

/// Takes an address for this process alone, so that the second of two servers is refused before it
/// has done anything. Connections are refused there until it is opened.
fn bind(address: SocketAddr, option: &str) -> Outcome<Port> {
    let bound = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Sockets that are all to reuse an address may share it until one listens.
        match socket.bind(address) {
            // A restart does not wait for the old connections to be forgotten.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                socket.set_reuseaddr(true)?;
                socket.bind(address)?;
                socket.set_reuseaddr(false)?;
            }
            bound => bound?,
        }
        Ok(Port::Taken(socket))
    };
    bound().map_err(|error| cannot_listen(&address.to_string(), option, &error))
}

/// Lets connections come.
fn open(port: Port, option: &str) -> Outcome<TcpListener> {
    let address = port.address().map(|address| address.to_string());
    let address = address.unwrap_or_default();
    let listener = match port {
        // Its connections hand this on, so that the next start may bind beside what is left of them.
        Port::Taken(socket) => socket
            .set_reuseaddr(true)
            .and_then(|()| socket.listen(ACCEPT_QUEUE)),
        Port::Open(listener) => Ok(listener),
    };
    listener.map_err(|error| cannot_listen(&address, option, &error))
}

fn cannot_listen(address: &str, option: &str, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("; something else listens there: stop it, or choose another port with {option}")
        }
        ErrorKind::PermissionDenied => format!("; choose a port above 1023 with {option}"),
        _ => String::new(),
    };
    Failure::Usage(format!("cannot listen on {address}: {error}{advice}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_port_is_taken_by_one_server_alone_before_it_opens() {
        let port = bind("127.0.0.1:0".parse().unwrap(), "--listen").unwrap();
        let address = port.address().unwrap();
        let everywhere = SocketAddr::new("0.0.0.0".parse().unwrap(), address.port());
        for same in [address, everywhere] {
            let Err(Failure::Usage(text)) = bind(same, "--listen") else {
                panic!("{same} was taken twice");
            };
            assert!(text.contains("choose another port with --listen"), "{text}");
        }
        open(port, "--listen").unwrap();
    }

    #[tokio::test]
    async fn a_restart_takes_its_port_alone_while_connections_of_the_last_one_are_remembered() {
        let any = "127.0.0.1:0".parse().unwrap();
        let first = open(bind(any, "--listen").unwrap(), "--listen").unwrap();
        let address = first.local_addr().unwrap();
        let client = tokio::net::TcpStream::connect(address).await.unwrap();
        // Who closes first remembers the connection for a minute.
        drop(first.accept().await.unwrap());
        drop((client, first));
        let remembered = TcpSocket::new_v4().unwrap().bind(address);
        assert!(remembered.is_err(), "nothing is left of the connection");
        let port = bind(address, "--listen").unwrap();
        assert!(
            bind(address, "--listen").is_err(),
            "{address} was taken twice"
        );
        open(port, "--listen").unwrap();
    }

    #[tokio::test]
    async fn a_burst_of_connections_waits_in_line() {
        let port = bind("127.0.0.1:0".parse().unwrap(), "--listen").unwrap();
        let listener = open(port, "--listen").unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        for number in 0..1_000 {
            let connecting = tokio::net::TcpStream::connect(address);
            let connected = tokio::time::timeout(Duration::from_millis(500), connecting).await;
            waiting.push(connected.unwrap_or_else(|_| panic!("{number} found no place")));
        }
    }
}
