//! `lictor account import`: a CSV file, in requests of a thousand rows, with a progress bar. Where
//! its lines begin is in `account_file/lines.rs`.

mod lines;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use lictor_core::account::MAX_EMAIL_LENGTH;
use serde_json::{Map, Value, json};

use self::lines::Lines;
use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::{Failure, Outcome};
use crate::output::{self, figure, printable, text_of};

/// How many rows a request has; no server takes more.
const ROWS: usize = 1_000;

/// The most bytes that a row becomes; more is a quote that is not closed, or nothing for a name.
const MAX_ROW: usize = 64 * 1024;

/// How many bytes of rows make a request, short of the 2 MiB that a server takes.
const ENOUGH: usize = 1024 * 1024;

/// How many refused rows are shown; --json has all.
const SHOWN: usize = 100;

/// The columns that are known.
const COLUMNS: [&str; 7] = [
    "email",
    "name",
    "kind",
    "status",
    "language",
    "administrator",
    "seats",
];

/// What became of the file.
#[derive(Default)]
struct Tally {
    rows: u64,
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

/// A row that is on its way.
struct Row {
    line: u64,
    email: String,
    body: Value,
}

/// Imports a file.
pub(crate) async fn import(api: &Api, path: &Path, seats: &[String], json: bool) -> Outcome {
    let client = Client::new(api)?;
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut input = BufReader::new(file);
    skip_mark(&mut input).map_err(unreadable)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(Lines::new(input));
    let columns = columns(&mut reader, path)?;
    let bar = progress(size);
    let (mut tally, mut waiting, mut bytes) = (Tally::default(), Vec::new(), 0);
    let mut record = csv::ByteRecord::new();
    loop {
        let position = reader.position().clone();
        let read = reader.read_byte_record(&mut record);
        let line = reader.get_mut().line_of(&position);
        match read {
            Ok(false) => break,
            Ok(true) if record.iter().all(<[u8]>::is_empty) => tally.empty += 1,
            Ok(true) => match row(&columns, &record, seats) {
                Ok((email, body)) => {
                    bytes += body.to_string().len();
                    waiting.push(Row { line, email, body });
                }
                Err(reason) => tally.refuse(line, first(&record), reason),
            },
            Err(error) if error.is_io_error() => {
                return Err(Failure::Usage(format!("{}: {error}", path.display())));
            }
            Err(error) => tally.refuse(line, String::new(), error.to_string()),
        }
        if waiting.len() == ROWS || bytes >= ENOUGH {
            send(&client, &mut waiting, &mut tally).await?;
            bytes = 0;
            bar.set_position(reader.position().byte());
            bar.set_message(format!("{} rows", figure(tally.rows)));
        }
    }
    send(&client, &mut waiting, &mut tally).await?;
    bar.finish_and_clear();
    tally.report(json)
}

/// A byte-order mark is no part of the first column's name.
fn skip_mark(input: &mut impl BufRead) -> std::io::Result<()> {
    if input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    Ok(())
}

fn progress(size: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} % {msg}, {eta} left");
    let bar = ProgressBar::new(size);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn columns(reader: &mut csv::Reader<impl std::io::Read>, path: &Path) -> Outcome<Vec<String>> {
    let wrong = |why: String| Failure::Usage(format!("{}, line 1: {why}", path.display()));
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?;
    let columns: Vec<String> = headers.iter().map(str::to_lowercase).collect();
    if let Some(unknown) = columns
        .iter()
        .find(|name| !COLUMNS.contains(&name.as_str()))
    {
        let known = COLUMNS.join(", ");
        let unknown = printable(unknown);
        return Err(wrong(format!("unknown column `{unknown}`; use {known}")));
    }
    let twice = |(at, name)| columns[..at].contains(name);
    if let Some((_, twice)) = columns.iter().enumerate().find(|column| twice(*column)) {
        return Err(wrong(format!("there is a column `{twice}` twice")));
    }
    if !columns.iter().any(|name| name == "email") {
        return Err(wrong("there is no column `email`".to_owned()));
    }
    Ok(columns)
}

/// The request's row and its e-mail.
fn row(
    columns: &[String],
    record: &csv::ByteRecord,
    seats: &[String],
) -> Result<(String, Value), String> {
    if record.len() > columns.len() {
        return Err(format!(
            "it has {} fields, the first line {}; put fields with commas into quotes",
            record.len(),
            columns.len()
        ));
    }
    let bytes = record.as_slice().len();
    if bytes > MAX_ROW {
        return Err(format!(
            "it has {bytes} bytes, {MAX_ROW} at most are taken; is there a quote that is not closed?"
        ));
    }
    let mut body = Map::new();
    let mut applications: Vec<Value> = seats.iter().map(|key| key.as_str().into()).collect();
    for (name, field) in columns.iter().zip(record) {
        let text = std::str::from_utf8(field).map_err(|_| format!("{name} is not UTF-8"))?;
        let value = match (name.as_str(), text) {
            ("seats", text) => {
                applications.extend(text.split_whitespace().map(Value::from));
                continue;
            }
            (_, "") => continue,
            ("administrator", text) => flag(text)?.into(),
            ("kind", "person" | "service") | ("status", "active" | "invited") => text.into(),
            ("kind", _) => return Err("kind: use person or service".to_owned()),
            ("status", _) => return Err("status: use active or invited".to_owned()),
            (_, text) => text.into(),
        };
        body.insert(name.clone(), value);
    }
    let email = body.get("email").map(text_of).unwrap_or_default();
    if email.is_empty() {
        return Err("it has no e-mail".to_owned());
    }
    if !applications.is_empty() {
        body.insert("seats".to_owned(), applications.into());
    }
    Ok((email, body.into()))
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("administrator: use true or false".to_owned()),
    }
}

