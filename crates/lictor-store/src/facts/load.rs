//! Which reads each fact needs, and what of them goes where in the state.

use lictor_core::digest::Digest;
use lictor_core::facts::email::Email;
use lictor_core::facts::grant::Code;
use lictor_core::facts::lease::{Lease, holder_key};
use lictor_core::facts::quota::Quota;
use lictor_core::facts::usage::UsageKey;
use lictor_core::names;
use lictor_core::state::State;
use uuid::Uuid;

use super::{By, FactReads, GrantBy, UsageOf};
use crate::Fact;
use crate::at_once::{
    DROPPED_ANSWERS, DUE_LEASES, EXPIRED_TOKENS, FORGOTTEN_REFUSALS, MERGED_COUNTS,
};

/// Adds the part of the state that `facts` ask for; what is not there stays absent. The state has the values
/// of the head row.
///
/// # Errors
/// What the database says.
pub(crate) fn load<R: FactReads>(
    reads: &mut R,
    stream: Uuid,
    facts: &[Fact],
    state: &mut State,
) -> Result<(), R::Error> {
    if facts.iter().any(is_about_accounts) {
        state.counts = reads.account_counts(stream)?;
    }
    let mut loading = Loading {
        reads,
        stream,
        state,
    };
    facts.iter().try_for_each(|fact| loading.add(fact))
}

fn is_about_accounts(fact: &Fact) -> bool {
    matches!(fact, Fact::Account(_) | Fact::AccountByEmail(_))
}

struct Loading<'a, R> {
    reads: &'a mut R,
    stream: Uuid,
    state: &'a mut State,
}

