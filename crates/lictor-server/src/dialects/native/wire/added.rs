//! The answer to a license that was added: itself, and where it came to stand among the others.

use std::borrow::Cow;

use lictor_authority::{Candidate, Succession};
use lictor_core::{Date, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::{LicenseView, time};

/// A license that was added. Its place comes last, so that what stands before it is the license as it is shown
/// by itself.
#[derive(Serialize)]
pub(in super::super) struct AddedLicense {
    #[serde(flatten)]
    license: LicenseView,
    place: PlaceView,
}

/// The object that this body, the answer to a POST, is about, as it is shown by itself.
pub(in super::super) fn object_of(body: &[u8]) -> Cow<'_, [u8]> {
    // In no text can quotes stand so.
    let place = br#","place":{"#;
    match body.windows(place.len()).rposition(|text| text == place) {
        Some(end) => Cow::Owned([&body[..end], b"}"].concat()),
        None => Cow::Borrowed(body),
    }
}

#[derive(Serialize)]
struct PlaceView {
    takes_over_from: Option<NeighborView>,
    followed_by: Option<NeighborView>,
    gap_before: Option<GapView>,
    gap_after: Option<GapView>,
}

/// Another license of the application.
#[derive(Serialize)]
struct NeighborView {
    id: Uuid,
    customer: Option<String>,
    product_subscription: Option<String>,
    license_creation_date: Option<Date>,
    license_expiration_date: Date,
}

/// From when until when no license is in force.
#[derive(Serialize)]
struct GapView {
    from: String,
    until: String,
}

impl AddedLicense {
    /// A license, and its place among those that were there before.
    pub(in super::super) fn new(
        license: LicenseView,
        place: &Succession,
        before: &[Candidate],
    ) -> Self {
        let neighbor = |id: Option<Uuid>| {
            let found = before.iter().find(|other| Some(other.id) == id)?;
            Some(NeighborView {
                id: found.id,
                customer: found.claims.customer.clone(),
                product_subscription: found.claims.product_subscription.clone(),
                license_creation_date: found.claims.creation_date,
                license_expiration_date: found.claims.expiration_date,
            })
        };
        let gap = |gap: Option<(Timestamp, Timestamp)>| {
            gap.map(|(from, until)| GapView {
                from: time(from),
                until: time(until),
            })
        };
        Self {
            place: PlaceView {
                takes_over_from: neighbor(place.takes_over_from),
                followed_by: neighbor(place.followed_by),
                gap_before: gap(place.gap_before),
                gap_after: gap(place.gap_after),
            },
            license,
        }
    }
}
