//! The decision about one user: which license, products and policies, each with its reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::standing::{license_order, outvoted};
use crate::{
    AccountState, Catalogue, DirectGrant, Finding, Grant, Key, OutvotedLicense, Pool, Precedence,
    Reason, Reclaimed, UserTypeMeaning,
};

/// Everything the decision about one user depends on.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The tenant's catalogue.
    pub catalogue: &'a Catalogue,
    /// The state of the account.
    pub state: AccountState,
    /// The grants of the groups the user is a member of.
    pub grants: &'a [Grant],
    /// What was given to the user by hand.
    pub direct: &'a [DirectGrant],
    /// The SCIM attribute `userType`.
    pub user_type: Option<&'a str>,
    /// The license of users whom no grant gives one.
    pub default_license: Option<&'a Key>,
    /// The pools of which the user holds a seat: a retired type is kept, but not given.
    pub holds: &'a [Pool],
    /// What was taken back because it was idle, and was not claimed by being used since.
    pub reclaimed: &'a [Reclaimed],
    /// Whether an inactive user gives up the seats (the policy "free the license").
    pub free_when_inactive: bool,
}

/// What a user should have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entitlement {
    /// License types, best first: the user holds the first that has a seat and waits for those
    /// before it. The last may be the tenant's default, held for as long as the better are waited
    /// for.
    pub licenses: Vec<Claim>,
    /// Products: the union of all grants, by key.
    pub products: Vec<Claim>,
    /// License types that are granted and stand behind the first, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outvoted: Vec<OutvotedLicense>,
    /// Policies, by name.
    pub policies: Vec<PolicyClaim>,
    /// The account is inactive but keeps the seats it holds; nothing new is claimed.
    pub keeps_held: bool,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// A license type or product that a user should have, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The pool that the seat comes from.
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// Why.
    pub reason: Reason,
    /// Further reasons: with the first gone these would still give it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Reason>,
    /// Where it stands among the user's others, and on the waitlist.
    #[serde(default)]
    pub precedence: Precedence,
}

/// A named setting that a group imposes on a user, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyClaim {
    /// The setting.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The group that imposes it.
    pub reason: Reason,
    /// What other groups asked for in vain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outvoted: Vec<OutvotedPolicy>,
}

/// A value of a policy that did not win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutvotedPolicy {
    /// The value.
    pub value: String,
    /// The group that asked for it.
    pub reason: Reason,
}

impl Entitlement {
    /// The license type the user should have: the best that is granted, or the default.
    pub fn license(&self) -> Option<&Claim> {
        self.licenses.first()
    }

    /// The claim on a pool, if there is one.
    pub fn claim(&self, pool: &Pool) -> Option<&Claim> {
        self.licenses.iter().chain(&self.products).find(|claim| claim.pool == *pool)
    }
}

/// Decides what a user should have. Products are the union of the grants; the license type is the
/// highest rank among them and of equal ranks the first in the order of grants, with the others and
/// the tenant's default behind it for as long as a seat is waited for; policies are those of the
/// group with the highest license, then by order and name.
pub fn decide(facts: &Facts<'_>) -> Entitlement {
    match facts.state {
        AccountState::Active => {}
        AccountState::Inactive if !facts.free_when_inactive => {
            return Entitlement {
                keeps_held: true,
                findings: vec![Finding::KeptWhileInactive],
                ..Entitlement::default()
            };
        }
        state => {
            return Entitlement {
                findings: vec![Finding::NotActive { state }],
                ..Entitlement::default()
            };
        }
    }
    let mut findings = Vec::new();
    let mut licenses = granted_licenses(facts, &mut findings);
    let outvoted = outvoted(facts.catalogue, &licenses);
    drop_reclaimed(facts, &mut licenses, &mut findings);
    add_default(facts, &mut licenses, &mut findings);
    let mut products = granted_products(facts, &mut findings);
    drop_reclaimed(facts, &mut products, &mut findings);
    let policies = imposed_policies(facts, &mut findings);
    Entitlement { licenses, products, outvoted, policies, keeps_held: false, findings }
}

