//! OAuth clients and what they are handed, through the rules of the core.

use lictor_core::Timestamp;
use lictor_core::facts::grant::WINDOW;
use lictor_core::rules::client::{self, NewClient};
use lictor_core::rules::grant::{self, Secrets};
use lictor_store::{Fact, Write};
use uuid::Uuid;

use super::{NOW, at, digest, write};

/// A client that acts for `account`. Its refresh token and its code are `refresh` and `code` followed
/// by its id.
pub(crate) fn new_client(stream: Uuid, client: Uuid, account: Option<Uuid>) -> Write {
    let new = NewClient {
        id: client,
        client_id: format!("1000.{client}"),
        secret: digest("secret"),
        name: Some("meter".to_owned()),
        scopes: vec!["seats:read".parse().expect("a scope")],
        account,
        application: None,
        grant: Uuid::from_u128(client.as_u128() + 0x1_0000),
        refresh: digest(format_args!("refresh {client}")),
        code: digest(format_args!("code {client}")),
    };
    let facts = account.map(Fact::Account).into_iter().collect();
    write(stream, NOW, facts, move |state| {
        client::create(state, &new, at(NOW))
    })
}

pub(crate) fn remove_client(stream: Uuid, client: Uuid) -> Write {
    write(stream, NOW + 5, vec![Fact::Client(client)], move |state| {
        client::remove(state, client)
    })
}

/// What is handed out as `number`: its access token is `access` followed by it.
pub(crate) fn handed(client: Uuid, number: u128) -> Secrets {
    Secrets {
        client,
        access: digest(format_args!("access {number}")),
        grant: (
            Uuid::from_u128(0x10_0000 + number),
            digest(format_args!("refresh {number}")),
        ),
    }
}

pub(crate) fn exchange(stream: Uuid, client: Uuid, number: u128, now: Timestamp) -> Write {
    let (code, since) = (digest(format_args!("code {client}")), at(now - WINDOW));
    let facts = vec![
        Fact::Client(client),
        Fact::Code(code),
        Fact::GrantsOf { client, since },
    ];
    write(stream, now, facts, move |state| {
        grant::exchange(state, code, &handed(client, number), at(now))
    })
}

/// Trades the refresh token that came with the client.
pub(crate) fn refresh(stream: Uuid, client: Uuid, number: u128, now: Timestamp) -> Write {
    let token = digest(format_args!("refresh {client}"));
    let facts = vec![Fact::Client(client), Fact::ClientSecret(token)];
    write(stream, now, facts, move |state| {
        grant::refresh(state, token, &handed(client, number), at(now))
    })
}
