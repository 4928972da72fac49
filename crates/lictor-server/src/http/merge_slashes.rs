//! The targets of requests with every run of slashes in the path made one, before anybody looks at them.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use lictor_core::url_path::merge_slashes;

/// Makes every run of slashes in the path one. An escaped slash is none, and the query stays.
pub(super) fn merge(uri: &mut Uri) {
    let Some(mut merged) = merge_slashes(uri.path()) else {
        return;
    };
    if let Some(query) = uri.query() {
        merged.push('?');
        merged.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    // What was a path without some of its slashes is one.
    parts.path_and_query = PathAndQuery::try_from(merged).ok();
    if let Ok(uri_with_one) = Uri::from_parts(parts) {
        *uri = uri_with_one;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_slashes_is_one_and_nothing_else_changes() {
        for (given, merged) in [
            ("/licenses", "/licenses"),
            ("//licenses", "/licenses"),
            ("///", "/"),
            ("/v1//licenses///", "/v1/licenses/"),
            ("//licenses?next=//x&y", "/licenses?next=//x&y"),
            ("/licenses?next=//x", "/licenses?next=//x"),
            ("//?", "/?"),
            ("/a%2F%2Fb//c%2f", "/a%2F%2Fb/c%2f"),
            ("/a/./../b", "/a/./../b"),
            ("http://host:1//licenses//?a", "http://host:1/licenses/?a"),
            ("*", "*"),
            ("host:1", "host:1"),
        ] {
            let mut uri: Uri = given.parse().expect("a request target");
            merge(&mut uri);
            assert_eq!(uri.to_string(), merged, "{given}");
        }
    }
}
