//! Requests with many rows, each of which stands for itself, are written in parts, so that nobody
//! waits long for one of them. What was stored before a crash or a fault stays; the same request
//! again goes on after it.

use std::any::Any;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use lictor_core::Error;
use lictor_core::rules::batch::BatchMode;
use lictor_store::{Answer, IdempotencyKey, Idempotent, Written};

use super::accounts::ImportRows;
use super::long_work::Turns;
use super::{Authority, Call};

/// How much one part of an import has at most, in accounts and seats: about 10 ms of writing on a small
/// machine.
const ALONE: usize = 128;

/// The same while other organizations write, whose writes wait for it.
const AMONG_OTHERS: usize = 32;

/// How many counts one part of usage has at most; they are no entries of the ledger.
const COUNTS: usize = 256;

impl Authority {
    /// The rows of an import that are written together: all, where it is all or nothing. There is at
    /// least one part.
    pub fn parts_of_import(
        &self,
        call: &Call,
        rows: &ImportRows,
        mode: BatchMode,
    ) -> Vec<Range<usize>> {
        let most = match self.lines.others_write(call.organization.id) {
            true => AMONG_OTHERS,
            false => ALONE,
        };
        match mode {
            BatchMode::AllOrNothing => std::iter::once(0..rows.all().len()).collect(),
            BatchMode::Each => parts(rows.all().iter().map(|(_, seats)| 1 + seats.len()), most),
        }
    }
}

/// The counts that are recorded together. There is at least one part.
pub(super) fn parts_of_usage(counts: usize) -> Vec<Range<usize>> {
    parts(std::iter::repeat_n(1, counts), COUNTS)
}

fn parts(weights: impl Iterator<Item = usize>, most: usize) -> Vec<Range<usize>> {
    let (mut all, mut weight, mut part) = (Vec::new(), 0, 0..0);
    for own in weights {
        if weight + own > most && !part.is_empty() {
            let next = part.end..part.end;
            all.push(std::mem::replace(&mut part, next));
            weight = 0;
        }
        weight += own;
        part.end += 1;
    }
    all.push(part);
    all
}

/// What was decided of a request that was written in parts, part by part.
pub struct Parts<T> {
    written: Vec<Arc<Written>>,
    outcome: PhantomData<fn() -> T>,
}

impl<T: Any> Parts<T> {
    /// The outcome of each part.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was another request.
    pub fn outcomes(&self) -> Result<Vec<&T>, Error> {
        outcomes(self.written.iter().map(Arc::as_ref))
    }
}

fn outcomes<'a, T: Any>(written: impl Iterator<Item = &'a Written>) -> Result<Vec<&'a T>, Error> {
    written.map(|part| part.outcome.get()).collect()
}

/// The answer that is stored under this key for a repeated request: `render` makes it of the outcome of each part
/// that the request is written in. It gives none for what is not to be stored, because the next request may get
/// another answer.
pub fn kept_answer<T: Any>(
    key: IdempotencyKey,
    render: impl Fn(&[&T]) -> Option<Answer> + Send + Sync + 'static,
) -> Idempotent {
    Idempotent {
        key,
        render: Arc::new(rendered(render)),
        before: Vec::new(),
    }
}

/// Renders what was written by its outcomes; none where they are of another type, so that nothing false is
/// stored.
fn rendered<T: Any>(
    render: impl Fn(&[&T]) -> Option<Answer>,
) -> impl Fn(&[&Written]) -> Option<Answer> {
    move |written| {
        let outcomes = outcomes(written.iter().copied()).ok()?;
        render(&outcomes)
    }
}

/// Writes one part after the other, when it is their turn. The answer is kept with the last, which is
/// made of all.
///
/// # Errors
/// What a part is refused with; where one before it has changed something, [`Error::StoredInPart`].
pub(super) async fn written<F, T>(
    turns: &Turns,
    call: &Call,
    parts: Vec<Range<usize>>,
    write: impl Fn(Call, Range<usize>, &[Arc<Written>]) -> F,
) -> Result<Parts<T>, Error>
where
    F: Future<Output = Result<Written, Error>>,
{
    let _turn = match parts.len() {
        0 | 1 => None,
        _ => Some(turns.take(call.organization.id).await?),
    };
    let mut before = Vec::with_capacity(parts.len());
    let last = parts.len().saturating_sub(1);
    let of = parts.last().map_or(0, |part| part.end);
    for (number, part) in parts.into_iter().enumerate() {
        let mut call = call.clone();
        if number < last {
            call.idempotent = None;
        } else if let Some(idempotent) = &mut call.idempotent {
            idempotent.before.clone_from(&before);
        }
        let stored = part.start;
        let written = write(call, part, &before).await;
        let written = written.map_err(|cause| match before.iter().any(has_changed) {
            true => Error::StoredInPart {
                stored,
                of,
                cause: Box::new(cause),
            },
            false => cause,
        })?;
        before.push(Arc::new(written));
    }
    Ok(Parts {
        written: before,
        outcome: PhantomData,
    })
}

fn has_changed(part: &Arc<Written>) -> bool {
    !(part.entries.is_empty() && part.records.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_large_as_they_may_be_and_miss_nothing() {
        let ends = |weights: &[usize]| {
            let parts = parts(weights.iter().copied(), 3);
            let starts = std::iter::once(0).chain(parts.iter().map(|part| part.end));
            assert!(starts.zip(&parts).all(|(start, part)| start == part.start));
            parts.iter().map(|part| part.end).collect::<Vec<_>>()
        };
        assert_eq!(ends(&[]), [0]);
        assert_eq!(ends(&[1, 1, 1]), [3]);
        assert_eq!(ends(&[1, 1, 1, 1]), [3, 4]);
        assert_eq!(ends(&[2, 2, 9, 1, 1]), [1, 2, 3, 5]);
    }

    #[test]
    fn nothing_is_kept_of_an_outcome_that_another_request_has() {
        let written = Written::default();
        let answer = |_: &[&u16]| -> Option<Answer> { panic!("there is no such outcome") };
        assert_eq!(rendered(answer)(&[&written]), None);
    }
}
