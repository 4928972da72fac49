//! A node within a product that has no Tokio runtime and TLS settings of its own.

use std::process::Command;

use crate::harness::Server;
use crate::planes::soon;

#[expect(dead_code, reason = "its `main` reads the command line")]
#[path = "../../../lictor-node/examples/blocking.rs"]
mod example;

#[test]
fn a_product_without_a_runtime_embeds_a_node_that_sets_nothing_for_the_process() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    let folder = server.file("embedded");
    let said = example::serve(&server.url, &folder, Some(token.as_str())).expect("it starts");
    assert_eq!(said, "allowed, and counted");
    let counted = || server.get("/v1/usage")["total_requests"] == 1;
    assert!(soon(counted), "{}", server.get("/v1/usage"));
    // Again, from what is in the folder, within a runtime of somebody else's too.
    let within = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let again =
        within.block_on(async { example::serve(&server.url, &folder, None).expect("it starts") });
    assert_eq!(again, "allowed, and counted");
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[test]
fn who_embeds_a_node_depends_on_nothing_that_is_for_tests() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../lictor-node/Cargo.toml");
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--offline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]);
    let output = tree
        .args(["--manifest-path", manifest])
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(
        tree.contains("lictor-core v"),
        "{tree}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for stranger in [
        "lictor-planted",
        "lictor-server",
        "lictor-store",
        "rusqlite",
        "axum",
    ] {
        assert!(!tree.contains(stranger), "{tree}");
    }
}
