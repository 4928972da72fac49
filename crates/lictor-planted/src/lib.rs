//! Faults planted on purpose, and the named points at which a process can be ended, so that tests
//! can show that they would find the real thing. Nothing of it is in a build without the feature
//! `planted-faults`, and no build with it is shipped.

/// Whether `LICTOR_PLANT` names this fault.
#[cfg(feature = "planted-faults")]
pub fn is(fault: &str) -> bool {
    std::env::var_os("LICTOR_PLANT").is_some_and(|asked| asked == fault)
}

/// Whether `LICTOR_PLANT` names this fault: never, in this build.
#[cfg(not(feature = "planted-faults"))]
pub const fn is(_fault: &str) -> bool {
    false
}

/// A named point of a path that writes. `LICTOR_END_AT=NAME:N` ends the process when it comes here
/// for the Nth time, as abruptly as a kill does: nothing is flushed and no destructor runs.
#[cfg(feature = "planted-faults")]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("LICTOR_END_AT").ok()?;
        let (name, times) = asked.split_once(':')?;
        Some((name.to_owned(), times.parse().ok()?))
    });
    if let Some((_, times)) = asked.as_ref().filter(|(asked, _)| asked == name)
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *times
    {
        std::process::abort();
    }
}

/// A named point of a path that writes: nothing, in this build.
#[cfg(not(feature = "planted-faults"))]
pub const fn point(_name: &str) {}
