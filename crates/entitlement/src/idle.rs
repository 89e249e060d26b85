//! Idle seats: held by somebody who has done nothing for a while, and what they cost.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Catalogue, Key, Pool, Price, Reason, Sums, UserId};

/// What somebody did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub what: ActivityKind,
}

/// What shows that an account is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityKind {
    /// A session began.
    SignIn,
    /// A meeting of theirs took place.
    Meeting,
    /// A meeting of theirs was recorded.
    Recording,
}

/// A seat that is held, with what its holder did last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSeat {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// The pool.
    pub pool: Pool,
    /// Since when it is held.
    pub since: Timestamp,
    /// Why.
    pub reason: Reason,
    /// What the user did last; none: nothing ever.
    pub last: Option<Activity>,
}

/// A seat that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleSeat {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// Since when it is idle: the last activity, or when the seat was given if that was later.
    pub idle_since: Timestamp,
    /// What the user did last; none: nothing ever.
    pub last: Option<Activity>,
    /// Why it is held.
    pub reason: Reason,
    /// What it costs in a month, if that is known.
    pub price: Option<Price>,
}

/// Seats of a pool that are paid for and that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedSeats {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// How many.
    pub count: u64,
    /// What they cost together in a month.
    pub cost: Price,
}

impl HeldSeat {
    /// Since when it is idle: the last activity, or when the seat was given if that was later.
    pub fn idle_since(&self) -> Timestamp {
        self.last.map_or(self.since, |last| last.at.max(self.since))
    }
}

impl IdleSeat {
    /// The day since when it is idle, by UTC.
    pub fn idle_since_day(&self) -> Date {
        TimeZone::UTC.to_datetime(self.idle_since).date()
    }
}

/// The last of several activities.
pub fn last_activity(found: impl IntoIterator<Item = Activity>) -> Option<Activity> {
    found.into_iter().max()
}

/// The moment before which somebody must have been active last for a seat to be idle.
pub fn idle_cutoff(now: Timestamp, days: u32) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// Which of these seats have been idle for `days`. A seat of the tenant's default license is not:
/// whoever gave it up would get it back.
pub fn idle_seats(
    catalogue: &Catalogue,
    default_license: Option<&Key>,
    seats: &[HeldSeat],
    now: Timestamp,
    days: u32,
) -> Vec<IdleSeat> {
    let cutoff = idle_cutoff(now, days);
    let is_default = |pool: &Pool| pool.is_license() && default_license == Some(pool.key());
    let idle = seats.iter().filter(|seat| seat.idle_since() <= cutoff && !is_default(&seat.pool));
    idle.map(|seat| IdleSeat {
        user: seat.user.clone(),
        user_name: seat.user_name.clone(),
        name: catalogue.name(&seat.pool).to_owned(),
        idle_since: seat.idle_since(),
        last: seat.last,
        reason: seat.reason.clone(),
        price: catalogue.price(&seat.pool),
        pool: seat.pool.clone(),
    })
    .collect()
}

/// What is paid for and held by nobody: of each pool with a limit and a price.
pub fn unused_seats(catalogue: &Catalogue, held: impl Fn(&Pool) -> u64) -> Vec<UnusedSeats> {
    let unused = |pool: Pool| {
        let (limit, price) = (catalogue.seat_limit(&pool)?, catalogue.price(&pool)?);
        let count = u64::from(limit).saturating_sub(held(&pool));
        let name = catalogue.name(&pool).to_owned();
        (count > 0).then(|| UnusedSeats { name, count, cost: price.times(count), pool })
    };
    catalogue.pools().into_iter().filter_map(unused).collect()
}

/// What idle seats cost together in a month, as far as prices are known.
pub fn idle_cost(idle: &[IdleSeat]) -> Sums {
    idle.iter().filter_map(|seat| seat.price).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, LicenseType, Product};

    fn at(text: &str) -> Timestamp {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn catalogue() -> Catalogue {
        let price = Price { minor_units: 1499, currency: Currency::parse("EUR").unwrap() };
        let phone = Product {
            seat_limit: Some(5),
            price: Some(price),
            ..Product::new(key("phone"), "Phone")
        };
        Catalogue::new(vec![LicenseType::new(key("free"), "Free", 0)], vec![phone])
    }

    fn seat(pool: Pool, since: &str, last: Option<&str>) -> HeldSeat {
        let last = last.map(|day| Activity { at: at(day), what: ActivityKind::SignIn });
        let (user, user_name) = (UserId("1".into()), "ana".into());
        HeldSeat { user, user_name, pool, since: at(since), reason: Reason::TenantDefault, last }
    }

    #[test]
    fn idle_is_who_neither_did_anything_nor_just_got_the_seat() {
        let check = |since: &str, last: Option<&str>, expected: Option<&str>| {
            let seats = [seat(Pool::Product(key("phone")), since, last)];
            let idle = idle_seats(&catalogue(), None, &seats, at("2026-11-24"), 60);
            assert_eq!(
                idle.first().map(IdleSeat::idle_since_day),
                expected.map(|day| day.parse().unwrap())
            );
        };
        check("2026-01-01", None, Some("2026-01-01"));
        check("2026-01-01", Some("2026-03-01"), Some("2026-03-01"));
        check("2026-01-01", Some("2025-03-01"), Some("2026-01-01"));
        check("2026-01-01", Some("2026-09-25"), Some("2026-09-25"));
        check("2026-01-01", Some("2026-09-26"), None);
        check("2026-11-01", Some("2026-03-01"), None);
    }

    #[test]
    fn the_default_license_is_never_idle() {
        let seats = [seat(Pool::License(key("free")), "2026-01-01", None)];
        let idle = |default| idle_seats(&catalogue(), default, &seats, at("2026-11-24"), 60).len();
        assert_eq!((idle(None), idle(Some(&key("free")))), (1, 0));
    }

    #[test]
    fn idle_and_unused_seats_cost_what_the_price_says() {
        let seats = [seat(Pool::Product(key("phone")), "2026-01-01", None)];
        let idle = idle_seats(&catalogue(), None, &seats, at("2026-11-24"), 60);
        assert_eq!(idle_cost(&idle).to_string(), "14.99 EUR");
        let unused = unused_seats(&catalogue(), |_| 2);
        assert_eq!((unused[0].count, unused[0].cost.to_string()), (3, "44.97 EUR".into()));
        assert!(unused_seats(&catalogue(), |_| 9).is_empty());
    }
}
