//! The live organizations, found by id or by key however many there are.

use std::collections::HashMap;
use std::sync::Arc;

use lictor_core::Organization;
use uuid::Uuid;

/// All live organizations, as they were read at one instant.
#[derive(Default)]
pub(super) struct Directory {
    /// In order of their keys.
    all: Vec<Arc<Organization>>,
    by_id: HashMap<Uuid, usize>,
}

impl Directory {
    /// Those of a store.
    pub(super) fn of(organizations: Vec<Organization>) -> Self {
        let mut all: Vec<_> = organizations.into_iter().map(Arc::new).collect();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        let places = all.iter().enumerate();
        let by_id = places.map(|(place, one)| (one.id, place)).collect();
        Self { all, by_id }
    }

    /// All, in order of their keys.
    pub(super) fn all(&self) -> &[Arc<Organization>] {
        &self.all
    }

    /// The one with this id.
    pub(super) fn by_id(&self, id: Uuid) -> Option<&Arc<Organization>> {
        self.all.get(*self.by_id.get(&id)?)
    }

    /// The one with this key.
    pub(super) fn by_key(&self, key: &str) -> Option<&Arc<Organization>> {
        let place = self.all.binary_search_by(|one| one.key.as_str().cmp(key));
        self.all.get(place.ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_id_and_its_key() {
        let organization = |number: u64| Organization {
            id: Uuid::from_u128(number.into()),
            key: format!("o{number}"),
            number,
            name: None,
            created_at: 0,
        };
        // Not in order of their keys.
        let directory = Directory::of([3, 10, 2].map(organization).to_vec());
        for number in [2_u64, 3, 10] {
            let found = directory.by_id(Uuid::from_u128(number.into()));
            assert_eq!(found.map(|found| found.number), Some(number));
            let found = directory.by_key(&format!("o{number}"));
            assert_eq!(found.map(|found| found.number), Some(number));
        }
        assert!(directory.by_id(Uuid::nil()).is_none());
        assert!(directory.by_key("o").is_none());
        let keys: Vec<_> = directory.all().iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["o10", "o2", "o3"]);
    }
}
