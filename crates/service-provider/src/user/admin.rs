//! What administrators do to users, and people to themselves: the same write path as over SCIM.

use db::Ctx;
use scim::{Resource, Tolerances};
use serde_json::{Value, json};

use super::row::{Origin, SELECT, User, UserState, by_id, by_user_name, read_row};
use super::write::{Draft, Writer, create, delete, storable, update, with_active};
use crate::limits::LIST_COUNT_MAX;
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result, hooks};

/// Which users to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Only those in this state.
    pub state: Option<UserState>,
    /// Only those whose userName begins so, whatever the case.
    pub user_name_prefix: Option<String>,
    /// Only those after this userName in the alphabet: the last of the page before.
    pub after_user_name: Option<String>,
    /// How many at most.
    pub limit: Option<u64>,
}

/// A person who signs up without a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// The e-mail address, which is also the login.
    pub email: String,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
}

impl ServiceProvider {
    /// Users of a tenant by userName.
    pub fn users(&self, tenant: &TenantId, query: &UserQuery) -> Result<Vec<User>> {
        let mut sql = SELECT.to_owned();
        let mut values = vec![db::Value::from(tenant)];
        let mut with = |condition: &str, value: db::Value| {
            values.push(value);
            sql.push_str(&condition.replace('?', &format!("${}", values.len())));
        };
        if let Some(state) = query.state {
            with(" AND u.state = ?", state.as_str().into());
        }
        if let Some(after) = &query.after_user_name {
            with(" AND u.user_name_key > ?", after.to_lowercase().into());
        }
        if let Some(prefix) = &query.user_name_prefix {
            let prefix = prefix.to_lowercase();
            with(" AND u.user_name_key >= ?", prefix.clone().into());
            with(" AND u.user_name_key < ?", format!("{prefix}\u{10ffff}").into());
        }
        let limit = query.limit.unwrap_or(LIST_COUNT_MAX).min(LIST_COUNT_MAX);
        with(" ORDER BY u.user_name_key LIMIT ?", limit.into());
        self.db().read(|r| Ok(r.query(&sql, &values, read_row)?))
    }

    /// The user of this userName (in any case) or id.
    pub fn user(&self, tenant: &TenantId, user_name_or_id: &str) -> Result<User> {
        self.db().read(|r| find(r, tenant, user_name_or_id))
    }

    /// The names of the groups a user is a member of.
    pub fn user_groups(&self, tenant: &TenantId, user: &str) -> Result<Vec<String>> {
        let groups = self.db().read(|r| super::groups_of(r, tenant, user))?;
        Ok(groups.into_iter().map(|group| group.display_name).collect())
    }

    /// Creates a user on an administrator's word.
    pub fn create_user(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        document: &Value,
        state: UserState,
    ) -> Result<User> {
        let (mut resource, _, _) =
            Resource::read(document, self.types_of(tenant)?.users(), &Tolerances::none())?;
        resource.set("active", Value::Bool(state == UserState::Active));
        self.create_person(ctx, tenant, resource, (state, Origin::Admin))
    }

    /// A person signs up, if the tenant allows it: pending until they accept, or active at once. A
    /// pending user is shown, and shut out.
    pub fn sign_up(&self, ctx: &Ctx, tenant: &TenantId, person: &SignUp) -> Result<User> {
        let state = match self.db().read(|r| hooks::self_signup(r, tenant))? {
            Some(state) => state,
            None => {
                return Err(Error::refused(format!(
                    "`{}` cannot sign up: accounts come from the directory. Ask an administrator for one.",
                    person.email
                )));
            }
        };
        let document = json!({
            "schemas": [scim::urn::USER],
            "userName": person.email,
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "emails": [{"value": person.email, "type": "work", "primary": true}],
            "active": state == UserState::Active,
        });
        let (resource, _, _) =
            Resource::read(&document, self.types_of(tenant)?.users(), &Tolerances::none())?;
        self.create_person(ctx, tenant, resource, (state, Origin::Signup))
    }

    /// Shuts a user out. Memberships stay; what else follows is licensing's to decide.
    pub fn deactivate_user(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user_name_or_id: &str,
    ) -> Result<User> {
        self.set_active(ctx, tenant, user_name_or_id, false)
    }

    /// Lets a user in again, or for the first time.
    pub fn reactivate_user(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user_name_or_id: &str,
    ) -> Result<User> {
        self.set_active(ctx, tenant, user_name_or_id, true)
    }

    /// Removes a user for good.
    pub fn delete_user(&self, ctx: &Ctx, tenant: &TenantId, user_name_or_id: &str) -> Result<()> {
        let (ctx, tenant, wanted) = (ctx.clone(), tenant.clone(), user_name_or_id.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let user = find(tx, &tenant, &wanted)?;
            delete(tx, &ctx, &tenant, &user.id, None)
        })
    }

    fn create_person(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        resource: Resource,
        life: (UserState, Origin),
    ) -> Result<User> {
        let resource = storable(with_active(resource, life.0 == UserState::Active));
        let draft = Draft::of(&resource)?;
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        self.db().write(tenant.turn(), move |tx| {
            let (user, _) = create(tx, &ctx, &tenant, &resource, &draft, life, Writer::Person)?;
            Ok(user)
        })
    }

    fn set_active(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user_name_or_id: &str,
        active: bool,
    ) -> Result<User> {
        let (ctx, tenant, wanted) = (ctx.clone(), tenant.clone(), user_name_or_id.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let user = find(tx, &tenant, &wanted)?;
            let mut next = user.resource()?;
            next.set("active", Value::Bool(active));
            update(tx, &ctx, &tenant, user, next, Writer::Person)
        })
    }
}

/// The user of this id or `userName`.
pub(crate) fn find(r: &mut db::Read, tenant: &TenantId, user_name_or_id: &str) -> Result<User> {
    let found = match by_id(r, tenant, user_name_or_id)? {
        Some(user) => Some(user),
        None => by_user_name(r, tenant, user_name_or_id)?,
    };
    found.ok_or_else(|| Error::not_found("user", user_name_or_id))
}
