//! Query strings and cursor pagination. The form of a cursor is in `wire.rs`.

use std::ops::RangeInclusive;

use axum::http::Uri;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lictor_authority::Call;
use lictor_authority::permits::Permit;
use lictor_authority::right::{OnResource, Read};
use lictor_core::digest::Digest;
use lictor_core::facts::right::Resource;
use lictor_core::{Error, whole_number};
use serde::Serialize;

use super::error::{Problem, invalid};
use super::wire::{Cursor, List};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: u64 = 1_000;

/// The version of the cursors made here.
const CURSOR_VERSION: u8 = 1;

/// The parameters of a request for a list, each of which must be taken.
pub(super) struct Query {
    /// The resource whose list it is.
    resource: Resource,
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads the query string, for who may read the resource, and gives the permit.
    pub(super) fn begin<'c, R: OnResource>(
        call: &'c Call,
        uri: &Uri,
    ) -> Result<(Permit<'c, R, Read>, Self), Problem> {
        Ok((call.permit()?, Self::of(R::RESOURCE, uri)))
    }

    /// Reads the query string.
    pub(super) fn of(resource: Resource, uri: &Uri) -> Self {
        let text = uri.query().unwrap_or_default();
        let parameters = form_urlencoded::parse(text.as_bytes());
        Self {
            resource,
            parameters: parameters.into_owned().collect(),
        }
    }

    /// Takes a parameter that may be there once.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let mut values = self.parameters.extract_if(.., |(known, _)| known == name);
        let first = values.next().map(|(_, value)| value);
        match values.next() {
            None => Ok(first),
            Some(_) => Err(invalid(name, "give it once")),
        }
    }

    /// Takes a parameter that is a whole number.
    pub(super) fn take_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        let number = whole_number::of_text(&text).filter(|number| range.contains(number));
        let (start, end) = range.into_inner();
        let reason = || format!("use a whole number from {start} to {end}");
        number.map(Some).ok_or_else(|| invalid(name, reason()))
    }

    /// Refuses what was not taken: a misspelled filter would otherwise show everything.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.parameters.first() {
            None => Ok(()),
            Some((name, _)) => Err(invalid("query", format!("there is no parameter {name:?}"))),
        }
    }
}

/// Refuses parameters where there are none.
pub(super) fn no_query(uri: &Uri) -> Result<(), Problem> {
    match uri.query() {
        None | Some("") => Ok(()),
        Some(_) => Err(invalid("query", "this route has no parameters")),
    }
}

/// Which page of which list is asked for.
pub(super) struct Page {
    /// How many rows at most.
    pub(super) limit: usize,
    /// The key of the last row before the page.
    pub(super) after: Option<String>,
    /// What the list's cursors are bound to: resource, organization and filter.
    list: String,
}

impl Page {
    /// Takes `limit` and `cursor`; the filter must have been taken before, and nothing may be left.
    pub(super) fn take(
        mut query: Query,
        call: &Call,
        filter: Option<&str>,
    ) -> Result<Self, Problem> {
        let limit = query.take_number("limit", 1..=MAX_LIMIT)?;
        let limit = limit
            .map_or(Ok(DEFAULT_LIMIT), usize::try_from)
            .map_err(Error::internal)?;
        let cursor = query.take("cursor")?;
        let list = list_name(query.resource, call, filter);
        query.finish()?;
        let after = cursor.map(|text| open(&text, &list)).transpose()?;
        Ok(Self { limit, after, list })
    }

    /// How many rows to read: one more than are shown, to know whether more follow.
    pub(super) fn rows(&self) -> usize {
        self.limit + 1
    }

    /// The key of the last row before the page, as the rows have it.
    pub(super) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let after = self.after.as_deref();
        after
            .map(|text| text.parse().map_err(|_| bad_cursor()))
            .transpose()
    }

    /// The page of rows that were read from after `after`, each as it is shown.
    pub(super) fn cut<T, U: Serialize>(
        &self,
        rows: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
        mut view: impl FnMut(T) -> U,
    ) -> Result<List, Problem> {
        let mut filling = self.begin();
        for row in rows {
            let key = key(&row);
            if !filling.add(key, || view(row))? {
                break;
            }
        }
        Ok(filling.end())
    }

    /// The page, to which rows are added one by one.
    pub(super) fn begin(&self) -> Filling<'_> {
        Filling {
            page: self,
            list: List::new(),
            last: None,
            more: false,
        }
    }
}

/// A page that is being filled.
pub(super) struct Filling<'p> {
    page: &'p Page,
    list: List,
    /// The key of the last row.
    last: Option<String>,
    more: bool,
}

impl Filling<'_> {
    /// Adds the row with this key, as it is shown; `false` if the page is full without it.
    pub(super) fn add<U: Serialize>(
        &mut self,
        key: String,
        view: impl FnOnce() -> U,
    ) -> Result<bool, Problem> {
        let fits = self.list.count() < self.page.limit && self.list.push(&view())?;
        match fits {
            true => self.last = Some(key),
            false => self.more = true,
        }
        Ok(fits)
    }

    /// The page, with a cursor if a row did not fit.
    pub(super) fn end(self) -> List {
        let last = self.last.filter(|_| self.more);
        let mut list = self.list;
        list.next_cursor = last.map(|after| seal(after, &self.page.list));
        list
    }
}

pub(super) fn list_name(resource: Resource, call: &Call, filter: Option<&str>) -> String {
    format!("{} {} {filter:?}", resource.as_str(), call.organization.id)
}

pub(super) fn seal(after: String, list: &str) -> String {
    let bound = bound(&after, list);
    let v = CURSOR_VERSION;
    let text = Cursor { v, after, bound }.to_json();
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

pub(super) fn open(text: &str, list: &str) -> Result<String, Problem> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| bad_cursor())?;
    let cursor = Cursor::from_json(&bytes).ok_or_else(bad_cursor)?;
    if cursor.v == CURSOR_VERSION && cursor.bound == bound(&cursor.after, list) {
        Ok(cursor.after)
    } else {
        Err(bad_cursor())
    }
}

/// Ties a row's key to its list. It guards against mistakes: whoever forges one sees no more than
/// another page of what the caller may see anyway.
fn bound(after: &str, list: &str) -> String {
    let mut digits = Digest::of(format!("{list} {after:?}").as_bytes()).to_string();
    digits.truncate(16);
    digits
}

pub(super) fn bad_cursor() -> Problem {
    let reason = "it was made for another list, organization or filter, or is not a cursor; \
                  start again without it";
    invalid("cursor", reason)
}
