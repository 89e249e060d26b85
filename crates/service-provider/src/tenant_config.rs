//! The configuration of a tenant as one value: what a file says, what is there, and the difference.
//!
//! The order of events: a file becomes a [`TenantConfig`], its preset is worked in, and what is there
//! is read as the same type; the difference between the two is what [`ServiceProvider::tenant_change`]
//! shows and [`ServiceProvider::put_tenant_config`] writes, so applying twice changes nothing.
//!
//! A configuration is the whole truth about settings and grants: a grant that it does not name is
//! removed. Two things it does not take away: a license type or product it does not name stays, since
//! people may hold it, and what was retired stays retired.

mod difference;
mod stored;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use db::Ctx;
use entitlement::{EffectPolicies, Key, LicenseType, Preset, Price, Product, ReclaimPolicy};
use serde::{Deserialize, Serialize};

use self::difference::differences;
use self::stored::{present, put};
use crate::grant::GrantSpec;
use crate::provider::{PLATFORM, ServiceProvider};
use crate::{Adopt, Error, Result, SelfSignup, TenantSettings, account, tenant};

/// A tenant as configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// The name; unique whatever its case.
    pub name: String,
    /// A shipped catalogue to start from: `guide`. A row below with the key of one of its rows
    /// stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The license of users whom no group grants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_license: Option<Key>,
    /// What becomes of people who sign up by themselves: `forbidden`, `pending` or `active`.
    #[serde(default)]
    pub self_signup: SelfSignup,
    /// Which users that are there already provisioning takes over: `never`, `self-signup` or `always`.
    #[serde(default)]
    pub adopt: Adopt,
    /// What follows a deactivation; left out: everything.
    #[serde(default)]
    pub effects: EffectPolicies,
    /// What becomes of idle seats; left out: nothing.
    #[serde(default)]
    pub reclaim: ReclaimPolicy,
    /// The license types.
    #[serde(default, rename = "license_type", skip_serializing_if = "Vec::is_empty")]
    pub license_types: Vec<LicenseTypeConfig>,
    /// The products.
    #[serde(default, rename = "product", skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ProductConfig>,
    /// What groups grant.
    #[serde(default, rename = "grant", skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantConfig>,
}

/// A license type as configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseTypeConfig {
    /// The key by which grants name it.
    pub key: Key,
    /// The name for people.
    pub name: String,
    /// Its place in the order; of several that are granted the highest wins.
    pub rank: u32,
    /// How many may be held; left out: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// Values of the SCIM attribute `userType` that mean it, beside its key and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_types: Vec<String>,
    /// Whether nobody is given it any more. A file can retire a type, and not bring it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// What a seat costs in a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// A product as configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductConfig {
    /// The key by which grants name it.
    pub key: Key,
    /// The name for people.
    pub name: String,
    /// How many may be held; left out: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// What a seat costs in a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// What a group grants, as configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantConfig {
    /// The group's name; the grant waits for it if it is not there yet.
    pub group: String,
    /// The license type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<Key>,
    /// The products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<Key>,
    /// Named settings that the group imposes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, String>,
    /// Its place in the order of grants: of license types of equal rank the first wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// Its priority on waitlists: higher goes first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: u32,
}

/// What putting a configuration changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantChange {
    /// The tenant's name.
    pub name: String,
    /// Whether the tenant is not there yet.
    pub is_new: bool,
    /// What differs, a line each.
    pub differences: Vec<String>,
}

impl TenantChange {
    /// Whether putting the configuration changes nothing.
    pub fn is_nothing(&self) -> bool {
        !self.is_new && self.differences.is_empty()
    }
}

impl ServiceProvider {
    /// The configuration of a tenant as it is, every preset worked in.
    pub fn tenant_config(&self, name_or_id: &str) -> Result<TenantConfig> {
        self.db().read(|r| {
            let found = tenant::find(r, name_or_id)?;
            present(r, &found.ok_or_else(|| Error::not_found("tenant", name_or_id))?)
        })
    }

    /// What [`Self::put_tenant_config`] would change.
    pub fn tenant_change(&self, config: &TenantConfig) -> Result<TenantChange> {
        let wanted = config.resolved()?;
        self.db().read(|r| {
            let found = tenant::find(r, &wanted.name)?;
            let before = found.map(|found| present(r, &found)).transpose()?;
            Ok(match before {
                Some(before) => {
                    let after = wanted.over(&before);
                    let differences = differences(&before, &after);
                    TenantChange { name: before.name, is_new: false, differences }
                }
                None => {
                    let empty = TenantConfig::default();
                    let differences = differences(&empty, &wanted);
                    TenantChange { name: wanted.name.clone(), is_new: true, differences }
                }
            })
        })
    }

    /// Makes the tenant be as the configuration says, creating it if it is not there. All of it or
    /// nothing is written, and of that only what differs; users whose entitlement may change are
    /// marked. Says whether anything changed.
    pub fn put_tenant_config(&self, ctx: &Ctx, config: &TenantConfig) -> Result<bool> {
        let (ctx, wanted) = (ctx.clone(), config.resolved()?);
        // Who creates a tenant writes in the platform's turn; who changes one, in the tenant's.
        let found = self.db().read(|r| tenant::find(r, &wanted.name))?;
        let Some(found) = found else {
            return self.db().write(PLATFORM, move |tx| match tenant::find(tx, &wanted.name)? {
                None => put(tx, &ctx, &wanted),
                Some(tenant) => Err(Error::refused(format!(
                    "The tenant `{}` was created at this moment by somebody else. Try again.",
                    tenant.name
                ))),
            });
        };
        self.db().write(found.id.turn(), move |tx| put(tx, &ctx, &wanted))
    }
}

