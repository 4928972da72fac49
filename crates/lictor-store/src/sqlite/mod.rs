//! SQLite, the embedded default.
