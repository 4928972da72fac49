//! The rows of accounts.

use super::seats::SEATS;
use super::variables::ACCOUNT;
use crate::accounts::{
    Account, ChangeAccount, CreateAccount, ImportAccounts, ImportedAccounts, WrittenAccount,
};
use crate::answer::{Created, Done, Shown, ShownIfChanged};
use crate::list::List;
use crate::permits::{Accounts, Permit, Place, Read, Write};
use crate::query::{Accounts as WhichAccounts, Force, NoQuery};
use crate::row::{Depends, Example, Facts, Header, Met, Method, NoBody, Operation, Sample};

/// An account, as examples show it.
const ACCOUNT_EXAMPLE: &str = r#"{"id": "019dd0a8-5c00-7000-8000-000000000003", "number": 8190293829384,
 "email": "ada@example.com", "name": "Ada Lovelace", "kind": "person", "status": "active", "administrator": false,
 "language": "en_US", "seats": 1, "created_at": "2026-11-22T04:00:00Z", "revision": 12}"#;

/// Lists accounts.
pub const LIST_ACCOUNTS: Operation<
    Permit<Accounts, Read>,
    WhichAccounts,
    NoBody,
    Shown<List<Account>>,
> = Operation::new(Facts {
    id: "listAccounts",
    path: "/accounts",
    summary: "Lists the accounts.",
    example: Example {
        query: Some("email=ci@example.com"),
        ..Example::answer(
            r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-000000000006", "number": 17, "email": "ci@example.com",
 "name": null, "kind": "service", "status": "invited", "administrator": false, "language": "en_US", "seats": 0,
 "created_at": "2026-11-22T04:00:00Z", "revision": 13}], "next_cursor": null}"#,
        )
    },
    command: Met::At(&["account list"]),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Creates an account.
pub const CREATE_ACCOUNT: Operation<
    Permit<Accounts, Write>,
    NoQuery,
    CreateAccount,
    Created<Account>,
> = Operation::new(Facts {
    id: "createAccount",
    method: Method::Post,
    path: "/accounts",
    summary: "Creates an account.",
    headers: &[
        Header::IdempotencyKey,
        Header::ETag,
        Header::Location {
            path: "/accounts/{account}",
            member: "id",
        },
    ],
    problems: &["already-exists"],
    example: Example::sent(
        r#"{"email": "ada@example.com", "name": "Ada Lovelace", "kind": "person", "status": "active",
 "administrator": false, "language": "en_US"}"#,
        ACCOUNT_EXAMPLE,
    ),
    command: Met::At(&["account add"]),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Imports accounts.
pub const IMPORT_ACCOUNTS: Operation<
    Permit<Accounts, Write>,
    NoQuery,
    ImportAccounts,
    Shown<ImportedAccounts>,
> = Operation::new(Facts {
    id: "importAccounts",
    method: Method::Post,
    path: "/accounts/import",
    summary: "Creates many accounts, and assigns seats to them.",
    details: "An account that exists is not changed, so that an import can be repeated. With the mode `each` it is \
              stored in parts: if it stops, what was stored stays, and the same request goes on after it.",
    depends: &[Depends {
        right: SEATS,
        place: Place::Organization,
        when: "rows have `seats`",
        sample: Sample {
            query: None,
            body: Some(r#"{"rows": [{"email": "grace@example.com", "seats": ["konnect"]}]}"#),
        },
    }],
    headers: &[Header::IdempotencyKey],
    problems: &["outdated"],
    example: Example::sent(
        r#"{"rows": [{"email": "grace@example.com", "name": "Grace Hopper", "seats": ["konnect"]}],
 "mode": "each", "dry_run": true, "earlier_seats": {"konnect": 7}, "earlier_accounts": 12}"#,
        r#"{"dry_run": true, "accounts_created": 1, "seats_assigned": 0, "refused": 1, "rows": [
 {"account": "019dd0a8-5c00-7000-8000-000000000007", "result": "refused", "created": true, "assigned": [],
  "errors": [{"reason": "exhausted", "detail": "all seats of konnect are taken: 10 of 10"}]}]}"#,
    ),
    command: Met::At(&["account import"]),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Shows an account.
pub const SHOW_ACCOUNT: Operation<
    Permit<Accounts, Read>,
    NoQuery,
    NoBody,
    ShownIfChanged<Account>,
> = Operation::new(Facts {
    id: "showAccount",
    path: "/accounts/{account}",
    variables: &[ACCOUNT],
    summary: "Shows an account.",
    headers: &[Header::IfMatch, Header::IfNoneMatch, Header::ETag],
    example: Example::answer(ACCOUNT_EXAMPLE),
    command: Met::Nowhere("`lictor account list` shows the same of each"),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Changes an account.
pub const CHANGE_ACCOUNT: Operation<
    Permit<Accounts, Write>,
    Force,
    ChangeAccount,
    Shown<WrittenAccount>,
> = Operation::new(Facts {
    id: "changeAccount",
    method: Method::Patch,
    path: "/accounts/{account}",
    variables: &[ACCOUNT],
    summary: "Changes what is given of an account.",
    details: "The status `deactivated` releases its seats and disables its tokens; `active` does not bring seats back.",
    headers: &[Header::IfMatch, Header::ETag],
    problems: &["already-exists", "last-administrator"],
    example: Example::sent(
        r#"{"email": "ada@example.com", "name": "Ada Lovelace", "status": "active", "administrator": false,
 "language": "en_US"}"#,
        ACCOUNT_EXAMPLE,
    ),
    command: Met::At(&["account set", "account deactivate", "account reactivate"]),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Removes an account.
pub const REMOVE_ACCOUNT: Operation<Permit<Accounts, Write>, Force, NoBody, Done> =
    Operation::new(Facts {
        id: "removeAccount",
        method: Method::Delete,
        path: "/accounts/{account}",
        variables: &[ACCOUNT],
        summary: "Removes an account: its seats are released, its e-mail and name erased.",
        headers: &[Header::IfMatch],
        problems: &["last-administrator"],
        command: Met::At(&["account remove"]),
        page: Met::At(&["Accounts"]),
        ..Facts::EMPTY
    });
