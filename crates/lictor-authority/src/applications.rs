//! Applications: create, change, remove; and the figures of all of them.

use std::sync::Arc;

use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::account::AccountCounts;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::facts::right::Resource;
use lictor_core::patch_field::PatchField;
use lictor_core::rules::application;
use lictor_core::state::State;
use lictor_store::{Fact, Rule};

use super::{Applications, Authority, Call};

impl Authority {
    /// What was bought, what is used and what is left, of every application.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Busy`], or a fault of the store.
    pub async fn figures(self: &Arc<Self>, call: &Call) -> Result<Arc<Applications>, Error> {
        call.may_read(Resource::Seats)?;
        self.figures_now(call).await
    }

    /// As [`Authority::figures`], for whoever may read organizations.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Busy`], or a fault of the store.
    pub async fn figures_of_organization(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Arc<Applications>, Error> {
        call.may_read(Resource::Organizations)?;
        self.figures_now(call).await
    }

    /// How many accounts there are of each sort.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn account_counts(&self, call: &Call) -> Result<AccountCounts, Error> {
        call.may_read(Resource::Accounts)?;
        Ok(self.known(call).await?.counts)
    }

    /// As [`Authority::figures`], for whoever may read applications.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Busy`], or a fault of the store.
    pub async fn figures_of_applications(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Arc<Applications>, Error> {
        call.may_read(Resource::Applications)?;
        self.figures_now(call).await
    }

    /// As [`Authority::figures`], for whoever's right was asked already.
    pub(super) async fn figures_now(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Arc<Applications>, Error> {
        let all = self.applications_soon(call).await?;
        Ok(match &call.actor.application {
            None => all,
            Some(only) => Arc::new(all.only(only)),
        })
    }

    /// Creates an application.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidInput`], [`Error::AlreadyExists`], or a fault of the
    /// store.
    pub async fn create_application(
        &self,
        call: &Call,
        key: &str,
        name: Option<&str>,
        over_limit: OverLimit,
    ) -> Result<(), Error> {
        call.may_write(Resource::Applications)?;
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
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::InvalidInput`], or a fault of the store.
    pub async fn set_application(
        &self,
        call: &Call,
        key: &str,
        name: PatchField<String>,
        over_limit: Option<OverLimit>,
    ) -> Result<(ApplicationFigures, Arc<Entitlement>), Error> {
        call.may_write(Resource::Applications)?;
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
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::ApplicationInUse`], or a fault of the
    /// store.
    pub async fn remove_application(&self, call: &Call, key: &str) -> Result<(), Error> {
        call.may_write(Resource::Applications)?;
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
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn application(
        &self,
        call: &Call,
        key: &str,
    ) -> Result<(ApplicationFigures, Arc<Entitlement>), Error> {
        call.may_read(Resource::Applications)?;
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
