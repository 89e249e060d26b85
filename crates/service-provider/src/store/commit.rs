//! Every write over SCIM: hands the command to the one write path of its noun, in one transaction,
//! and shows what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use db::{Ctx, Tx};
use scim::{Error as ScimError, IfMatch, MemberDelta, Resource, ResourceType, Tolerated};
use scim_server::{Command, Committed, Operation, Outcome, Step, View};
use serde_json::Value;

use super::{ScimCaller, kind, read, shown};
use crate::counter::{Kind, TypeKey};
use crate::dialect::Dialect;
use crate::group::{self, Group, MemberRules, UnknownMembers};
use crate::limits::PATCH_MEMBERS_SHOWN_MAX;
use crate::provider::ServiceProvider;
use crate::resource;
use crate::schema::check_current;
use crate::user::{self, Origin, User, UserState, Writer, check_version};
use crate::{Error, Result};

/// A write, ready for its turn.
struct Write {
    ctx: Ctx,
    caller: ScimCaller,
    rt: Arc<ResourceType>,
    base_url: Arc<str>,
    view: View,
    work: Work,
}

/// What is to be done. What needs no database is done before the writer's turn.
enum Work {
    CreateUser { resource: Resource, draft: user::Draft, life: (UserState, Origin) },
    CreateGroup { draft: group::Draft, members: MemberDelta },
    ChangeUser(Operation),
    ChangeGroup(Operation),
    Other(TypeKey, Operation),
}

/// Carries out a command.
pub(super) async fn commit(
    provider: &ServiceProvider,
    caller: &ScimCaller,
    command: Command,
) -> Result<Outcome> {
    let write = Write::of(provider, caller, command)?;
    provider.db().write_async(caller.tenant().turn(), move |tx| write.carry_out(tx)).await
}

/// Carries out commands that refer to each other, in one transaction. The error says at which of
/// them it came up.
pub(super) async fn commit_together(
    provider: &ServiceProvider,
    caller: &ScimCaller,
    steps: Vec<Step>,
) -> std::result::Result<Vec<Outcome>, (usize, ScimError)> {
    let reached = Arc::new(AtomicUsize::new(0));
    let (noted, shared, caller) = (reached.clone(), provider.clone(), caller.clone());
    let outcomes = provider.db().write_async(caller.tenant().turn(), move |tx| {
        let mut outcomes = Vec::with_capacity(steps.len());
        for (number, step) in steps.iter().enumerate() {
            noted.store(number, Ordering::Relaxed);
            let command = step.command(&outcomes)?;
            outcomes.push(Write::of(&shared, &caller, command)?.carry_out(tx)?);
        }
        Ok(outcomes)
    });
    outcomes.await.map_err(|error: Error| (reached.load(Ordering::Relaxed), error.to_scim()))
}

impl Write {
    fn of(provider: &ServiceProvider, caller: &ScimCaller, command: Command) -> Result<Self> {
        let Command { resource_type, mut operation, view, tolerated } = command;
        let endpoint = &resource_type.endpoint;
        let cause = match &operation {
            Operation::Create { .. } => format!("POST {endpoint}"),
            Operation::Replace { id, .. } => format!("PUT {endpoint}/{id}"),
            Operation::Patch { id, .. } => format!("PATCH {endpoint}/{id}"),
            Operation::Delete { id, .. } => format!("DELETE {endpoint}/{id}"),
        };
        if let Operation::Patch { request, .. } = &mut operation {
            request.replace_creates |= caller.token().dialect.replace_creates(&tolerated);
        }
        let work = match (kind(&resource_type), operation) {
            (Kind::Users, Operation::Create { resource, .. }) => {
                let resource = user::with_active(user::storable(resource), true);
                let draft = user::Draft::of(&resource)?;
                let active = resource.document().get("active") == Some(&Value::Bool(true));
                let state = if active { UserState::Active } else { UserState::Inactive };
                Work::CreateUser { resource, draft, life: (state, Origin::Scim) }
            }
            (Kind::Groups, Operation::Create { resource, members }) => {
                Work::CreateGroup { draft: group::Draft::of(&resource), members }
            }
            (Kind::Users, operation) => Work::ChangeUser(operation),
            (Kind::Groups, operation) => Work::ChangeGroup(operation),
            (Kind::Resources(key), operation) => Work::Other(key, operation),
        };
        Ok(Self {
            ctx: caller.ctx(cause, provider.clock().now()),
            caller: caller.clone(),
            base_url: provider.base_url_shared(),
            view: caller.view(&resource_type, &view),
            rt: resource_type,
            work,
        })
    }

    fn carry_out(&self, tx: &mut Tx) -> Result<Outcome> {
        let (ctx, tenant) = (&self.ctx, self.caller.tenant());
        // The request was read by the resource types that are still in force.
        check_current(tx, tenant, self.caller.types.generation())?;
        match &self.work {
            Work::CreateUser { resource, draft, life } => {
                let writer = Writer::Directory;
                let (user, _) = user::create(tx, ctx, tenant, resource, draft, *life, writer)?;
                // Adopting is answered like creating: to the client the user was not there before.
                Ok(Committed::Created(self.show_user(tx, &user)?).into())
            }
            Work::CreateGroup { draft, members } => {
                let rules = self.member_rules();
                let (group, tolerated) = group::create(tx, ctx, tenant, rules, draft, members)?;
                let committed = Committed::Created(self.show_group(tx, &group)?);
                Ok(Outcome { committed, tolerated })
            }
            Work::ChangeUser(operation) => self.change_user(tx, operation),
            Work::ChangeGroup(operation) => self.change_group(tx, operation),
            Work::Other(key, operation) => self.write_other(tx, *key, operation),
        }
    }

