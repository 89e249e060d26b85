//! Who goes first on a waitlist, and which of two licenses of equal rank is given up.

use std::collections::BTreeMap;

use super::*;
use crate::{Catalogue, Key, LicenseType, Precedence, Product, Reason};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn claim(pool: &Pool, order: u32, priority: u32) -> Claim {
    Claim {
        pool: pool.clone(),
        name: pool.key().to_string(),
        reason: Reason::TenantDefault,
        also: vec![],
        precedence: Precedence { order, priority },
    }
}

fn seat(user: &str, pool: &Pool, state: SeatState, second: i64, order: u32, priority: u32) -> Seat {
    Seat {
        user: UserId(user.into()),
        pool: pool.clone(),
        state,
        since: Timestamp::from_second(second).unwrap(),
        reason: Reason::TenantDefault,
        precedence: Precedence { order, priority },
    }
}

fn catalogue() -> Catalogue {
    Catalogue::new(
        vec![LicenseType::new(key("left"), "left", 5), LicenseType::new(key("right"), "right", 5)],
        vec![Product::new(key("phone"), "phone")],
    )
}

fn told(changes: &SeatChanges) -> Vec<String> {
    let line = |change: &SeatChange| {
        format!("{} {} {}", change.user, change.pool.key(), change.kind.as_str())
    };
    changes.changes.iter().map(line).collect()
}

#[test]
fn the_higher_priority_goes_before_the_longer_wait() {
    let (catalogue, phone) = (catalogue(), Pool::Product(key("phone")));
    let seats = vec![
        seat("ana", &phone, SeatState::Waiting, 1, 0, 0),
        seat("bo", &phone, SeatState::Waiting, 2, 0, 7),
        seat("cy", &phone, SeatState::Waiting, 3, 0, 7),
    ];
    let settled = |limit, wants: &[Want<'_>]| {
        let waitlist = ["bo", "cy", "ana"].map(|user| UserId(user.into())).into();
        let pool = PoolFacts { limit: Some(limit), held: 0, waitlist, waitlist_goes_on: false };
        let pools = BTreeMap::from([(phone.clone(), pool)]);
        let facts = SeatFacts { catalogue: &catalogue, pools, seats: seats.clone() };
        told(&settle(&facts, wants, Timestamp::from_second(9).unwrap()))
    };
    assert_eq!(settled(1, &[]), ["bo phone promoted"]);
    assert_eq!(settled(2, &[]), ["bo phone promoted", "cy phone promoted"]);
    // Who joins with a higher priority goes before all of them.
    let products = vec![claim(&phone, 0, 8)];
    let urgent = Entitlement { products, ..Entitlement::default() };
    let want = Want { user: UserId("dee".into()), entitlement: &urgent };
    assert_eq!(settled(1, &[want]), ["dee phone held"]);
}

#[test]
fn of_equal_ranks_the_one_later_in_the_users_order_is_given_up() {
    let catalogue = catalogue();
    let (left, right) = (Pool::License(key("left")), Pool::License(key("right")));
    // The key alone would say that `left` is the better one; this user's grants say otherwise.
    let seats = vec![
        seat("ana", &left, SeatState::Held, 1, 9, 0),
        seat("ana", &right, SeatState::Waiting, 2, 3, 0),
    ];
    let open = |limit, held, waitlist: &[&str]| PoolFacts {
        limit: Some(limit),
        held,
        waitlist: waitlist.iter().map(|user| UserId((*user).into())).collect(),
        waitlist_goes_on: false,
    };
    let pools =
        BTreeMap::from([(left.clone(), open(5, 1, &[])), (right.clone(), open(1, 0, &["ana"]))]);
    let facts = SeatFacts { catalogue: &catalogue, pools, seats };
    let now = Timestamp::from_second(9).unwrap();
    assert_eq!(told(&settle(&facts, &[], now)), ["ana left freed", "ana right promoted"]);
    let licenses = vec![claim(&right, 3, 0), claim(&left, 9, 0)];
    let entitlement = Entitlement { licenses, ..Entitlement::default() };
    let want = Want { user: UserId("ana".into()), entitlement: &entitlement };
    assert_eq!(told(&settle(&facts, &[want], now)), ["ana left freed", "ana right promoted"]);
}
