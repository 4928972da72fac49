//! What is kept of what was found out, whoever writes meanwhile.

use lictor_core::facts::application::OverLimit;
use lictor_core::record::Record;
use lictor_store::Written;

use super::cache::{NOTED, Slot};
use super::*;
use crate::clock::{Clock, ManualClock};
use crate::reactions::Reactions;
use crate::{Authority, Start};

fn known(seats: u64) -> Arc<Known> {
    let counts = AccountCounts {
        holders: seats,
        ..AccountCounts::default()
    };
    Known::new(Vec::new(), counts, 0, &Arc::default())
}

#[test]
fn what_is_kept_is_made_without_the_lock_and_of_what_is_known_then() {
    let slot = Slot::default();
    slot.replace(|_| unreachable!("nothing is known"));
    slot.cached().known = Some(known(1));
    slot.replace(|before| {
        // Whoever writes comes in between.
        let mut cached = slot.cached.try_lock().expect("the lock is free");
        if before.counts.holders == 1 {
            cached.known = Some(known(2));
        }
        known(before.counts.holders + 10)
    });
    let holders = slot
        .cached()
        .known
        .as_ref()
        .map(|known| known.counts.holders);
    assert_eq!(holders, Some(12));
}

#[tokio::test]
async fn what_was_found_out_before_all_was_forgotten_is_not_kept() {
    let secret = "an-operator-token-of-the-tests-long-enough";
    let start = Start {
        operator_secret: Some(secret.to_owned()),
        ..Start::default()
    };
    let store = lictor_store::open_temporary().expect("a store");
    let clock = Clock::Manual(ManualClock::at(1_800_000_000));
    let authority = Authority::open(store.clone(), clock, start, |_| Ok(())).await;
    let authority = authority.expect("an installation").authority();
    let signed_in = authority.sign_in(secret).await.expect("an operator");
    let call = authority.call(signed_in, None).expect("a call");
    let made = authority.create_application(
        call.permit().expect("the right"),
        "editor",
        None,
        OverLimit::Refuse,
    );
    made.await.expect("created");

    let (all, id) = (&authority.cache.known, call.organization.id);
    let find_out = async || {
        let known = all.read(store.as_ref(), id).await.expect("read");
        let row = known.row("editor").expect("it is there");
        Arc::clone(row).found(Granted::nothing("editor"))
    };
    let slot = all.slot(id);
    let is_granted = || {
        let cached = slot.cached();
        let row = cached.known.as_ref().and_then(|known| known.row("editor"));
        row.expect("it is there").granted.is_some()
    };
    let early = find_out().await;
    // So much is written that all is forgotten, and all is read again.
    let name = |number: usize| Record::ApplicationName {
        key: format!("app-{number}"),
        name: None,
    };
    let written = Written {
        records: (0..=NOTED).map(name).collect(),
        ..Written::default()
    };
    all.note(&Reactions::to(id, &written));
    assert!(slot.cached().known.is_none());
    let late = find_out().await;
    slot.keep(&[early]);
    assert!(!is_granted(), "its licenses may have been written since");
    slot.keep(&[late]);
    assert!(is_granted());
}
