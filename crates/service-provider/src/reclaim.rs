//! Reclaim as rows: who was told that a seat of theirs is idle, and from whom it was taken back.
//!
//! The order of events under a policy that applies: a round finds Ana's seat idle and tells her (a
//! row and an event); when the grace is over and she has still done nothing, the round takes the
//! seat in one transaction with the settlement, so that whoever waits has it at once; when she signs
//! in again the row goes in that very transaction and she has the seat again, or waits for one. Under
//! a policy that proposes, the last step is somebody's approval of exactly what was listed.

use std::collections::{BTreeMap, BTreeSet};

use db::{Ctx, Read, Tx, Value, params};
use entitlement::{
    Candidate, GroupId, HeldBack, IdleSeat, Pool, Proposal, ReclaimMode, ReclaimPlan,
    ReclaimPolicy, Reclaimed, UserId, over_share, reclaim,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::limits::{
    RECLAIM_BATCH_MAX, RECLAIM_EXEMPT_COUNT_MAX, RECLAIM_INTERVAL_SECS, ROUND_TENANT_COUNT_MAX,
};
use crate::provider::ServiceProvider;
use crate::rules::{self, Rules};
use crate::{Error, Result, TenantId, account, idle, licensing, stored};

/// What the policy of a tenant would take back, with the digest by which it is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReclaimReport {
    /// What becomes of it: nothing, a proposal, or it is taken.
    pub mode: ReclaimMode,
    /// The digest of the proposals.
    pub digest: String,
    /// The proposals, what is spared, what is held back.
    #[serde(flatten)]
    pub plan: ReclaimPlan,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reclamation {
    /// The seats.
    pub reclaimed: Vec<Proposal>,
    /// Those that were used meanwhile, or are spared by now, and stay.
    pub kept: u64,
}

impl ServiceProvider {
    /// What the policy of a tenant says about its idle seats now.
    pub fn reclaim_report(&self, tenant: &TenantId) -> Result<ReclaimReport> {
        let now = self.clock().now();
        self.db().read(|r| {
            let rules = rules::rules(r, tenant)?;
            let plan = plan(r, tenant, &rules, now)?;
            let mode = rules.settings.reclaim.mode;
            Ok(ReclaimReport { mode, digest: digest(&plan.proposals)?, plan })
        })
    }

    /// Takes back what was listed under this digest, without waiting for the grace. Refused where
    /// the list is another by now, and where more than the policy's share of a pool would go, unless
    /// `even_over_share`.
    pub fn approve_reclaim(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        digest: &str,
        even_over_share: bool,
    ) -> Result<Reclamation> {
        let report = self.reclaim_report(tenant)?;
        if digest.len() < DIGEST_CHARS_MIN || !report.digest.starts_with(digest) {
            return Err(Error::refused(format!(
                "What would be reclaimed is not what `{digest}` stands for: something changed since. Look at the list again: `muster seats reclaim`."
            )));
        }
        let held = self.db().read(|r| idle::held(r, tenant))?;
        let rules = self.db().read(|r| rules::rules(r, tenant))?;
        let policy = &rules.settings.reclaim;
        let over = over_share(policy, &rules.catalogue, &report.plan.proposals, &held);
        if let Some(over) = over.first().filter(|_| !even_over_share) {
            return Err(Error::refused(format!(
                "{} Say `--over-share` if that is meant.",
                HeldBack::sentence(over)
            )));
        }
        self.take(ctx, tenant, &report.plan.proposals)
    }

    /// One round for every tenant whose time has come: tells who is to be told and takes what is due.
    pub(crate) fn reclaim_round(&self) -> Result<u64> {
        let now = self.clock().now();
        let due = self.db().read(|r| {
            Ok::<_, Error>(r.query(
                "SELECT tenant FROM reclaim_rounds WHERE next_at <= $1 ORDER BY next_at, tenant LIMIT $2",
                params![now, ROUND_TENANT_COUNT_MAX],
                |row| Ok(TenantId::new(row.text(0)?)),
            )?)
        })?;
        let mut count = 0;
        for tenant in due {
            let (t, next_at) = (tenant.clone(), next_round(now));
            // Whoever moves the date does the round: no two nodes do it at once.
            let is_mine = self.db().write(tenant.turn(), move |tx| {
                let moved = tx.execute(
                    "UPDATE reclaim_rounds SET next_at = $1 WHERE tenant = $2 AND next_at <= $3",
                    params![next_at, t.as_str(), now],
                )?;
                Ok::<_, Error>(moved > 0)
            })?;
            if is_mine {
                self.reclaim_of(&tenant)?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn reclaim_of(&self, tenant: &TenantId) -> Result<()> {
        let report = self.reclaim_report(tenant)?;
        if report.mode == ReclaimMode::Off {
            return Ok(());
        }
        let ctx = self.ctx("background", "idle seats are reclaimed");
        let to_be_told = report.plan.proposals.iter().filter(|one| one.to_be_told);
        let to_be_told: Vec<Proposal> = to_be_told.cloned().collect();
        for batch in to_be_told.chunks(RECLAIM_BATCH_MAX) {
            let (ctx, tenant, batch) = (ctx.clone(), tenant.clone(), batch.to_vec());
            self.db().write(tenant.turn(), move |tx| give_notice(tx, &ctx, &tenant, &batch))?;
        }
        for held_back in &report.plan.held_back {
            tracing::warn!(%tenant, "{}", held_back.sentence());
        }
        if report.mode == ReclaimMode::Apply {
            let due: Vec<Proposal> = report.plan.due().cloned().collect();
            self.take(&ctx, tenant, &due)?;
        }
        Ok(())
    }

    fn take(&self, ctx: &Ctx, tenant: &TenantId, proposals: &[Proposal]) -> Result<Reclamation> {
        let mut done = Reclamation::default();
        for batch in proposals.chunks(RECLAIM_BATCH_MAX) {
            let (ctx, tenant, batch) = (ctx.clone(), tenant.clone(), batch.to_vec());
            let taken =
                self.db().write(tenant.turn(), move |tx| take(tx, &ctx, &tenant, &batch))?;
            done.reclaimed.extend(taken.reclaimed);
            done.kept += taken.kept;
        }
        Ok(done)
    }
}

/// Fewest characters of a digest that stand for it.
const DIGEST_CHARS_MIN: usize = 8;

/// Refuses a policy that cannot be meant.
pub(crate) fn refuse_policy(policy: &ReclaimPolicy) -> Result<()> {
    let exempt = [policy.exempt.len(), policy.exempt_groups.len(), policy.exempt_users.len()];
    if exempt.into_iter().any(|count| count > RECLAIM_EXEMPT_COUNT_MAX) {
        return Err(Error::refused(format!(
            "`reclaim` exempts at most {RECLAIM_EXEMPT_COUNT_MAX} groups, users or keys. Put the users into a group and exempt that."
        )));
    }
    policy.fault().map_or(Ok(()), |sentence| Err(Error::refused(sentence)))
}

/// Has the first round done at once, or no more rounds.
pub(crate) fn schedule(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    policy: &ReclaimPolicy,
) -> Result<()> {
    if policy.mode == ReclaimMode::Off {
        // What was taken is kept by nobody any more: it is claimed again.
        let sql = "DELETE FROM reclaim_rounds WHERE tenant = $1";
        tx.execute(sql, params![tenant.as_str()])?;
        return Ok(());
    }
    tx.execute(
        "INSERT INTO reclaim_rounds (tenant, next_at) VALUES ($1, $2)
         ON CONFLICT (tenant) DO UPDATE SET next_at = excluded.next_at",
        params![tenant.as_str(), ctx.now],
    )?;
    Ok(())
}

/// Whether anything was taken from anybody and not claimed since.
pub(crate) fn has_reclaimed(r: &mut Read, tenant: &TenantId) -> Result<bool> {
    let found = r.query_opt(
        "SELECT 1 FROM reclaims WHERE tenant = $1 AND state = 'reclaimed' LIMIT 1",
        params![tenant.as_str()],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

/// What was taken from each of these users and not claimed since.
pub(crate) fn reclaimed_of_users(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Vec<Reclaimed>>> {
    let (names, ids) = stored::in_users(2, users);
    let sql = format!(
        "SELECT user_id, pool_kind, pool_key, idle_since FROM reclaims
         WHERE tenant = $1 AND user_id IN ({names}) AND state = 'reclaimed'
         ORDER BY user_id, pool_kind, pool_key"
    );
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    let rows = r.query(&sql, &params, |row| {
        let pool = stored::pool(row.text_ref(1)?, row.text_ref(2)?)?;
        Ok((UserId(row.text(0)?), Reclaimed { pool, idle_since: row.date(3)? }))
    })?;
    let mut by_user: BTreeMap<UserId, Vec<Reclaimed>> = BTreeMap::new();
    for (user, reclaimed) in rows {
        by_user.entry(user).or_default().push(reclaimed);
    }
    Ok(by_user)
}

/// The user is active again: a notice is void, and what was taken is claimed again, in this
/// transaction.
pub(crate) fn on_activity(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, user: &UserId) -> Result<()> {
    if forget(tx, tenant, user)? == 0 {
        return Ok(());
    }
    let ctx = Ctx { cause: "the user is active again".into(), ..ctx.clone() };
    let payload = json!({});
    db::event::append(tx, &ctx, tenant.as_str(), "seat.reclaim-ended", &user.0, &payload)?;
    licensing::settle_one(tx, &ctx, tenant, user).map(drop)
}

/// Forgets what was taken from a user, and what they were told. Says how many seats were taken.
pub(crate) fn forget(tx: &mut Tx, tenant: &TenantId, user: &UserId) -> Result<usize> {
    let states = tx.query(
        "DELETE FROM reclaims WHERE tenant = $1 AND user_id = $2 RETURNING state",
        params![tenant.as_str(), &user.0],
        |row| row.text(0),
    )?;
    Ok(states.iter().filter(|state| *state == "reclaimed").count())
}

/// What the policy says about the idle seats of a tenant.
fn plan(r: &mut Read, tenant: &TenantId, rules: &Rules, now: Timestamp) -> Result<ReclaimPlan> {
    let policy = &rules.settings.reclaim;
    if policy.mode == ReclaimMode::Off {
        return Ok(ReclaimPlan::default());
    }
    let idle = idle::all_idle(r, tenant, rules, now, policy.idle_days)?;
    let mut candidates = Vec::new();
    for part in idle.chunks(RECLAIM_BATCH_MAX) {
        candidates.extend(self::candidates(r, tenant, rules, part)?);
    }
    let held = idle::held(r, tenant)?;
    Ok(reclaim(policy, &rules.catalogue, &candidates, &held, now))
}

/// Adds what decides whether these seats may be taken.
fn candidates(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    idle: &[IdleSeat],
) -> Result<Vec<Candidate>> {
    let users: BTreeSet<UserId> = idle.iter().map(|seat| seat.user.clone()).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let groups = exempt_groups_of(r, tenant, rules, &users)?;
    let noticed = noticed(r, tenant, &users)?;
    let candidate = |idle: &IdleSeat| Candidate {
        groups: groups.get(&idle.user).cloned().unwrap_or_default(),
        noticed_at: noticed.get(&(idle.user.clone(), idle.pool.clone())).copied(),
        idle: idle.clone(),
    };
    Ok(idle.iter().map(candidate).collect())
}

/// The exempt groups that each of these users is in, by itself or by a group that lies in one.
fn exempt_groups_of(
    r: &mut Read,
    tenant: &TenantId,
    rules: &Rules,
    users: &[UserId],
) -> Result<BTreeMap<UserId, Vec<String>>> {
    let mut exempt: BTreeMap<GroupId, &String> = BTreeMap::new();
    for name in &rules.settings.reclaim.exempt_groups {
        if let Some(group) = account::group_named(r, tenant, name)? {
            exempt.insert(group, name);
        }
    }
    if exempt.is_empty() {
        return Ok(BTreeMap::new());
    }
    let leading = rules.leading_to(&exempt.keys().cloned().collect());
    let groups = rules::groups_of_users(r, tenant, users)?;
    let names = |groups: Vec<GroupId>| {
        let tops = groups.iter().filter_map(|group| leading.get(group));
        tops.filter_map(|top| exempt.get(top)).map(|name| (*name).clone()).collect()
    };
    Ok(groups.into_iter().map(|(user, groups)| (user, names(groups))).collect())
}

/// When each of these users was told about which seat.
fn noticed(
    r: &mut Read,
    tenant: &TenantId,
    users: &[UserId],
) -> Result<BTreeMap<(UserId, Pool), Timestamp>> {
    let (names, ids) = stored::in_users(2, users);
    let sql = format!(
        "SELECT user_id, pool_kind, pool_key, noticed_at FROM reclaims
         WHERE tenant = $1 AND user_id IN ({names}) ORDER BY user_id, pool_kind, pool_key"
    );
    let mut params = vec![Value::from(tenant.as_str())];
    params.extend(ids);
    let rows = r.query(&sql, &params, |row| {
        let pool = stored::pool(row.text_ref(1)?, row.text_ref(2)?)?;
        Ok(((UserId(row.text(0)?), pool), row.timestamp(3)?))
    })?;
    Ok(rows.into_iter().collect())
}

fn give_notice(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, batch: &[Proposal]) -> Result<()> {
    let notice = rules::rules(tx, tenant)?.settings.reclaim.notice.clone();
    for one in batch {
        let told = write(tx, tenant, one, "noticed", ctx.now, None)?;
        if told > 0 {
            let payload = json!({
                "pool": one.pool, "name": one.name, "idle_since": one.idle_since,
                "due_at": one.due_at, "notice": notice,
            });
            db::event::append(
                tx,
                ctx,
                tenant.as_str(),
                "seat.reclaim-noticed",
                &one.user.0,
                &payload,
            )?;
        }
    }
    Ok(())
}

/// Takes back those of these seats that are idle still, and settles their holders.
fn take(tx: &mut Tx, ctx: &Ctx, tenant: &TenantId, batch: &[Proposal]) -> Result<Reclamation> {
    let rules = rules::rules(tx, tenant)?;
    let policy = &rules.settings.reclaim;
    let users: BTreeSet<UserId> = batch.iter().map(|one| one.user.clone()).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let when = (ctx.now, policy.idle_days);
    let idle = idle::idle_of_users(tx, tenant, &rules, &users, when)?;
    let candidates = candidates(tx, tenant, &rules, &idle)?;
    let still = reclaim(policy, &rules.catalogue, &candidates, &BTreeMap::new(), ctx.now);
    let mut done = Reclamation::default();
    for one in batch {
        let found = still.proposals.iter().find(|now| now.user == one.user && now.pool == one.pool);
        if found.is_none() {
            done.kept += 1;
            continue;
        }
        write(tx, tenant, one, "reclaimed", ctx.now, Some(&ctx.actor))?;
        let payload = json!({"pool": one.pool, "name": one.name, "idle_since": one.idle_since});
        db::event::append(tx, ctx, tenant.as_str(), "seat.reclaimed", &one.user.0, &payload)?;
        done.reclaimed.push(one.clone());
    }
    if !rules.has_reclaimed && !done.reclaimed.is_empty() {
        rules::changed(tx, tenant)?;
    }
    licensing::settle_users(tx, ctx, tenant, &users)?;
    Ok(done)
}

fn write(
    tx: &mut Tx,
    tenant: &TenantId,
    one: &Proposal,
    state: &str,
    now: Timestamp,
    by: Option<&str>,
) -> Result<u64> {
    let count = tx.execute(
        "INSERT INTO reclaims (tenant, user_id, pool_kind, pool_key, state, idle_since, noticed_at,
             reclaimed_at, reclaimed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant, user_id, pool_kind, pool_key) DO UPDATE SET
             state = excluded.state, idle_since = excluded.idle_since,
             reclaimed_at = excluded.reclaimed_at, reclaimed_by = excluded.reclaimed_by",
        params![
            tenant.as_str(),
            &one.user.0,
            one.pool.kind(),
            one.pool.key().as_str(),
            state,
            one.idle_since.to_string(),
            now,
            by.map(|_| now),
            by,
        ],
    )?;
    Ok(count)
}

fn next_round(now: Timestamp) -> Timestamp {
    let interval = jiff::SignedDuration::from_secs(RECLAIM_INTERVAL_SECS);
    now.checked_add(interval).unwrap_or(Timestamp::MAX)
}

/// Stands for who would lose what for which idleness, and not for when it was looked at.
fn digest(proposals: &[Proposal]) -> Result<String> {
    let listed: Vec<_> =
        proposals.iter().map(|one| (&one.user, &one.pool, one.idle_since)).collect();
    let bytes = Sha256::digest(stored::to_json(&listed)?);
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
