//! The answers of the Jira dialect as JSON, their members and no others.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use lictor_authority::LIST_BYTES;
use lictor_core::Plan;
use lictor_core::access::Actor;
use lictor_core::facts::figures::{ApplicationFigures, OrganizationFigures};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Clients read the words of an error only under this very text.
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// An answer with this body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// The bytes of an application in a list of them, without those of its key.
const AROUND_APPLICATION: usize = r#"{"id":"","plan":"UNLICENSED"},"#.len();

/// The applications and their plans.
#[derive(Serialize)]
pub(super) struct License<'a> {
    applications: Vec<LicensedApplication<'a>>,
}

#[derive(Serialize)]
struct LicensedApplication<'a> {
    id: &'a str,
    plan: &'static str,
}

impl<'a> License<'a> {
    /// As many as there is room for: this list has no pages.
    pub(super) fn of(figures: &'a OrganizationFigures) -> Self {
        let application = |figures: &'a Arc<ApplicationFigures>| LicensedApplication {
            id: &figures.application.key,
            plan: match figures.plan {
                None => "UNLICENSED",
                Some(Plan::Free) => "FREE",
                // There is no word for a trial; it gives what a paid plan gives.
                Some(Plan::Paid | Plan::Trial) => "PAID",
            },
        };
        let mut bytes = 0;
        let has_room = |row: &&Arc<ApplicationFigures>| {
            bytes += row.application.key.len() + AROUND_APPLICATION;
            bytes <= LIST_BYTES
        };
        let rows = figures.applications.iter().take_while(has_room);
        Self {
            applications: rows.map(application).collect(),
        }
    }
}

/// A count, as text.
#[derive(Serialize)]
pub(super) struct LicenseMetric<'a> {
    key: &'a str,
    value: String,
}

impl<'a> LicenseMetric<'a> {
    pub(super) fn of(key: &'a str, count: u64) -> Self {
        Self {
            key,
            value: count.to_string(),
        }
    }
}

/// What went wrong, in a sentence.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorCollection<'a> {
    error_messages: [&'a str; 1],
    /// Some clients show this instead, so it stays empty.
    errors: Map<String, Value>,
    /// What the vendor's gateway says beside its own form.
    #[serde(flatten)]
    gateway: Option<GatewayError<'a>>,
}

/// The form in which the vendor's gateway refuses.
#[derive(Serialize)]
struct GatewayError<'a> {
    code: u16,
    message: &'a str,
}

impl<'a> ErrorCollection<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        Self {
            error_messages: [message],
            errors: Map::new(),
            gateway: None,
        }
    }

    /// The same, with the gateway's form beside it: some clients read the one, some the other.
    pub(super) fn in_both_forms(status: StatusCode, message: &'a str) -> Self {
        Self {
            gateway: Some(GatewayError {
                code: status.as_u16(),
                message,
            }),
            ..Self::of(message)
        }
    }
}

/// A path or a method that is none.
#[derive(Serialize)]
pub(super) struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
}

impl<'a> Problem<'a> {
    pub(super) fn of(status: StatusCode, detail: &'a str, path: &'a str) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail,
            instance: path,
        }
    }
}

/// What clients want to know of a server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerInfo<'a> {
    base_url: &'a str,
    version: &'static str,
    version_numbers: [u32; 3],
    deployment_type: &'static str,
    build_number: u32,
    server_title: &'static str,
}

impl<'a> ServerInfo<'a> {
    pub(super) fn of(base_url: &'a str) -> Self {
        Self {
            base_url,
            version: "1001.0.0",
            version_numbers: [1001, 0, 0],
            deployment_type: "Cloud",
            build_number: 100_000,
            server_title: "Lictor",
        }
    }
}

/// Who the caller is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    /// Its address, by which clients tell that it has an account id.
    #[serde(rename = "self")]
    address: String,
    account_id: Uuid,
    account_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_address: Option<String>,
    display_name: String,
    active: bool,
    locale: String,
    time_zone: &'static str,
}

impl User {
    pub(super) fn of(actor: &Actor, account_id: Uuid, base_url: &str) -> Self {
        let account = actor.account.as_ref();
        let email = account.and_then(|account| account.email.clone());
        let named = account.and_then(|account| account.name.clone());
        let locale = account.map_or(lictor_core::facts::account::DEFAULT_LANGUAGE, |account| {
            account.state.language.as_str()
        });
        Self {
            address: format!("{base_url}/rest/api/3/user?accountId={account_id}"),
            account_id,
            account_type: if account.is_some() {
                "atlassian"
            } else {
                "app"
            },
            display_name: named
                .or_else(|| email.clone())
                .unwrap_or_else(|| actor.display_name()),
            email_address: email,
            active: true,
            locale: locale.to_owned(),
            time_zone: "Etc/UTC",
        }
    }
}

/// The permissions that were asked for.
#[derive(Serialize)]
pub(super) struct Permissions {
    permissions: Administer,
}

#[derive(Serialize)]
struct Administer {
    #[serde(rename = "ADMINISTER")]
    administer: Permission,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    id: &'static str,
    key: &'static str,
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    description: &'static str,
    have_permission: bool,
}

impl Permissions {
    pub(super) fn of(administers: bool) -> Self {
        Self {
            permissions: Administer {
                administer: Permission {
                    id: "0",
                    key: "ADMINISTER",
                    name: "Administer Jira",
                    kind: "GLOBAL",
                    description: "Administer this organization: its accounts, seats and licenses.",
                    have_permission: administers,
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::facts::application::{Application, ApplicationState};

    use super::*;

    fn applications(count: usize) -> OrganizationFigures {
        let row = |number: usize| ApplicationFigures {
            application: Application {
                key: format!("{number:064}"),
                name: None,
                state: ApplicationState::default(),
            },
            plan: Some(Plan::Trial),
            expires_at: None,
            limit: None,
        };
        OrganizationFigures {
            applications: (0..count).map(row).map(Arc::new).collect(),
            ..OrganizationFigures::default()
        }
    }

    #[test]
    fn a_list_of_applications_ends_where_an_answer_does() {
        for (count, whole) in [(0, true), (3, true), (19_000, true), (100_000, false)] {
            let figures = applications(count);
            let license = License::of(&figures);
            let text = serde_json::to_string(&license).expect("JSON");
            assert_eq!(license.applications.len() == count, whole, "{count}");
            assert!(text.len() < LIST_BYTES + 100, "{count}: {}", text.len());
            assert!(whole || text.len() > LIST_BYTES * 9 / 10, "{count}");
        }
    }
}
