//! How many connections each address holds; what is done with one too many is `accept`'s.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use lictor_authority::counted_as;

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Connections held per address, if that is capped.
pub(crate) struct Addresses {
    cap: Option<usize>,
    counts: Counts,
}

/// A connection's place in the count of its address, given back on drop.
pub(crate) struct Place {
    counted: Option<(IpAddr, Counts)>,
}

impl Addresses {
    pub(crate) fn new(cap: Option<usize>) -> Self {
        Self {
            cap,
            counts: Arc::default(),
        }
    }

    /// `None` if the address holds as many connections as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let (Some(cap), Some(address)) = (self.cap, counted_as(address)) else {
            return Some(Place::uncounted());
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= cap {
            return None;
        }
        *count += 1;
        Some(Place {
            counted: Some((address, Arc::clone(&self.counts))),
        })
    }
}

impl Place {
    /// One of an address whose connections are not counted.
    pub(crate) fn uncounted() -> Self {
        Self { counted: None }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((address, counts)) = &self.counted else {
            return;
        };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_more_than_its_cap_and_gets_places_back() {
        let addresses = Addresses::new(Some(1));
        let [one, neighbor, other]: [IpAddr; 3] =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1"].map(|text| text.parse().unwrap());
        let place = addresses.take(one).unwrap();
        assert!(addresses.take(neighbor).is_none(), "the same /64");
        assert!(addresses.take(other).is_some());
        drop(place);
        assert!(addresses.take(neighbor).is_some());
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let _held = addresses.take(loopback);
        assert!(
            addresses.take(loopback).is_some(),
            "loopback is not counted"
        );
    }
}
