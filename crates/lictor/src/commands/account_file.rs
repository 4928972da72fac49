//! `lictor account import`: a CSV file, in requests of a thousand rows, with a progress bar. It is read
//! in `account_file/rows.rs`: its encoding and separator are found in `text.rs`, its columns in
//! `columns.rs`, where its lines begin in `lines.rs`, and what its words mean in `values.rs`.

mod columns;
mod lines;
mod rows;
mod text;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use indicatif::ProgressBar;
use lictor_core::rules::batch::BatchMode;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use self::columns::ColumnMapping;
use self::rows::{Batch, Row};
use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::{Failure, Outcome};
use crate::output::{self, counted, figure, printable, text_of};
use crate::signals;
use crate::value_parsers::listed;

/// How many refused rows are shown; --json has all.
const SHOWN: usize = 100;

/// What to import, and how.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct ImportOptions {
    /// A CSV file; `-` reads standard input
    file: PathBuf,
    /// Applications to assign every account a seat of; several separated by commas
    #[arg(long, value_name = "APP", value_delimiter = ',', value_parser = listed::<String>)]
    seat: Vec<String>,
    /// Which column a header of the file is; repeatable
    #[arg(long, value_name = "COLUMN=HEADER", value_parser = columns::mapped)]
    map: Vec<ColumnMapping>,
    /// A column to ignore, by its number or letter, such as 3 or C; repeatable
    #[arg(long, value_name = "COLUMN", value_parser = columns::ignored)]
    ignore: Vec<usize>,
    /// Show what would happen, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of the file.
#[derive(Default)]
struct Tally {
    is_dry_run: bool,
    /// Seats that a dry run would have given so far: a server that stores none has to be told.
    taken: BTreeMap<String, u64>,
    rows: u64,
    /// Rows of the request that was not answered.
    under_way: u64,
    /// Rows without any value, which are no rows.
    empty: u64,
    created: u64,
    existing: u64,
    seats: Seats,
    refused: Vec<Refused>,
}

/// What became of the seats that the rows ask for.
#[derive(Default)]
struct Seats {
    given: u64,
    /// Those of the given ones that went to accounts that existed.
    given_to_existing: u64,
    refused: u64,
}

/// A row that was refused.
struct Refused {
    line: u64,
    email: String,
    /// What became of the account: `created`, `existing`, or `refused`.
    account: &'static str,
    reason: String,
}

/// Imports a file.
pub(crate) async fn import(api: &Api, import: &ImportOptions, json: bool) -> Outcome {
    let client = Client::new(api)?;
    // A pipe that nobody writes to is not opened before somebody does. Nothing is sent by then, so that
    // signals may end it as they do by themselves.
    let (bar, mut batches) = rows::read(import)?;
    let told_to_stop = signals::to_stop()?;
    let mut tally = Tally::of(import);
    let sent = tokio::select! {
        sent = send_all(&client, &mut batches, &bar, &mut tally) => Some(sent),
        () = told_to_stop => None,
    };
    bar.finish_and_clear();
    let failure = match sent {
        Some(Ok(())) => return tally.report(json),
        Some(Err(failure)) if tally.stored() + tally.under_way == 0 => return Err(failure),
        Some(Err(failure)) => failure,
        None => Failure::Refused("told to stop".to_owned()),
    };
    if json {
        output::json(&tally.to_json().to_string())?;
    }
    Err(failure.and(&tally.so_far()))
}

async fn send_all(
    client: &Client,
    batches: &mut Receiver<Outcome<Batch>>,
    bar: &ProgressBar,
    tally: &mut Tally,
) -> Outcome {
    while let Some(batch) = batches.recv().await {
        let Batch {
            rows,
            refused,
            empty,
            ..
        } = batch?;
        tally.empty += empty;
        refused.into_iter().for_each(|row| tally.refuse(row));
        send(client, &rows, tally).await?;
        bar.set_message(format!("{} rows", figure(tally.rows)));
    }
    Ok(())
}

async fn send(client: &Client, rows: &[Row], tally: &mut Tally) -> Outcome {
    if rows.is_empty() {
        return Ok(());
    }
    let bodies: Vec<&Value> = rows.iter().map(|row| &row.body).collect();
    let mut body = json!({ "rows": bodies, "mode": BatchMode::Each.as_str() });
    if tally.is_dry_run {
        body["dry_run"] = true.into();
        body["earlier_seats"] = json!(tally.taken);
        body["earlier_accounts"] = tally.created.into();
    }
    tally.under_way = rows.len() as u64;
    let answer = client.post(&["accounts", "import"], &body).await;
    // An answer says itself what was stored of them, also where the others were not.
    if !matches!(answer, Err(Failure::Unanswered(_))) {
        tally.under_way = 0;
    }
    tally.take(rows, &answer?);
    Ok(())
}

impl Tally {
    fn of(import: &ImportOptions) -> Self {
        Self {
            is_dry_run: import.dry_run,
            ..Self::default()
        }
    }

