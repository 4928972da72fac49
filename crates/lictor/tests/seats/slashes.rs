//! Slashes in the paths of every dialect: a run of them is one, one at the end is taken where the
//! dialect takes it, and an escaped one is none.

use lictor_core::Plan;
use serde_json::json;

use crate::harness::{Server, Staff as _};
use crate::oauth::{Client, urlencoded};

/// A method, a path with more slashes than it needs, and the same with those it has.
const DOUBLED: &[(&str, &str, &str)] = &[
    ("GET", "//", "/"),
    ("GET", "//licenses", "/licenses"),
    ("OPTIONS", "//licenses//", "/licenses"),
    ("HEAD", "///licenses", "/licenses"),
    (
        "GET",
        "//default///license//report",
        "/default/license/report",
    ),
    ("GET", "/licenses//x", "/licenses/x"),
    ("POST", "//licenses//", "/licenses"),
    ("GEEEET", "//licenses", "/licenses"),
    ("GET", "//v1//licenses", "/v1/licenses"),
    (
        "GET",
        "/v1//applications//crm//seats",
        "/v1/applications/crm/seats",
    ),
    ("GET", "//v1//", "/v1/"),
    ("GET", "/v1//feed", "/v1/feed"),
    ("POST", "//v1/feed//report", "/v1/feed/report"),
    (
        "GET",
        "//rest//api//3//instance//license",
        "/rest/api/3/instance/license",
    ),
    ("OPTIONS", "//rest/api/2//myself", "/rest/api/2/myself"),
    ("GET", "//rest//api//3//nothing//", "/rest/api/3/nothing/"),
    (
        "GET",
        "//crm//v7//__features//user_licenses",
        "/crm/v7/__features/user_licenses",
    ),
    ("GET", "/crm//v1//org", "/crm/v1/org"),
    ("POST", "//oauth//v2//token", "/oauth/v2/token"),
    (
        "POST",
        "//oauth//v2//token//revoke",
        "/oauth/v2/token/revoke",
    ),
    ("GET", "//oauth//v2//token", "/oauth/v2/token"),
    ("GET", "//healthz", "/healthz"),
    ("GET", "//readyz", "/readyz"),
    ("GET", "//nothing//at//all", "/nothing/at/all"),
];

#[test]
fn a_double_slash_is_one_in_every_dialect() {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    let host = server.url.clone();
    for (method, doubled, plain) in DOUBLED {
        for ask in [Server::call, Server::anonymous] {
            let wanted = ask(&server, method, plain).send();
            for form in [(*doubled).to_owned(), format!("{host}{doubled}")] {
                let found = ask(&server, method, &form).send();
                assert_eq!(found.status, wanted.status, "{method} {form}: {found:?}");
                assert_eq!(found.body, wanted.body, "{method} {form}: {found:?}");
                for name in ["content-type", "allow", "vary"] {
                    assert_eq!(found.header(name), wanted.header(name), "{method} {form}");
                }
            }
        }
    }
    let query = "/v1//counts?application=//";
    assert_eq!(server.call("GET", query).send().status, 404);
}

#[test]
fn a_slash_at_the_end_is_taken_where_vendors_take_it() {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    let cloud = server.get("/v1/organizations/default")["id"].clone();
    let gateway = format!("/ex/jira/{}/rest/api/2", cloud.as_str().expect("an id"));
    for path in [
        "/licenses".to_owned(),
        "/license/report".to_owned(),
        "/rest/api/3/instance/license".to_owned(),
        "/rest/api/3/license/approximateLicenseCount".to_owned(),
        "/rest/api/2/license/approximateLicenseCount/product/crm".to_owned(),
        "/rest/api/3/serverInfo".to_owned(),
        format!("{gateway}/myself"),
        "/crm/v8/__features/user_licenses".to_owned(),
        "/crm/v7/__features".to_owned(),
        "/crm/v7/__features/sso".to_owned(),
        "/crm/v2/org".to_owned(),
        "/crm/v2/users/actions/count".to_owned(),
    ] {
        let wanted = server.call("GET", &path).expect(200);
        for end in ["/", "//", "/?x=1"] {
            let found = server.call("GET", &format!("{path}{end}")).expect(200);
            assert_eq!(found.body, wanted.body, "{path}{end}");
        }
        // It is part of a segment when it is escaped.
        let escaped = server.call("GET", &format!("{path}%2F")).send();
        assert_ne!(escaped.body, wanted.body, "{path}%2F");
    }
    let client = Client::plain(&server);
    let refresh = client.refresh_token.as_str();
    let parameters = client.signed("refresh_token", &[("refresh_token", refresh)]);
    let form = urlencoded(&parameters);
    let ask = |path: &str, form: String| {
        let request = server.anonymous("POST", path);
        request
            .body("application/x-www-form-urlencoded", form)
            .expect(200)
            .value()
    };
    let handed = ask("/oauth/v2/token/", form);
    assert_eq!(handed["expires_in"], 3_600, "{handed}");
    let token = handed["access_token"].as_str().expect("a token");
    let given_back = ask("/oauth/v2/token/revoke/", format!("token={token}"));
    assert_eq!(given_back, json!({ "status": "success" }));
}
