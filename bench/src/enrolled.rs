//! Control planes with a license for any number of nodes, and enrollment tokens.

use std::thread;

use anyhow::{Context, Result, anyhow};
use lictor_testkit::{Connection, Server};
use serde_json::json;

use super::Bench;
use super::seated::{APPLICATION, post};

/// Connections that enroll nodes at the same time.
const WRITERS: usize = 16;

impl Bench {
    /// A server with a license that has no limit of nodes.
    pub(super) fn control_plane(&self, folder: &str) -> Result<Server> {
        let server = self.serve(folder)?;
        self.add_seats(&server, 1)?;
        Ok(server)
    }
}

/// Enrolls one node and returns its token.
pub(super) fn enroll_one(server: &Server, name: &str) -> Result<String> {
    enroll_over(&mut Connection::open(&server.address)?, name)
}

/// Enrolls so many nodes and returns their tokens.
pub(super) fn enroll(server: &Server, count: usize) -> Result<Vec<String>> {
    let numbers: Vec<usize> = (0..count).collect();
    thread::scope(|scope| {
        let writers: Vec<_> = numbers
            .chunks(count.div_ceil(WRITERS))
            .map(|part| {
                scope.spawn(|| {
                    let mut connection = Connection::open(&server.address)?;
                    part.iter()
                        .map(|number| enroll_over(&mut connection, &format!("node-{number}")))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let mut tokens = Vec::with_capacity(count);
        for writer in writers {
            tokens.extend(writer.join().map_err(|_| anyhow!("a writer panicked"))??);
        }
        Ok(tokens)
    })
}

fn enroll_over(connection: &mut Connection, name: &str) -> Result<String> {
    let node = json!({ "name": name, "application": APPLICATION });
    let enrolled = post(connection, "/v1/nodes", &node)?;
    let token = enrolled["enrollment_token"].as_str();
    Ok(token.context("no token")?.to_owned())
}
