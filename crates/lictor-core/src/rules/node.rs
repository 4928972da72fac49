//! Nodes: enrolling and joining, pools, reports, and what becomes of those that left.

mod enroll;
mod epochs;
mod pools;
mod removal;
mod reports;
mod settings;
mod starts;

pub use enroll::{NewNode, enroll, join, missing, revoke};
pub use epochs::{earlier, left_source, merged};
pub use pools::{NewPool, create_pool, forget, join_pool, leave, missing_pool, revoke_pool};
pub use removal::{Removal, remove, take_up};
pub use reports::{check_counts, is_without_room, merge, report, seen, usage_of};
pub use settings::{adopt, is_ahead, set_policy};
pub use starts::{StartDecision, begin, epochs_of};
