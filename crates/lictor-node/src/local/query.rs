//! Queries: known parameters, each at most once.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The values of the parameters with these names, in their order.
///
/// # Errors
/// What is wrong and what to do, in words.
pub(super) fn read<'a, const N: usize>(
    query: &'a str,
    names: [&str; N],
) -> Result<[Option<Cow<'a, str>>; N], String> {
    let mut values = [const { None }; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        let Some(at) = names.iter().position(|known| *known == name) else {
            return Err(format!(
                "there is no parameter {name:?}; use {}",
                names.join(", ")
            ));
        };
        if values[at].replace(value).is_some() {
            return Err(format!("the parameter {name} is given twice; give it once"));
        }
    }
    Ok(values)
}

fn decoded(text: &str) -> Result<Cow<'_, str>, String> {
    let wrong = || format!("{text:?} is not well percent-encoded");
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3).ok_or_else(wrong)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        rest = &rest[at + 3..];
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8();
        return Ok(Cow::Owned(decoded.map_err(|_| wrong())?.into_owned()));
    }
    percent_decode_str(text).decode_utf8().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_known_and_given_once() {
        let read = |query| read(query, ["service", "feature"]);
        let good = read("service=a%20b+c%2B&&feature").expect("readable");
        assert_eq!(good, [Some("a b c+".into()), Some("".into())]);
        assert_eq!(read("&"), Ok([None, None]));
        for bad in [
            "service=a&service=a",
            "x=1",
            "service=%",
            "service=%4",
            "service=%zz",
            "service=%ff",
            "service=+%f",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
