//! OAuth clients, between the authority and the contract.

use lictor_api::clients::{Client, Code, CreateClient, CreatedClient};
use lictor_api::values::Instant;
use lictor_authority::{ClientRequest, IssuedClient, IssuedCode};
use lictor_core::facts::account::Account;
use lictor_core::facts::client::Client as Stored;

use crate::dialects::native::error::Problem;
use crate::dialects::native::frame::read;

pub(in crate::dialects::native) fn request(
    body: CreateClient,
    account: Option<&Account>,
) -> Result<ClientRequest, Problem> {
    let scopes = body.scopes.iter().map(|text| read("scopes", text));
    Ok(ClientRequest {
        scopes: scopes.collect::<Result<_, _>>()?,
        name: body.name,
        account: account.map(|account| account.id),
        application: body.application,
    })
}

pub(in crate::dialects::native) fn client(stored: Stored) -> Client {
    Client {
        id: stored.id,
        client_id: stored.client_id,
        name: stored.name,
        scopes: stored.state.scopes.iter().map(Into::into).collect(),
        account: stored.state.account,
        application: stored.state.application,
        created_at: Instant(stored.state.created_at),
    }
}

pub(in crate::dialects::native) fn created(issued: IssuedClient) -> CreatedClient {
    CreatedClient {
        client: client(issued.client),
        client_secret: issued.secret,
        refresh_token: issued.refresh_token,
        code: code(issued.code),
    }
}

pub(in crate::dialects::native) fn code(issued: IssuedCode) -> Code {
    Code {
        code: issued.code,
        code_expires_at: Instant(issued.expires_at),
    }
}
