//! Lists as commands print them: page after page, as they come, until nobody reads on.

use std::marker::PhantomData;

use lictor_api::answer::Shown;
use lictor_api::list::Rows as Listed;
use lictor_api::query::{Pairs, Query};
use lictor_api::row::{NoBody, Operation};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::{Client, Page, ROWS, path_of};
use crate::exit::Outcome;
use crate::output::{self, Rows, Widths};

/// A list that the server answers in pages.
pub(crate) struct Listing<'a, R = Value> {
    /// Its path below `/v1`.
    pub path: Vec<&'a str>,
    /// The parameters that choose its rows.
    pub filter: Vec<(&'a str, String)>,
    /// The headings of the table, see [`Rows::new`].
    pub headings: &'a [&'a str],
    /// What is said where there is no row.
    pub nothing: &'a str,
    /// What a row is.
    pub of: PhantomData<fn() -> R>,
}

impl<'a, R: DeserializeOwned> Listing<'a, R> {
    /// The list that an operation answers, of what these names stand for.
    pub(crate) fn of<P, Q: Query, L: Listed<Row = R>>(
        operation: &Operation<P, Q, NoBody, Shown<L>>,
        names: &[&'a str],
        query: &Q,
        headings: &'a [&'a str],
        nothing: &'a str,
    ) -> Self {
        let mut pairs = Pairs::default();
        query.write(&mut pairs);
        Self {
            path: path_of(operation.facts(), names),
            filter: pairs.0.into_iter().collect(),
            headings,
            nothing,
            of: PhantomData,
        }
    }

    /// Prints the list: as JSON, or as a table to which `add` adds each row.
    ///
    /// # Errors
    /// What the server refuses, or that the result cannot be written.
    pub(crate) async fn print(
        &self,
        client: &Client,
        json: bool,
        add: impl FnMut(&mut Rows, &R),
    ) -> Outcome {
        self.print_with(client, json, add, |_, _| Ok(())).await
    }

    /// The same, where `end` adds to the table what the last page says of all.
    ///
    /// # Errors
    /// As [`Listing::print`].
    pub(crate) async fn print_with(
        &self,
        client: &Client,
        json: bool,
        add: impl FnMut(&mut Rows, &R),
        end: impl Fn(&mut Rows, &Page) -> Outcome,
    ) -> Outcome {
        if json {
            return self.print_json(client).await;
        }
        let mut widths = Widths::default();
        let none = Rows::new(self.headings);
        self.print_below(client, &mut widths, none, add, end)
            .await?;
        if widths.are_unknown() {
            output::note(self.nothing);
        }
        Ok(())
    }

    /// Prints the list as JSON.
    ///
    /// # Errors
    /// As [`Listing::print`].
    pub(crate) async fn print_json(&self, client: &Client) -> Outcome {
        let (mut text, mut cursor) = (Json::default(), None);
        loop {
            let page = self.page(client, cursor).await?;
            let goes_on = output::more(text.of(&page).as_bytes())?;
            if !goes_on || page.next.is_none() {
                return Ok(());
            }
            cursor = page.next;
        }
    }

    /// Prints its rows below those that a list with the same headings printed at these widths, of which the
    /// last are these `rows`: they are printed with its own first page, as wide as that. Where there are none
    /// at all it prints nothing.
    ///
    /// # Errors
    /// As [`Listing::print`].
    pub(crate) async fn print_below(
        &self,
        client: &Client,
        widths: &mut Widths,
        mut rows: Rows,
        mut add: impl FnMut(&mut Rows, &R),
        end: impl Fn(&mut Rows, &Page) -> Outcome,
    ) -> Outcome {
        let mut cursor = None;
        loop {
            let page = self.page(client, cursor).await?;
            Self::add_page(&mut rows, &page, &mut add)?;
            if page.next.is_none() {
                end(&mut rows, &page)?;
            }
            // A page without rows may stand before others.
            let any = !(rows.is_empty() && widths.are_unknown());
            let goes_on = !any || output::more(rows.text_after(widths).as_bytes())?;
            if !goes_on || page.next.is_none() {
                return Ok(());
            }
            (cursor, rows) = (page.next, Rows::new(self.headings));
        }
    }

