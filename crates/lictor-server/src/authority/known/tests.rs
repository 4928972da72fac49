//! What is kept of what was found out, whoever writes meanwhile.

use super::kept::Place;
use super::*;

fn known(seats: u64) -> Arc<Known> {
    let counts = AccountCounts {
        holders: seats,
        ..AccountCounts::default()
    };
    Known::new(Vec::new(), counts, &Arc::default())
}

#[test]
fn what_is_kept_is_made_without_the_lock_and_of_what_is_known_then() {
    let place = Place::default();
    place.replace(|_| unreachable!("nothing is known"));
    place.held().known = Some(known(1));
    place.replace(|before| {
        // Whoever writes comes in between.
        let mut held = place.held.try_lock().expect("the lock is free");
        if before.counts.holders == 1 {
            held.known = Some(known(2));
        }
        known(before.counts.holders + 10)
    });
    let holders = place
        .held()
        .known
        .as_ref()
        .map(|known| known.counts.holders);
    assert_eq!(holders, Some(12));
}
