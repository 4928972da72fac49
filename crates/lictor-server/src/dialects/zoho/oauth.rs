//! `/oauth/v2`: what clients are handed for codes, refresh tokens and their own credentials, and
//! how they give it back. A refusal to hand out is HTTP 200 with the member `error`, which is what SDKs
//! look at; of one to revoke the status tells as well, since 200 there means that a token is dead.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use lictor_authority::{Credentials, Grant, HandedOut};
use lictor_core::Error;
use lictor_core::facts::grant::{ACCESS_TTL, GrantRefusal};
use percent_encoding::percent_decode_str;

use super::error::Refusal;
use super::scopes;
use super::wire::{self, OauthFailure, Tokens};
use crate::http::budget::{self, NO_ROOM, Owner};
use crate::http::call::basic;
use crate::http::intake::Unread;
use crate::http::multipart;
use crate::settings::Server;

const TOKEN: &str = "/oauth/v2/token";
const REVOKE: &str = "/oauth/v2/token/revoke";

/// All paths here.
pub(super) const PATHS: [&str; 2] = [TOKEN, REVOKE];

/// The largest body, in bytes. It is read before anybody has signed in, and so are no others.
const MAX_BYTES: usize = 4 * 1024;

/// The most parameters of a body.
const MAX_PARAMETERS: usize = 64;

const NOT_READ: &str = "the body could not be read";

/// What a client that is throttled is told.
const TOO_MANY: &str = "You have made too many requests continuously. Please try again after some \
                        time.";

/// Parameters by name; the last one where one is given more than once.
pub(super) type Parameters = BTreeMap<String, String>;

