//! What every handler is given, and what an operator can set of the HTTP server.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;

use lictor_authority::Authority;
use lictor_core::digest::Digest;

use crate::http::budget::Budgets;
use crate::http::metrics::Metrics;

/// The settings of one server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address by which clients reach the server, without a slash at its end.
    pub public_url: String,
    /// The version that the Kong dialect tells its clients.
    pub kong_version: String,
    /// Origins that browsers may call the Kong dialect from; empty: any.
    pub kong_origins: Vec<String>,
    /// Whether reports show a hash of the host name instead of the name.
    pub hash_hostname: bool,
    /// Whether nodes must show a client certificate.
    pub node_certificates: bool,
    /// How many requests a second each token may make, and each address without one; none: any
    /// number.
    pub rate_limit: Option<NonZeroU32>,
}

impl Settings {
    /// A host name as reports show it: itself, or the first 16 hex digits of its SHA-256.
    pub fn shown_hostname(&self, hostname: &str) -> String {
        if !self.hash_hostname {
            return hostname.to_owned();
        }
        let mut digits = Digest::of(hostname.as_bytes()).to_string();
        digits.truncate(16);
        digits
    }
}

/// What every handler is given. A clone is the same server.
#[derive(Clone)]
pub struct Server(Arc<ServerParts>);

/// What a server consists of.
#[derive(Clone)]
pub struct ServerParts {
    /// The use cases.
    pub authority: Arc<Authority>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Memory for bodies.
    pub budgets: Budgets,
    /// What is counted of requests.
    pub metrics: Arc<Metrics>,
}

impl Server {
    /// A server of these parts.
    pub fn new(parts: ServerParts) -> Self {
        Self(Arc::new(parts))
    }

    /// A copy with reference counts of its own, made once for each connection. Each request clones it, and
    /// processors that change the same count wait for each other.
    pub(crate) fn for_connection(&self) -> Self {
        Self::new(ServerParts::clone(&self.0))
    }
}

impl Deref for Server {
    type Target = ServerParts;

    fn deref(&self) -> &ServerParts {
        &self.0
    }
}
