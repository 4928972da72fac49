//! What needs no server: keys, issuing, verifying.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use lictor_testkit::{Folder, command, lictor, refusal, result};

use super::{issue, vendor, write};

#[test]
fn a_key_pair_is_made_and_never_overwritten() {
    let folder = Folder::new();
    let path = folder.path().join("vendor.v2").display().to_string();
    let made = lictor(&["key", "generate", "--out", &path]);
    let id = result(&made);
    assert_eq!(id.len(), 16, "{id}");
    assert!(String::from_utf8_lossy(&made.stderr).contains("lictor trust add"));
    let mode = |name: &str| {
        std::fs::metadata(name)
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&format!("{path}.key")), 0o600);
    assert_eq!(mode(&format!("{path}.pub")) & 0o600, 0o600);
    let key = std::fs::read(format!("{path}.key")).expect("a key");
    let again = refusal(&lictor(&["key", "generate", "--out", &path]), 2);
    assert!(again.contains("never overwritten"), "{again}");
    std::fs::remove_file(format!("{path}.pub")).expect("removes");
    refusal(&lictor(&["key", "generate", "--out", &path]), 2);
    assert_eq!(std::fs::read(format!("{path}.key")).expect("a key"), key);
    let json = format!("{path}3");
    let json = result(&lictor(&["key", "generate", "--json", "--out", &json]));
    assert!(json.contains("\"key_id\": \""), "{json}");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_line_to_run() {
    let folder = Folder::new();
    let (key, _) = vendor(folder.path(), "vendor");
    for mode in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).expect("a mode");
        let args = [
            "license",
            "issue",
            "--key",
            &key,
            "--customer",
            "A",
            "--product",
            "B",
        ];
        let refused = lictor(&[&args[..], &["--expires", "2099-01-01"]].concat());
        let text = refusal(&refused, 2);
        assert!(text.contains(&format!("chmod 600 {key}")), "{text}");
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn an_issued_license_verifies_and_a_changed_one_does_not() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let document = issue(
        &key,
        &["--claim", "features=sso,audit", "--dataplanes", "4"],
    );
    let file = folder.path().join("license.json").display().to_string();
    write(&file, &document);
    let summary = result(&lictor(&["license", "verify", "--trust", &public, &file]));
    for line in [
        "customer     Acme Ltd",
        "seats        10",
        "valid until  2099-01-01",
    ] {
        assert!(summary.contains(line), "{summary}");
    }
    let json = result(&lictor(&[
        "license", "verify", "--json", "--trust", &public, &file,
    ]));
    assert!(json.contains("\"valid\": true"), "{json}");

    write(&file, &document.replace("Acme", "Evil"));
    let text = refusal(
        &lictor(&["license", "verify", "--trust", &public, &file]),
        1,
    );
    assert!(text.contains("changed after signing"), "{text}");

    let (_, other) = vendor(folder.path(), "other");
    write(&file, &document);
    let text = refusal(&lictor(&["license", "verify", "--trust", &other, &file]), 1);
    assert!(
        text.contains("not one of those given with --trust"),
        "{text}"
    );
    result(&lictor(&[
        "license", "verify", "--trust", &other, "--trust", &public, &file,
    ]));
}

#[test]
fn a_document_is_read_from_standard_input() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let mut piped = command();
    piped.args(["license", "verify", "--trust", &public, "-"]);
    let mut child = piped
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut stdin, issue(&key, &[]).as_bytes()).expect("writes");
    drop(stdin);
    assert!(child.wait_with_output().expect("ends").status.success());
}

#[test]
fn expired_and_not_begun_are_told_apart() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let file = folder.path().join("license.json").display().to_string();
    for (dates, reason) in [
        (&["--expires", "2020-01-01"][..], "expired on 2020-01-01"),
        (&["--created", "2098-01-01"], "not valid before 2098-01-01"),
    ] {
        write(&file, &issue(&key, dates));
        let text = refusal(
            &lictor(&["license", "verify", "--trust", &public, &file]),
            1,
        );
        assert!(text.contains("the signature is good"), "{text}");
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn what_no_server_would_take_is_not_signed() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let usual = ["license", "issue", "--customer", "A", "--product", "B"];
    for wrong in [
        &["--key", &key][..],
        &["--key", &key, "--expires", "soon"],
        &[
            "--key",
            &key,
            "--expires",
            "2099-01-01",
            "--created",
            "2099-01-01",
        ],
        &[
            "--key",
            &key,
            "--expires",
            "2099-01-01",
            "--seats",
            "2147483648",
        ],
        &["--key", &key, "--expires", "2099-01-01", "--seats", "-1"],
        &["--key", &key, "--expires", "2099-01-01", "--for", "acme"],
        &["--key", &key, "--expires", "2099-01-01", "--claim", "plan"],
        &[
            "--key",
            &key,
            "--expires",
            "2099-01-01",
            "--claim",
            "plan=GOLD",
        ],
        &[
            "--key",
            &key,
            "--expires",
            "2099-01-01",
            "--claim",
            "customer=C",
        ],
        &["--key", &public, "--expires", "2099-01-01"],
        &["--key", "/no/such.key", "--expires", "2099-01-01"],
    ] {
        let refused = lictor(&[&usual[..], wrong].concat());
        refusal(&refused, 2);
        assert!(refused.stdout.is_empty(), "{wrong:?}");
    }
}

#[test]
fn every_command_explains_itself() {
    let nouns = [
        "key generate",
        "license issue",
        "license verify",
        "license add",
        "license list",
    ];
    let more = [
        "license show",
        "license remove",
        "trust add",
        "trust list",
        "trust retire",
    ];
    let rest = [
        "trust revoke",
        "token create",
        "token list",
        "token revoke",
        "organization create",
    ];
    let last = [
        "organization list",
        "organization show",
        "organization set",
        "organization remove",
        "usage add",
        "usage list",
        "report",
    ];
    let own = [
        "backup", "restore", "check", "serve", "demo", "key", "license", "",
    ];
    for name in [&nouns[..], &more, &rest, &last, &own].concat() {
        let words: Vec<&str> = name.split_whitespace().chain(["--help"]).collect();
        let help = result(&lictor(&words));
        assert!(help.contains("Usage: lictor"), "{help}");
        assert!(help.contains("--json"), "{help}");
    }
    assert!(result(&lictor(&["--version"])).starts_with("lictor "));
}
