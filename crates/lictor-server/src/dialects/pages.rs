//! What a page of licenses waits for before it is read, in each dialect that has them: its connection's
//! turn and, where it is long, memory and its organization's turn.

use axum::response::Response;
use lictor_authority::{Call, LIST_BYTES, is_long_page};
use lictor_core::Error;

use crate::holding;
use crate::http::answers::Reserved;
use crate::http::budget::{NO_ROOM, NoRoom, Owner};
use crate::settings::Server;
use crate::standing;

/// What a license takes in an answer, as far as one can tell before it is read, in bytes.
const LICENSE_BYTES: usize = 2 * 1024;

/// All that a page may now be read by.
pub(super) struct PageTurn {
    of_connection: Option<holding::Turn>,
    reserved: Option<Reserved>,
    _of_organization: Option<lictor_authority::Turn>,
}

impl PageTurn {
    /// Waits until a page of so many licenses may be read and made. Memory comes first, so that nothing
    /// waits for its turn that would then be thrown away.
    ///
    /// # Errors
    /// [`Error::Busy`] where there is no memory for it.
    pub(super) async fn take(server: &Server, call: &Call, rows: usize) -> Result<Self, Error> {
        let of_connection = standing::turn_to_read().await;
        let mut turn = Self {
            of_connection,
            reserved: None,
            _of_organization: None,
        };
        if is_long_page(rows) {
            let bytes = rows.saturating_mul(LICENSE_BYTES).min(LIST_BYTES);
            let owner = Owner::Organization(call.organization.id);
            // In boxes, so that the many requests for little stay small.
            let reserved = Box::pin(server.budgets.reserve(owner, bytes)).await;
            turn.reserved = Some(reserved.map_err(|NoRoom| Error::Busy(NO_ROOM))?);
            let organization = call.organization.id;
            let of_organization = Box::pin(server.authority.turn_for_long_page(organization));
            turn._of_organization = Some(of_organization.await?);
        }
        Ok(turn)
    }

    /// Lets the next page be read, and hands the rest to the answer, to be kept until that leaves.
    pub(super) fn end(self, answer: &mut Response) {
        if let Some(turn) = self.of_connection {
            answer.extensions_mut().insert(turn);
        }
        if let Some(reserved) = self.reserved {
            answer.extensions_mut().insert(reserved);
        }
    }
}
