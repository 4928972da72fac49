//! Which license of an application is in force from when to when, from now on.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::document::claims::Plan;
use crate::rules::in_force::Candidate;
use crate::time::{Timestamp, Validity};
use crate::words::words;

/// Which license of an application is in force from when to when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The segments, one after the other without a hole.
    pub segments: Vec<Segment>,
    /// The first instant of which nothing is said. `None`: the segments say it of every instant.
    pub known_until: Option<Timestamp>,
}

/// A span in which the same license is in force, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it. `None`: nothing changes any more.
    pub until: Option<Timestamp>,
    /// The license in force. `None` if there is none.
    pub license: Option<Granting>,
    /// Why this license, or why none.
    pub reason: Reason,
}

/// A license and what it grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granting {
    /// Its id.
    pub id: Uuid,
    /// Its plan.
    pub plan: Plan,
    /// Seats. `None` if unlimited.
    pub seat_limit: Option<u32>,
    /// Nodes. `None` if unlimited.
    pub node_limit: Option<u32>,
}

/// Why a license is in force from the first instant of a segment on, or why none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is in force when the outlook begins.
    Current,
    /// It begins then. If another is in force until then, this one goes before it.
    Begins,
    /// The one before it ends then, and this one has begun before.
    Follows,
    /// No license is valid then. Another begins at its end, unless nothing is known from there on.
    Gap,
    /// No license is valid from then on.
    End,
}

words!(Reason, "a reason", {
    Current => "current",
    Begins => "begins",
    Follows => "follows",
    Gap => "gap",
    End => "end",
});

impl Outlook {
    /// What is in force from an instant on, the next after those that are known, if there is room for it among at
    /// most `most` segments. Whether there was; the last segment ends there in any case.
    pub fn add(&mut self, from: Timestamp, license: Option<&Candidate>, most: usize) -> bool {
        let granting = license.map(Granting::of);
        if let Some(last) = self.segments.last_mut() {
            if last.license.map(|one| one.id) == granting.map(|one| one.id) {
                return true;
            }
            last.until = Some(from);
        }
        if self.segments.len() == most {
            self.known_until = Some(from);
            return false;
        }
        let reason = match license {
            None => Reason::Gap,
            Some(_) if self.segments.is_empty() => Reason::Current,
            Some(license) if license.claims.validity().begins_at == from => Reason::Begins,
            Some(_) => Reason::Follows,
        };
        self.segments.push(Segment {
            from,
            until: None,
            license: granting,
            reason,
        });
        true
    }

    /// Adds all that is in force from an instant on, by the licenses that can be, in any order.
    pub fn add_all(&mut self, from: Timestamp, candidates: &[Candidate], most: usize) {
        let counting = candidates.iter().filter(|one| one.signer.is_ok());
        let mut edges = BTreeMap::<Timestamp, Vec<(bool, &Candidate)>>::from([(from, Vec::new())]);
        for candidate in counting {
            let Validity {
                begins_at,
                expires_at,
            } = candidate.claims.validity();
            let begins_at = begins_at.max(from);
            if begins_at < expires_at {
                edges.entry(begins_at).or_default().push((true, candidate));
                edges
                    .entry(expires_at)
                    .or_default()
                    .push((false, candidate));
            }
        }
        let mut valid = BTreeMap::new();
        for (instant, edges) in edges {
            for (begins, candidate) in edges {
                let rank = (candidate.is_verified(), candidate.written);
                match begins {
                    true => valid.insert(rank, candidate),
                    false => valid.remove(&rank),
                };
            }
            let first = valid.last_key_value().map(|(_, first)| *first);
            if !self.add(instant, first, most) {
                return;
            }
        }
        if let Some(last) = self
            .segments
            .last_mut()
            .filter(|last| last.license.is_none())
        {
            last.reason = Reason::End;
        }
    }

    /// Says that nothing is known from an instant on.
    pub fn end(&mut self, known_until: Timestamp) {
        self.known_until = Some(known_until);
        if let Some(last) = self.segments.last_mut() {
            last.until = Some(known_until);
        }
    }
}

impl Granting {
    fn of(candidate: &Candidate) -> Self {
        Self {
            id: candidate.id,
            plan: candidate.claims.plan,
            seat_limit: candidate.claims.admin_seats,
            node_limit: candidate.claims.dataplanes,
        }
    }
}

/// What is in force from an instant on, in at most `most` segments; the `candidates` are the licenses that can be,
/// in any order.
pub fn outlook(candidates: &[Candidate], from: Timestamp, most: usize) -> Outlook {
    let mut outlook = Outlook::default();
    outlook.add_all(from, candidates, most);
    outlook
}
