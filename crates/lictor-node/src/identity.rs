//! The identity of a node: what it received when it joined, and the secret that it generated.

use lictor_core::digest::Digest;
use lictor_core::feed::{Audience, PinnedKeys};
use lictor_core::{PublicKey, TrustPolicy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::checksum;
use crate::error::StartError;
use crate::folder::{Folder, NODE};

/// The content of `node.json`. It has no `Debug`, because it contains the credential.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct NodeFile {
    /// The address that it joined at.
    pub control_plane: String,
    /// The secret that it signs in with; written before it is first used.
    pub credential: String,
    /// The SHA-256 of the enrollment token that it joined with.
    #[serde(default)]
    pub token_sha256: Option<Digest>,
    /// What it received when it joined. `None` if it has not joined yet.
    pub joined: Option<Identity>,
}

/// What a node received when it joined.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its id.
    pub node: Uuid,
    /// Its name.
    pub name: String,
    /// Its organization.
    pub organization: Uuid,
    /// The application that it serves.
    pub application: String,
    /// The pool by whose token it joined.
    #[serde(default)]
    pub pool: Option<String>,
    /// The key that signs its states.
    pub control_plane_key: PublicKey,
    /// What was accepted as a license then.
    pub policy: TrustPolicy,
    /// The vendor keys that it trusted then.
    pub keys: PinnedKeys,
}

impl Identity {
    /// Who its states are for.
    pub(crate) fn audience(&self) -> Audience {
        Audience {
            organization: self.organization,
            node: self.node,
        }
    }
}

impl NodeFile {
    /// Reads it. `None` if the folder is new.
    ///
    /// # Errors
    /// It is damaged, or cannot be read.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>, StartError> {
        let bytes = folder.read(NODE).map_err(failed(folder))?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        match checksum::decode(&bytes) {
            Some(file) => Ok(Some(file)),
            None => Err(StartError::Damaged(folder.path().join(NODE))),
        }
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, folder: &Folder) -> Result<(), StartError> {
        let text = checksum::encode(self).map_err(|error| failed(folder)(error.into()))?;
        folder
            .replace(NODE, text.as_bytes())
            .map_err(failed(folder))?;
        Ok(())
    }
}

fn failed(folder: &Folder) -> impl Fn(std::io::Error) -> StartError {
    |error| StartError::Folder {
        path: folder.path().to_owned(),
        error,
    }
}