    /// Prints all of its pages but the last, and gives that for what is printed below it. `None` if nobody reads
    /// on.
    ///
    /// # Errors
    /// As [`Listing::print`].
    pub(crate) async fn print_but_last(
        &self,
        client: &Client,
        widths: &mut Widths,
        mut add: impl FnMut(&mut Rows, &R),
    ) -> Outcome<Option<Rows>> {
        let mut cursor = None;
        loop {
            let page = self.page(client, cursor).await?;
            let mut rows = Rows::new(self.headings);
            Self::add_page(&mut rows, &page, &mut add)?;
            if page.next.is_none() {
                return Ok(Some(rows));
            }
            let any = !(rows.is_empty() && widths.are_unknown());
            if any && !output::more(rows.text_after(widths).as_bytes())? {
                return Ok(None);
            }
            cursor = page.next;
        }
    }

    async fn page(&self, client: &Client, cursor: Option<String>) -> Outcome<Page> {
        client
            .page(&self.path, &self.filter, cursor.as_deref())
            .await
    }

    fn add_page(rows: &mut Rows, page: &Page, mut add: impl FnMut(&mut Rows, &R)) -> Outcome {
        for row in &page.rows {
            let row: R = serde_json::from_str(row.get()).map_err(|_| page.not_lictor())?;
            add(rows, &row);
        }
        Ok(())
    }
}

/// The JSON of a list as its pages come: it looks like one page, with what the last one says beside its
/// rows.
#[derive(Default)]
struct Json {
    begun: bool,
    rows: bool,
}

impl Json {
    /// What a page adds.
    fn of(&mut self, page: &Page) -> String {
        let mut text = String::new();
        if !self.begun {
            text.push_str(&format!("{{\n  \"{ROWS}\": ["));
        }
        self.begun = true;
        for row in &page.rows {
            text.push_str(if self.rows { ",\n" } else { "\n" });
            text.push_str(&indented(row, 2));
            self.rows = true;
        }
        if page.next.is_none() {
            text.push_str(if self.rows { "\n  ]" } else { "]" });
            for (name, value) in &page.beside {
                text.push_str(&format!(",\n  \"{name}\": "));
                text.push_str(indented(value, 1).trim_start());
            }
            text.push_str("\n}\n");
        }
        text
    }
}

/// JSON spread over lines, so deep within another.
fn indented(value: &RawValue, depth: usize) -> String {
    let blanks = "  ".repeat(depth);
    let spread = output::spread(value.get());
    // No text in JSON has a line end in it.
    format!("{blanks}{}", spread.replace('\n', &format!("\n{blanks}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: &[&str], next: Option<&str>) -> Page {
        let raw = |text: &&str| RawValue::from_string((*text).to_owned()).expect("JSON");
        let next_member = next.map_or("null".to_owned(), |next| format!("{next:?}"));
        let url = "http://127.0.0.1:8001".parse().expect("a URL");
        let beside = [("next_cursor".to_owned(), raw(&next_member.as_str()))];
        Page::new(url, rows.iter().map(raw).collect(), beside.into(), next)
    }

    #[test]
    fn pages_come_to_the_json_of_one() {
        let (one, two) = (r#"{"a":1,"b":[]}"#, r#"{"a":{"c":"x\ny"}}"#);
        let whole =
            |rows: &str| output::spread(&format!(r#"{{"data":[{rows}],"next_cursor":null}}"#));
        let text_of = |pages: &[Page]| -> String {
            let mut text = Json::default();
            pages.iter().map(|page| text.of(page)).collect()
        };
        let text = text_of(&[page(&[one], Some("x")), page(&[two], None)]);
        assert_eq!(text, whole(&format!("{one},{two}")) + "\n");
        let text = text_of(&[
            page(&[], Some("x")),
            page(&[one, two], Some("y")),
            page(&[], None),
        ]);
        assert_eq!(text, whole(&format!("{one},{two}")) + "\n");
        assert_eq!(
            text_of(&[page(&[], Some("x")), page(&[], None)]),
            whole("") + "\n"
        );
        assert_eq!(text_of(&[page(&[], None)]), whole("") + "\n");
    }
}
