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
use super::fallback::{
    Sending, cannot, effect, is_empty, is_no_help, members_shown, patch_forms, shows_everybody,
    without_effect,
};
use super::group::{Found, Job};
use super::look::find_groups;
use super::wire::{Trouble, Wire};
use crate::client::{Answer, Failure};
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
    let (mut missing, mut there) = (Vec::new(), BTreeSet::new());
    let remote_id = match &change.action {
        Action::CreateGroup { display_name, .. } => {
            let members = batches.with_create;
            let (id, absent) = create(job, found, change, display_name, members).await?;
            missing = absent;
            id
        }
        Action::LinkGroup { remote_id, rename, present, add, .. } => {
            let name = rename.as_ref().map_or(change.name.as_str(), |rename| rename.from.as_str());
            there = present_of(job, found, remote_id, add).await?;
            let present: Vec<PersonId> = present.iter().chain(&there).cloned().collect();
            link(job, change, remote_id, name, &present).await?;
            remote_id.clone()
        }
        _ => {
            let linked = found.pushed.as_ref().and_then(|pushed| pushed.linked());
            linked
                .cloned()
                .ok_or_else(|| Failure::NotSent { reason: "the group is not linked".to_string() })?
        }
    };
    let mut then = batches.then;
    then.iter_mut().for_each(|batch| batch.add.retain(|person| !there.contains(person)));
    if profile.group_patch == GroupPatch::Put {
        // After a creation only what the POST did not bring is put.
        let created = matches!(change.action, Action::CreateGroup { .. });
        if !created || !then.is_empty() || !missing.is_empty() {
            put_whole(job, found, change, &remote_id, &mut refused).await?;
        }
    } else {
        if let Some(rename) = change.action.rename() {
            refused.extend(self::rename(job, found, &remote_id, &rename.to).await?);
        }
        then.splice(0..0, batches_of(missing, profile));
        then.reverse();
        send_batches(job, found, change, &remote_id, then, &mut refused).await?;
    }
    if !profile.trusts_write_response {
        read_back(job, found, change, &remote_id, &mut refused).await?;
    }
    Ok(refused)
}

/// Who of these is in the group that is to be linked already. Adding them again would be no harm by
/// RFC 7644 3.5.2.1, but some then have them twice.
async fn present_of(
    job: &mut Job<'_>,
    found: &Found,
    remote_id: &RemoteId,
    add: &[PersonId],
) -> Result<BTreeSet<PersonId>, Trouble> {
    if add.is_empty() {
        return Ok(BTreeSet::new());
    }
    let body = job.wire.get(GROUPS, remote_id.as_str()).await?;
    let shown = members_shown(&body).unwrap_or_default();
    let is_shown = |person: &&PersonId| {
        found.remote_ids.get(*person).is_some_and(|id| shown.contains(id.as_str()))
    };
    Ok(add.iter().filter(is_shown).cloned().collect())
}

/// Members who did not come with the POST, as they follow.
fn batches_of(missing: Vec<PersonId>, profile: &ApplicationProfile) -> Vec<MemberBatch> {
    let size = usize::try_from(profile.member_batch).unwrap_or(usize::MAX).max(1);
    let batch = |add: &[PersonId]| MemberBatch { add: add.to_vec(), remove: Vec::new() };
    missing.chunks(size).map(batch).collect()
}

/// Creates the group with its first members. Says who of them did not come with it.
async fn create(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    display_name: &str,
    members: Vec<PersonId>,
) -> Result<(RemoteId, Vec<PersonId>), Trouble> {
    let mut body = Map::new();
    body.insert("schemas".into(), json!([GROUP]));
    body.insert("displayName".into(), json!(display_name));
    if !members.is_empty() {
        let ids = members.iter().filter_map(|person| found.remote_ids.get(person));
        let values: Value = ids.map(|id| json!({ "value": id.as_str() })).collect();
        body.insert("members".into(), values);
    }
    doubt(job.run, &job.group, &members, &[]).await?;
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
    let shown = match answer.body.as_ref().and_then(members_shown) {
        None if !members.is_empty() => {
            // Without a word about members, none may have come: they are sent again.
            let body = job.wire.get(GROUPS, remote_id.as_str()).await?;
            Some(members_shown(&body).unwrap_or_default())
        }
        shown => shown,
    };
    let batch = MemberBatch { add: members, remove: Vec::new() };
    let (there, missing) = effect(batch, shown.as_ref(), &found.remote_ids);
    put_linked(job, change, "push_group.created", linked, there.add).await?;
    Ok((remote_id, missing.add))
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
    Ok(job.run.directory.db.write_async(SCOPE, write).await?)
}

