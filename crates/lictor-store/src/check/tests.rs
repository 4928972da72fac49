//! A replay with next to nothing in memory finds what one finds with all in memory.

use lictor_core::facts::account::{AccountKind, AccountState, AccountStatus};
use lictor_core::facts::client::ClientState;
use lictor_core::facts::grant::GrantState;
use lictor_core::facts::lease::{LeaseEnd, LeaseState};
use lictor_core::facts::license::LicenseState;
use lictor_core::facts::node::NodeState;
use lictor_core::facts::organization::OrganizationState;
use lictor_core::facts::role::Role;
use lictor_core::facts::seats::{SeatId, SeatState};
use lictor_core::facts::token::TokenState;

use super::*;

const STREAM: Uuid = Uuid::from_u128(1);

/// A scratch place in memory. A damaged one gives back less than was put into it.
#[derive(Default)]
struct Memory {
    values: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    is_damaged: bool,
}

impl Memory {
    fn given(&self, value: &[u8]) -> Vec<u8> {
        let end = value.len() - usize::from(self.is_damaged);
        value[..end].to_vec()
    }
}

impl Scratch for Memory {
    fn put(&mut self, kind: u8, pairs: &mut Pairs<'_>) -> Result<(), OpenError> {
        for pair in pairs {
            let (key, value) = pair?;
            self.values.insert((kind, key), value);
        }
        Ok(())
    }

    fn take(&mut self, kind: u8, key: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
        let found = self.values.remove(&(kind, key.to_vec()));
        Ok(found.map(|value| self.given(&value)))
    }

