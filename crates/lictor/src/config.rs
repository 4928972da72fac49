//! What `lictor serve` can be told: by flag, else by environment, else by configuration file.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lictor_core::TrustPolicy;
use serde::Deserialize;

use crate::exit::{Failure, Outcome};
use crate::files;

/// The options of `lictor serve`; in a configuration file they have the same names.
#[derive(Args, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ServeOptions {
    /// Folder of the database; it is created if it is not there
    #[arg(long, value_name = "DIR", hide_env = true, env = "LICTOR_DATA")]
    pub data: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8001]
    #[arg(long, value_name = "ADDR", hide_env = true, env = "LICTOR_LISTEN")]
    pub listen: Option<String>,
    /// Write the first operator token to this file instead of printing it
    #[arg(
        long,
        value_name = "FILE",
        hide_env = true,
        env = "LICTOR_ADMIN_TOKEN_FILE"
    )]
    pub admin_token_file: Option<PathBuf>,
    /// Public key to trust; may be given again, and those already trusted change nothing
    #[arg(
        long,
        value_name = "KEY.pub",
        hide_env = true,
        env = "LICTOR_TRUST",
        value_delimiter = ','
    )]
    pub trust: Vec<PathBuf>,
    /// `verified` takes only licenses that a trusted key signed; `structural` also those whose
    /// signature cannot be checked, shown as unverified [default: verified]
    #[arg(
        long,
        value_name = "POLICY",
        hide_env = true,
        env = "LICTOR_TRUST_POLICY"
    )]
    pub trust_policy: Option<TrustPolicy>,
    /// The address that clients reach the server by [default: the listening address]
    #[arg(long, value_name = "URL", hide_env = true, env = "LICTOR_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Certificate chain in PEM; it turns TLS on
    #[arg(long, value_name = "FILE", hide_env = true, env = "LICTOR_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", hide_env = true, env = "LICTOR_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Allow plain HTTP on an address that is not loopback, as behind a TLS proxy
    #[arg(
        long,
        value_name = "BOOL",
        hide_env = true, env = "LICTOR_INSECURE_HTTP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
    )]
    pub insecure_http: Option<bool>,
    /// Serve metrics on this address too, without a token
    #[arg(
        long,
        value_name = "ADDR",
        hide_env = true,
        env = "LICTOR_METRICS_LISTEN"
    )]
    pub metrics_listen: Option<String>,
    /// The version that Kong clients are told [default: 3.4.3.5]
    #[arg(
        long,
        value_name = "VERSION",
        hide_env = true,
        env = "LICTOR_KONG_VERSION"
    )]
    pub kong_version: Option<String>,
    /// Origin from which browsers may call Kong's routes; may be given again [default: any]
    #[arg(
        long,
        value_name = "ORIGIN",
        hide_env = true,
        env = "LICTOR_KONG_ORIGIN",
        value_delimiter = ','
    )]
    pub kong_origin: Vec<String>,
    /// Show a hash of the host name in reports instead of the name
    #[arg(
        long,
        value_name = "BOOL",
        hide_env = true, env = "LICTOR_HASH_HOSTNAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
    )]
    pub hash_hostname: Option<bool>,
    /// What to log, such as `debug` or `info,lictor_server::http=debug` [default: info]
    #[arg(long, value_name = "FILTER", hide_env = true, env = "LICTOR_LOG")]
    pub log: Option<String>,
    /// Form of the log, on standard error [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        hide_env = true,
        env = "LICTOR_LOG_FORMAT"
    )]
    pub log_format: Option<LogFormat>,
    /// Read whatever is not given otherwise from this file; every option is a key in it
    #[arg(long, value_name = "FILE.toml", hide_env = true, env = "LICTOR_CONFIG")]
    #[serde(skip)]
    pub config: Option<String>,
}

/// The forms of the log: a line of text for each event, or a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl ServeOptions {
    /// Adds what the configuration file says and nobody else did.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the line of the file.
    pub(crate) fn with_file(mut self) -> Outcome<Self> {
        self.forget_empty();
        let Some(path) = self.config.clone() else {
            return Ok(self);
        };
        let text = files::read_text(Path::new(&path))?;
        let file: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            Failure::Usage(format!("{path}, line {line}: {}", error.message()))
        })?;
        Ok(self.or(file))
    }

    /// An environment variable that is set to nothing is not set.
    fn forget_empty(&mut self) {
        for path in [
            &mut self.data,
            &mut self.admin_token_file,
            &mut self.tls_cert,
            &mut self.tls_key,
        ] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        for text in [
            &mut self.listen,
            &mut self.public_url,
            &mut self.metrics_listen,
            &mut self.kong_version,
            &mut self.log,
            &mut self.config,
        ] {
            text.take_if(|text| text.is_empty());
        }
        self.trust.retain(|path| !path.as_os_str().is_empty());
        self.kong_origin.retain(|origin| !origin.is_empty());
    }

    fn or(self, file: Self) -> Self {
        Self {
            data: self.data.or(file.data),
            listen: self.listen.or(file.listen),
            admin_token_file: self.admin_token_file.or(file.admin_token_file),
            trust: first(self.trust, file.trust),
            trust_policy: self.trust_policy.or(file.trust_policy),
            public_url: self.public_url.or(file.public_url),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            insecure_http: self.insecure_http.or(file.insecure_http),
            metrics_listen: self.metrics_listen.or(file.metrics_listen),
            kong_version: self.kong_version.or(file.kong_version),
            kong_origin: first(self.kong_origin, file.kong_origin),
            hash_hostname: self.hash_hostname.or(file.hash_hostname),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
            config: self.config,
        }
    }
}

fn first<T>(own: Vec<T>, other: Vec<T>) -> Vec<T> {
    if own.is_empty() { other } else { own }
}
