//! The live organizations, found by id or by key however many there are.

use std::collections::HashMap;
use std::sync::Arc;

use lictor_core::facts::organization::Organization;
use uuid::Uuid;

/// All live organizations, as they were read at one instant.
#[derive(Default)]
pub(super) struct Directory {
    /// In order of their keys.
    all: Vec<Arc<Organization>>,
    by_id: HashMap<Uuid, usize>,
    /// Where each stands, in order of their ids.
    ids: Vec<usize>,
}

impl Directory {
    /// Those of a store.
    pub(super) fn of(organizations: Vec<Organization>) -> Self {
        let mut all: Vec<_> = organizations.into_iter().map(Arc::new).collect();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        let places = all.iter().enumerate();
        let by_id = places.map(|(place, one)| (one.id, place)).collect();
        let mut ids: Vec<usize> = (0..all.len()).collect();
        ids.sort_unstable_by_key(|place| all[*place].id);
        Self { all, by_id, ids }
    }

    /// All, in order of their keys.
    pub(super) fn all(&self) -> &[Arc<Organization>] {
        &self.all
    }

    /// Those with greater keys than this one, in order; none: all.
    pub(super) fn after_key(&self, after: Option<&str>) -> &[Arc<Organization>] {
        let first = match after {
            Some(after) => self.all.partition_point(|one| *one.key <= *after),
            None => 0,
        };
        self.all.get(first..).unwrap_or_default()
    }

    /// Those with greater ids than this one, in order of those; none: all.
    pub(super) fn after_id(&self, after: Option<Uuid>) -> impl Iterator<Item = &Arc<Organization>> {
        let first = match after {
            Some(after) => self
                .ids
                .partition_point(|place| self.all[*place].id <= after),
            None => 0,
        };
        let ids = self.ids.get(first..).unwrap_or_default().iter();
        ids.filter_map(|place| self.all.get(*place))
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
        let after_key = |after| {
            let found = directory.after_key(after).iter();
            found.map(|one| one.number).collect::<Vec<_>>()
        };
        assert_eq!(after_key(None), [10, 2, 3]);
        assert_eq!(after_key(Some("")), [10, 2, 3]);
        assert_eq!(after_key(Some("o10")), [2, 3]);
        assert_eq!(after_key(Some("o11")), [2, 3]);
        assert!(after_key(Some("o3")).is_empty());
        let after_id = |after: Option<u128>| {
            let found = directory.after_id(after.map(Uuid::from_u128));
            found.map(|one| one.number).collect::<Vec<_>>()
        };
        assert_eq!(after_id(None), [2, 3, 10]);
        assert_eq!(after_id(Some(2)), [3, 10]);
        assert_eq!(after_id(Some(4)), [10]);
        assert!(after_id(Some(10)).is_empty());
        assert!(directory.by_id(Uuid::nil()).is_none());
        assert!(directory.by_key("o").is_none());
        let keys: Vec<_> = directory.all().iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["o10", "o2", "o3"]);
    }
}
