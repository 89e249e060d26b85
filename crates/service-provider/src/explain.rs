//! Why a user has, or waits for, each license, product and policy: from the group over the grant to
//! the seat, by derivation from what is stored.

use std::collections::BTreeMap;

use db::Read;
use entitlement::{
    AccountState, Catalogue, Entitlement, Finding, GroupId, OutvotedLicense, PolicyClaim, Pool,
    Reason, Seat, SeatState, UserId,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::account::{Account, Membership};
use crate::grant::GroupGrant;
use crate::provider::ServiceProvider;
use crate::rules::{self, Rules};
use crate::seat::PoolCounts;
use crate::{Error, Result, TenantId, account, grant, licensing, seat, settlement, stale};

/// What a user has, waits for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserEntitlement {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// The state of the account.
    pub state: AccountState,
    /// Why the seats are still to be settled, if they are.
    pub pending: Option<String>,
    /// The license that is held.
    pub license: Option<SeatLine>,
    /// The products that are held.
    pub products: Vec<SeatLine>,
    /// The licenses and products that are waited for.
    pub waiting: Vec<SeatLine>,
    /// The licenses and products that are neither held nor waited for, but for retired types.
    pub not_held: Vec<LackedSeat>,
    /// The license types that are granted and stand behind the one that is claimed, and why.
    pub outvoted: Vec<String>,
    /// The policies that groups impose.
    pub policies: Vec<PolicyClaim>,
    /// The groups the user is in.
    pub groups: Vec<GroupLine>,
    /// What a person should know, in sentences.
    pub findings: Vec<String>,
}

/// A seat with the chain of reasons that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeatLine {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// Held or waited for.
    pub state: SeatState,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Further reasons: with the first gone these would still give it.
    pub also: Vec<Reason>,
    /// The place on the waitlist of the pool, of a seat that is waited for.
    pub waitlist_place: Option<u64>,
    /// How many seats of the pool are held.
    pub pool_held: u64,
    /// How many there may be; none: no limit.
    pub pool_limit: Option<u32>,
    /// From the group over the grant to the seat, a sentence each.
    pub chain: Vec<String>,
}

/// A license or product that a user lacks, and who would give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LackedSeat {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// Whether it is the license of whoever is granted no other.
    pub default: bool,
    /// The groups that grant it.
    pub granting_groups: Vec<GrantingGroup>,
    /// How many seats of the pool are held.
    pub pool_held: u64,
    /// How many there may be; none: no limit.
    pub pool_limit: Option<u32>,
}

/// A group that grants a license or product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantingGroup {
    /// The group, once there is one of this name.
    pub group: Option<GroupId>,
    /// Its name.
    pub name: String,
}

/// A group that a user is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupLine {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Since when the user is a member.
    pub since: Timestamp,
    /// Whether it grants anything.
    pub grants: bool,
}

impl ServiceProvider {
    /// What the user of this id, login or address has, waits for, and why.
    pub fn entitlement_of(&self, tenant: &TenantId, user: &str) -> Result<UserEntitlement> {
        self.db().read(|r| {
            let account = account::find(r, tenant, user)?;
            explain(r, tenant, &account)
        })
    }
}

/// What one user has, waits for, and why.
pub(crate) fn explain(
    r: &mut Read,
    tenant: &TenantId,
    account: &Account,
) -> Result<UserEntitlement> {
    let user = &account.id;
    let rules = rules::rules(r, tenant)?;
    let own = std::slice::from_ref(user);
    let seats = seat::seats_of_users(r, tenant, own)?;
    let decided = licensing::entitlements(r, tenant, &rules, own, &seats)?.pop();
    let Some((_, entitlement)) = decided else {
        return Err(Error::not_found("user", user.to_string()));
    };
    let memberships = account::memberships(r, tenant, user)?;
    let counts = seat::pool_counts(r, tenant)?;
    let not_held = not_held(&rules, &grant::group_grants(r, tenant)?, &seats, &counts);
    let mut findings: Vec<String> =
        entitlement.findings.iter().map(|f| f.sentence(&account.user_name)).collect();
    let (mut license, mut products, mut waiting) = (None, Vec::new(), Vec::new());
    for seat in ordered(&rules.catalogue, seats) {
        let waitlist_place = seat::waitlist_place(r, tenant, &seat)?;
        let counts = counts.get(&seat.pool).copied().unwrap_or_default();
        let known = Known {
            catalogue: &rules.catalogue,
            entitlement: &entitlement,
            memberships: &memberships,
            counts,
            waitlist_place,
        };
        let line = known.line(seat);
        match (line.state, line.pool.is_license()) {
            (SeatState::Waiting, _) => {
                findings.push(known.waiting(&line).sentence(&account.user_name));
                waiting.push(line);
            }
            (SeatState::Held, true) => license = Some(line),
            (SeatState::Held, false) => products.push(line),
        }
    }
    let mut groups = Vec::new();
    for membership in memberships {
        groups.push(GroupLine {
            grants: rules.leads_to_a_grant(&membership.group),
            id: membership.group,
            name: membership.name,
            since: membership.since,
        });
    }
    Ok(UserEntitlement {
        user: user.clone(),
        user_name: account.user_name.clone(),
        state: account.state,
        pending: match stale::reason(r, tenant, user)? {
            Some(reason) => Some(reason),
            None => settlement::reason(r, tenant, user)?,
        },
        license,
        products,
        waiting,
        not_held,
        outvoted: entitlement.outvoted.iter().map(OutvotedLicense::sentence).collect(),
        policies: entitlement.policies,
        groups,
        findings,
    })
}

