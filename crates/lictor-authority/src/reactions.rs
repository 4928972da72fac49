//! Who must hear of a change: one exhaustive match over [`Change`], and one over [`Record`], which all that is kept
//! in memory and all open feeds go by. A new variant does not compile before it says so here.

use std::ops::Deref;

use lictor_core::change::Change;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::record::Record;
use lictor_store::Written;
use uuid::Uuid;

/// Who must hear of one change, or of one record. The default is nobody: then a write with entries only makes the
/// figures of its organization be read again, and those of the applications that its rule was shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reaction<'a> {
    /// Forget this license, and what its application is entitled to.
    pub(crate) license: Option<Uuid>,
    /// Read this application again, which was created or removed.
    pub(crate) application: Option<&'a str>,
    /// Read this application again, which was renamed.
    pub(crate) renamed: Option<&'a str>,
    /// Forget these tokens.
    pub(crate) tokens: Option<StaleTokens>,
    /// Note what became of this node.
    pub(crate) node: Option<(Uuid, NodeEvent)>,
    /// Count again how many nodes take a place.
    pub(crate) node_places: bool,
    /// The organization is gone: its nodes sign in no more.
    pub(crate) organization_removed: bool,
    /// Read keys, policy and organizations again.
    pub(crate) installation: bool,
    /// Wake the open feeds of the organization, or all if it is the installation's stream.
    pub(crate) feeds: bool,
}

/// Which tokens in memory are stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StaleTokens {
    /// The token with this id, those of the account with this id, or those of the organization with this id.
    Of(Uuid),
    /// The token whose secret has this SHA-256.
    WithSecret([u8; 32]),
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeEvent {
    /// It was enrolled, perhaps again.
    Enrolled,
    /// It took a place of a pool again.
    Returned,
    /// It gave its place in its pool back.
    Left,
    /// Nothing is stored of it any more.
    Removed,
    /// It is sent nothing any more, and cannot come back.
    Revoked,
}

/// A write, and who must hear of it.
pub(crate) struct Reactions<'a> {
    written: &'a Written,
    /// The stream it was written to.
    pub(crate) stream: Uuid,
    /// In the order of its changes, those that nobody must hear of left out.
    each: Vec<Reaction<'a>>,
}

impl<'a> Reactions<'a> {
    /// To what a write has stored in this stream.
    pub(crate) fn to(stream: Uuid, written: &'a Written) -> Self {
        let entries = written.entries.iter();
        let changes = entries.map(|entry| to_change(stream, &entry.change));
        let records = written.records.iter();
        let records = records.map(|record| to_record(stream, record));
        let nobody = Reaction::default();
        Self {
            written,
            stream,
            each: changes
                .chain(records)
                .filter(|one| *one != nobody)
                .collect(),
        }
    }

    /// In the order of the changes.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Reaction<'a>> {
        self.each.iter()
    }

    /// Whether a license was written or removed.
    pub(crate) fn has_licenses(&self) -> bool {
        self.each().any(|one| one.license.is_some())
    }

    /// Whether keys, policy and organizations are to be read again.
    pub(crate) fn has_installation(&self) -> bool {
        self.stream == INSTALLATION || self.each().any(|one| one.installation)
    }

    /// Whether open feeds are to be woken.
    pub(crate) fn has_feeds(&self) -> bool {
        self.each().any(|one| one.feeds)
    }
}

impl Deref for Reactions<'_> {
    type Target = Written;

    fn deref(&self) -> &Written {
        self.written
    }
}

