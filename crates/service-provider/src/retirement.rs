//! Retirement: a license type is granted to nobody anew, its holders keep it, and are moved off it.

use db::{Ctx, Read, Tx, params};
use entitlement::{Key, LicenseType, Pool, UserId};
use serde::Serialize;
use serde_json::json;

use crate::limits::MOVE_BATCH_MAX;
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, catalogue, grant, license, licensing, rules, seat, settings, stale};

/// What moving holders off a license type did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MovedHolders {
    /// Groups whose grant names the new type now.
    pub groups: u64,
    /// Direct grants that name the new type now.
    pub direct_grants: u64,
    /// Whether the tenant's default was the old type and is the new one now.
    pub default_changed: bool,
    /// Users who held the old type and do not any more.
    pub moved: u64,
    /// Users who hold it still: inactive ones whose seats are kept by policy.
    pub remaining: u64,
}

impl ServiceProvider {
    /// Retires a license type: it is granted to nobody anew, and who holds it keeps it until moved
    /// ([`Self::move_holders`]). Says how many hold it still.
    pub fn retire_license_type(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        key: &Key,
    ) -> Result<u64, Error> {
        let (ctx, tenant, key) = (ctx.clone(), tenant.clone(), key.clone());
        self.db().write(tenant.turn(), move |tx| retire_license_type(tx, &ctx, &tenant, &key))
    }

