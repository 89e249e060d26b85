//! Licensing inside the write transaction: whoever changes a user or a membership calls this, and
//! the seats follow in the same commit.
//!
//! The cast: `entitlement::decide` and `entitlement::settle` decide; this file loads their facts and
//! writes what they say. The order of events for Ana who is added to a group: the membership row is
//! written, [`on_membership_changed`] sees that the group grants something and settles Ana; seats,
//! counters, ledger and event are written; who waited for what Ana gave up has it in the same
//! commit. Beyond a named number of users the rest is marked stale and settled in the background.

use std::collections::{BTreeMap, BTreeSet};

use db::{Ctx, Read, Tx};
use entitlement::{
    AccountState, Entitlement, Facts, Finding, GroupId, Key, Pool, Reason, Restoration, Seat,
    SeatChange, SeatState, UserId, UserTypeMeaning, Want,
};
use serde::Serialize;
use serde_json::json;

use crate::account::Account;
use crate::limits::{SETTLE_BATCH_MAX, SETTLE_INLINE_MAX, SETTLE_ROUNDS_MAX};
use crate::receipt::{self, ReceiptKind};
use crate::rules::{self, Rules};
use crate::stale::Work;
use crate::{
    Error, TenantId, account, effect, grant, license, reclaim, recording, seat, settings,
    settlement, stale,
};

/// A user whose seats follow the entitlement now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The user.
    pub user: UserId,
    /// What they should have.
    pub entitlement: Entitlement,
    /// What changed about their seats.
    pub changes: Vec<SeatChange>,
    /// What a person should know: findings of the decision, and what is waited for.
    pub findings: Vec<Finding>,
}

/// Departures from the facts as they are stored, for a transaction that is about to change them.
#[derive(Debug, Clone, Copy, Default)]
struct But<'a> {
    /// This user is deleted in this transaction.
    absent: Option<&'a UserId>,
    /// Nobody keeps this retired license type for having held it.
    moved_off: Option<&'a Key>,
    /// Who is pending has accepted the invitation.
    accepted: bool,
}

impl Settled {
    fn without_anything(user: UserId) -> Self {
        Self { user, entitlement: Entitlement::default(), changes: vec![], findings: vec![] }
    }
}