/// Who must hear of a change of this stream.
fn to_change(stream: Uuid, change: &Change) -> Reaction<'_> {
    let nobody = Reaction::default();
    let of_node = |id: &Uuid, event| Reaction {
        node: Some((*id, event)),
        ..nobody
    };
    let feeds = Reaction {
        feeds: true,
        ..nobody
    };
    match change {
        Change::LicenseWritten { id, .. } | Change::LicenseRemoved { id } => Reaction {
            license: Some(*id),
            ..feeds
        },
        Change::ApplicationCreated { key } | Change::ApplicationRemoved { key } => Reaction {
            application: Some(key),
            ..nobody
        },
        Change::PolicySet { .. }
        | Change::KeyTrusted { .. }
        | Change::KeyRetired { .. }
        | Change::KeyRevoked { .. } => Reaction {
            installation: true,
            ..feeds
        },
        Change::OrganizationCreated { .. } => Reaction {
            installation: true,
            ..nobody
        },
        Change::OrganizationRemoved => Reaction {
            tokens: Some(StaleTokens::Of(stream)),
            node_places: true,
            organization_removed: true,
            installation: true,
            ..feeds
        },
        Change::TokenRevoked { id }
        | Change::AccountSet { id, .. }
        | Change::AccountRemoved { id } => Reaction {
            tokens: Some(StaleTokens::Of(*id)),
            ..nobody
        },
        // Access tokens are known by their secrets alone.
        Change::ClientRemoved { .. } | Change::GrantRevoked { .. } => Reaction {
            tokens: Some(StaleTokens::Of(stream)),
            ..nobody
        },
        Change::NodePolicySet { .. } | Change::NodesAdopted { .. } => feeds,
        Change::NodeEnrolled { id, .. } => Reaction {
            node_places: true,
            ..of_node(id, NodeEvent::Enrolled)
        },
        Change::NodeJoined { .. } => Reaction {
            node_places: true,
            ..nobody
        },
        // The place of one that left is counted as free already.
        Change::NodeBarred { id } => Reaction {
            feeds: true,
            ..of_node(id, NodeEvent::Revoked)
        },
        Change::NodeRevoked { id } => Reaction {
            node_places: true,
            feeds: true,
            ..of_node(id, NodeEvent::Revoked)
        },
        // It concerns no other node: no feed is woken.
        Change::NodeLeft { id, .. } => Reaction {
            node_places: true,
            ..of_node(id, NodeEvent::Left)
        },
        Change::NodeReturned { id, .. } => Reaction {
            node_places: true,
            ..of_node(id, NodeEvent::Returned)
        },
        Change::NodeRemoved { id } => of_node(id, NodeEvent::Removed),
        Change::TokenCreated { .. }
        | Change::ClientCreated { .. }
        | Change::GrantCreated { .. }
        | Change::NodePoolCreated { .. }
        | Change::NodePoolRevoked { .. }
        | Change::ApplicationSet { .. }
        | Change::AccountCreated { .. }
        | Change::SeatAssigned { .. }
        | Change::SeatReleased { .. }
        | Change::LeaseCheckedOut { .. }
        | Change::LeaseEnded { .. }
        | Change::QuotaSet { .. }
        | Change::UsageCorrected { .. } => nobody,
    }
}

