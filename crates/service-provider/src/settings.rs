//! What a tenant decides about licensing: default license, self-signup, adoption, effects.

use db::{Ctx, Read, Tx, params};
use entitlement::{EffectPolicies, Key, ReclaimPolicy};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::provider::ServiceProvider;
use crate::{Result, TenantId, license, reclaim, rules, stored};

const FORMAT_VERSION: u32 = 1;

/// The settings of a tenant; one without a row of its own has the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TenantSettings {
    /// The license of users whom no grant gives one.
    pub default_license: Option<Key>,
    /// Whether people may sign up by themselves.
    pub self_signup: SelfSignup,
    /// Whether provisioning takes over users who are there already.
    pub adopt: Adopt,
    /// Which effects a deactivation has.
    pub effects: EffectPolicies,
    /// Whether, when and from whom idle seats are taken back.
    #[serde(default)]
    pub reclaim: ReclaimPolicy,
}

/// What becomes of somebody who signs up by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfSignup {
    /// It is refused: accounts come from the identity provider alone.
    Forbidden,
    /// The user is there, pending until the invitation is accepted.
    #[default]
    Pending,
    /// The user is active at once.
    Active,
}

/// Which users that exist already a SCIM creation takes over instead of failing with 409.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adopt {
    /// None.
    Never,
    /// Those who signed up or were invited, not those whom provisioning created.
    #[default]
    SelfSignup,
    /// These, and inactive ones whom provisioning created before: a rehire.
    Always,
}

impl ServiceProvider {
    /// The settings of a tenant.
    pub fn tenant_settings(&self, tenant: &TenantId) -> Result<TenantSettings> {
        self.db().read(|r| tenant_settings(r, tenant))
    }

    /// Makes these the settings of a tenant.
    pub fn set_tenant_settings(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        settings: &TenantSettings,
    ) -> Result<()> {
        let (ctx, tenant, settings) = (ctx.clone(), tenant.clone(), settings.clone());
        self.db().write(tenant.turn(), move |tx| {
            license::set_default_license(tx, &ctx, &tenant, settings.default_license.as_ref())?;
            put_tenant_settings(tx, &ctx, &tenant, &settings)
        })
    }
}

impl SelfSignup {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Pending => "pending",
            Self::Active => "active",
        }
    }

    /// The policy of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Forbidden, Self::Pending, Self::Active]
            .into_iter()
            .find(|policy| policy.as_str() == name)
    }
}

impl Adopt {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::SelfSignup => "self-signup",
            Self::Always => "always",
        }
    }

    /// The policy of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Never, Self::SelfSignup, Self::Always]
            .into_iter()
            .find(|policy| policy.as_str() == name)
    }
}

/// The settings of a tenant.
pub(crate) fn tenant_settings(r: &mut Read, tenant: &TenantId) -> Result<TenantSettings> {
    let row = r.query_opt(
        "SELECT default_license, self_signup, adopt, effects, reclaim FROM tenant_settings
         WHERE tenant = $1",
        params![tenant.as_str()],
        |row| Ok((row.opt_text(0)?, row.text(1)?, row.text(2)?, row.text(3)?, row.text(4)?)),
    )?;
    let Some((default_license, self_signup, adopt, effects, reclaim)) = row else {
        return Ok(TenantSettings::default());
    };
    Ok(TenantSettings {
        default_license: default_license.as_deref().map(stored::key).transpose()?,
        self_signup: stored::word("a self-signup policy", &self_signup, SelfSignup::from_name)?,
        adopt: stored::word("an adoption policy", &adopt, Adopt::from_name)?,
        effects: stored::json("effect policies", &effects)?,
        reclaim: stored::json("a reclaim policy", &reclaim)?,
    })
}

/// Writes the settings of a tenant as they are to be. A changed default license touches everybody
/// without a granted one: the caller marks them stale.
pub(crate) fn put_tenant_settings(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    settings: &TenantSettings,
) -> Result<()> {
    if tenant_settings(tx, tenant)? == *settings {
        return Ok(());
    }
    reclaim::refuse_policy(&settings.reclaim)?;
    tx.execute(
        "INSERT INTO tenant_settings (tenant, default_license, self_signup, adopt, effects,
             reclaim, format_version, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant) DO UPDATE SET
             default_license = excluded.default_license,
             self_signup = excluded.self_signup,
             adopt = excluded.adopt,
             effects = excluded.effects,
             reclaim = excluded.reclaim,
             format_version = excluded.format_version,
             changed_by = excluded.changed_by,
             changed_at = excluded.changed_at",
        params![
            tenant.as_str(),
            settings.default_license.as_ref().map(Key::as_str),
            settings.self_signup.as_str(),
            settings.adopt.as_str(),
            stored::to_json(&settings.effects)?,
            stored::to_json(&settings.reclaim)?,
            FORMAT_VERSION,
            &ctx.actor,
            ctx.now,
        ],
    )?;
    rules::changed(tx, tenant)?;
    reclaim::schedule(tx, ctx, tenant, &settings.reclaim)?;
    let payload = json!({"settings": settings});
    db::event::append(tx, ctx, tenant.as_str(), "tenant.settings-changed", "settings", &payload)?;
    Ok(())
}
