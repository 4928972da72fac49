//! Accounts, seats and leases of the real binary, as every dialect shows them: the native API, Zoho
//! CRM's and Jira's, and that they never disagree.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod access;
mod accounts;
mod agreement;
mod bad_ids;
mod bad_numbers;
mod bad_text;
mod clients;
mod ended;
mod harness;
mod jira;
mod jira_answers;
mod leases;
mod names;
mod oauth;
mod repeats;
mod seats;
mod slashes;
mod whole;
mod zoho;
mod zoho_answers;
mod zoho_basic;
mod zoho_oauth;
mod zoho_oauth_ends;
mod zoho_oauth_errors;
mod zoho_oauth_requests;
