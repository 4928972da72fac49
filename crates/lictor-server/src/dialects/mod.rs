//! The dialects: each translates one wire format to calls of the authority and back, and does
//! nothing else.

pub mod jira;
pub mod kong;
pub mod native;
pub mod node;
mod pages;
mod patterns;
pub mod zoho;
