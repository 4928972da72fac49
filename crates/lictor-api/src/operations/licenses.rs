//! The rows of licenses, applications and trusted keys.

use super::variables::{APPLICATION, KEY, LICENSE};
use crate::answer::{Created, CreatedOrThere, Done, Shown, ShownIfChanged};
use crate::applications::{
    Application, ChangeApplication, CreateApplication, Outlook, WrittenApplication,
};
use crate::licenses::{AddLicense, AddedLicense, License, PutLicense};
use crate::list::List;
use crate::permits::{Applications, InstallationPermit, Licenses, Permit, Read, Trust, Write};
use crate::query::{NoQuery, OfApplication, Page};
use crate::row::{Example, Facts, Header, Met, Method, NoBody, Operation};
use crate::trust::{ChangedKey, Key, Trust as Trusted, TrustKey};
use crate::values::Nothing;

/// A license, as examples show it.
const LICENSE_EXAMPLE: &str = r#"{"id": "019dd0a8-5c00-7000-8000-000000000001", "application": "konnect", "revision": 4,
 "created_at": "2026-11-22T04:00:00Z", "updated_at": "2026-11-22T04:00:00Z", "status": "in-force", "reason": null,
 "superseded_by": null, "days_left": 39, "covered_until": "2028-01-01T00:00:00Z", "verified": true, "signed_by": "0123456789abcdef",
 "claims": {"customer": "Acme", "product_subscription": "Konnect", "license_key": "K-1",
  "license_creation_date": "2026-01-01", "license_expiration_date": "2027-01-01", "admin_seats": 10,
  "dataplanes": null, "support_plan": null, "application": "konnect", "plan": "PAID", "organization": null,
  "features": ["sso"], "unknown": {}},
 "payload": "{\"license\":{}}"}"#;

/// An application, as examples show it.
const APPLICATION_EXAMPLE: &str = r#"{"key": "konnect", "name": "Konnect", "plan": "PAID", "limit": 10, "seats": 6,
 "leases": 1, "used": 7, "available": 3, "overage": 0, "over_limit": "refuse", "node_limit": null, "nodes": 2,
 "features": ["sso"], "license": "019dd0a8-5c00-7000-8000-000000000001", "verified": true,
 "expires_at": "2027-01-01T00:00:00Z", "days_left": 39, "covered_until": "2028-01-01T00:00:00Z",
 "covered_days_left": 404}"#;

/// Lists licenses.
pub const LIST_LICENSES: Operation<
    Permit<Licenses, Read>,
    OfApplication,
    NoBody,
    Shown<List<License>>,
> = Operation::new(Facts {
    id: "listLicenses",
    path: "/licenses",
    summary: "Lists the stored licenses.",
    example: Example::answer(
        r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-000000000001", "application": "konnect", "revision": 4,
 "created_at": "2026-11-22T04:00:00Z", "updated_at": "2026-11-22T04:00:00Z", "status": "rejected", "reason": "revoked-key",
 "superseded_by": null, "days_left": 39, "covered_until": null, "verified": false, "signed_by": null,
 "claims": {"customer": "Acme", "product_subscription": "Konnect", "license_key": "K-1",
  "license_creation_date": "2026-01-01", "license_expiration_date": "2027-01-01", "admin_seats": 10,
  "dataplanes": null, "support_plan": null, "application": "konnect", "plan": "PAID", "organization": null,
  "features": ["sso"], "unknown": {}},
 "payload": "{\"license\":{}}"}], "next_cursor": null}"#,
    ),
    command: Met::At(&["license list"]),
    page: Met::At(&["Licenses"]),
    ..Facts::EMPTY
});

/// Adds a license.
pub const ADD_LICENSE: Operation<
    Permit<Licenses, Write>,
    NoQuery,
    AddLicense,
    Created<AddedLicense>,
