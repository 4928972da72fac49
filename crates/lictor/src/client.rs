//! A client of the native API: requests, pages, and what its refusals mean for a command.

mod api_error;

use std::collections::BTreeMap;
use std::time::Duration;

use lictor_api::answer::Answer;
use lictor_api::query::{Pairs, Query};
use lictor_api::row::{self, Body, Facts, Operation};
use lictor_node::connection_errors;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{ClientBuilder, Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use self::api_error::ApiError;
use crate::address;
use crate::args::Api;
use crate::exit::{Failure, Outcome};
use crate::output;
use crate::server::DEFAULT_ADDRESS;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may say nothing before and within an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How many rows are asked for at once.
const PAGE: &str = "1000";

/// One server, as one token sees it.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    /// The proxy by which it is asked.
    proxy: Option<String>,
    token: Option<String>,
    organization: Option<String>,
}

/// The JSON of an answer: its text as it came, and its value.
pub(crate) struct Reply {
    /// The text.
    pub text: String,
    /// The same, parsed.
    pub value: Value,
}

/// What an operation answered: its text as it came, and what that says.
pub(crate) struct Said<A> {
    /// The text.
    pub text: String,
    /// The same, read.
    pub answer: A,
}

/// A page of a list.
pub(crate) struct Page {
    /// Its rows, as they came.
    pub rows: Vec<Box<RawValue>>,
    /// Where the next one begins. `None` if it is the last.
    pub next: Option<String>,
    /// The other members of the answer, by name.
    pub beside: BTreeMap<String, Box<RawValue>>,
    base: Url,
}

impl Page {
    /// Another member of the answer. `null` if there is none.
    pub(crate) fn beside(&self, name: &str) -> Value {
        let found = self.beside.get(name);
        let found = found.and_then(|raw| serde_json::from_str(raw.get()).ok());
        found.unwrap_or_default()
    }

    /// What stands beside the rows.
    pub(crate) fn end<E: DeserializeOwned>(&self) -> Outcome<E> {
        let text = serde_json::to_string(&self.beside).unwrap_or_default();
        serde_json::from_str(&text).map_err(|_| self.not_lictor())
    }

    /// The message if the rows are not Lictor's.
    pub(crate) fn not_lictor(&self) -> Failure {
        not_lictor(&self.base)
    }

    #[cfg(test)]
    pub(crate) fn new(
        base: Url,
        rows: Vec<Box<RawValue>>,
        beside: BTreeMap<String, Box<RawValue>>,
        next: Option<&str>,
    ) -> Self {
        Self {
            rows,
            next: next.map(str::to_owned),
            beside,
            base,
        }
    }
}

impl Client {
    /// A client of the server that the options name.
    pub(crate) fn new(api: &Api) -> Outcome<Self> {
        Self::with(api, |builder| builder.read_timeout(READ_TIMEOUT))
    }

    /// A client that waits as long as the server is there: a copy of a large database is made
    /// before its first byte is sent. A machine that is gone is noticed by TCP's keepalive.
    pub(crate) fn patient(api: &Api) -> Outcome<Self> {
        Self::with(api, |builder| builder)
    }

    fn with(api: &Api, patience: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Outcome<Self> {
        let base = address::of_server(&api.url).map_err(|why| {
            let url = address::shown(api.url.trim());
            Failure::Usage(format!(
                "--url {url}: {why}; use one such as http://{DEFAULT_ADDRESS}"
            ))
        })?;
        let mut builder = patience(reqwest::Client::builder())
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("lictor/", env!("CARGO_PKG_VERSION")));
        if base.scheme() == "http" {
            // The system's certificates are not needed, and a bare machine has none.
            builder = builder.tls_certs_only([]);
        }
        let straight = api.no_proxy || address::is_loopback(&base);
        if straight {
            builder = builder.no_proxy();
        }
        let proxy = (!straight)
            .then(|| connection_errors::proxy_of(base.as_str()))
            .flatten();
        let http = builder.build().map_err(|_| {
            let why = "no certificates to verify servers with could be read; check SSL_CERT_FILE \
                       and SSL_CERT_DIR, or install the system's certificates";
            Failure::Usage(why.to_owned())
        })?;
        let token = word("token", &api.token)?;
        if token.is_some() && base.scheme() == "http" && !address::is_loopback(&base) {
            output::note(&format!(
                "warning: the token goes to {} unencrypted and can be read on the way; use \
                 https://, or a tunnel to this machine",
                base.host_str().unwrap_or_default()
            ));
        }
        Ok(Self {
            http,
            base,
            proxy,
            token,
            organization: word("organization", &api.organization)?,
        })
    }

    /// The same client, acting in another organization.
    pub(crate) fn within(&self, organization: &str) -> Self {
        Self {
            organization: Some(organization.to_owned()),
            ..self.clone()
        }
    }

