//! `lictor account import`: which files it takes, which rows it refuses, and what it says of them.

use std::fmt::Write as _;
use std::process::Output;

use lictor_testkit::{lictor, refusal, result};
use serde_json::{Value, json};

use super::server::Server;
use super::{vendor, write};

/// Imports a file of these bytes, with these arguments beside it.
pub(super) fn import(server: &Server, bytes: &[u8], more: &[&str]) -> Output {
    let file = server.file("people.csv");
    std::fs::write(&file, bytes).expect("writes");
    server.lictor(&[&["account", "import", &file], more].concat())
}

/// Imports it, and gives what it says as JSON; whether rows were refused shows in how it ends.
pub(super) fn tally(server: &Server, bytes: impl AsRef<[u8]>) -> Value {
    let output = import(server, bytes.as_ref(), &["--json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {output:?}");
    });
    let refused = value["refused"].as_array().expect("rows").len();
    assert_eq!(
        output.status.code(),
        Some(i32::from(refused > 0)),
        "{value}"
    );
    value
}

/// What is said of so many rows and accounts, where no seat is asked for and all is well.
fn plain(rows: u64, created: u64, existing: u64) -> Value {
    json!({
        "dry_run": false, "rows": rows, "empty": 0, "created": created, "existing": existing,
        "seats": { "given": 0, "given_to_existing": 0, "refused": 0 },
        "refused": [],
    })
}

/// The lines that were refused.
pub(super) fn lines(tally: &Value) -> Vec<u64> {
    let refused = tally["refused"].as_array().expect("rows").iter();
    refused
        .map(|row| row["line"].as_u64().expect("a line"))
        .collect()
}

pub(super) fn accounts(server: &Server) -> Vec<Value> {
    let list = result(&server.lictor(&["account", "list", "--json"]));
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let mut rows = list["data"].as_array().expect("rows").clone();
    rows.sort_by_key(|row| row["email"].to_string());
    rows
}

/// A server with a license for three seats of the application `editor`.
fn server_with_three_seats() -> Server {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let license = server.file("license.json");
    let issued = lictor(&[
        "license",
        "issue",
        "--key",
        &key,
        "--customer",
        "Acme",
        "--product",
        "Editor",
        "--application",
        "editor",
        "--seats",
        "3",
        "--expires",
        "2099-01-01",
    ]);
    write(&license, &result(&issued));
    result(&server.lictor(&["license", "add", &license]));
    server
}

