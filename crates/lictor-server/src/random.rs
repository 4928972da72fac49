//! The only source of randomness: ids, numbers and secrets.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lictor_core::Error;
use uuid::Uuid;

use crate::clock::Clock;

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
/// As [`bytes`].
pub fn id(clock: &Clock) -> Result<Uuid, Error> {
    let milliseconds = u64::try_from(clock.now_milliseconds()).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(milliseconds, &bytes()?).into_uuid())
}

/// A new number from 1 to 2^53 - 1, for dialects whose ids are numbers.
///
/// # Errors
/// As [`bytes`].
pub fn number() -> Result<u64, Error> {
    Ok((u64::from_be_bytes(bytes()?) >> 11).max(1))
}

/// A new token: 256 random bits behind the word `lictor`.
///
/// # Errors
/// As [`bytes`].
pub fn token() -> Result<String, Error> {
    Ok(format!(
        "lictor_{}",
        BASE64_URL_SAFE_NO_PAD.encode(bytes::<32>()?)
    ))
}