> = Operation::new(Facts {
    id: "addLicense",
    method: Method::Post,
    path: "/licenses",
    summary: "Stores a license document.",
    details: "An application that is not known is created. The answer says where the license came to stand.",
    headers: &[
        Header::IdempotencyKey,
        Header::ETag,
        Header::Location {
            path: "/licenses/{license}",
            member: "id",
        },
    ],
    problems: &["invalid-document", "already-exists", "outdated"],
    example: Example::sent(
        r#"{"payload": "{\"license\":{}}"}"#,
        r#"{"id": "019dd0a8-5c00-7000-8000-000000000001", "application": "konnect", "revision": 4,
 "created_at": "2026-11-22T04:00:00Z", "updated_at": "2026-11-22T04:00:00Z", "status": "in-force", "reason": null,
 "superseded_by": null, "days_left": 39, "covered_until": "2028-01-01T00:00:00Z", "verified": true, "signed_by": "0123456789abcdef",
 "claims": {"customer": "Acme", "product_subscription": "Konnect", "license_key": "K-1",
  "license_creation_date": "2026-01-01", "license_expiration_date": "2027-01-01", "admin_seats": 10,
  "dataplanes": null, "support_plan": null, "application": "konnect", "plan": "PAID", "organization": null,
  "features": ["sso"], "unknown": {}},
 "payload": "{\"license\":{}}",
 "place": {"takes_over_from": {"id": "019dd0a8-5c00-7000-8000-000000000002", "customer": "Acme",
   "product_subscription": "Konnect", "license_creation_date": null, "license_expiration_date": "2026-12-01"},
  "followed_by": null, "gap_before": null,
  "gap_after": {"from": "2027-01-01T00:00:00Z", "until": "2027-02-01T00:00:00Z"}}}"#,
    ),
    command: Met::At(&["license add"]),
    page: Met::At(&["Licenses"]),
    ..Facts::EMPTY
});

/// Shows a license.
pub const SHOW_LICENSE: Operation<
    Permit<Licenses, Read>,
    NoQuery,
    NoBody,
    ShownIfChanged<License>,
> = Operation::new(Facts {
    id: "showLicense",
    path: "/licenses/{license}",
    variables: &[LICENSE],
    summary: "Shows a license.",
    headers: &[Header::IfMatch, Header::IfNoneMatch, Header::ETag],
    example: Example::answer(LICENSE_EXAMPLE),
    command: Met::At(&["license show"]),
    page: Met::At(&["Licenses"]),
    ..Facts::EMPTY
});

/// Puts a license under an id.
pub const PUT_LICENSE: Operation<
    Permit<Licenses, Write>,
    NoQuery,
    PutLicense,
    CreatedOrThere<License>,
> = Operation::new(Facts {
    id: "putLicense",
    method: Method::Put,
    path: "/licenses/{license}",
    variables: &[LICENSE],
    summary: "Stores a license document under an id, in the place of the one that is there.",
    details: "With `If-None-Match: *` it is added and never replaced. Putting what is stored already writes nothing, \
              unless that would bring another license into force.",
    headers: &[
        Header::IfMatch,
        Header::IfNoneMatch,
        Header::ETag,
        Header::Location {
            path: "/licenses/{license}",
            member: "id",
        },
    ],
    problems: &["invalid-document", "outdated"],
    example: Example::sent(r#"{"payload": "{\"license\":{}}"}"#, LICENSE_EXAMPLE),
    command: Met::Nowhere(
        "a person adds a license or removes one; programs keep a license under an id of theirs",
    ),
    page: Met::Nowhere("a person adds a license or removes one"),
    ..Facts::EMPTY
});

/// Removes a license.
pub const REMOVE_LICENSE: Operation<Permit<Licenses, Write>, NoQuery, NoBody, Done> =
    Operation::new(Facts {
        id: "removeLicense",
        method: Method::Delete,
        path: "/licenses/{license}",
        variables: &[LICENSE],
        summary: "Removes a license; it covers nothing any more.",
        headers: &[Header::IfMatch],
        command: Met::At(&["license remove"]),
        page: Met::At(&["Licenses"]),
        ..Facts::EMPTY
    });

/// Lists applications.
pub const LIST_APPLICATIONS: Operation<
    Permit<Applications, Read>,
    Page,
    NoBody,
    Shown<List<Application>>,
> = Operation::new(Facts {
    id: "listApplications",
    path: "/applications",
    summary: "Lists the applications with their plans, limits and figures.",
    example: Example::answer(
        r#"{"data": [{"key": "konnect", "name": null, "plan": "UNLICENSED", "limit": 0, "seats": 6, "leases": 0,
 "used": 6, "available": 0, "overage": 6, "over_limit": "refuse", "node_limit": 0, "nodes": 2, "features": null,
 "license": null, "verified": null, "expires_at": null, "days_left": null, "covered_until": null,
 "covered_days_left": null}], "next_cursor": "eyJ2IjoxfQ"}"#,
    ),
    command: Met::At(&["application list"]),
    page: Met::At(&["Overview"]),
    ..Facts::EMPTY
});