/// What it says in words.
pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn accounts_and_seats_are_counted_apart() {
    let server = server_with_three_seats();
    let five: String = (1..=5).map(|n| format!("u{n}@example.com\n")).collect();
    let file = format!("email\n{five}");
    let output = import(&server, file.as_bytes(), &["--seat", "editor"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    let counted = "5 rows: 5 accounts created, 0 existed already, 0 refused\n";
    assert!(text.contains(counted), "{text}");
    let seats = "3 seats given, 0 of them to accounts that existed; 2 seats refused\n";
    assert!(text.contains(seats), "{text}");
    assert_eq!(accounts(&server).len(), 5);
}

#[test]
fn a_dry_run_says_what_an_import_then_does_and_writes_nothing() {
    let server = server_with_three_seats();
    tally(&server, "email\nold@example.com\n");
    let stored = || {
        ["/v1/ledger", "/v1/refusals"].map(|path| {
            server
                .get(path)
                .token(server.token())
                .send()
                .text()
                .to_owned()
        })
    };
    let before = stored();
    assert!(before[0].contains("account_created"), "{before:?}");
    // More rows than a request has; a seat of the first thousand is none of the next.
    let mut file = "email,seats\nold@example.com,editor\nno e-mail,\n".to_owned();
    for number in 0..1_500 {
        let seat = if number % 700 == 0 { "editor" } else { "" };
        writeln!(file, "u{number}@example.com,{seat}").expect("writes");
    }
    let dry_run =
        |more: &[&str]| import(&server, file.as_bytes(), &[&["--dry-run"], more].concat());
    let foreseen = dry_run(&["--json"]);
    assert_eq!(foreseen.status.code(), Some(1));
    let mut foreseen: Value = serde_json::from_slice(&foreseen.stdout).expect("JSON");
    assert_eq!(foreseen["dry_run"], true);
    let text = said(&dry_run(&[]));
    for part in [
        "dry run: nothing was written\n",
        "1 502 rows: 1 500 accounts would be created, 1 existed already, 1 would be refused\n",
        "3 seats would be given, 1 of them to accounts that existed; 1 seat would be refused\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(accounts(&server).len(), 1);
    assert_eq!(stored(), before);
    foreseen["dry_run"] = json!(false);
    assert_eq!(tally(&server, &file), foreseen);
}

#[test]
fn accounts_that_existed_and_get_a_seat_are_told() {
    let server = server_with_three_seats();
    tally(&server, "email\na@example.com\nb@example.com\n");
    let file = "email,seats\na@example.com,editor\nb@example.com,editor\nc@example.com,editor\n\
        a@example.com,editor\nd@example.com,editor absent\n";
    let first = tally(&server, file);
    assert_eq!(
        (&first["created"], &first["existing"]),
        (&json!(2), &json!(3))
    );
    let seats = json!({ "given": 3, "given_to_existing": 2, "refused": 2 });
    assert_eq!(first["seats"], seats);
    assert_eq!(lines(&first), [6]);
    let refused = &first["refused"][0];
    let reason = refused["reason"].as_str().expect("text");
    assert_eq!(refused["account"], "created");
    assert!(
        reason.contains("editor") && reason.contains("absent"),
        "{reason}"
    );
    // Held already: nothing is given, and nothing is refused.
    let again = tally(
        &server,
        "email,seats\na@example.com,editor\nb@example.com,editor\n",
    );
    assert_eq!(again, plain(2, 0, 2));
}

#[test]
fn rows_without_any_value_are_skipped() {
    let server = Server::start(&[]);
    let file = "email,name\na@example.com,Ada\n,\n , \n\"\",\"\"\nb@example.com,\n,,,\n";
    let said = tally(&server, file);
    let mut expected = plain(2, 2, 0);
    expected["empty"] = json!(4);
    assert_eq!(said, expected);
    let text = self::said(&import(&server, file.as_bytes(), &["--seat", "absent"]));
    assert!(text.contains("4 rows without any value skipped"), "{text}");
}

#[test]
fn a_file_of_any_common_form_is_taken() {
    for (number, bytes) in [
        &b"email,name\na@example.com,Ada\nb@example.com,\"Bob, \"\"B\"\"\"\n"[..],
        b"\xef\xbb\xbfemail,name\r\na@example.com,Ada\r\nb@example.com,\"Bob, \"\"B\"\"\"\r\n",
        b"email,name\ra@example.com,Ada\rb@example.com,\"Bob, \"\"B\"\"\"",
        b"\n\nEMAIL , Name\n\n a@example.com ,\tAda \n\n\r\n\"b@example.com\",\"Bob, \"\"B\"\"\"\n\n\n",
        b"\"name\",\"email\"\n\"Ada\",\"a@example.com\"\n\"Bob, \"\"B\"\"\",\"b@example.com\"\n",
        b"\xef\xbb\xbf\"email\",\"name\"\na@example.com,Ada\nb@example.com,\"Bob, \"\"B\"\"\"",
    ]
    .into_iter()
    .enumerate()
    {
        let server = Server::start(&[]);
        let tally = tally(&server, bytes);
        assert_eq!(tally, plain(2, 2, 0), "file {number}");
        let names: Vec<Value> = accounts(&server)
            .iter()
            .map(|account| json!([account["email"], account["name"]]))
            .collect();
        let ada = json!(["a@example.com", "Ada"]);
        assert_eq!(names, [ada, json!(["b@example.com", "Bob, \"B\""])]);
    }
}

/// A text in UTF-16, by how a unit becomes two bytes.
fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn what_a_spreadsheet_writes_is_taken() {
    let tabs = "E-mail\tName\tActive\r\na@example.com\tAda \u{1f980}\tTRUE\r\n\t\t\r\nb@example.com\tBob, B\tYes\r\n";
    let semicolons = "sep=;\r\n".to_owned() + &tabs.replace('\t', ";");
    let quoted = tabs.replace('\t', ",").replace("Bob, B", "\"Bob, B\"");
    for (number, bytes) in [
        tabs.as_bytes().to_vec(),
        utf16(&format!("\u{feff}{tabs}"), u16::to_le_bytes),
        utf16(&format!("\u{feff}{tabs}"), u16::to_be_bytes),
        utf16(tabs, u16::to_le_bytes),
        utf16(tabs, u16::to_be_bytes),
        semicolons.as_bytes().to_vec(),
        format!("\u{feff}{semicolons}").into_bytes(),
        utf16(&format!("\u{feff}{semicolons}"), u16::to_le_bytes),
        semicolons.replace("sep=;", "\"SEP=;\";;").into_bytes(),
        semicolons.replace("sep=;\r\n", "").into_bytes(),
        quoted.into_bytes(),
    ]
    .into_iter()
    .enumerate()
    {
        let server = Server::start(&[]);
        let mut expected = plain(2, 2, 0);
        expected["empty"] = json!(1);
        assert_eq!(tally(&server, bytes), expected, "file {number}");
        let names: Vec<Value> = accounts(&server)
            .iter()
            .map(|account| account["name"].clone())
            .collect();
        assert_eq!(names, ["Ada \u{1f980}", "Bob, B"], "file {number}");
    }
}

#[test]
fn a_large_file_of_a_spreadsheet_keeps_its_lines_and_letters() {
    let server = Server::start(&[]);
    let mut file = "\u{feff}sep=;\r\nE-Mail;Name\r\n".to_owned();
    for number in 0..5_000 {
        write!(
            file,
            "u{number}@example.com;Zo\u{eb} \u{1f980} {number}\r\n"
        )
        .expect("writes");
    }
    file.push_str("nobody;\r\n");
    let mut bytes = utf16(&file, u16::to_le_bytes);
    // Half of a pair is no letter: its row alone is refused.
    bytes.extend(utf16("x@example.com;", u16::to_le_bytes));
    bytes.extend([0x00, 0xd8]);
    bytes.extend(utf16(
        "y\r\nlast@example.com;\u{1f980}\r\n",
        u16::to_le_bytes,
    ));
    let tally = tally(&server, bytes);
    assert_eq!(tally["created"], 5_001);
    let mut refused = lines(&tally);
    refused.sort_unstable();
    assert_eq!(refused, [5_003, 5_004], "{tally}");
    let accounts = accounts(&server);
    let whole = |account: &&Value| {
        account["name"]
            .as_str()
            .is_some_and(|name| name.contains('\u{1f980}'))
    };
    assert_eq!(accounts.iter().filter(whole).count(), 5_001);
}

#[test]
fn words_are_read_in_any_case() {
    let server = Server::start(&[]);
    let file = "EMAIL;Kind;Status;Language;Administrator\n\
        a@example.com;Person;ACTIVE;de-de;Yes\n\
        b@example.com;SERVICE;Active;EN_gb;NO\n\
        c@example.com;person;Invited;;TRUE\n\
        d@example.com;person;no;;TRUE\n";
    let said = tally(&server, file);
    assert_eq!((&said["created"], lines(&said)), (&json!(3), vec![5]));
    let reason = said["refused"][0]["reason"].as_str().expect("text");
    assert!(reason.contains("leave out rows"), "{reason}");
    let shown: Vec<Value> = accounts(&server)
        .iter()
        .map(|one| {
            json!([
                one["kind"],
                one["status"],
                one["language"],
                one["administrator"]
            ])
        })
        .collect();
    let expected = [
        json!(["person", "active", "de_DE", true]),
        json!(["service", "active", "en_GB", false]),
        json!(["person", "invited", "en_US", true]),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn columns_of_others_are_mapped_or_left_out() {
    let server = Server::start(&[]);
    let file = b"User Email;Who;Phone;City\na@example.com;Ada;1;Rome\n";
    let text = refusal(&import(&server, file, &[]), 2);
    for part in [
        "`User Email`",
        "`Who`",
        "`Phone`",
        "--map 'COLUMN=User Email'",
        "email, name",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (map, reason) in [
        ("email", "COLUMN=HEADER"),
        ("nick=Who", "no column has this name"),
        ("email=", "after the `=`"),
        ("email=E-Mail of User", "there are `User Email`, `Who`"),
        ("email=Who", "unknown column `User Email`"),
        ("=User Email", "unknown column `Who`"),
    ] {
        let text = refusal(&import(&server, file, &["--map", map]), 2);
        assert!(text.contains(reason), "{map}: {text}");
    }
    let left_out = ["--map", "=Phone", "--map", "=City", "--map", "name=who"];
    let twice = [&left_out[..], &["--map", "name=User Email"]].concat();
    assert!(refusal(&import(&server, file, &twice), 2).contains("`name` twice"));
    let right = [&left_out[..], &["--map", "email=user email"]].concat();
    result(&import(&server, file, &right));
    let found = accounts(&server);
    assert_eq!(
        (&found[0]["email"], &found[0]["name"]),
        (&json!("a@example.com"), &json!("Ada"))
    );
}

#[test]
fn columns_without_anything_are_left_out() {
    let server = Server::start(&[]);
    let file = "email;name;;\r\na@example.com;Ada;;\r\nb@example.com;Bob;;;;\r\n\u{a0};;;\r\n";
    let found = tally(&server, file);
    let shown = (&found["created"], &found["empty"], &found["refused"]);
    assert_eq!(shown, (&json!(2), &json!(1), &json!([])), "{found}");
    let shifted = "email;name\na@example.com;Ada;Editor\n";
    let refused = tally(&server, shifted);
    let why = refused["refused"][0]["reason"].to_string();
    assert!(why.contains("3 fields, the first line 2"), "{refused}");
}

#[test]
fn every_column_is_read() {
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "editor", "--over-limit", "allow"]));
    let file = "email,name,kind,status,language,administrator,seats\n\
        a@example.com,Ada,person,active,de_DE,TRUE,\n\
        b@example.com,,service,,,no,\n\
        c@example.com,Zoe\u{308},,invited,,0,\n";
    assert_eq!(tally(&server, file)["created"], 3);
    let shown: Vec<Value> = accounts(&server)
        .iter()
        .map(|one| {
            json!([
                one["name"],
                one["kind"],
                one["status"],
                one["language"],
                one["administrator"]
            ])
        })
        .collect();
    let expected = [
        json!(["Ada", "person", "active", "de_DE", true]),
        json!([null, "service", "active", "en_US", false]),
        json!(["Zo\u{eb}", "person", "invited", "en_US", false]),
    ];
    assert_eq!(shown, expected);
    // No license gives the application a seat: the account is there, and the row refused.
    let seats = tally(&server, "email,seats\nd@example.com,editor absent\n");
    assert_eq!((&seats["created"], lines(&seats)), (&json!(1), vec![2]));
    assert_eq!(seats["seats"]["refused"], 2);
    assert_eq!(seats["refused"][0]["account"], "created");
    assert_eq!(accounts(&server).len(), 4);
}

#[test]
fn an_import_can_be_repeated() {
    let server = Server::start(&[]);
    let file = "email\na@example.com\nb@example.com\n";
    assert_eq!(tally(&server, file)["created"], 2);
    let again = tally(
        &server,
        "email\nA@Example.com\nb@example.com\nc@example.com\n",
    );
    assert_eq!(again, plain(3, 1, 2));
}

#[test]
fn a_row_that_is_refused_is_shown_by_its_e_mail_wherever_that_stands() {
    let server = Server::start(&[]);
    let file = "name,status,email\nAda,never,ada@example.com\nBob,active,\n";
    let said = tally(&server, file);
    let shown = [&said["refused"][0]["email"], &said["refused"][1]["email"]];
    assert_eq!(shown, ["ada@example.com", ""]);
    let one = import(&server, b"name,email\nAda,ada\n", &[]);
    let text = String::from_utf8_lossy(&one.stderr).into_owned();
    let counted = "1 row: 0 accounts created, 0 existed already, 1 refused\n";
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("1 row was refused"), "{text}");
}

#[test]
fn rows_that_are_refused_are_named_by_their_line() {
    let server = Server::start(&[]);
    let long = "x".repeat(300);
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (b",No Address".to_vec(), "no e-mail"),
        (b"nothing,".to_vec(), "email"),
        (b"a b@example.com,".to_vec(), "email"),
        (b"ok1@example.com,fine".to_vec(), ""),
        (b"a@example.com,b,c".to_vec(), "3 fields"),
        (b"\xff@example.com,".to_vec(), "email is not UTF-8"),
        (b"a@example.com,\xe9".to_vec(), "name is not UTF-8"),
        (b"a@example.com,a\0b".to_vec(), "name"),
        (b"ok2@example.com".to_vec(), ""),
        (format!("{long}@example.com,").into_bytes(), "email"),
        (format!("a@example.com,{long}").into_bytes(), "name"),
    ];
    // One row in quotes has a line end, and empty lines count as lines.
    let mut file = b"email,name\n\n\"a@example.com\",\"two\nlines\"\n\n".to_vec();
    let mut expected = vec![(3, "name")];
    for (number, (row, reason)) in rows.iter().enumerate() {
        file.extend([row.as_slice(), b"\n"].concat());
        if !reason.is_empty() {
            expected.push((6 + number as u64, reason));
        }
    }
    let tally = tally(&server, &file);
    assert_eq!(tally["created"], 2, "{tally}");
    assert_eq!(tally["rows"], 12);
    let mut refused: Vec<(u64, String)> = tally["refused"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let reason = row["reason"].as_str().expect("text").to_owned();
            (row["line"].as_u64().expect("a line"), reason)
        })
        .collect();
    refused.sort();
    let of = |pairs: &[(u64, &str)]| pairs.iter().map(|pair| pair.0).collect::<Vec<_>>();
    let found: Vec<u64> = refused.iter().map(|pair| pair.0).collect();
    assert_eq!(found, of(&expected), "{tally}");
    for ((line, said), (_, reason)) in refused.iter().zip(expected) {
        assert!(said.contains(reason), "line {line}: {said}");
    }
}

