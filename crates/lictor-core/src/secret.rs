//! Detection of secrets in text, so that none is printed, sent or written where it does not belong. It
//! knows the forms of secrets and no secret.
//!
//! Secrets that are made here begin with a word of their own, by which [`find`] knows them anywhere.
//! Those without one, such as the 64 hex digits that were the secret of an OAuth client before, look
//! like the hash of something or the id of a container. So [`looks_like`] refuses them where a name,
//! an id or a path belongs, and they pass where only [`find`] is asked: for the holder of a lease, the
//! source of a count, a serial number.

use std::borrow::Cow;
use std::ops::Range;

/// What a token begins with.
pub const TOKEN_WORD: &str = "lictor_";

/// What the token that a node joins with begins with.
pub const ENROLLMENT_WORD: &str = "lictor_enroll_";

/// What the token that the nodes of a pool join with begins with.
pub const POOL_WORD: &str = "lictor_pool_";

/// What the secret of an OAuth client begins with.
pub const CLIENT_WORD: &str = "lictor_client_";

/// The replacement for a secret.
const MASK: &str = "***";

/// A kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// A private key, as PEM or as the text within.
    PrivateKey,
    /// A token that a node joins with.
    EnrollmentToken,
    /// The secret of an OAuth client.
    ClientSecret,
    /// A token of Lictor's, of an OAuth client's, or a signed one (JWT).
    Token,
    /// A long random text: a node's credential, a password that was generated.
    Random,
}

impl Secret {
    /// Its display name.
    pub fn words(self) -> &'static str {
        match self {
            Self::PrivateKey => "a private key",
            Self::EnrollmentToken => "an enrollment token",
            Self::ClientSecret => "the secret of an OAuth client",
            Self::Token => "a token",
            Self::Random => "what looks like a secret key or token",
        }
    }
}

/// Finds what is surely a secret, anywhere in a text.
pub fn find(text: &str) -> Option<Secret> {
    spans(text).next().map(|(_, secret)| secret)
}

/// What a text is that should be a name, an id or a path: a secret that [`find`] knows, or a long
/// random text and nothing else.
pub fn looks_like(text: &str) -> Option<Secret> {
    find(text).or_else(|| {
        let mut words = text.split(',').map(str::trim);
        words.any(is_random).then_some(Secret::Random)
    })
}

/// The text without secrets that [`find`] knows, and without the user and password of addresses.
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut hidden: Vec<Range<usize>> = spans(text).map(|(at, _)| at).collect();
    hidden.extend(passwords(text));
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.sort_by_key(|at| at.start);
    let (mut shown, mut from) = (String::new(), 0);
    for at in hidden {
        if at.start >= from {
            shown.push_str(&text[from..at.start]);
            shown.push_str(MASK);
        }
        from = from.max(at.end);
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

/// Where each secret begins and ends, kind by kind.
fn spans(text: &str) -> impl Iterator<Item = (Range<usize>, Secret)> {
    let keys = following(text, "-----BEGIN").filter_map(|at| private_key(text, at));
    // How the text within the PEM of every private key of PKCS#8 begins, for Ed25519.
    let bare = following(text, "MC4CAQAwBQYDK2VwBCIEI")
        .map(|at| at..at + run(&text[at..], |byte| is_base64(byte) || byte == b'='));
    let keys = keys.chain(bare).map(|at| (at, Secret::PrivateKey));
    keys.chain(tokens(text))
}

fn tokens(text: &str) -> impl Iterator<Item = (Range<usize>, Secret)> {
    let own = following(text, TOKEN_WORD).filter_map(|at| own_token(text, at));
    let of_clients = following(text, "1000.").filter_map(|at| {
        let end = at + "1000.".len() + 32 + 1 + 32;
        let parts = text.get(at..end)?.split('.').skip(1);
        let hex = |part: &str| part.len() == 32 && part.bytes().all(is_lower_hex);
        parts.clone().all(hex).then_some((at..end, Secret::Token))
    });
    let signed = following(text, "eyJ").filter_map(|at| {
        let end = at + run(&text[at..], |byte| is_base64(byte) || byte == b'.');
        let parts: Vec<&str> = text[at..end].split('.').collect();
        let long = parts.iter().take(2).all(|part| part.len() >= 10);
        (parts.len() >= 2 && long).then_some((at..end, Secret::Token))
    });
    own.chain(of_clients).chain(signed)
}

/// The whole PEM, as far as it is there.
fn private_key(text: &str, at: usize) -> Option<Range<usize>> {
    let label = &text[at + "-----BEGIN".len()..];
    let label = &label[..label.find("-----").unwrap_or(label.len()).min(64)];
    if !label.contains("PRIVATE KEY") {
        return None;
    }
    let end = text[at..].find("-----END").map(|end| {
        let line = at + end + "-----END".len();
        line + text[line..].find("-----").map_or(0, |end| end + 5)
    });
    Some(at..end.unwrap_or(text.len()))
}

/// 256 random bits after one of the words. A name may begin with the same word.
fn own_token(text: &str, at: usize) -> Option<(Range<usize>, Secret)> {
    for (word, secret) in [
        (ENROLLMENT_WORD, Secret::EnrollmentToken),
        (POOL_WORD, Secret::EnrollmentToken),
        (CLIENT_WORD, Secret::ClientSecret),
    ] {
        if text[at..].starts_with(word) {
            let from = at + word.len();
            let length = run(&text[from..], |byte| byte.is_ascii_hexdigit());
            return (length >= 32).then_some((at..from + length, secret));
        }
    }
    let from = at + TOKEN_WORD.len();
    let end = from + run(&text[from..], is_base64_url);
    let whole = end - from == 43 && at == 0 && end == text.len();
    let random = end - from >= 32 && is_mixed(&text[from..end]);
    (whole || random).then_some((at..end, Secret::Token))
}

/// Users and passwords of addresses, as in `http://user:password@host`.
fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    following(text, "://").filter_map(|at| {
        let from = at + "://".len();
        let rest = &text[from..];
        let blank = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
        let word = &rest[..rest.find(blank).unwrap_or(rest.len())];
        let authority = &word[..word.find(['/', '?', '#']).unwrap_or(word.len())];
        if let Some(end) = authority.rfind('@') {
            return Some(from..from + end);
        }
        // What follows is no port: a password with a slash in it.
        let (_, port) = authority.rsplit_once(':')?;
        let is_port = port
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b']');
        let end = word.rfind('@').filter(|_| !is_port)?;
        Some(from..from + end)
    })
}