/// Creates an application.
pub const CREATE_APPLICATION: Operation<
    Permit<Applications, Write>,
    NoQuery,
    CreateApplication,
    Created<Application>,
> = Operation::new(Facts {
    id: "createApplication",
    method: Method::Post,
    path: "/applications",
    summary: "Creates an application before there is a license for it.",
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/applications/{application}",
            member: "key",
        },
    ],
    problems: &["already-exists"],
    example: Example::sent(
        r#"{"key": "konnect", "name": "Konnect", "over_limit": "refuse"}"#,
        r#"{"key": "konnect", "name": "Konnect", "plan": "UNLICENSED", "limit": 0, "seats": 0, "leases": 0,
 "used": 0, "available": 0, "overage": 0, "over_limit": "refuse", "node_limit": 0, "nodes": 0, "features": null,
 "license": null, "verified": null, "expires_at": null, "days_left": null, "covered_until": null,
 "covered_days_left": null}"#,
    ),
    command: Met::At(&["application create"]),
    page: Met::At(&["Overview"]),
    ..Facts::EMPTY
});

/// Shows an application.
pub const SHOW_APPLICATION: Operation<
    Permit<Applications, Read>,
    NoQuery,
    NoBody,
    Shown<Application>,
> = Operation::new(Facts {
    id: "showApplication",
    path: "/applications/{application}",
    variables: &[APPLICATION],
    summary: "Shows an application with its plan, limits and figures.",
    example: Example::answer(APPLICATION_EXAMPLE),
    command: Met::Nowhere("`lictor application list` shows the same of each"),
    page: Met::At(&["Application"]),
    ..Facts::EMPTY
});

/// Shows which license will be in force.
pub const SHOW_OUTLOOK: Operation<Permit<Applications, Read>, NoQuery, NoBody, Shown<Outlook>> =
    Operation::new(Facts {
        id: "showOutlook",
        path: "/applications/{application}/outlook",
        variables: &[APPLICATION],
        summary: "Shows which license of an application is in force from when to when, and where the gaps are.",
        details: "It goes by what is stored and trusted now.",
        example: Example::answer(
            r#"{"application": "konnect", "segments": [
 {"from": "2026-11-22T04:00:00Z", "until": "2027-01-01T00:00:00Z", "reason": "current",
  "license": "019dd0a8-5c00-7000-8000-000000000001", "plan": "PAID", "limit": 10, "node_limit": null},
 {"from": "2027-01-01T00:00:00Z", "until": "2027-01-02T00:00:00Z", "reason": "gap",
  "license": null, "plan": "UNLICENSED", "limit": 0, "node_limit": 0},
 {"from": "2027-01-02T00:00:00Z", "until": "2028-01-02T00:00:00Z", "reason": "begins",
  "license": "019dd0a8-5c00-7000-8000-000000000002", "plan": "PAID", "limit": 20, "node_limit": null},
 {"from": "2028-01-02T00:00:00Z", "until": null, "reason": "end",
  "license": null, "plan": "UNLICENSED", "limit": 0, "node_limit": 0}], "known_until": null}"#,
        ),
        command: Met::At(&["application outlook"]),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Changes an application.
pub const CHANGE_APPLICATION: Operation<
    Permit<Applications, Write>,
    NoQuery,
    ChangeApplication,
    Shown<WrittenApplication>,
