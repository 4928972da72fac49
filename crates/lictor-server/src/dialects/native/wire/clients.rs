//! Requests and answers about OAuth clients.

use lictor_authority::{ClientRequest, IssuedClient, IssuedCode};
use lictor_core::facts::account::Account;
use lictor_core::facts::client::Client;
use lictor_core::patch_field::PatchField;
use serde::{Deserialize, Serialize};

use super::super::error::{Problem, invalid};
use super::time;

/// A client to create.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewClient {
    name: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    pub(in crate::dialects::native) account: Option<String>,
    application: Option<String>,
}

impl NewClient {
    pub(in crate::dialects::native) fn into_request(
        self,
        account: Option<&Account>,
    ) -> Result<ClientRequest, Problem> {
        let scopes = self.scopes.iter().map(|text| text.parse());
        let scopes: Result<Vec<_>, String> = scopes.collect();
        Ok(ClientRequest {
            name: self.name,
            scopes: scopes.map_err(|reason| invalid("scopes", reason))?,
            account: account.map(|account| account.id),
            application: self.application,
        })
    }
}

/// What is to change of a client; said again to whoever may not read the rest.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct PatchClient {
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    pub(in crate::dialects::native) name: PatchField<String>,
}

/// A client; its secrets only in the answer to its creation.
#[derive(Serialize)]
pub(in crate::dialects::native) struct ClientView {
    id: String,
    client_id: String,
    name: Option<String>,
    scopes: Vec<String>,
    account: Option<String>,
    application: Option<String>,
    created_at: String,
    #[serde(flatten)]
    secrets: Option<SecretsView>,
}

#[derive(Serialize)]
struct SecretsView {
    client_secret: String,
    refresh_token: String,
    #[serde(flatten)]
    code: CodeView,
}

/// A grant code.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CodeView {
    code: String,
    code_expires_at: String,
}

impl ClientView {
    pub(in crate::dialects::native) fn of(client: Client) -> Self {
        let text = |id: uuid::Uuid| id.to_string();
        Self {
            id: text(client.id),
            client_id: client.client_id,
            name: client.name,
            scopes: client
                .state
                .scopes
                .iter()
                .map(ToString::to_string)
                .collect(),
            account: client.state.account.map(text),
            application: client.state.application,
            created_at: time(client.state.created_at),
            secrets: None,
        }
    }

    pub(in crate::dialects::native) fn with_secrets(issued: IssuedClient) -> Self {
        Self {
            secrets: Some(SecretsView {
                client_secret: issued.secret,
                refresh_token: issued.refresh_token,
                code: CodeView::of(issued.code),
            }),
            ..Self::of(issued.client)
        }
    }
}

impl CodeView {
    pub(in crate::dialects::native) fn of(issued: IssuedCode) -> Self {
        Self {
            code: issued.code,
            code_expires_at: time(issued.expires_at),
        }
    }
}
