//! How `/oauth/v2` reads its requests: methods, paths, encodings, and bodies that are none.

use crate::harness::Server;
use crate::oauth::{Client, ENCODINGS, Encoding, member, token};

#[test]
fn methods_and_paths_that_are_none_fail_with_all_four_keys() {
    let server = Server::start();
    let method = r#"{"code":"INVALID_REQUEST_METHOD","details":{},"message":"The http request method type is not a valid one","status":"error"}"#;
    let path = r#"{"code":"INVALID_URL_PATTERN","details":{},"message":"Please check if the URL trying to access is a correct one","status":"error"}"#;
    for route in ["/oauth/v2/token", "/oauth/v2/token/revoke"] {
        for verb in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let answer = server.anonymous(verb, route).send();
            assert_eq!((answer.status, answer.text()), (400, method), "{answer:?}");
        }
        assert_eq!(server.anonymous("HEAD", route).send().status, 400);
    }
    for unknown in [
        "/oauth",
        "/oauth/",
        "/oauth/v2",
        "/oauth/v3/token",
        "/oauth/v2/token/revoke/x",
        "/oauth/v2/revoke/token",
        "/oauth/v2/auth",
        "/oauth/v2/introspect",
        "/oauth/v2/Token",
        "/oauth/v2/token%2Frevoke",
    ] {
        for verb in ["GET", "POST"] {
            let answer = server.anonymous(verb, unknown).send();
            assert_eq!((answer.status, answer.text()), (404, path), "{answer:?}");
        }
    }
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_advice() {
    let server = Server::start();
    let client = Client::plain(&server);
    let form = "application/x-www-form-urlencoded";
    let multipart = "multipart/form-data; boundary=x";
    let many = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(65);
    let nameless = "--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n";
    let latin = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--x--\r\n";
    for (media_type, body) in [
        (form, vec![b'a'; 64 * 1024 + 1]),
        (multipart, vec![b'a'; 64 * 1024 + 1]),
        (
            multipart,
            b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1".to_vec(),
        ),
        (multipart, b"nothing of the kind".to_vec()),
        (multipart, b"\0\xff--x".to_vec()),
        (multipart, format!("{many}--x--\r\n").into_bytes()),
        (multipart, nameless.as_bytes().to_vec()),
        (multipart, latin.to_vec()),
        ("multipart/form-data", b"--x--\r\n".to_vec()),
        ("multipart/form-data; boundary=", b"--x--\r\n".to_vec()),
        (
            "application/json",
            b"{\"grant_type\":\"refresh_token\"}".to_vec(),
        ),
        ("text/plain", b"grant_type=refresh_token".to_vec()),
        ("nonsense", b"x".to_vec()),
    ] {
        for (path, status) in [("/oauth/v2/token", 200), ("/oauth/v2/token/revoke", 400)] {
            let call = server.anonymous("POST", path);
            let answer = call.body(media_type, body.clone()).send();
            assert_eq!(answer.status, status, "{answer:?}");
            let value = answer.value();
            assert_eq!(
                value["error"], "invalid_request",
                "{media_type}: {answer:?}"
            );
            assert!(value["error_description"].is_string(), "{answer:?}");
        }
    }
    // What is readable and means nothing is refused by the word for what is missing.
    for body in [
        &b"%"[..],
        b"%zz=%",
        b"\xff=\xff",
        b"&&&",
        b"=",
        b"\0\0",
        b"client_id=%00",
    ] {
        let call = server.anonymous("POST", "/oauth/v2/token");
        let answer = call.body(form, body).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        let word = member(&answer, "error");
        assert!(word.starts_with("invalid_client"), "{word}");
    }
    client.access(&server);
}

#[test]
fn the_body_goes_before_the_query_and_the_last_of_two_counts() {
    let server = Server::start();
    let client = Client::plain(&server);
    let refresh = [("refresh_token", client.refresh_token.as_str())];
    let good = client.signed("refresh_token", &refresh);
    let form = token(&server, Encoding::Form, &good);
    let body = String::from_utf8(form.body).expect("text");
    let mixed = server.anonymous("POST", "/oauth/v2/token?client_secret=wrong&extra=1");
    let media_type = "Application/X-WWW-Form-Urlencoded;charset=UTF-8";
    let answer = mixed.clone().body(media_type, body.clone()).send();
    assert_eq!(answer.value()["expires_in"], 3_600, "{answer:?}");
    let untyped = mixed.bytes(body).send();
    assert_eq!(untyped.value()["expires_in"], 3_600, "{untyped:?}");
    let mut twice = vec![("client_secret", "wrong")];
    twice.extend(&good);
    for encoding in ENCODINGS {
        let answer = token(&server, encoding, &twice).send();
        assert_eq!(answer.value()["expires_in"], 3_600, "{answer:?}");
    }
}
