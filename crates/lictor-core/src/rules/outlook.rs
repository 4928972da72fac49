//! Which license of an application is in force from when to when, from now on.

use std::collections::BTreeMap;

use crate::rules::in_force::Candidate;
use crate::time::{Timestamp, Validity};
use crate::words::words;

/// A span in which the same license is in force, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it. `None`: nothing changes any more.
    pub until: Option<Timestamp>,
    /// The license in force. `None` if there is none.
    pub license: Option<Candidate>,
    /// Why this license, or why none.
    pub reason: Reason,
}

/// Why a license is in force from the first instant of a segment on, or why none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is in force when the outlook begins.
    Current,
    /// It begins then. If another is in force until then, this one goes before it.
    Begins,
    /// The one before it ends then. This one was superseded, and is in force again.
    Resumes,
    /// No license is valid then; another begins later.
    Gap,
    /// No license is valid from then on.
    End,
}

words!(Reason, "a reason", {
    Current => "current",
    Begins => "begins",
    Resumes => "resumes",
    Gap => "gap",
    End => "end",
});

/// Which license is in force from when to when, as it is found out.
#[derive(Debug)]
pub struct Outlook {
    segments: Vec<Segment>,
    most: usize,
}

impl Outlook {
    /// One of at most `most` segments.
    pub fn new(most: usize) -> Self {
        let segments = Vec::new();
        Self { segments, most }
    }

    /// What is in force from an instant on, the next after those that are known. Whether there was room for it;
    /// the last segment ends there in any case.
    pub fn add(&mut self, from: Timestamp, license: Option<&Candidate>) -> bool {
        let id = |license: Option<&Candidate>| license.map(|one| one.id);
        if let Some(last) = self.segments.last_mut() {
            if id(last.license.as_ref()) == id(license) {
                return true;
            }
            last.until = Some(from);
        }
        if self.segments.len() == self.most {
            return false;
        }
        let reason = match license {
            None => Reason::Gap,
            Some(_) if self.segments.is_empty() => Reason::Current,
            Some(license) if license.claims.validity().begins_at == from => Reason::Begins,
            Some(_) => Reason::Resumes,
        };
        self.segments.push(Segment {
            from,
            until: None,
            license: license.cloned(),
            reason,
        });
        true
    }

    /// Adds all that is in force from an instant on, by the licenses that can be, in any order.
    pub fn add_all(&mut self, from: Timestamp, candidates: &[Candidate]) {
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
            if !self.add(instant, first) {
                return;
            }
        }
    }

    /// The segments, without a hole between them. If nothing is known from an instant on, that is where the last
    /// one ends; else it has no end, unless there are more than there is room for.
    pub fn finish(mut self, known_until: Option<Timestamp>) -> Vec<Segment> {
        if let Some(last) = self.segments.last_mut().filter(|last| last.until.is_none()) {
            last.until = known_until;
            if last.until.is_none() && last.license.is_none() {
                last.reason = Reason::End;
            }
        }
        self.segments
    }
}

/// All segments from an instant on, at most `most`; the `candidates` are the licenses that can be in force, in
/// any order.
pub fn outlook(candidates: &[Candidate], from: Timestamp, most: usize) -> Vec<Segment> {
    let mut outlook = Outlook::new(most);
    outlook.add_all(from, candidates);
    outlook.finish(None)
}
