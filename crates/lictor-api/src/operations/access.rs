//! The rows of tokens and OAuth clients.

use lictor_core::facts::right::{Resource, Right};

use super::variables::{CLIENT, TOKEN};
use crate::answer::{Created, Done, Shown};
use crate::clients::{ChangeClient, Client, Code, CreateClient, CreatedClient, WrittenClient};
use crate::list::List;
use crate::permits::{Clients, Permit, Place, Read, Tokens, Write};
use crate::query::{Force, NoQuery, Page, Tokens as WhichTokens};
use crate::row::{Depends, Example, Facts, Header, Met, Method, NoBody, Operation, Sample};
use crate::tokens::{CreateToken, CreatedToken, Token};
use crate::values::Nothing;

/// Lists tokens.
pub const LIST_TOKENS: Operation<Permit<Tokens, Read>, WhichTokens, NoBody, Shown<List<Token>>> =
    Operation::new(Facts {
        id: "listTokens",
        path: "/tokens",
        summary: "Lists the tokens of the organization, or the operators'.",
        depends: &[Depends {
            right: Right::read(Resource::Tokens),
            place: Place::Installation,
            when: "`operators` is true",
            sample: Sample {
                query: Some("operators=true"),
                body: None,
            },
        }],
        example: Example {
            query: Some("operators=true"),
            ..Example::answer(
                r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-000000000005", "organization": null, "name": null,
 "role": "operator", "scopes": [], "created_at": "2026-11-22T04:00:00Z", "expires_at": null, "revoked_at": null,
 "live": true, "account": null, "origin": "first-start", "created_by": null}], "next_cursor": null}"#,
            )
        },
        command: Met::At(&["token list"]),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Creates a token.
pub const CREATE_TOKEN: Operation<
    Permit<Tokens, Write>,
    NoQuery,
    CreateToken,
    Created<CreatedToken>,
> = Operation::new(Facts {
    id: "createToken",
    method: Method::Post,
    path: "/tokens",
    summary: "Creates a token, and shows its secret this once.",
    details: "A token can do no more than the one that creates it, and ends no later.",
    depends: &[Depends {
        right: Right::write(Resource::Tokens),
        place: Place::Installation,
        when: "`role` is `operator`",
        sample: Sample {
            query: None,
            body: Some(r#"{"role": "operator", "scopes": ["tokens:write"]}"#),
        },
    }],
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/tokens/{token}",
            member: "id",
        },
    ],
    problems: &["secret-already-shown"],
    example: Example::sent(
        r#"{"role": "reader", "scopes": ["licenses:read"], "expires_at": "2027-01-01T00:00:00Z", "name": "CI",
 "account": "ada@example.com"}"#,
        r#"{"id": "019dd0a8-5c00-7000-8000-000000000005", "organization": "019dd0a8-5c00-7000-8000-000000000008",
 "name": "CI", "role": "reader", "scopes": ["licenses:read"], "created_at": "2026-11-22T04:00:00Z",
 "expires_at": "2027-01-01T00:00:00Z", "revoked_at": null, "live": true,
 "account": "019dd0a8-5c00-7000-8000-000000000003", "origin": "token",
 "created_by": "019dd0a8-5c00-7000-8000-000000000009", "secret": "…"}"#,
    ),
    command: Met::At(&["token create"]),
    page: Met::At(&["Access"]),
    ..Facts::EMPTY
});

