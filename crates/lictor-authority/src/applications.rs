//! Applications: create, change, remove; and the figures of all of them.

use std::sync::Arc;

use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::account::AccountCounts;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::patch_field::PatchField;
use lictor_core::rules::application;
use lictor_core::state::State;
use lictor_store::{Fact, Rule};

use super::permits::Permit;
use super::right::OnResource;
use super::{Applications, Authority, Call, right};

/// What shows the figures of applications to who may read it.
pub trait ShowsFigures: OnResource {}

impl ShowsFigures for right::Applications {}
impl ShowsFigures for right::Organizations {}
impl ShowsFigures for right::Seats {}

impl Authority {
    /// What was bought, what is used and what is left, of every application.
    ///
    /// # Errors
    /// [`Error::Busy`], or a fault of the store.
    pub async fn figures<R: ShowsFigures>(
        self: &Arc<Self>,
        permit: Permit<'_, R, right::Read>,
    ) -> Result<Arc<Applications>, Error> {
        let call = permit.call();
        let all = self.applications_soon(call).await?;
        Ok(match &call.actor.application {
            None => all,
            Some(only) => Arc::new(all.only(only)),
        })
    }

    /// How many accounts there are of each sort.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn account_counts(
        &self,
        permit: Permit<'_, right::Accounts, right::Read>,
    ) -> Result<AccountCounts, Error> {
        Ok(self.known(permit.call()).await?.counts)
    }

    /// Creates an application.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::AlreadyExists`], or a fault of the
    /// store.
    pub async fn create_application(
        &self,
        permit: Permit<'_, right::Applications, right::Write>,
        key: &str,
        name: Option<&str>,
        over_limit: OverLimit,
    ) -> Result<(), Error> {
        let call = permit.call();
        let (rule_key, rule_name) = (key.to_owned(), name.map(str::to_owned));
        let rule = Rule::new(move |state: &State| {
            application::create(state, &rule_key, rule_name.as_deref(), over_limit)
        });
        let facts = vec![Fact::Application(key.to_owned())];
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }

    /// Changes what is given of an application.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`], or a fault of the store.
    pub async fn set_application(
        &self,
        permit: Permit<'_, right::Applications, right::Write>,
        key: &str,
        name: PatchField<String>,
        over_limit: Option<OverLimit>,
    ) -> Result<(ApplicationFigures, Arc<Entitlement>), Error> {
        let call = permit.call();
        let rule_key = key.to_owned();
        let rule = Rule::new(move |state: &State| {
            let name = name
                .as_ref()
                .try_map(|name| Ok::<_, Error>(name.as_str()))?;
            application::set(state, &rule_key, name, over_limit)
        });
        let facts = vec![Fact::Application(key.to_owned())];
        self.write(call, call.organization.id, facts, rule).await?;
        self.application_now(call, key).await
    }

    /// Removes an application that no license, seat or node needs any more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ApplicationInUse`], or a fault of the
    /// store.
    pub async fn remove_application(
        &self,
        permit: Permit<'_, right::Applications, right::Write>,
        key: &str,
    ) -> Result<(), Error> {
        let call = permit.call();
        let rule_key = key.to_owned();
        let rule = Rule::new(move |state: &State| application::remove(state, &rule_key));
        let facts = vec![
            Fact::Application(key.to_owned()),
            Fact::AnyLicenseOf(key.to_owned()),
        ];
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }

    /// The figures and the entitlement of one application.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn application(
        &self,
        permit: Permit<'_, right::Applications, right::Read>,
        key: &str,
    ) -> Result<(ApplicationFigures, Arc<Entitlement>), Error> {
        let call = permit.call();
        self.application_now(call, key).await
    }

    async fn application_now(
        &self,
        call: &Call,
        key: &str,
    ) -> Result<(ApplicationFigures, Arc<Entitlement>), Error> {
        let known = self.known(call).await?;
        let row = known.row(key).ok_or_else(|| Error::NotFound {
            kind: Kind::Application,
            name: key.to_owned(),
        })?;
        let entitlement = self.entitlement_now(call, key).await?;
        let figures = ApplicationFigures::of(&row.application, &entitlement);
        Ok((figures, entitlement))
    }
}