    /// Moves the remaining holders of the retired license type `from` to the live type `to`, each
    /// in one decision, so that nobody is without a license between. Refused where `to` has too few
    /// free seats. Stopped halfway it can be run again.
    pub fn move_holders(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        from: &Key,
        to: &Key,
    ) -> Result<MovedHolders, Error> {
        let (c, t) = (ctx.clone(), tenant.clone());
        let (from, to) = (from.clone(), to.clone());
        let (f, n) = (from.clone(), to.clone());
        let (mut moved, before) =
            self.db().write(tenant.turn(), move |tx| begin_move(tx, &c, &t, &f, &n))?;
        let mut after: Option<UserId> = None;
        loop {
            let (c, t, cursor) = (ctx.clone(), tenant.clone(), after.clone());
            let (f, n) = (from.clone(), to.clone());
            let last = self.db().write(tenant.turn(), move |tx| {
                move_batch(tx, &c, &t, (&f, &n), cursor.as_ref())
            })?;
            // The cursor only goes up, so the loop ends with the last holder there is.
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        let pool = Pool::License(from);
        moved.remaining = self.db().read(|r| license::held(r, tenant, &pool))?;
        // Some may have been moved by the background, which was told as well.
        moved.moved = before.saturating_sub(moved.remaining);
        Ok(moved)
    }
}

/// Retires a license type; says how many hold it still.
pub(crate) fn retire_license_type(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    key: &Key,
) -> Result<u64, Error> {
    let catalogue = catalogue::catalogue(tx, tenant)?;
    let row = license::known_type(&catalogue, key)?;
    let held = license::held(tx, tenant, &Pool::License(key.clone()))?;
    if row.retired {
        return Ok(held);
    }
    if settings::tenant_settings(tx, tenant)?.default_license.as_ref() == Some(key) {
        return Err(Error::Refused {
            sentence: format!(
                "{} is the tenant's default license and cannot be retired. Set another first: `muster license default TYPE`.",
                row.name
            ),
        });
    }
    tx.execute(
        "UPDATE license_types SET retired_at = $1, retired_by = $2, retired_cause = $3
         WHERE tenant = $4 AND key = $5",
        params![ctx.now, &ctx.actor, &ctx.cause, tenant.as_str(), key.as_str()],
    )?;
    rules::changed(tx, tenant)?;
    // Who waits for it waits in vain.
    stale::mark_pool(
        tx,
        ctx,
        tenant,
        &Pool::License(key.clone()),
        &format!("{} was retired", row.name),
    )?;
    let payload = json!({"held": held});
    db::event::append(tx, ctx, tenant.as_str(), "license.type-retired", key.as_str(), &payload)?;
    Ok(held)
}

/// Begins to move the holders of the retired type `from` to the live type `to`: whatever names the
/// old one names the new one from now on. Says how many hold it. Refused where `to` has too few free
/// seats, since somebody would lose the old license without getting the new.
fn begin_move(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    from: &Key,
    to: &Key,
) -> Result<(MovedHolders, u64), Error> {
    let catalogue = catalogue::catalogue(tx, tenant)?;
    let old = license::known_type(&catalogue, from)?;
    let new = license::known_live_type(&catalogue, to)?;
    if !old.retired {
        let sentence = format!(
            "{} is not retired, so it would be granted again. Retire it first: `muster license retire {from}`.",
            old.name
        );
        return Err(Error::Refused { sentence });
    }
    let holders = license::held(tx, tenant, &Pool::License(from.clone()))?;
    refuse_too_few(tx, tenant, from, holders, new)?;
    let groups = grant::replace_license(tx, tenant, from, to)?;
    let direct_grants = replace_direct(tx, ctx, tenant, from, to)?;
    let mut settings = settings::tenant_settings(tx, tenant)?;
    let default_changed = settings.default_license.as_ref() == Some(from);
    if default_changed {
        settings.default_license = Some(to.clone());
        settings::put_tenant_settings(tx, ctx, tenant, &settings)?;
    }
    let payload = json!({
        "from": from, "to": to, "groups": groups, "direct_grants": direct_grants,
        "default_changed": default_changed,
    });
    db::event::append(tx, ctx, tenant.as_str(), "license.holders-moved", from.as_str(), &payload)?;
    stale::mark_pool(tx, ctx, tenant, &Pool::License(from.clone()), "holders are moved")?;
    let moved = MovedHolders { groups, direct_grants, default_changed, ..MovedHolders::default() };
    Ok((moved, holders))
}

/// Moves the next holders of `from` after the user `after`, each in one decision. Says who was
/// looked at last; none: nobody is left.
fn move_batch(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    (from, to): (&Key, &Key),
    after: Option<&UserId>,
) -> Result<Option<UserId>, Error> {
    let old_pool = Pool::License(from.clone());
    let new_pool = Pool::License(to.clone());
    let holders = seat::holders_after(tx, tenant, &old_pool, after, MOVE_BATCH_MAX)?;
    let Some(last) = holders.last().cloned() else { return Ok(None) };
    for user in licensing::claimless_without(tx, tenant, &holders, from)? {
        // Only `userType` gave it: the attribute is the identity provider's, the seat is ours.
        license::insert_direct(tx, ctx, tenant, &user, &new_pool, None)?;
    }
    licensing::settle_off(tx, ctx, tenant, &holders, from)?;
    Ok(Some(last))
}

fn refuse_too_few(
    r: &mut Read,
    tenant: &TenantId,
    from: &Key,
    holders: u64,
    to: &LicenseType,
) -> Result<(), Error> {
    let Some(limit) = to.seat_limit else { return Ok(()) };
    let taken = license::held(r, tenant, &Pool::License(to.key.clone()))?;
    let free = u64::from(limit).saturating_sub(taken);
    if holders <= free {
        return Ok(());
    }
    Err(Error::Refused {
        sentence: format!(
            "{} has {free} free seats for {holders} holders of `{from}`. Raise its limit by {} first; nobody was moved.",
            to.name,
            holders - free
        ),
    })
}

fn replace_direct(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    from: &Key,
    to: &Key,
) -> Result<u64, Error> {
    tx.execute(
        "INSERT INTO direct_grants (tenant, user_id, pool_kind, pool_key, granted_by, granted_at,
             until, ends_at)
         SELECT tenant, user_id, pool_kind, $1, $2, $3, until, ends_at FROM direct_grants
         WHERE tenant = $4 AND pool_kind = 'license' AND pool_key = $5
         ON CONFLICT (tenant, user_id, pool_kind, pool_key) DO NOTHING",
        params![to.as_str(), &ctx.actor, ctx.now, tenant.as_str(), from.as_str()],
    )?;
    let replaced = tx.execute(
        "DELETE FROM direct_grants
         WHERE tenant = $1 AND pool_kind = 'license' AND pool_key = $2",
        params![tenant.as_str(), from.as_str()],
    )?;
    Ok(replaced)
}