impl TenantConfig {
    /// The configuration with its preset worked in, in one order, and without contradictions.
    pub fn resolved(&self) -> Result<Self> {
        let preset = match &self.preset {
            None => Preset::default(),
            Some(name) => Preset::named(name).ok_or_else(|| {
                self.wrong(format!("there is no preset `{name}`; there is `guide`"))
            })?,
        };
        self.refuse_twice("license_type", self.license_types.iter().map(|row| row.key.as_str()))?;
        self.refuse_twice("product", self.products.iter().map(|row| row.key.as_str()))?;
        self.refuse_twice("grant", self.grants.iter().map(|row| row.group.as_str()))?;
        let base = Self {
            default_license: preset.default_license.clone(),
            license_types: preset.license_types.into_iter().map(Into::into).collect(),
            products: preset.products.into_iter().map(Into::into).collect(),
            grants: preset
                .groups
                .into_iter()
                .map(|group| GrantConfig {
                    group: group.name,
                    license: group.license_type,
                    products: group.products,
                    policies: group.policies,
                    order: None,
                    priority: 0,
                })
                .collect(),
            ..Self::default()
        };
        let mut resolved = Self {
            preset: None,
            default_license: self.default_license.clone().or(base.default_license),
            license_types: merged(&self.license_types, &base.license_types, |row| row.key.clone()),
            products: merged(&self.products, &base.products, |row| row.key.clone()),
            grants: merged(&self.grants, &base.grants, |row| account::name_key(&row.group)),
            ..self.clone()
        };
        resolved.put_in_order();
        Ok(resolved)
    }

    /// What the tenant is to be, where `before` is what it is: rows of the catalogue that are not
    /// named stay, and what is retired stays retired.
    fn over(&self, before: &Self) -> Self {
        let mut after = Self {
            name: before.name.clone(),
            license_types: merged(&self.license_types, &before.license_types, |row| {
                row.key.clone()
            }),
            products: merged(&self.products, &before.products, |row| row.key.clone()),
            ..self.clone()
        };
        for row in &mut after.license_types {
            row.retired |= before.license_type(&row.key).is_some_and(|old| old.retired);
        }
        after.put_in_order();
        after
    }

    fn put_in_order(&mut self) {
        self.license_types.sort_by_key(|row| (Reverse(row.rank), row.key.clone()));
        self.products.sort_by_key(|row| row.key.clone());
        self.grants.sort_by_key(|row| account::name_key(&row.group));
        for grant in &mut self.grants {
            grant.group = grant.group.trim().to_owned();
            grant.products.sort();
            grant.products.dedup();
        }
    }

    fn license_type(&self, key: &Key) -> Option<&LicenseTypeConfig> {
        self.license_types.iter().find(|row| row.key == *key)
    }

    fn product(&self, key: &Key) -> Option<&ProductConfig> {
        self.products.iter().find(|row| row.key == *key)
    }

    fn grant(&self, group: &str) -> Option<&GrantConfig> {
        let key = account::name_key(group);
        self.grants.iter().find(|row| account::name_key(&row.group) == key)
    }

    fn settings(&self) -> TenantSettings {
        TenantSettings {
            default_license: self.default_license.clone(),
            self_signup: self.self_signup,
            adopt: self.adopt,
            effects: self.effects,
            reclaim: self.reclaim.clone(),
        }
    }

    fn refuse_twice<'a>(&self, what: &str, keys: impl Iterator<Item = &'a str>) -> Result<()> {
        let mut seen = BTreeSet::new();
        for key in keys {
            if !seen.insert(account::name_key(key)) {
                return Err(self.wrong(format!("there are two entries [[{what}]] for `{key}`")));
            }
        }
        Ok(())
    }

    fn wrong(&self, message: String) -> Error {
        Error::refused(format!("Tenant `{}`: {message}.", self.name))
    }
}

impl From<LicenseType> for LicenseTypeConfig {
    fn from(row: LicenseType) -> Self {
        Self {
            key: row.key,
            name: row.name,
            rank: row.rank,
            seats: row.seat_limit,
            user_types: row.user_types,
            retired: row.retired,
            price: row.price,
        }
    }
}

impl From<&LicenseTypeConfig> for LicenseType {
    fn from(row: &LicenseTypeConfig) -> Self {
        Self {
            key: row.key.clone(),
            name: row.name.clone(),
            rank: row.rank,
            retired: row.retired,
            seat_limit: row.seats,
            user_types: row.user_types.clone(),
            price: row.price,
        }
    }
}

impl From<Product> for ProductConfig {
    fn from(row: Product) -> Self {
        Self { key: row.key, name: row.name, seats: row.seat_limit, price: row.price }
    }
}

impl From<&ProductConfig> for Product {
    fn from(row: &ProductConfig) -> Self {
        let (key, name) = (row.key.clone(), row.name.clone());
        Self { key, name, seat_limit: row.seats, price: row.price }
    }
}

impl From<&GrantConfig> for GrantSpec {
    fn from(row: &GrantConfig) -> Self {
        Self {
            license_type: row.license.clone(),
            products: row.products.clone(),
            policies: row.policies.clone(),
            order: row.order,
            priority: row.priority,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The rows of `wanted`, and those of `base` whose key none of them has.
fn merged<T: Clone, K: Ord>(wanted: &[T], base: &[T], key: impl Fn(&T) -> K) -> Vec<T> {
    let keys: BTreeSet<K> = wanted.iter().map(&key).collect();
    let rest = base.iter().filter(|row| !keys.contains(&key(row)));
    wanted.iter().chain(rest).cloned().collect()
}
