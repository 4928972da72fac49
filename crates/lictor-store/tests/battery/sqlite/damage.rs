//! Damage, by hand and by chance: each is found, or does no harm; and nothing ever panics.

use std::path::Path;

use lictor_core::{Error, TrustSet, facts::organization::INSTALLATION};
use lictor_store::{OpenError, Store};
use rusqlite::Connection;

use super::{check_folder, fill, folder, open};
use crate::given::{ACME, NOW, applications, document, done, id, put_license, remove_license};

/// One alteration each, and a word that the report must have.
const ALTERATIONS: &[(&str, &str)] = &[
    (
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'AND 64', 'AND 65') WHERE name = 'applications'",
        "the schema: \"applications\" differs from its migration",
    ),
    (
        "DELETE FROM entries WHERE stream = :acme AND position = 3",
        "expected position 3",
    ),
    (
        "DELETE FROM entries WHERE stream = :acme AND position = 27",
        "the entries end at 26",
    ),
    (
        "DELETE FROM entries WHERE stream = :acme",
        "the entries end at 0",
    ),
    (
        "UPDATE entries SET body = replace(body, '1794614400', '1794614401')
         WHERE stream = :acme AND position = 4",
        "the hash chain is broken",
    ),
    (
        "UPDATE entries SET body = '{}' WHERE stream = :acme AND position = 4",
        "unreadable entry",
    ),
    (
        "UPDATE entries SET hash = zeroblob(32) WHERE stream = :acme AND position = 4",
        "the hash chain is broken",
    ),
    (
        "UPDATE entries SET position = CASE position WHEN 3 THEN 1003 ELSE 3 END
             WHERE stream = :acme AND position IN (3);
         UPDATE entries SET position = 3 WHERE stream = :acme AND position = 4;
         UPDATE entries SET position = 4 WHERE stream = :acme AND position = 1003",
        "the hash chain is broken",
    ),
    (
        "UPDATE entries SET stream = :acme, position = 28 WHERE stream <> :acme AND position = 1",
        "the entry belongs elsewhere",
    ),
    (
        "UPDATE licenses SET updated_at = updated_at + 1 WHERE id = :first",
        "license",
    ),
    (
        "UPDATE licenses SET begins_at = begins_at + 1 WHERE id = :first",
        "its dates differ from its payload's",
    ),
    (
        "UPDATE licenses SET ends_at = NULL WHERE id = :first",
        "its dates differ from its payload's",
    ),
    (
        "UPDATE licenses SET created_at = 0 WHERE id = :first",
        "differs from the ledger",
    ),
    (
        "UPDATE licenses SET revision = revision + 1 WHERE id = :first",
        "differs from the ledger",
    ),
    (
        "UPDATE licenses SET application = 'jira' WHERE id = :first",
        "is for application kong",
    ),
    (
        "UPDATE licenses SET payload_sha256 = (SELECT max(payload_sha256) FROM licenses l)
         WHERE payload_sha256 = (SELECT min(payload_sha256) FROM licenses l)",
        "differs from the ledger",
    ),
    ("DELETE FROM licenses WHERE id = :first", "is missing"),
    (
        "INSERT INTO licenses SELECT organization_id, randomblob(16), application, payload_sha256,
             created_at, updated_at, 999, begins_at, ends_at FROM licenses WHERE id = :first",
        "is not in the ledger",
    ),
    ("DELETE FROM payloads WHERE rowid = 1", " is missing"),
    ("UPDATE tokens SET origin = 'a'", "one of its texts cannot be read"),
    ("UPDATE tokens SET name = CAST(x'ff' AS TEXT)", "one of its texts cannot be read"),
    (
        "INSERT INTO payloads VALUES (:acme, zeroblob(32), '')",
        "0000 is not in the ledger",
    ),
    (
        "UPDATE payloads SET text = replace(text, '2027', '2099') WHERE rowid = 1",
        "differs from its hash",
    ),
    (
        "UPDATE heads SET position = position + 1 WHERE stream = :acme",
        "the head row at 28",
    ),
    (
        "UPDATE heads SET hash = zeroblob(32) WHERE stream = :acme",
        "the entries end at 27",
    ),
    (
        "UPDATE heads SET newest_updated_at = 1 WHERE stream = :acme",
        "the greatest updated_at",
    ),
    (
        "UPDATE heads SET removed = 1 WHERE stream = :acme",
        "was removed",
    ),
    (
        "UPDATE organizations SET removed = 1 WHERE id = :acme",
        "was removed",
    ),
    (
        "DELETE FROM heads WHERE stream = :acme",
        "it has rows but no head row",
    ),
    (
        "DELETE FROM heads WHERE stream = zeroblob(16)",
        "it has rows but no head row",
    ),
    (
        "UPDATE organizations SET number = 5 WHERE id = :acme",
        "organization",
    ),
    (
        "UPDATE organizations SET key = 'evil' WHERE id = :acme",
        "organization",
    ),
    (
        "DELETE FROM organizations WHERE id = :acme",
        "it belongs to no organization",
    ),
    (
        "UPDATE settings SET value = 'structural'",
        "the trust policy",
    ),
    ("DELETE FROM settings", "the trust policy"),
    (
        "UPDATE trusted_keys SET status = 'revoked' WHERE rowid_first",
        "key",
    ),
    ("DELETE FROM trusted_keys", "is missing"),
    (
        "UPDATE tokens SET role = 'operator' WHERE organization_id = :acme",
        "token",
    ),
    (
        "UPDATE tokens SET scopes = '[]' WHERE organization_id = :acme",
        "token",
    ),
    (
        "UPDATE tokens SET expires_at = NULL WHERE organization_id = :acme",
        "token",
    ),
    (
        "UPDATE tokens SET revoked_at = 5 WHERE organization_id = :acme",
        "token",
    ),
    (
        "UPDATE tokens SET secret_sha256 = NULL WHERE organization_id = :acme",
        "its secret",
    ),
    (
        "DELETE FROM tokens WHERE organization_id = :acme",
        "is missing",
    ),
    (
        "DELETE FROM applications WHERE key = 'jira'",
        "application jira is missing",
    ),
    (
        "INSERT INTO applications (organization_id, key) VALUES (:acme, 'more')",
        "application more is not in the ledger",
    ),
    (
        "UPDATE applications SET over_limit = 'allow', ceiling = NULL WHERE key = 'editor'",
        "application editor differs",
    ),
    (
        "UPDATE applications SET seats = 0 WHERE key = 'editor'",
        "application editor differs",
    ),
    (
        "UPDATE applications SET leases = 0 WHERE key = 'editor'",
        "application editor differs",
    ),
    (
        "UPDATE heads SET basis_changed = 1 WHERE stream = :acme",
        "the last change that the state of nodes rests on",
    ),
    (
        "UPDATE accounts SET number = number + 1",
        "account 00000000-0000-0000-0000-000000000032 differs",
    ),
    ("UPDATE accounts SET kind = 'service'", "differs"),
    ("UPDATE accounts SET status = 'invited'", "differs"),
    ("UPDATE accounts SET administrator = 1", "differs"),
    ("UPDATE accounts SET language = 'de_DE'", "differs"),
    ("UPDATE accounts SET seats = 7", "differs"),
    ("UPDATE accounts SET email = NULL", "its e-mail is missing"),
    ("DELETE FROM accounts", "is missing"),
    (
        "UPDATE account_counts SET holders = 7",
        "the count of accounts",
    ),
    ("DELETE FROM account_counts", "the count of accounts"),
    (
        "UPDATE heads SET used_tokens = used_tokens + 1 WHERE stream = :acme",
        "the count of tokens differs",
    ),
    (
        "UPDATE heads SET used_kept_answers = 7 WHERE stream = :acme",
        "the count of kept-answers differs",
    ),
    (
        "UPDATE heads SET used_usage_epochs = 7 WHERE stream = :acme",
        "the count of usage-epochs differs",
    ),
    ("DELETE FROM usage_months", "the count of usage-series differs"),
    (
        "UPDATE applications SET licenses = licenses + 1 WHERE key = 'kong'",
        "application kong differs",
    ),
    (
        "UPDATE heads SET quotas = '{\"nodes\":7}' WHERE stream = :acme",
        "the set of its quotas differs",
    ),
    ("UPDATE seats SET since = 1", "seat editor of account"),
    ("DELETE FROM seats", "seat editor of account"),
    ("UPDATE leases SET since = 1", "lease"),
    ("UPDATE leases SET holder = NULL", "its holder, fence or end"),
    ("DELETE FROM leases", "lease"),
    (
        "DELETE FROM ended_leases",
        "the record of ended lease 00000000-0000-0000-0000-000000000051 is missing",
    ),
    (
        "UPDATE ended_leases SET since = 1",
        "the record of ended lease 00000000-0000-0000-0000-000000000051 differs",
    ),
    ("UPDATE ended_leases SET reason = 'forced'", "differs"),
    (
        "UPDATE ended_leases SET holder_key = 'nobody'",
        "ended lease 00000000-0000-0000-0000-000000000051: it is found under the key of another \
         holder",
    ),
    ("UPDATE ended_leases SET number = 2000", "it is not found by its holder"),
    ("UPDATE ended_leases SET id = zeroblob(16)", "differs"),
    ("UPDATE ended_leases SET until = until + 1", "is missing"),
    (
        "INSERT INTO ended_leases SELECT number + 1, organization_id, application, until,
             position + 1, id, since, reason, holder, holder_key, 0 FROM ended_leases",
        "1 records of ended leases are not in the ledger",
    ),
    (
        "UPDATE ended_leases SET organization_id = x'00000000000000000000000000000001'",
        "it has rows but no head row",
    ),
    (
        "INSERT INTO ended_leases_kept VALUES (x'00000000000000000000000000000001', 0, 0)",
        "it has rows but no head row",
    ),
    (
        "UPDATE refusals SET count = 2",
        "the sum of refusals of editor as unlicensed in hour 498504 is less",
    ),
    (
        "UPDATE refusals SET holder_key = 'other'",
        "refusal in 00000000-0000-0000-0000-000000000ace: it is found under the key of another",
    ),
    ("DELETE FROM refusal_sums", "is less than the refusals"),
    (
        "UPDATE refusal_sums SET organization_id = x'00000000000000000000000000000001'",
        "it has rows but no head row",
    ),
    (
        "UPDATE tokens SET account_id = zeroblob(16) WHERE organization_id = :acme",
        "token",
    ),
    ("UPDATE clients SET scopes = '[]'", "client"),
    ("UPDATE clients SET account_id = NULL", "client"),
    ("UPDATE clients SET application = 'editor'", "client"),
    ("UPDATE clients SET removed_at = 5", "client"),
    (
        "UPDATE clients SET secret_sha256 = NULL",
        "the hash of its secret",
    ),
    ("DELETE FROM clients", "client"),
    ("UPDATE grants SET client = zeroblob(16)", "grant"),
    ("UPDATE grants SET revoked_at = 5", "grant"),
    (
        "UPDATE grants SET refresh_sha256 = NULL",
        "the hash of its refresh token",
    ),
    ("DELETE FROM grants", "grant"),
    (
        "UPDATE access_tokens SET organization_id = x'00000000000000000000000000000001'",
        "it has rows but no head row",
    ),
    ("UPDATE nodes SET application = 'jira'", "node"),
    ("UPDATE nodes SET created_at = 5", "node"),
    ("UPDATE nodes SET joined_at = 5", "node"),
    ("UPDATE nodes SET revoked_at = 5", "node"),
    ("UPDATE nodes SET name = NULL", "its name or the hash"),
    ("UPDATE nodes SET token_sha256 = NULL", "its name or the hash"),
    (
        "UPDATE nodes SET token_expires_at = NULL",
        "its name or the hash",
    ),
    (
        "UPDATE nodes SET credential_sha256 = NULL",
        "the hash of its credential",
    ),
    (
        "UPDATE nodes SET seen = replace(seen, 'fresh', 'fried')",
        "node 00000000-0000-0000-0000-00000000005a: what it last said is unreadable",
    ),
    ("DELETE FROM nodes", "node"),
    (
        "UPDATE nodes SET organization_id = x'00000000000000000000000000000001'",
        "it has rows but no head row",
    ),
    (
        "UPDATE node_settings SET stale_after = 61",
        "the settings of nodes",
    ),
    (
        "UPDATE node_settings SET expires_after = expires_after + 1",
        "the settings of nodes",
    ),
    (
        "UPDATE node_settings SET grace = 0",
        "the settings of nodes",
    ),
    (
        "UPDATE node_settings SET raised = raised + 1",
        "the settings of nodes",
    ),
    ("DELETE FROM node_settings", "the settings of nodes"),
    (
        "UPDATE node_settings SET organization_id = x'00000000000000000000000000000001'",
        "it has rows but no head row",
    ),
    (
        "UPDATE trusted_keys SET rotation = '{}' WHERE rotation IS NOT NULL",
        "its rotation is damaged",
    ),
    (
        "UPDATE trusted_keys SET rotation = (SELECT max(rotation) FROM trusted_keys t)
         WHERE rotation IS NULL",
        "its rotation is damaged",
    ),
    (
        "UPDATE trusted_keys SET rotation = json_set(rotation, '$.signature',
             substr(json_extract(rotation, '$.signature'), 2)
                 || substr(json_extract(rotation, '$.signature'), 1, 1))",
        "its rotation is damaged",
    ),
];