#[test]
fn words_that_are_none_refuse_their_row_alone() {
    let server = Server::start(&[]);
    let file = "email,kind,status,language,administrator,seats\n\
        a@example.com,robot,,,,\n\
        b@example.com,,removed,,,\n\
        c@example.com,,,german,,\n\
        d@example.com,,,,maybe,\n\
        e@example.com,,,,,absent\n\
        f@example.com,Person,,,,\n\
        g@example.com,,,,,\n";
    let tally = tally(&server, file);
    assert_eq!(lines(&tally).len(), 5, "{tally}");
    assert_eq!(tally["rows"], 7);
    let emails: Vec<Value> = accounts(&server)
        .iter()
        .map(|account| account["email"].clone())
        .collect();
    assert_eq!(emails, ["e@example.com", "f@example.com", "g@example.com"]);
}

#[test]
fn a_file_that_is_none_is_refused_as_a_whole() {
    let server = Server::start(&[]);
    for (bytes, reason) in [
        (&b""[..], "email"),
        (b"\n\n", "email"),
        (b"\xef\xbb\xbf", "email"),
        (b"name\nAda\n", "there is no column `email`"),
        (b"a@example.com\n", "unknown column `a@example.com`"),
        (b"email,nick\na@example.com,A\n", "unknown column `nick`"),
        (
            b"email,name,Email\na@example.com,A,b@example.com\n",
            "`email` twice",
        ),
        (b"email,\x1b[31m\n", "unknown column"),
        (b"email,\xff\n", "UTF-8"),
        (b"\xff\xfee\0m\0a\0i\0l\0\n", "cut off"),
        (
            b"sep=;\nemail,name\n",
            "line 2: unknown column `email,name`",
        ),
    ] {
        let said = refusal(&import(&server, bytes, &[]), 2);
        assert!(
            said.contains(reason) && said.contains("people.csv"),
            "{said}"
        );
        assert!(!said.contains('\x1b'), "{said}");
    }
    let folder = server.file("");
    refusal(&server.lictor(&["account", "import", &folder]), 2);
    refusal(&server.lictor(&["account", "import", "/no/such/file"]), 2);
    assert_eq!(accounts(&server), Vec::<Value>::new());
    let empty = tally(&server, "email,name\n");
    assert_eq!(empty["rows"], 0);
}

