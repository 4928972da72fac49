//! The verdict of an experiment: a sentence that must hold, and the evidence against it.

use lictor_testkit::Tally;

/// A sentence, and all that breaks it.
pub(super) type Promise = (&'static str, Vec<String>);

/// Prints how it stands with a promise, and counts it.
pub(super) fn count(tally: &mut Tally, (sentence, broken): Promise) {
    match broken.first() {
        None => println!("ok {sentence}"),
        Some(first) => println!("FAIL {sentence}: {} times, first {first}", broken.len()),
    }
    tally.count(broken.is_empty());
}
