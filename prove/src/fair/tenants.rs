//! The two tenants of a server: the attacker and its neighbor.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use lictor_testkit::{Installation, Server};
use serde_json::{Value, json};

use crate::operator::{Operator, text};
use crate::peer::Peer;

const NEIGHBOR: &str = "neighbor";
pub(super) const TENANT: &str = "tenant";

/// Tokens that the tenant asks with.
const TOKENS: usize = 8;

/// Licenses of about 60 kB, of which there are lists of 9 MB.
const LARGE: usize = 150;

/// What the tenant's node is known by, and the SHA-256 of it.
const CREDENTIAL: &str = "the-credential-of-a-node-that-is-open-to-all";
const CREDENTIAL_SHA256: &str = "e6842feffb8b306567498d693d9e80dd6490d4df6ad746ab10267a2e982c5a47";

/// Who must not notice the other.
pub(super) struct Neighbor {
    pub(super) address: String,
    pub(super) token: String,
    /// One of its licenses.
    pub(super) license: String,
}

/// Who does its worst.
pub(super) struct Tenant {
    pub(super) address: String,
    pub(super) tokens: Vec<String>,
    /// Its node's credential.
    pub(super) node: &'static str,
    /// The id of its OAuth client.
    pub(super) client: String,
}

/// A server with both.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) neighbor: Neighbor,
    pub(super) tenant: Arc<Tenant>,
}

impl Site {
    /// Starts a server, and lets the tenant make so many applications.
    pub(super) fn begin(
        installation: &Installation,
        data: &Path,
        environment: &[(&str, &str)],
        applications: usize,
    ) -> Result<Self> {
        let server = installation.serve(data, environment)?;
        let document = |customer| {
            installation.issue_seats("Gateway", 1_000_000, customer, "2025-01-01", "2099-12-31")
        };
        let neighbor = neighbor(&server, &document("Neighbor")?)?;
        let tenant = tenant(&server, &document("Tenant")?, applications)?;
        Ok(Self {
            server,
            neighbor,
            tenant: Arc::new(tenant),
        })
    }
}

fn neighbor(server: &Server, document: &str) -> Result<Neighbor> {
    let mut operator = Operator::of_new(&server.address, NEIGHBOR)?;
    let mut license = Value::Null;
    for _ in 0..20 {
        license = operator.post("/v1/licenses", &json!({ "payload": document }))?;
    }
    let row = |number| json!({ "email": format!("neighbor-{number}@example.com") });
    let rows: Vec<Value> = (0..100).map(row).collect();
    operator.post("/v1/accounts/import", &json!({ "rows": rows }))?;
    Ok(Neighbor {
        address: server.address.clone(),
        token: operator.token()?,
        license: text(&license, "id")?,
    })
}

fn tenant(server: &Server, document: &str, applications: usize) -> Result<Tenant> {
    let mut operator = Operator::of_new(&server.address, TENANT)?;
    operator.post("/v1/licenses", &json!({ "payload": document }))?;
    for number in 0..LARGE {
        let payload = format!("{document}{}", " ".repeat(60_000 + number));
        operator.post("/v1/licenses", &json!({ "payload": payload }))?;
    }
    let tokens: Vec<String> = (0..TOKENS)
        .map(|_| operator.token())
        .collect::<Result<_>>()?;
    let node = operator.post("/v1/nodes", &json!({ "name": "edge-1" }))?;
    let enrollment = text(&node, "enrollment_token")?;
    let client = operator.post("/v1/clients", &json!({ "scopes": ["seats:read"] }))?;
    let tenant = Tenant {
        address: server.address.clone(),
        tokens,
        node: CREDENTIAL,
        client: text(&client, "id")?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut joining = Peer::new(&tenant.address, &enrollment);
        let join = json!({ "credential_sha256": CREDENTIAL_SHA256 }).to_string();
        let answer = joining
            .ask("POST /v1/feed/join", "", join.as_bytes())
            .await?;
        ensure!(answer.status == 201, "joining: {}", answer.status);
        make_applications(&tenant, applications).await
    })?;
    Ok(tenant)
}

/// By as many connections as have a commit to share.
async fn make_applications(tenant: &Tenant, count: usize) -> Result<()> {
    const CONNECTIONS: usize = 64;
    let mut making = tokio::task::JoinSet::new();
    for first in 0..CONNECTIONS {
        let token = &tenant.tokens[first % tenant.tokens.len()];
        let mut peer = Peer::new(&tenant.address, token);
        making.spawn(async move {
            for number in (first..count).step_by(CONNECTIONS) {
                let body = json!({ "key": format!("application-{number}") }).to_string();
                // What the rate limit refuses comes again.
                while peer
                    .ask("POST /v1/applications", "", body.as_bytes())
                    .await?
                    .status
                    != 201
                {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(made) = making.join_next().await {
        made??;
    }
    Ok(())
}
