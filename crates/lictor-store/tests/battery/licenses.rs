//! The promises about licenses, their order and their pages.

use std::sync::Arc;

use lictor_store::Store;

use crate::given::{ACME, NOW, acme, add_license, document, done, id};

pub(crate) async fn what_was_written_is_read(store: Arc<dyn Store>) {
    acme(&*store).await;
    let document = document(1, "Kong Gateway", 1);
    done(&*store, add_license(ACME, id(7), &document, NOW)).await;
    let license = store
        .license(ACME, id(7))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(license.payload, *document.payload());
    assert_eq!(license.state.revision, 2, "after the application's entry");
    assert_eq!(license.state.application, "kong-gateway");
    assert_eq!(
        store.applications(ACME).await.expect("reads"),
        ["kong-gateway"]
    );
    assert_eq!(store.license(id(1), id(7)).await.expect("reads"), None);
    assert_eq!(
        store.current_license(ACME).await.expect("reads"),
        Some(license)
    );
}
