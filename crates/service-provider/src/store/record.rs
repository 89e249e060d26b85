//! A row of either kind with the rows that belong to it, as a page is made from them.

use db::{Read, Value};
use scim::{Query, Resource, ResourceType};
use scim_server::{Stored, View};
use serde_json::{Map, Value as Json, json};

use super::page::is_core;
use super::shown;
use crate::Result;
use crate::counter::Kind;
use crate::group::{self, Group, MemberRow};
use crate::resource::{self, CustomResource};
use crate::tenant::TenantId;
use crate::user::{self, GroupRef, User};

/// A user, a group or a resource of a type that the tenant defined.
pub(super) enum Record {
    User { row: User, groups: Option<Vec<GroupRef>> },
    Group { row: Group, members: Option<Vec<MemberRow>> },
    Custom { row: CustomResource },
}

/// What has to be read of a record beyond its columns.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// The document has to be parsed.
    pub document: bool,
    /// `meta` has to be made.
    pub meta: bool,
    /// A user's groups, a group's members.
    pub rows: bool,
}

impl Needs {
    /// What a filter and an order look at. Most look at columns only, and are evaluated without
    /// parsing what is stored.
    pub(super) fn of(rt: &ResourceType, query: &Query) -> Self {
        let mut needs = Self::default();
        let paths = query.filter.as_ref().map(scim::Filter::paths).unwrap_or_default();
        for path in paths.iter().chain(&query.sort_by) {
            let named =
                |names: &[&str]| names.iter().any(|name| path.attribute.eq_ignore_ascii_case(name));
            if !is_core(rt, path) {
                needs.document = true;
            } else if named(&["meta"]) {
                needs.meta = true;
            } else if named(&["groups", "members"]) {
                needs.rows = true;
            } else if path.sub_attribute.is_some()
                || !named(&["id", "userName", "externalId", "displayName", "active"])
            {
                needs.document = true;
            }
        }
        needs
    }
}

impl Record {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::User { row, .. } => &row.id,
            Self::Group { row, .. } => &row.id,
            Self::Custom { row } => &row.id,
        }
    }

    /// The document a filter and an order are held against.
    pub(super) fn document(
        &self,
        base_url: &str,
        rt: &ResourceType,
        needs: &Needs,
    ) -> Result<Map<String, Json>> {
        let mut resource = match self {
            Self::Custom { row } => {
                return Ok(shown::custom_document(base_url, rt, row)?.into_document());
            }
            Self::User { row, .. } if needs.document => row.resource()?,
            Self::Group { row, .. } if needs.document => row.resource()?,
            Self::User { row, .. } => {
                let mut resource = Resource::default();
                resource.set("userName", row.user_name.clone().into());
                resource.set("externalId", row.external_id.clone().into());
                resource.set("displayName", row.display_name.clone().into());
                if row.shows_active() {
                    resource.set("active", row.active.into());
                }
                resource
            }
            Self::Group { row, .. } => {
                let mut resource = Resource::default();
                resource.set("displayName", row.display_name.clone().into());
                resource.set("externalId", row.external_id.clone().into());
                resource
            }
        };
        if needs.meta {
            resource = match self {
                Self::User { row, .. } => shown::user_document(base_url, row, resource),
                Self::Group { row, .. } => shown::group_document(base_url, row, resource),
                Self::Custom { .. } => resource,
            };
        } else {
            resource.set("id", self.id().into());
        }
        match self {
            Self::User { groups: Some(groups), .. } => {
                let groups = groups.iter().map(|group| shown::group_value(base_url, group));
                resource.set("groups", groups.collect());
            }
            Self::Group { members: Some(members), .. } => {
                let members =
                    members.iter().map(|member| json!(shown::member_value(base_url, member)));
                resource.set("members", members.collect());
            }
            _ => {}
        }
        Ok(resource.into_document())
    }

    /// The record as the client sees it; rows that were only read for the filter stay out.
    pub(super) fn show(&self, base_url: &str, rt: &ResourceType, view: &View) -> Result<Stored> {
        match self {
            Self::User { row, groups } => {
                let groups = groups.as_deref().filter(|_| view.wants("groups"));
                shown::user(base_url, row, groups.unwrap_or_default(), view)
            }
            Self::Group { row, members } => {
                let members = members.as_deref().filter(|_| view.wants_rows());
                shown::group(base_url, row, members.unwrap_or_default(), view)
            }
            Self::Custom { row } => shown::custom(base_url, rt, row, view),
        }
    }
}

/// The records of a query that goes on from the tenant's.
pub(super) fn fetch(r: &mut Read, kind: Kind, tail: &str, values: &[Value]) -> Result<Vec<Record>> {
    Ok(match kind {
        Kind::Users => r.query(&format!("{} {tail}", user::SELECT), values, |row| {
            Ok(Record::User { row: user::read_row(row)?, groups: None })
        })?,
        Kind::Groups => r.query(&format!("{} {tail}", group::SELECT), values, |row| {
            Ok(Record::Group { row: group::read_row(row)?, members: None })
        })?,
        Kind::Resources(key) => {
            r.query(&format!("{} {tail}", resource::select(key)), values, |row| {
                Ok(Record::Custom { row: resource::read_row(row)? })
            })?
        }
    })
}

/// Reads the rows that belong to the records, where they are needed and not there yet.
pub(super) fn attach(
    r: &mut Read,
    tenant: &TenantId,
    records: &mut [Record],
    needs: &Needs,
) -> Result<()> {
    if !needs.rows {
        return Ok(());
    }
    if attach_groups_of_range(r, tenant, records)? {
        return Ok(());
    }
    for record in records {
        match record {
            Record::User { row, groups: groups @ None } => {
                *groups = Some(user::groups_of(r, tenant, &row.id)?);
            }
            Record::Group { row, members: members @ None } => {
                *members = Some(group::members_of(r, tenant, &row.id)?);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The groups of users in the order of their ids, in one go. Says whether that was so.
fn attach_groups_of_range(r: &mut Read, tenant: &TenantId, records: &mut [Record]) -> Result<bool> {
    let (Some(Record::User { row: first, .. }), Some(Record::User { row: last, .. })) =
        (records.first(), records.last())
    else {
        return Ok(false);
    };
    if records.len() < 2 || !records.is_sorted_by(|left, right| left.id() < right.id()) {
        return Ok(false);
    }
    // Between scattered users lie the memberships of everybody in between, and not for long reads.
    let found = user::groups_of_range(r, tenant, &first.id, &last.id, records.len())?;
    let Some(found) = found else { return Ok(false) };
    let mut found = found.into_iter().peekable();
    for record in records {
        let Record::User { row, groups } = record else { continue };
        let mut own = Vec::new();
        while let Some((user, group)) = found.next_if(|(user, _)| *user <= row.id) {
            if user == row.id {
                own.push(group);
            }
        }
        *groups = Some(own);
    }
    Ok(true)
}
