//! What damage does to usage, as far as the ledger or the sum says how it must be.

use super::damage::alter;
use super::{check_folder, fill, folder, open};
use crate::given::{ACME, done};
use crate::usage::{correct_usage, report_usage, total};

#[tokio::test]
async fn altered_usage_is_reported_as_far_as_the_ledger_and_the_sum_say_it() {
    let folder = folder();
    let path = folder.path().join("lictor.db");
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    done(&*store, correct_usage(ACME, 3)).await;
    done(&*store, report_usage(ACME, vec![total("first", 4)])).await;
    drop(store);
    let original = std::fs::read(&path).expect("reads");
    let correction = "usage correction of web by edge in 2026-11";
    for (alteration, word) in [
        ("UPDATE usage SET correction = 2", correction),
        ("UPDATE usage SET correction = 0", correction),
        ("DELETE FROM usage", correction),
        ("UPDATE usage SET count = 4", "do not add up to 12"),
        ("UPDATE usage SET added = 5", "do not add up to 12"),
        ("UPDATE usage_sums SET total = 5", "do not add up to 5"),
        ("DELETE FROM usage_sums", "do not add up to 0"),
        (
            "UPDATE usage_month_sums SET total = 5",
            "counts of 2026-11 do not add up to 5",
        ),
        ("DELETE FROM usage_month_sums", "do not add up to 0"),
        ("UPDATE usage_sums SET services = 2", "the services of its"),
        ("DELETE FROM usage_services", "the services of its"),
        (
            "UPDATE usage_services SET service = 'x'",
            "the services of its",
        ),
        (
            "UPDATE usage_epochs SET organization_id = x'00000000000000000000000000000001'",
            "it has rows but no head row",
        ),
    ] {
        std::fs::write(&path, &original).expect("writes");
        alter(&path, alteration);
        let found = check_folder(folder.path()).expect("checks").differences;
        let is_found = found.iter().any(|difference| difference.contains(word));
        assert!(is_found, "{alteration}: {found:?}");
    }
    std::fs::write(&path, &original).expect("writes");
    let whole = check_folder(folder.path()).expect("checks");
    assert_eq!(whole.differences, [""; 0]);
}
