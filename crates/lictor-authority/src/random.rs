//! The only source of randomness: ids, numbers and secrets.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lictor_core::Error;
use lictor_core::secret::{CLIENT_WORD, TOKEN_WORD};
use uuid::Uuid;

use crate::clock::Timeline;

/// Fills an array with random bytes from the operating system.
///
/// # Errors
/// [`Error::Internal`] if the operating system has none to give.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that draws randomness"
)]
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// A new UUID v7.
///
/// # Errors
/// As [`bytes()`].
pub fn id(clock: &Timeline) -> Result<Uuid, Error> {
    let milliseconds = u64::try_from(clock.now().reading.wall).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(milliseconds, &bytes()?).into_uuid())
}

/// A new number from 1 to 2^53 - 1, for dialects whose ids are numbers.
///
/// # Errors
/// As [`bytes()`].
pub fn number() -> Result<u64, Error> {
    Ok((u64::from_be_bytes(bytes()?) >> 11).max(1))
}

/// A new token: 256 random bits after the word `lictor`.
///
/// # Errors
/// As [`bytes()`].
pub fn token() -> Result<String, Error> {
    Ok(format!(
        "{TOKEN_WORD}{}",
        BASE64_URL_SAFE_NO_PAD.encode(bytes::<32>()?)
    ))
}

/// What a new OAuth client calls itself: `1000.` and 30 letters and digits, a form that programs
/// written for other servers know.
///
/// # Errors
/// As [`bytes()`].
pub fn client_id() -> Result<String, Error> {
    // 32 of the letters and digits, so that each is as likely as the others.
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letters = bytes::<30>()?.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Ok(format!("1000.{}", String::from_iter(letters)))
}

/// The secret of a new OAuth client: 256 random bits after a word by which it is known where it
/// does not belong.
///
/// # Errors
/// As [`bytes()`].
pub fn client_secret() -> Result<String, Error> {
    Ok(format!("{CLIENT_WORD}{}", hex::encode(bytes::<32>()?)))
}

/// A new grant code, refresh token or access token: 256 random bits in the same form.
///
/// # Errors
/// As [`bytes()`].
pub fn credential() -> Result<String, Error> {
    let (first, second) = (bytes::<16>()?, bytes::<16>()?);
    Ok(format!(
        "1000.{}.{}",
        hex::encode(first),
        hex::encode(second)
    ))
}
