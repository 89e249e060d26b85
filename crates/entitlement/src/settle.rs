//! Settling: from what users should have to who holds a seat and who waits.
//!
//! The order of events, all of it one decision: (1) seats that are not claimed any more are given
//! up; (2) claims without a seat join the waitlist of their pool; (3) pool by pool, licenses best first,
//! free seats go to the head of the waitlist (the highest priority, then the longest wait), and who gets
//! a better license gives up the lower one, which
//! the waitlist of that pool, looked at later, may have. Since giving up and taking are one decision,
//! nobody is without a license between two. A user who waits holds the next lower license that has a
//! seat, the tenant's default last, and keeps the place on the waitlist.
//!
//! Settling again changes nothing. Seats are never taken from somebody who claims them, so a pool
//! whose limit was lowered below what is held stays overdrawn until seats are given up.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::standing::license_order;
use crate::{
    Claim, Entitlement, Finding, FreedBecause, Pool, PoolFacts, Seat, SeatChange, SeatChangeKind,
    SeatFacts, SeatState, UserId,
};

/// What one user should have.
#[derive(Debug, Clone)]
pub struct Want<'a> {
    /// The user.
    pub user: UserId,
    /// The decision about them.
    pub entitlement: &'a Entitlement,
}

/// What settling changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeatChanges {
    /// The changes, by user and pool.
    pub changes: Vec<SeatChange>,
    /// Who of the settled users waits for what, and which pools are overdrawn.
    pub findings: Vec<(Option<UserId>, Finding)>,
    /// Pools with room and with people waiting beyond the head that was given: settle again.
    pub unfinished: Vec<Pool>,
}

/// Settles these users, and whoever is next on the waitlist where a seat becomes free.
pub fn settle(facts: &SeatFacts<'_>, wants: &[Want<'_>], now: Timestamp) -> SeatChanges {
    let mut table = Table::new(facts, now);
    for want in wants {
        table.give_up(want);
        table.restate(want);
    }
    for want in wants {
        table.join(want);
    }
    let unfinished = facts.catalogue.pools().into_iter().filter(|pool| !table.fill(pool)).collect();
    let findings = table.findings(wants);
    SeatChanges { changes: table.into_changes(), findings, unfinished }
}

/// The seats as they become.
struct Table<'a> {
    facts: &'a SeatFacts<'a>,
    now: Timestamp,
    seats: Seats,
    given_up: BTreeMap<(UserId, Pool), FreedBecause>,
    pools: BTreeMap<Pool, OpenPool>,
    /// Whose seat went to whom.
    handed_over: Vec<HandedOver>,
}

type Seats = BTreeMap<UserId, BTreeMap<Pool, Seat>>;

/// A pool while it is being settled.
struct OpenPool {
    facts: PoolFacts,
    /// Those on the waitlist who are in sight, by priority, then by time, then by id.
    waitlist: BTreeSet<InLine>,
    /// Who gave up a seat that nobody who waited took yet.
    freed_by: VecDeque<UserId>,
}

/// A place on a waitlist: the highest priority first, then the longest wait.
type InLine = (Reverse<u32>, Timestamp, UserId);

struct HandedOver {
    pool: Pool,
    giver: UserId,
    receiver: UserId,
}

impl<'a> Table<'a> {
    fn new(facts: &'a SeatFacts<'a>, now: Timestamp) -> Self {
        let seats = seats_by_user(&facts.seats);
        let pools = facts
            .pools
            .iter()
            .map(|(pool, facts)| {
                let place = |user: &UserId| Some(in_line(seats.get(user)?.get(pool)?));
                let waitlist = facts.waitlist.iter().filter_map(place);
                let open = OpenPool {
                    waitlist: waitlist.collect(),
                    facts: facts.clone(),
                    freed_by: VecDeque::new(),
                };
                (pool.clone(), open)
            })
            .collect();
        Self { facts, now, seats, given_up: BTreeMap::new(), pools, handed_over: Vec::new() }
    }