/// Gives the group another name. One that is refused keeps no member from coming.
async fn rename(
    job: &mut Job<'_>,
    found: &Found,
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
    let mut answer = named(job.wire.patch(GROUPS, remote_id.as_str(), &request).await, name);
    if let Err(Trouble::Failed(failure)) = &answer
        && (cannot(failure) || matches!(failure, Failure::WithoutEffect { .. }))
    {
        let put = put(job, found, remote_id, &MemberBatch::default(), Some(name)).await;
        match named(put, name) {
            // What is told is why the first form failed.
            Err(Trouble::Failed(failure)) if is_no_help(&failure) => {}
            put => answer = put,
        }
    }
    match answer {
        Ok(()) => {
            put_name(job, name).await?;
            Ok(None)
        }
        Err(Trouble::Failed(
            failure @ (Failure::Refused { .. }
            | Failure::Conflict { .. }
            | Failure::WithoutEffect { .. }
            | Failure::Broken { status: 501, .. }),
        )) => Ok(Some(Refused { what: format!("the new name {name}"), failure })),
        Err(trouble) => Err(trouble),
    }
}

/// A success that shows another name is none.
fn named(answer: Result<Answer, Trouble>, name: &str) -> Result<(), Trouble> {
    let body = answer?.body.unwrap_or_default();
    match body.get("displayName").and_then(Value::as_str) {
        Some(shown) if shown != name => {
            Err(without_effect(&format!("the group is still called {shown}")).into())
        }
        _ => Ok(()),
    }
}

async fn put_name(job: &Job<'_>, name: &str) -> Result<(), Trouble> {
    let (ctx, id, group) = (job.run.ctx(), job.run.id().clone(), job.group.clone());
    let name = name.to_string();
    let write = move |tx: &mut db::Tx| pushed_group::put_name(tx, &ctx, &id, &group, &name);
    Ok(job.run.directory.db.write_async(SCOPE, write).await?)
}