/// Why nothing is handed out.
pub(super) enum Denied {
    /// By this word of the protocol.
    Plain(&'static str),
    /// The client asks too often.
    Throttled,
    /// The request cannot be read; what to do instead.
    Unreadable(&'static str),
    /// There is no memory left for the request.
    Busy,
    /// The domain refuses.
    Domain(Error),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

/// Answers a request under `/oauth`.
pub(super) async fn handle(server: &Server, peer: IpAddr, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    // One slash at its end makes no difference.
    let token = match path.strip_suffix('/').unwrap_or(path) {
        TOKEN => true,
        REVOKE => false,
        _ => return Refusal::NoSuchPath.into_response(),
    };
    if parts.method != Method::POST {
        return Refusal::WrongMethod.into_response();
    }
    let text = server
        .budgets
        .read(Owner::Anonymous, &parts, body, MAX_BYTES)
        .await;
    let read = match text {
        Ok(text) => parameters(&parts, text),
        Err(unread) => Err(unread.into()),
    };
    let answered = match read.and_then(|read| with_basic(&parts.headers, read)) {
        Ok(parameters) if token => hand_out(server, peer, parameters).await,
        Ok(parameters) => revoke(server, peer, parameters).await,
        Err(denied) => Err(denied),
    };
    match answered {
        Ok(response) => response,
        Err(denied) if token => denied.into_response(),
        Err(denied) => not_revoked(denied),
    }
}

/// The parameters with the client's id and secret that `Authorization: Basic` names, if it does: RFC
/// 6749 §2.3.1. A client may name them in both places, but not differently.
fn with_basic(headers: &HeaderMap, mut parameters: Parameters) -> Result<Parameters, Denied> {
    let refused = || Denied::Plain("invalid_client");
    let values = headers.get_all(AUTHORIZATION).iter();
    let credentials = values.filter_map(|value| {
        let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then_some(credential)
    });
    let credentials: Vec<&str> = credentials.collect();
    let credential = match credentials.as_slice() {
        [] => return Ok(parameters),
        [one] => one,
        _ => return Err(refused()),
    };
    let (id, secret) = basic(credential).ok_or_else(refused)?;
    for (name, encoded) in [("client_id", id), ("client_secret", secret)] {
        let value = form_decoded(&encoded).ok_or_else(refused)?;
        let given = parameters.get(name).filter(|given| !given.is_empty());
        if given.is_some_and(|given| *given != value) {
            return Err(refused());
        }
        parameters.insert(name.to_owned(), value);
    }
    Ok(parameters)
}

/// What was encoded as a value of a form; none where it is no text.
fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

async fn hand_out(
    server: &Server,
    from: IpAddr,
    mut parameters: Parameters,
) -> Result<Response, Denied> {
    let mut take = |name: &str| parameters.remove(name).filter(|value| !value.is_empty());
    let kind = take("grant_type");
    let client_id = take("client_id").ok_or(Denied::Plain("invalid_client"))?;
    let secret = take("client_secret").ok_or(Denied::Plain("invalid_client_secret"))?;
    let grant = match kind.as_deref() {
        Some("authorization_code") => {
            if take("redirect_uri").is_some_and(|uri| !is_absolute(&uri)) {
                return Err(Denied::Plain("invalid_redirect_uri"));
            }
            Grant::Code(take("code").ok_or(Denied::Plain("invalid_code"))?)
        }
        Some("refresh_token") => {
            Grant::RefreshToken(take("refresh_token").ok_or(Denied::Plain("invalid_code"))?)
        }
        Some("client_credentials") => {
            let scopes = scopes::parse(&take("scope").unwrap_or_default());
            let scopes = scopes.ok_or(Denied::Plain("invalid_scope"))?;
            Grant::Credentials(scopes, take("soid").as_deref().and_then(organization))
        }
        Some(_) | None => return Err(Denied::Plain("unsupported_grant_type")),
    };
    let credentials = Credentials {
        client_id,
        secret,
        from,
    };
    let handed = server.authority.hand_out(&credentials, grant).await?;
    Ok(tokens(server, &handed))
}

fn tokens(server: &Server, handed: &HandedOut) -> Response {
    let body = Tokens {
        access_token: &handed.access_token,
        refresh_token: handed.refresh_token.as_deref(),
        scope: scopes::shown(&handed.scopes),
        api_domain: &server.settings.public_url,
        token_type: "Bearer",
        expires_in: ACCESS_TTL,
    };
    wire::oauth(StatusCode::OK, &body)
}

/// Revokes a token for whoever has it; who names a client signs in as it.
async fn revoke(
    server: &Server,
    from: IpAddr,
    mut parameters: Parameters,
) -> Result<Response, Denied> {
    let mut take = |name: &str| parameters.remove(name).filter(|value| !value.is_empty());
    let token = take("token").unwrap_or_default();
    let credentials = match (take("client_id"), take("client_secret")) {
        (None, None) => None,
        (Some(client_id), Some(secret)) => Some(Credentials {
            client_id,
            secret,
            from,
        }),
        (Some(_), None) => return Err(Denied::Plain("invalid_client_secret")),
        (None, Some(_)) => return Err(Denied::Plain("invalid_client")),
    };
    let credentials = credentials.as_ref();
    let revoked = server
        .authority
        .revoke_handed_out(&token, credentials)
        .await;
    match revoked {
        Ok(()) => Ok(wire::oauth(StatusCode::OK, &wire::Revoked::SUCCESS)),
        Err(Error::GrantRefused(GrantRefusal::InvalidCode)) => Err(Denied::Plain("invalid_token")),
        Err(error) => Err(error.into()),
    }
}

/// The answer with the status that RFC 6749 §5.2 and RFC 7009 §2.2 have for it.
fn not_revoked(denied: Denied) -> Response {
    let denied = match denied {
        Denied::Domain(Error::GrantRefused(refusal)) => of_refusal(refusal),
        other => other,
    };
    let status = match &denied {
        Denied::Plain("invalid_client" | "invalid_client_secret") => StatusCode::UNAUTHORIZED,
        Denied::Plain(_) | Denied::Unreadable(_) => StatusCode::BAD_REQUEST,
        Denied::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Denied::Busy | Denied::Domain(_) => return denied.into_response(),
    };
    let mut response = denied.into_response();
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Basic realm=\"Lictor\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

/// The parameters of the query and of the body, which goes first: SDKs use the one or the other.
pub(super) fn parameters(request: &Parts, body: Bytes) -> Result<Parameters, Denied> {
    let query = request.uri.query().unwrap_or_default();
    let mut parameters: Parameters = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let unreadable = |_| Denied::Unreadable(NOT_READ);
    if body.is_empty() {
        return Ok(parameters);
    }
    let media_type = request.headers.get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/x-www-form-urlencoded");
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("multipart/form-data") {
        let fields = multipart::fields(media_type, body, MAX_PARAMETERS);
        parameters.extend(fields.map_err(unreadable)?);
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        parameters.extend(form_urlencoded::parse(&body).into_owned());
    } else {
        return Err(Denied::Unreadable(
            "send the parameters as application/x-www-form-urlencoded, as multipart/form-data, or \
             in the query",
        ));
    }
    Ok(parameters)
}

/// `ZohoCRM.` and an organization's number.
fn organization(soid: &str) -> Option<u64> {
    let digits = soid.strip_prefix("ZohoCRM.")?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| all_digits)
}

fn is_absolute(uri: &str) -> bool {
    uri.parse::<Uri>()
        .is_ok_and(|uri| uri.scheme().is_some() && uri.host().is_some())
}

impl From<Unread> for Denied {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::Unreadable("the body is too large"),
            Unread::Broken => Self::Unreadable(NOT_READ),
            Unread::NoRoom => Self::Busy,
        }
    }
}

impl Denied {
    fn into_response(self) -> Response {
        let failure = match self {
            Self::Plain(word) => OauthFailure::plain(word),
            Self::Throttled => OauthFailure::explained("Access Denied", TOO_MANY),
            Self::Unreadable(advice) => OauthFailure::explained("invalid_request", advice),
            Self::Domain(Error::GrantRefused(refusal)) => {
                return of_refusal(refusal).into_response();
            }
            Self::Busy => return busy(NO_ROOM),
            Self::Domain(error @ Error::Busy(_)) => return busy(error.to_string()),
            Self::Domain(Error::QuotaReached {
                retry_after: Some(seconds),
                ..
            }) => {
                let failure = OauthFailure::explained("Access Denied", TOO_MANY);
                let mut response = wire::oauth(StatusCode::TOO_MANY_REQUESTS, &failure);
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
                return response;
            }
            Self::Domain(error) => return Refusal::from(error).into_response(),
        };
        wire::oauth(StatusCode::OK, &failure)
    }
}

/// Too many requests.
pub(super) fn too_many() -> Response {
    let failure = OauthFailure::explained("Access Denied", TOO_MANY);
    wire::oauth(StatusCode::TOO_MANY_REQUESTS, &failure)
}

/// As with [`too_many`], a proxy may ask again, and knows by the status that it may; all other refusals
/// are HTTP 200.
fn busy(said: impl Into<Cow<'static, str>>) -> Response {
    let failure = OauthFailure::explained("temporarily_unavailable", said);
    let mut response = wire::oauth(StatusCode::SERVICE_UNAVAILABLE, &failure);
    let soon = HeaderValue::from_static(budget::RETRY_AFTER);
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

fn of_refusal(refusal: GrantRefusal) -> Denied {
    match refusal {
        GrantRefusal::TooManyFailures | GrantRefusal::TooManyTokens => Denied::Throttled,
        GrantRefusal::UnknownClient => Denied::Plain("invalid_client"),
        GrantRefusal::WrongSecret => Denied::Plain("invalid_client_secret"),
        GrantRefusal::InvalidCode => Denied::Plain("invalid_code"),
        GrantRefusal::InvalidScope => Denied::Plain("invalid_scope"),
        GrantRefusal::MissingOrganization => Denied::Plain("missing_org_info"),
        GrantRefusal::TooManyCodes => Denied::Plain("access_denied"),
    }
}
