//! Scenes as text: a small world of users with claims, settled step by step; and properties over
//! arbitrary histories of it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Catalogue, Key, LicenseType, Precedence, Product, Reason, tenures};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn pool(text: &str) -> Pool {
    match text {
        "gold" | "silver" | "free" => Pool::License(key(text)),
        _ => Pool::Product(key(text)),
    }
}

/// Licenses gold > silver > free and the products phone and webinars.
fn catalogue() -> Catalogue {
    let license = |text: &str, rank| LicenseType::new(key(text), text, rank);
    let product = |text: &str| Product::new(key(text), text);
    Catalogue::new(
        vec![license("gold", 3), license("silver", 2), license("free", 1)],
        vec![product("phone"), product("webinars")],
    )
}

/// The seats of a tenant, as a shell would keep them.
#[derive(Debug, Clone)]
struct World {
    catalogue: Catalogue,
    limits: BTreeMap<Pool, u32>,
    seats: BTreeMap<(UserId, Pool), Seat>,
    ledger: Vec<(Timestamp, SeatChange)>,
    clock: i64,
    /// How many of a waitlist are shown at once.
    head: usize,
}

impl World {
    /// `limits` as `gold 1, phone 2`.
    fn new(limits: &str) -> Self {
        let limit = |text: &str| {
            let (name, number) = text.trim().split_once(' ').unwrap();
            (pool(name), number.parse().unwrap())
        };
        Self {
            catalogue: catalogue(),
            limits: limits.split(',').filter(|text| !text.is_empty()).map(limit).collect(),
            seats: BTreeMap::new(),
            ledger: Vec::new(),
            clock: 0,
            head: usize::MAX,
        }
    }

    fn waitlist(&self, pool: &Pool) -> Vec<(Timestamp, UserId)> {
        let mut waitlist: Vec<_> = self
            .seats
            .values()
            .filter(|seat| seat.pool == *pool && seat.state == SeatState::Waiting)
            .map(|seat| (seat.since, seat.user.clone()))
            .collect();
        waitlist.sort();
        waitlist
    }

    fn held(&self, pool: &Pool) -> u64 {
        let held = |seat: &&Seat| seat.pool == *pool && seat.state == SeatState::Held;
        self.seats.values().filter(held).count() as u64
    }