impl<R: FactReads> Loading<'_, R> {
    fn add(&mut self, fact: &Fact) -> Result<(), R::Error> {
        let (reads, stream) = (&mut *self.reads, self.stream);
        match fact {
            Fact::Policy => self.state.policy = reads.policy()?,
            Fact::Key(id) => self.state.keys.extend(reads.key(*id)?),
            Fact::Organization(key) => {
                self.state.organizations.extend(reads.organization(key)?);
            }
            Fact::Token(id) => self.state.tokens.extend(reads.token(stream, *id)?),
            Fact::OtherOperator { than, now } => {
                let found = reads.other_operators(stream, *than, *now)?;
                self.state.tokens.extend(found);
            }
            Fact::OtherAdministrator(than) => {
                let found = reads.other_administrator(stream, *than)?;
                self.state.accounts.extend(found);
            }
            Fact::ExpiredTokens(now) => {
                let used = self.state.used.of(Quota::Tokens);
                if used >= self.state.quotas.limit(Quota::Tokens) {
                    let found = reads.expired_tokens(stream, *now, EXPIRED_TOKENS)?;
                    self.state.tokens.extend(found);
                }
            }
            Fact::Application(key) => self.application(key)?,
            Fact::NewestLicenses {
                application,
                after,
                limit,
                bytes,
            } => {
                let newest =
                    reads.newest_licenses(stream, application, *after, (*limit, *bytes))?;
                let known = &mut self.state.newest_licenses;
                known.insert(application.clone(), newest);
            }
            Fact::License(id) => {
                if let Some((id, license)) = reads.license(stream, *id)? {
                    self.application(&license.application)?;
                    self.state.licenses.insert(id, license);
                }
            }
            Fact::AnyLicense => {
                let found = reads.any_license(stream, None)?;
                self.state.licenses.extend(found);
            }
            Fact::AnyLicenseOf(application) => {
                let found = reads.any_license(stream, Some(application))?;
                self.state.licenses.extend(found);
            }
            Fact::Trust => self.state.trust_changed = reads.trust_changed()?,
            Fact::Account(id) => self.state.accounts.extend(reads.account(stream, *id)?),
            Fact::AccountByEmail(email) => self.account_by_email(email)?,
            Fact::Seat(id) => self.state.seats.extend(reads.seat(stream, id)?),
            Fact::SeatsOf(account) => self.seats_and_applications_of(*account)?,
            Fact::Lease(id) => {
                if let Some(lease) = reads.lease(stream, *id)? {
                    self.application(&lease.state.application)?;
                    self.leases([lease]);
                }
            }
            Fact::LeaseOf {
                application,
                holder,
            } => self.lease_of(application, holder)?,
            Fact::Holder(key) => {
                let found = reads.leases_of_holder(stream, key)?;
                self.state.refusals_of_holder =
                    reads.refusals_of_holder(stream, key, FORGOTTEN_REFUSALS)?;
                self.state.answers_of_holder =
                    reads.answers_of_holder(stream, key, DROPPED_ANSWERS)?;
                self.leases(found);
            }
            Fact::Due(now) => {
                let found = reads.due_leases(stream, *now, DUE_LEASES)?;
                for lease in &found {
                    self.application(&lease.state.application)?;
                }
                self.leases(found);
            }
            Fact::Client(id) => self.client(*id)?,
            Fact::GrantsOf { client, since } => {
                for (id, grant, given_at) in reads.grants_of(stream, *client, *since)? {
                    self.state.grants.insert(id, grant);
                    self.state.grants_given.insert(id, given_at);
                }
            }
            Fact::CodesOf { client, since } => {
                let made = reads.codes_of(stream, *client, *since)?;
                self.state.codes_made.insert(*client, made);
            }
            Fact::Code(sha256) => self.code(*sha256)?,
            Fact::ClientSecret(sha256) => self.client_secret(*sha256)?,
            Fact::AccessOf(client) => {
                let found = reads.access_tokens_of(stream, *client, None)?;
                self.state.access_tokens.extend(found);
            }
            Fact::Node(id) => self.node(By::Id(*id))?,
            Fact::NodesToJoin(application, now) => {
                let count = reads.nodes_to_join(stream, application, *now)?;
                self.state.nodes_to_join.insert(application.clone(), count);
            }
            Fact::NodeNamed(name) => self.node(By::Name(name))?,
            Fact::NodePool(id) => self.pool(By::Id(*id))?,
            Fact::NodePoolNamed(name) => self.pool(By::Name(name))?,
            Fact::NodeSettings => self.state.node_settings = reads.node_settings(stream)?,
            Fact::Usage(key) => self.usage(key)?,
            Fact::UsageEpoch { series, epoch } => {
                let mut found = reads.usage_epochs(stream, series, Some(epoch))?;
                if found.is_empty() {
                    found = reads.usage_epochs(stream, series, None)?;
                }
                let known = self.state.usage_epochs.entry(series.clone()).or_default();
                known.extend(found);
            }
            Fact::UsageOf { source, into } => self.usage_of(UsageOf::Source(source), into)?,
            Fact::UsageOfNode { name, into } => self.usage_of(UsageOf::Node(name), into)?,
            Fact::NodeStarts(id) => {
                let found = reads.node_starts(stream, *id)?;
                self.state.node_starts.insert(*id, found);
            }
            Fact::UsageBySource(source) => {
                let sum = reads.usage_of_source(stream, source)?;
                self.state.usage_by_source.insert(source.clone(), sum);
            }
            Fact::UsageMonth(month) => {
                let count = reads.series_of_month(stream, month)?;
                self.state.usage_months.insert(month.clone(), count);
            }
            Fact::UsageSum => self.state.usage_sum = reads.usage_sum(stream)?,
        }
        Ok(())
    }

    /// One application, unless another fact asked for it.
    fn application(&mut self, key: &str) -> Result<(), R::Error> {
        if self.state.applications.contains_key(key) {
            return Ok(());
        }
        if let Some(found) = self.reads.application(self.stream, key)? {
            self.state.applications.insert(key.to_owned(), found);
        }
        Ok(())
    }

    /// The accounts that an e-mail can mean, and their seats: the one with its key, and one of just this
    /// spelling that has none.
    fn account_by_email(&mut self, email: &str) -> Result<(), R::Error> {
        let mut found = Vec::new();
        let spelled = Email::spelled(email);
        if let Some(id) = self.reads.account_apart(self.stream, &spelled)? {
            self.state.emails_apart.insert(spelled, id);
            found.push(id);
        }
        if let Ok(email) = Email::parse(email)
            && let Some(id) = self.reads.account_with_key(self.stream, &email.key)?
        {
            self.state.emails.insert(email.key, id);
            found.push(id);
        }
        for id in &found {
            let account = self.reads.account(self.stream, *id)?;
            self.state.accounts.extend(account);
        }
        for id in found {
            let seats = self.reads.seats_of(self.stream, id)?;
            self.state.seats.extend(seats);
        }
        Ok(())
    }

    fn seats_and_applications_of(&mut self, account: Uuid) -> Result<(), R::Error> {
        let found = self.reads.seats_of(self.stream, account)?;
        self.state.seats.extend(found);
        let seats = self.state.seats.keys();
        let applications: Vec<_> = seats.map(|id| id.application.clone()).collect();
        applications
            .iter()
            .try_for_each(|key| self.application(key))
    }

    /// Of two rows from before spellings were one, that without the key is found by its own alone. There are
    /// few; a new row is spelled without the blanks around.
    fn lease_of(&mut self, application: &str, holder: &str) -> Result<(), R::Error> {
        let key = holder_key(holder);
        let found = self.reads.leases_with_key(self.stream, application, &key)?;
        self.leases(found);
        let spellings = [holder, names::trimmed(holder)];
        let apart = self
            .reads
            .leases_apart(self.stream, application, spellings)?;
        self.leases(apart);
        Ok(())
    }

    fn leases(&mut self, leases: impl IntoIterator<Item = Lease>) {
        for lease in leases {
            self.state.leases.insert(lease.id, lease.state);
            self.state.lease_terms.insert(lease.id, lease.terms);
        }
    }

    /// One client, and its account.
    fn client(&mut self, id: Uuid) -> Result<(), R::Error> {
        let Some(client) = self.reads.client(self.stream, id)? else {
            return Ok(());
        };
        if let Some(account) = client.account {
            let account = self.reads.account(self.stream, account)?;
            self.state.accounts.extend(account);
        }
        self.state.clients.insert(id, client);
        Ok(())
    }

    /// A client that another fact may have asked for.
    fn client_once(&mut self, id: Uuid) -> Result<(), R::Error> {
        match self.state.clients.contains_key(&id) {
            true => Ok(()),
            false => self.client(id),
        }
    }

    /// A code, or the grant that came of it.
    fn code(&mut self, code: Digest) -> Result<(), R::Error> {
        if let Some(unused) = self.reads.unused_code(self.stream, code)? {
            self.state.codes.insert(code, unused);
        }
        if let Some((id, grant)) = self.reads.grant(self.stream, GrantBy::Code(code))? {
            self.state.codes.insert(code, Code::Used(id));
            self.state.grants.insert(id, grant);
        }
        Ok(())
    }

    /// What a refresh token stands for and what rests on it, or an access token.
    fn client_secret(&mut self, secret: Digest) -> Result<(), R::Error> {
        let stream = self.stream;
        let by_refresh = self.reads.grant(stream, GrantBy::RefreshToken(secret))?;
        if let Some((id, grant)) = by_refresh {
            self.client_once(grant.client)?;
            let found = self
                .reads
                .access_tokens_of(stream, grant.client, Some(id))?;
            self.state.access_tokens.extend(found);
            self.state.refresh_tokens.insert(secret, id);
            self.state.grants.insert(id, grant);
        }
        if let Some((sha256, access)) = self.reads.access_token(stream, secret)? {
            self.client_once(access.client)?;
            if let Some(grant) = access.grant {
                let found = self.reads.grant(stream, GrantBy::Id(grant))?;
                self.state.grants.extend(found);
            }
            self.state.access_tokens.insert(sha256, access);
        }
        Ok(())
    }

    fn node(&mut self, by: By<'_>) -> Result<(), R::Error> {
        if let Some((id, node, identity)) = self.reads.node(self.stream, by)? {
            self.state.nodes.insert(id, node);
            self.state.node_identities.insert(id, identity);
        }
        Ok(())
    }

    fn pool(&mut self, by: By<'_>) -> Result<(), R::Error> {
        if let Some((id, pool, identity)) = self.reads.pool(self.stream, by)? {
            self.state.node_pools.insert(id, pool);
            self.state.pool_identities.insert(id, identity);
        }
        Ok(())
    }

    fn usage(&mut self, key: &UsageKey) -> Result<(), R::Error> {
        if let Some(row) = self.reads.usage(self.stream, key)? {
            if row.correction != 0 {
                let corrections = &mut self.state.corrections;
                corrections.insert(row.key.clone(), row.correction);
            }
            self.state.usage.insert(row.key, row.reported);
        }
        Ok(())
    }

    /// Counts that nobody corrected, and those that they would be put to.
    fn usage_of(&mut self, of: UsageOf<'_>, into: &str) -> Result<(), R::Error> {
        for found in self
            .reads
            .uncorrected_usage(self.stream, of, MERGED_COUNTS)?
        {
            self.usage(&found.key.of_source(into))?;
            self.state.usage.insert(found.key, found.reported);
        }
        Ok(())
    }
}
