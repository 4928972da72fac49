//! Accounts, seats and leases of the real binary, as every dialect shows them: the native API, Zoho
//! CRM's and Jira's, and that they never disagree.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

#[path = "../common/body.rs"]
mod body;
#[path = "../common/http.rs"]
mod http;
#[path = "../common/process.rs"]
mod process;

mod accounts;
mod agreement;
mod harness;
mod jira;
mod leases;
mod seats;
mod zoho;
