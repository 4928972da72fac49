//! The table of reads: one license by its id, beside bare hyper and nginx with the same bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use lictor_testkit::Server;

use super::Bench;
use super::bare::{Bare, ensure_same, fetch};
use super::compare::{Case, Entrant};
use super::contestant::{Process, free_address};
use super::load::{Load, Turn};
use super::rounds::Samples;

const CONNECTIONS: usize = 32;

/// How many requests a connection has under way.
const DEPTHS: [usize; 2] = [1, 16];

pub(super) const CASES: [Case; 2] = [
    Case {
        name: "1 request under way, per server CPU-second",
        figure: Turn::per_cpu_second,
        start: |bench| entrant(bench, DEPTHS[0]),
    },
    Case {
        name: "16 requests under way, per server CPU-second",
        figure: Turn::per_cpu_second,
        start: |bench| entrant(bench, DEPTHS[1]),
    },
];

/// A server and where it listens.
struct Contestant {
    name: &'static str,
    address: String,
    process: u32,
}

/// A server with one license, and the load that asks for it.
fn start(bench: &Bench) -> Result<(Server, Load)> {
    let lictor = bench.serve("reads")?;
    let path = format!("/licenses/{}", bench.add_license(&lictor)?);
    Ok((lictor, Load::get(&path, CONNECTIONS)))
}

fn entrant(bench: &Bench, depth: usize) -> Result<Entrant> {
    let (server, load) = start(bench)?;
    let load = Load { depth, ..load };
    Ok(Entrant::new(server, move |bench, server| {
        let seconds = bench.rounds.seconds;
        load.turn(&bench.scratch, &server.address, server.id(), seconds)
    }))
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let (lictor, load) = start(bench)?;
    let answer = fetch(&lictor.address, &load)?;
    let bare = Bare::start(bench, &load, &answer)?;
    let (mut nginx, nginx_address) = nginx(&bench.scratch, &answer)?;
    nginx.answers_at(&nginx_address)?;
    ensure_same(&answer, &fetch(&nginx_address, &load)?)?;

    let contestant = |name, address: &str, process| Contestant {
        name,
        address: address.to_owned(),
        process,
    };
    let mut contestants = [
        contestant("bare hyper", &bare.address, bare.id()),
        contestant("nginx", &nginx_address, nginx.id()),
        contestant("Lictor", &lictor.address, lictor.id()),
    ];
    let mut text = String::new();
    for depth in DEPTHS {
        let load = Load {
            depth,
            ..load.clone()
        };
        let results = bench.rounds.interleave(&mut contestants, |one| {
            load.turn(
                &bench.scratch,
                &one.address,
                one.process,
                bench.rounds.seconds,
            )
        })?;
        write!(text, "{}", table(&contestants, &results, depth)?)?;
    }
    Ok(text)
}

fn table(contestants: &[Contestant], results: &[Vec<Turn>], depth: usize) -> Result<String> {
    let cost = |index: usize| Samples::of(&results[index], Turn::per_cpu_second);
    let mut text = format!(
        "{CONNECTIONS} connections, {depth} request{} under way on each:\n\n\
         | server | requests/s | per server CPU-second | of bare hyper | of nginx | p99, µs |\n\
         |---|---|---|---|---|---|\n",
        if depth == 1 { "" } else { "s" }
    );
    for (index, contestant) in contestants.iter().enumerate() {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            contestant.name,
            Samples::of(&results[index], Turn::per_second).cell(),
            cost(index).cell(),
            cost(index).ratio(&cost(0)).cell(),
            cost(index).ratio(&cost(1)).cell(),
            // wrk times a pipeline as a whole.
            Samples::of(&results[index], |turn| if depth == 1 {
                turn.p99
            } else {
                f64::NAN
            })
            .cell_or_dash(),
        )?;
    }
    text.push('\n');
    Ok(text)
}

/// One worker, the body from a file that is kept open, the same headers, no log.
fn nginx(scratch: &Path, answer: &str) -> Result<(Process, String)> {
    let address = free_address()?;
    let folder = scratch.join("nginx");
    fs::create_dir_all(&folder)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("a head and a body")?;
    fs::write(folder.join("answer"), body)?;
    let headers: String = head
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| !["content-type", "content-length", "date", "server"].contains(name))
        .map(|(name, value)| format!("add_header {name} \"{value}\";\n"))
        .collect();
    let root = folder.display();
    let configuration = format!(
        "worker_processes 1;\nuser root;\ndaemon off;\nmaster_process off;\npid {root}/pid;\nerror_log {root}/log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\naccess_log off;\nsendfile off;\nkeepalive_requests 1000000000;\n\
         open_file_cache max=16 inactive=1h;\nopen_file_cache_valid 1h;\n\
         etag off;\nmax_ranges 0;\nserver_tokens off;\n\
         server {{ listen {address};\nroot {root};\n\
         default_type \"application/json; charset=utf-8\";\n\
         location / {{ try_files /answer =404;\nadd_header Last-Modified \"\";\n{headers} }} }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let mut command = Command::new("nginx");
    let process = Process::start(command.arg("-p").arg(&folder).arg("-c").arg(&file))?;
    Ok((process, address))
}
