//! Servers with accounts that hold seats, imported by the command, and with organizations; and the requests for their counts.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_testkit::{Connection, OPERATOR, Server};
use serde_json::{Value, json};

use super::Bench;
use super::contestant::{LOAD_CORE, pinned};
use super::load::Load;

/// The application that all seats are of: the slug of the product.
pub(super) const APPLICATION: &str = "gateway";

/// Where its leases are checked out.
const LEASES: &str = "/v1/applications/gateway/leases";

/// Who asks for the counts.
const ADMINISTRATOR: &str = "administrator@example.com";

/// Who sets up organizations at the same time.
const WRITERS: usize = 64;

/// An answer that is a count, as a client asks for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Zoho,
    Jira,
}

impl Count {
    pub(super) const ALL: [Self; 2] = [Self::Zoho, Self::Jira];

    /// The request as tables name it.
    pub(super) fn name(self) -> String {
        format!("`GET {}`", self.path())
    }

    fn path(self) -> &'static str {
        match self {
            Self::Zoho => "/crm/v7/__features/user_licenses",
            Self::Jira => "/rest/api/3/license/approximateLicenseCount",
        }
    }

    /// The credentials behind the name of the header, by this token of the administrator.
    pub(super) fn credentials(self, token: &str) -> String {
        match self {
            Self::Zoho => format!("Zoho-oauthtoken {token}"),
            Self::Jira => {
                let pair = BASE64_STANDARD.encode(format!("{ADMINISTRATOR}:{token}"));
                format!("Basic {pair}")
            }
        }
    }

    /// The request with these credentials, over and over.
    pub(super) fn load(self, credentials: &str, connections: usize) -> Load {
        Load {
            header: format!("Authorization: {credentials}"),
            ..Load::get(self.path(), connections)
        }
    }
}

impl Bench {
    /// A signed document for so many seats of [`APPLICATION`].
    pub(super) fn license_for(&self, seats: usize) -> Result<String> {
        let key = self.scratch.join("vendor.key").display().to_string();
        let seats = seats.to_string();
        self.installation.lictor(&[
            "license",
            "issue",
            "--key",
            &key,
            "--customer",
            "Example GmbH",
            "--product",
            "Gateway",
            "--seats",
            &seats,
            "--created",
            "2025-01-01",
            "--expires",
            "2099-12-31",
        ])
    }

    /// Stores a license for so many seats.
    pub(super) fn add_seats(&self, server: &Server, seats: usize) -> Result<()> {
        let body = json!({ "payload": self.license_for(seats)? });
        post(
            &mut Connection::open(&server.address)?,
            "/v1/licenses",
            &body,
        )?;
        Ok(())
    }

    /// Writes a file with so many accounts, each with a seat, whose e-mails are in order.
    pub(super) fn accounts_file(&self, accounts: usize) -> Result<PathBuf> {
        let path = self.scratch.join(format!("accounts-{accounts}.csv"));
        let mut file = BufWriter::new(File::create(&path)?);
        writeln!(file, "email,name,seats")?;
        for number in 0..accounts {
            writeln!(
                file,
                "person-{number:07}@example.com,Person {number},{APPLICATION}"
            )?;
        }
        file.flush()?;
        Ok(path)
    }

    /// The command that imports a file, on the core of the load.
    pub(super) fn import(&self, server: &Server, file: &Path) -> Command {
        let mut import = Command::new(&self.installation.binary);
        import.args(["account", "import"]).arg(file);
        import
            .env("LICTOR_URL", server.base())
            .env("LICTOR_TOKEN", OPERATOR);
        let mut import = pinned(LOAD_CORE, &import);
        import.stdin(Stdio::null()).stderr(Stdio::piped());
        import
    }

