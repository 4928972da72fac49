//! Check-outs over HTTP: requests that differ in little, and no more of the answers than is needed.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::TTL;

/// What all requests have in common.
#[derive(Clone)]
pub(crate) struct Requests {
    check_out: String,
    headers: String,
}

impl Requests {
    pub(crate) fn new(address: &str, application: &str, token: &str) -> Self {
        Self {
            check_out: format!("/v1/applications/{application}/leases"),
            headers: format!(
                "Host: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            ),
        }
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    requests: Requests,
    answer: Vec<u8>,
}

impl Client {
    pub(crate) fn new(stream: TcpStream, requests: Requests) -> Self {
        Self {
            stream,
            requests,
            answer: Vec::with_capacity(2_048),
        }
    }

    /// Returns the id and the fence of the lease.
    pub(crate) async fn check_out(&mut self, holder: &str) -> Result<(String, u64)> {
        let path = self.requests.check_out.clone();
        let body = format!(r#"{{"holder":"{holder}","ttl_seconds":{TTL}}}"#);
        let answer = self.post(&path, &body, "201").await?;
        let id = between(answer, r#""id":""#, '"')
            .context("no id")?
            .to_owned();
        let fence = between(answer, r#""fence":"#, ',').context("no fence")?;
        Ok((id, fence.parse()?))
    }

    pub(crate) async fn release(&mut self, id: &str, fence: u64) -> Result<()> {
        let path = format!("/v1/leases/{id}/release");
        let body = format!(r#"{{"fence":{fence}}}"#);
        self.post(&path, &body, "204").await?;
        Ok(())
    }

    async fn post(&mut self, path: &str, body: &str, status: &str) -> Result<&str> {
        let (headers, length) = (&self.requests.headers, body.len());
        let request =
            format!("POST {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        while !is_whole(&self.answer)? {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the server closed the connection");
        }
        let answer = str::from_utf8(&self.answer)?;
        ensure!(
            answer.split(' ').nth(1) == Some(status),
            "{path} was answered {answer}"
        );
        Ok(answer)
    }
}

/// Whether the answer has come to its end. The server says how long it is, unless it is empty.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let text = str::from_utf8(answer)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    let length = between(head, "content-length: ", '\r');
    Ok(body.len() >= length.map_or(Ok(0), str::parse)?)
}

/// What stands behind `begin` and before `end`, which may be missing.
fn between<'a>(text: &'a str, begin: &str, end: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split(end).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_length() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nx: y\r\n\r\n{}";
        assert!(is_whole(answer).unwrap());
        assert!(!is_whole(&answer[..answer.len() - 1]).unwrap());
        assert!(is_whole(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap());
        assert!(!is_whole(b"HTTP/1.1 204").unwrap());
    }

    #[test]
    fn members_are_found_in_the_text() {
        let text = r#"{"id":"a-b","fence":12,"x":1}"#;
        assert_eq!(between(text, r#""id":""#, '"'), Some("a-b"));
        assert_eq!(between(text, r#""fence":"#, ','), Some("12"));
        assert_eq!(between(text, r#""y":"#, ','), None);
    }
}
