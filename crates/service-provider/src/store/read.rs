//! Reading one resource, and the rows that belong to it.

use db::Read;
use scim::ResourceType;
use scim_server::{Stored, View};

use super::{kind, shown};
use crate::Result;
use crate::counter::Kind;
use crate::group::{self, Group, MemberRow};
use crate::resource;
use crate::tenant::TenantId;
use crate::user::{self, GroupRef, User};

/// One resource of a tenant, if it is there.
pub(super) fn one(
    r: &mut Read,
    base_url: &str,
    tenant: &TenantId,
    rt: &ResourceType,
    id: &str,
    view: &View,
) -> Result<Option<Stored>> {
    match kind(rt) {
        Kind::Users => match user::by_id(r, tenant, id)? {
            Some(row) => show_user(r, base_url, tenant, &row, view).map(Some),
            None => Ok(None),
        },
        Kind::Groups => match group::by_id(r, tenant, id)? {
            Some(row) => show_group(r, base_url, tenant, &row, view).map(Some),
            None => Ok(None),
        },
        Kind::Resources(key) => match resource::by_id(r, tenant, key, id)? {
            Some(row) => shown::custom(base_url, rt, &row, view).map(Some),
            None => Ok(None),
        },
    }
}

/// A user with its groups, unless they are not to be shown.
pub(super) fn show_user(
    r: &mut Read,
    base_url: &str,
    tenant: &TenantId,
    row: &User,
    view: &View,
) -> Result<Stored> {
    let groups: Vec<GroupRef> =
        if view.wants("groups") { user::groups_of(r, tenant, &row.id)? } else { Vec::new() };
    shown::user(base_url, row, &groups, view)
}

/// A group with its members, unless they are not to be shown.
pub(super) fn show_group(
    r: &mut Read,
    base_url: &str,
    tenant: &TenantId,
    row: &Group,
    view: &View,
) -> Result<Stored> {
    let members: Vec<MemberRow> =
        if view.wants_rows() { group::members_of(r, tenant, &row.id)? } else { Vec::new() };
    shown::group(base_url, row, &members, view)
}
