//! Members: how a group and its members travel, batch by batch.
//!
//! Each batch is written down with its event before the next one is sent, so whoever takes over goes
//! on where the last one stopped. A batch that is refused is halved until the members that are
//! refused stand alone; the others arrive.

use std::collections::BTreeSet;

use lifecycle::{
    Action, ApplicationProfile, Change, GroupId, GroupPatch, MemberBatch, Origin, PersonId,
    RemoteId,
};
use scim::{PatchOp, PatchOperation, PatchPath, PatchRequest};
use serde_json::{Map, Value, json};

use super::Run;
use super::group::{Found, Job};
use super::look::find_groups;
use super::wire::{Trouble, Wire};
use crate::client::Failure;
use crate::directory::SCOPE;
use crate::{Error, account, limits, pushed_group};

/// Where groups are.
const GROUPS: &str = "Groups";
/// The core schema of groups.
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Something of a change that was refused while the rest was done.
pub(super) struct Refused {
    /// What: a member's name, or the group's new name.
    pub what: String,
    /// Why.
    pub failure: Failure,
}

/// Creates or links a group, renames it, and brings its members. Says what was refused.
pub(super) async fn carry_out(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
) -> Result<Vec<Refused>, Trouble> {
    let profile = &found.world.application.profile;
    let batches = change.action.member_batches(profile);
    let mut refused = Vec::new();
    let remote_id = match &change.action {
        Action::CreateGroup { display_name, .. } => {
            create(job, found, change, display_name, &batches.with_create).await?
        }
        Action::LinkGroup { remote_id, rename, present, .. } => {
            let name = rename.as_ref().map_or(change.name.as_str(), |rename| rename.from.as_str());
            link(job, change, remote_id, name, present).await?;
            remote_id.clone()
        }
        _ => {
            let linked = found.pushed.as_ref().and_then(|pushed| pushed.linked());
            linked
                .cloned()
                .ok_or_else(|| Failure::NotSent { reason: "the group is not linked".to_string() })?
        }
    };
    let created = matches!(change.action, Action::CreateGroup { .. });
    if profile.group_patch == GroupPatch::Put {
        // After a creation only what the POST could not carry is put.
        if !created || !batches.then.is_empty() {
            put_whole(job, found, change, &remote_id).await?;
        }
    } else {
        if let Some(rename) = change.action.rename() {
            refused.extend(self::rename(job, &remote_id, &rename.to).await?);
        }
        let mut batches = batches.then;
        batches.reverse();
        send_batches(job, found, change, &remote_id, batches, &mut refused).await?;
    }
    if !profile.trusts_write_response {
        read_back(job, found, change, &remote_id).await?;
    }
    Ok(refused)
}

async fn create(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    display_name: &str,
    members: &[PersonId],
) -> Result<RemoteId, Trouble> {
    let mut body = Map::new();
    body.insert("schemas".into(), json!([GROUP]));
    body.insert("displayName".into(), json!(display_name));
    if !members.is_empty() {
        let ids = members.iter().filter_map(|person| found.remote_ids.get(person));
        let values: Value = ids.map(|id| json!({ "value": id.as_str() })).collect();
        body.insert("members".into(), values);
    }
    let answer = job.wire.create(GROUPS, &body).await?;
    let remote_id = match answer.body.as_ref().and_then(account::remote_id) {
        Some(id) => id,
        None => {
            let mut groups = find_groups(&mut job.wire, display_name).await?;
            match (groups.pop(), groups.is_empty()) {
                (Some(group), true) => group.remote_id,
                _ => {
                    let reason = "it names no id, and the group is not found by its name".into();
                    return Err(Failure::Unreadable { status: answer.status, reason }.into());
                }
            }
        }
    };
    let linked = (remote_id.clone(), Origin::Created, display_name.to_string());
    put_linked(job, change, "push_group.created", linked, members.to_vec()).await?;
    Ok(remote_id)
}

async fn link(
    job: &Job<'_>,
    change: &Change,
    remote_id: &RemoteId,
    name: &str,
    present: &[PersonId],
) -> Result<(), Trouble> {
    let linked = (remote_id.clone(), Origin::Linked, name.to_string());
    put_linked(job, change, "push_group.linked", linked, present.to_vec()).await
}

async fn put_linked(
    job: &Job<'_>,
    change: &Change,
    kind: &'static str,
    (remote_id, origin, name): (RemoteId, Origin, String),
    members: Vec<PersonId>,
) -> Result<(), Trouble> {
    let (ctx, id, group) = (job.run.ctx(), job.run.id().clone(), job.group.clone());
    let payload = json!({
        "application": job.run.application.config.name,
        "application_id": id.as_str(),
        "group": change.name,
        "remote_id": remote_id.as_str(),
        "added": members,
    });
    let write = move |tx: &mut db::Tx| {
        let linked = (&remote_id, origin, name.as_str());
        pushed_group::put_linked(tx, &ctx, &id, &group, linked, &members)?;
        db::event::append(tx, &ctx, SCOPE, kind, group.as_str(), &payload)?;
        Ok::<_, Error>(())
    };
    Ok(job.run.directory.db.write_async(write).await?)
}

