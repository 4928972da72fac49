//! What may stand in a name, which two are the same, and how text from elsewhere is shown.

use lictor_core::facts::email::Email;
use lictor_core::names::{check, escaped, fold, label, trimmed};
use proptest::prelude::*;

/// Names in many scripts, in NFC, as people have them.
const GOOD: &[&str] = &[
    "a",
    "Prüf GmbH 🦀",
    "Zo\u{eb}",
    "한글",
    "がぎ",
    "Ζωή Κωνσταντίνος",
    "Владимир",
    "李小龍",
    "עמר (א)",
    "שָׁלוֹם",
    "עב\u{200f}!",
    "C++\u{200e} ו",
    "عمر",
    "می\u{200c}خواهم",
    "नमस्ते",
    "क्\u{200d}ष",
    "র\u{200d}্য",
    "สวัสดี",
    "አማርኛ",
    "👩\u{200d}💻",
    "❤\u{fe0f}\u{200d}🔥",
    "👨🏽\u{200d}👩\u{200d}👧",
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "葛\u{e0100}城",
    "x\u{301}",
    "¨",
    "ｆｕｌｌ",
    "a\u{a0}b",
    "Donau\u{ad}dampf",
    "O'Brien \"q\" \\ <b>",
    "\u{600}١",
];

#[test]
fn a_name_is_anything_that_people_of_any_script_can_see() {
    for name in GOOD {
        let kept = label("name", name, 200);
        assert_eq!(kept.as_deref().ok(), Some(*name), "{name:?}: {kept:?}");
    }
}

#[test]
fn a_name_needs_a_character_that_can_be_seen() {
    for name in [
        "",
        " ",
        "\u{a0}",
        "\u{3000}",
        "\u{2003}\u{2009}",
        "\u{2800}",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{2060}",
        "\u{ad}",
        "\u{3164}",
        "\u{115f}\u{1160}",
        "\u{ffa0}",
        "\u{301}",
        "\u{fe0f}",
        "\u{200e}",
        " \u{200f} ",
        "\u{180e}",
        "\u{e0067}",
    ] {
        assert!(label("name", name, 200).is_err(), "{name:?}");
    }
}

#[test]
fn what_turns_a_text_around_is_in_no_name() {
    let turners = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    for turner in turners.chain(['\u{2028}', '\u{2029}', '\0', '\u{1b}', '\u{7f}', '\u{9b}']) {
        for name in [
            format!("{turner}a"),
            format!("a{turner}b"),
            format!("a{turner}"),
        ] {
            let refused = label("holder", &name, 200).expect_err("refused");
            assert!(
                refused.to_string().contains("holder"),
                "{name:?}: {refused}"
            );
        }
    }
    let refused = label("name", "a\u{202e}b", 200).expect_err("refused");
    assert!(refused.to_string().contains("U+202E"), "{refused}");
}

#[test]
fn joiners_and_marks_stand_among_what_they_join_and_mark() {
    for unseen in [
        '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}',
    ] {
        for name in [
            format!("{unseen}a"),
            format!("a{unseen}"),
            format!("a {unseen}b"),
            format!("a{unseen} b"),
            format!("a{unseen}{unseen}b"),
        ] {
            assert!(label("name", &name, 200).is_err(), "{name:?}");
        }
    }
    for hint in ['\u{200e}', '\u{200f}', '\u{61c}'] {
        for name in [
            format!("{hint}a"),
            format!("a{hint}"),
            format!("a {hint}{hint}"),
        ] {
            assert!(label("name", &name, 200).is_err(), "{name:?}");
        }
    }
    for mark in ['\u{301}', '\u{64b}', '\u{93f}', '\u{20dd}', '\u{fe0f}'] {
        assert!(label("name", &format!("a{mark}"), 200).is_ok(), "{mark:?}");
        for name in [format!("{mark}a"), format!("a {mark}")] {
            assert!(label("name", &name, 200).is_err(), "{name:?}");
        }
    }
}

#[test]
fn a_name_is_composed_and_without_blanks_around_it() {
    for (given, kept) in [
        ("Zoe\u{308}", "Zo\u{eb}"),
        ("  x  ", "x"),
        ("\u{a0}x y\u{3000}", "x y"),
        ("か\u{3099}", "が"),
        ("\u{212a}elvin", "Kelvin"),
        ("ﬁn", "ﬁn"),
        ("Alice", "Alice"),
    ] {
        assert_eq!(label("name", given, 200).expect("a name"), kept);
    }
    for control in ["a\n", "\ta", "a\r", "\u{85}a"] {
        assert!(label("name", control, 200).is_err(), "{control:?}");
    }
}

#[test]
fn a_name_is_as_long_as_it_is_when_it_is_stored() {
    assert!(label("name", &"e\u{301}".repeat(200), 200).is_ok());
    assert!(label("name", &format!("  {}  ", "ü".repeat(200)), 200).is_ok());
    assert!(label("name", &"🦀".repeat(201), 200).is_err());
    assert!(check("name", "", 200).is_err());
}

#[test]
fn spellings_of_one_name_are_one() {
    for (left, right) in [
        ("alice", "Alice"),
        ("ALICE", "ａｌｉｃｅ"),
        ("Zo\u{eb}", "zoe\u{308}"),
        ("\u{212b}", "å"),
        ("\u{212a}", "k"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("οδυσσεύς", "ΟΔΥΣΣΕΎσ"),
        ("ﬁn", "FIN"),
        ("①", "1"),
        ("İ", "i\u{307}"),
        ("می\u{200c}خواهم", "میخواهم"),
        ("al\u{200b}ice", "alice"),
        ("al\u{ad}ice", "alice"),
        ("e\u{200d}\u{301}", "é"),
        ("❤\u{fe0f}", "❤"),
        ("葛\u{e0100}", "葛"),
        ("DŽ", "ǆ"),
    ] {
        assert_eq!(fold(left), fold(right), "{left:?} and {right:?}");
    }
}

#[test]
fn names_that_differ_stay_apart() {
    for (left, right) in [
        ("ı", "i"),
        ("İ", "i"),
        ("ß", "ss"),
        ("straße", "strasse"),
        ("а", "a"),
        ("a b", "ab"),
        ("é", "e"),
        ("0", "o"),
        (
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e007f}",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e007f}",
        ),
        ("👩🏽", "👩"),
    ] {
        assert_ne!(fold(left), fold(right), "{left:?} and {right:?}");
    }
}