    fn would(&self) -> &'static str {
        if self.is_dry_run { "would be " } else { "" }
    }

    /// A row that never went on its way.
    fn refuse(&mut self, row: Refused) {
        self.rows += 1;
        self.refused.push(row);
    }

    /// How many rows are known to have an account now.
    fn stored(&self) -> u64 {
        self.created + self.existing
    }

    /// What was stored of an import that ended early, and how to go on. The failure that it is said after
    /// is of the last request alone.
    fn so_far(&self) -> String {
        if self.is_dry_run {
            return "\nIt was a dry run: nothing was written.".to_owned();
        }
        let mut text = match self.stored() {
            0 => "\nNo row is known to be stored.".to_owned(),
            _ => format!(
                "\nThis much was stored before, and stays: {}.",
                self.accounts()
            ),
        };
        if let Some(seats) = self.seats.told("") {
            text.push_str(&format!("\n{seats}."));
        }
        if self.under_way > 0 {
            let rows = counted(self.under_way, "row");
            text.push_str(&format!(
                "\nOf {rows} more that were sent, some may be stored too."
            ));
        }
        text.push_str(
            "\nImport the same file again to continue: existing accounts are not changed.",
        );
        text
    }

    fn take(&mut self, rows: &[Row], reply: &Reply) {
        let outcomes = reply.value["rows"].as_array().into_iter().flatten();
        for (row, outcome) in rows.iter().zip(outcomes) {
            self.take_row(row, outcome);
        }
    }

    fn take_row(&mut self, row: &Row, outcome: &Value) {
        let errors = outcome["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let given = outcome["assigned"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        if self.is_dry_run {
            for application in given.iter().filter_map(Value::as_str) {
                *self.taken.entry(application.to_owned()).or_default() += 1;
            }
        }
        let given = given.len() as u64;
        let account = match &outcome["account"] {
            Value::Null => "refused",
            _ if outcome["created"] == true => "created",
            _ => "existing",
        };
        self.rows += 1;
        self.seats.given += given;
        match account {
            "created" => self.created += 1,
            "existing" => {
                self.existing += 1;
                self.seats.given_to_existing += given;
            }
            _ => {}
        }
        if account != "refused" {
            self.seats.refused += errors.len() as u64;
        }
        if !errors.is_empty() {
            let reasons: Vec<String> = errors.iter().map(|one| text_of(&one["detail"])).collect();
            self.refused.push(Refused {
                line: row.line,
                email: row.email.clone(),
                account,
                reason: reasons.join("; "),
            });
        }
    }

    fn report(&self, json: bool) -> Outcome {
        if json {
            output::json(&self.to_json().to_string())?;
        } else {
            self.print()?;
        }
        if self.refused.is_empty() {
            return Ok(());
        }
        let count = self.refused.len() as u64;
        let rows = counted(count, "row");
        let were = match (self.is_dry_run, count) {
            (true, _) => "would be",
            (false, 1) => "was",
            (false, _) => "were",
        };
        Err(Failure::Refused(format!(
            "{rows} {were} refused, or a seat of theirs"
        )))
    }

    fn to_json(&self) -> Value {
        let refused: Vec<Value> = self.refused.iter().map(Refused::to_json).collect();
        json!({
            "dry_run": self.is_dry_run, "rows": self.rows, "empty": self.empty,
            "created": self.created, "existing": self.existing,
            "seats": {
                "given": self.seats.given,
                "given_to_existing": self.seats.given_to_existing,
                "refused": self.seats.refused,
            },
            "refused": refused,
        })
    }

    fn print(&self) -> Outcome {
        if !self.refused.is_empty() {
            let mut table = output::Rows::new(&["LINE#", "EMAIL~", "REASON~"]);
            for row in self.refused.iter().take(SHOWN) {
                table.row([
                    row.line.to_string(),
                    printable(&row.email),
                    printable(&row.reason),
                ]);
            }
            table.print()?;
            if self.refused.len() > SHOWN {
                let more = figure((self.refused.len() - SHOWN) as u64);
                output::note(&format!("and {more} more; --json lists them all"));
            }
        }
        if self.is_dry_run {
            output::note("dry run: nothing was written");
        }
        output::note(&self.accounts());
        if let Some(seats) = self.seats.told(self.would()) {
            output::note(&seats);
        }
        Ok(())
    }

    fn accounts(&self) -> String {
        let would = self.would();
        let refused = self.rows - self.created - self.existing;
        let mut text = format!(
            "{}: {} {would}created, {} existed already, {} {would}refused",
            counted(self.rows, "row"),
            counted(self.created, "account"),
            figure(self.existing),
            figure(refused)
        );
        if self.empty > 0 {
            let empty = counted(self.empty, "row");
            text.push_str(&format!("; {empty} without any value skipped"));
        }
        text
    }
}

impl Seats {
    /// A line about them, if any seat was asked for that was not there before.
    fn told(&self, would: &str) -> Option<String> {
        if self.given == 0 && self.refused == 0 {
            return None;
        }
        Some(format!(
            "{} {would}given, {} of them to accounts that existed; {} {would}refused",
            counted(self.given, "seat"),
            figure(self.given_to_existing),
            counted(self.refused, "seat")
        ))
    }
}

impl Refused {
    fn to_json(&self) -> Value {
        json!({
            "line": self.line, "email": self.email,
            "account": self.account, "reason": self.reason,
        })
    }
}