/// Takes out what was reclaimed. With a license go those that stand behind it: whoever does not use
/// the better one would hold the next for nothing.
fn drop_reclaimed(facts: &Facts<'_>, claims: &mut Vec<Claim>, findings: &mut Vec<Finding>) {
    let found = claims.iter().enumerate().find_map(|(index, claim)| {
        let taken = facts.reclaimed.iter().find(|taken| taken.pool == claim.pool)?;
        Some((index, taken.idle_since))
    });
    let Some((index, idle_since)) = found else { return };
    let gone = match claims[index].pool {
        Pool::License(_) => claims.split_off(index),
        Pool::Product(_) => vec![claims.remove(index)],
    };
    findings.extend(gone.into_iter().map(|claim| Finding::Reclaimed {
        pool: claim.pool,
        name: claim.name,
        idle_since,
    }));
    drop_reclaimed(facts, claims, findings);
}

/// Something that is granted.
struct Named<'a> {
    key: &'a Key,
    reason: Reason,
    precedence: Precedence,
}

impl Grant {
    fn precedence(&self) -> Precedence {
        Precedence::of_group(self.order, self.priority)
    }
}

/// The license types that are granted, best first.
fn granted_licenses(facts: &Facts<'_>, findings: &mut Vec<Finding>) -> Vec<Claim> {
    let mut named: Vec<Named<'_>> = Vec::new();
    for grant in facts.grants {
        let (reason, precedence) = (grant.reason(), grant.precedence());
        named.extend(grant.license_type.iter().map(|key| Named {
            key,
            reason: reason.clone(),
            precedence,
        }));
    }
    for grant in facts.direct {
        if let Pool::License(key) = &grant.pool {
            named.push(Named { key, reason: grant.reason(), precedence: Precedence::DIRECT });
        }
    }
    if let Some(value) = facts.user_type {
        let reason = Reason::UserType { value: value.to_owned() };
        match facts.catalogue.user_type(value) {
            UserTypeMeaning::Plain => {}
            UserTypeMeaning::Grants(row) | UserTypeMeaning::Retired(row) => {
                named.push(Named { key: &row.key, reason, precedence: Precedence::USER_TYPE });
            }
        }
    }
    let mut by_key: BTreeMap<&Key, Vec<Named<'_>>> = BTreeMap::new();
    for one in named {
        if may_have(facts, one.key, &one.reason, findings) {
            by_key.entry(one.key).or_default().push(one);
        }
    }
    let mut claims: Vec<Claim> = by_key
        .into_iter()
        .filter_map(|(key, all)| claim(facts.catalogue, Pool::License(key.clone()), all))
        .collect();
    claims.sort_by(|one, other| {
        license_order_of(facts.catalogue, one).cmp(&license_order_of(facts.catalogue, other))
    });
    claims
}

/// Whether a license type that is named may be had: it exists, and is live or held already.
fn may_have(facts: &Facts<'_>, key: &Key, reason: &Reason, findings: &mut Vec<Finding>) -> bool {
    let Some(row) = facts.catalogue.license_type(key) else {
        findings.push(Finding::UnknownLicenseType { key: key.clone(), reason: reason.clone() });
        return false;
    };
    if !row.retired {
        return true;
    }
    let (key, name) = (key.clone(), row.name.clone());
    if facts.holds.contains(&Pool::License(key.clone())) {
        let finding = Finding::HoldsRetired { key, name };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
        return true;
    }
    findings.push(Finding::RetiredLicenseType { key, name, reason: reason.clone() });
    false
}

/// Puts the tenant's default behind what is granted: as the license where nothing is, as something
/// to hold meanwhile where it is below everything granted.
fn add_default(facts: &Facts<'_>, licenses: &mut Vec<Claim>, findings: &mut Vec<Finding>) {
    let Some(key) = facts.default_license else {
        if licenses.is_empty() {
            findings.push(Finding::NoDefault);
        }
        return;
    };
    let reason = match (licenses.first(), licenses.last()) {
        (Some(wanted), Some(last)) => {
            if !facts.catalogue.outranks(last.pool.key(), key) {
                return;
            }
            Reason::Fallback { wanted: wanted.pool.key().clone(), name: wanted.name.clone() }
        }
        _ => Reason::TenantDefault,
    };
    if may_have(facts, key, &reason, findings) {
        let precedence = Precedence::default();
        let named = vec![Named { key, reason, precedence }];
        licenses.extend(claim(facts.catalogue, Pool::License(key.clone()), named));
    }
}

