//! Permits: that a right was asked, and of which call. A use case takes the permit of the right that it needs, so it
//! cannot run unasked; only asking makes a permit, and its signature is the one place that names the right.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use lictor_core::Error;
use lictor_core::facts::right::Right;

use sealed::Sealed;

use super::Call;
use super::right::{OnResource, ToAct};

/// What only this crate may implement, so that nobody else makes up a permit.
pub(crate) mod sealed {
    /// See [`sealed`](self).
    pub trait Sealed {}
}

/// The right to do `A` to `R` in the organization of a call. It is lent the call that it was asked for, so that a use
/// case acts for that caller and on that organization, and on no other.
///
/// Another right does not do, nor does the same right in the installation as a whole:
///
/// ```
/// # use lictor_authority::Call;
/// # use lictor_authority::permits::Permit;
/// # use lictor_authority::right::{Read, Seats, Write};
/// # fn use_case(_: Permit<'_, Seats, Write>) {}
/// fn asked(call: &Call) {
///     let Ok(permit) = call.permit() else { return };
///     use_case(permit);
/// }
/// ```
/// ```compile_fail,E0308
/// # use lictor_authority::Call;
/// # use lictor_authority::permits::Permit;
/// # use lictor_authority::right::{Read, Seats, Write};
/// # fn use_case(_: Permit<'_, Seats, Write>) {}
/// fn asked(call: &Call) {
///     let Ok(permit) = call.permit::<Permit<'_, Seats, Read>>() else { return };
///     use_case(permit);
/// }
/// ```
/// ```compile_fail,E0308
/// # use lictor_authority::Call;
/// # use lictor_authority::permits::{InstallationPermit, Permit};
/// # use lictor_authority::right::{Read, Seats, Write};
/// # fn use_case(_: Permit<'_, Seats, Write>) {}
/// fn asked(call: &Call) {
///     let Ok(permit) = call.permit::<InstallationPermit<'_, Seats, Write>>() else { return };
///     use_case(permit);
/// }
/// ```
pub struct Permit<'c, R, A> {
    call: &'c Call,
    right: PhantomData<fn() -> (R, A)>,
}

/// The right to do `A` to `R` in the installation as a whole.
pub struct InstallationPermit<'c, R, A> {
    call: &'c Call,
    right: PhantomData<fn() -> (R, A)>,
}

/// A permit that a call can be asked for. Which one is most often said by the use case that takes it:
/// `authority.seats(call.permit()?, …)`.
pub trait Asked<'c>: Sized + Sealed {
    /// The right that it stands for.
    const RIGHT: Right;

    /// The call that was asked.
    fn asked_of(&self) -> &'c Call;

    /// Asks for it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another tenant's organization, [`Error::OutOfScope`], [`Error::Forbidden`].
    fn ask(call: &'c Call) -> Result<Self, Error>;
}

impl<R, A> Sealed for Permit<'_, R, A> {}

impl<R, A> Sealed for InstallationPermit<'_, R, A> {}

impl<'c, R: OnResource, A: ToAct> Asked<'c> for Permit<'c, R, A> {
    const RIGHT: Right = right::<R, A>();

    fn asked_of(&self) -> &'c Call {
        self.call
    }

    fn ask(call: &'c Call) -> Result<Self, Error> {
        call.actor.may(Self::RIGHT, Some(call.organization.id))?;
        Ok(Self {
            call,
            right: PhantomData,
        })
    }
}

impl<'c, R: OnResource, A: ToAct> Asked<'c> for InstallationPermit<'c, R, A> {
    const RIGHT: Right = right::<R, A>();

    fn asked_of(&self) -> &'c Call {
        self.call
    }

    fn ask(call: &'c Call) -> Result<Self, Error> {
        call.actor.may(Self::RIGHT, None)?;
        Ok(Self {
            call,
            right: PhantomData,
        })
    }
}

const fn right<R: OnResource, A: ToAct>() -> Right {
    Right {
        resource: R::RESOURCE,
        action: A::ACTION,
    }
}

impl<'c, R, A> Permit<'c, R, A> {
    /// The call that was asked.
    pub fn call(self) -> &'c Call {
        self.call
    }
}

impl<'c, R, A> InstallationPermit<'c, R, A> {
    /// The call that was asked.
    pub fn call(self) -> &'c Call {
        self.call
    }
}

/// What was asked once need not be asked again for the next use case: a permit is copied.
impl<R, A> Clone for Permit<'_, R, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, A> Copy for Permit<'_, R, A> {}

impl<R, A> Clone for InstallationPermit<'_, R, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, A> Copy for InstallationPermit<'_, R, A> {}

impl<R: OnResource, A: ToAct> fmt::Debug for Permit<'_, R, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a permit to {}", right::<R, A>())
    }
}

impl<R: OnResource, A: ToAct> fmt::Debug for InstallationPermit<'_, R, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a permit to {} of the installation", right::<R, A>())
    }
}

/// The permit that the input makes necessary, for who acts in `call`.
///
/// # Errors
/// [`Error::Forbidden`] where it was not asked for, or in a call of another caller or about another organization.
pub(crate) fn needed<'c, P: Asked<'c>>(call: &Call, permit: Option<P>) -> Result<P, Error> {
    let is_of_call = |permit: &P| {
        let asked = permit.asked_of();
        asked.actor == call.actor && asked.organization.id == call.organization.id
    };
    permit.filter(is_of_call).ok_or(forbidden::<P>())
}

/// The refusal of who has the right, but not for all that this use case shows or changes.
pub(crate) fn forbidden<'c, P: Asked<'c>>() -> Error {
    Error::Forbidden(P::RIGHT)
}

impl Call {
    /// Asks for a right. The use case that takes the permit says which.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another tenant's organization, [`Error::OutOfScope`] for what the token's scopes leave
    /// out, else [`Error::Forbidden`].
    pub fn permit<'c, P: Asked<'c>>(&'c self) -> Result<P, Error> {
        P::ask(self)
    }

    /// Asks for a right, for a request that outlives this borrow of its call.
    ///
    /// # Errors
    /// As [`Call::permit`].
    pub fn permitted<R: OnResource, A: ToAct>(self) -> Result<PermittedCall<R, A>, Error> {
        self.permit::<Permit<'_, R, A>>()?;
        Ok(PermittedCall {
            call: self,
            right: PhantomData,
        })
    }

    /// Whether the caller has a right in the organization: for answers that tell more to who has it. It lets nobody do
    /// anything.
    pub fn has(&self, right: Right) -> bool {
        self.actor.may(right, Some(self.organization.id)).is_ok()
    }

    /// The same of the installation as a whole.
    pub fn has_in_installation(&self, right: Right) -> bool {
        self.actor.may(right, None).is_ok()
    }
}

/// A call whose caller was asked for the right to do `A` to `R` in its organization.
pub struct PermittedCall<R, A> {
    call: Call,
    right: PhantomData<fn() -> (R, A)>,
}

impl<R, A> PermittedCall<R, A> {
    /// The permit that was given.
    pub fn as_permit(&self) -> Permit<'_, R, A> {
        Permit {
            call: &self.call,
            right: PhantomData,
        }
    }
}

impl<R, A> Clone for PermittedCall<R, A> {
    fn clone(&self) -> Self {
        Self {
            call: self.call.clone(),
            right: PhantomData,
        }
    }
}

impl<R, A> Deref for PermittedCall<R, A> {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}
