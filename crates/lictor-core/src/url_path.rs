//! The paths of URLs as clients write them: repeated slashes count as one.

/// The path with repeated slashes merged. `None` if there are none. An escaped slash is not a slash.
pub fn merge_slashes(path: &str) -> Option<String> {
    if !path.contains("//") {
        return None;
    }
    let mut merged = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !merged.ends_with('/') {
            merged.push(letter);
        }
    }
    Some(merged)
}
