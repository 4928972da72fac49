//! How bytes on a socket become requests, and what is refused before any route sees it; no route, no dialect and no decision about licenses.
//!
//! A connection passes through these files in this order:
//!
//! 1. `accept` takes it from the listener, within the caps; those per address are counted in `addresses`, and who gives
//!    up a place is found in `connection_slots`.
//! 2. `tls` shakes hands, when the server has a certificate.
//! 3. `stream` shows every byte read to `framing`, which follows where each request ends, and over HTTP/2 to `frames`.
//! 4. `connection` hands the bytes to hyper, closes what `deadlines` finds silent, slow or idle, and refuses what
//!    `framing` found ambiguous; every other request goes to the router.
//! 5. `body` bounds how long a request's body may take; how large it may be is each dialect's, which has `intake` read
//!    it. For what is read, memory is held from what `budget` has.
//! 6. `answers` does the same for what is answered, until the peer has taken it, and cuts it into pieces.
//!
//! What these tell each other of one connection is its `connection_state`. Bytes of answers over HTTP/2 are counted in `outgoing`;
//! who takes them, or those on a socket, too slowly is for `pace` to say, to `deadlines` of a connection and to `streams` of each one.
//!
//! Who is at the other end is a `peer`; the client behind a proxy is found in `forwarded`. Ids for answers that carry one are made in `request_id`; connections are counted in `traffic`, requests in `metrics`; how often who may ask is in `rates`, and who goes first on the runtime in `fairness`. The figures are all in `limits`, the answers to refused requests all in `refusal`, and the status of each class of errors in `status`; what a client has already is for `if_none_match` to say.

pub mod accept;
mod addresses;
mod anonymous_turns;
pub mod answers;
pub mod body;
pub mod budget;
pub mod call;
mod connection;
mod connection_slots;
mod connection_state;
mod deadlines;
mod fairness;
pub mod forwarded;
mod frames;
mod framing;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
#[cfg(test)]
mod http2_test_client;
pub(crate) mod if_none_match;
pub mod intake;
pub mod limits;
mod merge_slashes;
pub mod metrics;
pub mod multipart;
mod outgoing;
mod pace;
pub mod peer;
mod rates;
mod refusal;
pub mod request_id;
pub mod router;
mod shares;
pub(crate) mod status;
mod stream;
mod streams;
pub mod tls;
pub mod traffic;
#[cfg(test)]
mod unread_answers;