/// The positions of `word` in the text.
fn following<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> {
    text.match_indices(word).map(|(at, _)| at)
}

/// How many bytes the text begins with that are like this; ASCII alone.
fn run(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is(*byte)).count()
}

fn is_base64_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_base64(byte: u8) -> bool {
    is_base64_url(byte) || matches!(byte, b'+' | b'/')
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// A text as secrets are: 256 bits in hex, or 190 and more in base64.
fn is_random(word: &str) -> bool {
    let hex = word.len() >= 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = word.trim_end_matches('=');
    hex || (plain.len() >= 32 && plain.bytes().all(is_base64) && is_mixed(plain))
}

/// Whether capitals, small letters and digits take turns as they do not in words: in random text
/// six of ten neighbors are of different kinds, and digits stand here and there.
fn is_mixed(text: &str) -> bool {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => Some(0),
        b'A'..=b'Z' => Some(1),
        b'a'..=b'z' => Some(2),
        _ => None,
    };
    let kinds: Vec<u8> = text.bytes().filter_map(kind).collect();
    let turns = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let to_digits = kinds.windows(2).filter(|pair| pair[0] != 0 && pair[1] == 0);
    let letters = kinds.contains(&1) && kinds.contains(&2);
    let enough = match to_digits.count() {
        0 => false,
        1 => turns * 2 >= kinds.len(),
        _ => turns * 3 >= kinds.len(),
    };
    letters && enough
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "lictor_q7Vb2Kx0Zt9RmE4sUuLw1YhPp6Cn8DgAaFf3JjOoI5k";
    const JWT: &str =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n";

    fn pem() -> String {
        crate::SigningKey::from_seed([7; 32]).to_pem().expect("PEM")
    }

    #[test]
    fn secrets_are_known_by_their_form() {
        let key = pem();
        let line = key.lines().nth(1).expect("the key").to_owned();
        let enrollment = format!("lictor_enroll_{}", "0f".repeat(64));
        let client = format!("{CLIENT_WORD}{}", "5f".repeat(32));
        let credential = format!("1000.{}.{}", "0a".repeat(16), "1b".repeat(16));
        for (text, secret) in [
            (key.as_str(), Secret::PrivateKey),
            (&key.replace('\n', " "), Secret::PrivateKey),
            (&key.replace('\n', "\r\n"), Secret::PrivateKey),
            ("-----BEGIN RSA PRIVATE KEY-----", Secret::PrivateKey),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----", Secret::PrivateKey),
            (&line, Secret::PrivateKey),
            (&enrollment, Secret::EnrollmentToken),
            (&client, Secret::ClientSecret),
            (TOKEN, Secret::Token),
            (&format!("./{TOKEN}"), Secret::Token),
            (&format!("lictor_{}", "A".repeat(43)), Secret::Token),
            (&credential, Secret::Token),
            (JWT, Secret::Token),
        ] {
            assert_eq!(find(text), Some(secret), "{text}");
            assert_eq!(looks_like(text), Some(secret), "{text}");
            let shown = masked(&format!("a {text} z")).into_owned();
            let known_by_itself = text.contains("AAAA");
            assert!(known_by_itself || shown.contains("***"), "{shown}");
            assert!(known_by_itself || find(&shown).is_none(), "{shown}");
        }
        for text in [
            &*"5f".repeat(32),
            "Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1A=",
            "vendor.pub,Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1A",
        ] {
            assert_eq!(looks_like(text), Some(Secret::Random), "{text}");
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn names_ids_and_paths_are_no_secrets() {
        for text in [
            "",
            "vendor.key",
            "/home/ada/Projects/Lictor2026/Configuration/Production/vendor.pub",
            "Users/Ada1/Projects/Lictor2026/ConfigurationOfProduction/vendor",
            "lictor_backup_of_the_production_server_2026_11_22",
            "lictor_token",
            "lictor_client_of_the_second_website",
            "01a2019d-a8f0-7bc8-b575-b74ced08cd9a",
            "3f9c0d5e7a1b2c48",
            "0123456789abcdef0123456789abcdef",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG",
            "ada.lovelace+lictor@department.example.com",
            "http://127.0.0.1:8001",
            "https://licenses.example.com/v1/accounts/ada@example.com",
            "-----BEGIN PUBLIC KEY-----",
            "an-application-with-a-very-long-name-of-64-letters-and-2-digits",
            "TheCompanyWithTheLongNameAndItsFirstSubsidiary2",
        ] {
            assert_eq!(looks_like(text), None, "{text}");
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn passwords_in_addresses_are_masked() {
        for (text, shown) in [
            ("http://me:word@host:1/x", "http://***@host:1/x"),
            (
                "no answer from https://word@host: why",
                "no answer from https://***@host: why",
            ),
            ("a://u:p@h, b://u:p@h", "a://***@h, b://***@h"),
            ("http://me:wo/rd@host", "http://***@host"),
            ("http://me:wo@rd@host", "http://***@host"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            ("http://", "http://"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
