//! The answers of the Zoho dialect as JSON, their members in the order that is documented.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use lictor_core::facts::account::{Account, AccountStatus};
use lictor_core::facts::figures::OrganizationFigures;
use lictor_core::facts::organization::Organization;
use lictor_core::{Date, Plan};
use serde::Serialize;
use serde_json::Value;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");

/// The same, as the accounts server writes it.
const OAUTH_JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// The largest figure: clients read 32 bits. It also stands for what has no limit.
const MOST: u64 = 2_147_483_647;

/// An answer of the accounts server with this body, which no cache may keep.
pub(super) fn oauth(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, OAUTH_JSON);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a client is handed.
#[derive(Serialize)]
pub(super) struct Tokens<'a> {
    pub(super) access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<&'a str>,
    /// With spaces between the scopes.
    pub(super) scope: String,
    /// Where the client is to send everything else: never a host of Zoho's.
    pub(super) api_domain: &'a str,
    pub(super) token_type: &'static str,
    /// In seconds.
    pub(super) expires_in: i64,
}

/// Why a client is handed nothing.
#[derive(Serialize)]
pub(super) struct OauthFailure {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<Cow<'static, str>>,
    error: &'static str,
}

impl OauthFailure {
    pub(super) fn plain(error: &'static str) -> Self {
        Self {
            error_description: None,
            error,
        }
    }

    pub(super) fn explained(
        error: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            error_description: Some(description.into()),
            error,
        }
    }
}

/// A token is revoked.
#[derive(Serialize)]
pub(super) struct Revoked {
    status: &'static str,
}

impl Revoked {
    pub(super) const SUCCESS: Self = Self { status: "success" };
}

/// An answer with this body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// The answer where there is nothing of what was asked for.
pub(super) fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// What went wrong.
#[derive(Serialize)]
pub(super) struct Failure<'a> {
    code: &'a str,
    details: Value,
    message: &'a str,
    status: &'static str,
}

impl<'a> Failure<'a> {
    pub(super) fn of(code: &'a str, details: Value, message: &'a str) -> Self {
        Self {
            code,
            details,
            message,
            status: "error",
        }
    }
}

/// Features, and where they stand in the list unless they were asked for by name.
#[derive(Serialize)]
pub(super) struct Features<'a> {
    #[serde(rename = "__features")]
    features: Vec<Feature<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<Info>,
}

impl<'a> Features<'a> {
    pub(super) fn only(feature: Feature<'a>) -> Self {
        Self {
            features: vec![feature],
            info: None,
        }
    }

    pub(super) fn page(features: Vec<Feature<'a>>, info: Info) -> Self {
        Self {
            features,
            info: Some(info),
        }
    }
}

/// Where a page stands in its list.
#[derive(Serialize)]
pub(super) struct Info {
    pub(super) per_page: usize,
    pub(super) count: usize,
    pub(super) page: usize,
    pub(super) more_records: bool,
}

/// A feature.
#[derive(Serialize)]
pub(super) struct Feature<'a> {
    components: Option<()>,
    api_name: &'a str,
    parent_feature: Option<()>,
    module_supported: bool,
    details: Option<Details>,
    feature_label: &'a str,
}

#[derive(Serialize)]
struct Details {
    available_count: Total,
    used_count: Total,
    limits: Total,
}

#[derive(Serialize)]
struct Total {
    total: u64,
}

impl<'a> Feature<'a> {
    /// The license count.
    pub(super) fn of_count(
        api_name: &'a str,
        figures: &OrganizationFigures,
        label: &'a str,
    ) -> Self {
        let capped = |total: u64| Total {
            total: total.min(MOST),
        };
        let used = figures.used().min(MOST);
        let details = Details {
            available_count: capped(figures.available().unwrap_or(MOST - used)),
            used_count: capped(used),
            limits: capped(purchased(figures)),
        };
        Self {
            details: Some(details),
            feature_label: label,
            ..Self::plain(api_name)
        }
    }

    /// A feature that is there, and nothing more.
    pub(super) fn plain(name: &'a str) -> Self {
        Self {
            components: None,
            api_name: name,
            parent_feature: None,
            module_supported: false,
            details: None,
            feature_label: name,
        }
    }
}

fn purchased(figures: &OrganizationFigures) -> u64 {
    figures.limit().unwrap_or(MOST).min(MOST)
}

/// The current user.
#[derive(Serialize)]
pub(super) struct Users<'a> {
    users: [User<'a>; 1],
}

#[derive(Serialize)]
struct User<'a> {
    id: String,
    zuid: String,
    email: &'a str,
    full_name: &'a str,
    last_name: &'a str,
    language: &'a str,
    locale: &'a str,
    country_locale: &'a str,
    status: &'static str,
    confirm: bool,
}

impl<'a> Users<'a> {
    pub(super) fn of(account: &'a Account) -> Self {
        let email = account.email.as_deref().unwrap_or_default();
        let name = account.name.as_deref().unwrap_or(email);
        let language = account.state.language.as_str();
        Self {
            users: [User {
                id: account.state.number.to_string(),
                zuid: account.state.number.to_string(),
                email,
                full_name: name,
                last_name: name,
                language,
                locale: language,
                country_locale: language,
                status: "active",
                confirm: account.state.status == AccountStatus::Active,
            }],
        }
    }
}

/// How many users there are of a type.
#[derive(Serialize)]
pub(super) struct Count {
    pub(super) count: u64,
}

/// The organization.
#[derive(Serialize)]
pub(super) struct Orgs<'a> {
    org: [Org<'a>; 1],
}

#[derive(Serialize)]
struct Org<'a> {
    id: String,
    zgid: String,
    company_name: &'a str,
    license_details: LicenseDetails,
}

#[derive(Serialize)]
struct LicenseDetails {
    paid_expiry: Option<String>,
    users_license_purchased: u64,
    portal_users_license_purchased: u64,
    trial_type: Option<&'static str>,
    trial_expiry: Option<String>,
    paid: bool,
    paid_type: &'static str,
}

impl<'a> Orgs<'a> {
    pub(super) fn of(organization: &'a Organization, figures: &OrganizationFigures) -> Self {
        // The license of a plan that ends last.
        let end = |plan| {
            let of_plan = figures.applications.iter();
            let of_plan = of_plan.filter(|row| row.plan == Some(plan));
            of_plan.filter_map(|row| row.expires_at).max()
        };
        let (paid, trial) = (end(Plan::Paid), end(Plan::Trial));
        let shown = |end: i64| format!("{}T00:00:00+00:00", Date::of(end));
        let name = organization.name.as_deref().unwrap_or(&organization.key);
        Self {
            org: [Org {
                id: organization.number.to_string(),
                zgid: organization.number.to_string(),
                company_name: name,
                license_details: LicenseDetails {
                    paid_expiry: paid.map(shown),
                    users_license_purchased: purchased(figures),
                    portal_users_license_purchased: 0,
                    trial_type: trial.map(|_| "enterprise"),
                    trial_expiry: trial.map(shown),
                    paid: paid.is_some(),
                    paid_type: if paid.is_some() { "enterprise" } else { "free" },
                },
            }],
        }
    }
}
