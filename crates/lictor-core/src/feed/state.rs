//! The signed state: everything that a node decides by, in one document made for that node. What is verified is
//! what is parsed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::FORMAT;
use crate::digest::Digest;
use crate::document::error::DocumentError;
use crate::document::json::{self, Members};
use crate::document::keys::{KeyId, PublicKey, SigningKey};
use crate::document::rotation::Rotation;
use crate::document::trust::{KeyStatus, TrustPolicy};
use crate::feed::NodePolicy;
use crate::parse_error;
use crate::time::Timestamp;

/// The version of the envelope around the payload.
const VERSION: &str = "1";

/// The members of payload and content that this version understands. Only these may be listed as critical.
const UNDERSTOOD: [&str; 14] = [
    "format",
    "critical",
    "organization",
    "node",
    "state_revision",
    "issued_at",
    "expires_at",
    "revoked",
    "content",
    "application",
    "policy",
    "keys",
    "licenses",
    "node_policy",
];

/// Who a state is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Audience {
    /// The organization.
    pub organization: Uuid,
    /// The node.
    pub node: Uuid,
}

/// What a node decides by. The same revision always has the same content, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The application that the node serves.
    pub application: String,
    /// What is accepted as a license.
    pub policy: TrustPolicy,
    /// The installation's keys, including revoked ones.
    pub keys: Vec<DeliveredKey>,
    /// The application's licenses that can be in force now or later, the greatest (`updated_at`,
    /// revision) first.
    pub licenses: Vec<DeliveredLicense>,
    /// How long the node keeps working without news.
    pub node_policy: NodePolicy,
}

/// A trusted key, as it is sent to nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredKey {
    /// The key.
    pub public_key: PublicKey,
    /// How far the installation trusts it.
    pub status: KeyStatus,
    /// The rotation through which nodes that trust an earlier key trust this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
}

/// A license, as it is sent to nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredLicense {
    /// Its id.
    pub id: Uuid,
    /// The document, byte for byte as it was given.
    pub payload: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was written.
    pub updated_at: Timestamp,
    /// The ledger position of its last write.
    pub revision: u64,
}

impl Content {
    /// The content as text.
    ///
    /// # Errors
    /// It cannot be serialized.
    pub fn to_text(&self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(self)
    }
}

/// What is signed for one node beside the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateTerms {
    /// Who it is for.
    pub audience: Audience,
    /// Its revision.
    pub revision: u64,
    /// When it is signed.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Whether the node is revoked and must deny all requests.
    pub revoked: bool,
}

#[derive(Serialize, Deserialize)]
struct Payload<'a> {
    format: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    critical: Vec<String>,
    organization: Uuid,
    node: Uuid,
    state_revision: u64,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default)]
    revoked: bool,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// The members that are read first, whatever the format.
#[derive(Deserialize)]
struct FormatHeader {
    format: u32,
    #[serde(default)]
    critical: Vec<String>,
}

/// Signs a content for one node. Returns the whole document, in one line.
///
/// # Errors
/// It cannot be serialized.
pub fn sign(
    key: &SigningKey,
    terms: &StateTerms,
    content: &RawValue,
) -> Result<String, serde_json::Error> {
    let payload = serde_json::to_string(&Payload {
        format: FORMAT,
        critical: Vec::new(),
        organization: terms.audience.organization,
        node: terms.audience.node,
        state_revision: terms.revision,
        issued_at: terms.issued_at,
        expires_at: terms.expires_at,
        revoked: terms.revoked,
        content,
    })?;
    Ok(sign_payload(key, &payload))
}

/// Signs the payload of a state, whatever its format. Returns the whole document.
pub fn sign_payload(key: &SigningKey, payload: &str) -> String {
    key.sign_state(payload)
}

/// Why a node refuses a state, in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It is incomplete, or not a state at all.
    #[error("the state cannot be read: {0}")]
    Unreadable(String),
    /// Another key signed it.
    #[error("the state is signed by key {0}, not by the control plane that this node joined")]
    OtherKey(KeyId),
    /// It was changed after it was signed.
    #[error("the state's signature does not fit: it was changed after signing")]
    BadSignature,
    /// This version does not know its format.
    #[error("the state has format {0}, which this version does not know; update the node")]
    UnsupportedFormat(u32),
    /// It has a critical member that this version does not understand.
    #[error("the state needs {0:?} to be understood, which this version does not; update the node")]
    MustUnderstand(String),
    /// It is for another node or organization.
    #[error("the state is for another node or organization")]
    OtherAudience,
    /// It had expired before it arrived.
    #[error("the state had expired before it came")]
    Expired,
    /// A newer one was accepted already.
    #[error("the state has revision {received}, older than {held}, which this node holds")]
    Older {
        /// The revision that was accepted last.
        held: u64,
        /// The revision that arrived.
        received: u64,
    },
    /// The same revision has another content.
    #[error("revision {0} came with another content than this node holds")]
    OtherContent(u64),
    /// It is not newer than the accepted one.
    #[error("the state of revision {0} is not newer than the one that this node holds")]
    Repeated(u64),
}

