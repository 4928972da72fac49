//! The parameters of each operation that has some.

use lictor_core::invalid::InvalidInput;

use super::{
    DEFAULT_ROWS, Given, MAX_POSITION, MAX_ROWS, Pairs, Parameter, Query, Value, invalid, parameter,
};
use crate::values::Instant;

/// No parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoQuery;

impl Query for NoQuery {
    const PARAMETERS: &'static [Parameter] = &[];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        match given.is_empty() {
            true => Ok(Self),
            false => Err(invalid("query", "this route has no parameters")),
        }
    }

    fn write(&self, _: &mut Pairs) {}
}

const LIMIT: Parameter = parameter(
    "limit",
    Value::Whole {
        min: 1,
        max: MAX_ROWS,
        default: DEFAULT_ROWS,
    },
    "How many rows the page has at most. It has fewer when they reach about 1.8 MB.",
);
const CURSOR: Parameter = parameter(
    "cursor",
    Value::Text,
    "Where the page begins: the `next_cursor` of the page before. It belongs to the list, organization and \
     filter that it was made for.",
);

/// Which page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// How many rows at most, 1 to 1,000; none: 100.
    pub limit: Option<u64>,
    /// Where it begins; none: at the beginning.
    pub cursor: Option<String>,
}

impl Query for Page {
    const PARAMETERS: &'static [Parameter] = &[LIMIT, CURSOR];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            limit: given.whole(&LIMIT)?,
            cursor: given.take(&CURSOR)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        out.put(&LIMIT, self.limit.as_ref());
        out.put(&CURSOR, self.cursor.as_ref());
    }
}

const APPLICATION: Parameter = parameter(
    "application",
    Value::Text,
    "Only what belongs to the application with this key.",
);

/// A list that one application can be chosen from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfApplication {
    /// The application's key; none: all.
    pub application: Option<String>,
    /// Which page.
    pub page: Page,
}

impl Query for OfApplication {
    const PARAMETERS: &'static [Parameter] = &[APPLICATION, LIMIT, CURSOR];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            application: given.take(&APPLICATION)?,
            page: Page::read(given)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        out.put(&APPLICATION, self.application.as_ref());
        self.page.write(out);
    }
}

const EMAIL: Parameter = parameter(
    "email",
    Value::Text,
    "Only the account with this e-mail, in any spelling.",
);

/// Which accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The e-mail of one; none: all.
    pub email: Option<String>,
    /// Which page.
    pub page: Page,
}

impl Query for Accounts {
    const PARAMETERS: &'static [Parameter] = &[EMAIL, LIMIT, CURSOR];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            email: given.take(&EMAIL)?,
            page: Page::read(given)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        out.put(&EMAIL, self.email.as_ref());
        self.page.write(out);
    }
}

const HOLDER: Parameter = parameter("holder", Value::Text, "Only leases of this holder.");
const SINCE: Parameter = parameter(
    "since",
    Value::Instant,
    "Only leases that were live at this instant or later.",
);
const UNTIL: Parameter = parameter(
    "until",
    Value::Instant,
    "Only leases that were checked out before this instant.",
);

/// Which of the leases that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedLeases {
    /// Of this holder alone.
    pub holder: Option<String>,
    /// Live at this instant or later.
    pub since: Option<Instant>,
    /// Checked out before this instant.
    pub until: Option<Instant>,
    /// Which page.
    pub page: Page,
}

impl Query for EndedLeases {
    const PARAMETERS: &'static [Parameter] = &[HOLDER, SINCE, UNTIL, LIMIT, CURSOR];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            holder: given.take(&HOLDER)?,
            since: given.instant(&SINCE)?,
            until: given.instant(&UNTIL)?,
            page: Page::read(given)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        out.put(&HOLDER, self.holder.as_ref());
        out.put(&SINCE, self.since.as_ref());
        out.put(&UNTIL, self.until.as_ref());
        self.page.write(out);
    }
}

const OPERATORS: Parameter = parameter(
    "operators",
    Value::Flag,
    "The operators' tokens instead of the organization's; for operators.",
);

/// Which tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Those of operators instead of the organization's.
    pub operators: bool,
    /// Which page.
    pub page: Page,
}

impl Query for Tokens {
    const PARAMETERS: &'static [Parameter] = &[OPERATORS, LIMIT, CURSOR];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            operators: given.flag(&OPERATORS)?,
            page: Page::read(given)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        out.put(&OPERATORS, self.operators.then_some(&true));
        self.page.write(out);
    }
}

