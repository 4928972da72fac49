//! Signing and checking documents with the core, beside the same with bare ed25519-dalek: `signatures ROUNDS SECONDS`
//! prints `NAME PER-SECOND` for every turn, in rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ed25519_dalek::{Signature, Signer as _, SigningKey as BareKey};
use lictor_core::{Claims, Date, Document, SigningKey, TrustSet};

const SEED: [u8; 32] = [7; 32];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().context("how many rounds?")?.parse()?;
    let seconds: u64 = arguments.next().context("how many seconds?")?.parse()?;
    let turn = Duration::from_secs(seconds);

    let vendor = SigningKey::from_seed(SEED);
    let date = Date::parse("2099-12-31").context("a date")?;
    let mut claims = Claims::new("Konnect Enterprise", date);
    claims.customer = Some("Example GmbH".to_owned());
    claims.admin_seats = Some(25);
    let json = claims.to_json();
    let document = vendor.sign(&json);
    let trust = TrustSet::from_pem([vendor.public_key().to_pem().as_str()])?;

    let bare = BareKey::from_bytes(&SEED);
    let public = bare.verifying_key();
    let signature: Signature = bare.sign(json.as_bytes());

    for _ in 0..rounds {
        tell("dalek-sign", turn, || {
            bare.sign(black_box(json.as_bytes())).to_bytes()[0] < 255
        });
        tell("lictor-sign", turn, || {
            !vendor.sign(black_box(&json)).is_empty()
        });
        tell("dalek-verify", turn, || {
            public
                .verify_strict(black_box(json.as_bytes()), &signature)
                .is_ok()
        });
        tell("lictor-verify", turn, || {
            let parsed = Document::parse(black_box(&document));
            parsed.and_then(|document| document.verify(&trust)).is_ok()
        });
    }
    println!("bytes {} {}", json.len(), document.len());
    Ok(())
}

/// How often `work` is done in this time.
fn tell(name: &str, turn: Duration, mut work: impl FnMut() -> bool) {
    let begun = Instant::now();
    let mut done = 0_u32;
    while begun.elapsed() < turn {
        for _ in 0..100 {
            black_box(work());
        }
        done += 100;
    }
    println!("{name} {}", f64::from(done) / begun.elapsed().as_secs_f64());
}
