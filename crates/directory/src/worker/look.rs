//! Looking: what is there, before something whose outcome is unknown is sent again.

use std::sync::Arc;

use lifecycle::{MatchKeys, RemoteAccount, RemoteGroup, RemoteId};
use scim::Resource;

use super::Run;
use super::send::{USERS, look_up};
use super::wire::{Trouble, Wire};
use crate::client::Failure;
use crate::directory::SCOPE;
use crate::facts::{AccountSubject, World};
use crate::{Error, account, pushed_group};

/// Why it is looked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing of ours is under way.
    None,
    /// Something of ours may have been done: what is there may be our own doing.
    OutcomeUnknown,
}

/// Looks for a person's account and stores what is there: the account itself if it is ours, else
/// those that could be the person's. Where the application refuses to be asked so, the refusal comes
/// back: that none was found is no answer then.
pub(super) async fn account(
    run: &Run,
    wire: &mut Wire<'_>,
    world: &Arc<World>,
    subject: &AccountSubject,
    doubt: Doubt,
) -> Result<Option<Failure>, Trouble> {
    let linked = subject.account.as_ref().and_then(|account| account.linked());
    match linked {
        Some(remote_id) => {
            read_again(run, wire, world, subject, (remote_id, doubt)).await?;
            Ok(None)
        }
        None => find(run, wire, world, subject).await,
    }
}

async fn read_again(
    run: &Run,
    wire: &mut Wire<'_>,
    world: &Arc<World>,
    subject: &AccountSubject,
    (remote_id, doubt): (&RemoteId, Doubt),
) -> Result<(), Trouble> {
    match wire.get(USERS, remote_id.as_str()).await {
        Ok(body) => {
            let (id, ctx, remote_id) = (run.id().clone(), run.ctx(), remote_id.clone());
            let resource = account::read(&body, world.mappings.user_type());
            run.directory
                .db
                .write_async(SCOPE, move |tx| {
                    account::observe(tx, &id, &remote_id, Some(&resource), ctx.now)?;
                    if doubt == Doubt::OutcomeUnknown {
                        // Else our own doing would look as if somebody there had done it.
                        account::acknowledge(tx, &id, &remote_id, &resource)?;
                    }
                    Ok::<_, Error>(())
                })
                .await?;
            Ok(())
        }
        Err(Trouble::Failed(Failure::NotFound { .. })) => gone(run, subject).await,
        Err(trouble) => Err(trouble),
    }
}

/// A person's account is not there any more.
pub(super) async fn gone(run: &Run, subject: &AccountSubject) -> Result<(), Trouble> {
    let (id, ctx, person) = (run.id().clone(), run.ctx(), subject.person.id.clone());
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            account::mark_gone(tx, &ctx, &id, &person)?;
            let payload = serde_json::json!({ "application_id": id.as_str() });
            let scope = crate::directory::SCOPE;
            db::event::append(tx, &ctx, scope, "account.gone", person.as_str(), &payload)?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok(())
}

async fn find(
    run: &Run,
    wire: &mut Wire<'_>,
    world: &Arc<World>,
    subject: &AccountSubject,
) -> Result<Option<Failure>, Trouble> {
    let wanted: Resource = world.wanted(&subject.person, run.as_of);
    let (found, refusal) = look_up(wire, world, &wanted).await?;
    let user_type = world.mappings.user_type();
    let found: Vec<RemoteAccount> = found
        .iter()
        .filter_map(|body| {
            let remote_id = account::remote_id(body)?;
            Some(RemoteAccount { remote_id, resource: account::read(body, user_type) })
        })
        .collect();
    let (id, now, keys) = (run.id().clone(), run.ctx().now, MatchKeys::of(&wanted));
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            // What was seen before and is not there now would be linked to nothing.
            let seen = account::candidates(tx, &id, &keys)?;
            let gone = |seen: &&RemoteAccount| {
                !found.iter().any(|there| there.remote_id == seen.remote_id)
            };
            for stale in seen.iter().filter(gone) {
                account::forget_unlinked(tx, &id, &stale.remote_id)?;
            }
            for account in &found {
                // What is somebody's here is not offered to somebody else.
                if account::owner(tx, &id, &account.remote_id)?.is_none() {
                    account::put_unlinked(tx, &id, account, now)?;
                }
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(refusal)
}

/// Looks for the groups of that name and stores them.
pub(super) async fn group(run: &Run, wire: &mut Wire<'_>, name: &str) -> Result<(), Trouble> {
    let found = find_groups(wire, name).await?;
    let (id, now, name) = (run.id().clone(), run.ctx().now, name.to_string());
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            pushed_group::forget_unlinked_named(tx, &id, &name)?;
            for group in &found {
                pushed_group::put_unlinked(tx, &id, group, now)?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(())
}

/// The groups of that name, whatever its case.
pub(super) async fn find_groups(
    wire: &mut Wire<'_>,
    name: &str,
) -> Result<Vec<RemoteGroup>, Trouble> {
    let found = wire.find("Groups", "displayName", name).await?;
    let group = |body: serde_json::Map<String, serde_json::Value>| {
        let display_name = body.get("displayName")?.as_str()?.to_string();
        Some(RemoteGroup { remote_id: account::remote_id(&body)?, display_name, members: None })
    };
    let same = |group: &RemoteGroup| group.display_name.to_lowercase() == name.to_lowercase();
    Ok(found.into_iter().filter_map(group).filter(same).collect())
}
