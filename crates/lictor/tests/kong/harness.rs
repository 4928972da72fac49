//! One server for one test of Kong's dialect, with its vendor and its options; what has no route
//! in that dialect is asked of the native one.

use std::path::{Path, PathBuf};

use lictor_core::change::Change;
use lictor_core::elapsed::Now;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::{Claims, Date, KeyId, SigningKey};
use lictor_store::{New, Rule, Write};
use lictor_testkit::{Answer, Folder, OPERATOR, Request, TestServer, vendor};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::expect::Kong as _;

/// What `GET /` and the report are told to say.
pub(crate) const VERSION: &str = "3.4.3.6";

/// How a server differs from the usual one.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) origins: Vec<String>,
    pub(crate) hash_hostname: bool,
    pub(crate) structural: bool,
    /// Keys of organizations that are there before it starts, whatever is allowed now.
    pub(crate) organizations: Vec<&'static str>,
}

/// A running server and the key of its vendor.
pub(crate) struct Harness {
    pub(crate) token: String,
    pub(crate) vendor: SigningKey,
    server: TestServer,
}

impl Harness {
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        // Durability is tested elsewhere.
        let folder = Folder::in_memory();
        store_organizations(&folder.path().join("data"), options.organizations);
        let mut arguments = vec!["--kong-version", VERSION];
        for origin in &options.origins {
            arguments.extend(["--kong-origin", origin]);
        }
        if options.hash_hostname {
            arguments.push("--hash-hostname");
        }
        if options.structural {
            arguments.extend(["--trust-policy", "structural"]);
        }
        Self {
            token: OPERATOR.to_owned(),
            vendor: vendor(1),
            server: TestServer::on(folder, &arguments),
        }
    }

    /// A file of the server's data.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.server.data().join(name)
    }

    /// A request without a token.
    pub(crate) fn anonymous(&self, verb: &str, path: &str) -> Request {
        self.server.anonymous(verb, path)
    }

    /// A request with this token.
    pub(crate) fn with_token(&self, token: &str, verb: &str, path: &str) -> Request {
        self.anonymous(verb, path).header("Kong-Admin-Token", token)
    }

    /// A request of the operator's.
    pub(crate) fn ask(&self, verb: &str, path: &str) -> Request {
        self.with_token(&self.token, verb, path)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send()
    }

    /// The ledger of `default`.
    pub(crate) fn entries(&self) -> Value {
        let path = "/v1/ledger?limit=1000";
        self.native("GET", path, "default", &json!({}))["data"].clone()
    }

    /// Everything that is stored in `default`.
    pub(crate) fn stored(&self) -> Value {
        self.get("/licenses?size=1000").json_of_kong()
    }

    /// Stores the document under this id.
    pub(crate) fn put(&self, id: &str, payload: &str) -> Value {
        let ask = self.ask("PUT", &format!("/licenses/{id}"));
        let reply = ask.json(&json!({ "payload": payload })).send();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json_of_kong()
    }

    /// Writes the license of this id again, as it is.
    #[track_caller]
    pub(crate) fn touch(&self, id: &str) {
        let ask = self.ask("PATCH", &format!("/licenses/{id}"));
        let answer = ask.json(&json!({})).send();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Deletes the license of this id.
    #[track_caller]
    pub(crate) fn delete(&self, id: &str) {
        let ask = self.ask("DELETE", &format!("/licenses/{id}"));
        let answer = ask.send();
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// Creates a token, called after its role: its secret.
    pub(crate) fn create_token(&self, role: &str, scopes: &[&str], organization: &str) -> String {
        let name = format!("the {role}");
        let body = json!({"role": role, "scopes": scopes, "name": name});
        let created = self.native("POST", "/v1/tokens", organization, &body);
        created["secret"].as_str().expect("a secret").to_owned()
    }

    /// Revokes every token of `default` that has this name.
    pub(crate) fn revoke_tokens_named(&self, name: &str) {
        let tokens = self.native("GET", "/v1/tokens", "default", &json!({}));
        for token in tokens["data"].as_array().expect("a list") {
            if token["name"] == name {
                let id = token["id"].as_str().expect("an id");
                let path = format!("/v1/tokens/{id}");
                self.native("DELETE", &path, "default", &json!({}));
            }
        }
    }

    /// Creates an organization: its id.
    pub(crate) fn create_organization(&self, key: &str) -> Uuid {
        let created = self.native("POST", "/v1/organizations", "default", &json!({"key": key}));
        let id = created["id"].as_str().expect("an id");
        id.parse().expect("a UUID")
    }

    pub(crate) fn record_usage(&self, service: &str, month: &str, count: u64) {
        let count = json!({"source": "a-test", "service": service, "month": month, "count": count});
        self.native("POST", "/v1/usage", "default", &json!({"counts": [count]}));
    }

    pub(crate) fn retire_key(&self, id: KeyId) {
        let path = format!("/v1/trust/{id}/retire");
        self.native("POST", &path, "default", &json!({}));
    }

    pub(crate) fn revoke_key(&self, id: KeyId) {
        let path = format!("/v1/trust/{id}/revoke");
        self.native("POST", &path, "default", &json!({}));
    }

    fn native(&self, verb: &str, path: &str, organization: &str, body: &Value) -> Value {
        let ask = self.anonymous(verb, path).token(&self.token);
        let ask = ask.organization(organization);
        let ask = if *body == json!({}) {
            ask
        } else {
            ask.json(body)
        };
        let answer = ask.send();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        }
    }

    /// A document of the vendor's with this license key, valid for a long time.
    pub(crate) fn document(&self, license_key: &str) -> String {
        self.document_until(license_key, "2099-12-31")
    }

    /// A document of the vendor's that ends on this date.
    pub(crate) fn document_until(&self, license_key: &str, end: &str) -> String {
        self.vendor.sign(&claims(license_key, end).to_json())
    }
}

/// Stores organizations with these keys without asking whether they may have them.
fn store_organizations(data: &Path, keys: Vec<&'static str>) {
    if keys.is_empty() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = lictor_store::open(data, New::Beside(&[])).expect("a store");
        for (key, number) in keys.into_iter().zip(1..) {
            let created = Change::OrganizationCreated {
                id: Uuid::from_u128(number.into()),
                key: key.to_owned(),
                number,
            };
            let write = Write {
                stream: INSTALLATION,
                actor: None,
                now: Now::at(1_700_000_000),
                facts: Vec::new(),
                rule: Rule::new(move |_| Ok(created.clone().into())),
                idempotent: None,
            };
            store.write(write).await.expect("written");
        }
    });
}

/// Claims such as Kong's samples have.
pub(crate) fn claims(license_key: &str, end: &str) -> Claims {
    Claims {
        customer: Some("Example Company, Inc".to_owned()),
        license_key: Some(license_key.to_owned()),
        creation_date: Date::parse("2017-07-20"),
        admin_seats: Some(1),
        dataplanes: Some(1),
        support_plan: Some("None".to_owned()),
        ..Claims::new("Konnect Enterprise", Date::parse(end).expect("a date"))
    }
}
