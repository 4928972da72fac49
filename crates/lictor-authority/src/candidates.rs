//! Which of an application's stored licenses are looked at to find out what it is entitled to: those that
//! can be in force from now on, however many others there are.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

use lictor_core::facts::license::{FIRST, License};
use lictor_core::rules::in_force::{Candidate, covered_until, in_force, next_boundary};
use lictor_core::rules::outlook::Outlook;
use lictor_core::{Error, Timestamp, TrustPolicy};
use lictor_planted as planted;
use lictor_store::{Dates, Licenses, Which};
use uuid::Uuid;

use super::cache::{Cache, Installation};

/// How many of an application's licenses are looked at in any case: the newest.
const FIRST_PAGE: usize = 8;

/// How many more are read at once.
const PAGE: usize = 32;

/// Of those that have begun so many pages are looked at, each of which outlasts what was written since. What
/// is behind them is looked at when these have ended.
const PAGES: usize = 2;

/// How many dates at which licenses begin are looked at; what is behind them is when these have begun,
/// unless these follow each other without a gap.
const DATES: usize = 256;

/// How many licenses are looked at for an outlook where there are too many to look at once. It is as far as a search
/// leads that began before.
const MOST_LOOKED_AT: usize = 10_000;

/// How many verified licenses of an application are known by name where there are unverified ones.
const NAMED: usize = 32;

/// Who signed the licenses of an application, where some may be verified and others not. A verified one goes
/// before the others whenever it was written, so that all must have been looked at once.
#[derive(Clone)]
pub(super) enum Signed {
    /// Of those that were written up to a moment these alone are verified, and have not ended: their ids
    /// and revisions.
    Known {
        up_to: (Timestamp, u64),
        verified: Vec<(Uuid, u64)>,
    },
    /// Too many are verified.
    Many,
}

/// The licenses of an application that can be in force.
pub(super) struct Candidates {
    /// When the newest of all was written, by the read that came first.
    pub(super) newest: Option<(Timestamp, u64)>,
    /// Of those that were written then or later none is missing that runs.
    pub(super) whole_from: (Timestamp, u64),
    /// They, the newest first. Some more are among them.
    pub(super) candidates: Vec<Candidate>,
    /// What is known of the others.
    pub(super) signed: Option<Signed>,
    /// How many were looked at.
    pub(super) looked_at: usize,
    /// Some are missing that can be in force when these have ended or begun.
    pub(super) cut: bool,
}