#[test]
fn text_that_could_do_more_than_be_read_is_shown_escaped() {
    for (given, shown) in [
        ("Prüf 🦀", "Prüf 🦀"),
        ("", ""),
        ("a\u{202e}gpj.exe", "a\\u{202e}gpj.exe"),
        ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
        ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u{9b}2J\u{7f}\0", "\\u{9b}2J\\u{7f}\\u{0}"),
        ("a\u{2028}b", "a\\u{2028}b"),
        ("a\u{200b}b", "a\\u{200b}b"),
        ("\u{feff}a", "\\u{feff}a"),
        ("a\u{200f}b", "a\\u{200f}b"),
        ("\u{301}x", "\\u{301}x"),
        ("a\u{200d}", "a\\u{200d}"),
        ("👩\u{200d}💻", "👩\u{200d}💻"),
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ("x\u{301}", "x\u{301}"),
        ("C:\\new", "C:\\new"),
    ] {
        assert_eq!(escaped(given), shown);
    }
}

proptest! {
    #[test]
    fn what_is_folded_stays_as_it_is(text in any::<String>()) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn what_is_stored_is_stored_again_the_same(text in any::<String>()) {
        if let Ok(name) = label("name", &text, 200) {
            let again = label("name", &name, 200).ok();
            prop_assert_eq!(again.as_ref(), Some(&name));
            prop_assert_eq!(trimmed(&name), &name);
            prop_assert!(!fold(&name).is_empty());
        }
    }

    #[test]
    fn nothing_active_is_left_in_what_is_shown(text in any::<String>()) {
        let shown = escaped(&text).into_owned();
        prop_assert!(!shown.chars().any(char::is_control));
        let turner = shown.find(['\u{202e}', '\u{2066}', '\u{200f}', '\u{2028}']);
        prop_assert_eq!(turner, None);
        prop_assert_eq!(escaped(&shown).into_owned(), shown.clone());
    }
}

/// Spellings that are one e-mail each.
const EMAILS: &[&[&str]] = &[
    &[
        "max@bücher.de",
        "max@xn--bcher-kva.de",
        "MAX@BÜCHER.DE",
        "max@XN--BCHER-KVA.de",
        "max@bu\u{308}cher.de.",
        "max@bücher。de",
        "ｍax@ｂücher.de",
    ],
    &["max@example.com", "max@example.com.", "Max@EXAMPLE.com"],
    &["max@straße.de", "max@xn--strae-oqa.de", "max@STRAẞE.de"],
    &["max@strasse.de", "max@STRASSE.de"],
    &["max@φας.gr", "max@xn--mxa8ak.gr"],
    &["max@φασ.gr", "max@ΦΑΣ.gr"],
    &["max@日本語.jp", "max@xn--wgv71a119e.jp", "max@日本語｡jp"],
    &["max@\u{212a}.com", "max@k.com"],
    &["max@[127.0.0.1]", "Max@[127.0.0.1]"],
    &["max@[IPv6:2001:DB8::1]", "max@[ipv6:2001:db8::1]"],
    &["max@localhost"],
    &["max@host_name.internal"],
    &["ΜΑΞΣ@x.gr", "μαξς@x.gr", "μαξσ@x.gr"],
];

#[test]
fn spellings_of_one_e_mail_have_one_key_and_it_is_its_own() {
    let key = |text: &str| Email::parse(text).expect(text).key;
    for (index, spellings) in EMAILS.iter().enumerate() {
        for spelling in *spellings {
            assert_eq!(key(spelling), key(spellings[0]), "{spelling}");
            assert_eq!(key(&key(spelling)), key(spelling), "{spelling}");
            for other in EMAILS.iter().skip(index + 1) {
                assert_ne!(key(spelling), key(other[0]), "{spelling}");
            }
        }
    }
    assert_eq!(key("max@bücher.de"), "max@xn--bcher-kva.de");
    let shown = Email::parse("Max@BÜCHER.de.").expect("an e-mail").shown;
    assert_eq!(shown, "Max@BÜCHER.de.", "it is shown as it was given");
}

#[test]
fn an_e_mail_whose_domain_is_none_is_refused_and_told_so() {
    let long = format!("max@{}.de", "ü".repeat(250));
    for text in [
        "max@xn--a.de",
        "max@xn--.de",
        "max@xn--bcher-kva\u{fc}.de",
        "max@xn--zzzzzzzz99999.de",
        "max@a\u{301}\u{200d}b.de",
        "max@\u{301}a.de",
        "max@.",
        "max@.de",
        "max@a..de",
        "max@a.de..",
        "max@\u{2488}com",
        "max@a＠b.de",
    ] {
        let refused = Email::parse(text).expect_err(text).to_string();
        assert!(refused.contains("email"), "{text}: {refused}");
    }
    let refused = Email::parse("max@xn--a.de")
        .expect_err("refused")
        .to_string();
    assert!(refused.contains("its domain is invalid"), "{refused}");
    let ascii = format!("max@{}", "a".repeat(255));
    for text in [long, ascii] {
        assert!(Email::parse(&text).is_err(), "{text}");
    }
}
