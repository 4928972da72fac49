//! Where a replay puts what it does not keep in memory.

use crate::open_error::OpenError;

/// A value with its key, both as bytes.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Such pairs, as far as they can be read.
pub(crate) type Pairs<'a> = dyn Iterator<Item = Result<Pair, OpenError>> + 'a;

/// Values by kind and key, in a place that is gone when this is dropped.
pub(crate) trait Scratch {
    /// Stores values of a kind, in the place of those with the same keys.
    ///
    /// # Errors
    /// The first error of `pairs`, or that there is no room.
    fn put(&mut self, kind: u8, pairs: &mut Pairs<'_>) -> Result<(), OpenError>;

    /// Takes out the value with this key.
    ///
    /// # Errors
    /// What the place says.
    fn take(&mut self, kind: u8, key: &[u8]) -> Result<Option<Vec<u8>>, OpenError>;

    /// Gives all of a kind to `read`, in the order of the bytes of their keys.
    ///
    /// # Errors
    /// What the place says, or `read`.
    fn read_all(
        &self,
        kind: u8,
        read: &mut dyn FnMut(&mut Pairs<'_>) -> Result<(), OpenError>,
    ) -> Result<(), OpenError>;
}
