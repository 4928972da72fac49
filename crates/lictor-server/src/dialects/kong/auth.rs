//! Who asks: the token of a request, in Kong's header or ours. It knows no route and no resource's
//! rules.

use axum::http::HeaderMap;
use lictor_authority::SignedIn;
use lictor_core::Error;

use crate::http::call::bearer;
use crate::settings::Server;

/// The header of Kong's own that shows a token; it goes before `Authorization`.
pub const TOKEN: &str = "kong-admin-token";

/// Whoever the token belongs to that the request carries.
pub(super) async fn sign_in(server: &Server, headers: &HeaderMap) -> Result<SignedIn, Error> {
    let token = match headers.get(TOKEN) {
        Some(value) => value.to_str().ok(),
        None => bearer(headers),
    };
    server
        .authority
        .sign_in(token.ok_or(Error::Unauthenticated)?)
        .await
}
