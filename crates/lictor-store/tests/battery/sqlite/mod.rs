//! What only the embedded database promises: its folder, its file, and what damage does to them.

mod before;
mod bounded;
mod damage;
mod elapsed;
mod erased;
mod files;
mod keys;
mod roots;
mod usage;
mod watched;

use std::path::Path;
use std::sync::Arc;

use lictor_core::facts::account::AccountKind;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::role::Role;
use lictor_store::{CheckReport, New, OpenError, Store, Watch, watched_check};
use tempfile::TempDir;

use crate::given::{
    ACME, NOW, acme, add_license, adopt_nodes, assign, check_out, document, done, enroll_node,
    give_back, id, join_node, new_account, new_application, new_client, new_organization,
    new_token, refresh, report_node, set_node_policy, trust_by_rotation,
};
use crate::usage::{count, report_usage};

fn open(folder: &Path) -> Result<Arc<dyn Store>, OpenError> {
    lictor_store::open(folder, New::Beside(&[]))
}

fn check_folder(folder: &Path) -> Result<CheckReport, OpenError> {
    watched_check(folder, &Watch::default())
}

fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    };
    made.expect("a folder")
}

/// Fills a store with a little of everything.
async fn fill(store: &dyn Store) {
    acme(store).await;
    done(store, new_organization(id(2), "other")).await;
    done(store, trust_by_rotation(1, 2)).await;
    done(store, new_token(INSTALLATION, id(71), Role::Operator)).await;
    done(store, new_token(ACME, id(72), Role::Admin)).await;
    for number in 1..=12 {
        let product = ["Kong", "Jira"][usize::from(number % 2 == 0)];
        let document = document(1, product, number);
        done(store, add_license(ACME, id(number.into()), &document, NOW)).await;
    }
    done(store, new_application(ACME, "editor", OverLimit::Refuse)).await;
    done(store, new_account(ACME, id(50), AccountKind::Person)).await;
    done(store, assign(ACME, "editor", id(50), 5)).await;
    done(store, check_out(ACME, "editor", (id(80), "device"), 5, NOW)).await;
    done(store, check_out(ACME, "editor", (id(81), "former"), 5, NOW)).await;
    done(store, give_back(ACME, id(81), Some(1))).await;
    done(store, check_out(ACME, "editor", (id(82), "late"), 0, NOW)).await;
    done(store, new_client(ACME, id(40), Some(id(50)))).await;
    done(store, refresh(ACME, id(40), 1, NOW)).await;
    done(store, enroll_node(ACME, (id(90), "edge"), "kong", Some(3))).await;
    done(store, join_node(ACME, id(90))).await;
    done(store, set_node_policy(ACME, 60)).await;
    done(store, adopt_nodes(ACME, 1_000)).await;
    done(store, report_node(ACME, id(90), 7, true)).await;
    done(
        store,
        report_usage(ACME, vec![count("edge", "web", "2026-11", 5)]),
    )
    .await;
}