    /// Step 1: gives up what is not claimed, and everything below the license that is held.
    fn give_up(&mut self, want: &Want<'_>) {
        let best_held = self.best_held(want);
        let licenses = &want.entitlement.licenses;
        let place = |pool: &Pool| licenses.iter().position(|claim| claim.pool == *pool);
        for seat in self.seats_of(&want.user) {
            let claimed = want.entitlement.claim(&seat.pool).is_some();
            let because = if want.entitlement.keeps_held {
                if seat.state == SeatState::Held {
                    continue;
                }
                FreedBecause::NotActive
            } else if !claimed {
                not_claimed_because(want.entitlement, &seat.pool)
            } else {
                match &best_held {
                    Some(held) if place(&seat.pool) > place(held) => {
                        FreedBecause::Replaced { by: held.clone() }
                    }
                    _ => continue,
                }
            };
            self.remove(&want.user, &seat.pool, because);
        }
    }

    /// The best license that is held and claimed.
    fn best_held(&self, want: &Want<'_>) -> Option<Pool> {
        let held = |claim: &&Claim| self.is(SeatState::Held, &want.user, &claim.pool);
        want.entitlement.licenses.iter().find(held).map(|claim| claim.pool.clone())
    }

    /// Gives the seats that stay the reason of today.
    fn restate(&mut self, want: &Want<'_>) {
        for claim in want.entitlement.licenses.iter().chain(&want.entitlement.products) {
            let own = self.seats.get_mut(&want.user);
            if let Some(seat) = own.and_then(|own| own.get_mut(&claim.pool)) {
                let before = in_line(seat);
                seat.reason = claim.reason.clone();
                seat.precedence = claim.precedence;
                let after = in_line(seat);
                // One who is out of sight and rises to the head is seen by the next settlement.
                if let Some(open) = self.pools.get_mut(&claim.pool)
                    && open.waitlist.remove(&before)
                {
                    open.waitlist.insert(after);
                }
            }
        }
    }

    /// Step 2: claims without a seat join the waitlist; of licenses only those above what is held.
    fn join(&mut self, want: &Want<'_>) {
        for claim in &want.entitlement.licenses {
            if self.is(SeatState::Held, &want.user, &claim.pool) {
                break;
            }
            self.join_waitlist(&want.user, claim);
        }
        for claim in &want.entitlement.products {
            self.join_waitlist(&want.user, claim);
        }
    }

    fn join_waitlist(&mut self, user: &UserId, claim: &Claim) {
        let own = self.seats.entry(user.clone()).or_default();
        if own.contains_key(&claim.pool) {
            return;
        }
        let seat = Seat {
            user: user.clone(),
            pool: claim.pool.clone(),
            state: SeatState::Waiting,
            since: self.now,
            reason: claim.reason.clone(),
            precedence: claim.precedence,
        };
        let place = in_line(&seat);
        own.insert(claim.pool.clone(), seat);
        // Where the waitlist goes on beyond what is in sight, who joins now comes behind all of
        // that, but for a higher priority than that of the last in sight.
        if let Some(open) = self.pools.get_mut(&claim.pool) {
            let last = open.waitlist.last();
            if !open.facts.waitlist_goes_on || last.is_some_and(|last| place < *last) {
                open.waitlist.insert(place);
            }
        }
    }

    /// Step 3: gives the free seats of a pool to its waitlist. False: it has room, and people who wait
    /// beyond
    /// what is in sight.
    fn fill(&mut self, pool: &Pool) -> bool {
        loop {
            let Some(open) = self.pools.get_mut(pool) else { return true };
            if !open.facts.has_room() {
                return true;
            }
            let Some((_, since, user)) = open.waitlist.pop_first() else {
                return !open.facts.waitlist_goes_on;
            };
            self.promote(&user, pool, since);
        }
    }

