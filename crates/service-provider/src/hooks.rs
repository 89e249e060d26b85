//! Where the write path of users and groups calls licensing. One line each, so that the path
//! reads without knowing what licenses are.

use db::{Ctx, Read, Tx};
use entitlement::{GroupId, UserId};

use crate::settings::{Adopt, SelfSignup, tenant_settings};
use crate::tenant::TenantId;
use crate::user::{Origin, User, UserState};
use crate::{Result, license, licensing, rules};

/// The claims of these users may have changed: decide anew who holds what.
pub(crate) fn settle_users(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    users: &[String],
) -> Result<()> {
    licensing::settle_users(tx, ctx, tenant, &user_ids(users)).map(drop)
}

/// Users were added to a group or removed from it: decide anew if the group grants anything.
pub(crate) fn on_members_changed(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
    users: &[String],
) -> Result<()> {
    let group = GroupId(group.to_owned());
    licensing::on_membership_changed(tx, ctx, tenant, &group, &user_ids(users))
}

/// A group was just put into a group or taken out of it: nobody goes by what was known before.
pub(crate) fn on_nested(tx: &mut Tx, tenant: &TenantId) -> Result<()> {
    rules::changed(tx, tenant)
}

/// Groups were put into a group or taken out of it: decide anew for their members if it grants
/// anything.
pub(crate) fn on_nesting_changed(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
    inner: &[String],
) -> Result<()> {
    let inner: Vec<GroupId> = inner.iter().cloned().map(GroupId).collect();
    licensing::on_nesting_changed(tx, ctx, tenant, &GroupId(group.to_owned()), &inner)
}

/// A group has a new name, its first or another: a grant may have waited for it.
pub(crate) fn on_group_named(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
    name: &str,
) -> Result<()> {
    licensing::on_group_named(tx, ctx, tenant, &GroupId(group.to_owned()), name)
}

/// A group is about to be removed; its rows are still there.
pub(crate) fn on_group_deleted(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &str,
) -> Result<()> {
    licensing::on_group_deleted(tx, ctx, tenant, &GroupId(group.to_owned()))
}

/// A user can no longer sign in: what follows is queued.
pub(crate) fn on_deactivated(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, user: &str) -> Result<()> {
    licensing::on_deactivated(tx, ctx, tenant, &UserId(user.to_owned()))
}

/// A user can sign in again.
pub(crate) fn on_reactivated(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, user: &str) -> Result<()> {
    licensing::on_reactivated(tx, ctx, tenant, &UserId(user.to_owned())).map(drop)
}

/// A user is about to be removed; its rows are still there.
pub(crate) fn on_deleted(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, user: &str) -> Result<()> {
    licensing::on_deleted(tx, ctx, tenant, &UserId(user.to_owned()))
}

/// Refuses a `userType` the tenant's catalogue has retired, unless it was there before.
pub(crate) fn check_user_type(
    r: &mut Read,
    tenant: &TenantId,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<()> {
    license::check_user_type(r, tenant, before, after)
}

/// Whether a directory may take this user over, by the tenant's policy.
pub(crate) fn may_adopt(r: &mut Read, tenant: &TenantId, present: &User) -> Result<bool> {
    let own = present.origin != Origin::Scim;
    Ok(match tenant_settings(r, tenant)?.adopt {
        Adopt::Never => false,
        Adopt::SelfSignup => own,
        Adopt::Always => own || present.state == UserState::Inactive,
    })
}

/// The state of somebody who signs up, by the tenant's policy; None: it is forbidden.
pub(crate) fn self_signup(r: &mut Read, tenant: &TenantId) -> Result<Option<UserState>> {
    Ok(match tenant_settings(r, tenant)?.self_signup {
        SelfSignup::Forbidden => None,
        SelfSignup::Pending => Some(UserState::Pending),
        SelfSignup::Active => Some(UserState::Active),
    })
}

fn user_ids(users: &[String]) -> Vec<UserId> {
    users.iter().cloned().map(UserId).collect()
}
