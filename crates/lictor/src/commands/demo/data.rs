//! The demo's example data, put in through the API like anybody's, with dates around today.

use std::path::Path;

use lictor_api::answer::Created;
use lictor_api::clients::CreateClient;
use lictor_api::leases::CheckOutLease;
use lictor_api::operations::CHECK_OUT_LEASE;
use lictor_api::query::NoQuery;
use lictor_api::tokens::CreateToken;
use lictor_authority::clock::Clock;
use lictor_authority::random;
use lictor_core::facts::account::AccountKind;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::rules::batch::BatchMode;
use lictor_core::time::SECONDS_PER_DAY;
use lictor_core::{Claims, Date, SigningKey, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Client;
use crate::commands::{self, license, organization, token, trust, usage};
use crate::exit::{self, Failure, Outcome};
use crate::files;

/// A document that is not stored yet, in the demo's folder.
pub(super) const NEW_LICENSE: &str = "new-license.json";

/// The e-mail of the account that administers the first organization.
pub(super) const ADMINISTRATOR: &str = "ada@example.com";

/// The node that the demo runs, and the application that it serves.
pub(super) const NODE: &str = "edge-1";
pub(super) const NODE_APPLICATION: &str = "gateway-pro";

/// Tokens that the guide shows.
pub(super) struct Tokens {
    /// Of an admin of the organization `acme`.
    pub(super) acme: String,
    /// Of [`ADMINISTRATOR`], for Jira's clients.
    pub(super) administrator: String,
    /// Of an OAuth client of the same account, for Zoho's.
    pub(super) client: OauthClient,
}

/// What an OAuth client signs in with, and what it trades for access tokens.
pub(super) struct OauthClient {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) refresh_token: String,
}

/// Fills the server and the folder.
pub(super) async fn fill(client: &Client, folder: &Path) -> Outcome<Tokens> {
    let seed = random::bytes().map_err(exit::no_randomness)?;
    let vendor = SigningKey::from_seed(seed);
    let pem = vendor.to_pem().map_err(Failure::Refused)?;
    files::create(&folder.join("vendor.key"), &pem, 0o600)?;
    let public = vendor.public_key().to_pem();
    files::create(&folder.join("vendor.pub"), &public, 0o644)?;
    trust::add(client, &public).await?;

    let today = Clock::System.now();
    for claims in licenses(today) {
        license::add(client, &vendor.sign(&claims.to_json())).await?;
    }
    let new = vendor.sign(&new_license(today).to_json());
    files::create(&folder.join(NEW_LICENSE), &format!("{new}\n"), 0o644)?;
    usage::add(client, counts(today)).await?;
    let scopes = [Resource::Licenses, Resource::Usage].map(reading);
    let reader = CreateToken {
        name: Some("dashboard".to_owned()),
        scopes: Some(scopes.iter().map(Into::into).collect()),
        ..CreateToken::default()
    };
    token::create(client, &reader).await?;

    let administrator = staff(client).await?;
    let oauth_client = oauth_client(client).await?;

    let acme = organization::create(client, "acme", Some("Acme Ltd")).await?;
    let client = client.within("acme");
    let Created(acme) = acme.answer;
    let license = license_for_acme(today, acme.id);
    license::add(&client, &vendor.sign(&license.to_json())).await?;
    let admin = CreateToken {
        name: Some("acme admin".to_owned()),
        role: Some(Role::Admin.into()),
        ..CreateToken::default()
    };
    let Created(created) = token::create(&client, &admin).await?.answer;
    Ok(Tokens {
        acme: created.secret,
        administrator,
        client: oauth_client,
    })
}

/// The scope to read a resource.
fn reading(resource: Resource) -> Scope {
    Scope::of(Right::read(resource))
}

/// A client of the administrator's that may ask for what Zoho's SDKs do.
async fn oauth_client(client: &Client) -> Outcome<OauthClient> {
    let scopes = [Resource::Seats, Resource::Accounts, Resource::Organizations].map(reading);
    let body = CreateClient {
        name: Some("CRM dashboard".to_owned()),
        account: Some(ADMINISTRATOR.to_owned()),
        scopes: scopes.iter().map(Into::into).collect(),
        ..CreateClient::default()
    };
    let Created(created) = commands::client::create(client, &body).await?.answer;
    Ok(OauthClient {
        id: created.client.client_id,
        secret: created.client_secret,
        refresh_token: created.refresh_token,
    })
}

