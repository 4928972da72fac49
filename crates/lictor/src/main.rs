//! The binary `lictor`: reads the command line, runs the command, returns its exit code.

mod address;
mod args;
mod client;
mod commands;
mod config;
mod document_files;
mod exit;
mod files;
mod listing;
mod log;
mod misplaced_secrets;
mod output;
mod progress;
mod quota_options;
mod server;
mod signals;
mod time_parsers;
mod token_file;
mod value_parsers;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let _ending = log::FlushOnDrop;
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
