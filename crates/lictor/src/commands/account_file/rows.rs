//! A file of accounts as it is read: rows, in batches that make a request each. It is read by a thread of
//! its own, so that the command can be stopped while it waits.

use std::io::{Error, Read};
use std::thread;

use indicatif::{ProgressBar, ProgressBarIter};
use lictor_core::facts::email::MAX_EMAIL_LENGTH;
use lictor_core::secret::{self, Secret};
use serde_json::{Map, Value};
use tokio::sync::mpsc::{Receiver, channel};

use super::columns::{self, Column};
use super::lines::Lines;
use super::text::Text;
use super::{ImportOptions, Refused, values};
use crate::exit::{Failure, Outcome};
use crate::output::text_of;
use crate::{document_files, files, progress};

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

/// What a request is made of.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<Row>,
    /// Those between them that cannot be sent.
    pub(super) refused: Vec<Refused>,
    /// Rows without any value, which are no rows.
    pub(super) empty: u64,
    bytes: usize,
    seats: usize,
}

/// A row that is on its way.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) email: String,
    pub(super) body: Value,
}

impl Batch {
    fn add(&mut self, line: u64, email: String, body: Value) {
        self.bytes += body.to_string().len();
        self.seats += body["seats"].as_array().map_or(0, Vec::len);
        self.rows.push(Row { line, email, body });
    }

    fn refuse(&mut self, line: u64, email: String, reason: String) {
        self.refused.push(Refused {
            line,
            email,
            account: "refused",
            reason,
        });
    }

    fn is_full(&self) -> bool {
        self.rows.len() == ROWS || self.bytes >= ENOUGH || self.seats >= SEATS
    }
}

/// Begins to read the file; what can be told of it at once is wrong here, and all else with the batches.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(import: &ImportOptions) -> Outcome<(ProgressBar, Receiver<Outcome<Batch>>)> {
    let unreadable = |error: Error| files::cannot("read", &import.file, &error);
    let file = files::open(&import.file)?;
    let bar = progress::bar(file.metadata().map_err(unreadable)?.len());
    let (give, batches) = channel(1);
    let (reading, import) = (bar.wrap_read(file), import.clone());
    let read = move || {
        // Whoever does not wait any more has ended.
        let next = |batch| give.blocking_send(Ok(batch)).is_ok();
        if let Err(failure) = read_batches(&import, reading, next) {
            give.blocking_send(Err(failure)).ok();
        }
    };
    thread::Builder::new().spawn(read).map_err(unreadable)?;
    Ok((bar, batches))
}

fn read_batches(
    import: &ImportOptions,
    file: ProgressBarIter<impl Read>,
    next: impl Fn(Batch) -> bool,
) -> Outcome {
    let unreadable = |error: Error| files::cannot("read", &import.file, &error);
    let text = Text::begin(file).map_err(unreadable)?;
    let separator = text.separator;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(Lines::new(text.bytes, text.line));
    let columns = columns(&mut reader, import)?;
    let (mut batch, mut record) = (Batch::default(), csv::ByteRecord::new());
    loop {
        let position = reader.position().clone();
        let read = reader.read_byte_record(&mut record);
        let line = reader.get_mut().line_of(&position);
        if matches!(read, Ok(true)) {
            refuse_secret(import, &record)?;
        }
        match read {
            Ok(false) => break,
            Ok(true) if record.iter().all(is_blank) => batch.empty += 1,
            Ok(true) => match row(&columns, &record, &import.seat, separator) {
                Ok((email, body)) => batch.add(line, email, body),
                Err(reason) => batch.refuse(line, shown(&columns, &record), reason),
            },
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(error) => return Err(unreadable(error)),
                _ => batch.refuse(line, String::new(), "it is not a CSV row".to_owned()),
            },
        }
        if batch.is_full() && !next(std::mem::take(&mut batch)) {
            return Ok(());
        }
    }
    next(batch);
    Ok(())
}

fn columns<R: Read>(
    reader: &mut csv::Reader<Lines<R>>,
    import: &ImportOptions,
) -> Outcome<Vec<Column>> {
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
                return Err(document_files::misplaced(
                    &import.file,
                    Secret::Random,
                    WANTED,
                ));
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
fn refuse_secret(import: &ImportOptions, record: &csv::ByteRecord) -> Outcome {
    let found = secret::find(&String::from_utf8_lossy(record.as_slice()));
    found.map_or(Ok(()), |found| {
        Err(document_files::misplaced(&import.file, found, WANTED))
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
            "it has {bytes} bytes, at most {MAX_ROW} are allowed; is there a quote that is not \
             closed?"
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

/// The field of the e-mail, cut to the length of an e-mail.
fn shown(columns: &[Column], record: &csv::ByteRecord) -> String {
    let at = columns
        .iter()
        .position(|column| *column == Column::Known("email"));
    let field = at.and_then(|at| record.get(at)).unwrap_or_default();
    let text = String::from_utf8_lossy(field);
    text.chars().take(MAX_EMAIL_LENGTH).collect()
}