/// Sends batches, the last one of the list first.
async fn send_batches(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    remote_id: &RemoteId,
    batches: Vec<MemberBatch>,
    refused: &mut Vec<Refused>,
) -> Result<(), Trouble> {
    let mut waiting: Vec<Sending> = batches.into_iter().map(Sending::first).collect();
    let mut splits = 0;
    let mut is_there = false;
    while let Some(mut sending) = waiting.pop() {
        // Somebody whose account has gone since comes with a later plan.
        sending.batch.add.retain(|person| found.remote_ids.contains_key(person));
        sending.batch.remove.retain(|person| found.remote_ids.contains_key(person));
        if is_empty(&sending.batch) {
            continue;
        }
        let failure = match send(job, found, remote_id, &sending).await {
            Ok(answer) => {
                let shown = answer.body.as_ref().and_then(members_shown);
                let batch = std::mem::take(&mut sending.batch);
                let (done, rest) = effect(batch, shown.as_ref(), &found.remote_ids);
                if !is_empty(&done) {
                    put_members(job.run, &job.group, &change.name, done).await?;
                }
                if !is_empty(&rest) {
                    let failure = without_effect("the group shows its members as before");
                    fall_back(sending, rest, failure, change, (&mut waiting, &mut *refused));
                }
                continue;
            }
            Err(Trouble::Failed(failure)) if cannot(&failure) => {
                let rest = std::mem::take(&mut sending.batch);
                fall_back(sending, rest, failure, change, (&mut waiting, &mut *refused));
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
        let count = sending.batch.add.len() + sending.batch.remove.len();
        if count > 1 && splits < limits::MEMBER_SPLIT_COUNT_MAX {
            splits += 1;
            let batch = std::mem::take(&mut sending.batch);
            waiting.extend(halves(batch).map(|half| sending.part(half)));
        } else if is_removed_already(&sending.batch, &failure) {
            put_members(job.run, &job.group, &change.name, sending.batch).await?;
        } else {
            let what = told(change, &sending.batch);
            refused.push(Refused { what, failure: sending.reason(failure) });
        }
    }
    Ok(())
}

/// Sends one batch in the form whose turn it is.
async fn send(
    job: &mut Job<'_>,
    found: &Found,
    remote_id: &RemoteId,
    sending: &Sending,
) -> Result<Answer, Trouble> {
    doubt(job.run, &job.group, &sending.batch.add, &sending.batch.remove).await?;
    let form = sending.form(found.world.application.profile.group_patch);
    if form == GroupPatch::Put {
        return put(job, found, remote_id, &sending.batch, None).await;
    }
    let remote = |person: &PersonId| found.remote_ids.get(person).cloned();
    let request = sending
        .batch
        .patch(form, &remote)
        .map_err(|person| Failure::NotSent { reason: format!("{person} has no account") })?;
    job.wire.patch(GROUPS, remote_id.as_str(), &request).await
}

/// Sends members in the next form, or tells that there is none.
fn fall_back(
    sending: Sending,
    rest: MemberBatch,
    failure: Failure,
    change: &Change,
    (waiting, refused): (&mut Vec<Sending>, &mut Vec<Refused>),
) {
    match sending.next(rest, failure) {
        Ok(next) => waiting.push(next),
        Err((rest, failure)) => {
            refused.push(Refused { what: told(change, &rest), failure });
        }
    }
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

/// Writes down that a request about these members is about to be sent: until it is acknowledged,
/// nobody knows whether they are there.
pub(super) async fn doubt(
    run: &Run,
    group: &GroupId,
    add: &[PersonId],
    remove: &[PersonId],
) -> Result<(), Error> {
    let people: Vec<PersonId> = add.iter().chain(remove).cloned().collect();
    if people.is_empty() {
        return Ok(());
    }
    let (ctx, id, group) = (run.ctx(), run.id().clone(), group.clone());
    let write = move |tx: &mut db::Tx| pushed_group::put_doubt(tx, &ctx, &id, &group, &people);
    run.directory.db.write_async(SCOPE, write).await
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
    Ok(run.directory.db.write_async(SCOPE, write).await?)
}

/// PUTs the group with everything that is to change of it.
async fn put_whole(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    remote_id: &RemoteId,
    refused: &mut Vec<Refused>,
) -> Result<(), Trouble> {
    let (add, remove) = change.action.member_changes();
    let rename = change.action.rename();
    if add.is_empty() && remove.is_empty() && rename.is_none() {
        return Ok(());
    }
    let batch = MemberBatch { add: add.to_vec(), remove: remove.to_vec() };
    let name = rename.map(|rename| rename.to.as_str());
    doubt(job.run, &job.group, add, remove).await?;
    let answer = put(job, found, remote_id, &batch, name).await?;
    let shown = answer.body.as_ref().and_then(members_shown);
    let (done, rest) = effect(batch, shown.as_ref(), &found.remote_ids);
    put_members(job.run, &job.group, &change.name, done).await?;
    if !is_empty(&rest) {
        let failure = without_effect("the group shows its members as before");
        refused.push(Refused { what: told(change, &rest), failure });
    }
    let Some(name) = name else { return Ok(()) };
    match named(Ok(answer), name) {
        Err(Trouble::Failed(failure)) => {
            refused.push(Refused { what: format!("the new name {name}"), failure });
            Ok(())
        }
        _ => put_name(job, name).await,
    }
}

/// PUTs the group whole: as it is there, with those who come and without those who go, so that
/// members nobody here knows stay.
async fn put(
    job: &mut Job<'_>,
    found: &Found,
    remote_id: &RemoteId,
    batch: &MemberBatch,
    name: Option<&str>,
) -> Result<Answer, Trouble> {
    let mut body = job.wire.get(GROUPS, remote_id.as_str()).await?;
    let ids = |people: &[PersonId]| -> BTreeSet<String> {
        let ids = people.iter().filter_map(|person| found.remote_ids.get(person));
        ids.map(ToString::to_string).collect()
    };
    let mut members = members_shown(&body).unwrap_or_default();
    let going = ids(&batch.remove);
    let chosen = found.world.application.profile.group_patch == GroupPatch::Put;
    if !chosen && !shows_everybody(found, &members, &going) {
        let reason = "the group does not show all its members, so that a PUT would lose some";
        return Err(Failure::NotSent { reason: reason.to_string() }.into());
    }
    members.extend(ids(&batch.add));
    members.retain(|id| !going.contains(id));
    body.remove("meta");
    let values: Value = members.iter().map(|id| json!({ "value": id })).collect();
    body.insert("members".into(), values);
    if let Some(name) = name {
        body.insert("displayName".into(), json!(name));
    }
    job.wire.put(GROUPS, remote_id.as_str(), &body).await
}

/// Reads the group again where answers cannot be trusted. Who is not as was written is told, and
/// comes with the next plan. An application that shows no members cannot be checked.
async fn read_back(
    job: &mut Job<'_>,
    found: &Found,
    change: &Change,
    remote_id: &RemoteId,
    refused: &mut Vec<Refused>,
) -> Result<(), Trouble> {
    // What was refused has been told, and is not written down.
    if !refused.is_empty() {
        return Ok(());
    }
    let body = job.wire.get(GROUPS, remote_id.as_str()).await?;
    let Some(shown) = members_shown(&body) else { return Ok(()) };
    let (add, remove) = change.action.member_changes();
    let batch = MemberBatch { add: add.to_vec(), remove: remove.to_vec() };
    let (_, differing) = effect(batch, Some(&shown), &found.remote_ids);
    if is_empty(&differing) {
        return Ok(());
    }
    let (ctx, id, group) = (job.run.ctx(), job.run.id().clone(), job.group.clone());
    let payload = json!({
        "application": job.run.application.config.name,
        "group": change.name,
        "missing": differing.add,
        "still_there": differing.remove,
    });
    let failure = without_effect("the group shows its members as before");
    refused.push(Refused { what: told(change, &differing), failure });
    let write = move |tx: &mut db::Tx| {
        pushed_group::put_members(tx, &ctx, &id, &group, &differing.remove, &differing.add)?;
        db::event::append(tx, &ctx, SCOPE, "push_group.differs", group.as_str(), &payload)?;
        Ok::<_, Error>(())
    };
    Ok(job.run.directory.db.write_async(SCOPE, write).await?)
}

/// The PATCH by which one person comes or goes.
pub(super) async fn send_one(
    wire: &mut Wire<'_>,
    profile: &ApplicationProfile,
    (group, account): (&RemoteId, &RemoteId),
    batch: &MemberBatch,
) -> Result<(), Trouble> {
    debug_assert!(profile.group_patch != GroupPatch::Put, "a group is put by its own task");
    let people = batch.add.iter().chain(&batch.remove);
    let ids = people.map(|person| (person.clone(), account.clone())).collect();
    let mut because = None;
    for form in patch_forms(profile.group_patch) {
        let request = batch
            .patch(form, &|_| Some(account.clone()))
            .map_err(|person| Failure::NotSent { reason: format!("{person} has no account") })?;
        let failure = match wire.patch(GROUPS, group.as_str(), &request).await {
            Ok(answer) => {
                let shown = answer.body.as_ref().and_then(members_shown);
                let (_, rest) = effect(batch.clone(), shown.as_ref(), &ids);
                if is_empty(&rest) {
                    return Ok(());
                }
                without_effect("the group shows its members as before")
            }
            Err(Trouble::Failed(failure)) if cannot(&failure) => failure,
            Err(trouble) => return Err(trouble),
        };
        because.get_or_insert(failure);
        if batch.remove.is_empty() {
            break;
        }
    }
    because.map_or(Ok(()), |failure| Err(failure.into()))
}
