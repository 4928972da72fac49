//! How a server is started for a test, and what is needed around it. The only file that knows
//! whether it runs in this process or is the real binary.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use lictor_core::usage::UsageCount;
use lictor_core::{Claims, Date, KeyId, Role, SigningKey, TrustPolicy};
use lictor_server::authority::{Authority, Call, Start, TokenRequest};
use lictor_server::clock::Clock;
use lictor_server::dialects::kong;
use lictor_server::settings::{Server, Settings};
use lictor_store::sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::client::{Ask, Reply};

const OPERATOR: &str = "an-operator-token-of-32-characters-or-more";

/// What `GET /` and the report are told to say.
pub(crate) const VERSION: &str = "3.4.3.5";

/// How a server differs from the usual one.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) origins: Vec<String>,
    pub(crate) hash_hostname: bool,
    pub(crate) structural: bool,
}

/// A running server and the keys of its vendor.
pub(crate) struct Harness {
    address: SocketAddr,
    authority: Arc<Authority>,
    pub(crate) token: String,
    pub(crate) vendor: SigningKey,
    runtime: Runtime,
}

impl Harness {
    pub(crate) fn start() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let vendor = SigningKey::from_seed([7; 32]);
        let start = Start {
            policy: options.structural.then_some(TrustPolicy::Structural),
            keys: vec![vendor.public_key()],
            operator_secret: Some(OPERATOR.to_owned()),
        };
        let store = Arc::new(SqliteStore::in_memory().expect("a store"));
        let opening = Authority::open(store, Clock::System, start, |_| Ok(()));
        let authority = runtime.block_on(opening).expect("an authority");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let settings = Settings {
            public_url: format!("http://{address}"),
            kong_version: VERSION.to_owned(),
            kong_origins: options.origins,
            hash_hostname: options.hash_hostname,
            data_folder: std::env::temp_dir(),
        };
        let server = Server {
            authority: authority.clone(),
            settings: Arc::new(settings),
        };
        let router: Router = Router::new().fallback(kong::handle).with_state(server);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            authority,
            token: OPERATOR.to_owned(),
            vendor,
            runtime,
        }
    }

    /// A request without a token.
    pub(crate) fn anonymous(&self, verb: &str, path: &str) -> Ask {
        Ask::new(self.address, verb, path)
    }

    /// A request with this token.
    pub(crate) fn with_token(&self, token: &str, verb: &str, path: &str) -> Ask {
        self.anonymous(verb, path).header("Kong-Admin-Token", token)
    }

    /// A request of the operator's.
    pub(crate) fn ask(&self, verb: &str, path: &str) -> Ask {
        self.with_token(&self.token, verb, path)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send()
    }

    /// Everything that is stored in `default`.
    pub(crate) fn stored(&self) -> Value {
        self.get("/licenses?size=1000").json()
    }

    /// Stores the document under this id.
    pub(crate) fn put(&self, id: &str, payload: &str) -> Value {
        let ask = self.ask("PUT", &format!("/licenses/{id}"));
        let reply = ask.json(&json!({ "payload": payload })).send();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Creates a token: its secret.
    pub(crate) fn create_token(&self, role: &str, scopes: &[&str], organization: &str) -> String {
        let request = TokenRequest {
            role: role.parse::<Role>().expect("a role"),
            scopes: scopes
                .iter()
                .map(|scope| scope.parse().expect("a scope"))
                .collect(),
            expires_at: None,
            name: Some(format!("the {role}")),
        };
        let call = self.call(organization);
        let created = self.authority.create_token(&call, request);
        self.runtime.block_on(created).expect("a token").secret
    }

    /// Revokes every token that has this name.
    pub(crate) fn revoke_tokens_named(&self, name: &str) {
        let call = self.call("default");
        let revoking = async {
            for token in self.authority.tokens(&call, false, None, 100).await? {
                if token.name.as_deref() == Some(name) {
                    self.authority.revoke_token(&call, token.id).await?;
                }
            }
            Ok::<_, lictor_core::Error>(())
        };
        self.runtime.block_on(revoking).expect("revoked");
    }

    /// Creates an organization: its id.
    pub(crate) fn create_organization(&self, key: &str) -> Uuid {
        let call = self.call("default");
        let created = self.authority.create_organization(&call, key, None);
        self.runtime.block_on(created).expect("an organization").id
    }

    pub(crate) fn record_usage(&self, service: &str, month: &str, count: u64) {
        let counts = vec![UsageCount {
            source: "a-test".to_owned(),
            service: service.to_owned(),
            month: month.to_owned(),
            count,
        }];
        let call = self.call("default");
        let recorded = self.authority.record_usage(&call, counts);
        self.runtime.block_on(recorded).expect("recorded");
    }

    pub(crate) fn retire_key(&self, id: KeyId) {
        let call = self.call("default");
        let retired = self.authority.retire_key(&call, id);
        self.runtime.block_on(retired).expect("retired");
    }

    pub(crate) fn revoke_key(&self, id: KeyId) {
        let call = self.call("default");
        let revoked = self.authority.revoke_key(&call, id);
        self.runtime.block_on(revoked).expect("revoked");
    }

    fn call(&self, organization: &str) -> Call {
        let actor = self.runtime.block_on(self.authority.sign_in(&self.token));
        let actor = actor.expect("the operator");
        self.authority
            .call(actor, Some(organization))
            .expect("an organization")
    }

    /// A document of the vendor's with this license key; valid from 2020 for a long time.
    pub(crate) fn document(&self, license_key: &str) -> String {
        self.document_until(license_key, "2099-12-31")
    }

    /// A document of the vendor's that ends on this date.
    pub(crate) fn document_until(&self, license_key: &str, end: &str) -> String {
        self.vendor.sign(&claims(license_key, end).to_json())
    }
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
