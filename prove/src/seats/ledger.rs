//! What the server has stored about one application: ledger, refusals and counts; and the counts that the ledger adds up to.

use anyhow::{Context, Result, bail, ensure};
use lictor_testkit::Connection;
use serde_json::Value;

use super::client::{LeaseId, Refusal, Use, id, number, used};

/// What an entry says of the application's seats.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    CheckedOut {
        lease: LeaseId,
        position: u64,
        after: Use,
    },
    Ended {
        lease: LeaseId,
        reason: String,
    },
    Assigned {
        account: String,
        after: Use,
    },
    Unassigned {
        account: String,
    },
}

/// The ledger of the organization, as far as it was read.
#[derive(Default)]
pub(super) struct Ledger {
    /// One for each position from 1 on. `None` if the entry is about something else.
    pub(super) events: Vec<Option<Event>>,
    /// Seats and leases in use after each position; the first is before all.
    pub(super) used: Vec<(u64, u64)>,
}

impl Ledger {
    /// How many seats are in use after a position, counted anew. `None` if the ledger ends before.
    pub(super) fn used_at(&self, position: u64) -> Option<u64> {
        let (seats, leases) = self.used.get(usize::try_from(position).ok()?)?;
        Some(seats + leases)
    }

    /// What is in use at the end.
    pub(super) fn at_the_end(&self) -> (u64, u64) {
        self.used.last().copied().unwrap_or_default()
    }

    /// Events with their positions.
    pub(super) fn events(&self) -> impl Iterator<Item = (u64, &Event)> {
        let numbered = (1..).zip(&self.events);
        numbered.filter_map(|(position, event)| Some((position, event.as_ref()?)))
    }

    /// Reads on to where the ledger ends now; whether there was anything new.
    fn read_on(&mut self, connection: &mut Connection, application: &str) -> Result<bool> {
        let before = self.events.len();
        loop {
            let after = self.events.len();
            let page = get(connection, &format!("/v1/ledger?limit=1000&after={after}"))?;
            let entries = page["data"].as_array().context("a page without data")?;
            for entry in entries {
                self.add(entry, application)?;
            }
            if page["next_cursor"].is_null() {
                return Ok(self.events.len() > before);
            }
        }
    }

    fn add(&mut self, entry: &Value, application: &str) -> Result<()> {
        let position = number(entry, "position")?;
        let expected = self.events.len() as u64 + 1;
        ensure!(
            position == expected,
            "entry {position} stands where {expected} belongs"
        );
        let event = event(entry, position, application)?;
        let (mut seats, mut leases) = self.at_the_end();
        match &event {
            Some(Event::Assigned { .. }) => seats += 1,
            Some(Event::CheckedOut { .. }) => leases += 1,
            Some(Event::Unassigned { .. }) => seats = taken(seats, position)?,
            Some(Event::Ended { .. }) => leases = taken(leases, position)?,
            None => {}
        }
        if self.used.is_empty() {
            self.used.push((0, 0));
        }
        self.events.push(event);
        self.used.push((seats, leases));
        Ok(())
    }
}

fn taken(from: u64, position: u64) -> Result<u64> {
    from.checked_sub(1)
        .with_context(|| format!("entry {position} gives back what nobody has"))
}

fn event(entry: &Value, position: u64, application: &str) -> Result<Option<Event>> {
    let change = &entry["change"];
    if change["application"] != application {
        return Ok(None);
    }
    let text = |name: &str| change[name].as_str().map(str::to_owned).context("no text");
    Ok(match change["type"].as_str() {
        Some("lease_checked_out") => Some(Event::CheckedOut {
            lease: id(&change["id"])?,
            position,
            after: used(change)?,
        }),
        Some("lease_ended") => Some(Event::Ended {
            lease: id(&change["id"])?,
            reason: text("reason")?,
        }),
        Some("seat_assigned") => Some(Event::Assigned {
            account: text("account")?,
            after: used(change)?,
        }),
        Some("seat_released") => Some(Event::Unassigned {
            account: text("account")?,
        }),
        _ => None,
    })
}

/// A row of the refusals, and how many it stands for.
pub(super) struct Listed {
    pub(super) count: u64,
    pub(super) last: Refusal,
}

/// All that is written down, at one moment.
pub(super) struct Written {
    pub(super) ledger: Ledger,
    pub(super) refusals: Vec<Listed>,
    /// Seats and leases, as `/v1/counts` has them.
    pub(super) counts: (u64, u64),
}

/// Reads everything. Leases go on ending meanwhile, so it reads until nothing came between.
pub(super) fn read(address: &str, application: &str) -> Result<Written> {
    let mut connection = Connection::open(address)?;
    let mut ledger = Ledger::default();
    ledger.read_on(&mut connection, application)?;
    let counts = loop {
        let path = format!("/v1/counts?application={application}");
        let said = get(&mut connection, &path)?;
        if !ledger.read_on(&mut connection, application)? {
            let row = &said["data"][0];
            break (number(row, "seats")?, number(row, "leases")?);
        }
    };
    Ok(Written {
        ledger,
        refusals: refusals(&mut connection)?,
        counts,
    })
}

fn refusals(connection: &mut Connection) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(connection, &format!("/v1/refusals?limit=1000{cursor}"))?;
        for row in page["data"].as_array().context("a page without data")? {
            let last = Refusal {
                reason: row["reason"].as_str().context("no reason")?.to_owned(),
                then: used(row)?,
                position: number(row, "last_position")?,
            };
            let count = number(row, "count")?;
            all.push(Listed { count, last });
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

fn get(connection: &mut Connection, path: &str) -> Result<Value> {
    let answer = connection.get(path)?;
    if answer.status != 200 {
        bail!("{path} was answered {}", answer.status);
    }
    Ok(serde_json::from_slice(&answer.body)?)
}
