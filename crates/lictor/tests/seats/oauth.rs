//! OAuth clients of the tests: how they are made, and how they ask `/oauth/v2`, in every encoding
//! that SDKs use.

use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::Server;

/// The type of every answer of the accounts server.
pub(crate) const JSON: &str = "application/json;charset=UTF-8";

/// The scopes that Zoho CRM has a name for.
pub(crate) const SCOPES: [&str; 3] = ["seats:read", "accounts:read", "organizations:read"];

const TOKEN: &str = "/oauth/v2/token";
const REVOKE: &str = "/oauth/v2/token/revoke";
const FORM: &str = "application/x-www-form-urlencoded";

/// A client with what it was given when it was made.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) refresh_token: String,
    pub(crate) code: String,
}

/// How parameters are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoding {
    Form,
    Multipart,
    Query,
}

pub(crate) const ENCODINGS: [Encoding; 3] = [Encoding::Form, Encoding::Multipart, Encoding::Query];

/// Parameters in order.
pub(crate) type Parameters<'a> = [(&'a str, &'a str)];

impl Client {
    /// Creates one as the operator.
    pub(crate) fn new(server: &Server, body: &Value) -> Self {
        Self::by(server.call("POST", "/v1/clients"), body)
    }

    /// Creates one that may ask all that Zoho CRM's SDKs ask.
    pub(crate) fn plain(server: &Server) -> Self {
        Self::new(server, &json!({ "scopes": SCOPES }))
    }

    /// Creates one by this request.
    pub(crate) fn by(request: Request, body: &Value) -> Self {
        let made = request.json(body).expect(201).value();
        let text = |name: &str| made[name].as_str().expect(name).to_owned();
        Self {
            id: text("id"),
            client_id: text("client_id"),
            secret: text("client_secret"),
            refresh_token: text("refresh_token"),
            code: text("code"),
        }
    }

    /// Another grant code.
    pub(crate) fn another_code(&self, server: &Server) -> String {
        let path = format!("/v1/clients/{}/codes", self.client_id);
        let made = server.post(&path, &json!({}));
        made["code"].as_str().expect("a code").to_owned()
    }

    /// The parameters of a grant, signed in.
    pub(crate) fn signed<'a>(
        &'a self,
        kind: &'a str,
        others: &Parameters<'a>,
    ) -> Vec<(&'a str, &'a str)> {
        let mut all = vec![
            ("grant_type", kind),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.secret.as_str()),
        ];
        all.extend(others);
        all
    }

    /// Trades a code.
    pub(crate) fn exchange(&self, server: &Server, code: &str) -> Answer {
        let parameters = self.signed("authorization_code", &[("code", code)]);
        token(server, Encoding::Form, &parameters).send()
    }

    /// Trades its refresh token.
    pub(crate) fn refresh(&self, server: &Server) -> Answer {
        let token_of = [("refresh_token", self.refresh_token.as_str())];
        token(
            server,
            Encoding::Form,
            &self.signed("refresh_token", &token_of),
        )
        .send()
    }

    /// An access token for its refresh token.
    pub(crate) fn access(&self, server: &Server) -> String {
        member(&self.refresh(server), "access_token")
    }

    /// An answer to its own credentials in the organization `default`, narrowed to scopes.
    pub(crate) fn credentials(&self, server: &Server, scope: &str) -> Answer {
        let soid = soid(server);
        let others = [("scope", scope), ("soid", soid.as_str())];
        let parameters = self.signed("client_credentials", &others);
        token(server, Encoding::Form, &parameters).send()
    }
}

/// How `client_credentials` names the organization `default`.
pub(crate) fn soid(server: &Server) -> String {
    let organization = server.get("/v1/organizations/default");
    format!("ZohoCRM.{}", organization["number"])
}

/// A text member of an answer.
#[track_caller]
pub(crate) fn member(answer: &Answer, name: &str) -> String {
    let text = answer.value()[name].as_str().map(str::to_owned);
    text.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

/// A request for tokens.
pub(crate) fn token(server: &Server, encoding: Encoding, parameters: &Parameters<'_>) -> Request {
    encode(server, TOKEN, encoding, parameters)
}

/// A request that revokes a token.
pub(crate) fn revoke(server: &Server, encoding: Encoding, token: &str) -> Request {
    revoke_as(server, encoding, token, &[])
}

/// The same with further parameters.
pub(crate) fn revoke_as<'a>(
    server: &Server,
    encoding: Encoding,
    token: &'a str,
    more: &Parameters<'a>,
) -> Request {
    let parameters = [&[("token", token)], more].concat();
    encode(server, REVOKE, encoding, &parameters)
}

fn encode(server: &Server, path: &str, encoding: Encoding, parameters: &Parameters<'_>) -> Request {
    let post = |path: &str| server.anonymous("POST", path);
    match encoding {
        Encoding::Form => post(path).body(FORM, urlencoded(parameters)),
        Encoding::Query => {
            let path = format!("{path}?{}", urlencoded(parameters));
            post(&path).header("Content-Length", "0")
        }
        Encoding::Multipart => {
            let boundary = "--------------------------052915712040325160264563";
            let mut body = String::new();
            for (name, value) in parameters {
                let disposition = format!("Content-Disposition: form-data; name=\"{name}\"");
                body.push_str(&format!("--{boundary}\r\n{disposition}\r\n\r\n{value}\r\n"));
            }
            body.push_str(&format!("--{boundary}--\r\n"));
            let media_type = format!("multipart/form-data; boundary={boundary}");
            post(path).body(&media_type, body)
        }
    }
}

/// Parameters as a query or a form has them.
pub(crate) fn urlencoded(parameters: &Parameters<'_>) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let encoded = |text: &str| {
        let bytes = text.bytes().map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        });
        bytes.collect::<String>()
    };
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Asserts an answer of the accounts server, byte for byte.
#[track_caller]
pub(crate) fn says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.text()), (status, body), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(JSON), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
