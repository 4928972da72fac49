//! The HTTP client for the control plane.

use std::time::Duration;

use lictor_core::feed::{
    FEED_PATH, FORMAT, FORMATS_HEADER, Failure, FailureCode, JOIN_PATH, Join, Joined,
    MAX_STATE_BYTES, NodeReport, REPORT_PATH, Reported,
};
use lictor_core::secret::masked;
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{RequestBuilder, Response, StatusCode, Url};

use crate::clock;
use crate::connection_errors;
use crate::error::StartError;
use crate::options::Options;
use crate::resolver::Resolver;

/// The timeout for connecting. It is short because lost packets are retried after ever longer pauses, while a
/// new connection is tried at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The timeout for an answer. It is not much longer, for the same reason.
const TIMEOUT: Duration = Duration::from_secs(5);

/// TCP keep-alive: the idle time before the first probe, the interval between probes, and their number. A dead
/// connection is given up after eleven seconds.
const QUIET: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_secs(2);
const ASK: u32 = 3;

/// How long sent data may stay unacknowledged. On systems with this option it replaces [`ASK`].
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(10);

/// The timeout for receiving a whole state.
const STATE_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest answer, in bytes.
const MAX_ANSWER: usize = MAX_STATE_BYTES + (1 << 20);

/// A client of one control plane, as one node.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    /// The proxy that requests go through.
    proxy: Option<String>,
    credential: HeaderValue,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The control plane refused it.
    #[error("{}", .0.message)]
    Refused(Box<Failure>),
    /// There was no answer, or it cannot be read.
    #[error("{0}")]
    Unreachable(String),
}

/// The answer to a request for the newest state.
pub(crate) enum Newest {
    /// Its text, and its `ETag`.
    State(String, Option<HeaderValue>),
    /// It is unchanged: the state with the `ETag` of the request.
    Unchanged,
}

impl Client {
    /// A client that signs in with this credential.
    ///
    /// # Errors
    /// The address is invalid or insecure, or the certificates cannot be used.
    pub(crate) fn new(options: &Options, credential: &str) -> Result<Self, StartError> {
        let address = &options.control_plane;
        let wrong = || StartError::Address(masked(address).into_owned());
        let mut base = Url::parse(address).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong());
        }
        let loopback = is_loopback(&base);
        if base.scheme() == "http" && !loopback && !options.insecure_http {
            return Err(StartError::Insecure(masked(address).into_owned()));
        }
        // The credential identifies the node. Neither call fails for an address with a host.
        let _ = (base.set_username(""), base.set_password(None));
        let straight = loopback || options.no_proxy;
        Ok(Self {
            http: http(options, &base, straight)?,
            proxy: (!straight)
                .then(|| connection_errors::proxy_of(base.as_str()))
                .flatten(),
            credential: bearer(credential).ok_or_else(wrong)?,
            base,
        })
    }

    /// Joins with an enrollment token.
    ///
    /// # Errors
    /// The request is refused or not answered.
    pub(crate) async fn join(&self, token: &str, join: &Join) -> Result<Joined, RequestError> {
        let request = self.http.post(self.url(JOIN_PATH)).json(join);
        let token =
            bearer(token).ok_or_else(|| RequestError::Unreachable("no token".to_owned()))?;
        let request = request.header(AUTHORIZATION, token).timeout(STATE_TIMEOUT);
        read(accepted(request).await?).await
    }

    /// Opens the stream of states after `revision`. It must begin within `longest`.
    ///
    /// # Errors
    /// The request is refused or not answered.
    pub(crate) async fn feed(
        &self,
        revision: Option<u64>,
        longest: Duration,
    ) -> Result<Response, RequestError> {
        let mut request = self.get_feed().header(ACCEPT, "text/event-stream");
        if let Some(revision) = revision {
            request = request.header("last-event-id", revision);
        }
        accepted_within(request, longest).await
    }

    /// Requests the newest state. If it still has this `etag`, the control plane may wait up to `wait` for
    /// another one before it answers.
    ///
    /// # Errors
    /// The request is refused or not answered.
    pub(crate) async fn newest(
        &self,
        etag: Option<HeaderValue>,
        wait: Duration,
    ) -> Result<Newest, RequestError> {
        let mut request = self.get_feed().header(ACCEPT, "application/json");
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if !wait.is_zero() {
            request = request.header("prefer", format!("wait={}", wait.as_secs()));
        }
        let request = request.timeout(STATE_TIMEOUT + wait);
        let response = accepted_within(request, TIMEOUT + wait).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Newest::Unchanged);
        }
        let etag = response.headers().get(ETAG).cloned();
        let text = String::from_utf8(body(response).await?);
        let text =
            text.map_err(|_| RequestError::Unreachable("the state is no text".to_owned()))?;
        Ok(Newest::State(text, etag))
    }

    /// Sends a report.
    ///
    /// # Errors
    /// The request is refused or not answered.
    pub(crate) async fn report(&self, report: &NodeReport) -> Result<Reported, RequestError> {
        let request = self.http.post(self.url(REPORT_PATH)).json(report);
        let request = request.header(AUTHORIZATION, self.credential.clone());
        read(accepted(request.timeout(TIMEOUT)).await?).await
    }

    /// The address of the control plane.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str()
    }

    /// Why a request failed, naming the proxy that it went through.
    pub(crate) fn with_proxy(&self, why: &str) -> String {
        connection_errors::by_proxy(self.proxy.as_deref(), why)
    }

    fn get_feed(&self) -> RequestBuilder {
        let request = self.http.get(self.url(FEED_PATH));
        request
            .header(AUTHORIZATION, self.credential.clone())
            .header(FORMATS_HEADER, FORMAT)
    }

    /// The URL of a path below the base, which may have a path of its own.
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let own = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{own}{path}"));
        url
    }
}