#[test]
fn a_quote_that_is_never_closed_is_named_where_it_opens() {
    let server = Server::start(&[]);
    let mut file = "email,name\na@example.com,Ada\nb@example.com,\"Bob\n".to_owned();
    for number in 0..60_000 {
        writeln!(file, "n{number}@example.com,A rather long name of somebody").expect("writes");
    }
    assert!(file.len() > 2 * 1024 * 1024);
    let tally = tally(&server, file);
    assert_eq!((&tally["created"], lines(&tally)), (&json!(1), vec![3]));
    let reason = tally["refused"][0]["reason"].as_str().expect("text");
    assert!(reason.contains("a quote that is not closed"), "{reason}");
}

#[test]
fn rows_of_the_longest_text_fit_into_their_requests() {
    let server = Server::start(&[]);
    let mut file = "email,name\n".to_owned();
    let name = "\u{1f980}".repeat(200);
    for number in 0..1_500 {
        let email = format!("{}{number:04}@example.com", "\u{6f22}".repeat(230));
        writeln!(file, "{email},{name}").expect("writes");
    }
    for _ in 0..10 {
        writeln!(file, "x@example.com,{}", "y".repeat(1_000_000)).expect("writes");
    }
    let tally = tally(&server, file);
    assert_eq!(tally["created"], 1_500, "{}", tally["refused"][0]["reason"]);
    assert_eq!(lines(&tally), (1_502..1_512).collect::<Vec<u64>>());
}

#[test]
fn a_million_rows_are_taken() {
    let server = Server::start(&[]);
    let mut file = "email,name\r\n".to_owned();
    for number in 0..1_000_000 {
        write!(file, "user{number}@example.com,User {number}\r\n").expect("writes");
        if number % 100_000 == 99_999 {
            file.push_str("nobody,\r\n\r\n");
        }
    }
    let tally = tally(&server, file);
    assert_eq!(tally["rows"], 1_000_010);
    assert_eq!(tally["created"], 1_000_000);
    let expected: Vec<u64> = (1..=10).map(|step| 100_000 * step + 2 * step).collect();
    assert_eq!(lines(&tally), expected);
    let path = "/crm/v7/users/actions/count?type=AllUsers";
    let counted = server.get(path).token(server.token()).send();
    assert_eq!(counted.text(), r#"{"count":1000000}"#);
}
