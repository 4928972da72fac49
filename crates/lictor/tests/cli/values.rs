//! Values as people write them, wherever an option, a variable or a key of the configuration file
//! takes one of the kind.

use lictor_testkit::{Folder, Running, command, refusal, result, serve};

use super::server::Server;
use super::{vendor, write};

#[test]
fn the_end_of_a_token_is_given_as_that_of_a_license() {
    let server = Server::start(&[]);
    for end in [
        "1y",
        "+30d",
        "30d",
        "6mo",
        "2w",
        "12h",
        "5m",
        " 90s ",
        "2099-01-31",
        "2099-01-31T12:00:00Z",
    ] {
        let create = ["token", "create", "--json", "--expires", end];
        result(&server.lictor(&create));
    }
    let dated = ["token", "create", "--json", "--expires", "2099-01-31"];
    assert!(result(&server.lictor(&dated)).contains("2099-01-31T00:00:00Z"));
    for (end, said) in [
        ("1 year", "write it as 1y"),
        ("31.12.2099", "write it as 2099-12-31"),
        ("2020-01-01", "already expired"),
        ("30", "30d, 6mo or 1y"),
        ("never", "30d, 6mo or 1y"),
        ("99999999999d", "more than there are dates"),
        ("9999-12-31", "leave it out for no end"),
    ] {
        let refused = refusal(&server.lictor(&["token", "create", "--expires", end]), 2);
        assert!(refused.contains(said), "{end}: {refused}");
    }
    for since in ["1y", "2020-01-01", "9000y", "0001-01-01"] {
        let list = ["lease", "list", "editor", "--ended", "--since", since];
        let output = server.lictor(&list);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("no application editor"), "{since}: {said}");
    }
    let too_long = [
        "lease",
        "list",
        "editor",
        "--ended",
        "--since",
        "99999999999d",
    ];
    let said = refusal(&server.lictor(&too_long), 2);
    assert!(said.contains("more than there are dates"), "{said}");
}

#[test]
fn blanks_around_a_span_are_none_of_it_and_the_forms_are_said() {
    let folder = Folder::new();
    let config = folder.path().join("lictor.toml").display().to_string();
    let data = folder.path().join("data").display().to_string();
    let server = Server::start(&["--census-max-age", " 12h\n", "--keep-holders", "\t1d "]);
    let policy = ["node", "policy", "--stale-after", " 1m ", "--grace", "+7d"];
    result(&server.lictor(&policy));
    let renew = server.lictor(&["lease", "renew", "x", "--fence", " 1 ", "--ttl", "1h "]);
    refusal(&renew, 1);
    for words in [
        &["lease", "checkout", "a", "b", "--ttl"][..],
        &["lease", "renew", "x", "--fence", "1", "--ttl"],
        &["node", "policy", "--stale-after"],
        &["node", "policy", "--expires-after"],
        &["node", "policy", "--grace"],
        &["serve", "--data", &data, "--census-max-age"],
        &["serve", "--data", &data, "--keep-holders"],
        &["node", "run", "--data", &data, "--count-durability"],
    ] {
        for (span, said) in [
            (
                "5",
                "name the unit after the number, as in 5s, 5m, 5h or 5d",
            ),
            ("1 hour", "write it as 1h"),
            ("1h30m", "a number and s, m, h, d or w"),
            ("1y", "as in 365d"),
        ] {
            let refused = refusal(&server.lictor(&[words, &[span]].concat()), 2);
            assert!(refused.contains(said), "{words:?} {span}: {refused}");
            if let [process @ .., option] = words
                && let Some(at) = process.iter().position(|word| *word == "--data")
            {
                let name = option.trim_start_matches("--");
                write(&config, &format!("\n{name} = {span:?}\n"));
                let by_file = [&process[..at], &["--config", &config]].concat();
                let refused = refusal(&server.lictor(&by_file), 2);
                assert!(
                    refused.contains(said) && refused.contains("line 2"),
                    "{refused}"
                );
            }
        }
    }
}

#[test]
fn blanks_and_line_ends_around_the_operators_token_are_none_of_it() {
    const SECRET: &str = "an-operators-token-of-32-letters";
    for around in ["\r", "\r\n", "\n", " "] {
        let folder = Folder::new();
        let mut start = serve(&folder.path().join("data"));
        start.env("LICTOR_ADMIN_TOKEN", format!("{around}{SECRET}{around}"));
        let running = Running::start(&mut start);
        let mut list = command();
        list.args(["license", "list", "--url", &running.listening()]);
        result(&list.env("LICTOR_TOKEN", SECRET).output().expect("runs"));
    }
}

#[test]
fn a_list_may_have_blanks_around_its_commas_and_nothing_between_two_is_refused() {
    let server = Server::start(&[]);
    let folder = server.data().parent().expect("a folder").to_owned();
    let (key, public) = vendor(&folder, "one");
    let (_, other) = vendor(&folder, "two");
    let scopes = ["--scope", "licenses:read , usage"];
    let made = result(&server.lictor(&[&["token", "create", "--json"], &scopes[..]].concat()));
    assert!(
        made.contains("\"licenses:read\"") && made.contains("\"usage\""),
        "{made}"
    );
    result(&server.lictor(&[&["client", "create"], &scopes[..]].concat()));
    let both = format!("{public} , {other}");
    let file = server.file("license.json");
    write(&file, &super::issue(&key, &[]));
    result(&server.lictor(&["license", "verify", "--trust", &both, &file]));
    let people = server.file("people.csv");
    write(&people, "email\na@example.com\n");
    let seats = server.lictor(&["account", "import", &people, "--seat", " one , two "]);
    let said = refusal(&seats, 1);
    assert!(said.contains("2 seats refused"), "{said}");
    for empty in ["", ",", "x,", ",x", "x,,y", "x, ,y"] {
        for words in [
            &["token", "create", "--scope"][..],
            &["client", "create", "--scope"],
            &["account", "import", &people, "--seat"],
            &["license", "verify", &file, "--trust"],
            &["serve", "--data", "d", "--trust"],
            &["serve", "--data", "d", "--kong-origin"],
            &["node", "run", "--data", "d", "--trust"],
        ] {
            let value = empty.replace('x', "usage").replace('y', "licenses");
            let refused = server.lictor(&[words, &[&value]].concat());
            let said = refusal(&refused, 2);
            assert!(
                said.contains("remove that comma"),
                "{words:?} {value:?}: {said}"
            );
        }
    }
}
