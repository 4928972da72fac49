//! Server-sent events, read piece by piece as they come.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; `message` where it has none.
    pub name: String,
    /// Its data, lines joined.
    pub data: String,
}

/// Reads events from the bytes of a stream, however they are cut.
pub(crate) struct Parser {
    most: usize,
    line: Vec<u8>,
    name: String,
    data: Option<String>,
    /// The last byte was a carriage return, to which a line feed may belong.
    returned: bool,
}

/// An event is longer than it may be, or no text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Parser {
    /// A parser of events with at most so many bytes of data.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            name: String::new(),
            data: None,
            returned: false,
        }
    }

    /// The events that are complete with these bytes.
    ///
    /// # Errors
    /// The stream cannot be read on.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, Unreadable> {
        let mut events = Vec::new();
        while let Some(first) = bytes.first() {
            if self.returned && *first == b'\n' {
                bytes = &bytes[1..];
                self.returned = false;
                continue;
            }
            self.returned = false;
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            // The name of the field comes on top.
            if self.line.len() + piece.len() > self.most + 64 {
                return Err(Unreadable);
            }
            self.line.extend_from_slice(piece);
            bytes = rest;
            if let Some((end, following)) = rest.split_first() {
                self.returned = *end == b'\r';
                bytes = following;
                let line = std::mem::take(&mut self.line);
                events.extend(self.end_line(&line)?);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<Event>, Unreadable> {
        let line = std::str::from_utf8(line).map_err(|_| Unreadable)?;
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let event = self.data.take().map(|data| Event {
                name: if name.is_empty() {
                    "message".to_owned()
                } else {
                    name
                },
                data,
            });
            return Ok(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) if data.len() + value.len() >= self.most => return Err(Unreadable),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments, ids and whatever else there may be.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": alive\n\nid: 7\nevent: state\ndata: {\"ü\":1}\n\n:\r\n\r\n\
         event:state\r\ndata:a\r\ndata: b\r\n\r\nevent: nothing\n\ndata\rdata: c\r\rdata: cut\n";

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.to_owned(),
            data: data.to_owned(),
        }
    }

    fn expected() -> Vec<Event> {
        vec![
            event("state", "{\"ü\":1}"),
            event("state", "a\nb"),
            event("message", "\nc"),
        ]
    }

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let bytes = STREAM.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut parser = Parser::new(100);
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let events = pieces.map(|piece| parser.push(piece).expect("readable"));
                assert_eq!(events.concat(), expected(), "cut at {first} and {second}");
            }
        }
        let mut parser = Parser::new(100);
        let single = bytes
            .iter()
            .flat_map(|byte| parser.push(&[*byte]).expect("readable"));
        assert_eq!(single.collect::<Vec<_>>(), expected());
    }

    #[test]
    fn an_event_has_a_size() {
        let long = format!("data: {}\n\n", "x".repeat(200));
        assert_eq!(Parser::new(100).push(long.as_bytes()), Err(Unreadable));
        let many = "data: xxxxxxxxxx\n".repeat(20);
        assert_eq!(Parser::new(100).push(many.as_bytes()), Err(Unreadable));
        let unended = "x".repeat(165);
        assert_eq!(Parser::new(100).push(unended.as_bytes()), Err(Unreadable));
        assert_eq!(Parser::new(100).push(b"data: \xff\n"), Err(Unreadable));
        let comments = ":xxxxxxxxxx\n".repeat(1_000);
        assert_eq!(Parser::new(100).push(comments.as_bytes()), Ok(Vec::new()));
    }
}
