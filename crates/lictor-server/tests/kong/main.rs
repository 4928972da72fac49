//! The Kong dialect over real HTTP, in tables: what each request answers. Nothing here looks behind
//! the answers; how the server is started is in `harness` alone.

mod access;
mod bodies;
mod client;
mod documents;
mod entity;
mod expect;
mod harness;
mod headers;
mod pages;
mod report;
mod routes;
mod schema;
