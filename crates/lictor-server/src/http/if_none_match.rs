//! `If-None-Match` (RFC 9110, section 13.1.2): whether a client has what is shown now.

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;

/// Whether the header names this entity tag, or any. Whether either of both is weak does not matter.
pub(crate) fn names(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let mut known = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let tag = opaque(tag);
    known.any(|known| matches!(known.trim(), "*") || opaque(known.trim()) == tag)
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_itself_in_a_list_weak_and_as_any() {
        for (lines, known) in [
            (&["\"1-a\""][..], true),
            (&["W/\"1-a\""], true),
            (&["\"0\", W/\"1-a\" ,\"2\""], true),
            (&["\"0\"", "\"1-a\""], true),
            (&["*"], true),
            (&["\"*\""], false),
            (&["1-a"], false),
            (&["w/\"1-a\""], false),
            (&["\"1-b\""], false),
            (&[""], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_NONE_MATCH, line.parse().expect("a value"));
            }
            for tag in ["\"1-a\"", "W/\"1-a\""] {
                assert_eq!(names(&headers, tag), known, "{lines:?} {tag}");
            }
        }
    }
}