impl StateError {
    /// The word for it, for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::OtherKey(_) => "other_key",
            Self::BadSignature => "bad_signature",
            Self::UnsupportedFormat(_) => "unsupported_format",
            Self::MustUnderstand(_) => "must_understand",
            Self::OtherAudience => "other_audience",
            Self::Expired => "expired",
            Self::Older { .. } => "older",
            Self::OtherContent(_) => "other_content",
            Self::Repeated(_) => "repeated",
        }
    }

    /// Whether this node knows a newer state than the control plane, for example after the control plane was
    /// restored from a backup.
    pub fn is_ahead(&self) -> bool {
        matches!(self, Self::Older { .. } | Self::OtherContent(_))
    }
}

/// A state that a node's own control plane signed for it.
#[derive(Debug)]
pub struct StateDocument<'a> {
    key_id: KeyId,
    payload: Payload<'a>,
    content: Content,
}

impl std::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload")
            .field("state_revision", &self.state_revision)
            .finish_non_exhaustive()
    }
}

impl<'a> StateDocument<'a> {
    /// Parses a state and verifies its signature, format and audience, in this order. It does not check whether
    /// the state is newer, see [`Ratchet::check`](super::Ratchet::check), or whether it has expired, see
    /// [`StateDocument::check_expiry`].
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify(
        text: &'a str,
        control_plane: &PublicKey,
        audience: Audience,
    ) -> Result<Self, StateError> {
        let (raw, signature, key_id) = envelope(text).map_err(unreadable)?;
        if key_id != control_plane.id() {
            return Err(StateError::OtherKey(key_id));
        }
        if !control_plane.signed_state(raw.get(), &signature) {
            return Err(StateError::BadSignature);
        }
        let header: FormatHeader = read(raw.get())?;
        if header.format != FORMAT {
            return Err(StateError::UnsupportedFormat(header.format));
        }
        let unknown = |name: &String| !UNDERSTOOD.contains(&name.as_str());
        if let Some(name) = header.critical.into_iter().find(unknown) {
            return Err(StateError::MustUnderstand(name));
        }
        let payload: Payload<'a> = read(raw.get())?;
        if (payload.organization, payload.node) != (audience.organization, audience.node) {
            return Err(StateError::OtherAudience);
        }
        let content = read(payload.content.get())?;
        Ok(Self {
            key_id,
            payload,
            content,
        })
    }

    /// Refuses a state that had expired by `now`.
    ///
    /// # Errors
    /// [`StateError::Expired`].
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), StateError> {
        if self.payload.expires_at <= now {
            return Err(StateError::Expired);
        }
        Ok(())
    }

    /// The key that signed it.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Its revision.
    pub fn revision(&self) -> u64 {
        self.payload.state_revision
    }

    /// When it was signed.
    pub fn issued_at(&self) -> Timestamp {
        self.payload.issued_at
    }

    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.payload.expires_at
    }

    /// Whether the node was revoked.
    pub fn is_revoked(&self) -> bool {
        self.payload.revoked
    }

    /// The SHA-256 of the content's exact text.
    pub fn content_sha256(&self) -> Digest {
        Digest::of(self.payload.content.get().as_bytes())
    }

    /// Its content.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

fn unreadable(error: DocumentError) -> StateError {
    StateError::Unreadable(match error {
        DocumentError::NotJson(reason) | DocumentError::WrongShape(reason) => reason,
        other => other.to_string(),
    })
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, StateError> {
    serde_json::from_str(text)
        .map_err(|error| StateError::Unreadable(parse_error::of_json(text, &error)))
}

/// The payload's exact text, the signature, and the id of the key that claims to have signed it.
fn envelope(text: &str) -> Result<(&RawValue, String, KeyId), DocumentError> {
    let whole: &RawValue = serde_json::from_str(text)
        .map_err(|error| DocumentError::NotJson(parse_error::of_json(text, &error)))?;
    let mut outer = json::members(whole, "the document")?;
    let state = required(&mut outer, "state")?;
    let mut inner = json::members(state, "`state`")?;
    let payload = required(&mut inner, "payload")?;
    let signature = json::text(required(&mut inner, "signature")?, "`signature`")?;
    let key_id = json::text(required(&mut inner, "key_id")?, "`key_id`")?;
    let version = json::text(required(&mut inner, "version")?, "`version`")?;
    let wrong = |reason: &str| DocumentError::WrongShape(reason.to_owned());
    if version != VERSION {
        return Err(wrong("`version` is not \"1\""));
    }
    if !outer.0.is_empty() || !inner.0.is_empty() {
        return Err(wrong("it has an unknown member"));
    }
    let key_id =
        KeyId::parse(&key_id).ok_or_else(|| wrong("`key_id` is not 16 lower-case hex digits"))?;
    Ok((payload, signature, key_id))
}

fn required<'a>(members: &mut Members<'a>, name: &str) -> Result<&'a RawValue, DocumentError> {
    members
        .take(name)
        .ok_or_else(|| DocumentError::WrongShape(format!("no member `{name}`")))
}
