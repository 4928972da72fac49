//! `lictor account import`: a CSV file, in requests of a thousand rows, with a progress bar. Its
//! encoding and separator are found in `account_file/text.rs`, its columns in `columns.rs`, where its
//! lines begin in `lines.rs`, and what its words mean in `values.rs`.

mod columns;
mod lines;
mod text;
mod values;

use std::collections::BTreeMap;
use std::io::{Error, Read};
use std::path::PathBuf;

use lictor_core::account::MAX_EMAIL_LENGTH;
use lictor_core::secret::{self, Secret};
use serde_json::{Map, Value, json};

use self::columns::{Column, Mapped};
use self::lines::Lines;
use self::text::Text;
use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::{Failure, Outcome};
use crate::output::{self, counted, figure, printable, text_of};
use crate::values::listed;
use crate::{document, files, progress};

/// How many rows a request has; no server takes more.
const ROWS: usize = 1_000;

/// The most bytes that a row becomes; more is a quote that is not closed, or nothing for a name.
const MAX_ROW: usize = 64 * 1024;

/// How many bytes of rows make a request, short of the 2 MiB that a server takes.
const ENOUGH: usize = 1024 * 1024;

/// How many seats that rows ask for make a request, short of the 10,000 that a server takes.
const SEATS: usize = 5_000;

/// What the file is to be.
const WANTED: &str = "a list of accounts";

/// How many refused rows are shown; --json has all.
const SHOWN: usize = 100;

/// What to import, and how.
#[derive(clap::Args, Debug)]
pub(crate) struct Wanted {
    /// A CSV file; `-` reads standard input
    file: PathBuf,
    /// Applications that every account gets a seat of; several separated by commas
    #[arg(long, value_name = "APP", value_delimiter = ',', value_parser = listed::<String>)]
    seat: Vec<String>,
    /// Which column a header of the file is; repeatable
    #[arg(long, value_name = "COLUMN=HEADER", value_parser = columns::mapped)]
    map: Vec<Mapped>,
    /// A column to leave out, by its number or letter, as 3 or C; repeatable
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
pub(crate) async fn import(api: &Api, import: &Wanted, json: bool) -> Outcome {
    let client = Client::new(api)?;
    let unreadable = |error: Error| files::cannot("read", &import.file, &error);
    let file = files::open(&import.file)?;
    let bar = progress::bar(file.metadata().map_err(unreadable)?.len());
    let text = Text::begin(bar.wrap_read(file)).map_err(unreadable)?;
    let separator = text.separator;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(Lines::new(text.bytes, text.line));
    let columns = columns(&mut reader, import)?;
    let (mut tally, mut waiting) = (Tally::of(import), Vec::new());
    let (mut bytes, mut seats) = (0, 0);
    let mut record = csv::ByteRecord::new();
    loop {
        let position = reader.position().clone();
        let read = reader.read_byte_record(&mut record);
        let line = reader.get_mut().line_of(&position);
        if matches!(read, Ok(true)) {
            refuse_secret(import, &record)?;
        }
        match read {
            Ok(false) => break,
            Ok(true) if record.iter().all(is_blank) => tally.empty += 1,
            Ok(true) => match row(&columns, &record, &import.seat, separator) {
                Ok((email, body)) => {
                    bytes += body.to_string().len();
                    seats += body["seats"].as_array().map_or(0, Vec::len);
                    waiting.push(Row { line, email, body });
                }
                Err(reason) => tally.refuse(line, shown(&columns, &record), reason),
            },
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(error) => return Err(unreadable(error)),
                _ => tally.refuse(line, String::new(), "it is no row of CSV".to_owned()),
            },
        }
        if waiting.len() == ROWS || bytes >= ENOUGH || seats >= SEATS {
            send(&client, &mut waiting, &mut tally).await?;
            (bytes, seats) = (0, 0);
            bar.set_message(format!("{} rows", figure(tally.rows)));
        }
    }
    send(&client, &mut waiting, &mut tally).await?;
    bar.finish_and_clear();
    tally.report(json)
}