    fn read_all(
        &self,
        kind: u8,
        read: &mut dyn FnMut(&mut Pairs<'_>) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let all = self
            .values
            .range((kind, Vec::new())..(kind + 1, Vec::new()));
        read(&mut all.map(|((_, key), value)| Ok((key.clone(), self.given(value)))))
    }
}

/// How many there are of each kind.
const EACH: u128 = 20;

fn id(kind: u128, number: u128) -> Uuid {
    // In an order that is not that in which they are made.
    Uuid::from_u128((kind << 64) | (number * 7 % EACH))
}

fn application(number: u128) -> String {
    format!("app-{}", number % 3)
}

fn written(number: u128, replaces: Option<u64>) -> Change {
    Change::LicenseWritten {
        id: id(3, number),
        application: application(number + u128::from(replaces.is_some())),
        payload_sha256: Digest::of(format!("{number} {replaces:?}").as_bytes()),
        created_at: 1,
        updated_at: 2,
        replaces,
    }
}

/// Something of each kind is created; `used` are in use of the application.
fn created(number: u128, used: u64) -> Vec<Change> {
    let (account, application) = (id(4, number), application(number));
    vec![
        Change::OrganizationCreated {
            id: id(1, number),
            key: format!("team-{number}"),
            number: 7,
        },
        Change::TokenCreated {
            id: id(2, number),
            role: Role::Reader,
            scopes: Vec::new(),
            expires_at: None,
            account: Some(account),
        },
        written(number, None),
        Change::AccountCreated {
            id: account,
            number: 7,
            kind: AccountKind::Person,
            status: AccountStatus::Invited,
            administrator: number == 3,
            language: "en_US".to_owned(),
        },
        Change::LeaseCheckedOut {
            id: id(5, number),
            application: application.clone(),
            limit: None,
            used: used + 1,
        },
        Change::SeatAssigned {
            application: application.clone(),
            account,
            limit: None,
            used: used + 2,
        },
        Change::ClientCreated {
            id: id(6, number),
            scopes: Vec::new(),
            account: None,
            application: None,
        },
        Change::GrantCreated {
            id: id(7, number),
            client: id(6, number),
            by_code: true,
        },
        Change::NodeEnrolled {
            id: id(8, number),
            application,
            limit: None,
            enrolled: 1,
            pool: None,
        },
    ]
}

/// What was created is altered, and some of it ends.
fn altered(number: u128) -> Vec<Change> {
    let (account, application) = (id(4, number), application(number));
    let mut changes = vec![
        Change::TokenRevoked { id: id(2, number) },
        written(number, Some(1)),
        Change::AccountSet {
            id: account,
            status: AccountStatus::Active,
            administrator: true,
            language: "de_DE".to_owned(),
        },
        Change::ClientRemoved { id: id(6, number) },
        Change::GrantRevoked { id: id(7, number) },
        Change::NodeJoined { id: id(8, number) },
        Change::NodeRevoked { id: id(8, number) },
    ];
    if number.is_multiple_of(2) {
        changes.extend([
            Change::LeaseEnded {
                id: id(5, number),
                application: application.clone(),
                reason: LeaseEnd::Released,
            },
            Change::SeatReleased {
                application,
                account,
            },
            Change::AccountRemoved { id: account },
            Change::LicenseRemoved { id: id(3, number) },
        ]);
    }
    changes
}

/// A history, and what it comes to.
fn history() -> (Vec<Change>, State, BTreeMap<Digest, Named>) {
    let mut state = State::default();
    let mut changes = Vec::new();
    let mut add = |change: Change| {
        state.apply(changes.len() as u64 + 1, 9, &change);
        changes.push(change);
        let used = |application: &str| Some(state.applications.get(application)?.used());
        [0, 1, 2].map(|number| used(&application(number)).unwrap_or_default())
    };
    for number in 0..3 {
        add(Change::ApplicationCreated {
            key: application(number),
        });
    }
    let mut used = [0; 3];
    for number in 0..EACH {
        let place = usize::try_from(number % 3).expect("small");
        for change in created(number, used[place]) {
            used = add(change);
        }
    }
    (0..EACH).flat_map(altered).for_each(|change| {
        add(change);
    });
    let mut payloads = BTreeMap::new();
    for change in &changes {
        if let Change::LicenseWritten { payload_sha256, .. } = change {
            payloads.insert(*payload_sha256, Named);
        }
    }
    (changes, state, payloads)
}

/// What a replay with so many things in memory finds.
fn found(
    most: usize,
    changes: &[Change],
    rows: &State,
    payloads: &BTreeMap<Digest, Named>,
) -> (Vec<String>, Vec<EndedLease>) {
    let mut replay = Replay::within(STREAM, most, Box::new(Memory::default()));
    let (mut head, mut ended) = (Head::EMPTY, Vec::new());
    for change in changes {
        let entry = Entry {
            stream: STREAM,
            position: head.position + 1,
            at: 9,
            actor: None,
            change: change.clone(),
        };
        let body = entry.to_body().expect("text");
        head = head.next(&body);
        ended.extend(
            replay
                .entry(head.position, head.hash.0, &body)
                .expect("taken"),
        );
    }
    replay.compare_head(head);
    replay.compare_state(rows);
    let organizations = compare::<OrganizationState>(&mut replay, &rows.organizations);
    let counts = [
        organizations,
        compare::<TokenState>(&mut replay, &rows.tokens),
        compare::<LicenseState>(&mut replay, &rows.licenses),
        compare::<AccountState>(&mut replay, &rows.accounts),
        compare::<SeatState>(&mut replay, &rows.seats),
        compare::<LeaseState>(&mut replay, &rows.leases),
        compare::<ClientState>(&mut replay, &rows.clients),
        compare::<GrantState>(&mut replay, &rows.grants),
        compare::<NodeState>(&mut replay, &rows.nodes),
        compare::<Named>(&mut replay, payloads),
    ];
    assert!(counts.into_iter().all(|count| count >= 9), "{counts:?}");
    let mut report = CheckReport::default();
    replay.finish(&mut report);
    (report.differences, ended)
}

fn compare<M: Many<Key: Clone> + Clone>(replay: &mut Replay, rows: &BTreeMap<M::Key, M>) -> u64 {
    let rows = rows.iter().map(|(key, row)| Ok((key.clone(), row.clone())));
    replay.compare_many::<M>(rows).expect("compared")
}

/// How much the replays have in memory: next to nothing, some, and all.
const IN_MEMORY: [usize; 5] = [0, 1, 7, 40, usize::MAX];

#[test]
fn a_replay_with_next_to_nothing_in_memory_comes_to_the_same() {
    let (changes, state, payloads) = history();
    for most in IN_MEMORY {
        let (differences, ended) = found(most, &changes, &state, &payloads);
        assert_eq!(differences, [""; 0], "{most} in memory");
        assert_eq!(ended.len(), 10, "{most} in memory");
    }
}

#[test]
fn a_replay_with_next_to_nothing_in_memory_finds_every_difference() {
    let (changes, mut rows, mut payloads) = history();
    let seat = |number| SeatId {
        application: application(number),
        account: id(4, number),
    };
    rows.tokens.get_mut(&id(2, 3)).expect("a token").created_at = 1;
    rows.accounts.remove(&id(4, 0));
    rows.accounts.get_mut(&id(4, 19)).expect("an account").seats = 9;
    rows.leases.remove(&id(5, 1));
    rows.seats.remove(&seat(3));
    let other = *rows.seats.get(&seat(5)).expect("a seat");
    rows.seats.insert(seat(4), other);
    payloads.remove(&Digest::of(b"4 None"));
    payloads.insert(Digest([0; 32]), Named);
    payloads.insert(Digest([255; 32]), Named);
    let (all, _) = found(usize::MAX, &changes, &rows, &payloads);
    let ends: Vec<_> = all
        .iter()
        .map(|difference| difference.rsplit_once(' ').expect("words").1)
        .collect();
    let [missing, ledger] = ["missing", "ledger"];
    let expected = [
        ledger, missing, ledger, missing, ledger, missing, missing, ledger, ledger,
    ];
    assert_eq!(ends, expected, "{all:#?}");
    for most in IN_MEMORY {
        let (differences, _) = found(most, &changes, &rows, &payloads);
        assert_eq!(differences, all, "{most} in memory");
    }
}

/// A damaged scratch place is no damage of the database, and nothing that somebody configured.
#[test]
fn what_does_not_come_back_is_a_fault_of_the_check() {
    let entry = Entry {
        stream: STREAM,
        position: 1,
        at: 9,
        actor: None,
        change: created(0, 0).remove(1),
    };
    let body = entry.to_body().expect("text");
    let read = |is_damaged| {
        let scratch = Memory {
            is_damaged,
            ..Memory::default()
        };
        let mut replay = Replay::within(STREAM, 0, Box::new(scratch));
        let head = Head::EMPTY.next(&body);
        replay
            .entry(head.position, head.hash.0, &body)
            .expect("taken");
        replay.compare_many::<TokenState>(std::iter::empty())
    };
    assert_eq!(read(false).expect("compared"), 0);
    let error = read(true).expect_err("it is damaged");
    assert!(
        matches!(error, OpenError::UnreadableAside { .. }),
        "{error:?}"
    );
    let said = error.to_string();
    for words in ["EOF", "line 1", "/"] {
        assert!(!said.contains(words), "{said}");
    }
}
