//! Every write over SCIM: hands the command to the one write path of its noun, in one transaction,
//! and shows what came of it.

use std::sync::Arc;

use db::{Ctx, Tx};
use scim::{Error as ScimError, Tolerated};
use scim_server::{Command, Committed, Operation, Outcome, View};
use serde_json::Value;

use super::{kind, read};
use crate::Result;
use crate::caller::Caller;
use crate::counter::Kind;
use crate::dialect::Dialect;
use crate::group::{self, Group, MemberRules, UnknownMembers};
use crate::limits::PATCH_MEMBERS_SHOWN_MAX;
use crate::provider::ServiceProvider;
use crate::resource_types::{group_type, user_type};
use crate::user::{self, Origin, User, UserState, Writer, check_version};

/// What a write is done with.
struct Write {
    ctx: Ctx,
    caller: Caller,
    base_url: Arc<str>,
    view: View,
}

/// Carries out a command.
pub(super) async fn commit(
    provider: &ServiceProvider,
    caller: &Caller,
    command: Command,
) -> Result<Outcome> {
    let Command { resource_type, mut operation, view, tolerated } = command;
    let cause = match &operation {
        Operation::Create { .. } => format!("POST {}", resource_type.endpoint),
        Operation::Replace { id, .. } => format!("PUT {}/{id}", resource_type.endpoint),
        Operation::Patch { id, .. } => format!("PATCH {}/{id}", resource_type.endpoint),
        Operation::Delete { id, .. } => format!("DELETE {}/{id}", resource_type.endpoint),
    };
    if let Operation::Patch { request, .. } = &mut operation {
        request.replace_creates |= caller.token().dialect.replace_creates(&tolerated);
    }
    let write = Write {
        ctx: caller.ctx(cause, provider.clock().now()),
        caller: caller.clone(),
        base_url: provider.base_url_shared(),
        view,
    };
    match kind(&resource_type) {
        Kind::Users => users(provider, write, operation).await,
        Kind::Groups => groups(provider, write, operation).await,
    }
}

async fn users(provider: &ServiceProvider, write: Write, operation: Operation) -> Result<Outcome> {
    let db = provider.db();
    let writer = Writer::Directory;
    match operation {
        Operation::Create { resource, .. } => {
            // What needs no database is done before the writer's turn.
            let resource = user::with_active(user::storable(resource), true);
            let draft = user::Draft::of(&resource)?;
            let active = resource.document().get("active") == Some(&Value::Bool(true));
            let state = if active { UserState::Active } else { UserState::Inactive };
            let life = (state, Origin::Scim);
            db.write_async(write.caller.tenant().turn(), move |tx| {
                let tenant = write.caller.tenant();
                let (user, _) =
                    user::create(tx, &write.ctx, tenant, &resource, &draft, life, writer)?;
                // Adopting is answered like creating: to the client the user was not there before.
                Ok(Committed::Created(write.show_user(tx, &user)?).into())
            })
            .await
        }
        Operation::Replace { id, resource, if_match, .. } => {
            db.write_async(write.caller.tenant().turn(), move |tx| {
                let before = write.user(tx, &id)?;
                check_version("User", &id, if_match.as_ref(), before.version)?;
                let next = user::replaced(&before, resource.clone())?;
                let user =
                    user::update(tx, &write.ctx, write.caller.tenant(), before, next, writer)?;
                Ok(Committed::Updated(write.show_user(tx, &user)?).into())
            })
            .await
        }
        Operation::Patch { id, request, if_match } => {
            db.write_async(write.caller.tenant().turn(), move |tx| {
                let before = write.user(tx, &id)?;
                check_version("User", &id, if_match.as_ref(), before.version)?;
                let outcome = request.apply(user_type(), &before.resource()?)?;
                let (next, tolerated) = (outcome.resource, outcome.tolerated);
                let user =
                    user::update(tx, &write.ctx, write.caller.tenant(), before, next, writer)?;
                let committed = Committed::Updated(write.show_user(tx, &user)?);
                Ok(Outcome { committed, tolerated })
            })
            .await
        }
        Operation::Delete { id, if_match } => {
            db.write_async(write.caller.tenant().turn(), move |tx| {
                user::delete(tx, &write.ctx, write.caller.tenant(), &id, if_match.as_ref())?;
                Ok(Committed::Deleted.into())
            })
            .await
        }
    }
}

