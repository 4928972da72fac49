//! The ledger: entries in one hash chain per stream, so that a lost, changed or moved entry shows.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::change::Change;
use crate::digest::Digest;
use crate::time::Timestamp;

/// One change in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The organization's id, or [`INSTALLATION`](crate::facts::organization::INSTALLATION).
    pub stream: Uuid,
    /// 1 for the first, without gaps.
    pub position: u64,
    /// When it was decided, by the server's clock.
    pub at: Timestamp,
    /// The token of the caller who asked for it. `None` for the server itself.
    pub actor: Option<Uuid>,
    /// What changed.
    pub change: Change,
}

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of its last entry; 0: it has none.
    pub position: u64,
    /// The hash of its last entry; all zero: it has none.
    pub hash: Digest,
}

impl Head {
    /// The head of a stream without entries.
    pub const EMPTY: Self = Self {
        position: 0,
        hash: Digest([0; 32]),
    };

    /// The head after an entry whose stored text is `body`: the hash covers the hash before it
    /// and the exact text.
    pub fn next(self, body: &str) -> Self {
        let chained = [self.hash.0.as_slice(), body.as_bytes()].concat();
        Self {
            position: self.position + 1,
            hash: Digest::of(&chained),
        }
    }
}

impl Entry {
    /// The text that is stored and hashed.
    ///
    /// # Errors
    /// None in practice: every part of an entry has a JSON form.
    pub fn to_body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored text.
    ///
    /// # Errors
    /// The text is not one that [`Entry::to_body`] made.
    pub fn from_body(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::organization::INSTALLATION;

    fn entry(position: u64) -> Entry {
        Entry {
            stream: INSTALLATION,
            position,
            at: 1_781_524_800,
            actor: (position > 1).then(|| Uuid::from_u128(5)),
            change: Change::ApplicationCreated {
                key: format!("app-{position}"),
            },
        }
    }

    fn chain(bodies: &[String]) -> Head {
        bodies
            .iter()
            .fold(Head::EMPTY, |head, body| head.next(body))
    }

    #[test]
    fn an_entry_is_stored_in_one_form_for_ever() {
        let body = entry(2).to_body().expect("it has a text");
        assert_eq!(
            body,
            r#"{"stream":"00000000-0000-0000-0000-000000000000","position":2,"at":1781524800,"actor":"00000000-0000-0000-0000-000000000005","change":{"type":"application_created","key":"app-2"}}"#
        );
        assert_eq!(Entry::from_body(&body).expect("it is read again"), entry(2));
        let first = entry(1).to_body().expect("it has a text");
        assert!(first.contains(r#""actor":null"#));
        assert_eq!(
            Entry::from_body(&first).expect("it is read again"),
            entry(1)
        );
    }

    #[test]
    fn the_chain_has_known_hashes() {
        let head = Head::EMPTY.next("");
        let of_zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(
            (head.position, head.hash.to_string().as_str()),
            (1, of_zeros)
        );
        assert_eq!(
            head.next("x").hash,
            Digest::of(&[head.hash.0.as_slice(), b"x"].concat())
        );
    }

    #[test]
    fn a_lost_changed_moved_or_added_entry_shows() {
        let bodies: Vec<String> = (1..=4)
            .map(|at| entry(at).to_body().expect("a text"))
            .collect();
        let head = chain(&bodies);
        assert_eq!(head.position, 4);
        for at in 0..bodies.len() {
            let mut lost = bodies.clone();
            lost.remove(at);
            assert_ne!(chain(&lost), head);
            let mut changed = bodies.clone();
            changed[at] = changed[at].replace("app", "apq");
            assert_ne!(chain(&changed).hash, head.hash);
            let mut moved = bodies.clone();
            moved.swap(at, (at + 1) % 4);
            assert_ne!(chain(&moved).hash, head.hash);
            let mut added = bodies.clone();
            added.insert(at, bodies[at].clone());
            assert_ne!(chain(&added), head);
        }
    }
}
