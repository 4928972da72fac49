//! The binary `lictor`: reads the command line, runs the command, returns its exit code.

mod address;
mod args;
mod client;
mod commands;
mod config;
mod document;
mod exit;
mod files;
mod guard;
mod limits;
mod listing;
mod log;
mod output;
mod progress;
mod server;
mod signals;
mod times;
mod token_file;
mod values;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let _ending = log::Ending;
    #[cfg(feature = "planted-faults")]
    lictor_node::plant(lictor_planted::is, lictor_planted::point);
    match args::Cli::read() {
        Ok(cli) => {
            let json = cli.json;
            exit::code(commands::run(cli), json)
        }
        Err(code) => code,
    }
}