    /// A server with so many accounts that hold seats, and the token of its administrator.
    pub(super) fn seated(&self, folder: &str, accounts: usize) -> Result<(Server, String)> {
        let server = self.serve(folder)?;
        self.add_seats(&server, accounts)?;
        let file = self.accounts_file(accounts)?;
        let output = self.import(&server, &file).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the import said: {said}");
        fs::remove_file(file)?;
        let token = administrator(&mut Connection::open(&server.address)?)?;
        Ok((server, token))
    }

    /// Adds organizations until there are so many, each with a license, an account with a seat and
    /// an administrator, and returns the administrators' tokens.
    pub(super) fn add_organizations(&self, server: &Server, count: usize) -> Result<Vec<String>> {
        let license = json!({ "payload": self.license_for(100)? });
        // One is there from the beginning.
        let keys: Vec<String> = (1..count)
            .map(|number| format!("tenant-{number}"))
            .collect();
        side_by_side(&keys, |key| {
            let mut connection = Connection::open(&server.address)?;
            post(&mut connection, "/v1/organizations", &json!({ "key": key }))
        })?;
        side_by_side(&keys, |key| {
            let mut connection = Connection::open(&server.address)?;
            connection.act_in(key);
            post(&mut connection, "/v1/licenses", &license)?;
            let rows = json!([{ "email": "person@example.com", "seats": [APPLICATION] }]);
            post(
                &mut connection,
                "/v1/accounts/import",
                &json!({ "rows": rows }),
            )?;
            administrator(&mut connection)
        })
    }
}

/// Checks out so many leases of [`APPLICATION`], which outlive any measurement.
pub(super) fn add_leases(server: &Server, count: usize) -> Result<()> {
    let holders: Vec<String> = (0..WRITERS)
        .map(|writer| format!("host-{writer}"))
        .collect();
    side_by_side(&holders, |writer| {
        let mut connection = Connection::open(&server.address)?;
        let share = count / WRITERS;
        for number in 0..share {
            let body = json!({ "holder": format!("{writer}-{number}"), "ttl_seconds": 2_592_000 });
            post(&mut connection, LEASES, &body)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Does the work for every key, [`WRITERS`] at a time.
fn side_by_side<T: Send>(
    keys: &[String],
    work: impl Fn(&str) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let part = keys.len().div_ceil(WRITERS).max(1);
    thread::scope(|scope| {
        let work = &work;
        let writers: Vec<_> = keys
            .chunks(part)
            .map(|keys| {
                scope.spawn(|| keys.iter().map(|key| work(key)).collect::<Result<Vec<T>>>())
            })
            .collect();
        let mut done = Vec::with_capacity(keys.len());
        for writer in writers {
            done.extend(writer.join().map_err(|_| anyhow!("a writer panicked"))??);
        }
        Ok(done)
    })
}

/// Creates the administrator with a token, which it returns.
fn administrator(connection: &mut Connection) -> Result<String> {
    let account = json!({ "email": ADMINISTRATOR, "administrator": true });
    post(connection, "/v1/accounts", &account)?;
    let token = json!({ "role": "admin", "account": ADMINISTRATOR });
    let token = post(connection, "/v1/tokens", &token)?;
    Ok(token["secret"].as_str().context("no secret")?.to_owned())
}

/// Posts JSON and returns that of the answer, which is to be a success.
pub(super) fn post(connection: &mut Connection, path: &str, body: &Value) -> Result<Value> {
    let answer = connection.post_json(path, &body.to_string())?;
    let said = String::from_utf8_lossy(&answer.body);
    let status = answer.status;
    ensure!(
        (200..300).contains(&status),
        "{path} was answered {status}: {said}"
    );
    Ok(serde_json::from_str(&said)?)
}

/// Writes credentials into a file for [`Kind::GetAny`](super::load::Kind::GetAny).
pub(super) fn listed(path: &Path, credentials: impl Iterator<Item = String>) -> Result<()> {
    let mut text = String::new();
    for one in credentials {
        writeln!(text, "{one}")?;
    }
    fs::write(path, text)?;
    Ok(())
}