fn http(options: &Options, base: &Url, straight: bool) -> Result<reqwest::Client, StartError> {
    let unfit = |what: &str| StartError::Certificates(what.to_owned());
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .dns_resolver(Resolver::default())
        .tcp_keepalive(QUIET)
        .tcp_keepalive_interval(ASK_AGAIN)
        .tcp_keepalive_retries(ASK)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("lictor-node/", env!("CARGO_PKG_VERSION")));
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(UNCONFIRMED);
    }
    if base.scheme() == "http" {
        // The system's certificates are not needed, and a minimal machine has none.
        builder = builder.tls_certs_only([]);
    } else if let Some(ca) = &options.ca {
        let roots = reqwest::Certificate::from_pem_bundle(ca.as_bytes())
            .map_err(|_| unfit("those of the authority (--ca) are not in PEM form, or damaged"))?;
        builder = builder.tls_certs_merge(roots);
    }
    if let Some(identity) = &options.identity {
        let identity = reqwest::Identity::from_pem(identity.as_bytes()).map_err(|_| {
            unfit("certificate and key (--tls-cert, --tls-key) are not in PEM form, or damaged")
        })?;
        builder = builder.identity(identity);
    }
    if straight {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| {
        unfit(
            "one is damaged, the key is not the certificate's, or the system has none that could be \
             trusted; look at --ca, --tls-cert, --tls-key and SSL_CERT_FILE",
        )
    })
}

