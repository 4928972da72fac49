//! Where the local API listens, and why it cannot.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::net::UnixListener;

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
                format!("{text:?} is no address; use one as 127.0.0.1:8002 or unix:/run/node.sock")
            }),
        }
    }
}

/// Why the local API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Anybody could ask.
    #[error(
        "{0} is reached from other machines; listen on a loopback address or a Unix socket, or set \
         a local token"
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
