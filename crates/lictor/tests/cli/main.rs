//! The commands of `lictor`, run as a user runs them: results, exit codes, messages.

#![expect(clippy::expect_used, reason = "helpers of tests, too, may end a test")]

mod clients;
mod clock;
mod configuration;
mod data;
mod demo;
mod documents;
mod expiry;
mod files;
mod folder;
mod import;
mod import_early;
mod import_odd;
mod issuing;
mod lists;
mod messages;
mod metrics;
mod offline;
mod passwords;
mod quotas;
mod secrets;
mod serve;
mod server;
mod signals;
mod standard;
mod streams;
mod terminal;
mod values;
mod walks;

use std::path::Path;

use lictor_testkit::{lictor, result};

/// A vendor's key pair in a folder: the names of its private and public file.
fn vendor(folder: &Path, name: &str) -> (String, String) {
    let path = folder.join(name).display().to_string();
    result(&lictor(&["key", "generate", "--out", &path]));
    (format!("{path}.key"), format!("{path}.pub"))
}

/// A document for the product `Editor`, valid until 2099 unless `extra` says otherwise.
fn issue(key: &str, extra: &[&str]) -> String {
    let mut args = vec!["license", "issue", "--key", key];
    args.extend([
        "--customer",
        "Acme Ltd",
        "--product",
        "Editor",
        "--seats",
        "10",
    ]);
    if !extra.contains(&"--expires") {
        args.extend(["--expires", "2099-01-01"]);
    }
    args.extend(extra);
    result(&lictor(&args))
}

/// The id in the first row of a table.
fn first_id(table: &str) -> &str {
    let row = table.lines().nth(1).expect("a row");
    row.split(' ').next().expect("an id")
}

fn write(path: &str, text: &str) {
    std::fs::write(path, text).expect("writes");
}
