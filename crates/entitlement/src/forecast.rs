//! Forecast: how many seats of a pool will be needed, when they run out, and how many are missing.
//!
//! It is told who joins and leaves by whoever knows; where nobody tells anything of a pool it goes
//! on as it went. Nothing here is guessed twice: the trend stands only in place of what is told.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Pool;
use crate::limits::FORECAST_DAYS_MAX;

/// How many people will come to need a seat of a pool, and how many will not any more, on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandDay {
    /// The day.
    pub date: Date,
    /// Who will need a seat from this day on.
    pub joiners: u32,
    /// Who will not need theirs any more from this day on.
    pub leavers: u32,
    /// Who says so.
    pub source: String,
}

/// By how much the number of needed seats changed lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// Seats taken less seats given up.
    pub net: i64,
    /// In how many days.
    pub days: u32,
}

/// What the forecast of a pool depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolDemand {
    /// The pool.
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// How many may be held; none: no limit.
    pub limit: Option<u32>,
    /// How many are held.
    pub held: u64,
    /// How many wait.
    pub waiting: u64,
    /// Accounts that are invited: they need a seat as soon as they accept, on whatever day.
    pub invited: u64,
    /// Who joins and leaves, as it was told.
    pub days: Vec<DemandDay>,
    /// What happened lately.
    pub trend: Option<Trend>,
}

/// The seats of a pool in the days to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// How many may be held; none: no limit.
    pub limit: Option<u32>,
    /// How many are held today.
    pub held: u64,
    /// How many wait today.
    pub waiting: u64,
    /// Accounts that are invited.
    pub invited: u64,
    /// How many days it looks ahead.
    pub day_count: u32,
    /// The last of these days.
    pub until: Date,
    /// Who joins until then, as it was told.
    pub joiners: u64,
    /// Who leaves until then, as it was told.
    pub leavers: u64,
    /// By how much the trend changes the need until then; none: it was told who joins and leaves.
    pub trend_net: Option<i64>,
    /// The days on which somebody joins or leaves.
    pub days: Vec<DayNeed>,
    /// The most seats that are needed at once.
    pub peak: u64,
    /// The first day on which more are needed than there are; none: they suffice.
    pub runs_out_on: Option<Date>,
    /// How many more are needed.
    pub short: u64,
}

/// A day of a forecast on which somebody joins or leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayNeed {
    /// The day.
    pub date: Date,
    /// Who joins.
    pub joiners: u64,
    /// Who leaves.
    pub leavers: u64,
    /// How many seats are needed from this day on.
    pub need: u64,
    /// Who said so.
    pub sources: Vec<String>,
}

/// What the next `day_count` days after `today` need. What is dated today or before has happened
/// and is in the counts already.
pub fn forecast(demand: &PoolDemand, today: Date, day_count: u32) -> Forecast {
    let day_count = day_count.clamp(1, FORECAST_DAYS_MAX);
    let until = today.saturating_add(i64::from(day_count).days());
    let mut told: Vec<&DemandDay> =
        demand.days.iter().filter(|day| day.date > today && day.date <= until).collect();
    told.sort_by_key(|day| (day.date, &day.source));
    let trend = demand.trend.filter(|trend| demand.days.is_empty() && trend.days > 0);
    let sum = |count: fn(&DemandDay) -> u32| told.iter().map(|day| u64::from(count(day))).sum();
    let mut forecast = Forecast {
        pool: demand.pool.clone(),
        name: demand.name.clone(),
        limit: demand.limit,
        held: demand.held,
        waiting: demand.waiting,
        invited: demand.invited,
        day_count,
        until,
        joiners: sum(|day| day.joiners),
        leavers: sum(|day| day.leavers),
        trend_net: trend.map(|trend| trend.until(day_count)),
        days: Vec::new(),
        peak: demand.need_after(0),
        runs_out_on: None,
        short: 0,
    };
    forecast.look_at(today, demand.need_after(0));
    let mut net = 0_i64;
    for day in 1..=day_count {
        let date = today.saturating_add(i64::from(day).days());
        let of_day: Vec<&&DemandDay> = told.iter().filter(|told| told.date == date).collect();
        let joiners: u64 = of_day.iter().map(|day| u64::from(day.joiners)).sum();
        let leavers: u64 = of_day.iter().map(|day| u64::from(day.leavers)).sum();
        net = net.saturating_add_unsigned(joiners).saturating_sub_unsigned(leavers);
        let trended = trend.map_or(0, |trend| trend.until(day));
        let need = demand.need_after(net.saturating_add(trended));
        forecast.look_at(date, need);
        if !of_day.is_empty() {
            let mut sources: Vec<String> = of_day.iter().map(|day| day.source.clone()).collect();
            sources.dedup();
            forecast.days.push(DayNeed { date, joiners, leavers, need, sources });
        }
    }
    forecast.short = demand.limit.map_or(0, |limit| forecast.peak.saturating_sub(limit.into()));
    forecast
}

impl Trend {
    /// What it comes to in so many days, in whole seats.
    fn until(self, days: u32) -> i64 {
        self.net.saturating_mul(days.into()) / i64::from(self.days.max(1))
    }
}

impl PoolDemand {
    /// How many seats are needed when the present need has changed by so many.
    fn need_after(&self, net: i64) -> u64 {
        (self.held + self.waiting + self.invited).saturating_add_signed(net)
    }
}

impl Forecast {
    fn look_at(&mut self, date: Date, need: u64) {
        self.peak = self.peak.max(need);
        if self.runs_out_on.is_none() && self.limit.is_some_and(|limit| need > limit.into()) {
            self.runs_out_on = Some(date);
        }
    }

