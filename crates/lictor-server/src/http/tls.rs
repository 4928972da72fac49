//! The server's certificate and key, from files to a TLS configuration; no socket.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// The certificate's or the key's file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than its owner may read or write the key.
    #[error("{} may be read or written by others than its owner: run `chmod 600 {}`", file.display(), file.display())]
    KeyOpenToOthers {
        /// The key's file.
        file: PathBuf,
    },
    /// The file is not PEM, or is cut short.
    #[error("{} is not valid PEM: {reason}; copy the file again", file.display())]
    NotPem {
        /// The certificate's or the key's file.
        file: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// There is no certificate in the certificate's file.
    #[error("{} holds no certificate: give the chain in PEM, the server's own certificate first", file.display())]
    NoCertificate {
        /// The certificate's file.
        file: PathBuf,
    },
    /// The certificates cannot be used to verify clients.
    #[error(
        "{} cannot verify clients: a certificate in it is damaged or cannot sign others; give those \
         of the authority", file.display()
    )]
    UnfitAuthority {
        /// The certificates' file.
        file: PathBuf,
    },
    /// There is no usable key in the key's file.
    #[error("{} holds no private key: give it in PEM and not encrypted", file.display())]
    NoKey {
        /// The key's file.
        file: PathBuf,
    },
    /// The two do not fit each other, or the key is of a kind that TLS here does not know.
    #[error("{} and {} cannot be used together: {reason}", certificate.display(), key.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Reads a certificate chain and its private key, both in PEM, and configures TLS 1.2 and 1.3 with
/// HTTP/2 and HTTP/1.1 over them. With `client_ca`, certificates in PEM, clients may show one that
/// these signed; those that show another, and only those, are turned away.
///
/// # Errors
///
/// One [`TlsError`] per thing that can be wrong; its text names the file and says what to do.
pub fn load(
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = read_chain(certificate)?;
    let key_der = read_key(key)?;
    let mismatch = |error: rustls::Error| TlsError::Mismatch {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason: misfit(&error),
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(mismatch)?;
    let builder = match client_ca {
        Some(file) => builder.with_client_cert_verifier(client_verifier(file)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key_der).map_err(mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unfit = || TlsError::UnfitAuthority {
        file: file.to_owned(),
    };
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(file)? {
        roots.add(certificate).map_err(|_| unfit())?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        // Only nodes need one.
        .allow_unauthenticated()
        .build()
        .map_err(|_| unfit())
}

fn misfit(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            "the key belongs to another certificate; give this certificate's own"
        }
        rustls::Error::InvalidCertificate(_) => {
            "the first certificate is damaged, or of a kind that TLS here does not know"
        }
        _ => {
            "the key is damaged, or of a kind that TLS here does not know; use RSA, ECDSA or Ed25519"
        }
    }
}

fn not_pem(file: &Path, error: &pem::Error) -> TlsError {
    TlsError::NotPem {
        file: file.to_owned(),
        reason: match error {
            pem::Error::MissingSectionEnd { .. } => "it is cut short, the line -----END is missing",
            pem::Error::IllegalSectionStart { .. } => "a line -----BEGIN is damaged",
            _ => "the text between -----BEGIN and -----END is damaged",
        },
    }
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = open(file).and_then(|opened| read(file, opened))?;
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| not_pem(file, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate {
            file: file.to_owned(),
        });
    }
    Ok(chain)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let opened = open(file)?;
    // The opened file is asked, not its name: the two could differ by now.
    let metadata = opened
        .metadata()
        .map_err(|source| unreadable(file, source))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(TlsError::KeyOpenToOthers {
            file: file.to_owned(),
        });
    }
    let text = read(file, opened)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey {
            file: file.to_owned(),
        },
        error => not_pem(file, &error),
    })
}

fn open(file: &Path) -> Result<File, TlsError> {
    File::open(file).map_err(|source| unreadable(file, source))
}

fn read(file: &Path, mut opened: File) -> Result<Vec<u8>, TlsError> {
    let mut text = Vec::new();
    opened
        .read_to_end(&mut text)
        .map_err(|source| unreadable(file, source))?;
    Ok(text)
}

fn unreadable(file: &Path, source: io::Error) -> TlsError {
    TlsError::Unreadable {
        file: file.to_owned(),
        source,
    }
}