> = Operation::new(Facts {
    id: "changeApplication",
    method: Method::Patch,
    path: "/applications/{application}",
    variables: &[APPLICATION],
    summary: "Names an application, or sets what happens when no seat is left.",
    example: Example::sent(
        r#"{"name": "Konnect", "over_limit": "refuse"}"#,
        APPLICATION_EXAMPLE,
    ),
    command: Met::At(&["application set"]),
    page: Met::At(&["Application"]),
    ..Facts::EMPTY
});

/// Removes an application.
pub const REMOVE_APPLICATION: Operation<Permit<Applications, Write>, NoQuery, NoBody, Done> =
    Operation::new(Facts {
        id: "removeApplication",
        method: Method::Delete,
        path: "/applications/{application}",
        variables: &[APPLICATION],
        summary: "Removes an application that has no licenses, seats, leases or nodes.",
        problems: &["application-in-use"],
        command: Met::At(&["application remove"]),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Shows what is trusted.
pub const SHOW_TRUST: Operation<Permit<Trust, Read>, NoQuery, NoBody, Shown<Trusted>> =
    Operation::new(Facts {
        id: "showTrust",
        path: "/trust",
        summary: "Shows the trust policy and all keys, also revoked ones.",
        example: Example::answer(
            r#"{"policy": "verified", "data": [{"key_id": "0123456789abcdef",
 "public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n", "status": "active"}]}"#,
        ),
        command: Met::At(&["trust list"]),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Trusts a key.
pub const TRUST_KEY: Operation<
    InstallationPermit<Trust, Write>,
    NoQuery,
    TrustKey,
    Created<ChangedKey>,
> = Operation::new(Facts {
    id: "trustKey",
    method: Method::Post,
    path: "/trust",
    summary: "Trusts a key; one that was retired becomes active again.",
    details: "With a rotation nodes trust it too. They take no other new key.",
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/trust/{key}",
            member: "key_id",
        },
    ],
    problems: &["key-revoked"],
    example: Example::sent(
        r#"{"public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n"}"#,
        r#"{"key_id": "0123456789abcdef",
 "public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n", "status": "active"}"#,
    ),
    command: Met::At(&["trust add"]),
    page: Met::At(&["Access"]),
    ..Facts::EMPTY
});

/// Shows a key.
pub const SHOW_KEY: Operation<Permit<Trust, Read>, NoQuery, NoBody, Shown<Key>> =
    Operation::new(Facts {
        id: "showKey",
        path: "/trust/{key}",
        variables: &[KEY],
        summary: "Shows a key.",
        example: Example::answer(
            r#"{"key_id": "0123456789abcdef",
 "public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n", "status": "retired"}"#,
        ),
        command: Met::Nowhere("`lictor trust list` shows the same of each"),
        page: Met::At(&["Access"]),
        ..Facts::EMPTY
    });

/// Retires a key.
pub const RETIRE_KEY: Operation<
    InstallationPermit<Trust, Write>,
    NoQuery,
    Nothing,
    Shown<ChangedKey>,
> = Operation::new(Facts {
    id: "retireKey",
    method: Method::Post,
    path: "/trust/{key}/retire",
    variables: &[KEY],
    summary: "Accepts no new licenses signed by a key; stored ones stay valid.",
    headers: &[Header::IdempotencyKey],
    problems: &["key-revoked"],
    example: Example::sent(
        "{}",
        r#"{"key_id": "0123456789abcdef",
 "public_key": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n", "status": "retired"}"#,
    ),
    command: Met::At(&["trust retire"]),
    page: Met::At(&["Access"]),
    ..Facts::EMPTY
});

/// Revokes a key.
pub const REVOKE_KEY: Operation<
    InstallationPermit<Trust, Write>,
    NoQuery,
    Nothing,
    Shown<ChangedKey>,
> = Operation::new(Facts {
    id: "revokeKey",
    method: Method::Post,
    path: "/trust/{key}/revoke",
    variables: &[KEY],
    summary: "Ends the trust in a key at once and forever, for stored licenses too.",
    headers: &[Header::IdempotencyKey],
    example: Example::sent(
        "{}",
        r#"{"key_id": "0123456789abcdef", "status": "revoked"}"#,
    ),
    command: Met::At(&["trust revoke"]),
    page: Met::At(&["Access"]),
    ..Facts::EMPTY
});