#[tokio::test]
async fn every_alteration_is_reported() {
    let (folder, original) = filled().await;
    let path = folder.path().join("lictor.db");
    for (alteration, word) in ALTERATIONS {
        std::fs::write(&path, &original).expect("writes");
        alter(&path, alteration);
        let report = check_folder(folder.path()).expect("checks");
        let found = report
            .differences
            .iter()
            .any(|difference| difference.contains(word));
        assert!(found, "{alteration}: {:?}", report.differences);
    }
    std::fs::write(&path, &original).expect("writes");
    assert_eq!(
        check_folder(folder.path()).expect("checks").differences,
        [""; 0]
    );
}

#[tokio::test]
async fn a_missing_payload_is_reported_though_its_license_is_gone() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    let (replaced, new) = (id(1), document(1, "Kong", 99));
    done(&*store, put_license(ACME, replaced, &new, NOW)).await;
    done(&*store, remove_license(ACME, id(2))).await;
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
    drop(store);
    let gone = "DELETE FROM payloads
        WHERE sha256 NOT IN (SELECT payload_sha256 FROM licenses)";
    alter(&folder.path().join("lictor.db"), gone);
    let found = check_folder(folder.path()).expect("checks").differences;
    let (missing, others): (Vec<_>, Vec<_>) = found
        .iter()
        .partition(|found| found.ends_with(" is missing"));
    assert_eq!(missing.len(), 2, "{found:?}");
    let bytes = format!("stream {ACME}: the bytes of its ledger or payloads differ");
    assert_eq!(others, [&bytes]);
}