    /// Carries out an operation on what these names stand for, in the order of its path.
    ///
    /// # Errors
    /// What the server refuses, or that its answer is none of this operation.
    pub(crate) async fn call<P, Q: Query, B: Body, A: Answer>(
        &self,
        operation: &Operation<P, Q, B, A>,
        names: &[&str],
        query: &Q,
        body: &B,
    ) -> Outcome<Said<A>> {
        let facts = operation.facts();
        let mut pairs = Pairs::default();
        query.write(&mut pairs);
        let query: Vec<_> = pairs
            .0
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let url = self.url(&path_of(facts, names), &query);
        let body = body
            .write()
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let method = match facts.method {
            row::Method::Get => Method::GET,
            row::Method::Post => Method::POST,
            row::Method::Put => Method::PUT,
            row::Method::Patch => Method::PATCH,
            row::Method::Delete => Method::DELETE,
        };
        let response = self.send(method, url, body).await?;
        let (url, status) = (response.url().clone(), response.status().as_u16());
        let text = text_of(response).await?;
        let answer = A::read(status, text.as_bytes()).map_err(|_| not_lictor(&url))?;
        Ok(Said { text, answer })
    }

    /// Reads one object.
    pub(crate) async fn get(&self, path: &[&str]) -> Outcome<Reply> {
        reply(self.send(Method::GET, self.url(path, &[]), None).await?).await
    }

