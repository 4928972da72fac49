//! A license in the cache, with the answer that was rendered from it.

use std::ops::Deref;
use std::sync::OnceLock;

use bytes::Bytes;
use lictor_core::facts::license::License;

/// Makes the body of an answer from a license, and from nothing else.
pub type Render = fn(&License) -> Bytes;

/// What a cached license takes beside its document and a body with it, in bytes.
const OVERHEAD: usize = 1_024;

/// A license in memory.
#[derive(Debug)]
pub struct CachedLicense {
    license: License,
    body: OnceLock<(Render, Bytes)>,
}

impl CachedLicense {
    /// What `render` makes of the license. The first one that asks has its answer kept.
    pub fn body(&self, render: Render) -> Bytes {
        let (first, body) = self.body.get_or_init(|| (render, render(&self.license)));
        if std::ptr::fn_addr_eq(*first, render) {
            body.clone()
        } else {
            render(&self.license)
        }
    }

    /// About how many bytes it takes, or will.
    pub(super) fn weight(&self) -> u64 {
        (OVERHEAD + 2 * self.license.payload.len()) as u64
    }
}

impl From<License> for CachedLicense {
    fn from(license: License) -> Self {
        Self {
            license,
            body: OnceLock::new(),
        }
    }
}

impl Deref for CachedLicense {
    type Target = License;

    fn deref(&self) -> &License {
        &self.license
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::digest::Digest;
    use lictor_core::facts::license::LicenseState;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_renderer_gets_its_own_answer() {
        let license = CachedLicense::from(License {
            id: Uuid::from_u128(7),
            payload: "{}".into(),
            state: LicenseState {
                application: "editor".to_owned(),
                payload_sha256: Digest::of(b"{}"),
                created_at: 0,
                updated_at: 0,
                revision: 1,
            },
        });
        let by_id: Render = |license| Bytes::from(license.id.to_string());
        let by_payload: Render = |license| Bytes::from(license.payload.to_string());
        for _ in 0..2 {
            assert_eq!(license.body(by_id), Uuid::from_u128(7).to_string());
            assert_eq!(license.body(by_payload), "{}");
        }
    }
}