/// Shows a token.
pub const SHOW_TOKEN: Operation<Permit<Tokens, Read>, NoQuery, NoBody, Shown<Token>> =
    Operation::new(Facts {
        id: "showToken",
        path: "/tokens/{token}",
        variables: &[TOKEN],
        summary: "Shows a token, without its secret.",
        example: Example::answer(
            r#"{"id": "019dd0a8-5c00-7000-8000-000000000005", "organization": null, "name": null,
 "role": "operator", "scopes": [], "created_at": "2026-11-22T04:00:00Z", "expires_at": null,
 "revoked_at": "2026-11-23T04:00:00Z", "live": false, "account": null, "origin": null, "created_by": null}"#,
        ),
        command: Met::Nowhere("`lictor token list` shows the same of each"),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Revokes a token.
pub const REVOKE_TOKEN: Operation<Permit<Tokens, Write>, Force, NoBody, Done> =
    Operation::new(Facts {
        id: "revokeToken",
        method: Method::Delete,
        path: "/tokens/{token}",
        variables: &[TOKEN],
        summary: "Revokes a token at once.",
        problems: &["last-administrator"],
        command: Met::At(&["token revoke"]),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Lists clients.
pub const LIST_CLIENTS: Operation<Permit<Clients, Read>, Page, NoBody, Shown<List<Client>>> =
    Operation::new(Facts {
        id: "listClients",
        path: "/clients",
        summary: "Lists the OAuth clients.",
        example: Example::answer(
            r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-00000000000a",
 "client_id": "1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG", "name": "meter", "scopes": ["seats:read"],
 "account": "019dd0a8-5c00-7000-8000-000000000003", "application": null, "created_at": "2026-11-22T04:00:00Z"}],
 "next_cursor": null}"#,
        ),
        command: Met::At(&["client list"]),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Creates a client.
pub const CREATE_CLIENT: Operation<
    Permit<Clients, Write>,
    NoQuery,
    CreateClient,
    Created<CreatedClient>,
> = Operation::new(Facts {
    id: "createClient",
    method: Method::Post,
    path: "/clients",
    summary: "Creates an OAuth client, and shows its secrets this once.",
    details: "A client for one application has at most the scopes `seats:read`, `accounts:read` and \
              `organizations:read`.",
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/clients/{client}",
            member: "id",
        },
    ],
    problems: &["secret-already-shown"],
    example: Example::sent(
        r#"{"scopes": ["seats:read"], "name": "meter", "account": "ada@example.com", "application": "konnect"}"#,
        r#"{"id": "019dd0a8-5c00-7000-8000-00000000000a", "client_id": "1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG",
 "name": "meter", "scopes": ["seats:read"], "account": "019dd0a8-5c00-7000-8000-000000000003",
 "application": "konnect", "created_at": "2026-11-22T04:00:00Z", "client_secret": "…", "refresh_token": "1000.…",
 "code": "1000.…", "code_expires_at": "2026-11-22T04:03:00Z"}"#,
    ),
    command: Met::At(&["client create"]),
    page: Met::At(&["Access"]),
    ..Facts::EMPTY
});

/// Shows a client.
pub const SHOW_CLIENT: Operation<Permit<Clients, Read>, NoQuery, NoBody, Shown<Client>> =
    Operation::new(Facts {
        id: "showClient",
        path: "/clients/{client}",
        variables: &[CLIENT],
        summary: "Shows an OAuth client, without its secrets.",
        example: Example::answer(CLIENT_EXAMPLE),
        command: Met::Nowhere("`lictor client list` shows the same of each"),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// A client, as examples show it.
const CLIENT_EXAMPLE: &str = r#"{"id": "019dd0a8-5c00-7000-8000-00000000000a",
 "client_id": "1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG", "name": "meter", "scopes": ["seats:read"], "account": null,
 "application": "konnect", "created_at": "2026-11-22T04:00:00Z"}"#;

/// Changes a client.
pub const CHANGE_CLIENT: Operation<
    Permit<Clients, Write>,
    NoQuery,
    ChangeClient,
    Shown<WrittenClient>,
> = Operation::new(Facts {
    id: "changeClient",
    method: Method::Patch,
    path: "/clients/{client}",
    variables: &[CLIENT],
    summary: "Names an OAuth client.",
    example: Example::sent(r#"{"name": "meter"}"#, CLIENT_EXAMPLE),
    command: Met::At(&["client set"]),
    page: Met::At(&["Access"]),
    ..Facts::EMPTY
});

/// Removes a client.
pub const REMOVE_CLIENT: Operation<Permit<Clients, Write>, NoQuery, NoBody, Done> =
    Operation::new(Facts {
        id: "removeClient",
        method: Method::Delete,
        path: "/clients/{client}",
        variables: &[CLIENT],
        summary: "Removes an OAuth client; its refresh tokens and access tokens end at once.",
        command: Met::At(&["client remove"]),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Makes a code for a client.
pub const CREATE_CODE: Operation<Permit<Clients, Write>, NoQuery, Nothing, Created<Code>> =
    Operation::new(Facts {
        id: "createCode",
        method: Method::Post,
        path: "/clients/{client}/codes",
        variables: &[CLIENT],
        summary: "Makes another code that a client can exchange once for a refresh token.",
        headers: &[Header::IdempotencyKey],
        problems: &["secret-already-shown"],
        example: Example::sent(
            "{}",
            r#"{"code": "1000.…", "code_expires_at": "2026-11-22T04:03:00Z"}"#,
        ),
        command: Met::At(&["client code"]),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });
