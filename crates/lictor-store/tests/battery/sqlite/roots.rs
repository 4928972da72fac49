//! An empty page of another kind in the place of a table's or an index's first is found.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::{check_folder, fill, folder, open};

/// The kinds of pages at whose end a search arrives: of an index, and of a table.
const INDEX_LEAF: u8 = 10;
const TABLE_LEAF: u8 = 13;

/// The size of a page, and the first page of each table and index, in a file without a log.
fn roots(file: &Path) -> (usize, Vec<(String, usize)>) {
    let database = Connection::open(file).expect("opens");
    database
        .pragma_update(None, "journal_mode", "DELETE")
        .expect("the log is emptied");
    let size = database.pragma_query_value(None, "page_size", |row| row.get(0));
    let mut roots = database
        .prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 1")
        .expect("is SQL");
    let roots = roots.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let roots = roots.expect("reads").collect::<Result<_, _>>();
    (size.expect("a size"), roots.expect("reads"))
}

#[tokio::test]
async fn an_empty_page_of_another_kind_is_found_in_each_place_where_an_empty_one_may_be() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    drop(store);
    let file = folder.path().join("lictor.db");
    let (size, roots) = roots(&file);
    let whole = fs::read(&file).expect("reads");
    let mut empty = 0;
    for (name, root) in roots {
        let at = (root - 1) * size;
        let (kind, cells) = (whole[at], &whole[at + 3..at + 5]);
        let other = match kind {
            INDEX_LEAF => TABLE_LEAF,
            TABLE_LEAF => INDEX_LEAF,
            _ => continue,
        };
        if cells != [0, 0] {
            continue;
        }
        empty += 1;
        let mut damaged = whole.clone();
        damaged[at] = other;
        fs::write(&file, damaged).expect("writes");
        match check_folder(folder.path()) {
            Ok(report) => assert!(!report.differences.is_empty(), "{name}"),
            Err(error) => assert!(error.to_string().contains("damage"), "{name}: {error}"),
        }
    }
    assert!(empty > 5, "{empty} are empty");
}
