//! The commands, a file per noun, and the runtime that they run on.

pub(crate) mod account;
mod account_file;
pub(crate) mod application;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod count;
pub(crate) mod demo;
pub(crate) mod forget;
pub(crate) mod issue;
mod issue_names;
pub(crate) mod key;
pub(crate) mod lease;
pub(crate) mod license;
mod license_warnings;
pub(crate) mod node;
mod node_pool;
mod node_run;
pub(crate) mod openapi;
pub(crate) mod organization;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod seat;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod usage;
pub(crate) mod verify;

use lictor_authority::clock;
use tokio::runtime::{Builder, Runtime};

use crate::args::{Cli, Command};
use crate::exit::{Failure, Outcome};

/// Runs the command that was given.
pub(crate) fn run(cli: Cli) -> Outcome {
    if !clock::can_be_told() {
        let what = "the clock of this machine is not within the years 1970 to 9999; set it";
        return Err(Failure::Usage(what.to_owned()));
    }
    let json = cli.json;
    match cli.command {
        Command::Serve(options) => on_all_cores()?.block_on(serve::run(&options, json)),
        Command::Demo(options) => on_all_cores()?.block_on(demo::run(options, json)),
        Command::Key(command) => key::run(&command, json),
        Command::License(command) => on_one_core()?.block_on(license::run(command, json)),
        Command::Trust(command) => on_one_core()?.block_on(trust::run(command, json)),
        Command::Token(command) => on_one_core()?.block_on(token::run(command, json)),
        Command::Organization(command) => on_one_core()?.block_on(organization::run(command, json)),
        Command::Application(command) => on_one_core()?.block_on(application::run(command, json)),
        Command::Account(command) => on_one_core()?.block_on(account::run(*command, json)),
        Command::Seat(command) => on_one_core()?.block_on(seat::run(command, json)),
        Command::Lease(command) => on_one_core()?.block_on(lease::run(command, json)),
        Command::Forget(command) => on_one_core()?.block_on(forget::run(&command, json)),
        Command::Client(command) => on_one_core()?.block_on(client::run(command, json)),
        Command::Node(command @ node::Node::Run(_)) => {
            on_all_cores()?.block_on(node::run(command, json))
        }
        Command::Node(command) => on_one_core()?.block_on(node::run(command, json)),
        Command::Count(command) => on_one_core()?.block_on(count::run(&command, json)),
        Command::Usage(command) => on_one_core()?.block_on(usage::run(command, json)),
        Command::Report(command) => on_one_core()?.block_on(report::run(&command, json)),
        Command::Backup(command) => on_one_core()?.block_on(backup::run(&command, json)),
        Command::Restore(command) => on_one_core()?.block_on(restore::run(&command, json)),
        Command::Check(command) => on_one_core()?.block_on(check::run(&command, json)),
        Command::Openapi => openapi::run(),
    }
}

/// How many tasks a thread of the runtime goes on with before it asks the sockets what came, if it has so many:
/// whoever is served soon is not to wait until it is known that it asks.
const EVENT_INTERVAL: u32 = 16;

fn on_all_cores() -> Outcome<Runtime> {
    started(
        Builder::new_multi_thread()
            .event_interval(EVENT_INTERVAL)
            .enable_all()
            .build(),
    )
}

fn on_one_core() -> Outcome<Runtime> {
    started(Builder::new_current_thread().enable_all().build())
}

fn started(runtime: std::io::Result<Runtime>) -> Outcome<Runtime> {
    runtime.map_err(|error| Failure::Usage(format!("cannot start: {error}")))
}
