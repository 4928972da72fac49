//! The configuration of long-running processes: flags, then the environment, then a configuration file.

mod connections;
mod memory;
mod node;
mod rate;
mod serve;

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use lictor_core::parse_error;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::exit::{Failure, Outcome};
use crate::{files, misplaced_secrets};

pub(crate) use node::{Durability, NodeOptions};
pub(crate) use serve::ServeOptions;

/// The forms of the log: a line of text for each event, or a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What the command line and the environment say of the options of type `T`, of which one is
/// `config`, the file with the rest.
#[derive(Debug)]
pub(crate) struct Configured<T>(ArgMatches, PhantomData<T>);

impl<T: Args + Default + DeserializeOwned> Configured<T> {
    /// The options of the configuration file, with what is given put over them.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the line of the file.
    pub(crate) fn with_file(&self) -> Outcome<T> {
        let mut options: T = match self.0.get_one::<PathBuf>("config") {
            Some(path) => read(path)?,
            None => T::default(),
        };
        options
            .update_from_arg_matches(&self.0)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(options)
    }
}

impl<T> FromArgMatches for Configured<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.clone_from(matches);
        Ok(())
    }
}

impl<T: Args> Args for Configured<T> {
    fn augment_args(command: Command) -> Command {
        // Their names follow from the flags, as the help says once for all.
        T::augment_args(command).mut_args(|option| option.hide_env(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Outcome<T> {
    let text = files::read_text(path)?;
    let wrong = |at: usize, why: &str| {
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        Failure::Usage(format!("{}, line {line}: {why}", path.display()))
    };
    let table = toml::from_str::<toml::Table>(&text);
    let parsed = toml::from_str::<T>(&text);
    let at_fault = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    // A name that is none of ours is the fault that was found.
    let unknown = parsed.as_ref().err().map_or(0, at_fault);
    for (name, value) in table.iter().flatten() {
        misplaced_secrets::check_member(None, name).map_err(|why| wrong(unknown, &why))?;
        let many = value.as_array().into_iter().flatten();
        for part in many.chain([value]).filter_map(toml::Value::as_str) {
            let at = text.find(name).unwrap_or_default();
            misplaced_secrets::check_member(Some(name), part).map_err(|why| wrong(at, &why))?;
        }
    }
    table.map_err(|error| wrong(at_fault(&error), no_toml(&error)))?;
    parsed.map_err(|error| {
        let said = error.message();
        let why = parse_error::of_reader(said).unwrap_or_else(|| said.to_owned());
        wrong(at_fault(&error), &why)
    })
}

/// Why a text is no TOML at all.
fn no_toml(error: &toml::de::Error) -> &'static str {
    match error.message().contains("duplicate") {
        true => "a duplicate: this key appears before",
        false => {
            "this is not TOML: write KEY = VALUE, with text in quotes, as in listen = \
             \"127.0.0.1:8001\", and lists in brackets"
        }
    }
}

/// Reads a path that has to be a file's or a folder's.
fn named_path<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(value)?;
    files::named(path).map(Some).map_err(D::Error::custom)
}
