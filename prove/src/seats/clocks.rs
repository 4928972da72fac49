//! Leases of a server whose wall clock is changed at random, and that is killed and restarted: each ends when its time is over, and no sooner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Server};
use serde_json::{Value, json};

use super::super::clock::{TurnedClock, forget_process, machine, seconds_of};
use super::super::promise::Promise;
use super::super::random::Random;

/// By how many seconds the clock is set, away from the machine's.
const TURNS: [i64; 8] = [0, 11, -11, 7_200, -7_200, 86_400, -259_200, 31_536_000];

/// How long leases last, in seconds.
const LONGEST_TTL: u64 = 8;

/// By how many seconds a lease may end early or late.
const MARGIN: f64 = 2.0;

/// How often it is looked which leases are there.
const LOOK: Duration = Duration::from_millis(100);

/// At most so many at once, so that one page shows them.
const MOST: usize = 90;

/// Where this takes place.
pub(super) struct Clocks<'a> {
    pub(super) installation: &'a Installation,
    pub(super) data: &'a Path,
    /// What is planted.
    pub(super) environment: &'a [(&'a str, &'a str)],
}

/// A lease, and between which moments it must end, in seconds from the beginning.
struct HeldLease {
    earliest: f64,
    latest: f64,
}

/// One run.
struct Run<'a> {
    place: &'a Clocks<'a>,
    application: &'a str,
    clock: TurnedClock,
    turned: i64,
    server: Server,
    connection: Connection,
    began: Instant,
    held: BTreeMap<String, HeldLease>,
    holders: u64,
    figures: [u64; 4],
    early: Vec<String>,
    late: Vec<String>,
    elsewhere: Vec<String>,
}

impl Clocks<'_> {
    fn serve(&self, clock: &TurnedClock) -> Result<Server> {
        let own = clock.environment();
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<_> = self.environment.iter().copied().chain(own).collect();
        self.installation.serve(self.data, &environment)
    }

    /// Runs for so long; the server is handed back with what it broke.
    pub(super) fn run(
        &self,
        application: &str,
        license: impl FnOnce(&Server) -> Result<()>,
        span: Duration,
        random: &mut Random,
    ) -> Result<(Server, [Promise; 3])> {
        let clock = TurnedClock::create(&self.data.with_extension("clock"), 0)?;
        let server = self.serve(&clock)?;
        license(&server)?;
        let mut run = Run {
            place: self,
            application,
            clock,
            turned: 0,
            connection: Connection::open(&server.address)?,
            server,
            began: Instant::now(),
            held: BTreeMap::new(),
            holders: 0,
            figures: [0; 4],
            early: Vec::new(),
            late: Vec::new(),
            elsewhere: Vec::new(),
        };
        while run.began.elapsed() < span {
            run = run.step(random)?;
        }
        while !run.held.is_empty() && run.late.is_empty() {
            std::thread::sleep(LOOK);
            run.look()?;
        }
        let [leases, turns, kills, looks] = run.figures;
        println!("clocks {leases} leases, {turns} times set, {kills} kills, {looks} looks");
        let promises = [
            ("the server's clock is the one that is set", run.elsewhere),
            ("no lease ends more than 2 s early", run.early),
            ("no lease ends more than 2 s late", run.late),
        ];
        Ok((run.server, promises))
    }
}

impl Run<'_> {
    fn step(mut self, random: &mut Random) -> Result<Self> {
        if self.held.len() < MOST {
            let ttl = 1 + random.below(LONGEST_TTL);
            self.check_out(ttl)?;
        }
        match random.below(30) {
            0..=3 => self.turn(random)?,
            4 => self = self.kill(random)?,
            _ => {}
        }
        std::thread::sleep(LOOK);
        self.look()?;
        Ok(self)
    }

    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn check_out(&mut self, ttl: u64) -> Result<()> {
        let path = format!("/v1/applications/{}/leases", self.application);
        self.holders += 1;
        let holder = format!("holder-{}", self.holders);
        let body = json!({ "holder": holder, "ttl_seconds": ttl }).to_string();
        let asked = self.now();
        let answer = self.connection.post_json(&path, &body)?;
        ensure!(
            answer.status == 201,
            "a lease was answered {}",
            answer.status
        );
        let said: Value = serde_json::from_slice(&answer.body)?;
        let since = said["since"].as_str().and_then(seconds_of);
        let since = since.context("no time in a lease")?;
        let expected = machine() as i64 + self.turned;
        if (since - expected).abs() > 2 {
            let by = self.turned;
            let found = format!("{since} where {expected} was expected, set by {by} s");
            self.elsewhere.push(found);
        }
        let held = HeldLease {
            earliest: asked + ttl as f64 - MARGIN,
            latest: self.now() + ttl as f64 + MARGIN,
        };
        self.held.insert(holder, held);
        self.figures[0] += 1;
        Ok(())
    }

    fn turn(&mut self, random: &mut Random) -> Result<()> {
        self.turned = TURNS[random.below(TURNS.len() as u64) as usize];
        self.figures[1] += 1;
        self.clock.turn(self.turned)
    }

    /// Kills the server, sets its clock and starts it again.
    fn kill(self, random: &mut Random) -> Result<Self> {
        let id = self.server.id();
        self.server.kill()?;
        forget_process(id);
        let turned = TURNS[random.below(TURNS.len() as u64) as usize];
        self.clock.turn(turned)?;
        let server = self.place.serve(&self.clock)?;
        let mut figures = self.figures;
        figures[2] += 1;
        Ok(Self {
            connection: Connection::open(&server.address)?,
            server,
            turned,
            figures,
            ..self
        })
    }

    fn look(&mut self) -> Result<()> {
        let path = format!("/v1/applications/{}/leases?limit=100", self.application);
        let asked = self.now();
        let answer = self.connection.get(&path)?;
        let answered = self.now();
        ensure!(
            answer.status == 200,
            "the leases were answered {}",
            answer.status
        );
        let said: Value = serde_json::from_slice(&answer.body)?;
        let listed = said["data"].as_array().context("no list of leases")?;
        let holders = listed.iter().filter_map(|lease| lease["holder"].as_str());
        let there: BTreeSet<&str> = holders.collect();
        let (turned, kills) = (self.turned, self.figures[2]);
        let place = format!("clock set by {turned} s, {kills} kills");
        for (holder, held) in &self.held {
            let is_there = there.contains(holder.as_str());
            if is_there && asked > held.latest {
                let by = asked - held.latest + MARGIN;
                self.late.push(format!("{holder} by {by:.1} s ({place})"));
            } else if !is_there && answered < held.earliest {
                let by = held.earliest + MARGIN - answered;
                self.early.push(format!("{holder} by {by:.1} s ({place})"));
            }
        }
        self.held
            .retain(|holder, _| there.contains(holder.as_str()));
        self.figures[3] += 1;
        Ok(())
    }
}
