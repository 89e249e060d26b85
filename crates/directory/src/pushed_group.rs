//! Push groups in the database: as they are in an application, and those that were seen there.

use std::collections::{BTreeMap, BTreeSet};

use db::{Ctx, Read, Tx, params};
use jiff::Timestamp;
use lifecycle::{
    ApplicationId, Assignment, GroupId, Memberships, Origin, PersonId, PushedGroup, RemoteGroup,
    RemoteId, Situation,
};

use crate::Error;
use crate::person::parsed;

/// The push groups of an application as they are there, with the members that were acknowledged.
pub(crate) fn all(r: &mut Read, application: &ApplicationId) -> Result<Vec<PushedGroup>, Error> {
    let mut groups = r.query(
        "SELECT group_id, remote_id, origin, status, written_name FROM push_groups \
         WHERE application_id = $1 ORDER BY group_id",
        params![application.as_str()],
        |row| {
            let remote_id = match row.opt_text(1)? {
                Some(id) => Some(parsed("remote id", &id, RemoteId::parse)?),
                None => None,
            };
            let status = row.text(3)?;
            let situation = match (&remote_id, status.as_str()) {
                (_, "gone") => Situation::Gone,
                (Some(_), _) => Situation::Linked,
                (None, _) => Situation::Absent,
            };
            Ok(PushedGroup {
                group: parsed("group id", row.text_ref(0)?, GroupId::parse)?,
                remote_id,
                origin: Origin::parse(row.text_ref(2)?).unwrap_or(Origin::Created),
                situation,
                written_name: row.opt_text(4)?,
                members: BTreeSet::new(),
            })
        },
    )?;
    let mut members: BTreeMap<GroupId, BTreeSet<PersonId>> = BTreeMap::new();
    let mut group: Option<(GroupId, BTreeSet<PersonId>)> = None;
    r.for_each(
        "SELECT group_id, person_id FROM pushed_members WHERE application_id = $1 \
         AND in_doubt = $2 ORDER BY group_id, person_id",
        params![application.as_str(), false],
        |row| {
            let person = parsed("person id", row.text_ref(1)?, PersonId::parse)?;
            let same = matches!(&group, Some((id, _)) if id.as_str() == row.text_ref(0)?);
            if !same {
                members.extend(group.take());
                let id = parsed("group id", row.text_ref(0)?, GroupId::parse)?;
                group = Some((id, BTreeSet::new()));
            }
            if let Some((_, people)) = &mut group {
                people.insert(person);
            }
            Ok(std::ops::ControlFlow::Continue(()))
        },
    )?;
    members.extend(group);
    for group in &mut groups {
        group.members = members.remove(&group.group).unwrap_or_default();
    }
    Ok(groups)
}

/// Members of whom nobody knows whether they are there: a request about them was not acknowledged.
pub(crate) fn doubts(
    r: &mut Read,
    application: &ApplicationId,
) -> Result<Vec<(GroupId, PersonId)>, Error> {
    Ok(r.query(
        "SELECT group_id, person_id FROM pushed_members WHERE application_id = $1 \
         AND in_doubt = $2 ORDER BY group_id, person_id",
        params![application.as_str(), true],
        |row| {
            let group = parsed("group id", row.text_ref(0)?, GroupId::parse)?;
            Ok((group, parsed("person id", row.text_ref(1)?, PersonId::parse)?))
        },
    )?)
}

/// Takes a doubt for what makes the plan do something about it: who should be a member is taken not
/// to be there and added again, who should not is taken to be there and removed.
pub(crate) fn resolve(
    groups: &mut [PushedGroup],
    doubts: &[(GroupId, PersonId)],
    assignments: &[Assignment],
    memberships: &Memberships<'_>,
) {
    for (group, person) in doubts {
        let is_member = |group: &GroupId| memberships.contains(group, person);
        let wanted =
            is_member(group) && !lifecycle::assigned(assignments, person, is_member).is_empty();
        let pushed = groups.iter_mut().find(|pushed| pushed.group == *group);
        if let (false, Some(pushed)) = (wanted, pushed) {
            pushed.members.insert(person.clone());
        }
    }
}

/// A request about these members is about to be sent.
pub(crate) fn put_doubt(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    group: &GroupId,
    people: &[PersonId],
) -> Result<(), Error> {
    for person in people {
        tx.execute(
            "INSERT INTO pushed_members (application_id, group_id, person_id, pushed_at, in_doubt) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (application_id, group_id, person_id) \
             DO UPDATE SET in_doubt = excluded.in_doubt",
            params![application.as_str(), group.as_str(), person.as_str(), ctx.now, true],
        )?;
    }
    Ok(())
}