pub(super) fn alter(path: &Path, alteration: &str) {
    let quoted = |id: uuid::Uuid| format!("x'{}'", id.simple());
    let sql = alteration
        .replace(":acme", &quoted(ACME))
        .replace(":first", &quoted(id(1)))
        .replace("rowid_first", "id = (SELECT min(id) FROM trusted_keys)");
    let raw = Connection::open(path).expect("opens");
    raw.execute_batch(&sql).expect(alteration);
    raw.pragma_update(None, "wal_checkpoint", "truncate").ok();
}

/// A folder with a filled database, all of it in one file, and that file's bytes.
async fn filled() -> (tempfile::TempDir, Vec<u8>) {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    drop(store);
    assert!(
        !folder.path().join("lictor.db-wal").exists(),
        "the log is folded in at the end"
    );
    let bytes = std::fs::read(folder.path().join("lictor.db")).expect("reads");
    (folder, bytes)
}

#[tokio::test]
async fn damage_at_the_end_of_the_ledger_is_found_at_the_start() {
    let (folder, original) = filled().await;
    let path = folder.path().join("lictor.db");
    for alteration in [
        "DELETE FROM entries WHERE stream = :acme AND position = 27",
        "UPDATE heads SET hash = zeroblob(32) WHERE stream = :acme",
        "UPDATE entries SET body = body || ' ' WHERE stream = :acme AND position = 2",
    ] {
        std::fs::write(&path, &original).expect("writes");
        alter(&path, alteration);
        let error = open(folder.path()).map(drop).expect_err("damaged");
        assert!(
            matches!(error, OpenError::Corrupt(_)),
            "{alteration}: {error}"
        );
        assert!(error.to_string().contains("restore a backup"));
    }
}

