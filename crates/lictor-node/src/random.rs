//! The only source of randomness: the credential, the names of an epoch and
//! a start, and the wait before the next
//! try.

use std::time::Duration;

use uuid::Uuid;

use crate::error::StartError;

/// Fills an array with random bytes from the operating system.
///
/// # Errors
/// [`StartError::System`] if the operating system has none to give.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that draws randomness"
)]
fn bytes<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::debug!(%error, "no randomness");
        StartError::System("it has no randomness to give".to_owned())
    })?;
    Ok(bytes)
}

/// A new credential: 256 random bits after a word that says what it is.
pub(crate) fn credential() -> Result<String, StartError> {
    Ok(format!("lictor_node_{}", hex::encode(bytes::<32>()?)))
}

/// The name of a new epoch: 16 lower-case hex digits.
pub(crate) fn epoch() -> Result<String, StartError> {
    Ok(hex::encode(bytes::<8>()?))
}

/// The name of a start of the program.
pub(crate) fn start() -> Result<Uuid, StartError> {
    Ok(uuid::Builder::from_random_bytes(bytes()?).into_uuid())
}

/// A span from `shortest` to `longest`, so that many nodes do not come back at once.
pub(crate) fn span(shortest: Duration, longest: Duration) -> Duration {
    let drawn = bytes::<4>().map_or(u32::MAX / 2, u32::from_le_bytes);
    let wide = longest.saturating_sub(shortest);
    shortest + wide.mul_f64(f64::from(drawn) / f64::from(u32::MAX))
}