/// What the user neither holds nor waits for, each with the groups that would give it.
fn not_held(
    rules: &Rules,
    grants: &[GroupGrant],
    seats: &[Seat],
    counts: &BTreeMap<Pool, PoolCounts>,
) -> Vec<LackedSeat> {
    let Rules { catalogue, settings, .. } = rules;
    let retired = |pool: &Pool| {
        pool.is_license() && catalogue.license_type(pool.key()).is_some_and(|row| row.retired)
    };
    let lacked = |pool: &Pool| seats.iter().all(|seat| seat.pool != *pool) && !retired(pool);
    let seat = |pool: Pool| {
        let grants_it = |grant: &&GroupGrant| match &pool {
            Pool::License(key) => grant.spec.license_type.as_ref() == Some(key),
            Pool::Product(key) => grant.spec.products.contains(key),
        };
        let groups = grants.iter().filter(grants_it);
        LackedSeat {
            name: catalogue.name(&pool).to_owned(),
            default: pool.is_license() && settings.default_license.as_ref() == Some(pool.key()),
            granting_groups: groups
                .map(|grant| GrantingGroup {
                    group: grant.group.clone(),
                    name: grant.group_name.clone(),
                })
                .collect(),
            pool_held: counts.get(&pool).map_or(0, |counts| counts.held),
            pool_limit: catalogue.seat_limit(&pool),
            pool,
        }
    };
    catalogue.pools().into_iter().filter(lacked).map(seat).collect()
}

/// What one line of an explanation is made from.
struct Known<'a> {
    catalogue: &'a Catalogue,
    entitlement: &'a Entitlement,
    memberships: &'a [Membership],
    counts: PoolCounts,
    waitlist_place: Option<u64>,
}

impl Known<'_> {
    fn line(&self, seat: Seat) -> SeatLine {
        let claim = self.entitlement.claim(&seat.pool);
        let name = self.catalogue.name(&seat.pool).to_owned();
        let limit = self.catalogue.seat_limit(&seat.pool);
        let mut chain = self.origin(&seat.reason, &name);
        chain.push(self.seat_sentence(&seat, &name, limit));
        SeatLine {
            name,
            state: seat.state,
            since: seat.since,
            also: claim.map(|claim| claim.also.clone()).unwrap_or_default(),
            waitlist_place: self.waitlist_place,
            pool_held: self.counts.held,
            pool_limit: limit,
            chain,
            reason: seat.reason,
            pool: seat.pool,
        }
    }

    /// Where a claim comes from: membership and grant, or whatever else gives it.
    fn origin(&self, reason: &Reason, name: &str) -> Vec<String> {
        let Reason::Group { group, name: group_name, path } = reason else {
            return vec![format!("{name}: {reason}")];
        };
        let first = path.first();
        let is_first = |found: &&Membership| match first {
            Some(first) => found.name == *first,
            None => found.group == *group,
        };
        let membership = self.memberships.iter().find(is_first);
        let since = membership.map(|found| format!(" since {}", found.since)).unwrap_or_default();
        let mut way: Vec<&str> = path.iter().map(String::as_str).collect();
        way.push(group_name);
        let mut chain = vec![format!("member of group \"{}\"{since}", way[0])];
        for step in way.windows(2) {
            chain.push(format!("group \"{}\" is a member of group \"{}\"", step[0], step[1]));
        }
        chain.push(format!("group \"{group_name}\" grants {name}"));
        chain
    }

    fn seat_sentence(&self, seat: &Seat, name: &str, limit: Option<u32>) -> String {
        let held = self.counts.held;
        let of = match limit {
            Some(limit) => format!("{held} of {limit} seats are held"),
            None => format!("{held} seats are held, without a limit"),
        };
        match (seat.state, self.waitlist_place) {
            (SeatState::Held, _) => format!("seat of {name} held since {}; {of}", seat.since),
            (SeatState::Waiting, Some(place)) => format!(
                "waits for {name} since {}, place {place} of {} on the waitlist; {of}",
                seat.since, self.counts.waiting
            ),
            (SeatState::Waiting, None) => format!("waits for {name} since {}; {of}", seat.since),
        }
    }

    fn waiting(&self, line: &SeatLine) -> Finding {
        Finding::Waiting {
            pool: line.pool.clone(),
            name: line.name.clone(),
            held: self.counts.held,
            limit: line.pool_limit,
        }
    }
}

/// Licenses best first, then products.
fn ordered(catalogue: &Catalogue, seats: Vec<Seat>) -> Vec<Seat> {
    let pools = catalogue.pools();
    let mut seats = seats;
    seats.sort_by_key(|seat| pools.iter().position(|pool| *pool == seat.pool));
    seats
}
