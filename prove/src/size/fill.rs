//! The two tenants: both have the same kinds of things, one of them very many of some.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use lictor_testkit::Server;
use serde_json::{Value, json};

use super::{Trial, command, metric};
use crate::operator::Operator;

pub(super) const SMALL: &str = "small";
pub(super) const LARGE: &str = "large";
pub(super) const NEIGHBOR: &str = "neighbor";

/// The product of the document, which stands for those of all applications.
pub(super) const PRODUCT: &str = "PRODUCT";

/// How many of each thing the small tenant has at least, so that its pages are as long as those of the
/// large one.
pub(super) const PAGE: usize = 20;

/// The applications that an account has a seat of.
const SEATS: u64 = 4;

/// Accounts of one application.
const ACCOUNTS: u64 = 1_000;

/// The most licenses of the first application: what a quota allows by default.
const MOST: u64 = 10_000;

/// Who writes at the same time.
const WRITERS: u64 = 16;

/// How many licenses are written to see how many are looked at.
const TRIED: u64 = 40;

/// One organization.
pub(super) struct Tenant {
    pub(super) key: &'static str,
    accounts: u64,
    applications: u64,
}

/// The id of a license: each number has one of its own.
pub(super) fn license_id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

/// The document for an application, unlike any other.
pub(super) fn payload(document: &str, application: u64, number: u64) -> String {
    let product = format!("app-{application}");
    let named = document.replace(PRODUCT, &product);
    named.replace(
        "\"customer\":\"Customer\"",
        &format!("\"customer\":\"Customer {number}\""),
    )
}

impl Tenant {
    /// A tenant with all that it has.
    pub(super) fn fill(
        trial: &Trial,
        server: &Server,
        key: &'static str,
        accounts: u64,
        document: &str,
    ) -> Result<Self> {
        let tenant = Self::begin(server, key, accounts, document)?;
        let file = tenant.accounts_file(&std::env::temp_dir())?;
        let path = file.display().to_string();
        let mut import = command(trial, server, &["account", "import", &path]);
        let output = import.env("LICTOR_ORGANIZATION", key).output()?;
        std::fs::remove_file(file)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the import said: {said}");
        tenant.write_all_licenses(server, document)?;
        tenant.add_the_rest(server)?;
        Ok(tenant)
    }

    /// A tenant with its applications alone.
    pub(super) fn begin(
        server: &Server,
        key: &'static str,
        accounts: u64,
        document: &str,
    ) -> Result<Self> {
        let mut operator = Operator::of_new(&server.address, key)?;
        let most = u32::MAX;
        let quotas = json!({ "limits": { "licenses": most, "licenses-per-application": most,
            "entries-per-day": most } });
        operator.send("PATCH", &format!("/v1/organizations/{key}"), &quotas)?;
        let applications = (accounts / ACCOUNTS).max(PAGE as u64);
        let tenant = Self {
            key,
            accounts,
            applications,
        };
        tenant.write_licenses(server, document, 0..applications, |number| number)?;
        Ok(tenant)
    }

    /// A file of all accounts, each with some seats.
    pub(super) fn accounts_file(&self, folder: &Path) -> Result<PathBuf> {
        let name = format!("accounts-{}-{}.csv", self.key, std::process::id());
        let path = folder.join(name);
        let mut file = BufWriter::new(File::create(&path)?);
        writeln!(file, "email,name,seats")?;
        for number in 0..self.accounts {
            let seats = (0..SEATS).map(|seat| (number + seat) % self.applications);
            let seats: Vec<_> = seats.map(|seat| format!("app-{seat}")).collect();
            let seats = seats.join(" ");
            writeln!(
                file,
                "person-{number:07}@example.com,Person {number},{seats}"
            )?;
        }
        file.flush()?;
        Ok(path)
    }

    /// A tenth as many licenses as accounts, half of them of the first application, if that is not more
    /// than a quota allows.
    pub(super) fn write_all_licenses(&self, server: &Server, document: &str) -> Result<()> {
        let licenses = self.accounts / 10;
        let of_first = (licenses / 2).min(MOST);
        let applications = self.applications;
        self.write_licenses(server, document, applications..licenses, |number| {
            match number < applications + of_first {
                true => 0,
                false => number % applications,
            }
        })
    }

    fn write_licenses(
        &self,
        server: &Server,
        document: &str,
        numbers: std::ops::Range<u64>,
        application: impl Fn(u64) -> u64 + Sync,
    ) -> Result<()> {
        side_by_side(|writer| {
            let mut operator = Operator::of(server, self.key)?;
            let mine = numbers.clone().filter(|number| number % WRITERS == writer);
            for number in mine {
                let payload = payload(document, application(number), number);
                let path = format!("/v1/licenses/{}", license_id(number));
                operator.send("PUT", &path, &json!({ "payload": payload }))?;
            }
            Ok(())
        })
    }

    /// Leases, refusals, tokens, clients, nodes, pools and usage: as many in each tenant.
    pub(super) fn add_the_rest(&self, server: &Server) -> Result<()> {
        let mut operator = Operator::of(server, self.key)?;
        for number in 0..2 * PAGE {
            let holder = json!({ "holder": format!("host-{number}"), "ttl_seconds": 86_400 });
            let path = "/v1/applications/app-0/leases";
            let lease = operator.post(path, &holder)?;
            if number % 2 == 0 {
                let id = lease["id"].as_str().context("no id")?;
                let fence = json!({ "fence": lease["fence"] });
                operator.post(&format!("/v1/leases/{id}/release"), &fence)?;
            }
            operator.post("/v1/tokens", &json!({ "role": "reader" }))?;
            operator.post("/v1/clients", &json!({ "scopes": ["seats:read"] }))?;
            let node = json!({ "name": format!("edge-{number}"), "application": "app-0" });
            operator.post("/v1/nodes", &node)?;
            let pool =
                json!({ "name": format!("pool-{number}"), "application": "app-0", "limit": 9 });
            operator.post("/v1/node-pools", &pool)?;
        }
        let row = |number| {
            json!({ "source": "gateway", "service": format!("service-{number}"),
                "month": "2026-11", "count": number })
        };
        let rows: Vec<_> = (1..=2 * PAGE).map(row).collect();
        operator.post("/v1/usage", &json!({ "counts": rows }))?;
        Ok(())
    }

    /// How many licenses are looked at for each that is written of the first application, and shown.
    pub(super) fn looked_at_by_a_write(&self, server: &Server, document: &str) -> Result<f64> {
        const NAME: &str = "lictor_licenses_looked_at_total ";
        let mut operator = Operator::of(server, self.key)?;
        let before = metric(server, NAME)?;
        for number in 0..TRIED {
            let payload = payload(document, 0, number + 1_000_000_000);
            let path = format!("/v1/licenses/{}", license_id(number + 1_000_000_000));
            operator.send("PUT", &path, &json!({ "payload": payload }))?;
            operator.send("GET", "/v1/applications/app-0", &Value::Null)?;
        }
        Ok((metric(server, NAME)? - before) / TRIED as f64)
    }
}

/// Does the work as each of the writers.
fn side_by_side(work: impl Fn(u64) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let work = &work;
        let all = (0..WRITERS).map(|writer| scope.spawn(move || work(writer)));
        let all: Vec<_> = all.collect();
        all.into_iter().try_for_each(|writer| {
            let ended = writer.join();
            ended.unwrap_or_else(|_| Err(anyhow!("a writer panicked")))
        })
    })
}