/// A group is there now: created or linked, with these members.
pub(crate) fn put_linked(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    group: &GroupId,
    (remote_id, origin, name): (&RemoteId, Origin, &str),
    members: &[PersonId],
) -> Result<(), Error> {
    tx.execute(
        "UPDATE push_groups SET remote_id = $1, origin = $2, status = 'linked', \
         status_reason = NULL, written_name = $3, pushed_at = $4 \
         WHERE application_id = $5 AND group_id = $6",
        params![
            remote_id.as_str(),
            origin.as_str(),
            name,
            ctx.now,
            application.as_str(),
            group.as_str()
        ],
    )?;
    // Who is in doubt stays so.
    tx.execute(
        "DELETE FROM pushed_members WHERE application_id = $1 AND group_id = $2 AND in_doubt = $3",
        params![application.as_str(), group.as_str(), false],
    )?;
    put_members(tx, ctx, application, group, members, &[])?;
    tx.execute(
        "DELETE FROM unlinked_groups WHERE application_id = $1 AND remote_id = $2",
        params![application.as_str(), remote_id.as_str()],
    )?;
    Ok(())
}

/// A group has another name there now.
pub(crate) fn put_name(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    group: &GroupId,
    name: &str,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE push_groups SET written_name = $1, pushed_at = $2 \
         WHERE application_id = $3 AND group_id = $4",
        params![name, ctx.now, application.as_str(), group.as_str()],
    )?;
    Ok(())
}

/// Members have come and gone there.
pub(crate) fn put_members(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    group: &GroupId,
    added: &[PersonId],
    removed: &[PersonId],
) -> Result<(), Error> {
    for person in added {
        tx.execute(
            "INSERT INTO pushed_members (application_id, group_id, person_id, pushed_at, in_doubt) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (application_id, group_id, person_id) \
             DO UPDATE SET pushed_at = excluded.pushed_at, in_doubt = excluded.in_doubt",
            params![application.as_str(), group.as_str(), person.as_str(), ctx.now, false],
        )?;
    }
    for person in removed {
        tx.execute(
            "DELETE FROM pushed_members \
             WHERE application_id = $1 AND group_id = $2 AND person_id = $3",
            params![application.as_str(), group.as_str(), person.as_str()],
        )?;
    }
    Ok(())
}

/// A group is not there any more.
pub(crate) fn mark_gone(
    tx: &mut Tx,
    application: &ApplicationId,
    group: &GroupId,
    reason: &str,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE push_groups SET status = 'gone', status_reason = $1 \
         WHERE application_id = $2 AND group_id = $3",
        params![reason, application.as_str(), group.as_str()],
    )?;
    forget_members(tx, application, group)
}

/// Notes what went wrong with a group.
pub(crate) fn put_error(
    tx: &mut Tx,
    application: &ApplicationId,
    group: &GroupId,
    reason: &str,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE push_groups SET status_reason = $1 WHERE application_id = $2 AND group_id = $3",
        params![reason, application.as_str(), group.as_str()],
    )?;
    Ok(())
}

/// Every group that was seen there and is linked to none here.
pub(crate) fn unlinked(
    r: &mut Read,
    application: &ApplicationId,
) -> Result<Vec<RemoteGroup>, Error> {
    Ok(r.query(
        "SELECT remote_id, display_name FROM unlinked_groups WHERE application_id = $1 \
         ORDER BY remote_id",
        params![application.as_str()],
        |row| {
            Ok(RemoteGroup {
                remote_id: parsed("remote id", row.text_ref(0)?, RemoteId::parse)?,
                display_name: row.text(1)?,
                members: None,
            })
        },
    )?)
}

/// Notes a group that was seen there, unless it is linked.
pub(crate) fn put_unlinked(
    tx: &mut Tx,
    application: &ApplicationId,
    group: &RemoteGroup,
    now: Timestamp,
) -> Result<(), Error> {
    let linked = tx.query_opt(
        "SELECT 1 FROM push_groups WHERE application_id = $1 AND remote_id = $2 \
         AND status = 'linked'",
        params![application.as_str(), group.remote_id.as_str()],
        |row| row.int(0),
    )?;
    if linked.is_some() {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO unlinked_groups (application_id, remote_id, display_name, display_name_key, \
         observed_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (application_id, remote_id) \
         DO UPDATE SET display_name = excluded.display_name, \
         display_name_key = excluded.display_name_key, observed_at = excluded.observed_at",
        params![
            application.as_str(),
            group.remote_id.as_str(),
            group.display_name.as_str(),
            group.display_name.to_lowercase(),
            now
        ],
    )?;
    Ok(())
}

/// Forgets the groups of that name that were seen, before what is there now is noted.
pub(crate) fn forget_unlinked_named(
    tx: &mut Tx,
    application: &ApplicationId,
    name: &str,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM unlinked_groups WHERE application_id = $1 AND display_name_key = $2",
        params![application.as_str(), name.to_lowercase()],
    )?;
    Ok(())
}

/// Forgets the groups that a complete list did not show any more.
pub(crate) fn forget_unlinked_before(
    tx: &mut Tx,
    application: &ApplicationId,
    seen_since: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM unlinked_groups WHERE application_id = $1 AND observed_at < $2",
        params![application.as_str(), seen_since],
    )?;
    Ok(())
}

fn forget_members(tx: &mut Tx, application: &ApplicationId, group: &GroupId) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM pushed_members WHERE application_id = $1 AND group_id = $2",
        params![application.as_str(), group.as_str()],
    )?;
    Ok(())
}
