//! Enrollment tokens, with which a node or the nodes of a pool join.

use std::str::FromStr;

use crate::digest::Digest;
use crate::document::keys::PublicKey;
use crate::secret::{ENROLLMENT_WORD, POOL_WORD};

/// A token that lets one node join once, or the nodes of a pool. It consists of a secret and the SHA-256 of the
/// control plane's public key, so that a node recognizes its control plane. It has no `Debug`.
#[derive(Clone)]
pub struct EnrollmentToken {
    text: String,
    pin: Digest,
}

impl EnrollmentToken {
    /// The token of one node, from 256 random bits.
    pub fn new(secret: &[u8; 32], control_plane: &PublicKey) -> Self {
        Self::with(ENROLLMENT_WORD, secret, control_plane)
    }

    /// The token of a pool, from 256 random bits.
    pub fn of_pool(secret: &[u8; 32], control_plane: &PublicKey) -> Self {
        Self::with(POOL_WORD, secret, control_plane)
    }

    fn with(word: &str, secret: &[u8; 32], control_plane: &PublicKey) -> Self {
        let pin = control_plane.sha256();
        Self {
            text: format!("{word}{}{pin}", hex::encode(secret)),
            pin,
        }
    }

    /// Whether it is the token of a pool, which may be used repeatedly.
    pub fn is_of_pool(&self) -> bool {
        self.text.starts_with(POOL_WORD)
    }

    /// The token as it is handed over. Keep it secret until it is used.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form in which the control plane stores it.
    pub fn sha256(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// The SHA-256 of the control plane's public key, of its 32 raw bytes.
    pub fn pin(&self) -> Digest {
        self.pin
    }
}

impl FromStr for EnrollmentToken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "this is not an enrollment token; make one with `lictor node enroll`";
        let words = [ENROLLMENT_WORD, POOL_WORD];
        let digits = words.iter().find_map(|word| text.strip_prefix(word));
        let digits = digits.ok_or(wrong)?;
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != 128 || !digits.bytes().all(lower) {
            return Err(wrong);
        }
        let pin = Digest::try_from(digits[64..].to_owned()).map_err(|_| wrong)?;
        Ok(Self {
            text: text.to_owned(),
            pin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::keys::SigningKey;

    #[test]
    fn an_enrollment_token_names_its_control_plane() {
        let key = SigningKey::from_seed([4; 32]).public_key();
        let token = EnrollmentToken::new(&[7; 32], &key);
        let read: EnrollmentToken = token.as_str().parse().expect("a token");
        assert_eq!(read.pin(), key.sha256());
        assert_eq!(read.sha256(), token.sha256());
        let text = token.as_str();
        for bad in [
            "",
            "lictor_x",
            &text[..text.len() - 1],
            &format!("{text}0"),
            &text.to_uppercase(),
            &text.replace("07", "0g"),
            &format!(" {text}"),
        ] {
            assert!(bad.parse::<EnrollmentToken>().is_err(), "{bad}");
        }
    }
}
