//! Where the write path of users and groups calls licensing. One line each, so that the path
//! reads without knowing what licenses are.

use db::{Ctx, Read, Tx};

use crate::Result;
use crate::tenant::TenantId;
use crate::user::{Origin, User, UserState};

/// The grants of these users may have changed: decide anew who holds what.
pub(crate) fn settle_users(
    _tx: &mut Tx,
    _ctx: &Ctx,
    _tenant: &TenantId,
    _users: &[String],
) -> Result<()> {
    Ok(())
}

/// A group has come to be: a grant may have waited for its name.
pub(crate) fn on_group_created(
    _tx: &mut Tx,
    _ctx: &Ctx,
    _tenant: &TenantId,
    _group: &str,
    _name: &str,
) -> Result<()> {
    Ok(())
}

/// A user can no longer sign in: what follows is queued.
pub(crate) fn on_deactivated(
    _tx: &mut Tx,
    _ctx: &Ctx,
    _tenant: &TenantId,
    _user: &str,
) -> Result<()> {
    Ok(())
}

/// A user can sign in again.
pub(crate) fn on_reactivated(
    _tx: &mut Tx,
    _ctx: &Ctx,
    _tenant: &TenantId,
    _user: &str,
) -> Result<()> {
    Ok(())
}

/// A user is about to be removed; its rows are still there.
pub(crate) fn on_deleted(_tx: &mut Tx, _ctx: &Ctx, _tenant: &TenantId, _user: &str) -> Result<()> {
    Ok(())
}

/// Refuses a `userType` the tenant's catalogue has retired, unless it was there before.
pub(crate) fn check_user_type(
    _r: &mut Read,
    _tenant: &TenantId,
    _before: Option<&str>,
    _after: Option<&str>,
) -> Result<()> {
    Ok(())
}

/// Whether a directory may take this user over, by the tenant's policy.
pub(crate) fn may_adopt(_r: &mut Read, _tenant: &TenantId, present: &User) -> Result<bool> {
    Ok(present.origin != Origin::Scim)
}

/// The state of somebody who signs up, by the tenant's policy; None: it is forbidden.
pub(crate) fn self_signup(_r: &mut Read, _tenant: &TenantId) -> Result<Option<UserState>> {
    Ok(Some(UserState::Pending))
}
