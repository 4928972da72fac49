//! Lists as commands print them: page after page, as they come, until nobody reads on.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::{Client, Page};
use crate::exit::Outcome;
use crate::output::{self, Rows, Widths};

/// A list that the server answers in pages.
pub(crate) struct Listing<'a> {
    /// Its path behind `/v1`.
    pub path: &'a [&'a str],
    /// The parameters that choose its rows.
    pub filter: &'a [(&'a str, &'a str)],
    /// The headings of the table, see [`Rows::new`].
    pub headings: &'a [&'a str],
    /// What is said where there is no row.
    pub nothing: &'a str,
}

impl Listing<'_> {
    /// Prints the list: as JSON, or as a table to which `add` adds each row.
    ///
    /// # Errors
    /// What the server refuses, or that the result cannot be written.
    pub(crate) async fn print(
        &self,
        client: &Client,
        json: bool,
        add: impl Fn(&mut Rows, &Value),
    ) -> Outcome {
        let (mut first, mut cursor, mut widths) = (true, None, Widths::default());
        loop {
            let page = client
                .page(self.path, self.filter, cursor.as_deref())
                .await?;
            let goes_on = if json {
                output::more(json_of(&page, first).as_bytes())?
            } else if first && page.rows.is_empty() && page.next.is_none() {
                output::note(self.nothing);
                return Ok(());
            } else {
                output::more(self.table_of(&page, &mut widths, &add)?.as_bytes())?
            };
            if !goes_on || page.next.is_none() {
                return Ok(());
            }
            // A page without rows may stand before others.
            first = first && page.rows.is_empty();
            cursor = page.next;
        }
    }

    fn table_of(
        &self,
        page: &Page,
        widths: &mut Widths,
        add: impl Fn(&mut Rows, &Value),
    ) -> Outcome<String> {
        let mut rows = Rows::new(self.headings);
        for row in &page.rows {
            let row: Value = serde_json::from_str(row.get()).map_err(|_| page.not_lictor())?;
            add(&mut rows, &row);
        }
        Ok(rows.text_after(widths))
    }
}

/// What a page adds to the JSON of the list: it looks like one page, with what the last one says beside
/// its rows.
fn json_of(page: &Page, first: bool) -> String {
    let mut text = String::new();
    if first {
        text.push_str("{\n  \"data\": [");
    }
    let mut apart = if first { "\n" } else { ",\n" };
    for row in &page.rows {
        text.push_str(apart);
        text.push_str(&indented(row, 2));
        apart = ",\n";
    }
    if page.next.is_none() {
        let empty = first && page.rows.is_empty();
        text.push_str(if empty { "]" } else { "\n  ]" });
        for (name, value) in &page.beside {
            text.push_str(&format!(",\n  \"{name}\": "));
            text.push_str(indented(value, 1).trim_start());
        }
        text.push_str("\n}\n");
    }
    text
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
        let parts = [page(&[one], Some("x")), page(&[two], None)];
        let text = json_of(&parts[0], true) + &json_of(&parts[1], false);
        assert_eq!(text, whole(&format!("{one},{two}")) + "\n");
        assert_eq!(json_of(&page(&[], None), true), whole("") + "\n");
        let text = json_of(&page(&[one, two], None), true);
        assert_eq!(text, whole(&format!("{one},{two}")) + "\n");
    }
}