#[tokio::test]
async fn a_damaged_payload_is_never_served() {
    let (folder, _) = filled().await;
    let alteration = "UPDATE payloads SET text = replace(text, '2027', '2099')";
    alter(&folder.path().join("lictor.db"), alteration);
    let store = open(folder.path()).expect("opens");
    assert!(store.license(ACME, id(1)).await.is_err());
    assert!(store.current_license(ACME).await.is_err());
}

#[tokio::test]
async fn a_file_cut_short_is_found() {
    let (folder, original) = filled().await;
    let path = folder.path().join("lictor.db");
    for length in [
        0,
        1,
        50,
        99,
        100,
        4_095,
        4_096,
        8_192,
        20_000,
        original.len() - 4_096,
        original.len() - 1,
    ] {
        std::fs::write(&path, &original[..length]).expect("writes");
        assert!(
            is_found(folder.path()),
            "{length} bytes of {}",
            original.len()
        );
    }
}

fn is_found(folder: &Path) -> bool {
    match check_folder(folder) {
        Ok(report) => !report.differences.is_empty(),
        Err(_) => true,
    }
}

#[tokio::test]
async fn a_writer_that_meets_damage_stops_writing() {
    let (folder, original) = filled().await;
    let path = folder.path().join("lictor.db");
    let store = open(folder.path()).expect("opens");
    let mut bytes = vec![0xFF; original.len()];
    bytes[..4_096].copy_from_slice(&original[..4_096]);
    std::fs::write(&path, &bytes).expect("writes");
    let add = || {
        let document = document(1, "Kong", 77);
        store.write(crate::given::add_license(ACME, id(77), &document, NOW))
    };
    for _ in 0..2 {
        let error = add().await.expect_err("damaged");
        assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
    }
    assert!(matches!(store.ready().await, Err(Error::ReadOnly(_))));
    assert!(
        store.license(ACME, id(1)).await.is_err(),
        "nor is it served"
    );
}