    /// What will be missing, why, and what to do.
    pub fn sentence(&self) -> String {
        let (name, days, peak) = (&self.name, self.day_count, self.peak);
        let Some(limit) = self.limit else {
            return format!(
                "{name}: no limit; the next {days} days need {}.",
                counted(peak, "seat at most", "seats at most")
            );
        };
        let Some(day) = self.runs_out_on else {
            return format!(
                "{name}: enough; the next {days} days need {peak} of {} at most.",
                counted(limit.into(), "seat", "seats")
            );
        };
        let who = if self.joiners > 0 { " days' joiners" } else { " days" };
        let mut parts = vec![format!("{} of {limit} are held", self.held)];
        let mut part = |count: u64, one: &str, more: &str| {
            if count > 0 {
                parts.push(counted(count, one, more));
            }
        };
        part(self.waiting, "waits", "wait");
        part(self.invited, "is invited", "are invited");
        part(self.joiners, "joins", "join");
        part(self.leavers, "leaves", "leave");
        match self.trend_net {
            Some(net) if net > 0 => parts.push(format!("{net} more are needed by the trend")),
            Some(net) if net < 0 => {
                parts.push(format!("{} fewer by the trend", net.unsigned_abs()))
            }
            _ => {}
        }
        format!(
            "{name}: the next {days}{who} need {} more: {}; the pool runs out on {day}. Raise the limit to {peak}, or free {}.",
            self.short,
            parts.join(", "),
            counted(self.short, "seat", "seats"),
        )
    }
}

fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use proptest::prelude::*;

    fn demand(limit: Option<u32>, held: u64, waiting: u64) -> PoolDemand {
        PoolDemand {
            pool: Pool::Product(Key::parse("phone").unwrap()),
            name: "Phone".into(),
            limit,
            held,
            waiting,
            invited: 0,
            days: vec![],
            trend: None,
        }
    }

    fn day(date: &str, joiners: u32, leavers: u32) -> DemandDay {
        DemandDay { date: date.parse().unwrap(), joiners, leavers, source: "hr".into() }
    }

    fn check(demand: &PoolDemand, expected: &str) {
        assert_eq!(forecast(demand, "2026-11-24".parse().unwrap(), 30).sentence(), expected);
    }

    #[test]
    fn joiners_that_exceed_the_pool_are_told_with_the_day_and_the_number() {
        let mut facts = demand(Some(50), 48, 2);
        facts.days =
            vec![day("2026-12-01", 12, 0), day("2026-12-15", 5, 3), day("2026-12-24", 0, 9)];
        check(
            &facts,
            "Phone: the next 30 days' joiners need 14 more: 48 of 50 are held, 2 wait, 17 join, 12 leave; the pool runs out on 2026-12-01. Raise the limit to 64, or free 14 seats.",
        );
        let told = forecast(&facts, "2026-11-24".parse().unwrap(), 30);
        let needs: Vec<_> = told.days.iter().map(|day| day.need).collect();
        assert_eq!(needs, [62, 64, 55]);
    }

    #[test]
    fn a_pool_that_suffices_and_one_without_a_limit_say_so() {
        check(
            &demand(Some(50), 40, 0),
            "Phone: enough; the next 30 days need 40 of 50 seats at most.",
        );
        check(&demand(None, 1, 0), "Phone: no limit; the next 30 days need 1 seat at most.");
    }

    #[test]
    fn what_is_past_or_beyond_the_horizon_does_not_count() {
        let mut facts = demand(Some(50), 50, 0);
        facts.days =
            vec![day("2026-11-24", 9, 0), day("2026-11-01", 9, 0), day("2026-12-25", 9, 0)];
        check(&facts, "Phone: enough; the next 30 days need 50 of 50 seats at most.");
    }

    #[test]
    fn the_trend_stands_in_for_what_nobody_tells() {
        let mut facts = demand(Some(50), 45, 0);
        facts.trend = Some(Trend { net: 28, days: 28 });
        check(
            &facts,
            "Phone: the next 30 days need 25 more: 45 of 50 are held, 30 more are needed by the trend; the pool runs out on 2026-11-30. Raise the limit to 75, or free 25 seats.",
        );
        facts.days = vec![day("2026-12-01", 1, 0)];
        check(&facts, "Phone: enough; the next 30 days need 46 of 50 seats at most.");
    }

    #[test]
    fn who_waits_or_is_invited_is_needed_today() {
        let mut facts = demand(Some(10), 10, 1);
        facts.invited = 2;
        check(
            &facts,
            "Phone: the next 30 days need 3 more: 10 of 10 are held, 1 waits, 2 are invited; the pool runs out on 2026-11-24. Raise the limit to 13, or free 3 seats.",
        );
    }

    proptest! {
        #[test]
        fn a_limit_raised_by_what_is_short_suffices(
            limit in 0u32..100, held in 0u64..100, waiting in 0u64..20,
            joins in proptest::collection::vec((1i64..40, 0u32..9, 0u32..9), 0..12),
        ) {
            let today: Date = "2026-11-24".parse().unwrap();
            let mut facts = demand(Some(limit), held, waiting);
            facts.days = joins
                .into_iter()
                .map(|(day, joiners, leavers)| DemandDay {
                    date: today.saturating_add(day.days()), joiners, leavers, source: "hr".into(),
                })
                .collect();
            let told = forecast(&facts, today, 30);
            prop_assert_eq!(told.short > 0, told.runs_out_on.is_some());
            facts.limit = Some(limit + u32::try_from(told.short).unwrap());
            prop_assert_eq!(forecast(&facts, today, 30).short, 0);
        }
    }
}