/// Gives the group another name. One that is refused keeps no member from coming.
async fn rename(
    job: &mut Job<'_>,
    remote_id: &RemoteId,
    name: &str,
) -> Result<Option<Refused>, Trouble> {
    let path = PatchPath {
        urn: None,
        attribute: Some("displayName".into()),
        value_filter: None,
        sub_attribute: None,
    };
    let operation =
        PatchOperation { op: PatchOp::Replace, path: Some(path), value: Some(name.into()) };
    let request = PatchRequest { operations: vec![operation], ..PatchRequest::default() };
    match job.wire.patch(GROUPS, remote_id.as_str(), &request).await {
        Ok(_) => {
            let (ctx, id, group) = (job.run.ctx(), job.run.id().clone(), job.group.clone());
            let name = name.to_string();
            let write = move |tx: &mut db::Tx| pushed_group::put_name(tx, &ctx, &id, &group, &name);
            job.run.directory.db.write_async(write).await?;
            Ok(None)
        }
        Err(Trouble::Failed(
            failure @ (Failure::Refused { .. }
            | Failure::Conflict { .. }
            | Failure::Broken { status: 501, .. }),
        )) => Ok(Some(Refused { what: format!("the new name {name}"), failure })),
        Err(trouble) => Err(trouble),
    }
}

/// Sends batches, the last one of the list first.
async fn send_batches(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    remote_id: &RemoteId,
    mut batches: Vec<MemberBatch>,
    refused: &mut Vec<Refused>,
) -> Result<(), Trouble> {
    let form = found.world.application.profile.group_patch;
    let remote = |person: &PersonId| found.remote_ids.get(person).cloned();
    let mut splits = 0;
    let mut is_there = false;
    while let Some(mut batch) = batches.pop() {
        // Somebody whose account has gone since comes with a later plan.
        batch.add.retain(|person| found.remote_ids.contains_key(person));
        batch.remove.retain(|person| found.remote_ids.contains_key(person));
        let Ok(request) = batch.patch(form, &remote) else { continue };
        if request.operations.is_empty() {
            continue;
        }
        let failure = match job.wire.patch(GROUPS, remote_id.as_str(), &request).await {
            Ok(_) => {
                put_members(job.run, &job.group, &change.name, batch).await?;
                continue;
            }
            Err(Trouble::Failed(failure)) if concerns_members(&failure) => failure,
            Err(trouble) => return Err(trouble),
        };
        if matches!(failure, Failure::NotFound { .. }) && !is_there {
            // A member that is not there, or the group itself?
            job.wire.get(GROUPS, remote_id.as_str()).await?;
            is_there = true;
        }
        if batch.add.len() + batch.remove.len() > 1 && splits < limits::MEMBER_SPLIT_COUNT_MAX {
            splits += 1;
            batches.extend(halves(batch));
        } else if is_removed_already(&batch, &failure) {
            put_members(job.run, &job.group, &change.name, batch).await?;
        } else {
            let what = told(change, &batch);
            refused.push(Refused { what, failure });
        }
    }
    Ok(())
}

/// Whether a part of the batch may be to blame.
fn concerns_members(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { .. } | Failure::NotFound { .. } | Failure::NotSent { .. })
}

/// Taking out somebody who is not in it changes nothing; some applications call that an error.
fn is_removed_already(batch: &MemberBatch, failure: &Failure) -> bool {
    let no_target = matches!(
        failure,
        Failure::Refused { scim_type: Some(kind), .. } if kind == "noTarget"
    );
    batch.add.is_empty() && (no_target || matches!(failure, Failure::NotFound { .. }))
}

/// The second half comes first, since the last batch of the list is sent first.
fn halves(batch: MemberBatch) -> [MemberBatch; 2] {
    let MemberBatch { add, remove } = batch;
    if !add.is_empty() && !remove.is_empty() {
        let empty = Vec::new;
        return [MemberBatch { add, remove: empty() }, MemberBatch { add: empty(), remove }];
    }
    let (first_add, second_add) = add.split_at(add.len() / 2);
    let (first_remove, second_remove) = remove.split_at(remove.len() / 2);
    [
        MemberBatch { add: second_add.to_vec(), remove: second_remove.to_vec() },
        MemberBatch { add: first_add.to_vec(), remove: first_remove.to_vec() },
    ]
}

fn told(change: &Change, batch: &MemberBatch) -> String {
    let mut people = batch.add.iter().chain(&batch.remove);
    match (people.next(), people.next()) {
        (Some(person), None) => change
            .members
            .get(person)
            .map_or_else(|| person.to_string(), |member| member.subject.to_string()),
        _ => format!("{} members", batch.add.len() + batch.remove.len()),
    }
}