/// Everything that the ledger vouches for, as the reads say it.
async fn told(store: &dyn Store) -> impl PartialEq + std::fmt::Debug + use<> {
    let trust: TrustSet = store.trust().await.expect("reads");
    let mut streams = Vec::new();
    for stream in [INSTALLATION, ACME, id(2)] {
        let tokens = store.tokens(stream, None, 100).await.expect("reads");
        let tokens: Vec<_> = tokens
            .into_iter()
            .map(|token| {
                (
                    token.id,
                    token.role,
                    token.scopes,
                    token.expires_at,
                    token.revoked_at,
                )
            })
            .collect();
        let nodes = store.nodes(stream, None, 100).await.expect("reads");
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|node| (node.id, node.state))
            .collect();
        streams.push((
            store.entries(stream, 0, 1_000).await.expect("reads"),
            store
                .licenses(stream, None, None, 1_000)
                .await
                .expect("reads"),
            applications(store, stream).await,
            store.current_license(stream).await.expect("reads"),
            tokens,
            nodes,
            store.node_settings(stream).await.expect("reads"),
        ));
    }
    (trust, store.policy().await.expect("reads"), streams)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bits_are_found_or_do_no_harm() {
    let (folder, original) = filled().await;
    let store = open(folder.path()).expect("opens");
    let expected = told(&*store).await;
    drop(store);
    let path = folder.path().join("lictor.db");
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let (mut found, mut harmless) = (0, 0);
    for _ in 0..150 {
        // xorshift: the same flips in every run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut bytes = original.clone();
        let at = usize::try_from(random >> 8).expect("64 bits") % bytes.len();
        bytes[at] ^= 1 << (random % 8);
        std::fs::write(&path, &bytes).expect("writes");
        // Whether it opens or not: it must not panic.
        let opened = open(folder.path());
        if is_found(folder.path()) {
            found += 1;
        } else {
            let store = opened.unwrap_or_else(|error| panic!("byte {at}: {error}"));
            assert_eq!(told(&*store).await, expected, "byte {at}");
            harmless += 1;
        }
        for ending in ["-wal", "-shm"] {
            std::fs::remove_file(folder.path().join(format!("lictor.db{ending}"))).ok();
        }
    }
    assert!(
        found > 10 && harmless > 10,
        "{found} found, {harmless} harmless"
    );
}
