//! What has happened in a tenant, as it was appended in the transactions of what it tells.

use db::{Event, EventQuery};

use crate::Result;
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;

impl ServiceProvider {
    /// Events of a tenant: `user.created`, `group.member.added`, `token.rotated`, …
    pub fn events(&self, tenant: &TenantId, query: &EventQuery) -> Result<Vec<Event>> {
        Ok(self.db().read(|r| db::event::events(r, tenant.as_str(), query))?)
    }
}