fn is_loopback(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn bearer(secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {secret}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn accepted(request: RequestBuilder) -> Result<Response, RequestError> {
    if !clock::can_be_told() {
        // rustls would panic, and no certificate would be valid.
        let why = "the clock of this machine is not within the years 1970 to 9999; set it";
        return Err(RequestError::Unreachable(why.to_owned()));
    }
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let said = body(response).await?;
    Err(match serde_json::from_slice(&said) {
        Ok(failure) if is_of_control_plane(status, &failure) => {
            RequestError::Refused(Box::new(failure))
        }
        // Something else answered.
        Ok(_) | Err(_) => RequestError::Unreachable(connection_errors::of_status(status.as_u16())),
    })
}

/// Whether this is the answer of a control plane, and not of a gateway that answers in a similar form.
fn is_of_control_plane(status: StatusCode, failure: &Failure) -> bool {
    match status.as_u16() {
        // A control plane never answers these.
        407 | 502 | 504 => false,
        401 | 403 | 429 | 500 | 503 => failure.code != FailureCode::Other,
        _ => true,
    }
}

/// The same, but the answer must begin within `longest`. It may take longer to end.
async fn accepted_within(
    request: RequestBuilder,
    longest: Duration,
) -> Result<Response, RequestError> {
    let begun = tokio::time::timeout(longest, accepted(request)).await;
    begun.unwrap_or_else(|_| Err(RequestError::Unreachable("it does not answer".to_owned())))
}

async fn read<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, RequestError> {
    let body = body(response).await?;
    serde_json::from_slice(&body).map_err(|_| {
        RequestError::Unreachable("its answer cannot be read; is it a control plane?".to_owned())
    })
}

async fn body(mut response: Response) -> Result<Vec<u8>, RequestError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(RequestError::Unreachable(
                "its answer is too long".to_owned(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error for a request without an answer.
pub(crate) fn unreachable(error: reqwest::Error) -> RequestError {
    RequestError::Unreachable(connection_errors::of_request(&error))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// The error of a request that is refused like this.
    async fn refused(status: u16, body: &str) -> RequestError {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: {length}\r\n\r\n{body}");
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let said = accepted(client.build().expect("a client").get(url)).await;
        answering.await.expect("ends");
        said.expect_err("refused")
    }

    #[tokio::test]
    async fn a_gateway_before_the_control_plane_is_told_from_it() {
        for (status, body, said) in [
            (502, r#"{"message":"no upstream"}"#, "between answers 502"),
            (
                502,
                r#"{"code":"unavailable","message":"no upstream"}"#,
                "between answers 502",
            ),
            (
                503,
                r#"{"code":"no_healthy_upstream","message":"none"}"#,
                "between answers 503",
            ),
            (
                503,
                r#"{"code":14,"message":"none"}"#,
                "between answers 503",
            ),
            (401, "<html>Sign in</html>", "between answers 401"),
            (
                401,
                r#"{"code":"sign-in","message":"who is it?"}"#,
                "between answers 401",
            ),
            (403, r#"{"message":"forbidden"}"#, "between answers 403"),
            (
                407,
                r#"{"code":"unauthorized","message":"who is it?"}"#,
                "a name and a password",
            ),
            (413, "<html>Too large</html>", "between answers 413"),
            (429, r#"{"message":"slow down"}"#, "between answers 429"),
            (
                500,
                r#"{"code":"oops","message":"no"}"#,
                "not Lictor: status 500",
            ),
            (404, r#"{"message":"no route"}"#, "not Lictor: status 404"),
        ] {
            match refused(status, body).await {
                RequestError::Unreachable(why) => {
                    assert!(why.contains(said), "{status} {body}: {why}");
                }
                RequestError::Refused(failure) => panic!("{status} {body}: {failure}"),
            }
        }
        for (status, code) in [
            (401, "unauthorized"),
            (403, "revoked"),
            (409, "no-place"),
            (429, "unavailable"),
            // An internal error of the control plane.
            (500, "unavailable"),
            (503, "unavailable"),
            (409, "of-a-later-version"),
        ] {
            let body = format!(r#"{{"code":"{code}","message":"our word"}}"#);
            match refused(status, &body).await {
                RequestError::Refused(failure) => assert_eq!(failure.message, "our word"),
                RequestError::Unreachable(why) => panic!("{status} {code}: {why}"),
            }
        }
    }
}
