//! The options of `lictor node run`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::{
    BoolishValueParser, OsStringValueParser, PathBufValueParser, TypedValueParser as _,
};
use serde::Deserialize;

use super::LogFormat;
use crate::files;
use crate::time_parsers::span_within;
use crate::value_parsers::listed_file;

/// The options of `lictor node run`; in a configuration file they have the same names. An option is
/// declared here and nowhere else.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct NodeOptions {
    /// Address of the control plane
    #[arg(long, value_name = "URL", env = "LICTOR_CONTROL_PLANE")]
    pub control_plane: Option<String>,
    /// Folder of the node's state and counts; created if it does not exist
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", value_parser = PathBufValueParser::new().try_map(files::named))]
    #[serde(deserialize_with = "super::named_path")]
    pub data: Option<PathBuf>,
    /// The token to join with at the first start, or the pool's token at each start; the environment
    /// hides it from other users of the machine
    #[arg(long, value_name = "TOKEN", env = "LICTOR_ENROLL")]
    pub enroll: Option<String>,
    /// Give the place in the pool back when the node is told to stop, after reporting all counts; that
    /// may take 17 seconds
    #[arg(
        long,
        value_name = "BOOL",
        env = "LICTOR_LEAVE_ON_STOP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub leave_on_stop: Option<bool>,
    /// Where to listen: an address and port, or `unix:` and a path [default: 127.0.0.1:8002]
    #[arg(long, value_name = "ADDR", env = "LICTOR_LISTEN")]
    pub listen: Option<String>,
    /// File with a token that callers must show; required if others can reach the address
    #[arg(long, value_name = "FILE", env = "LICTOR_LOCAL_TOKEN_FILE")]
    pub local_token_file: Option<PathBuf>,
    /// Vendor key to trust, instead of those that the control plane names; repeatable
    #[arg(
        long,
        value_name = "KEY.pub",
        env = "LICTOR_TRUST",
        value_delimiter = ',',
        value_parser = OsStringValueParser::new().try_map(listed_file)
    )]
    pub trust: Vec<PathBuf>,
    /// The application that the node must serve [default: the one that it was enrolled for]
    #[arg(long, value_name = "KEY", env = "LICTOR_APPLICATION")]
    pub application: Option<String>,
    /// When a count must be on disk: `request` before the request is answered, or within a time of up
    /// to 1h [default: 1s]
    #[arg(long, value_name = "TIME", env = "LICTOR_COUNT_DURABILITY")]
    pub count_durability: Option<Durability>,
    /// CA certificates in PEM to accept for the control plane, besides the system's
    #[arg(long, value_name = "FILE", env = "LICTOR_CA")]
    pub ca: Option<PathBuf>,
    /// Certificate chain in PEM to show to the control plane
    #[arg(long, value_name = "FILE", env = "LICTOR_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", env = "LICTOR_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Allow plain HTTP to a control plane that is not on this machine
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
    /// Connect directly, whatever `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` say
    #[arg(
        long,
        value_name = "BOOL",
        env = "LICTOR_NO_PROXY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub no_proxy: Option<bool>,
    /// What to log, such as `debug`; libraries log only errors unless they are named, as in
    /// `debug,h2=debug` [default: info]
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

/// When a count is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Durability {
    /// Before it is answered.
    Request,
    /// Within 1 s to 1 h.
    Within(Duration),
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "request" {
            return Ok(Self::Request);
        }
        let seconds = span_within(text, 1, 3_600, "1s to 1h");
        let seconds = seconds.map_err(|why| format!("{why}; use that, or `request`"))?;
        Ok(Self::Within(Duration::from_secs(seconds.unsigned_abs())))
    }
}

impl TryFrom<String> for Durability {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_durable_with_the_request_or_within_a_time() {
        let within = |seconds| Ok(Durability::Within(Duration::from_secs(seconds)));
        assert_eq!("request".parse(), Ok(Durability::Request));
        assert_eq!("1s".parse(), within(1));
        assert_eq!("1h".parse(), within(3_600));
        for text in ["", "0s", "2h", "1", "requests", "Request", "-1s"] {
            assert!(text.parse::<Durability>().is_err(), "{text}");
        }
    }
}