    fn promote(&mut self, user: &UserId, pool: &Pool, since: Timestamp) {
        if !self.is(SeatState::Waiting, user, pool) {
            return;
        }
        let seats = self.seats_of(user);
        let Some(own) = seats.iter().find(|seat| seat.pool == *pool) else { return };
        let above =
            seats.iter().find(|seat| seat.state == SeatState::Held && self.is_below(own, seat));
        if let Some(better) = above {
            // Ranks were changed since they began to wait; they have the better one already.
            let because = FreedBecause::Replaced { by: better.pool.clone() };
            self.remove(user, pool, because);
            return;
        }
        if let Some(seat) = self.seats.get_mut(user).and_then(|own| own.get_mut(pool)) {
            seat.state = SeatState::Held;
            seat.since = self.now;
        }
        let waited = self
            .facts
            .seats
            .iter()
            .any(|seat| seat.user == *user && seat.pool == *pool && seat.since == since);
        if let Some(open) = self.pools.get_mut(pool) {
            open.facts.held += 1;
            if waited && let Some(giver) = open.freed_by.pop_front() {
                let (pool, receiver) = (pool.clone(), user.clone());
                self.handed_over.push(HandedOver { pool, giver, receiver });
            }
        }
        for seat in &seats {
            if self.is_below(seat, own) {
                self.remove(user, &seat.pool, FreedBecause::Replaced { by: pool.clone() });
            }
        }
    }

    fn remove(&mut self, user: &UserId, pool: &Pool, because: FreedBecause) {
        let Some(seat) = self.seats.get_mut(user).and_then(|own| own.remove(pool)) else { return };
        self.given_up.insert((user.clone(), pool.clone()), because);
        if let Some(open) = self.pools.get_mut(pool) {
            match seat.state {
                SeatState::Waiting => {
                    open.waitlist.remove(&in_line(&seat));
                }
                SeatState::Held => {
                    open.facts.held = open.facts.held.saturating_sub(1);
                    open.freed_by.push_back(user.clone());
                }
            }
        }
    }