/// A search for them.
pub(super) struct Search<'a> {
    licenses: &'a dyn Licenses,
    cache: &'a Cache,
    organization: Uuid,
    installation: &'a Installation,
    now: Timestamp,
    /// Whoever waits for what is found.
    asks: Weak<()>,
    /// What was looked at, the newest first.
    taken: BTreeMap<Reverse<(Timestamp, u64)>, Candidate>,
    /// How many were looked at.
    looked_at: Cell<usize>,
    /// Not all was looked at that can be in force later.
    cut: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        licenses: &'a dyn Licenses,
        (cache, installation): (&'a Cache, &'a Installation),
        organization: Uuid,
        now: Timestamp,
        asks: Weak<()>,
    ) -> Self {
        Self {
            licenses,
            cache,
            organization,
            installation,
            now,
            asks,
            taken: BTreeMap::new(),
            looked_at: Cell::new(0),
            cut: false,
        }
    }

    /// Finds them: the newest few; of the others that have begun those that outlast what was written
    /// since, for no other can come before it; and of those that have not the newest with each dates.
    /// `signed` is what was known before.
    ///
    /// # Errors
    /// A fault of the store.
    pub(super) fn find(mut self, signed: Option<&Signed>) -> Result<Candidates, Error> {
        let page = self.newest(None, Dates::default(), FIRST_PAGE)?;
        let newest = self.taken.first_key_value().map(|(written, _)| written.0);
        let (Some(oldest), Some(newest)) = (page, newest) else {
            return Ok(self.found(newest, FIRST, None));
        };
        if planted::is("all-licenses") {
            self.all(oldest)?;
            return Ok(self.found(Some(newest), FIRST, None));
        }
        let mut signed = match self.is_of_one_sort() {
            true => None,
            false => Some(self.sort(newest, oldest, signed)?),
        };
        match &signed {
            Some(Signed::Many) => self.outlasting(oldest, Sorts::Verified)?,
            Some(Signed::Known { .. }) => self.outlasting(oldest, Sorts::Named)?,
            None => self.outlasting(oldest, Sorts::One)?,
        }
        if matches!(signed, Some(Signed::Many)) {
            signed = Some(self.fewer(newest));
        } else {
            self.waiting(oldest, newest)?;
        }
        Ok(self.found(Some(newest), oldest, signed))
    }

    fn found(
        self,
        newest: Option<(Timestamp, u64)>,
        whole_from: (Timestamp, u64),
        signed: Option<Signed>,
    ) -> Candidates {
        Candidates {
            newest,
            whole_from,
            candidates: self.taken.into_values().collect(),
            signed,
            looked_at: self.looked_at.get(),
            cut: self.cut,
        }
    }

    /// These, and the newest that counts of those with each of these dates.
    ///
    /// # Errors
    /// A fault of the store.
    pub(super) fn and_newest_of(
        mut self,
        known: &[Candidate],
        dates: &[Dates],
    ) -> Result<Vec<Candidate>, Error> {
        self.take(known.iter().cloned());
        for dates in dates {
            let (mut before, mut counts) = (None, false);
            while !counts {
                let which = Which::Newest {
                    before,
                    dates: *dates,
                };
                let page = self.look(which, FIRST_PAGE)?;
                before = page.get(FIRST_PAGE - 1).map(|last| last.written);
                counts = before.is_none() || page.iter().any(|one| one.signer.is_ok());
                self.take(page);
            }
        }
        // One that was written again since it was known is there twice, the newer one first.
        let mut seen = BTreeSet::new();
        let candidates = self.taken.into_values();
        Ok(candidates.filter(|one| seen.insert(one.id)).collect())
    }

    /// Which license is in force from when to when, in at most `most` segments.
    ///
    /// # Errors
    /// A fault of the store.
    pub(super) fn outlook(self, most: usize) -> Result<Outlook, Error> {
        let (mut outlook, mut from, mut signed) = (Outlook::default(), self.now, None);
        let mut looked_at = 0;
        while looked_at < MOST_LOOKED_AT {
            let found = self.at(from).find(signed.as_ref())?;
            looked_at += found.looked_at;
            if !found.cut {
                outlook.add_all(from, &found.candidates, most);
                return Ok(outlook);
            }
            let has_room = outlook.add(from, in_force(&found.candidates, from), most);
            // What was cut off can be in force once one of these has begun or ended.
            match next_boundary(&found.candidates, from) {
                Some(next) if has_room => (from, signed) = (next, found.signed),
                _ => return Ok(outlook),
            }
        }
        outlook.end(from);
        Ok(outlook)
    }

    /// The same search at another instant.
    fn at(&self, now: Timestamp) -> Self {
        Self {
            now,
            asks: Weak::clone(&self.asks),
            taken: BTreeMap::new(),
            looked_at: Cell::new(0),
            cut: false,
            ..*self
        }
    }

    /// Whether all licenses that count are verified, or none is.
    fn is_of_one_sort(&self) -> bool {
        let trust = &self.installation.trust;
        trust.policy == TrustPolicy::Verified || trust.keys.iter().next().is_none()
    }

    /// Reads and looks at some.
    fn look(&self, which: Which, most: usize) -> Result<Vec<Candidate>, Error> {
        // A look has one of few places for reads, which others wait for.
        if self.asks.strong_count() == 0 {
            return Err(Error::internal("nobody waits for what is looked for"));
        }
        let read = self.licenses.some(which, most)?;
        self.looked_at.set(self.looked_at.get() + read.len());
        read.iter().map(|one| self.judged(one)).collect()
    }

    fn judged(&self, license: &License) -> Result<Candidate, Error> {
        self.cache
            .judged(self.organization, license, self.installation)
    }

    fn take(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        let placed = candidates
            .into_iter()
            .map(|one| (Reverse(one.written), one));
        self.taken.extend(placed);
    }

    /// Takes a page of the newest; the last of them, if more may follow.
    fn newest(
        &mut self,
        before: Option<(Timestamp, u64)>,
        dates: Dates,
        most: usize,
    ) -> Result<Option<(Timestamp, u64)>, Error> {
        let page = self.look(Which::Newest { before, dates }, most)?;
        let last = page.get(most - 1).map(|last| last.written);
        self.take(page);
        Ok(last)
    }

    /// All that have not ended.
    fn not_ended(&self) -> Dates {
        Dates {
            ends_after: Some(self.now),
            ..Dates::default()
        }
    }

    /// Takes all that have not ended.
    fn all(&mut self, oldest: (Timestamp, u64)) -> Result<(), Error> {
        self.all_with(oldest, self.not_ended())
    }

    /// Takes all with such dates.
    fn all_with(&mut self, oldest: (Timestamp, u64), dates: Dates) -> Result<(), Error> {
        let mut before = Some(oldest);
        while before.is_some() {
            before = self.newest(before, dates, PAGE)?;
        }
        Ok(())
    }

    /// Finds out which are verified, of those that were written since that was known, and takes them.
    fn sort(
        &mut self,
        newest: (Timestamp, u64),
        oldest: (Timestamp, u64),
        known: Option<&Signed>,
    ) -> Result<Signed, Error> {
        let (up_to, named) = match known {
            Some(Signed::Many) => return Ok(Signed::Many),
            Some(Signed::Known { up_to, verified }) => (*up_to, verified.as_slice()),
            None => (FIRST, [].as_slice()),
        };
        let mut verified = self.still(named)?;
        let now = self.now;
        let counts = |one: &&Candidate| {
            let runs_on = !one.claims.validity().has_expired(now);
            one.written > up_to && runs_on && one.is_verified()
        };
        verified.extend(self.taken.values().filter(counts).cloned());
        let mut before = Some(oldest);
        while verified.len() <= NAMED
            && let Some(last) = before.filter(|last| *last > up_to)
        {
            let which = Which::Newest {
                before: Some(last),
                dates: self.not_ended(),
            };
            let page = self.look(which, PAGE)?;
            before = page.get(PAGE - 1).map(|last| last.written);
            verified.extend(page.iter().filter(counts).cloned());
        }
        if verified.len() > NAMED {
            return Ok(Signed::Many);
        }
        let names = verified.iter().map(|one| (one.id, one.written.1)).collect();
        self.take(verified);
        Ok(Signed::Known {
            up_to: newest,
            verified: names,
        })
    }

    /// Who signed them where too many were verified: where none of these runs any more all that have not
    /// ended were looked at, and it may be known again.
    fn fewer(&self, newest: (Timestamp, u64)) -> Signed {
        let runs_on = |one: &&Candidate| !one.claims.validity().has_expired(self.now);
        let verified = self.taken.values().filter(|one| one.is_verified());
        let verified: Vec<_> = verified.filter(runs_on).collect();
        let runs = |one: &&Candidate| one.claims.validity().contains(self.now);
        if verified.len() > NAMED || verified.iter().any(runs) {
            return Signed::Many;
        }
        let names = verified.iter().map(|one| (one.id, one.written.1)).collect();
        Signed::Known {
            up_to: newest,
            verified: names,
        }
    }

    /// Those of these that are stored as they were and have not ended.
    fn still(&self, named: &[(Uuid, u64)]) -> Result<Vec<Candidate>, Error> {
        let mut still = Vec::new();
        for (id, revision) in named {
            let stored = self.licenses.one(*id)?;
            let stored = stored.filter(|stored| stored.state.revision == *revision);
            let candidate = stored.map(|stored| self.judged(&stored)).transpose()?;
            still.extend(candidate.filter(|one| !one.claims.validity().has_expired(self.now)));
        }
        Ok(still)
    }

    /// Takes those that outlast what was written since, the last to end among them.
    fn outlasting(&mut self, oldest: (Timestamp, u64), sorts: Sorts) -> Result<(), Error> {
        let (mut before, mut pages) = (oldest, 0);
        // Those that wait are found by their dates, unless any of them may be a verified one.
        let begun_by = (sorts != Sorts::Verified).then_some(self.now);
        while pages < PAGES {
            let until = self.outlasted(before, sorts);
            let dates = Dates {
                ends_after: Some(until),
                begun_by,
                begins_after: None,
            };
            let last = self.look(Which::LastToEnd(dates), PAGE)?;
            let are_all = last.len() < PAGE;
            // The last end of all is known only if one of these counts.
            let tells = last.iter().any(|one| one.signer.is_ok());
            self.take(last);
            if are_all {
                break;
            }
            match self.newest(Some(before), dates, PAGE)? {
                Some(last) => before = last,
                None => break,
            }
            // Until one counts there may be none in force, and no end of them is known.
            pages += usize::from(tells && until > self.now && sorts != Sorts::Verified);
        }
        self.cut |= pages == PAGES;
        Ok(())
    }

    /// The last end of those that run and go before all that were written before this moment.
    fn outlasted(&self, before: (Timestamp, u64), sorts: Sorts) -> Timestamp {
        let goes_before = |one: &&Candidate| {
            let verified = one.is_verified();
            let written_since = one.written >= before;
            match sorts {
                Sorts::One => written_since && one.signer.is_ok(),
                Sorts::Named => verified || (written_since && one.signer.is_ok()),
                Sorts::Verified => written_since && verified,
            }
        };
        let running = self.taken.values().filter(goes_before);
        let spans = running.map(|one| one.claims.validity());
        let ends = spans.filter(|span| span.contains(self.now));
        ends.map(|span| span.expires_at)
            .fold(self.now, Timestamp::max)
    }

    /// Whether there is no gap before the last of these begins, so that others may follow without one.
    fn reaches_the_last_of(&self, waiting: &[Candidate]) -> bool {
        let all = self.taken.values().chain(waiting).cloned();
        let until = covered_until(&all.collect::<Vec<_>>(), self.now);
        let last = waiting.last().map(|last| last.claims.validity().begins_at);
        last.is_some_and(|begins_at| until.is_some_and(|until| begins_at <= until))
    }

    /// Takes those that have not begun, of each dates the newest.
    fn waiting(
        &mut self,
        oldest: (Timestamp, u64),
        newest_written: (Timestamp, u64),
    ) -> Result<(), Error> {
        if newest_written.0 > self.now {
            // This request came before the last write, or the clock was set back: one may wait that had begun
            // when it was written, and is not among those that are found by their dates.
            let had_begun = Dates {
                begins_after: Some(self.now),
                begun_by: Some(newest_written.0),
                ..self.not_ended()
            };
            self.all_with(oldest, had_begun)?;
        }
        let mut most = DATES;
        let newest = loop {
            let newest = self.look(Which::Waiting(self.now), most)?;
            if newest.len() < most || !self.reaches_the_last_of(&newest) {
                break newest;
            }
            most *= 2;
        };
        self.cut |= newest.len() == most;
        // Behind one that counts for nothing stands another.
        if newest.iter().any(|one| one.signer.is_err()) {
            let waiting = Dates {
                begins_after: Some(self.now),
                ..self.not_ended()
            };
            return self.all_with(oldest, waiting);
        }
        self.take(newest);
        Ok(())
    }
}

/// Which licenses go before which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sorts {
    /// All that count are of one sort, and a newer one goes before an older one.
    One,
    /// So it is of the unverified ones, and all verified ones are taken.
    Named,
    /// Any may be verified, and goes before the unverified ones.
    Verified,
}
