//! Paths as clients write them: a run of slashes is one, for whichever server the path is of.

/// The path with every run of slashes made one; none where there is none to make. An escaped slash is
/// no slash.
pub fn merged(path: &str) -> Option<String> {
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
