//! `lictor key`: the key pair of a vendor, made offline.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lictor_authority::random;
use lictor_core::SigningKey;
use lictor_core::document::rotation;
use serde_json::json;

use crate::exit::{self, Failure, Outcome};
use crate::{files, output, server};

/// `lictor key …`
#[derive(Subcommand, Debug)]
pub(crate) enum Key {
    /// Make a key pair: NAME.key to sign with, and NAME.pub for servers and products
    #[command(after_help = "Example:\n  lictor key generate --out vendor")]
    Generate {
        /// Where to write it; `.key` and `.pub` are appended; `-` prints both
        #[arg(long, value_name = "NAME")]
        out: PathBuf,
    },
    /// Sign a rotation from a trusted key to a new one; prints it
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate {
        /// The private key that is trusted now; `-` reads standard input
        #[arg(long, value_name = "FILE.key")]
        key: PathBuf,
        /// The public key to trust next
        #[arg(long, value_name = "FILE.pub")]
        to: PathBuf,
    },
}

const ROTATE_EXAMPLES: &str = "\
Nodes keep the keys that they joined with. They trust a new one only if a key
that they trust signed the rotation to it.

Example:
  lictor key rotate --key vendor.key --to new.pub > rotation.json
  lictor trust add new.pub --rotation rotation.json";

/// Runs it.
pub(crate) fn run(command: &Key, json: bool) -> Outcome {
    match command {
        Key::Generate { out } => generate(out, json),
        Key::Rotate { key, to } => rotate(key, to),
    }
}

fn rotate(key: &Path, to: &Path) -> Outcome {
    let pem = files::read_secret(key)?;
    let from = SigningKey::from_pem(&pem)
        .map_err(|error| Failure::Usage(format!("{}: {error}", files::shown(key))))?;
    let rotation = rotation::rotate(&from, &server::read_public_key(to)?);
    let text = serde_json::to_string(&rotation);
    output::json(&text.map_err(|error| Failure::Refused(error.to_string()))?)
}

/// Prints the private key, and after it the public one.
fn print(json: bool) -> Outcome {
    let seed = random::bytes().map_err(exit::no_randomness)?;
    let key = SigningKey::from_seed(seed);
    let (private, public) = (
        key.to_pem().map_err(Failure::Refused)?,
        key.public_key().to_pem(),
    );
    if json {
        let id = key.public_key().id();
        let made = json!({ "key_id": id, "private_key": private, "public_key": public });
        return output::json(&made.to_string());
    }
    output::raw(format!("{private}{public}").as_bytes())
}

fn generate(out: &Path, json: bool) -> Outcome {
    if files::is_standard(out) {
        return print(json);
    }
    let (private, public) = (
        out.with_added_extension("key"),
        out.with_added_extension("pub"),
    );
    if public.exists() {
        return Err(files::taken(&public));
    }
    let seed = random::bytes().map_err(exit::no_randomness)?;
    let key = SigningKey::from_seed(seed);
    files::create(&private, &key.to_pem().map_err(Failure::Refused)?, 0o600)?;
    files::create(&public, &key.public_key().to_pem(), 0o644)?;
    let id = key.public_key().id();
    let (private, public) = (private.display().to_string(), public.display().to_string());
    if json {
        let made = json!({ "key_id": id, "private_key": private, "public_key": public });
        output::json(&made.to_string())?;
    } else {
        output::line(&id.to_string())?;
    }
    output::note(&format!(
        "{private} signs licenses: keep it secret, and keep a copy.\n\
         {public} is for everyone who checks them. Next:\n  \
         lictor license issue --key {private} --customer 'Acme Ltd' \\\n    \
         --product 'Gateway' --seats 10 --expires 2099-12-31 > license.json\n  \
         lictor serve --data ./data --trust {public} \\\n    \
         --admin-token-file ./operator.token\n\
         A server that runs already takes it with `lictor trust add {public}`."
    ));
    Ok(())
}
