//! Tables as commands print them: without borders, and no wider than the terminal.

use std::io::{self, IsTerminal as _};

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets,
};

use super::{printable, raw};
use crate::exit::Outcome;

/// The column widths of a table that is printed page by page.
#[derive(Default)]
pub(crate) struct Widths(Vec<u16>);

impl Widths {
    /// Whether nothing was printed yet.
    pub(crate) fn are_unknown(&self) -> bool {
        self.0.is_empty()
    }
}

/// The rows of a table without borders. If it is wider than the terminal, only its columns of free text are
/// wrapped.
pub(crate) struct Rows {
    table: Table,
    /// The paragraphs below each row.
    below: Vec<Vec<String>>,
    /// The paragraphs below the table.
    at_end: Vec<String>,
}

impl Rows {
    /// A table with these headings. A heading that ends in `#` is for figures, which are aligned right; one that
    /// ends in `~` is for text that may be wrapped.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut table = plain_table();
        let plain = |heading: &str| heading.trim_end_matches(['#', '~']).to_owned();
        table.set_header(headings.iter().map(|heading| plain(heading)));
        for (index, heading) in headings.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                let apart = if index + 1 < headings.len() { 2 } else { 0 };
                column.set_padding((0, apart));
                if !heading.ends_with('~') {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
                if heading.ends_with('#') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self {
            table,
            below: Vec::new(),
            at_end: Vec::new(),
        }
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.below.is_empty()
    }

    /// Adds a row.
    pub(crate) fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        let cells = cells.into_iter().map(|text| {
            Cell::new(if text.is_empty() {
                "-".into()
            } else {
                printable(&text)
            })
        });
        self.table.add_row(cells);
        self.below.push(Vec::new());
    }

    /// Adds an indented paragraph below the last row. Only for tables without columns that may be wrapped, in which
    /// each row is one line.
    pub(crate) fn below(&mut self, text: String) {
        if let Some(paragraphs) = self.below.last_mut() {
            paragraphs.push(printable(&text));
        }
    }

    /// Adds a paragraph below the whole table, whether rows are wrapped or not.
    pub(crate) fn at_end(&mut self, text: &str) {
        self.at_end.push(printable(text));
    }

    /// Prints the table.
    pub(crate) fn print(&self) -> Outcome {
        raw(self.text(true).as_bytes())
    }

    /// The text of the next page of the same table: with headings on the first page, and with columns at least as
    /// wide as on earlier pages unless text is wrapped.
    pub(crate) fn text_after(&mut self, widths: &mut Widths) -> String {
        let first = widths.are_unknown();
        let wraps = io::stdout().is_terminal() || width().is_some();
        let own = self.table.column_max_content_widths();
        widths.0.resize(own.len(), 0);
        for (index, (own, known)) in own.iter().zip(&mut widths.0).enumerate() {
            if let Some(column) = self.table.column_mut(index)
                && own < known
                && !(wraps && column.constraint().is_none())
            {
                let apart = column.padding_width();
                let wide = Width::Fixed(known.saturating_add(apart));
                column.set_constraint(ColumnConstraint::Absolute(wide));
            }
            *known = (*own).max(*known);
        }
        self.text(first)
    }

    fn text(&self, headings: bool) -> String {
        let mut text = String::new();
        // The first line has the headings.
        for (line, row) in self.table.lines().enumerate() {
            if line > 0 || headings {
                push_line(&mut text, &row);
            }
            let row = line.checked_sub(1).and_then(|row| self.below.get(row));
            for paragraph in row.into_iter().flatten() {
                push_paragraph(&mut text, paragraph);
            }
        }
        for paragraph in &self.at_end {
            push_paragraph(&mut text, paragraph);
        }
        text
    }
}

/// Adds a paragraph, indented and as wide as the terminal.
fn push_paragraph(text: &mut String, paragraph: &str) {
    let mut table = plain_table();
    table.add_row([paragraph]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((2, 0));
    }
    table.lines().for_each(|row| push_line(text, &row));
}

/// A table without borders that is as wide as the terminal at most.
fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !io::stdout().is_terminal() {
        table.force_no_tty();
    }
    if let Some(width) = width() {
        table.set_width(width);
    }
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// The terminal's width, if the result goes to one or `COLUMNS` says it.
fn width() -> Option<u16> {
    let told = std::env::var("COLUMNS").ok();
    told.and_then(|text| text.parse().ok())
        .filter(|width| *width >= 40)
}
