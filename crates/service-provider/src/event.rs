//! What has happened in a tenant, as it was appended in the transactions of what it tells; its place
//! in the tenant's log, and the chain that holds the log together.

use db::seal::{Checkpoint, Cut};
use db::{Ctx, Event, EventQuery, KeyFile, Verification};
use jiff::Timestamp;

use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

impl ServiceProvider {
    /// Events of a tenant: `user.created`, `group.member.added`, `token.rotated`, …
    pub fn events(&self, tenant: &TenantId, query: &EventQuery) -> Result<Vec<Event>> {
        Ok(self.db().read(|r| db::event::events(r, tenant.as_str(), query))?)
    }

    /// Gives the newest events of every tenant their places, unless another process is doing so; says
    /// how many.
    pub fn seal_events(&self) -> Result<u64> {
        let count = self.db().seal_events_now(self.clock().now())?;
        self.feed_state().sealed(count);
        Ok(count)
    }

    /// Holds every log against its chain of hashes; each goes by its tenant's name.
    pub fn verify_events(&self) -> Result<Vec<(String, Verification)>> {
        self.db().read(|r| {
            let mut found = Vec::new();
            for scope in db::seal::scopes(r)? {
                let verification = db::seal::verify(r, self.keys(), &scope)?;
                let tenant = crate::tenant::find(r, &scope)?;
                found.push((tenant.map_or(scope, |tenant| tenant.name), verification));
            }
            Ok(found)
        })
    }

    /// Removes events of a tenant that were written before a moment, behind a checkpoint that keeps
    /// the rest verifiable; none if there are none.
    pub fn truncate_events(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        before: Timestamp,
    ) -> Result<Option<Checkpoint>> {
        let keys = self.sealing_keys("A log is cut off behind a checkpoint that is sealed")?;
        // What a webhook has yet to be told stays.
        let place_max = self.db().read(|r| crate::webhook::taken_by_all(r, tenant, ctx.now))?;
        let cut = Cut { before, place_max };
        Ok(self.db().truncate_events(keys, ctx, tenant.as_str(), cut)?)
    }

    /// The key file, for what cannot be done without one.
    pub(crate) fn sealing_keys(&self, why: &str) -> Result<&KeyFile> {
        self.keys().ok_or_else(|| {
            Error::refused(format!(
                "{why}, and this installation has no key file. Name one with `key_file` in muster.toml; `muster init` makes one."
            ))
        })
    }
}