    /// Sends an object.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Outcome<Reply> {
        reply(
            self.send(Method::POST, self.url(path, &[]), Some(body.to_string()))
                .await?,
        )
        .await
    }

    /// Changes a part of an object, even if it shuts the last way in where it is forced.
    pub(crate) async fn patch_with(
        &self,
        path: &[&str],
        force: bool,
        body: &Value,
    ) -> Outcome<Reply> {
        let url = self.url(path, forced(force));
        reply(
            self.send(Method::PATCH, url, Some(body.to_string()))
                .await?,
        )
        .await
    }

    /// Puts an object in the place of another.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Outcome<Reply> {
        let url = self.url(path, &[]);
        reply(self.send(Method::PUT, url, Some(body.to_string())).await?).await
    }

    /// Reads one object that depends on parameters.
    pub(crate) async fn query(&self, path: &[&str], query: &[(&str, &str)]) -> Outcome<Reply> {
        reply(self.send(Method::GET, self.url(path, query), None).await?).await
    }

    /// Removes or revokes an object.
    pub(crate) async fn delete(&self, path: &[&str]) -> Outcome {
        self.delete_with(path, false).await
    }

    /// The same, even if it shuts the last way in where it is forced.
    pub(crate) async fn delete_with(&self, path: &[&str], force: bool) -> Outcome {
        let url = self.url(path, forced(force));
        self.done(self.send(Method::DELETE, url, None).await?)
    }

    /// Reads the page of a list that begins at this cursor, or the first.
    pub(crate) async fn page(
        &self,
        path: &[&str],
        filter: &[(&str, String)],
        cursor: Option<&str>,
    ) -> Outcome<Page> {
        let filter = filter.iter().map(|(name, value)| (*name, value.as_str()));
        let mut query: Vec<_> = filter.collect();
        query.push(("limit", PAGE));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let url = self.url(path, &query);
        let response = self.send(Method::GET, url, None).await?;
        let text = text_of(response).await?;
        let not_lictor = |_| not_lictor(&self.base);
        let mut beside: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&text).map_err(not_lictor)?;
        let rows = beside.remove(ROWS);
        let rows = rows.as_ref().map_or("", |rows| rows.get());
        let next = beside.get("next_cursor").map_or("null", |next| next.get());
        Ok(Page {
            rows: serde_json::from_str(rows).map_err(not_lictor)?,
            next: serde_json::from_str(next).map_err(not_lictor)?,
            beside,
            base: self.base.clone(),
        })
    }

    /// Reads something of this media type, which is not JSON; the caller takes its bytes as they come.
    pub(crate) async fn download(&self, path: &[&str], media_type: &str) -> Outcome<Response> {
        let response = self.send(Method::GET, self.url(path, &[]), None).await?;
        match response.headers().get(CONTENT_TYPE) {
            Some(sent) if sent == media_type => Ok(response),
            _ => Err(not_lictor(&self.base)),
        }
    }

    /// That something is done, where that is all there is to say: a page of another server is no word of it.
    fn done(&self, response: Response) -> Outcome {
        match response.status() {
            StatusCode::NO_CONTENT => Ok(()),
            _ => Err(not_lictor(&self.base)),
        }
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, method: Method, url: Url, body: Option<String>) -> Outcome<Response> {
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &self.organization {
            request = request.header("lictor-organization", key);
        }
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request = request.header(CONTENT_TYPE, json).body(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.no_answer(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    fn no_answer(&self, error: reqwest::Error) -> Failure {
        if error.is_builder() {
            return Failure::Usage(format!(
                "no request can be made from this; check --url, --token and --organization, and \
                 use an address such as http://{DEFAULT_ADDRESS}"
            ));
        }
        let base = self.base.as_str().trim_end_matches('/');
        let advice = if connection_errors::is_of_certificate(&error) {
            "A certificate that the system does not know can be named with SSL_CERT_FILE."
        } else {
            "Is it running there? Start it with `lictor serve`, or name another with --url or \
             LICTOR_URL."
        };
        let text = format!(
            "no answer from {base}: {}.\n{advice}",
            connection_errors::by_proxy(
                self.proxy.as_deref(),
                &connection_errors::of_request(&error)
            )
        );
        match error.is_connect() {
            true => Failure::Unreachable(text),
            false => Failure::Unanswered(text),
        }
    }

    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        match (status, ApiError::of(status, &text)) {
            (StatusCode::UNAUTHORIZED, Some(_)) if self.token.is_none() => Failure::Unauthorized(
                "no token given; set LICTOR_TOKEN, or give --token".to_owned(),
            ),
            (StatusCode::UNAUTHORIZED, Some(word)) if word.kind == "owner-inactive" => {
                Failure::Unauthorized(word.said)
            }
            (StatusCode::UNAUTHORIZED, Some(_)) => Failure::Unauthorized(
                "the server does not know this token: it is mistyped, revoked or expired"
                    .to_owned(),
            ),
            (StatusCode::FORBIDDEN, Some(word)) => Failure::Unauthorized(word.said),
            (_, Some(word)) if word.is_done => Failure::Unanswered(word.said),
            (_, Some(word)) => Failure::Refused(word.said),
            // Lictor refuses so, without a word, what it does not read to the end; so do others.
            (StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, None) => {
                Failure::Refused(format!(
                    "what is sent to {} is too long for it, or for a proxy in between: check the \
                     names, the token and the organization",
                    self.base
                ))
            }
            (status, None) => self.said_by_gateway(status),
        }
    }

    /// The message for a refusal that is not Lictor's.
    fn said_by_gateway(&self, status: StatusCode) -> Failure {
        let why = match connection_errors::of_gateway(status.as_u16()) {
            Some(why) => why,
            None if status.is_server_error() => connection_errors::of_status(status.as_u16()),
            None => return not_lictor(&self.base),
        };
        let why = connection_errors::by_proxy(self.proxy.as_deref(), &why);
        let text = format!("no answer from {}: {why}", self.base);
        match status.is_server_error() {
            // It may have come through, and been done.
            true => Failure::Unanswered(text),
            false => Failure::Unreachable(text),
        }
    }
}

impl Reply {
    fn parse(text: String) -> Option<Self> {
        let value = serde_json::from_str(&text).ok()?;
        Some(Self { text, value })
    }

    /// A member that is text.
    pub(crate) fn str(&self, name: &str) -> &str {
        self.value[name].as_str().unwrap_or_default()
    }

    /// The rows of a list.
    pub(crate) fn rows(&self) -> &[Value] {
        self.value["data"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// The member that the rows of a list are in.
pub(crate) const ROWS: &str = "data";

/// The segments of an operation's path with these names.
pub(crate) fn path_of<'n>(facts: &Facts, names: &[&'n str]) -> Vec<&'n str> {
    let path = facts.segments(names);
    debug_assert!(path.is_some(), "{} has other names", facts.id);
    path.unwrap_or_default()
}

/// The query string of a request that is forced.
fn forced(force: bool) -> &'static [(&'static str, &'static str)] {
    if force { &[("force", "true")] } else { &[] }
}

/// What is sent in a header, without the blanks and the line end that files and variables bring.
fn word(name: &str, given: &Option<String>) -> Outcome<Option<String>> {
    let word = given
        .as_deref()
        .map(str::trim)
        .filter(|word| !word.is_empty());
    match word {
        Some(word) if !word.bytes().all(|byte| byte.is_ascii_graphic()) => {
            let name_upper = name.to_uppercase();
            Err(Failure::Usage(format!(
                "the {name} contains a space, a line end or another character that is not \
                 allowed; check --{name} or LICTOR_{name_upper}"
            )))
        }
        word => Ok(word.map(str::to_owned)),
    }
}

async fn reply(response: Response) -> Outcome<Reply> {
    let url = response.url().clone();
    Reply::parse(text_of(response).await?).ok_or_else(|| not_lictor(&url))
}

async fn text_of(response: Response) -> Outcome<String> {
    response.text().await.map_err(|error| {
        let why = connection_errors::of_request(&error);
        Failure::Unanswered(format!("the answer broke off: {why}"))
    })
}

fn not_lictor(url: &Url) -> Failure {
    Failure::Unreachable(format!(
        "what answers at {url} does not speak Lictor's API; is --url right?"
    ))
}
