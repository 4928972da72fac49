//! Joining: the node signs in with its enrollment token, and pins the keys that it gets.

use std::sync::Arc;

use lictor_core::PublicKey;
use lictor_core::digest::Digest;
use lictor_core::feed::{
    Audience, EnrollmentToken, FORMAT, Failure, FailureCode, Join, Joined, PinnedKeys, Ratchet,
    StateDocument,
};
use lictor_core::secret::masked;

use crate::client::{Client, RequestError};
use crate::error::StartError;
use crate::folder::Folder;
use crate::identity::{Identity, NodeFile};
use crate::options::Options;
use crate::persistence::{RatchetFile, write_state};
use crate::rejoin::Rejoin;
use crate::trusted_time::SavedTime;
use crate::{planted, random};

/// The identity of the folder's node, which joins if it has not yet, the client that it signs in with,
/// and how it takes a place of its pool again.
///
/// # Errors
/// It cannot join, or the folder's node is not the one that was asked for.
pub(crate) async fn identity(
    options: &Options,
    folder: &Arc<Folder>,
) -> Result<(Identity, Client, Option<Rejoin>), StartError> {
    let stored = NodeFile::read(folder)?;
    let mut file = match (stored, &options.enroll) {
        (Some(file), _) => file,
        (None, Some(_)) => pending(options, folder)?,
        (None, None) => return Err(StartError::NotJoined(folder.path().to_owned())),
    };
    let client = Client::new(options, &file.credential)?;
    let of_pool = options.enroll.clone().filter(EnrollmentToken::is_of_pool);
    let rejoin = of_pool.map(|token| {
        let join = request(&file.credential, &options.host, &options.version);
        Rejoin::new(token, join)
    });
    let identity = match (file.joined.take(), &options.enroll) {
        (Some(identity), Some(token)) if token.pin() != identity.control_plane_key.sha256() => {
            return Err(StartError::OtherControlPlane);
        }
        (Some(identity), Some(token)) => {
            note_other_token(folder, &file, token, &identity)?;
            identity
        }
        (Some(identity), None) => identity,
        (None, Some(token)) => join(options, folder, &client, token, file).await?,
        (None, None) => return Err(StartError::NotJoined(folder.path().to_owned())),
    };
    match &options.application {
        Some(asked) if *asked != identity.application => Err(StartError::OtherApplication {
            joined: identity.application,
            asked: asked.clone(),
        }),
        _ => Ok((identity, client, rejoin)),
    }
}

/// A token that the folder's node did not join with was meant for another node. One that decides goes
/// on, as a product waits for it; one that was revoked never will.
fn note_other_token(
    folder: &Folder,
    file: &NodeFile,
    token: &EnrollmentToken,
    identity: &Identity,
) -> Result<(), StartError> {
    if file.token_sha256.is_none_or(|it| it == token.sha256()) {
        return Ok(());
    }
    if RatchetFile::read(folder).is_some_and(|stored| stored.revoked) {
        return Err(StartError::Revoked(identity.name.clone()));
    }
    let node = &identity.name;
    tracing::warn!(%node, "the enrollment token was not used: this folder is a node already");
    Ok(())
}

/// A new credential, written before it is used: a try whose answer is lost is repeated with it.
fn pending(options: &Options, folder: &Folder) -> Result<NodeFile, StartError> {
    let credential = random::credential()?;
    let file = NodeFile {
        control_plane: masked(&options.control_plane).into_owned(),
        credential,
        token_sha256: None,
        joined: None,
    };
    // An address that is none is refused before anything is written.
    Client::new(options, &file.credential)?;
    file.write(folder)?;
    planted::point("node-credential-written");
    Ok(file)
}

/// What a node asks to join with.
pub(crate) fn request(credential: &str, host: &str, version: &str) -> Join {
    Join {
        credential_sha256: Digest::of(credential.as_bytes()),
        host: host.to_owned(),
        version: version.to_owned(),
        formats: vec![FORMAT],
        known: None,
    }
}

async fn join(
    options: &Options,
    folder: &Arc<Folder>,
    client: &Client,
    token: &EnrollmentToken,
    mut file: NodeFile,
) -> Result<Identity, StartError> {
    let join = request(&file.credential, &options.host, &options.version);
    let joined = match client.join(token.as_str(), &join).await {
        Ok(joined) => joined,
        Err(RequestError::Refused(failure)) if is_for_now(token, &failure) => {
            return Err(StartError::NoPlace(failure.message));
        }
        Err(RequestError::Refused(failure)) => return Err(StartError::Refused(failure.message)),
        Err(RequestError::Unreachable(reason)) => {
            return Err(StartError::Unreachable {
                address: masked(&options.control_plane).into_owned(),
                reason: client.with_proxy(&reason),
            });
        }
    };
    if joined.control_plane_key.sha256() != token.pin() {
        let address = masked(&options.control_plane).into_owned();
        return Err(StartError::WrongControlPlane(address));
    }
    planted::point("node-join-answered");
    let identity = first_state(folder, &joined, &options.trust)?;
    planted::point("node-first-state-written");
    file.token_sha256 = Some(token.sha256());
    file.joined = Some(identity.clone());
    file.write(folder)?;
    Ok(identity)
}

/// Whether a refusal may be over later: nodes of a pool come and go, and start many at a time.
fn is_for_now(token: &EnrollmentToken, failure: &Failure) -> bool {
    let for_now = matches!(
        failure.code,
        FailureCode::NoPlace | FailureCode::Unavailable
    );
    token.is_of_pool() && for_now
}

/// Verifies and stores the first state, and pins what is trusted from then on. What the state says is
/// signed, so that it counts where it says the same as the answer around it.
fn first_state(
    folder: &Folder,
    joined: &Joined,
    trust: &[PublicKey],
) -> Result<Identity, StartError> {
    let audience = Audience {
        organization: joined.organization,
        node: joined.node,
    };
    let document = StateDocument::verify(&joined.state, &joined.control_plane_key, audience)?;
    let content = document.content();
    let keys = if trust.is_empty() {
        PinnedKeys::from_delivered(&content.keys)
    } else {
        PinnedKeys::from_keys(trust.iter().cloned()).advanced_by(&content.keys)
    };
    let mut first = RatchetFile {
        ratchet: Some(Ratchet::of(&document)),
        current: Some(Digest::of(joined.state.as_bytes())),
        previous: None,
        pinned: keys.clone(),
        time: SavedTime {
            signed: document.issued_at().saturating_mul(1_000),
            ..SavedTime::default()
        },
        revoked: document.is_revoked(),
    };
    let before = RatchetFile {
        current: None,
        ..first.clone()
    };
    write_state(folder, &before, &mut first, &joined.state).map_err(|error| {
        StartError::Folder {
            path: folder.path().to_owned(),
            error,
        }
    })?;
    Ok(Identity {
        node: joined.node,
        name: joined.name.clone(),
        organization: joined.organization,
        application: content.application.clone(),
        pool: joined.pool.clone(),
        control_plane_key: joined.control_plane_key.clone(),
        policy: content.policy,
        keys,
    })
}
