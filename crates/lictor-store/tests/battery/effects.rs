//! The promises about rows that a write does not find: a fault where it had to find one, else nothing.

use lictor_core::Error;
use lictor_core::decision::Decision;
use lictor_core::facts::lease::{EndedLease, LeaseEnd};
use lictor_core::record::Record;
use lictor_store::Write;

use crate::given::{ACME, NOW, acme, digest, done, id, refused, write};

fn recording(record: &Record) -> Write {
    let record = record.clone();
    write(ACME, NOW, vec![], move |_| {
        let mut decision = Decision::nothing();
        decision.records.push(record.clone());
        Ok(decision)
    })
}

/// It would be lost without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_what_is_not_there_is_a_fault() {
    let store = crate::new_store();
    acme(&*store).await;
    let id = id(99);
    for record in [
        Record::TokenSecret {
            id,
            sha256: [7; 32],
            name: None,
        },
        Record::ClientName { id, name: None },
        Record::ApplicationName {
            key: "none".to_owned(),
            name: None,
        },
        Record::IdentityErased { id },
    ] {
        let error = refused(&*store, recording(&record)).await;
        assert!(matches!(error, Error::Internal(_)), "{record:?}: {error}");
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_gone_is_no_fault() {
    let store = crate::new_store();
    acme(&*store).await;
    let dropped = EndedLease {
        id: id(80),
        application: "editor".to_owned(),
        holder: None,
        since: NOW,
        until: NOW,
        reason: LeaseEnd::Released,
        position: 1,
    };
    for record in [
        Record::HolderOfEndedForgotten(dropped),
        Record::AccessEnded {
            sha256: digest("none"),
        },
        Record::UsageEpochForgotten {
            series: ("edge".to_owned(), "web".to_owned()),
            epoch: "none".to_owned(),
        },
        Record::NodeStarts {
            id: id(90),
            counting: Vec::new(),
            apart: None,
            own: Vec::new(),
        },
    ] {
        done(&*store, recording(&record)).await;
    }
}
