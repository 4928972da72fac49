//! The options of `lictor serve`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{
    BoolishValueParser, OsStringValueParser, PathBufValueParser, TypedValueParser as _,
};
use lictor_authority::{census, ended};
use lictor_core::TrustPolicy;
use lictor_server::http::budget::Limits;
use lictor_server::http::limits::ConnectionLimits;
use serde::Deserialize;

use super::LogFormat;
use super::connections::{self, Network};
use super::memory::{self, Size};
use super::rate::Rate;
use crate::exit::Outcome;
use crate::files;
use crate::time_parsers::span_within;
use crate::value_parsers::{self, listed, listed_file};

/// The options of `lictor serve`; in a configuration file they have the same names. An option is
/// declared here and nowhere else.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ServeOptions {
    /// Folder of the database; created if it does not exist
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", value_parser = PathBufValueParser::new().try_map(files::named))]
    #[serde(deserialize_with = "super::named_path")]
    pub data: Option<PathBuf>,
    /// Begin a new installation even if the folder contains other files
    #[arg(
        long,
        value_name = "BOOL",
        env = "LICTOR_NEW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub new: Option<bool>,
    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8001]
    #[arg(long, value_name = "ADDR", env = "LICTOR_LISTEN")]
    pub listen: Option<String>,
    /// Write the first operator token to this file; `-` prints it, as without this option
    #[arg(long, value_name = "FILE", env = "LICTOR_ADMIN_TOKEN_FILE")]
    pub admin_token_file: Option<PathBuf>,
    /// Public key to trust; repeatable; a key that is trusted already changes nothing
    #[arg(
        long,
        value_name = "KEY.pub",
        env = "LICTOR_TRUST",
        value_delimiter = ',',
        value_parser = OsStringValueParser::new().try_map(listed_file)
    )]
    pub trust: Vec<PathBuf>,
    /// `verified` accepts only licenses that a trusted key signed; `structural` also those whose
    /// signature cannot be checked, shown as unverified [default: verified]
    #[arg(long, value_name = "POLICY", env = "LICTOR_TRUST_POLICY")]
    pub trust_policy: Option<TrustPolicy>,
    /// Address that clients use to reach the server, for its messages [default: where it listens]
    #[arg(long, value_name = "URL", env = "LICTOR_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// How old the count of accounts for Jira's clients may be: a number and s, m, h or d, up
    /// to 7d [default: 0s]
    #[arg(long, value_name = "AGE", env = "LICTOR_CENSUS_MAX_AGE")]
    pub census_max_age: Option<CensusAge>,
    /// How long to keep records of ended leases: a number and s, m, h, d or w, up to 3650d;
    /// 0 drops them within a minute [default: 400d]
    #[arg(long, value_name = "SPAN", env = "LICTOR_KEEP_HOLDERS")]
    pub keep_holders: Option<Retention>,
    /// Certificate chain in PEM; turns TLS on
    #[arg(long, value_name = "FILE", env = "LICTOR_TLS_CERT", value_parser = PathBufValueParser::new().try_map(files::named))]
    #[serde(deserialize_with = "super::named_path")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", env = "LICTOR_TLS_KEY", value_parser = PathBufValueParser::new().try_map(files::named))]
    #[serde(deserialize_with = "super::named_path")]
    pub tls_key: Option<PathBuf>,
    /// CA certificates in PEM; nodes must then show a certificate that one of these signed
    #[arg(long, value_name = "FILE", env = "LICTOR_NODE_CA", value_parser = PathBufValueParser::new().try_map(files::named))]
    #[serde(deserialize_with = "super::named_path")]
    pub node_ca: Option<PathBuf>,
    /// The key that signs states for nodes; created if it does not exist
    /// [default: DIR/control-plane.key]
    #[arg(long, value_name = "FILE", env = "LICTOR_CONTROL_PLANE_KEY", value_parser = PathBufValueParser::new().try_map(files::named))]
    #[serde(deserialize_with = "super::named_path")]
    pub control_plane_key: Option<PathBuf>,
    /// Allow plain HTTP on an address beyond loopback, such as behind a TLS proxy
    #[arg(
        long,
        value_name = "BOOL",
        env = "LICTOR_INSECURE_HTTP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub insecure_http: Option<bool>,
    /// Serve metrics on this address too, without a token
    #[arg(long, value_name = "ADDR", env = "LICTOR_METRICS_LISTEN")]
    pub metrics_listen: Option<String>,
    /// Connections that one address may have at once, an IPv6 address counting by its /64; loopback
    /// and trusted proxies are not counted [default: a quarter of all]
    #[arg(long, value_name = "N", env = "LICTOR_CONNECTIONS_PER_ADDRESS", value_parser = connection_count)]
    pub connections_per_address: Option<usize>,
    /// Address or network of a proxy whose Forwarded and X-Forwarded-For name the client; repeatable
    /// [default: none]
    #[arg(
        long,
        value_name = "ADDR",
        env = "LICTOR_TRUSTED_PROXY",
        value_delimiter = ',',
        value_parser = listed::<Network>
    )]
    pub trusted_proxy: Vec<Network>,
    /// Memory for the bodies of all requests and answers, such as 96MB or 1GB; a request that finds
    /// none waits up to a second and then gets 503 [default: 96MB]
    #[arg(long, value_name = "SIZE", env = "LICTOR_BODY_MEMORY")]
    pub body_memory: Option<Size>,
    /// How much of it unauthenticated requests may use [default: a sixth]
    #[arg(long, value_name = "SIZE", env = "LICTOR_BODY_MEMORY_ANONYMOUS")]
    pub body_memory_anonymous: Option<Size>,
    /// How much of it one organization may use [default: a quarter]
    #[arg(long, value_name = "SIZE", env = "LICTOR_BODY_MEMORY_PER_ORGANIZATION")]
    pub body_memory_per_organization: Option<Size>,
    /// How many requests each token may make, and each address without one, such as 500/s; beyond it
    /// they get 429 [default: any number]
    #[arg(long, value_name = "N/s", env = "LICTOR_RATE_LIMIT")]
    pub rate_limit: Option<Rate>,
    /// The version to report to Kong clients [default: 3.4.3.5]
    #[arg(long, value_name = "VERSION", env = "LICTOR_KONG_VERSION")]
    pub kong_version: Option<String>,
    /// Origin from which browsers may call Kong's routes; repeatable [default: any]
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "LICTOR_KONG_ORIGIN",
        value_delimiter = ',',
        value_parser = listed::<String>
    )]
    pub kong_origin: Vec<String>,
    /// Show a hash instead of the host name in reports
    #[arg(
        long,
        value_name = "BOOL",
        env = "LICTOR_HASH_HOSTNAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub hash_hostname: Option<bool>,
    /// What to log, such as `debug` or `info,lictor_server::http=debug`; libraries log only errors
    /// unless they are named, as in `debug,h2=debug` [default: info]
    #[arg(long, value_name = "FILTER", env = "LICTOR_LOG")]
    pub log: Option<String>,
    /// Form of the log, on standard error [default: text]
    #[arg(long, value_name = "FORMAT", env = "LICTOR_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Read options that are not given otherwise from this file; every option is a key in it
    #[arg(long, value_name = "FILE.toml", env = "LICTOR_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

impl ServeOptions {
    /// How much memory bodies may take.
    ///
    /// # Errors
    /// [`crate::exit::Failure::Usage`] for what is out of its range.
    pub(crate) fn body_limits(&self) -> Outcome<Limits> {
        memory::limits(self)
    }

    /// The connection limits, for this many open files.
    ///
    /// # Errors
    /// [`crate::exit::Failure::Usage`] for what is out of its range.
    pub(crate) fn connection_limits(&self, files: u64) -> Outcome<ConnectionLimits> {
        connections::limits(self, files)
    }
}

/// An age of at most 7 days, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CensusAge(pub i64);

impl FromStr for CensusAge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        span_within(text, 0, census::MAX_AGE, "0s to 7d").map(Self)
    }
}

/// How long something is kept, in seconds, at most [`ended::MAX_KEPT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Retention(pub i64);

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        span_within(text, 0, ended::MAX_KEPT, "0s to 3650d").map(Self)
    }
}

impl TryFrom<String> for Retention {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl TryFrom<String> for CensusAge {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Reads a number of connections.
fn connection_count(text: &str) -> Result<usize, String> {
    let number = value_parsers::number(text, u32::MAX.into())?;
    usize::try_from(number).map_err(|error| error.to_string())
}
