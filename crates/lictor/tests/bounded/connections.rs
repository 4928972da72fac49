//! Connections: who gets a place when there are few, and whose address counts behind a proxy.

use std::net::TcpStream;

use crate::harness::{Bounded as _, Server};

#[test]
fn idle_connections_at_the_limit_of_files_keep_nobody_out_and_nobody_who_signed_in_loses_a_place() {
    // 128 of them are for connections.
    let server = Server::with_files(256, &[]);
    let host = server.url.strip_prefix("http://").expect("plain HTTP");
    let mut kept = server.keep_asking("/v1/applications");
    assert_eq!(kept.ask(), 200);
    let idle: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(host).expect("a place in the queue"))
        .collect();
    for _ in 0..20 {
        let served = server.call("GET", "/v1/applications").send();
        assert_eq!(served.status, 200);
    }
    assert_eq!(kept.ask(), 200);
    drop(idle);
}

#[test]
fn a_client_is_who_the_trusted_proxy_says_and_not_who_it_says_itself() {
    for (options, told_apart) in [
        (&["--trusted-proxy", "127.0.0.0/8"][..], true),
        (&["--trusted-proxy", "10.0.0.0/8,192.0.2.1"][..], false),
        (&[][..], false),
    ] {
        let server = Server::with(options);
        let denied = |client: &str| {
            let form = "grant_type=client_credentials&client_id=x&client_secret=wrong";
            let call = server.anonymous("POST", "/oauth/v2/token");
            let call = call.header("X-Forwarded-For", &format!("6.6.6.6, {client}"));
            let call = call.body("application/x-www-form-urlencoded", form);
            call.send().text().contains("too many requests")
        };
        let tries = (0..12)
            .map(|_| denied("203.0.113.7"))
            .filter(|denied| *denied);
        assert_eq!(tries.count(), 2, "{options:?}");
        assert_eq!(denied("203.0.113.8"), !told_apart, "{options:?}");
    }
}

#[test]
fn options_for_connections_that_make_no_sense_are_refused() {
    for (options, said) in [
        (["--connections-per-address", "0"], "use 1 or more"),
        (["--trusted-proxy", "0.0.0.0/0"], "is every address"),
        (["--trusted-proxy", "proxy.example"], "10.0.0.0/8"),
    ] {
        let refused = Server::refused(&options);
        assert!(refused.contains(said), "{options:?}: {refused}");
    }
}