    fn seats_of(&self, user: &UserId) -> Vec<Seat> {
        self.seats.get(user).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    fn is(&self, state: SeatState, user: &UserId, pool: &Pool) -> bool {
        let seat = self.seats.get(user).and_then(|own| own.get(pool));
        seat.is_some_and(|seat| seat.state == state)
    }

    /// Whether both are licenses of one user and `seat` is the lesser.
    fn is_below(&self, seat: &Seat, than: &Seat) -> bool {
        let catalogue = self.facts.catalogue;
        seat.pool.is_license()
            && than.pool.is_license()
            && license_order(catalogue, than.pool.key(), than.precedence)
                < license_order(catalogue, seat.pool.key(), seat.precedence)
    }

    /// What the settled users wait for, and what is overdrawn.
    fn findings(&self, wants: &[Want<'_>]) -> Vec<(Option<UserId>, Finding)> {
        let mut findings = Vec::new();
        for (pool, open) in &self.pools {
            if let Some(limit) = open.facts.limit
                && open.facts.held > u64::from(limit)
            {
                let name = self.facts.catalogue.name(pool).to_owned();
                let held = open.facts.held;
                findings.push((None, Finding::Overdrawn { pool: pool.clone(), name, held, limit }));
            }
        }
        for want in wants {
            let seats = self.seats_of(&want.user);
            for seat in seats.iter().filter(|seat| seat.state == SeatState::Waiting) {
                if let Some(open) = self.pools.get(&seat.pool) {
                    let finding = waiting(self.facts, &seat.pool, &open.facts);
                    findings.push((Some(want.user.clone()), finding));
                }
            }
        }
        findings
    }

    /// The difference between the seats as they were and as they are.
    fn into_changes(mut self) -> Vec<SeatChange> {
        let before = seats_by_user(&self.facts.seats);
        let mut changes = Vec::new();
        for (user, own_before) in &before {
            let own_after = self.seats.get(user);
            for (pool, was) in own_before {
                let is = own_after.and_then(|own| own.get(pool));
                changes.extend(self.change(was, is));
            }
        }
        let fresh =
            |seat: &&Seat| !before.get(&seat.user).is_some_and(|own| own.contains_key(&seat.pool));
        let seats = std::mem::take(&mut self.seats);
        for seat in seats.values().flat_map(BTreeMap::values).filter(fresh) {
            let kind = match seat.state {
                SeatState::Held => SeatChangeKind::Held,
                SeatState::Waiting => SeatChangeKind::Waiting,
            };
            changes.push(seat_change(seat, kind));
        }
        changes.sort_by(|one, other| (&one.user, &one.pool).cmp(&(&other.user, &other.pool)));
        changes
    }

    /// What became of a seat that there was.
    fn change(&self, was: &Seat, is: Option<&Seat>) -> Option<SeatChange> {
        let Some(is) = is else {
            let key = (was.user.clone(), was.pool.clone());
            let because = self.given_up.get(&key).cloned().unwrap_or(FreedBecause::NotGranted);
            let kind = match was.state {
                SeatState::Waiting => SeatChangeKind::Withdrawn { because },
                SeatState::Held => {
                    SeatChangeKind::Freed { because, given_to: self.receiver(was).cloned() }
                }
            };
            return Some(seat_change(was, kind));
        };
        if was.state != is.state {
            let kind = SeatChangeKind::Promoted {
                waited_since: was.since,
                freed_by: self.giver(is).cloned(),
            };
            return Some(seat_change(is, kind));
        }
        let restated = (&was.reason, was.precedence) != (&is.reason, is.precedence);
        restated.then(|| seat_change(is, SeatChangeKind::Restated))
    }

    fn receiver(&self, freed: &Seat) -> Option<&UserId> {
        let mut handed_over = self.handed_over.iter();
        let found = handed_over.find(|h| h.pool == freed.pool && h.giver == freed.user);
        found.map(|h| &h.receiver)
    }

    fn giver(&self, taken: &Seat) -> Option<&UserId> {
        let mut handed_over = self.handed_over.iter();
        let found = handed_over.find(|h| h.pool == taken.pool && h.receiver == taken.user);
        found.map(|h| &h.giver)
    }
}

fn seats_by_user(seats: &[Seat]) -> Seats {
    let mut by_user = Seats::new();
    for seat in seats {
        by_user.entry(seat.user.clone()).or_default().insert(seat.pool.clone(), seat.clone());
    }
    by_user
}

fn seat_change(seat: &Seat, kind: SeatChangeKind) -> SeatChange {
    SeatChange {
        user: seat.user.clone(),
        pool: seat.pool.clone(),
        kind,
        reason: seat.reason.clone(),
        precedence: seat.precedence,
    }
}

fn in_line(seat: &Seat) -> InLine {
    (Reverse(seat.precedence.priority), seat.since, seat.user.clone())
}

fn not_claimed_because(entitlement: &Entitlement, pool: &Pool) -> FreedBecause {
    let reclaimed = entitlement.findings.iter().find_map(|finding| match finding {
        Finding::Reclaimed { pool: taken, idle_since, .. } if taken == pool => Some(*idle_since),
        _ => None,
    });
    if let Some(idle_since) = reclaimed {
        return FreedBecause::Reclaimed { idle_since };
    }
    let not_active = |finding: &Finding| matches!(finding, Finding::NotActive { .. });
    if entitlement.findings.iter().any(not_active) {
        FreedBecause::NotActive
    } else {
        FreedBecause::NotGranted
    }
}

fn waiting(facts: &SeatFacts<'_>, pool: &Pool, open: &PoolFacts) -> Finding {
    Finding::Waiting {
        pool: pool.clone(),
        name: facts.catalogue.name(pool).to_owned(),
        held: open.held,
        limit: open.limit,
    }
}

#[cfg(test)]
mod standing_tests;
#[cfg(test)]
mod tests;