async fn groups(provider: &ServiceProvider, write: Write, operation: Operation) -> Result<Outcome> {
    let db = provider.db();
    match operation {
        Operation::Create { resource, members } => {
            let draft = group::Draft::of(&resource);
            db.write_async(write.caller.tenant().turn(), move |tx| {
                let tenant = write.caller.tenant();
                let rules = write.member_rules();
                let (group, tolerated) =
                    group::create(tx, &write.ctx, tenant, rules, &draft, &members)?;
                let committed = Committed::Created(write.show_group(tx, &group)?);
                Ok(Outcome { committed, tolerated })
            })
            .await
        }
        Operation::Replace { id, resource, members, if_match } => {
            db.write_async(write.caller.tenant().turn(), move |tx| {
                let before = write.group(tx, &id)?;
                check_version("Group", &id, if_match.as_ref(), before.version)?;
                let next = before.resource()?.replace_with(resource.clone(), group_type())?;
                let (tenant, rules) = (write.caller.tenant(), write.member_rules());
                let (group, tolerated) =
                    group::update(tx, &write.ctx, tenant, rules, before, &next, &members)?;
                let committed = Committed::Updated(write.show_group(tx, &group)?);
                Ok(Outcome { committed, tolerated })
            })
            .await
        }
        Operation::Patch { id, request, if_match } => {
            db.write_async(write.caller.tenant().turn(), move |tx| {
                let before = write.group(tx, &id)?;
                // A member delta needs no version; one that is given is kept to.
                check_version("Group", &id, if_match.as_ref(), before.version)?;
                let tenant = write.caller.tenant();
                let rules = write.member_rules();
                let (group, tolerated) =
                    group::patch(tx, &write.ctx, tenant, rules, before, &request)?;
                write.after_patch(tx, &group, tolerated)
            })
            .await
        }
        Operation::Delete { id, if_match } => {
            db.write_async(write.caller.tenant().turn(), move |tx| {
                group::delete(tx, &write.ctx, write.caller.tenant(), &id, if_match.as_ref())?;
                Ok(Committed::Deleted.into())
            })
            .await
        }
    }
}

impl Write {
    fn user(&self, tx: &mut Tx, id: &str) -> Result<User> {
        let found = user::by_id(tx, self.caller.tenant(), id)?;
        found.ok_or_else(|| ScimError::not_found("User", id).into())
    }

    fn group(&self, tx: &mut Tx, id: &str) -> Result<Group> {
        let found = group::by_id(tx, self.caller.tenant(), id)?;
        found.ok_or_else(|| ScimError::not_found("Group", id).into())
    }

    fn member_rules(&self) -> MemberRules<'_> {
        let tolerances = self.caller.token().dialect.tolerances();
        MemberRules { base_url: &self.base_url, unknown: UnknownMembers::of(tolerances) }
    }

    fn show_user(&self, tx: &mut Tx, user: &User) -> Result<scim_server::Stored> {
        read::show_user(tx, &self.base_url, self.caller.tenant(), user, &self.view)
    }

    fn show_group(&self, tx: &mut Tx, group: &Group) -> Result<scim_server::Stored> {
        read::show_group(tx, &self.base_url, self.caller.tenant(), group, &self.view)
    }

    /// RFC 7644 3.5.2: 200 with the resource, or 204. A large group is not sent back with every
    /// member that is added to it.
    fn after_patch(
        &self,
        tx: &mut Tx,
        group: &Group,
        tolerated: Vec<Tolerated>,
    ) -> Result<Outcome> {
        let dialect: Dialect = self.caller.token().dialect;
        let large = self.view.wants_rows() && group.member_count > PATCH_MEMBERS_SHOWN_MAX;
        let committed = if large || (self.view.is_plain() && dialect.wants_groups_unshown()) {
            Committed::Unshown { id: group.id.clone(), version: group.version }
        } else {
            Committed::Updated(self.show_group(tx, group)?)
        };
        Ok(Outcome { committed, tolerated })
    }
}
