//! Signatures that only a strict verifier refuses. Whoever holds the private key can make them, so
//! that two verifiers could be made to disagree on one document.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest as _, Sha512};

use crate::keys::{Key, PURPOSE};

/// The order of the base point, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The identity written as y = p + 1.
const IDENTITY_NOT_CANONICAL: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xee;
    bytes[31] = 0x7f;
    bytes
};

/// Each forgery by name, as the signature's hex digits.
pub(crate) fn of(key: Key, payload: &str) -> Vec<(&'static str, String)> {
    let identity = EIGHT_TORSION[0].compress().to_bytes();
    let order_eight = EIGHT_TORSION[1];
    let nonce = Scalar::from(7_u64);
    let mixed: EdwardsPoint = ED25519_BASEPOINT_POINT * nonce + order_eight;
    vec![
        (
            "S is not reduced (S + L)",
            hex::encode(with_unreduced_s(key, payload)),
        ),
        (
            "R is the identity",
            hex::encode(solve(key, payload, identity, Scalar::ZERO)),
        ),
        (
            "R is the identity in a form that is not canonical",
            hex::encode(solve(key, payload, IDENTITY_NOT_CANONICAL, Scalar::ZERO)),
        ),
        (
            "R has small order",
            hex::encode(solve(
                key,
                payload,
                order_eight.compress().to_bytes(),
                Scalar::ZERO,
            )),
        ),
        (
            "R has a part of small order",
            hex::encode(solve(key, payload, mixed.compress().to_bytes(), nonce)),
        ),
    ]
}

/// S = nonce + H(R, A, M) a: what fits where R counts only up to its part of small order.
fn solve(key: Key, payload: &str, r: [u8; 32], nonce: Scalar) -> [u8; 64] {
    let digest = Sha512::new()
        .chain_update(r)
        .chain_update(key.public().as_bytes())
        .chain_update(PURPOSE)
        .chain_update(payload);
    let challenge = Scalar::from_bytes_mod_order_wide(&digest.finalize().into());
    let s = nonce + challenge * key.signing().to_scalar();
    join(r, s.to_bytes())
}

fn with_unreduced_s(key: Key, payload: &str) -> [u8; 64] {
    let signature = hex::decode(key.signature(payload)).expect("hex");
    let (r, s) = signature.split_at(32);
    let mut sum = [0; 32];
    let mut carry = 0;
    for (at, byte) in sum.iter_mut().enumerate() {
        let digit = u16::from(s[at]) + u16::from(ORDER[at]) + carry;
        *byte = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    join(r.try_into().expect("32 bytes"), sum)
}

fn join(r: [u8; 32], s: [u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(&s);
    signature
}

/// Public keys that are refused, as raw bytes.
pub(crate) fn bad_keys() -> Vec<(&'static str, [u8; 32])> {
    let not_canonical_strong = {
        // y = p + 3 is the point of y = 3, which has not small order.
        let mut bytes = [0xff; 32];
        bytes[0] = 0xf0;
        bytes[31] = 0x7f;
        bytes
    };
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let mut all: Vec<_> = [
        "the identity (order 1)",
        "a point of order 8",
        "a point of order 4",
        "another point of order 8",
        "a point of order 2",
        "a third point of order 8",
        "another point of order 4",
        "a fourth point of order 8",
    ]
    .into_iter()
    .zip(EIGHT_TORSION)
    .map(|(name, point)| (name, point.compress().to_bytes()))
    .collect();
    all.push((
        "the identity in a form that is not canonical",
        IDENTITY_NOT_CANONICAL,
    ));
    all.push((
        "a strong point in a form that is not canonical",
        not_canonical_strong,
    ));
    all.push(("not a point of the curve", no_point));
    all
}