/// What stands where the e-mail should, as far as an e-mail goes.
fn first(record: &csv::ByteRecord) -> String {
    let text = String::from_utf8_lossy(record.get(0).unwrap_or_default());
    text.chars().take(MAX_EMAIL_LENGTH).collect()
}

async fn send(client: &Client, rows: &mut Vec<Row>, tally: &mut Tally) -> Outcome {
    if rows.is_empty() {
        return Ok(());
    }
    let bodies: Vec<&Value> = rows.iter().map(|row| &row.body).collect();
    let body = json!({ "rows": bodies, "mode": "each" });
    let reply = client.post(&["accounts", "import"], &body).await?;
    tally.take(rows, &reply);
    rows.clear();
    Ok(())
}

impl Tally {
    /// A row that never went on its way.
    fn refuse(&mut self, line: u64, email: String, reason: String) {
        self.rows += 1;
        self.refused.push(Refused {
            line,
            email,
            account: "refused",
            reason,
        });
    }

    fn take(&mut self, rows: &[Row], reply: &Reply) {
        let outcomes = reply.value["rows"].as_array().into_iter().flatten();
        for (row, outcome) in rows.iter().zip(outcomes) {
            self.take_row(row, outcome);
        }
    }

    fn take_row(&mut self, row: &Row, outcome: &Value) {
        let errors = outcome["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let given = outcome["given"].as_array().map_or(0, Vec::len) as u64;
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
        let count = figure(self.refused.len() as u64);
        Err(Failure::Refused(format!(
            "{count} rows were refused, or a seat of theirs"
        )))
    }

    fn to_json(&self) -> Value {
        let refused: Vec<Value> = self.refused.iter().map(Refused::to_json).collect();
        json!({
            "rows": self.rows, "empty": self.empty,
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
        output::note(&self.accounts());
        if let Some(seats) = self.seats.told() {
            output::note(&seats);
        }
        Ok(())
    }

    fn accounts(&self) -> String {
        let refused = self.rows - self.created - self.existing;
        let mut text = format!(
            "{} rows: {} accounts created, {} existed already, {} refused",
            figure(self.rows),
            figure(self.created),
            figure(self.existing),
            figure(refused)
        );
        if self.empty > 0 {
            let empty = figure(self.empty);
            text.push_str(&format!("; {empty} rows without any value skipped"));
        }
        text
    }
}

impl Seats {
    /// A line about them, where any was asked for and not held.
    fn told(&self) -> Option<String> {
        if self.given == 0 && self.refused == 0 {
            return None;
        }
        Some(format!(
            "{} seats given, {} of them to accounts that existed; {} seats refused",
            figure(self.given),
            figure(self.given_to_existing),
            figure(self.refused)
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
