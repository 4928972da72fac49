//! What a server under test is set up with: a vendor key and signed documents, made by the command line of Lictor.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::server::Server;

/// A key pair in a folder, and the binary that made it.
pub struct Installation {
    /// The server under test.
    pub binary: PathBuf,
    /// Where `vendor.key` and `vendor.pub` are.
    pub folder: PathBuf,
}

impl Installation {
    /// Makes the key pair `vendor.key` and `vendor.pub` in `folder`.
    ///
    /// # Errors
    /// The command fails.
    pub fn create(binary: &Path, folder: &Path) -> Result<Self> {
        let made = Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
        };
        let key = made.path("vendor");
        made.lictor(&["key", "generate", "--out", &key])?;
        Ok(made)
    }

    /// The same key with another build of the server.
    pub fn with_binary(&self, binary: PathBuf) -> Self {
        Self {
            binary,
            folder: self.folder.clone(),
        }
    }

    /// Starts a server on `data` that trusts the key.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn serve(&self, data: &Path, environment: &[(&str, &str)]) -> Result<Server> {
        let trust = self.folder.join("vendor.pub");
        Server::start(&self.binary, data, &trust, environment)
    }

    /// A signed document, as `license issue` prints it.
    ///
    /// # Errors
    /// The command fails.
    pub fn issue(&self, customer: &str, created: &str, expires: &str) -> Result<String> {
        self.issue_seats("Gateway", 25, customer, created, expires)
    }

    /// The same for any product, with so many seats.
    ///
    /// # Errors
    /// The command fails.
    pub fn issue_seats(
        &self,
        product: &str,
        seats: u32,
        customer: &str,
        created: &str,
        expires: &str,
    ) -> Result<String> {
        let (key, seats) = (self.path("vendor.key"), seats.to_string());
        let arguments = [
            "license",
            "issue",
            "--key",
            &key,
            "--customer",
            customer,
            "--product",
            product,
            "--seats",
            &seats,
            "--created",
            created,
            "--expires",
            expires,
        ];
        self.lictor(&arguments)
    }

    /// Runs one command to its end and returns what it printed.
    ///
    /// # Errors
    /// It fails. The error contains its output.
    pub fn lictor(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let output = command
            .output()
            .with_context(|| self.binary.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let what = arguments.join(" ");
        ensure!(
            output.status.success(),
            "lictor {what} ended with {}: {said}",
            output.status
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}