/// Who must hear of what was stored beside changes of this stream.
fn to_record(stream: Uuid, record: &Record) -> Reaction<'_> {
    let nobody = Reaction::default();
    let stale = |tokens| Reaction {
        tokens: Some(tokens),
        ..nobody
    };
    match record {
        Record::ApplicationName { key, .. } => Reaction {
            renamed: Some(key),
            ..nobody
        },
        Record::OrganizationName { .. } | Record::KeyRotation(_) => Reaction {
            installation: true,
            ..nobody
        },
        Record::Identity { id, .. } | Record::IdentityErased { id } => stale(StaleTokens::Of(*id)),
        Record::TokenSecret { sha256, .. } => stale(StaleTokens::WithSecret(*sha256)),
        Record::ClientSecret { .. } | Record::ClientName { .. } => stale(StaleTokens::Of(stream)),
        Record::AccessEnded { sha256 } => stale(StaleTokens::WithSecret(sha256.0)),
        Record::TokenOrigin { .. }
        | Record::NodeIdentity { .. }
        | Record::NodePoolIdentity { .. }
        | Record::NodeSeen { .. }
        | Record::NodeStarts { .. }
        | Record::Payload { .. }
        | Record::LicenseDates { .. }
        | Record::Lease { .. }
        | Record::Refusal(_)
        | Record::HolderOfEndedForgotten(_)
        | Record::HolderOfRefusalsForgotten { .. }
        | Record::AnswersNamingHolderDropped { .. }
        | Record::ExpiredDropped
        | Record::EndedLeasesDropped { .. }
        | Record::NamesOfRemovedErased { .. }
        | Record::GrantSecret { .. }
        | Record::Code { .. }
        | Record::Access { .. }
        | Record::Usage { .. }
        | Record::UsageEpoch { .. }
        | Record::UsageMerged { .. }
        | Record::UsageEpochForgotten { .. } => nobody,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use lictor_core::digest::Digest;
    use lictor_core::facts::node::Leave;
    use lictor_core::ledger::Entry;
    use lictor_core::{Timestamp, TrustPolicy};

    use super::*;

    /// A write of this change alone.
    pub(crate) fn written(stream: Uuid, change: Change) -> Written {
        let entry = Entry {
            stream,
            position: 1,
            at: Timestamp::default(),
            actor: None,
            change,
        };
        Written {
            entries: vec![entry],
            ..Written::default()
        }
    }

    #[test]
    fn a_write_that_nobody_must_hear_of_has_no_reactions() {
        let stream = Uuid::from_u128(1);
        let released = Change::SeatReleased {
            application: "editor".to_owned(),
            account: Uuid::nil(),
        };
        let written = written(stream, released);
        let reactions = Reactions::to(stream, &written);
        assert_eq!(reactions.each().count(), 0);
        assert!(!reactions.has_installation() && !reactions.has_feeds());
        assert!(Reactions::to(INSTALLATION, &written).has_installation());
    }

    #[test]
    fn tokens_are_stale_where_what_they_say_has_changed() {
        let (stream, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let of = |id| Some(StaleTokens::Of(id));
        for (change, stale) in [
            (Change::TokenRevoked { id }, of(id)),
            (Change::AccountRemoved { id }, of(id)),
            (Change::ClientRemoved { id }, of(stream)),
            (Change::OrganizationRemoved, of(stream)),
            (Change::LicenseRemoved { id }, None),
            (Change::NodeRemoved { id }, None),
        ] {
            assert_eq!(to_change(stream, &change).tokens, stale, "{change:?}");
        }
        let sha256 = Digest::of(b"secret");
        for (record, stale) in [
            (Record::IdentityErased { id }, of(id)),
            (
                Record::AccessEnded { sha256 },
                Some(StaleTokens::WithSecret(sha256.0)),
            ),
            (Record::ExpiredDropped, None),
        ] {
            assert_eq!(to_record(stream, &record).tokens, stale, "{record:?}");
        }
    }

    #[test]
    fn feeds_wake_for_what_nodes_decide_by_and_for_no_node_that_left() {
        let (stream, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (change, wakes) in [
            (Change::LicenseRemoved { id }, true),
            (Change::NodesAdopted { raise: 1 }, true),
            (Change::NodeRevoked { id }, true),
            (Change::NodeBarred { id }, true),
            (Change::OrganizationRemoved, true),
            (Change::NodeJoined { id }, false),
            (
                Change::NodeLeft {
                    id,
                    by: Leave::Goodbye,
                },
                false,
            ),
            (
                Change::NodeReturned {
                    id,
                    pool: id,
                    limit: None,
                    enrolled: 1,
                },
                false,
            ),
            (
                Change::PolicySet {
                    policy: TrustPolicy::default(),
                },
                true,
            ),
            (Change::NodeRemoved { id }, false),
            (Change::TokenRevoked { id }, false),
        ] {
            let written = written(stream, change.clone());
            let reactions = Reactions::to(stream, &written);
            assert_eq!(reactions.has_feeds(), wakes, "{change:?}");
        }
    }
}