fn columns<R: Read>(reader: &mut csv::Reader<Lines<R>>, import: &Wanted) -> Outcome<Vec<Column>> {
    let begin = reader.position().clone();
    let headers = reader.headers().cloned();
    let line = reader.get_mut().line_of(&begin);
    let path = files::shown(&import.file);
    let found = match headers.map_err(csv::Error::into_kind) {
        Ok(headers) => {
            refuse_secret(import, headers.as_byte_record())?;
            if headers
                .iter()
                .any(|header| secret::looks_like(header).is_some())
            {
                return Err(document::misplaced(&import.file, Secret::Random, WANTED));
            }
            columns::of(headers.iter(), &import.map, &import.ignore)
        }
        Err(csv::ErrorKind::Io(error)) => {
            return Err(files::cannot("read", &import.file, &error));
        }
        Err(_) => Err("it is neither UTF-8 nor UTF-16; save it as \"CSV UTF-8\"".to_owned()),
    };
    found.map_err(|why| Failure::Usage(format!("{path}, line {line}: {why}")))
}

/// Refuses a file with a secret in it, which is neither shown nor sent.
fn refuse_secret(import: &Wanted, record: &csv::ByteRecord) -> Outcome {
    let found = secret::find(&String::from_utf8_lossy(record.as_slice()));
    found.map_or(Ok(()), |found| {
        Err(document::misplaced(&import.file, found, WANTED))
    })
}

/// Whether a field has nothing to see, be it a blank that does not break.
fn is_blank(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| text.trim().is_empty())
}

/// The request's row and its e-mail.
fn row(
    columns: &[Column],
    record: &csv::ByteRecord,
    seats: &[String],
    separator: u8,
) -> Result<(String, Value), String> {
    let more = record.iter().skip(columns.len());
    if more.into_iter().any(|field| !is_blank(field)) {
        return Err(format!(
            "it has {} fields, the first line {}; put fields that hold `{}` into quotes",
            record.len(),
            columns.len(),
            char::from(separator).escape_default()
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
    for (at, (column, field)) in columns.iter().zip(record).enumerate() {
        let name = match *column {
            Column::Known(name) => name,
            Column::Unnamed if !is_blank(field) => return Err(columns::unnamed(at)),
            Column::Unnamed | Column::LeftOut => continue,
        };
        let text = std::str::from_utf8(field)
            .map_err(|_| format!("{name} is not UTF-8; save the file as \"CSV UTF-8\""))?
            .trim();
        match name {
            "seats" => applications.extend(keys(text).map(Value::from)),
            _ if text.is_empty() => {}
            name => {
                body.insert(name.to_owned(), values::read(name, text)?);
            }
        }
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

/// Applications' keys, separated by blanks, commas or semicolons. They have no capitals, which a
/// spreadsheet puts first.
fn keys(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';'));
    let keys = parts.filter(|key| !key.is_empty());
    keys.map(str::to_ascii_lowercase)
}

/// What stands where the e-mail should, as far as an e-mail goes.
fn shown(columns: &[Column], record: &csv::ByteRecord) -> String {
    let at = columns
        .iter()
        .position(|column| *column == Column::Known("email"));
    let field = at.and_then(|at| record.get(at)).unwrap_or_default();
    let text = String::from_utf8_lossy(field);
    text.chars().take(MAX_EMAIL_LENGTH).collect()
}

async fn send(client: &Client, rows: &mut Vec<Row>, tally: &mut Tally) -> Outcome {
    if rows.is_empty() {
        return Ok(());
    }
    let bodies: Vec<&Value> = rows.iter().map(|row| &row.body).collect();
    let mut body = json!({ "rows": bodies, "mode": "each" });
    if tally.is_dry_run {
        body["dry_run"] = true.into();
        body["taken"] = json!(tally.taken);
        body["created"] = tally.created.into();
    }
    let reply = client.post(&["accounts", "import"], &body).await?;
    tally.take(rows, &reply);
    rows.clear();
    Ok(())
}

impl Tally {
    fn of(import: &Wanted) -> Self {
        Self {
            is_dry_run: import.dry_run,
            ..Self::default()
        }
    }

    fn would(&self) -> &'static str {
        if self.is_dry_run { "would be " } else { "" }
    }

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
        let given = outcome["given"].as_array().map_or(&[][..], Vec::as_slice);
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
            output::note("dry run: nothing is written");
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
    /// A line about them, where any was asked for and not held.
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
