//! Percent-encoding of paths, queries and forms; what the names and values mean is decided
//! elsewhere.

use std::borrow::Cow;

/// A path segment with its escapes undone.
pub(super) fn decode_segment(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    Cow::Owned(String::from_utf8_lossy(&decode(segment.as_bytes(), false)).into_owned())
}

/// How many pairs a query or form has.
pub(super) fn count(text: &[u8]) -> usize {
    pieces(text).count()
}

/// The pairs of a query or form, in order. A name without `=` has an empty value.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    pieces(text).map(|piece| {
        let end = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = match end {
            Some(end) => (&piece[..end], &piece[end + 1..]),
            None => (piece, &[][..]),
        };
        (decode(name, true), decode(value, true))
    })
}

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'&')
        .filter(|piece| !piece.is_empty())
}

/// Undoes `%41`, and `+` where it stands for a space. A stray `%` stands for itself.
fn decode(text: &[u8], plus_is_space: bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, following)) = rest.split_first() {
        rest = following;
        match (first, following) {
            (b'%', [high, low, after @ ..]) => {
                if let (Some(high), Some(low)) = (nibble(*high), nibble(*low)) {
                    decoded.push(high << 4 | low);
                    rest = after;
                } else {
                    decoded.push(b'%');
                }
            }
            (b'+', _) if plus_is_space => decoded.push(b' '),
            _ => decoded.push(first),
        }
    }
    decoded
}

fn nibble(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_stray_percent_signs_stay() {
        for (text, plus_is_space, decoded) in [
            ("a%2Fb", false, "a/b"),
            ("a+b", false, "a+b"),
            ("a+b%2b", true, "a b+"),
            ("100%", true, "100%"),
            ("%4", true, "%4"),
            ("%zz%41", true, "%zzA"),
            ("%%41", true, "%A"),
        ] {
            assert_eq!(
                decode(text.as_bytes(), plus_is_space),
                decoded.as_bytes(),
                "{text}"
            );
        }
    }

    #[test]
    fn pairs_without_a_value_or_a_name_are_pairs_and_nothing_is_not() {
        let found: Vec<_> = pairs(b"a=1&&b&=c&d==").collect();
        let text = |text: &str| text.as_bytes().to_vec();
        let expected = [("a", "1"), ("b", ""), ("", "c"), ("d", "=")];
        assert_eq!(
            found,
            expected.map(|(name, value)| (text(name), text(value)))
        );
        assert_eq!((count(b""), count(b"a&b")), (0, 2));
    }
}
