//! What a rule decided for whoever asked, on its way through the store, which hands it on unseen.

use std::any::{Any, type_name};
use std::fmt;

use lictor_core::Error;

/// An outcome of some type. Only the authority's use case that wrote the rule knows which.
pub struct Outcome(Box<dyn Any + Send + Sync>);

impl Outcome {
    pub(crate) fn new<T: Any + Send + Sync>(outcome: T) -> Self {
        Self(Box::new(outcome))
    }

    /// The outcome.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is of another type.
    pub fn take<T: Any>(self) -> Result<T, Error> {
        let taken = self.0.downcast();
        taken.map(|outcome| *outcome).map_err(|_| other::<T>())
    }

    /// A look at it.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is of another type.
    pub fn get<T: Any>(&self) -> Result<&T, Error> {
        self.0.downcast_ref().ok_or_else(other::<T>)
    }
}

fn other<T>() -> Error {
    Error::internal(format!("the outcome of a write is no {}", type_name::<T>()))
}

impl Default for Outcome {
    fn default() -> Self {
        Self::new(())
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outcome")
    }
}
