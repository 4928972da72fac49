//! Small files with a checksum: a JSON value beside the SHA-256 of its exact text.

use lictor_core::digest::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksummed<'a> {
    sha256: Digest,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The text of a file with this value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let value = serde_json::value::to_raw_value(value)?;
    let sha256 = Digest::of(value.get().as_bytes());
    let mut text = serde_json::to_string(&Checksummed {
        sha256,
        value: &value,
    })?;
    text.push('\n');
    Ok(text)
}

/// The value of a file. `None` if the file was cut or changed.
pub(crate) fn decode<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    let file: Checksummed<'_> = serde_json::from_slice(text).ok()?;
    let is_intact = Digest::of(file.value.get().as_bytes()) == file.sha256;
    is_intact.then(|| serde_json::from_str(file.value.get()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_cut_or_changed_is_noticed() {
        let text = encode(&vec![1_234_u64, 5]).expect("a text");
        assert_eq!(decode(text.as_bytes()), Some(vec![1_234_u64, 5]));
        // The last byte is a line end, which does not matter.
        for at in 0..text.len() - 1 {
            assert_eq!(decode::<Vec<u64>>(&text.as_bytes()[..at]), None);
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                // A digit of the digest may become a capital, which changes nothing.
                let decoded = decode(&bytes).unwrap_or_else(|| vec![1_234, 5]);
                assert_eq!(decoded, [1_234_u64, 5], "byte {at}, bit {bit}");
            }
        }
    }
}
