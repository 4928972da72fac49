//! Where the local API listens, and why it cannot.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lictor_core::digest::Digest;
use tokio::net::{TcpListener, UnixListener};

/// Where the local API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket, which its owner and group may use.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    /// Reads `127.0.0.1:8002`, or `unix:/run/lictor/node.sock`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("name the socket, as in unix:/run/lictor/node.sock".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!(
                    "{text:?} is not an address; use one such as 127.0.0.1:8002 or \
                     unix:/run/node.sock"
                )
            }),
        }
    }
}

/// Why the local API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Anybody could ask.
    #[error(
        "{0} is reached from other machines; listen on a loopback address or a Unix socket, or \
         protect it with a token, `--local-token-file`"
    )]
    Open(SocketAddr),
    /// It cannot listen there.
    #[error("cannot listen on {place}: {error}; use another address")]
    Listen {
        /// Where.
        place: String,
        /// Why.
        error: io::Error,
    },
}

/// A place that is taken, where requests wait until they are served.
pub struct LocalSocket {
    pub(super) address: Listen,
    pub(super) listener: Listener,
    pub(super) token: Option<Digest>,
}

pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl LocalSocket {
    /// Takes a place. With a token every request but those for `/healthz` and `/readyz` must carry it as bearer.
    ///
    /// # Errors
    /// It cannot listen there, or may not without a token.
    pub async fn bind(listen: Listen, token: Option<&str>) -> Result<Self, LocalError> {
        let failed = |place: String| move |error| LocalError::Listen { place, error };
        let (address, listener) = match listen {
            Listen::Tcp(address) if !address.ip().is_loopback() && token.is_none() => {
                return Err(LocalError::Open(address));
            }
            Listen::Tcp(address) => {
                let place = || failed(address.to_string());
                let listener = TcpListener::bind(address).await.map_err(place())?;
                let address = listener.local_addr().map_err(place())?;
                (Listen::Tcp(address), Listener::Tcp(listener))
            }
            Listen::Unix(path) => {
                let place = failed(path.display().to_string());
                let listener = bind(&path).await.map_err(place)?;
                (Listen::Unix(path), Listener::Unix(listener))
            }
        };
        Ok(Self {
            address,
            listener,
            token: token.map(|token| Digest::of(token.as_bytes())),
        })
    }
}

/// Binds a Unix socket; one that nobody listens on any more is replaced.
pub(super) async fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            let is_served = tokio::net::UnixStream::connect(path).await.is_ok();
            if is_served || !is_socket {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}
