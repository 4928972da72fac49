//! What a refusal says, if it is one of Lictor.

use reqwest::StatusCode;
use serde_json::Value;

/// What the type of each problem begins with.
const PROBLEM: &str = "urn:lictor:problem:";

/// The error in a refusal of Lictor.
pub(super) struct ApiError {
    /// The last word of its type; empty: no route saw the request.
    pub(super) kind: String,
    pub(super) said: String,
    /// Whether what was asked is done all the same.
    pub(super) is_done: bool,
}

impl ApiError {
    /// The error in this answer. `None` if it comes from a gateway or proxy.
    pub(super) fn of(status: StatusCode, text: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(text).ok()?;
        let text_of = |name: &str| answer[name].as_str().map(str::to_owned);
        if let Some(kind) = text_of("type")
            .as_deref()
            .and_then(|kind| kind.strip_prefix(PROBLEM))
        {
            return Some(Self {
                kind: kind.to_owned(),
                said: text_of("detail").or_else(|| text_of("title"))?,
                is_done: answer["done"] == true,
            });
        }
        // As Lictor refuses what no route sees.
        let is_unseen = matches!(status.as_u16(), 400 | 408 | 414);
        let is_alone = answer.as_object().is_some_and(|answer| answer.len() == 1);
        let said = text_of("message").filter(|_| is_unseen && is_alone)?;
        Some(Self {
            kind: String::new(),
            said,
            is_done: false,
        })
    }
}
