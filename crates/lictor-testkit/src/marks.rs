//! Parts of a page that are written by programs: each stands between `<!-- NAME -->` and `<!-- end -->`.

use anyhow::{Context, Result, ensure};

const END: &str = "<!-- end -->";

/// The page with this part in the place of the one that is there.
///
/// # Errors
/// The page has no place for it, or the part would end early.
pub fn replaced(page: &str, name: &str, part: &str) -> Result<String> {
    let begin = format!("<!-- {name} -->\n");
    let around = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = around.with_context(|| format!("the page has no place for {name}"))?;
    ensure!(!part.contains(END), "a part cannot hold its own end");
    Ok(format!("{before}{begin}\n{}\n\n{END}{after}", part.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_part_is_replaced() {
        let page = "# A\n<!-- x -->\nold\n<!-- end -->\n<!-- y -->\nkept\n<!-- end -->\n";
        let new = replaced(page, "x", "| new |").unwrap();
        assert_eq!(
            new,
            "# A\n<!-- x -->\n\n| new |\n\n<!-- end -->\n<!-- y -->\nkept\n<!-- end -->\n"
        );
        assert!(replaced(page, "z", "").is_err());
        assert!(replaced(page, "x", END).is_err());
    }
}
