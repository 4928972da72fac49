//! Small files that tell whether they are whole: a value after the SHA-256 of its exact text.

use lictor_core::digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    sha256: Digest,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The text of a file that holds the value.
pub(crate) fn seal<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let value = serde_json::value::to_raw_value(value)?;
    let sha256 = Digest::of(value.get().as_bytes());
    let mut text = serde_json::to_string(&Sealed {
        sha256,
        value: &value,
    })?;
    text.push('\n');
    Ok(text)
}

/// The value of a file that is whole; none: it was cut or changed.
pub(crate) fn open<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    let sealed: Sealed<'_> = serde_json::from_slice(text).ok()?;
    let whole = Digest::of(sealed.value.get().as_bytes()) == sealed.sha256;
    whole.then(|| serde_json::from_str(sealed.value.get()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_cut_or_changed_is_noticed() {
        let text = seal(&vec![1_234_u64, 5]).expect("a text");
        assert_eq!(open(text.as_bytes()), Some(vec![1_234_u64, 5]));
        // Its last byte is a line's end, which says nothing.
        for at in 0..text.len() - 1 {
            assert_eq!(open::<Vec<u64>>(&text.as_bytes()[..at]), None);
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                // A digit of the digest may become a capital, which changes nothing.
                let opened = open(&bytes).unwrap_or_else(|| vec![1_234, 5]);
                assert_eq!(opened, [1_234_u64, 5], "byte {at}, bit {bit}");
            }
        }
    }
}