/// Accounts with seats, a lease, and a seat that is refused; returns the administrator's token.
async fn staff(client: &Client) -> Outcome<String> {
    let mut rows = vec![json!({
        "email": ADMINISTRATOR, "name": "Ada Lovelace", "administrator": true,
        "seats": ["atlas-editor", "gateway-pro"],
    })];
    for (number, name) in PEOPLE.iter().enumerate() {
        let email = name.to_lowercase().replace(' ', ".");
        let seats = if number % 3 == 0 {
            json!(["atlas-editor", "gateway-pro"])
        } else {
            json!(["atlas-editor"])
        };
        let language = if number % 2 == 0 { "en_US" } else { "de_DE" };
        rows.push(json!({
            "email": format!("{email}@example.com"), "name": name, "seats": seats,
            "language": language,
        }));
    }
    rows.push(json!({ "email": "ci@example.com", "kind": AccountKind::Service }));
    // The trial has ended, so that this one gets no seat and the refusals show why.
    rows.push(json!({ "email": "late@example.com", "seats": ["sandbox"] }));
    let import = json!({ "rows": rows, "mode": BatchMode::Each.as_str() });
    client.post(&["accounts", "import"], &import).await?;
    let lease = CheckOutLease {
        holder: "build-machine-1".to_owned(),
        ttl_seconds: Some(86_400),
    };
    let names = ["gateway-pro"];
    client
        .call(&CHECK_OUT_LEASE, &names, &NoQuery, &lease)
        .await?;
    let token = CreateToken {
        account: Some(ADMINISTRATOR.to_owned()),
        name: Some("clients of Jira".to_owned()),
        ..CreateToken::default()
    };
    let Created(created) = token::create(client, &token).await?.answer;
    Ok(created.secret)
}

/// Who works there.
const PEOPLE: [&str; 9] = [
    "Edsger Dijkstra",
    "Grace Hopper",
    "Alan Turing",
    "Barbara Liskov",
    "Donald Knuth",
    "Frances Allen",
    "Tony Hoare",
    "Margaret Hamilton",
    "Niklaus Wirth",
];

/// In the order in which they are stored: what is stored last goes before, once it has begun.
fn licenses(today: Timestamp) -> Vec<Claims> {
    let mut expired = claims("Gateway Pro", today, (-400, -35));
    expired.license_key = Some("GW-1".to_owned());
    expired.admin_seats = Some(10);
    let mut in_force = claims("Gateway Pro", today, (-35, 330));
    in_force.license_key = Some("GW-2".to_owned());
    in_force.admin_seats = Some(25);
    in_force.dataplanes = Some(4);
    in_force.support_plan = Some("Platinum".to_owned());
    in_force.features = vec!["sso".to_owned(), "audit".to_owned()];
    let mut renewal = claims("Gateway Pro", today, (330, 695));
    renewal.license_key = Some("GW-3".to_owned());
    renewal.admin_seats = Some(40);
    let mut trial = claims("Sandbox", today, (-60, -30));
    trial.plan = lictor_core::Plan::Trial;
    trial.admin_seats = Some(3);
    let mut editor = claims("Atlas Editor", today, (-345, 20));
    editor.license_key = Some("ATLAS-1".to_owned());
    editor.admin_seats = Some(100);
    vec![expired, in_force, renewal, trial, editor]
}

fn new_license(today: Timestamp) -> Claims {
    let mut new = claims("Atlas Editor", today, (-1, 364));
    new.license_key = Some("ATLAS-2".to_owned());
    new.admin_seats = Some(120);
    new
}

fn license_for_acme(today: Timestamp, acme: Uuid) -> Claims {
    let mut own = claims("Atlas Editor", today, (-10, 355));
    own.customer = Some("Acme Ltd".to_owned());
    own.license_key = Some("ACME-1".to_owned());
    own.admin_seats = Some(5);
    own.organization = Some(acme);
    own
}

/// Claims for `product`, valid between two days counted from today.
fn claims(product: &str, today: Timestamp, (first, end): (i64, i64)) -> Claims {
    let day = |days: i64| Date::of(today + days * SECONDS_PER_DAY);
    Claims {
        customer: Some("Example Inc".to_owned()),
        creation_date: Some(day(first)),
        ..Claims::new(product, day(end))
    }
}

/// Half a year of three services, counted by two gateways.
fn counts(today: Timestamp) -> Vec<Value> {
    let mut counts = Vec::new();
    let mut in_month = today;
    for age in 0..6_u64 {
        let month = Date::of(in_month).month();
        for (service, least) in [
            ("orders", 41_200),
            ("payments", 12_900),
            ("search", 187_300),
        ] {
            for (source, share) in [("gateway-1", 3), ("gateway-2", 2)] {
                let count = least * share * (10 - age) / 10 + 17 * share;
                counts.push(json!({
                    "source": source, "service": service, "month": month, "count": count,
                }));
            }
        }
        // The last second of the month before.
        let first = Date::parse(&format!("{month}-01")).map_or(in_month, Date::start);
        in_month = first - 1;
    }
    counts
}
