//! Looks through an application's licenses, as the authority takes them.

use std::sync::mpsc;

use lictor_core::facts::entitlement::ApplicationBasis;
use lictor_core::facts::license::License;
use lictor_store::{Store, Which};
use uuid::Uuid;

/// Some of an application's licenses.
pub(crate) async fn some_licenses(
    store: &dyn Store,
    organization: Uuid,
    application: &str,
    which: Which,
    limit: usize,
) -> Vec<License> {
    let (found, licenses) = mpsc::channel();
    let look = Box::new(move |seen: &dyn lictor_store::Licenses| {
        found.send(seen.some(which, limit)?).expect("heard");
        Ok(())
    });
    let looked = store.look_through(organization, application, look).await;
    looked.expect("reads");
    licenses.try_recv().expect("was looked through")
}

/// What an entitlement of this application rests on now.
pub(crate) async fn basis_of(
    store: &dyn Store,
    organization: Uuid,
    application: &str,
) -> ApplicationBasis {
    let looked = store.look_through(organization, application, Box::new(|_| Ok(())));
    looked.await.expect("reads")
}