    fn facts(&self, wants: &[Want<'_>]) -> SeatFacts<'_> {
        let mut users: BTreeSet<UserId> = wants.iter().map(|want| want.user.clone()).collect();
        let mut pools = BTreeMap::new();
        for pool in self.catalogue.pools() {
            let waitlist: Vec<_> = self.waitlist(&pool).into_iter().map(|(_, user)| user).collect();
            let facts = PoolFacts {
                limit: self.limits.get(&pool).copied(),
                held: self.held(&pool),
                waitlist_goes_on: waitlist.len() > self.head,
                waitlist: waitlist.into_iter().take(self.head).collect(),
            };
            users.extend(facts.waitlist.iter().cloned());
            pools.insert(pool, facts);
        }
        let seats = self.seats.values().filter(|seat| users.contains(&seat.user));
        SeatFacts { catalogue: &self.catalogue, pools, seats: seats.cloned().collect() }
    }

    fn settle(&mut self, wants: &[Want<'_>]) -> SeatChanges {
        self.clock += 1;
        let now = Timestamp::from_second(self.clock).unwrap();
        let settled = settle(&self.facts(wants), wants, now);
        for change in &settled.changes {
            self.apply(change, now);
            self.ledger.push((now, change.clone()));
        }
        settled
    }

    /// Settles until nothing is left over, as a shell does.
    fn settle_whole(&mut self, wants: &[Want<'_>]) -> Vec<SeatChange> {
        let mut settled = self.settle(wants);
        let mut changes = settled.changes;
        for _ in 0..100 {
            if settled.unfinished.is_empty() {
                return changes;
            }
            settled = self.settle(&[]);
            changes.append(&mut settled.changes);
        }
        panic!("settling does not end");
    }

    fn apply(&mut self, change: &SeatChange, now: Timestamp) {
        let at = (change.user.clone(), change.pool.clone());
        let seat = |state| Seat {
            user: change.user.clone(),
            pool: change.pool.clone(),
            state,
            since: now,
            reason: change.reason.clone(),
            precedence: change.precedence,
        };
        match &change.kind {
            SeatChangeKind::Held => {
                assert!(self.seats.insert(at, seat(SeatState::Held)).is_none());
            }
            SeatChangeKind::Waiting => {
                assert!(self.seats.insert(at, seat(SeatState::Waiting)).is_none());
            }
            SeatChangeKind::Promoted { .. } => {
                let was = self.seats.insert(at, seat(SeatState::Held)).unwrap();
                assert_eq!(was.state, SeatState::Waiting);
            }
            SeatChangeKind::Freed { .. } => {
                assert_eq!(self.seats.remove(&at).unwrap().state, SeatState::Held);
            }
            SeatChangeKind::Withdrawn { .. } => {
                assert_eq!(self.seats.remove(&at).unwrap().state, SeatState::Waiting);
            }
            SeatChangeKind::Restated => {
                let seat = self.seats.get_mut(&at).unwrap();
                (seat.reason, seat.precedence) = (change.reason.clone(), change.precedence);
            }
        }
    }
}

/// Claims as `gold free phone`; `-` stands for an account that is not active, `keep` for one that
/// keeps what it holds.
fn entitlement(text: &str) -> Entitlement {
    let mut entitlement = Entitlement::default();
    for word in text.split_whitespace() {
        match word {
            "-" => entitlement
                .findings
                .push(Finding::NotActive { state: crate::AccountState::Inactive }),
            "keep" => entitlement.keeps_held = true,
            _ => {
                let pool = pool(word);
                let claim = Claim {
                    name: word.to_owned(),
                    reason: Reason::UserType { value: text.to_owned() },
                    also: vec![],
                    precedence: Precedence::default(),
                    pool: pool.clone(),
                };
                let claims = match pool {
                    Pool::License(_) => &mut entitlement.licenses,
                    Pool::Product(_) => &mut entitlement.products,
                };
                claims.push(claim);
            }
        }
    }
    entitlement
}

/// Settles `user: claims` line by line in one world and prints the changes of each step; several
/// users in one step stand in one line, apart by `;`. `limit POOL N` sets a limit.
fn check(limits: &str, steps: &[&str], expected: &str) {
    let mut world = World::new(limits);
    let mut lines = Vec::new();
    for step in steps {
        lines.push(format!("> {step}"));
        let changes = if let Some(limit) = step.strip_prefix("limit ") {
            world.limits.extend(World::new(limit).limits);
            world.settle_whole(&[])
        } else {
            let parts: Vec<_> = step
                .split(';')
                .map(|part| {
                    let (user, claims) = part.trim().split_once(':').unwrap();
                    (UserId(user.to_owned()), entitlement(claims.trim()))
                })
                .collect();
            let wants: Vec<_> = parts
                .iter()
                .map(|(user, entitlement)| Want { user: user.clone(), entitlement })
                .collect();
            world.settle_whole(&wants)
        };
        lines.extend(changes.iter().map(tell));
    }
    assert_eq!(lines.join("\n"), expected.trim().replace("\n        ", "\n"));
}

fn tell(change: &SeatChange) -> String {
    let told = match &change.kind {
        SeatChangeKind::Promoted { freed_by: Some(giver), .. } => format!("promoted, {giver}'s"),
        SeatChangeKind::Freed { because, given_to } => {
            let because = because.sentence(&catalogue());
            let to = given_to.as_ref().map(|user| format!(", given to {user}"));
            format!("freed: {because}{}", to.unwrap_or_default())
        }
        SeatChangeKind::Withdrawn { because } => {
            format!("withdrawn: {}", because.sentence(&catalogue()))
        }
        kind => kind.as_str().to_owned(),
    };
    format!("{} {} {told}", change.user, change.pool.key())
}

#[test]
fn a_claim_takes_a_free_seat() {
    check(
        "phone 1",
        &["ana: silver phone", "ana: silver phone"],
        "
        > ana: silver phone
        ana silver held
        ana phone held
        > ana: silver phone",
    );
}

#[test]
fn an_empty_pool_makes_wait_and_a_freed_seat_goes_to_the_longest_waiter() {
    check(
        "phone 1",
        &["ana: phone", "cy: phone", "bo: phone", "ana: -", "cy:"],
        "
        > ana: phone
        ana phone held
        > cy: phone
        cy phone waiting
        > bo: phone
        bo phone waiting
        > ana: -
        ana phone freed: the account is not active any more, given to cy
        cy phone promoted, ana's
        > cy:
        bo phone promoted, cy's
        cy phone freed: nothing grants it any more, given to bo",
    );
}

#[test]
fn who_waits_for_a_license_holds_the_next_lower_one_meanwhile() {
    check(
        "gold 1, silver 1",
        &["ana: gold", "bo: gold silver free", "cy: gold silver free", "ana: free"],
        "
        > ana: gold
        ana gold held
        > bo: gold silver free
        bo gold waiting
        bo silver held
        > cy: gold silver free
        cy free held
        cy gold waiting
        cy silver waiting
        > ana: free
        ana free held
        ana gold freed: nothing grants it any more, given to bo
        bo gold promoted, ana's
        bo silver freed: gold is held instead, given to cy
        cy free freed: silver is held instead
        cy silver promoted, bo's",
    );
}

#[test]
fn moving_up_frees_the_old_and_takes_the_new_in_one_decision() {
    check(
        "gold 1, silver 1",
        &["ana: silver free", "bo: silver free", "ana: gold free"],
        "
        > ana: silver free
        ana silver held
        > bo: silver free
        bo free held
        bo silver waiting
        > ana: gold free
        ana gold held
        ana silver freed: nothing grants it any more, given to bo
        bo free freed: silver is held instead
        bo silver promoted, ana's",
    );
}

#[test]
fn a_higher_grant_beside_the_old_one_keeps_the_old_until_the_new_is_held() {
    check(
        "gold 1",
        &["bo: gold", "ana: silver free", "ana: gold silver free", "bo: free"],
        "
        > bo: gold
        bo gold held
        > ana: silver free
        ana silver held
        > ana: gold silver free
        ana gold waiting
        ana silver restated
        > bo: free
        ana gold promoted, bo's
        ana silver freed: gold is held instead
        bo free held
        bo gold freed: nothing grants it any more, given to ana",
    );
}

#[test]
fn who_waited_before_goes_before_who_joins_in_the_same_decision() {
    check(
        "phone 1",
        &["ana: phone", "zoe: phone", "ana: ; bo: phone"],
        "
        > ana: phone
        ana phone held
        > zoe: phone
        zoe phone waiting
        > ana: ; bo: phone
        ana phone freed: nothing grants it any more, given to zoe
        bo phone waiting
        zoe phone promoted, ana's",
    );
}

#[test]
fn those_who_join_at_one_moment_stand_by_id() {
    check(
        "phone 1",
        &["cy: phone; bo: phone; ana: phone"],
        "
        > cy: phone; bo: phone; ana: phone
        ana phone held
        bo phone waiting
        cy phone waiting",
    );
}

#[test]
fn a_raised_limit_serves_the_line_and_a_lowered_one_takes_from_nobody() {
    check(
        "phone 0",
        &["ana: phone", "bo: phone", "limit phone 2", "limit phone 1", "ana: ; cy: phone"],
        "
        > ana: phone
        ana phone waiting
        > bo: phone
        bo phone waiting
        > limit phone 2
        ana phone promoted
        bo phone promoted
        > limit phone 1
        > ana: ; cy: phone
        ana phone freed: nothing grants it any more
        cy phone waiting",
    );
}

#[test]
fn an_inactive_account_may_keep_its_seats_but_not_its_place_in_line() {
    check(
        "phone 0",
        &["ana: silver phone", "ana: keep", "ana: silver phone"],
        "
        > ana: silver phone
        ana silver held
        ana phone waiting
        > ana: keep
        ana phone withdrawn: the account is not active any more
        > ana: silver phone
        ana phone waiting",
    );
}

#[test]
fn waiting_and_overdrawn_are_findings() {
    let mut world = World::new("phone 1");
    let phone = entitlement("phone");
    let want = |user: &str| Want { user: UserId(user.into()), entitlement: &phone };
    world.settle(&[want("ana")]);
    let settled = world.settle(&[want("bo")]);
    let [(Some(user), finding)] = &settled.findings[..] else { panic!("{settled:?}") };
    assert_eq!(
        finding.sentence(&user.0),
        "bo waits for phone: 1 of 1 seats are held. Free a seat or raise the limit."
    );
    world.limits.insert(pool("phone"), 0);
    let settled = world.settle(&[]);
    let [(None, finding)] = &settled.findings[..] else { panic!("{settled:?}") };
    assert_eq!(
        finding.sentence("-"),
        "phone is overdrawn: 1 seats are held and the limit is 0. Nobody new gets one until 1 are freed, or raise the limit."
    );
}

#[derive(Debug, Clone)]
enum Step {
    Claims(Vec<(u8, usize)>),
    Limit(usize, u32),
}

const CLAIMS: [&str; 12] = [
    "",
    "-",
    "keep",
    "free",
    "silver free",
    "gold free",
    "gold silver free",
    "gold silver",
    "phone",
    "silver free phone",
    "gold silver free phone webinars",
    "webinars",
];
const POOLS: [&str; 5] = ["gold", "silver", "free", "phone", "webinars"];

fn step() -> impl Strategy<Value = Step> {
    let claims = prop::collection::vec((0..8u8, 0..CLAIMS.len()), 1..4).prop_map(Step::Claims);
    let limit = (0..POOLS.len(), 0..4u32).prop_map(|(pool, limit)| Step::Limit(pool, limit));
    prop_oneof![5 => claims, 1 => limit]
}

/// Takes one step; the claims of each user are kept in `wanted`.
fn take(world: &mut World, wanted: &mut BTreeMap<UserId, Entitlement>, step: &Step) {
    match step {
        Step::Limit(at, limit) => {
            world.limits.insert(pool(POOLS[*at]), *limit);
            world.settle_whole(&[]);
        }
        Step::Claims(claims) => {
            let now: BTreeMap<_, _> = claims
                .iter()
                .map(|(user, at)| (UserId(format!("user-{user}")), entitlement(CLAIMS[*at])))
                .collect();
            let wants: Vec<_> = now
                .iter()
                .map(|(user, entitlement)| Want { user: user.clone(), entitlement })
                .collect();
            world.settle_whole(&wants);
            wanted.extend(now);
        }
    }
}

/// The ledger, read from its first line, ends with the seats there are.
fn check_ledger(world: &World) {
    let open = tenures(world.ledger.iter().map(|(at, change)| (*at, change)));
    let open: BTreeMap<_, _> = open
        .into_iter()
        .filter(|tenure| tenure.until.is_none())
        .map(|t| ((t.user.clone(), t.pool.clone()), (t.state, t.since, t.last_reason().clone())))
        .collect();
    let seats = world.seats.iter();
    let seats = seats.map(|(key, s)| (key.clone(), (s.state, s.since, s.reason.clone()))).collect();
    assert_eq!(open, seats);
}

/// What must hold of any settled world.
fn check_settled(world: &World, wanted: &BTreeMap<UserId, Entitlement>) {
    check_ledger(world);
    for pool in world.catalogue.pools() {
        let room =
            world.limits.get(&pool).is_none_or(|limit| world.held(&pool) < u64::from(*limit));
        assert!(!room || world.waitlist(&pool).is_empty(), "{pool} has room and a waitlist");
    }
    for (user, entitlement) in wanted {
        let own: Vec<_> = world.seats.values().filter(|seat| seat.user == *user).collect();
        let licenses =
            own.iter().filter(|seat| seat.pool.is_license() && seat.state == SeatState::Held);
        assert!(licenses.count() <= 1, "{user} holds two licenses");
        if entitlement.keeps_held {
            assert!(own.iter().all(|seat| seat.state == SeatState::Held));
            continue;
        }
        // Every claim down to the license that is held has a seat, and nothing else has.
        let mut due = BTreeSet::new();
        for claim in &entitlement.licenses {
            due.insert(claim.pool.clone());
            if world.seats.get(&(user.clone(), claim.pool.clone())).unwrap().state
                == SeatState::Held
            {
                break;
            }
        }
        due.extend(entitlement.products.iter().map(|claim| claim.pool.clone()));
        assert_eq!(own.iter().map(|seat| seat.pool.clone()).collect::<BTreeSet<_>>(), due);
    }
}

proptest! {
    #[test]
    fn held_never_goes_above_the_limit(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new("gold 1, silver 2, phone 1");
        let mut wanted = BTreeMap::new();
        for step in &steps {
            let before = world.clone();
            take(&mut world, &mut wanted, step);
            for pool in world.catalogue.pools() {
                let limit = world.limits.get(&pool).map_or(u64::MAX, |limit| u64::from(*limit));
                // A limit lowered below what is held takes from nobody, and gives to nobody.
                prop_assert!(world.held(&pool) <= limit.max(before.held(&pool)));
            }
            check_settled(&world, &wanted);
        }
    }

    #[test]
    fn settling_again_changes_nothing(steps in prop::collection::vec(step(), 1..30)) {
        let mut world = World::new("gold 1, silver 2, phone 1");
        let mut wanted = BTreeMap::new();
        for step in &steps {
            take(&mut world, &mut wanted, step);
        }
        let wants: Vec<_> = wanted
            .iter()
            .map(|(user, entitlement)| Want { user: user.clone(), entitlement })
            .collect();
        let again = world.settle(&wants);
        prop_assert_eq!(again.changes, vec![]);
        prop_assert_eq!(again.unfinished, vec![]);
    }

    #[test]
    fn a_freed_seat_goes_to_who_waits_longest(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = World::new("gold 1, silver 1, phone 1, webinars 2");
        let mut wanted = BTreeMap::new();
        for step in &steps {
            let before = world.clone();
            take(&mut world, &mut wanted, step);
            for pool in world.catalogue.pools() {
                // Of those who waited, the ones still there come behind the ones served,
                // and in front of whoever was served without having waited.
                let waitlist = before.waitlist(&pool);
                let holds = |user: &UserId| {
                    let seat = world.seats.get(&(user.clone(), pool.clone()));
                    seat.map(|seat| seat.state)
                };
                let first_left = waitlist.iter().find(|(_, user)| {
                    holds(user) == Some(SeatState::Waiting)
                });
                let Some(first_left) = first_left else { continue };
                for served in waitlist.iter().filter(|(_, user)| holds(user) == Some(SeatState::Held)) {
                    prop_assert!(served < first_left);
                }
                let overtook = world.seats.values().any(|seat| {
                    seat.pool == pool
                        && seat.state == SeatState::Held
                        && !before.seats.contains_key(&(seat.user.clone(), pool.clone()))
                });
                prop_assert!(!overtook, "{} was given past its waitlist", pool);
            }
        }
    }

    #[test]
    fn settling_by_heads_of_lines_ends_as_settling_whole(
        steps in prop::collection::vec(step(), 1..30),
        head in 1..3usize,
    ) {
        let mut whole = World::new("gold 1, silver 2, phone 1");
        let mut by_heads = World { head, ..whole.clone() };
        let (mut wanted, mut wanted_too) = (BTreeMap::new(), BTreeMap::new());
        for step in &steps {
            take(&mut whole, &mut wanted, step);
            take(&mut by_heads, &mut wanted_too, step);
            // Clocks differ by the number of rounds, which must not matter to who is next.
            let states = |world: &World| -> Vec<_> {
                world.seats.iter().map(|(at, seat)| (at.clone(), seat.state)).collect()
            };
            prop_assert_eq!(states(&whole), states(&by_heads));
        }
    }
}
