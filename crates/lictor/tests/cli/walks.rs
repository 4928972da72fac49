//! The walks of the documentation: what is marked `sh` there works as it stands, in an empty folder,
//! with no account, variable or file but those that it makes.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use lictor_testkit::{Folder, binary};

/// What a walk runs in: a shell that stops at the first failure, also of a request.
const SHELL: &str = "set -euo pipefail
curl() { command curl --fail-with-body -sS \"$@\"; }
trap 'kill $(jobs -p)' EXIT
";

/// The blocks of a page that are marked `sh`.
fn blocks(page: &str) -> Vec<&str> {
    let rest = page.split("\n```sh\n").skip(1);
    rest.map(|rest| rest.split_once("\n```").expect("an end").0)
        .collect()
}

/// A block as it is run: what stays in its terminal goes into the background, once it is ready.
fn run(block: &str, number: usize, address: &str) -> String {
    let block = block.replace("127.0.0.1:8001", address);
    let stays = ["lictor serve", "lictor node run"];
    if !stays.iter().any(|word| block.contains(word)) {
        return format!("{block}\n");
    }
    let serve = format!("exec lictor serve --listen {address}");
    let block = block
        .replace(&format!(" --listen {address}"), "")
        .replace(
            "lictor node run",
            "exec lictor node run --listen 127.0.0.1:0",
        )
        .replace("lictor serve", &serve);
    format!(
        "(\n{block}\n) 2> said-{number} &\n\
         until grep -q '^listening on' said-{number}; do\n\
         kill -0 $! || {{ cat said-{number}; exit 1; }}; sleep 0.05; done\n"
    )
}

/// Copies every block of a page into a shell, as somebody does who has nothing yet.
fn walk(page: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join(page)).expect("a page");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let blocks = blocks(&text);
    assert!(blocks.len() >= 2, "{page}");
    let mut script = SHELL.to_owned();
    for (number, block) in blocks.iter().enumerate() {
        script.push_str(&run(block, number, &address));
    }
    let folder = Folder::new();
    let binary = binary();
    let path = std::env::var("PATH").expect("a PATH");
    let own = binary.parent().expect("a folder").display();
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .env_clear()
        .env("PATH", format!("{own}:{path}"))
        .env("HOME", folder.path())
        .env("LICTOR_URL", format!("http://{address}"))
        .output()
        .expect("bash runs");
    let [out, error] = [&ran.stdout, &ran.stderr].map(|said| String::from_utf8_lossy(said));
    assert!(ran.status.success(), "{page}:\n{script}\n{out}\n{error}");
}

#[test]
fn readmes_walk_works() {
    walk("README.md");
}

#[test]
fn kongs_walk_works() {
    walk("docs/kong.md");
}

#[test]
fn jiras_walk_works() {
    walk("docs/jira.md");
}

#[test]
fn zohos_walk_works() {
    walk("docs/zoho.md");
}

#[test]
fn the_nodes_walk_works() {
    walk("docs/nodes.md");
}

#[test]
fn the_operators_walk_works() {
    walk("docs/operations.md");
}
