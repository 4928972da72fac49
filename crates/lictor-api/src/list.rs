//! Lists: the rows of a page, and where the next one begins.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answer::{Rendered, Shown};

/// A page of a list. A walk from page to page meets every row that stays exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; `null`: this is the last.
    pub next_cursor: Option<String>,
}

/// Where the next page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// The cursor; none: this is the last page.
    pub next_cursor: Option<String>,
}

/// A body with the rows of a page.
pub trait Rows: Serialize + DeserializeOwned + JsonSchema {
    /// A row.
    type Row: Serialize + DeserializeOwned;
    /// What stands behind the rows.
    type End: Serialize + DeserializeOwned;
}

impl<T: Serialize + DeserializeOwned + JsonSchema> Rows for List<T> {
    type Row = T;
    type End = Next;
}

/// The text of a page, in which each row is written as soon as it is there, so that a page never stands in memory
/// twice.
pub struct ListText<L: Rows> {
    text: Vec<u8>,
    count: usize,
    of: std::marker::PhantomData<fn() -> L>,
}

impl<L: Rows> Default for ListText<L> {
    fn default() -> Self {
        Self {
            text: br#"{"data":["#.to_vec(),
            count: 0,
            of: std::marker::PhantomData,
        }
    }
}

impl<L: Rows> ListText<L> {
    /// How many rows it has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a row if the page then has no more than this many bytes; it has room for one row at least.
    ///
    /// # Errors
    /// None in practice: every row has a JSON form.
    pub fn push(&mut self, row: &L::Row, most_bytes: usize) -> Result<bool, serde_json::Error> {
        let before = self.text.len();
        if self.count > 0 {
            self.text.push(b',');
        }
        serde_json::to_writer(&mut self.text, row)?;
        if self.count > 0 && self.text.len() > most_bytes {
            self.text.truncate(before);
            return Ok(false);
        }
        self.count += 1;
        Ok(true)
    }

    /// The page.
    ///
    /// # Errors
    /// None in practice: every end has a JSON form.
    pub fn end(mut self, end: &L::End) -> Result<Rendered<Shown<L>>, serde_json::Error> {
        let end = serde_json::to_vec(end)?;
        self.text.extend_from_slice(b"],");
        self.text
            .extend_from_slice(end.get(1..).unwrap_or_default());
        Ok(Rendered::written(200, self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer as _;

    #[test]
    fn a_page_is_written_as_it_is_read_and_ends_where_it_is_full() {
        let mut text = ListText::<List<String>>::default();
        for (row, most, fits) in [("a long one", 1, true), ("b", 1, false), ("c", 99, true)] {
            assert_eq!(text.push(&row.to_owned(), most).ok(), Some(fits), "{row}");
        }
        let end = Next {
            next_cursor: Some("x".to_owned()),
        };
        let page = text.end(&end).expect("JSON");
        let read = Shown::<List<String>>::read(page.status(), page.body()).expect("a page");
        assert_eq!(read.0.data, ["a long one", "c"]);
        assert_eq!(read.0.next_cursor, end.next_cursor);
    }
}
