//! Which page of which list, by the parameters of its row, and the page as the answer of that row.

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lictor_api::answer::Shown;
use lictor_api::list::{List, ListText, Next, Rows};
use lictor_api::query::{DEFAULT_ROWS, Page};
use lictor_authority::permits::Permit;
use lictor_authority::right::OnResource;
use lictor_authority::{Call, LIST_BYTES};
use lictor_core::Error;
use lictor_core::digest::Digest;
use lictor_core::facts::right::Resource;

use super::error::{Problem, invalid};
use super::frame::Answered;
use super::wire::Cursor;

/// The version of the cursors made here.
const CURSOR_VERSION: u8 = 1;

/// A page of a list.
pub(super) struct Paging {
    /// How many rows at most.
    limit: usize,
    /// The key of the last row before the page.
    after: Option<String>,
    /// What the list's cursors are bound to: resource, organization and filter.
    list: String,
}

impl Paging {
    /// The page that is asked for, of the list that the permit is for, with this filter.
    pub(super) fn of<R: OnResource, A>(
        page: &Page,
        permit: Permit<'_, R, A>,
        filter: Option<&str>,
    ) -> Result<Self, Problem> {
        Self::at(page, list_name(R::RESOURCE, permit.call(), filter))
    }

    /// The same of the list with this name.
    pub(super) fn at(page: &Page, list: String) -> Result<Self, Problem> {
        let limit = usize::try_from(page.limit.unwrap_or(DEFAULT_ROWS)).map_err(Error::internal)?;
        let after = page.cursor.as_deref().map(|text| open(text, &list));
        let after = after.transpose()?;
        Ok(Self { limit, after, list })
    }

    /// How many rows to read: one more than are shown, to know whether more follow.
    pub(super) fn rows(&self) -> usize {
        self.limit + 1
    }

    /// The first page of a list, as long as it is where nobody says how long.
    pub(super) fn first<R: OnResource, A>(permit: Permit<'_, R, A>) -> Self {
        Self {
            limit: usize::try_from(DEFAULT_ROWS).unwrap_or(usize::MAX),
            after: None,
            list: list_name(R::RESOURCE, permit.call(), None),
        }
    }

    /// The key of the last row before the page, as it is.
    pub(super) fn after_text(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The rows of the page, of those after where it begins that are all at hand, and the cursor of
    /// the next page. Each must be small: a page may have 1,000.
    pub(super) fn rows_of<T>(
        &self,
        mut following: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let rows: Vec<T> = following.by_ref().take(self.limit).collect();
        let last = rows.last().filter(|_| following.next().is_some());
        let next_cursor = last.map(|last| seal(key(last), &self.list));
        (rows, next_cursor)
    }

    /// The key of the last row before the page, as the rows have it.
    pub(super) fn after<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        let after = self.after.as_deref();
        let after = after.map(|text| text.parse().map_err(|_| bad_cursor()));
        after.transpose()
    }

    /// The page of rows that were read from after `after`, each as it is shown.
    pub(super) fn cut<T, U>(
        &self,
        rows: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
        view: impl FnMut(T) -> U,
    ) -> Result<Answered<Shown<List<U>>>, Problem>
    where
        List<U>: Rows<Row = U, End = Next>,
    {
        let mut view = view;
        let (text, next_cursor) = self.fill::<List<U>, T>(rows, key, |row| Ok(view(row)))?;
        ended(text, &Next { next_cursor })
    }

    /// The rows that fit, and the cursor of the next page: for lists with an end of their own.
    pub(super) fn fill<L: Rows, T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
        mut view: impl FnMut(T) -> Result<L::Row, Problem>,
    ) -> Result<(ListText<L>, Option<String>), Problem> {
        let (mut text, mut last) = (ListText::<L>::default(), None);
        for row in rows {
            let this = key(&row);
            let fits = text.count() < self.limit
                && text
                    .push(&view(row)?, LIST_BYTES)
                    .map_err(Error::internal)?;
            if !fits {
                let next = last.map(|after| seal(after, &self.list));
                return Ok((text, next));
            }
            last = Some(this);
        }
        Ok((text, None))
    }
}

/// The page with its end.
pub(super) fn ended<L: Rows>(
    text: ListText<L>,
    end: &L::End,
) -> Result<Answered<Shown<L>>, Problem> {
    let rendered = text.end(end).map_err(Error::internal)?;
    Ok(Answered::written(rendered)?)
}

/// What the cursors of a list are bound to.
pub(super) fn list_name(resource: Resource, call: &Call, filter: Option<&str>) -> String {
    format!("{} {} {filter:?}", resource.as_str(), call.organization.id)
}

fn seal(after: String, list: &str) -> String {
    let bound = bound(&after, list);
    let v = CURSOR_VERSION;
    let text = Cursor { v, after, bound }.to_json();
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn open(text: &str, list: &str) -> Result<String, Problem> {
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

fn bad_cursor() -> Problem {
    let reason = "it was made for another list, organization or filter, or is not a cursor; \
                  start again without it";
    invalid("cursor", reason)
}
