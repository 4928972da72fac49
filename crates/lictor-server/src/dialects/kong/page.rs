//! Pages of a list: the arguments that ask for one, and the address of the next.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lictor_core::whole_number;
use uuid::Uuid;

use super::error::Refusal;
use super::{escape, wire};

const DEFAULT_SIZE: usize = 100;
const MAX_SIZE: usize = 1_000;

/// Written without padding, read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Which page is asked for.
#[derive(Debug, Default)]
pub(super) struct Page {
    size: Option<usize>,
    tags: Option<String>,
    /// The last id of the page before.
    pub(super) after: Option<Uuid>,
}

/// How to go on from a page.
#[derive(Debug)]
pub(super) struct Next {
    /// The token of the next page.
    pub(super) offset: String,
    /// Its address.
    pub(super) address: String,
}

/// The values of one argument, which clients may repeat.
#[derive(Default)]
struct Repeated {
    value: Option<String>,
    differs: bool,
}

impl Repeated {
    fn add(&mut self, value: &[u8]) {
        let value = String::from_utf8_lossy(value).into_owned();
        self.differs |= self.value.as_ref().is_some_and(|known| *known != value);
        self.value = Some(value);
    }
}

impl Page {
    /// Reads `size` and `offset` of a query; all else is ignored.
    pub(super) fn read(query: &str) -> Result<Self, Refusal> {
        let (mut size, mut offset, mut tags) = (
            Repeated::default(),
            Repeated::default(),
            Repeated::default(),
        );
        for (name, value) in escape::pairs(query.as_bytes()) {
            match name.as_slice() {
                b"size" => size.add(&value),
                b"offset" => offset.add(&value),
                b"tags" => tags.add(&value),
                _ => {}
            }
        }
        Ok(Self {
            size: read_size(size)?,
            after: read_offset(offset)?,
            tags: tags.value,
        })
    }

    /// How many entities fit on it.
    pub(super) fn size(&self) -> usize {
        self.size.unwrap_or(DEFAULT_SIZE)
    }

    /// The page after the one that ends with `last`.
    pub(super) fn next(&self, path: &str, last: Uuid) -> Next {
        let offset = BASE64.encode(wire::offset(last));
        let start = format!("{path}?");
        let arguments = start.len();
        let mut query = form_urlencoded::Serializer::for_suffix(start, arguments);
        query.append_pair("offset", &offset);
        if let Some(tags) = &self.tags {
            query.append_pair("tags", tags);
        }
        if let Some(size) = self.size {
            query.append_pair("size", &size.to_string());
        }
        let address = query.finish();
        Next { offset, address }
    }
}

fn read_size(size: Repeated) -> Result<Option<usize>, Refusal> {
    let Some(text) = size.value else {
        return Ok(None);
    };
    let number: Option<f64> = text.parse().ok().filter(|_| !size.differs);
    let number = number.ok_or(Refusal::InvalidSize("size must be a number"))?;
    let whole = whole_number::of_float(number).and_then(|number| usize::try_from(number).ok());
    let whole = whole.filter(|size| (1..=MAX_SIZE).contains(size));
    let refusal = Refusal::InvalidSize("size must be an integer between 1 and 1000");
    whole.map(Some).ok_or(refusal)
}

fn read_offset(offset: Repeated) -> Result<Option<Uuid>, Refusal> {
    let Some(text) = offset.value else {
        return Ok(None);
    };
    let bytes = BASE64.decode(&text).ok().filter(|_| !offset.differs);
    let Some(bytes) = bytes else {
        return Err(Refusal::InvalidOffset(text, "bad base64 encoding"));
    };
    match wire::read_offset(&bytes) {
        Some(id) => Ok(Some(id)),
        None => Err(Refusal::InvalidOffset(text, "bad json encoding")),
    }
}
