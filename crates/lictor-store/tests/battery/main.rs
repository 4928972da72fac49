//! The battery: every promise of the `Store` trait as one small test, put to each backend.

mod given;
mod licenses;

use std::sync::Arc;

use lictor_store::Store;
use lictor_store::sqlite::SqliteStore;

/// Puts every promise to one backend, on a new store each.
macro_rules! battery {
    ($backend:ident, $open:path) => {
        battery! { @tests $backend, $open,
            licenses::what_was_written_is_read;
        }
    };
    (@tests $backend:ident, $open:path, $($group:ident :: $promise:ident;)*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$group::$promise($open()).await;
                }
            )*
        }
    };
}

fn open_sqlite() -> Arc<dyn Store> {
    Arc::new(SqliteStore::in_memory().expect("opens"))
}

battery!(sqlite, crate::open_sqlite);