/// The words of a stream of the ledger, in the order of [`Stream`].
const STREAMS: &[&str] = &["organization", "installation"];
const STREAM: Parameter = parameter(
    "stream",
    Value::Word(STREAMS),
    "The organization's stream, or that of the installation, which is for operators.",
);
const AFTER: Parameter = parameter(
    "after",
    Value::Whole {
        min: 0,
        max: MAX_POSITION,
        default: 0,
    },
    "Only entries after this position. With a `cursor` it has no effect.",
);

/// A stream of the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stream {
    /// The organization's.
    #[default]
    Organization,
    /// The installation's.
    Installation,
}

/// Which entries of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Of which stream.
    pub stream: Stream,
    /// After which position.
    pub after: Option<u64>,
    /// Which page.
    pub page: Page,
}

impl Query for Ledger {
    const PARAMETERS: &'static [Parameter] = &[STREAM, AFTER, LIMIT, CURSOR];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            stream: match given.word(&STREAM)? {
                0 => Stream::Organization,
                _ => Stream::Installation,
            },
            after: given.whole(&AFTER)?,
            page: Page::read(given)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        let stream = match self.stream {
            Stream::Organization => None,
            Stream::Installation => STREAMS.last(),
        };
        out.put(&STREAM, stream);
        out.put(&AFTER, self.after.as_ref());
        self.page.write(out);
    }
}

const FORCE: Parameter = parameter(
    "force",
    Value::Flag,
    "Do it even if no administrator or operator token is left.",
);

/// A write that may have to be forced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Force {
    /// Whether it is.
    pub force: bool,
}

impl Query for Force {
    const PARAMETERS: &'static [Parameter] = &[FORCE];

    fn read(given: &mut Given) -> Result<Self, InvalidInput> {
        Ok(Self {
            force: given.flag(&FORCE)?,
        })
    }

    fn write(&self, out: &mut Pairs) {
        out.put(&FORCE, self.force.then_some(&true));
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn read<Q: Query>(text: &str) -> Result<Q, InvalidInput> {
        let mut given = Given::parse(text);
        let query = Q::read(&mut given)?;
        given.finish()?;
        Ok(query)
    }

    fn is_read_as_written<Q: Query + Debug + PartialEq>(query: &Q) {
        let mut pairs = Pairs::default();
        query.write(&mut pairs);
        let text = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs.0)
            .finish();
        assert_eq!(read::<Q>(&text).as_ref().ok(), Some(query), "{text}");
        let known = |name: &&str| Q::PARAMETERS.iter().any(|one| one.name == *name);
        assert!(pairs.0.keys().all(known), "{text}");
    }

    #[test]
    fn a_query_is_read_as_it_is_written() {
        let page = Page {
            limit: Some(7),
            cursor: Some("a&b=ü".to_owned()),
        };
        is_read_as_written(&Page::default());
        is_read_as_written(&OfApplication {
            application: Some("konnect".to_owned()),
            page: page.clone(),
        });
        is_read_as_written(&Accounts {
            email: Some("ada+1@example.com".to_owned()),
            page: page.clone(),
        });
        is_read_as_written(&EndedLeases {
            holder: Some("build 7".to_owned()),
            since: Some(Instant(1_795_320_000)),
            until: Some(Instant(1_795_320_001)),
            page: page.clone(),
        });
        is_read_as_written(&Tokens {
            operators: true,
            page: page.clone(),
        });
        is_read_as_written(&Ledger {
            stream: Stream::Installation,
            after: Some(MAX_POSITION),
            page,
        });
        is_read_as_written(&Force { force: true });
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        let said = |refused: Result<(), InvalidInput>| {
            let InvalidInput { field, reason } = refused.expect_err("refused");
            format!("{field}: {reason}")
        };
        for (text, wanted) in [
            ("limit=0", "limit: use a whole number from 1 to 1000"),
            ("limit=1001", "limit: use a whole number from 1 to 1000"),
            ("limit=1&limit=1", "limit: give it once"),
            ("limt=1", "query: there is no parameter \"limt\""),
        ] {
            assert_eq!(said(read::<Page>(text).map(drop)), wanted);
        }
        let tokens = read::<Tokens>("operators=yes").map(drop);
        assert_eq!(said(tokens), "operators: use true or false");
        let ledger = read::<Ledger>("stream=x").map(drop);
        assert_eq!(said(ledger), "stream: use organization or installation");
        let leases = read::<EndedLeases>("since=now").map(drop);
        assert!(said(leases).starts_with("since: \"now\" is not a time"));
        let none = read::<NoQuery>("limit=1").map(drop);
        assert_eq!(said(none), "query: this route has no parameters");
    }
}
