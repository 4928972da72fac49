//! Which paths fit the pattern of a route, for the dialects whose routes are data.

/// What the variable segment of a pattern, one in braces, stands for in a path; empty where the pattern
/// has none. None where the path does not fit: a variable segment is never empty.
pub(super) fn variable<'a>(pattern: &[&str], path: &[&'a str]) -> Option<&'a str> {
    if pattern.len() != path.len() {
        return None;
    }
    let mut variable = "";
    for (wanted, found) in pattern.iter().zip(path) {
        if wanted.starts_with('{') {
            if found.is_empty() {
                return None;
            }
            variable = *found;
        } else if wanted != found {
            return None;
        }
    }
    Some(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_segment_is_anything_but_empty() {
        let pattern = &["users", "{name}"];
        assert_eq!(variable(pattern, &["users", "a"]), Some("a"));
        assert_eq!(variable(pattern, &["users", ""]), None);
        assert_eq!(variable(pattern, &["groups", "a"]), None);
        assert_eq!(variable(pattern, &["users"]), None);
        assert_eq!(variable(pattern, &["users", "a", "b"]), None);
        assert_eq!(variable(&["users"], &["users"]), Some(""));
    }
}