    fn change_user(&self, tx: &mut Tx, operation: &Operation) -> Result<Outcome> {
        let (ctx, tenant, writer) = (&self.ctx, self.caller.tenant(), Writer::Directory);
        match operation {
            Operation::Replace { id, resource, if_match, .. } => {
                let before = self.user(tx, id)?;
                check_version("User", id, if_match.as_ref(), before.version)?;
                let next = user::replaced(&before, resource.clone(), &self.rt)?;
                let user = user::update(tx, ctx, tenant, before, next, writer)?;
                Ok(Committed::Updated(self.show_user(tx, &user)?).into())
            }
            Operation::Patch { id, request, if_match } => {
                let before = self.user(tx, id)?;
                check_version("User", id, if_match.as_ref(), before.version)?;
                let outcome = request.apply(&self.rt, &before.resource()?)?;
                let (next, tolerated) = (outcome.resource, outcome.tolerated);
                let user = user::update(tx, ctx, tenant, before, next, writer)?;
                let committed = Committed::Updated(self.show_user(tx, &user)?);
                Ok(Outcome { committed, tolerated })
            }
            Operation::Delete { id, if_match } => {
                user::delete(tx, ctx, tenant, id, if_match.as_ref())?;
                Ok(Committed::Deleted.into())
            }
            Operation::Create { .. } => Err(misplaced()),
        }
    }

    fn change_group(&self, tx: &mut Tx, operation: &Operation) -> Result<Outcome> {
        let (ctx, tenant, rules) = (&self.ctx, self.caller.tenant(), self.member_rules());
        match operation {
            Operation::Replace { id, resource, members, if_match } => {
                let before = self.group(tx, id)?;
                check_version("Group", id, if_match.as_ref(), before.version)?;
                let next = before.resource()?.replace_with(resource.clone(), &self.rt)?;
                let (group, tolerated) =
                    group::update(tx, ctx, tenant, rules, before, &next, members)?;
                let committed = Committed::Updated(self.show_group(tx, &group)?);
                Ok(Outcome { committed, tolerated })
            }
            Operation::Patch { id, request, if_match } => {
                let before = self.group(tx, id)?;
                // A member delta needs no version; one that is given is kept to.
                check_version("Group", id, if_match.as_ref(), before.version)?;
                let (group, tolerated) =
                    group::patch(tx, ctx, tenant, rules, before, (request, &self.rt))?;
                self.after_patch(tx, &group, tolerated)
            }
            Operation::Delete { id, if_match } => {
                group::delete(tx, ctx, tenant, id, if_match.as_ref())?;
                Ok(Committed::Deleted.into())
            }
            Operation::Create { .. } => Err(misplaced()),
        }
    }

    /// A write of a resource of a type that the tenant defined.
    fn write_other(&self, tx: &mut Tx, key: TypeKey, operation: &Operation) -> Result<Outcome> {
        let (ctx, tenant, rt) = (&self.ctx, self.caller.tenant(), &*self.rt);
        let before = |tx: &mut Tx, id: &str, if_match: Option<&IfMatch>| {
            let found = resource::by_id(tx, tenant, key, id)?;
            let found = found.ok_or_else(|| ScimError::not_found(&rt.name, id))?;
            check_version(&rt.name, id, if_match, found.version)?;
            Ok::<_, Error>(found)
        };
        let mut tolerated = Vec::new();
        let committed = match operation {
            Operation::Create { resource, .. } => {
                let row = resource::create(tx, ctx, tenant, rt, resource)?;
                Committed::Created(shown::custom(&self.base_url, rt, &row, &self.view)?)
            }
            Operation::Replace { id, resource, if_match, .. } => {
                let before = before(tx, id, if_match.as_ref())?;
                let next = before.resource()?.replace_with(resource.clone(), rt)?;
                let row = resource::update(tx, ctx, tenant, rt, before, &next)?;
                Committed::Updated(shown::custom(&self.base_url, rt, &row, &self.view)?)
            }
            Operation::Patch { id, request, if_match } => {
                let before = before(tx, id, if_match.as_ref())?;
                let outcome = request.apply(rt, &before.resource()?)?;
                tolerated = outcome.tolerated;
                let row = resource::update(tx, ctx, tenant, rt, before, &outcome.resource)?;
                Committed::Updated(shown::custom(&self.base_url, rt, &row, &self.view)?)
            }
            Operation::Delete { id, if_match } => {
                resource::delete(tx, ctx, tenant, rt, id, if_match.as_ref())?;
                Committed::Deleted
            }
        };
        Ok(Outcome { committed, tolerated })
    }

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
        // "The server MUST return a 200 OK if the "attributes" parameter is specified."
        let large = self.view.wants_rows()
            && group.member_count > PATCH_MEMBERS_SHOWN_MAX
            && !self.view.projection().names_attributes();
        let committed = if large || (self.view.is_plain() && dialect.wants_groups_unshown()) {
            Committed::Unshown { id: group.id.clone(), version: group.version }
        } else {
            Committed::Updated(self.show_group(tx, group)?)
        };
        Ok(Outcome { committed, tolerated })
    }
}

/// [`Write::of`] makes another kind of work of a creation.
fn misplaced() -> Error {
    ScimError::new(500, "The server took a creation for a change. This is a fault of it.").into()
}