fn granted_products(facts: &Facts<'_>, findings: &mut Vec<Finding>) -> Vec<Claim> {
    let mut named: Vec<Named<'_>> = Vec::new();
    for grant in facts.grants {
        let (reason, precedence) = (grant.reason(), grant.precedence());
        named.extend(grant.products.iter().map(|key| Named {
            key,
            reason: reason.clone(),
            precedence,
        }));
    }
    for grant in facts.direct {
        if let Pool::Product(key) = &grant.pool {
            named.push(Named { key, reason: grant.reason(), precedence: Precedence::DIRECT });
        }
    }
    let mut by_key: BTreeMap<&Key, Vec<Named<'_>>> = BTreeMap::new();
    for one in named {
        if facts.catalogue.product(one.key).is_some() {
            by_key.entry(one.key).or_default().push(one);
        } else {
            findings.push(Finding::UnknownProduct { key: one.key.clone(), reason: one.reason });
        }
    }
    by_key
        .into_iter()
        .filter_map(|(key, all)| claim(facts.catalogue, Pool::Product(key.clone()), all))
        .collect()
}

/// A claim with its first reason in front; None without any reason.
fn claim(catalogue: &Catalogue, pool: Pool, mut named: Vec<Named<'_>>) -> Option<Claim> {
    named.sort_by(|one, other| reason_order(one).cmp(&reason_order(other)));
    let precedence = named.iter().map(|one| one.precedence).reduce(Precedence::and)?;
    let mut reasons: Vec<Reason> = named.into_iter().map(|one| one.reason).collect();
    reasons.dedup();
    let mut reasons = reasons.into_iter();
    let reason = reasons.next()?;
    let name = catalogue.name(&pool).to_owned();
    Some(Claim { name, pool, reason, also: reasons.collect(), precedence })
}

/// Groups first, in their order and by name, so that the reason told first does not depend on ids.
fn reason_order<'a>(named: &'a Named<'_>) -> (bool, u32, &'a str, &'a Reason) {
    match &named.reason {
        Reason::Group { name, .. } => (false, named.precedence.order, name, &named.reason),
        reason => (true, named.precedence.order, "", reason),
    }
}

fn license_order_of<'a>(
    catalogue: &Catalogue,
    claim: &'a Claim,
) -> (Reverse<Option<u32>>, u32, &'a Key) {
    license_order(catalogue, claim.pool.key(), claim.precedence)
}

fn imposed_policies(facts: &Facts<'_>, findings: &mut Vec<Finding>) -> Vec<PolicyClaim> {
    let mut grants: Vec<&Grant> = facts.grants.iter().collect();
    grants.sort_by_key(|grant| {
        let rank = grant.license_type.as_ref().map(|key| Reverse(facts.catalogue.rank(key)));
        // A group without a license comes after every group with one.
        let order = grant.precedence().order;
        (rank.is_none(), rank, order, &grant.license_type, &grant.group_name, &grant.group)
    });
    let mut policies: BTreeMap<&str, PolicyClaim> = BTreeMap::new();
    for grant in grants {
        for (name, value) in &grant.policies {
            let Some(standing) = policies.get_mut(name.as_str()) else {
                let (name_owned, value) = (name.clone(), value.clone());
                let claim = PolicyClaim {
                    name: name_owned,
                    value,
                    reason: grant.reason(),
                    outvoted: Vec::new(),
                };
                policies.insert(name, claim);
                continue;
            };
            if standing.value != *value {
                standing
                    .outvoted
                    .push(OutvotedPolicy { value: value.clone(), reason: grant.reason() });
                findings.push(Finding::PolicyOutvoted {
                    policy: name.clone(),
                    value: standing.value.clone(),
                    reason: standing.reason.clone(),
                    outvoted_value: value.clone(),
                    outvoted_reason: grant.reason(),
                });
            }
        }
    }
    policies.into_values().collect()
}

#[cfg(test)]
mod tests;