/// Settles these users: beyond [`SETTLE_INLINE_MAX`] the rest is marked for the background.
pub(crate) fn settle_users(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<Vec<Settled>, Error> {
    let users: Vec<UserId> = BTreeSet::from_iter(users).into_iter().cloned().collect();
    let (inline, rest) = users.split_at(users.len().min(SETTLE_INLINE_MAX));
    let settled = settle(tx, ctx, tenant, inline, But::default())?;
    stale::mark(tx, ctx, tenant, rest, &ctx.cause)?;
    Ok(settled)
}

/// Settles one user.
pub(crate) fn settle_one(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Settled, Error> {
    let mut settled = settle(tx, ctx, tenant, std::slice::from_ref(user), But::default())?;
    settled.pop().ok_or_else(|| Error::NotFound { noun: "user", id: user.to_string() })
}

/// Settles holders of a retired license type without letting anybody keep it.
pub(crate) fn settle_off(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    users: &[UserId],
    moved_off: &Key,
) -> Result<(), Error> {
    let but = But { moved_off: Some(moved_off), ..But::default() };
    settle(tx, ctx, tenant, users, but).map(drop)
}

/// Which of these active users would be left without any granted license if the retired type `off`
/// went, because only their `userType` names it.
pub(crate) fn claimless_without(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
    off: &Key,
) -> Result<Vec<UserId>, Error> {
    let rules = rules::rules(r, tenant)?;
    let accounts = account::accounts(r, tenant, users)?;
    let seats = seat::seats_of_users(r, tenant, users)?;
    let but = But { moved_off: Some(off), ..But::default() };
    let decided = decide(r, tenant, &rules, users, &seats, but)?;
    let named_by_user_type = |account: &Account| {
        let meaning = account.user_type.as_deref().map(|value| rules.catalogue.user_type(value));
        matches!(meaning, Some(UserTypeMeaning::Retired(row)) if row.key == *off)
    };
    let claimless = decided.into_iter().filter(|(user, entitlement)| {
        let account = accounts.get(user);
        let granted = entitlement.license().is_some_and(|c| c.reason != Reason::TenantDefault);
        !granted
            && account.is_some_and(|a| a.state == AccountState::Active && named_by_user_type(a))
    });
    Ok(claimless.map(|(user, _)| user).collect())
}

/// After members were added to, or removed from, one group: settles them if the group, or one it
/// lies in, grants anything.
pub(crate) fn on_membership_changed(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &GroupId,
    users: &[UserId],
) -> Result<(), Error> {
    if users.is_empty() || !rules::rules_for_write(tx, tenant)?.leads_to_a_grant(group) {
        return Ok(());
    }
    settle_users(tx, ctx, tenant, users).map(drop)
}

/// After groups were added to, or removed from, one group: their members, and those of the groups
/// in them, are settled in batches if the group, or one it lies in, grants anything.
pub(crate) fn on_nesting_changed(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &GroupId,
    inner: &[GroupId],
) -> Result<(), Error> {
    if inner.is_empty() {
        return Ok(());
    }
    let rules = rules::rules_for_write(tx, tenant)?;
    if rules.leads_to_a_grant(group) {
        for group in inner {
            settlement::open_for_group(tx, ctx, tenant, &rules, group, &ctx.cause)?;
        }
    }
    Ok(())
}

/// After a group was created or renamed: a grant may have waited for one of this name.
pub(crate) fn on_group_named(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &GroupId,
    display_name: &str,
) -> Result<(), Error> {
    let is_bound = grant::bind(tx, tenant, group, display_name)?;
    if is_bound || rules::may_name(tx, tenant, group)? {
        rules::changed(tx, tenant)?;
    }
    if is_bound {
        let reason = format!("group \"{display_name}\" grants a license now");
        let rules = rules::rules(tx, tenant)?;
        settlement::open_for_group(tx, ctx, tenant, &rules, group, &reason)?;
    }
    Ok(())
}

/// Before the rows of a group are deleted: its members lose what it granted.
pub(crate) fn on_group_deleted(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    group: &GroupId,
) -> Result<(), Error> {
    let rules = rules::rules_for_write(tx, tenant)?;
    if rules.leads_to_a_grant(group) {
        const REASON: &str = "a granting group was deleted";
        stale::mark_group(tx, ctx, tenant, group, REASON)?;
        for inner in rules.with_inner(group).iter().skip(1) {
            settlement::open_for_group(tx, ctx, tenant, &rules, inner, REASON)?;
        }
        grant::unbind(tx, tenant, group)?;
    }
    // The rows go after this and nothing is decided in between.
    rules::changed(tx, tenant)
}

/// After a user was deactivated: opens the offboarding receipt, enqueues the effects that the
/// tenant's policies allow, and frees the seats in this very transaction.
pub(crate) fn on_deactivated(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<(), Error> {
    let policies = settings::tenant_settings(tx, tenant)?.effects;
    let plan = entitlement::effects(AccountState::Active, AccountState::Inactive, &policies);
    receipt::end_open(tx, ctx, tenant, user, "deactivated again", None)?;
    let receipt = receipt::open(tx, ctx, tenant, user, ReceiptKind::Deactivation, &plan)?;
    effect::enqueue(tx, ctx, tenant, user, &receipt, &plan)?;
    // Whoever comes back begins anew.
    reclaim::forget(tx, tenant, user)?;
    settle(tx, ctx, tenant, std::slice::from_ref(user), But::default()).map(drop)
}

/// After a user was reactivated: settles them by the grants of today, and says on the receipt of
/// the deactivation what came back and what did not. None: nothing had been taken from them, as
/// from somebody who accepts an invitation.
pub(crate) fn on_reactivated(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Option<Restoration>, Error> {
    let settled = settle_one(tx, ctx, tenant, user)?;
    let Some(outcomes) = receipt::outcomes_of_last(tx, tenant, user)? else { return Ok(None) };
    let group_count = account::group_count(tx, tenant, user)?;
    let restoration = entitlement::restoration(&outcomes, group_count, &settled.entitlement);
    receipt::end_open(tx, ctx, tenant, user, "reactivated", Some(&restoration))?;
    recording::end_hold(tx, tenant, user)?;
    let payload = json!({"restoration": &restoration});
    db::event::append(tx, ctx, tenant.as_str(), "user.restored", &user.0, &payload)?;
    Ok(Some(restoration))
}

/// Before the row of a user is deleted: frees the seats, forgets direct grants, and enqueues the
/// effects that leave nothing of theirs behind, under a receipt that outlives them.
pub(crate) fn on_deleted(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<(), Error> {
    let policies = settings::tenant_settings(tx, tenant)?.effects;
    let plan = entitlement::effects(AccountState::Inactive, AccountState::Absent, &policies);
    receipt::end_open(tx, ctx, tenant, user, "deleted", None)?;
    let receipt = receipt::open(tx, ctx, tenant, user, ReceiptKind::Deletion, &plan)?;
    effect::enqueue(tx, ctx, tenant, user, &receipt, &plan)?;
    license::forget_direct_grants(tx, tenant, user)?;
    reclaim::forget(tx, tenant, user)?;
    let but = But { absent: Some(user), ..But::default() };
    settle(tx, ctx, tenant, std::slice::from_ref(user), but).map(drop)
}

/// Settles one batch of what has waited longest: users who were marked, as far as one reason goes,
/// or the next users of a settlement. False: nothing was left.
pub(crate) fn settle_stale(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId) -> Result<bool, Error> {
    let marked = stale::oldest(tx, tenant, SETTLE_BATCH_MAX)?;
    let open = settlement::oldest(tx, tenant)?;
    match (marked, open) {
        (None, None) => {
            stale::close(tx, tenant, Work::Stale)?;
            Ok(false)
        }
        (Some(marked), open) if open.as_ref().is_none_or(|o| marked.since <= o.opened_at) => {
            let ctx = Ctx { cause: marked.reason, ..ctx.clone() };
            settle(tx, &ctx, tenant, &marked.users, But::default())?;
            Ok(true)
        }
        (_, Some(open)) => {
            let users = settlement::next_users(tx, tenant, &open, SETTLE_BATCH_MAX)?;
            let ctx = Ctx { cause: open.reason.clone(), ..ctx.clone() };
            if !users.is_empty() {
                settle(tx, &ctx, tenant, &users, But::default())?;
            }
            settlement::advance(tx, &ctx, tenant, &open, &users)?;
            Ok(true)
        }
        (Some(_), None) => Ok(false),
    }
}

/// Gives free seats to who waits, one batch. False: nothing is left to give.
pub(crate) fn fill_pools(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId) -> Result<bool, Error> {
    stale::close(tx, tenant, Work::Pools)?;
    settle(tx, ctx, tenant, &[], But::default())?;
    // Settling opens the work again where a waitlist went on.
    stale::is_open(tx, tenant, Work::Pools)
}

/// What these users should have, decided over the facts as they are.
pub(crate) fn entitlements(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    users: &[UserId],
    seats: &[Seat],
) -> Result<Vec<(UserId, Entitlement)>, Error> {
    decide(r, tenant, rules, users, seats, But::default())
}

/// What these users would have if those who are invited had accepted.
pub(crate) fn entitlements_if_accepted(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    users: &[UserId],
) -> Result<Vec<(UserId, Entitlement)>, Error> {
    decide(r, tenant, rules, users, &[], But { accepted: true, ..But::default() })
}

fn settle(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    users: &[UserId],
    but: But<'_>,
) -> Result<Vec<Settled>, Error> {
    let rules = rules::rules_for_write(tx, tenant)?;
    if rules.catalogue.pools().is_empty() {
        // A tenant without a catalogue has no seats and nothing to decide.
        return Ok(users.iter().cloned().map(Settled::without_anything).collect());
    }
    let mut facts = seat::facts(tx, tenant, &rules.catalogue, users)?;
    let decided = decide(tx, tenant, &rules, users, &facts.seats, but)?;
    let wants: Vec<Want<'_>> = decided
        .iter()
        .map(|(user, entitlement)| Want { user: user.clone(), entitlement })
        .collect();
    let first = entitlement::settle(&facts, &wants, ctx.now);
    seat::store(tx, ctx, tenant, &first.changes)?;
    if !users.is_empty() {
        stale::unmark(tx, tenant, users)?;
    }
    let mut changes = first.changes;
    let mut unfinished = !first.unfinished.is_empty();
    for _ in 1..SETTLE_ROUNDS_MAX {
        if !unfinished {
            break;
        }
        facts = seat::facts(tx, tenant, &rules.catalogue, &[])?;
        let next = entitlement::settle(&facts, &[], ctx.now);
        seat::store(tx, ctx, tenant, &next.changes)?;
        changes.extend(next.changes);
        unfinished = !next.unfinished.is_empty();
    }
    if unfinished {
        stale::open(tx, ctx, tenant, Work::Pools)?;
    }
    let mut own_changes: BTreeMap<UserId, Vec<SeatChange>> = BTreeMap::new();
    for change in changes {
        own_changes.entry(change.user.clone()).or_default().push(change);
    }
    let mut own_findings: BTreeMap<UserId, Vec<Finding>> = BTreeMap::new();
    for (user, finding) in first.findings {
        if let Some(user) = user {
            own_findings.entry(user).or_default().push(finding);
        }
    }
    let settled = decided.into_iter().map(|(user, entitlement)| {
        let mut findings = entitlement.findings.clone();
        findings.extend(own_findings.remove(&user).unwrap_or_default());
        Settled {
            changes: own_changes.remove(&user).unwrap_or_default(),
            user,
            entitlement,
            findings,
        }
    });
    Ok(settled.collect())
}

/// Loads the facts about these users in a few queries, and decides.
fn decide(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    users: &[UserId],
    seats: &[Seat],
    but: But<'_>,
) -> Result<Vec<(UserId, Entitlement)>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let accounts = account::accounts(r, tenant, users)?;
    let grants = rules::grants_of_users(r, tenant, rules, users)?;
    let direct = license::direct_grants_of_users(r, tenant, users)?;
    let reclaimed = if rules.has_reclaimed {
        reclaim::reclaimed_of_users(r, tenant, users)?
    } else {
        BTreeMap::new()
    };
    let decided = users.iter().map(|user| {
        let account = accounts.get(user).filter(|_| but.absent != Some(user));
        let holds: Vec<Pool> = seats
            .iter()
            .filter(|seat| seat.user == *user && seat.state == SeatState::Held)
            .filter(|seat| but.moved_off.is_none_or(|off| seat.pool != Pool::License(off.clone())))
            .map(|seat| seat.pool.clone())
            .collect();
        let entitlement = entitlement::decide(&Facts {
            catalogue: &rules.catalogue,
            state: match account.map_or(AccountState::Absent, |account| account.state) {
                AccountState::Pending if but.accepted => AccountState::Active,
                state => state,
            },
            grants: grants.get(user).map_or(&[], Vec::as_slice),
            direct: direct.get(user).map_or(&[], Vec::as_slice),
            user_type: account.and_then(|account| account.user_type.as_deref()),
            default_license: rules.settings.default_license.as_ref(),
            holds: &holds,
            reclaimed: reclaimed.get(user).map_or(&[], Vec::as_slice),
            free_when_inactive: rules.settings.effects.free_license,
        });
        (user.clone(), entitlement)
    });
    Ok(decided.collect())
}
