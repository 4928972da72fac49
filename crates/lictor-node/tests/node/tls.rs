//! A control plane behind TLS, with a certificate authority of its own, that wants certificates.

use std::sync::Arc;

use lictor_node::{Node, StartError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::control_plane::ControlPlane;
use crate::setting::{clock, options, until};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

/// A certificate for this machine and its key.
fn certificate(authority: &Authority) -> (rcgen::Certificate, KeyPair) {
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("parameters");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    (certificate, key)
}

fn acceptor(authority: &Authority) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("a root");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let (certificate, key) = certificate(authority);
    let key = key.serialize_der().try_into().expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_single_cert(vec![certificate.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.expect("a configuration")))
}

#[tokio::test]
async fn a_node_shows_its_certificate_and_asks_for_one_it_can_verify() {
    let authority = authority();
    let control_plane = ControlPlane::start_with(Some(acceptor(&authority))).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = certificate(&authority);
    let identity = format!("{}{}", certificate.pem(), key.serialize_pem());
    for (ca, own) in [(false, true), (true, false)] {
        let mut options = options(&control_plane, folder.path(), &clock());
        options.ca = ca.then(|| authority.pem());
        options.identity = own.then(|| identity.clone());
        let refused = Node::start(options).await;
        let refused = refused.err().expect("it does not start");
        // A bare machine has no certificates at all, so that not even a client can be made.
        let expected = matches!(
            refused,
            StartError::Unreachable { .. } | StartError::Certificates(_)
        );
        assert!(expected, "{refused}");
    }
    let mut options = options(&control_plane, folder.path(), &clock());
    options.ca = Some(authority.pem());
    options.identity = Some(identity);
    let node = Node::start(options).await.expect("it joins");
    until("it is connected", || node.status().connected).await;
    assert_eq!(node.meter(None).check(), Ok(()));
}