/// Writes down a batch that was acknowledged.
pub(super) async fn put_members(
    run: &Run,
    group: &GroupId,
    name: &str,
    batch: MemberBatch,
) -> Result<(), Trouble> {
    let (ctx, id, group) = (run.ctx(), run.id().clone(), group.clone());
    let payload = json!({
        "application": run.application.config.name,
        "application_id": id.as_str(),
        "group": name,
        "added": batch.add,
        "removed": batch.remove,
    });
    let write = move |tx: &mut db::Tx| {
        pushed_group::put_members(tx, &ctx, &id, &group, &batch.add, &batch.remove)?;
        let kind = "push_group.members.changed";
        db::event::append(tx, &ctx, SCOPE, kind, group.as_str(), &payload)?;
        Ok::<_, Error>(())
    };
    Ok(run.directory.db.write_async(write).await?)
}

/// PUTs the group whole: as it is there, with those who come and without those who go, so that
/// members nobody here knows stay.
async fn put_whole(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    remote_id: &RemoteId,
) -> Result<(), Trouble> {
    let (add, remove) = change.action.member_changes();
    let rename = change.action.rename();
    if add.is_empty() && remove.is_empty() && rename.is_none() {
        return Ok(());
    }
    let mut body = job.wire.get(GROUPS, remote_id.as_str()).await?;
    let ids = |people: &[PersonId]| -> BTreeSet<String> {
        let ids = people.iter().filter_map(|person| found.remote_ids.get(person));
        ids.map(ToString::to_string).collect()
    };
    let mut members = members_of(&body);
    members.extend(ids(add));
    for id in ids(remove) {
        members.remove(&id);
    }
    body.remove("meta");
    let values: Value = members.iter().map(|id| json!({ "value": id })).collect();
    body.insert("members".into(), values);
    if let Some(rename) = rename {
        body.insert("displayName".into(), json!(rename.to));
    }
    job.wire.put(GROUPS, remote_id.as_str(), &body).await?;
    let batch = MemberBatch { add: add.to_vec(), remove: remove.to_vec() };
    put_members(job.run, &job.group, &change.name, batch).await?;
    if let Some(rename) = rename {
        let (ctx, id, group) = (job.run.ctx(), job.run.id().clone(), job.group.clone());
        let name = rename.to.clone();
        let write = move |tx: &mut db::Tx| pushed_group::put_name(tx, &ctx, &id, &group, &name);
        job.run.directory.db.write_async(write).await?;
    }
    Ok(())
}

fn members_of(body: &Map<String, Value>) -> BTreeSet<String> {
    let members = body.get("members").and_then(Value::as_array);
    members
        .into_iter()
        .flatten()
        .filter_map(|member| member.get("value").and_then(Value::as_str))
        .map(str::to_string)
        .collect()
}

/// Reads the group again where answers cannot be trusted, and tells who is missing. An application
/// that shows no members cannot be checked.
async fn read_back(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    remote_id: &RemoteId,
) -> Result<(), Trouble> {
    let body = job.wire.get(GROUPS, remote_id.as_str()).await?;
    if !body.contains_key("members") {
        return Ok(());
    }
    let there = members_of(&body);
    let (add, remove) = change.action.member_changes();
    let is_there = |person: &&PersonId| {
        found.remote_ids.get(*person).is_some_and(|id| there.contains(id.as_str()))
    };
    let missing: Vec<&PersonId> = add.iter().filter(|person| !is_there(person)).collect();
    let left: Vec<&PersonId> = remove.iter().filter(is_there).collect();
    if missing.is_empty() && left.is_empty() {
        return Ok(());
    }
    let (ctx, group) = (job.run.ctx(), job.group.clone());
    let payload = json!({
        "application": job.run.application.config.name,
        "group": change.name,
        "missing": missing,
        "still_there": left,
    });
    let write = move |tx: &mut db::Tx| {
        db::event::append(tx, &ctx, SCOPE, "push_group.differs", group.as_str(), &payload)
    };
    job.run.directory.db.write_async(write).await?;
    Ok(())
}

/// The PATCH by which one person comes or goes.
pub(super) async fn send_one(
    wire: &mut Wire<'_>,
    profile: &ApplicationProfile,
    (group, account): (&RemoteId, &RemoteId),
    batch: &MemberBatch,
) -> Result<(), Trouble> {
    debug_assert!(profile.group_patch != GroupPatch::Put, "a group is put by its own task");
    let request = batch
        .patch(profile.group_patch, &|_| Some(account.clone()))
        .map_err(|person| Failure::NotSent { reason: format!("{person} has no account") })?;
    wire.patch(GROUPS, group.as_str(), &request).await.map(drop)
}
