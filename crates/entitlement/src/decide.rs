//! The decision about one user: which license, products and policies, each with its reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AccountState, Catalogue, DirectGrant, Finding, Grant, Key, Pool, Reason, UserTypeMeaning,
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
/// highest rank among them, with the lower ones and the tenant's default behind it for as long as
/// a seat is waited for; policies are those of the group with the highest license, then by name.
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
    add_default(facts, &mut licenses, &mut findings);
    let products = granted_products(facts, &mut findings);
    let policies = imposed_policies(facts, &mut findings);
    Entitlement { licenses, products, policies, keeps_held: false, findings }
}

/// The license types that are granted, best first.
fn granted_licenses(facts: &Facts<'_>, findings: &mut Vec<Finding>) -> Vec<Claim> {
    let mut named: Vec<(&Key, Reason)> = Vec::new();
    for grant in facts.grants {
        named.extend(grant.license_type.iter().map(|key| (key, grant.reason())));
    }
    for grant in facts.direct {
        if let Pool::License(key) = &grant.pool {
            named.push((key, grant.reason()));
        }
    }
    if let Some(value) = facts.user_type {
        let reason = Reason::UserType { value: value.to_owned() };
        match facts.catalogue.user_type(value) {
            UserTypeMeaning::Plain => {}
            UserTypeMeaning::Grants(row) | UserTypeMeaning::Retired(row) => {
                named.push((&row.key, reason));
            }
        }
    }
    let mut reasons: BTreeMap<&Key, Vec<Reason>> = BTreeMap::new();
    for (key, reason) in named {
        if may_have(facts, key, &reason, findings) {
            reasons.entry(key).or_default().push(reason);
        }
    }
    let mut claims: Vec<Claim> = reasons
        .into_iter()
        .filter_map(|(key, reasons)| claim(facts.catalogue, Pool::License(key.clone()), reasons))
        .collect();
    claims.sort_by(|one, other| {
        facts.catalogue.order(one.pool.key()).cmp(&facts.catalogue.order(other.pool.key()))
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
        licenses.extend(claim(facts.catalogue, Pool::License(key.clone()), vec![reason]));
    }
}

fn granted_products(facts: &Facts<'_>, findings: &mut Vec<Finding>) -> Vec<Claim> {
    let mut named: Vec<(&Key, Reason)> = Vec::new();
    for grant in facts.grants {
        named.extend(grant.products.iter().map(|key| (key, grant.reason())));
    }
    for grant in facts.direct {
        if let Pool::Product(key) = &grant.pool {
            named.push((key, grant.reason()));
        }
    }
    let mut reasons: BTreeMap<&Key, Vec<Reason>> = BTreeMap::new();
    for (key, reason) in named {
        if facts.catalogue.product(key).is_some() {
            reasons.entry(key).or_default().push(reason);
        } else {
            findings.push(Finding::UnknownProduct { key: key.clone(), reason });
        }
    }
    reasons
        .into_iter()
        .filter_map(|(key, reasons)| claim(facts.catalogue, Pool::Product(key.clone()), reasons))
        .collect()
}

/// A claim with its first reason in front; None without any reason.
fn claim(catalogue: &Catalogue, pool: Pool, mut reasons: Vec<Reason>) -> Option<Claim> {
    reasons.sort_by(|one, other| reason_order(one).cmp(&reason_order(other)));
    reasons.dedup();
    let mut reasons = reasons.into_iter();
    let reason = reasons.next()?;
    Some(Claim { name: catalogue.name(&pool).to_owned(), pool, reason, also: reasons.collect() })
}

/// Groups first and by name, so that the reason told first does not depend on ids.
fn reason_order(reason: &Reason) -> (bool, &str, &Reason) {
    match reason {
        Reason::Group { name, .. } => (false, name, reason),
        _ => (true, "", reason),
    }
}

fn imposed_policies(facts: &Facts<'_>, findings: &mut Vec<Finding>) -> Vec<PolicyClaim> {
    let mut grants: Vec<&Grant> = facts.grants.iter().collect();
    grants.sort_by_key(|grant| {
        let license = grant.license_type.as_ref().map(|key| facts.catalogue.order(key));
        // A group without a license comes after every group with one.
        (license.is_none(), license, &grant.group_name, &grant.group)
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
