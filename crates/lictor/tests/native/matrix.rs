//! The access matrix of the native API: every route with what each role and each scope gets there.

use lictor_testkit::{document, vendor};
use serde_json::{Value, json};

use crate::world::{World, client, fixed, key, license, new_client, node, pool, token};

/// A method and path, the path as the router has it; what to send; the status that the operator,
/// the organization's admin, its reader and another organization's admin get; and the scope that a
/// narrowed token needs for it. Whoever is not signed in gets 401.
pub(crate) type Row = (
    &'static str,
    &'static str,
    fn(&World) -> (String, Option<Value>),
    [u16; 4],
    &'static str,
);

pub(crate) const ROWS: &[Row] = &[
    (
        "GET",
        "/licenses",
        fixed,
        [200, 200, 200, 200],
        "licenses:read",
    ),
    (
        "POST",
        "/licenses",
        |_| {
            let body = json!({ "payload": document("Konnect") });
            (String::new(), Some(body))
        },
        [201, 201, 403, 201],
        "licenses:write",
    ),
    (
        "GET",
        "/licenses/{license}",
        license,
        [200, 200, 200, 404],
        "licenses:read",
    ),
    // Ids belong to an organization: the same one may be put in another.
    (
        "PUT",
        "/licenses/{license}",
        |world| {
            let body = json!({ "payload": document("Konnect") });
            (world.license(), Some(body))
        },
        [200, 200, 403, 201],
        "licenses:write",
    ),
    (
        "DELETE",
        "/licenses/{license}",
        license,
        [204, 204, 403, 404],
        "licenses:write",
    ),
    (
        "GET",
        "/applications",
        fixed,
        [200, 200, 200, 200],
        "applications:read",
    ),
    (
        "GET",
        "/applications/{application}",
        |world| {
            let body = json!({ "payload": document("Payroll") });
            world.create("/v1/licenses", &body, "id");
            ("payroll".to_owned(), None)
        },
        [200, 200, 200, 404],
        "applications:read",
    ),
    (
        "GET",
        "/applications/{application}/outlook",
        |world| {
            let body = json!({ "payload": document("Payroll") });
            world.create("/v1/licenses", &body, "id");
            ("payroll".to_owned(), None)
        },
        [200, 200, 200, 404],
        "applications:read",
    ),
    (
        "GET",
        "/organizations",
        fixed,
        [200, 200, 200, 200],
        "organizations:read",
    ),
    (
        "POST",
        "/organizations",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 403, 403, 403],
        "organizations:write",
    ),
    (
        "GET",
        "/organizations/{organization}",
        |world| (world.acme.key.clone(), None),
        [200, 200, 200, 404],
        "organizations:read",
    ),
    (
        "PATCH",
        "/organizations/{organization}",
        |world| (world.acme.key.clone(), Some(json!({ "limits": {} }))),
        [200, 403, 403, 403],
        "organizations:write",
    ),
    (
        "DELETE",
        "/organizations/{organization}",
        |world| {
            let key = world.fresh();
            world
                .server
                .post("/v1/organizations", &json!({ "key": key }));
            (key, None)
        },
        [204, 403, 403, 403],
        "organizations:write",
    ),
    ("GET", "/trust", fixed, [200, 200, 200, 200], "trust:read"),
    (
        "POST",
        "/trust",
        |world| {
            let pem = vendor(world.number()).public_key().to_pem();
            (String::new(), Some(json!({ "public_key": pem })))
        },
        [201, 403, 403, 403],
        "trust:write",
    ),
    (
        "GET",
        "/trust/{key}",
        key,
        [200, 200, 200, 200],
        "trust:read",
    ),
    (
        "POST",
        "/trust/{key}/retire",
        key,
        [200, 403, 403, 403],
        "trust:write",
    ),
    (
        "POST",
        "/trust/{key}/revoke",
        key,
        [200, 403, 403, 403],
        "trust:write",
    ),
    ("GET", "/tokens", fixed, [200, 200, 403, 200], "tokens:read"),
    (
        "POST",
        "/tokens",
        |_| (String::new(), Some(json!({ "scopes": ["tokens:write"] }))),
        [201, 201, 403, 201],
        "tokens:write",
    ),
    (
        "GET",
        "/tokens/{token}",
        token,
        [200, 200, 403, 404],
        "tokens:read",
    ),
    (
        "DELETE",
        "/tokens/{token}",
        token,
        [204, 204, 403, 404],
        "tokens:write",
    ),
    (
        "GET",
        "/clients",
        fixed,
        [200, 200, 403, 200],
        "clients:read",
    ),
    (
        "POST",
        "/clients",
        |_| (String::new(), Some(new_client())),
        [201, 201, 403, 201],
        "clients:write",
    ),
    (
        "GET",
        "/clients/{client}",
        client,
        [200, 200, 403, 404],
        "clients:read",
    ),
    (
        "PATCH",
        "/clients/{client}",
        |world| (client(world).0, Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "clients:write",
    ),
    (
        "DELETE",
        "/clients/{client}",
        client,
        [204, 204, 403, 404],
        "clients:write",
    ),
    (
        "POST",
        "/clients/{client}/codes",
        |world| (client(world).0, Some(json!({}))),
        [201, 201, 403, 404],
        "clients:write",
    ),
    ("GET", "/usage", fixed, [200, 200, 200, 200], "usage:read"),
    (
        "POST",
        "/usage",
        |_| {
            let count = json!({ "service": "orders", "count": 1 });
            (String::new(), Some(json!({ "counts": [count] })))
        },
        [200, 200, 403, 200],
        "usage:write",
    ),
    (
        "POST",
        "/usage/corrections",
        |world| {
            let month = world.counted();
            let body = json!({ "service": "meter", "month": month, "by": 1, "reason": "a test" });
            (String::new(), Some(body))
        },
        [200, 200, 403, 404],
        "corrections:write",
    ),
    ("GET", "/ledger", fixed, [200, 200, 403, 200], "ledger:read"),
    ("GET", "/report", fixed, [200, 200, 403, 200], "report:read"),
    ("GET", "/backup", fixed, [200, 403, 403, 403], "backup:read"),
    (
        "GET",
        "/backup/control-plane-key",
        fixed,
        [200, 403, 403, 403],
        "backup:read",
    ),
    ("GET", "/nodes", fixed, [200, 200, 200, 200], "nodes:read"),
    (
        "POST",
        "/nodes",
        |world| {
            let body = json!({ "name": world.fresh(), "application": world.application() });
            (String::new(), Some(body))
        },
        [201, 201, 403, 404],
        "nodes:write",
    ),
    (
        "GET",
        "/nodes/{node}",
        node,
        [200, 200, 200, 404],
        "nodes:read",
    ),
    (
        "DELETE",
        "/nodes/{node}",
        node,
        [204, 204, 403, 404],
        "nodes:write",
    ),
    (
        "GET",
        "/node-pools",
        fixed,
        [200, 200, 200, 200],
        "nodes:read",
    ),
    (
        "POST",
        "/node-pools",
        |world| {
            let (name, application) = (world.fresh(), world.application());
            let body = json!({ "name": name, "application": application, "limit": 3 });
            (String::new(), Some(body))
        },
        [201, 201, 403, 404],
        "nodes:write",
    ),
    (
        "GET",
        "/node-pools/{pool}",
        pool,
        [200, 200, 200, 404],
        "nodes:read",
    ),
    (
        "DELETE",
        "/node-pools/{pool}",
        pool,
        [204, 204, 403, 404],
        "nodes:write",
    ),
    (
        "GET",
        "/node-policy",
        fixed,
        [200, 200, 200, 200],
        "nodes:read",
    ),
    (
        "PUT",
        "/node-policy",
        |_| {
            let body = json!({ "stale_after_seconds": 60, "expires_after_seconds": 600, "grace_seconds": 0 });
            (String::new(), Some(body))
        },
        [200, 403, 403, 403],
        "nodes:write",
    ),
    (
        "POST",
        "/node-adoptions",
        |_| (String::new(), Some(json!({}))),
        [200, 403, 403, 403],
        "nodes:write",
    ),
    (
        "POST",
        "/applications",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 201, 403, 201],
        "applications:write",
    ),
    (
        "PATCH",
        "/applications/{application}",
        |world| (world.application(), Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "applications:write",
    ),
    (
        "DELETE",
        "/applications/{application}",
        |world| {
            let body = json!({ "key": world.fresh() });
            (world.create("/v1/applications", &body, "key"), None)
        },
        [204, 204, 403, 404],
        "applications:write",
    ),
    (
        "GET",
        "/applications/{application}/seats",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "seats:read",
    ),
    (
        "POST",
        "/applications/{application}/seats",
        |world| {
            let body = json!({ "account": world.account() });
            (world.application(), Some(body))
        },
        [201, 201, 403, 404],
        "seats:write",
    ),
    (
        "POST",
        "/applications/{application}/seats/bulk",
        |world| {
            let body = json!({ "assign": [world.account()] });
            (world.application(), Some(body))
        },
        [200, 200, 403, 404],
        "seats:write",
    ),
    (
        "DELETE",
        "/applications/{application}/seats/{account}",
        |world| {
            let (application, account) = (world.application(), world.account());
            let path = format!("/v1/applications/{application}/seats");
            let call = world.server.call("POST", &path).organization("acme");
            call.json(&json!({ "account": account })).expect(201);
            (format!("{application}/{account}"), None)
        },
        [204, 204, 403, 404],
        "seats:write",
    ),
    (
        "GET",
        "/applications/{application}/leases",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "GET",
        "/applications/{application}/leases/ended",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "POST",
        "/applications/{application}/leases",
        |world| {
            let body = json!({ "holder": world.fresh() });
            (world.application(), Some(body))
        },
        [201, 201, 403, 404],
        "leases:write",
    ),
    (
        "GET",
        "/leases/{lease}",
        |world| (world.lease(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "POST",
        "/leases/{lease}/renew",
        |world| (world.lease(), Some(json!({ "fence": 1 }))),
        [200, 200, 403, 404],
        "leases:write",
    ),
    (
        "POST",
        "/leases/{lease}/release",
        |world| (world.lease(), Some(json!({ "fence": 1 }))),
        [204, 204, 403, 404],
        "leases:write",
    ),
    (
        "GET",
        "/accounts",
        fixed,
        [200, 200, 200, 200],
        "accounts:read",
    ),
    (
        "POST",
        "/accounts",
        |world| {
            let email = format!("{}@example.com", world.fresh());
            (String::new(), Some(json!({ "email": email })))
        },
        [201, 201, 403, 201],
        "accounts:write",
    ),
    (
        "POST",
        "/accounts/import",
        |world| {
            let email = format!("{}@example.com", world.fresh());
            let rows = json!([{ "email": email }]);
            (String::new(), Some(json!({ "rows": rows })))
        },
        [200, 200, 403, 200],
        "accounts:write",
    ),
    (
        "GET",
        "/accounts/{account}",
        |world| (world.account(), None),
        [200, 200, 200, 404],
        "accounts:read",
    ),
    (
        "PATCH",
        "/accounts/{account}",
        |world| (world.account(), Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "accounts:write",
    ),
    (
        "DELETE",
        "/accounts/{account}",
        |world| (world.account(), None),
        [204, 204, 403, 404],
        "accounts:write",
    ),
    (
        "GET",
        "/accounts/{account}/seats",
        |world| (world.account(), None),
        [200, 200, 200, 404],
        "seats:read,accounts:read",
    ),
    ("GET", "/counts", fixed, [200, 200, 200, 200], "seats:read"),
    (
        "DELETE",
        "/holders/{holder}",
        |_| ("nobody".to_owned(), None),
        [200, 200, 403, 200],
        "accounts:write",
    ),
    (
        "GET",
        "/refusals",
        fixed,
        [200, 200, 200, 200],
        "seats:read",
    ),
    (
        "GET",
        "/refusals/by-hour",
        fixed,
        [200, 200, 200, 200],
        "seats:read",
    ),
    ("GET", "/census", fixed, [200, 200, 403, 200], "census:read"),
    (
        "POST",
        "/census",
        |_| (String::new(), Some(json!({}))),
        [200, 200, 403, 200],
        "census:write",
    ),
];
