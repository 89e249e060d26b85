//! Reclaim: which idle seats a tenant's policy takes back, which it spares and why, and when it
//! stops because too many would go at once.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Catalogue, IdleSeat, Key, Pool, Price, Reason, UserId};

/// Whether, when and from whom idle seats are taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReclaimPolicy {
    /// Whether anything is proposed, or taken.
    pub mode: ReclaimMode,
    /// Days without activity after which a seat is idle.
    pub idle_days: u32,
    /// Days between the notice and the moment the seat is taken.
    pub grace_days: u32,
    /// Groups whose members keep their seats, by name.
    pub exempt_groups: Vec<String>,
    /// Users who keep their seats, by login.
    pub exempt_users: Vec<String>,
    /// License types and products that are never taken back.
    pub exempt: Vec<Key>,
    /// The share of the held seats of a pool, in percent, that may go at once; at least one may.
    pub share_percent_max: u32,
    /// What the notice says to the user, beside what is taken and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// What becomes of idle seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReclaimMode {
    /// Nothing.
    #[default]
    Off,
    /// They are proposed, and taken when somebody approves.
    Propose,
    /// They are taken when the grace is over.
    Apply,
}

/// A seat that was taken back from a user and is not claimed until they are active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclaimed {
    /// The pool.
    pub pool: Pool,
    /// Since when it was idle.
    pub idle_since: Date,
}

/// An idle seat, with what decides whether it may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The seat.
    pub idle: IdleSeat,
    /// The names of the groups the user is in, in groups that these lie in too.
    pub groups: Vec<String>,
    /// When the user was told; none: not yet.
    pub noticed_at: Option<Timestamp>,
}

/// A seat that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// Since when it is idle.
    pub idle_since: Date,
    /// What it costs in a month, if that is known.
    pub price: Option<Price>,
    /// When the grace is over.
    pub due_at: Timestamp,
    /// Whether the user has yet to be told.
    pub to_be_told: bool,
    /// Whether the grace is over.
    pub is_due: bool,
}

/// An idle seat that is not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spared {
    /// The user.
    pub user: UserId,
    /// The login.
    pub user_name: String,
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// Why.
    pub because: SparedBecause,
}

/// Why an idle seat is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum SparedBecause {
    /// The user is in a group that the policy exempts.
    ExemptGroup {
        /// The group.
        group: String,
    },
    /// The policy exempts the user.
    ExemptUser,
    /// The policy exempts the license type or product.
    ExemptPool,
    /// It was given by hand: somebody decided for this user.
    GivenByHand,
    /// It costs nothing and has no limit, so nobody gains by it.
    CostsNothing,
}

/// A pool of which nothing is taken by itself, because too many would go at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// The name of the license type or product.
    pub name: String,
    /// How many would go now.
    pub count: u64,
    /// How many are held.
    pub held: u64,
    /// How many may go at once.
    pub allowed: u64,
}

/// What a policy says about the idle seats of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReclaimPlan {
    /// What is to be taken, by user and pool.
    pub proposals: Vec<Proposal>,
    /// What is not, and why.
    pub spared: Vec<Spared>,
    /// Pools of which nothing is taken without approval.
    pub held_back: Vec<HeldBack>,
}

impl Default for ReclaimPolicy {
    fn default() -> Self {
        Self {
            mode: ReclaimMode::Off,
            idle_days: 60,
            grace_days: 14,
            exempt_groups: Vec::new(),
            exempt_users: Vec::new(),
            exempt: Vec::new(),
            share_percent_max: 10,
            notice: None,
        }
    }
}

impl ReclaimMode {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Propose => "propose",
            Self::Apply => "apply",
        }
    }
}

impl ReclaimPolicy {
    /// What is wrong with it, in a sentence.
    pub fn fault(&self) -> Option<String> {
        if self.idle_days == 0 {
            return Some(
                "`idle_days` of `reclaim` is 0: every seat would be idle. Give at least 1.".into(),
            );
        }
        if self.share_percent_max > 100 {
            return Some("`share_percent_max` of `reclaim` is above 100. Give 0 to 100.".into());
        }
        None
    }
}

impl ReclaimPlan {
    /// What is taken by itself now: what is due, of pools that are not held back.
    pub fn due(&self) -> impl Iterator<Item = &Proposal> {
        let held_back = |pool: &Pool| self.held_back.iter().any(|held| held.pool == *pool);
        self.proposals.iter().filter(move |one| one.is_due && !held_back(&one.pool))
    }
}

/// What the policy says about these idle seats; `held` are the seats of each pool.
pub fn reclaim(
    policy: &ReclaimPolicy,
    catalogue: &Catalogue,
    candidates: &[Candidate],
    held: &BTreeMap<Pool, u64>,
    now: Timestamp,
) -> ReclaimPlan {
    let mut plan = ReclaimPlan::default();
    for candidate in candidates {
        let IdleSeat { user, user_name, pool, name, price, .. } = &candidate.idle;
        let (user, user_name) = (user.clone(), user_name.clone());
        let (pool, name) = (pool.clone(), name.clone());
        if let Some(because) = spared(policy, catalogue, candidate) {
            plan.spared.push(Spared { user, user_name, pool, name, because });
            continue;
        }
        let grace = SignedDuration::from_hours(24 * i64::from(policy.grace_days));
        let noticed_at = candidate.noticed_at.unwrap_or(now);
        let due_at = noticed_at.checked_add(grace).unwrap_or(Timestamp::MAX);
        plan.proposals.push(Proposal {
            idle_since: candidate.idle.idle_since_day(),
            price: *price,
            to_be_told: candidate.noticed_at.is_none(),
            is_due: due_at <= now,
            due_at,
            user,
            user_name,
            pool,
            name,
        });
    }
    plan.proposals.sort_by(|a, b| (&a.user, &a.pool).cmp(&(&b.user, &b.pool)));
    let due = plan.proposals.iter().filter(|proposal| proposal.is_due);
    plan.held_back = over_share(policy, catalogue, due, held);
    plan
}

fn spared(
    policy: &ReclaimPolicy,
    catalogue: &Catalogue,
    candidate: &Candidate,
) -> Option<SparedBecause> {
    let idle = &candidate.idle;
    let same = |one: &String, other: &String| one.trim().eq_ignore_ascii_case(other.trim());
    if policy.exempt.contains(idle.pool.key()) {
        return Some(SparedBecause::ExemptPool);
    }
    if policy.exempt_users.iter().any(|user| same(user, &idle.user_name)) {
        return Some(SparedBecause::ExemptUser);
    }
    let exempt = |group: &&String| policy.exempt_groups.iter().any(|named| same(named, group));
    if let Some(group) = candidate.groups.iter().find(exempt) {
        return Some(SparedBecause::ExemptGroup { group: group.clone() });
    }
    if matches!(idle.reason, Reason::Direct { .. }) {
        return Some(SparedBecause::GivenByHand);
    }
    let free = idle.price.is_none_or(|price| price.minor_units == 0);
    (free && catalogue.seat_limit(&idle.pool).is_none()).then_some(SparedBecause::CostsNothing)
}

/// The pools that would lose more than the policy's share if these were taken at once.
pub fn over_share<'a>(
    policy: &ReclaimPolicy,
    catalogue: &Catalogue,
    proposals: impl IntoIterator<Item = &'a Proposal>,
    held: &BTreeMap<Pool, u64>,
) -> Vec<HeldBack> {
    let mut due: BTreeMap<&Pool, u64> = BTreeMap::new();
    for proposal in proposals {
        *due.entry(&proposal.pool).or_default() += 1;
    }
    let too_many = |(pool, count): (&Pool, u64)| {
        let held = held.get(pool).copied().unwrap_or(0);
        let allowed = (held.saturating_mul(policy.share_percent_max.into()) / 100).max(1);
        let name = catalogue.name(pool).to_owned();
        (count > allowed).then(|| HeldBack { pool: pool.clone(), name, count, held, allowed })
    };
    due.into_iter().filter_map(too_many).collect()
}

impl Proposal {
    /// What is taken from whom, since when it is idle, and when.
    pub fn sentence(&self) -> String {
        let day = TimeZone::UTC.to_datetime(self.due_at).date();
        let when = if self.is_due { "now".to_owned() } else { format!("on {day}") };
        let cost = self.price.map(|price| format!(", {price} a month")).unwrap_or_default();
        format!(
            "{} gives up {} {when}: idle since {}{cost}. Signing in keeps it.",
            self.user_name, self.name, self.idle_since
        )
    }
}

impl Spared {
    /// Who keeps what, and why.
    pub fn sentence(&self) -> String {
        let because = match &self.because {
            SparedBecause::ExemptGroup { group } => format!("the policy exempts group \"{group}\""),
            SparedBecause::ExemptUser => "the policy exempts this user".into(),
            SparedBecause::ExemptPool => format!("the policy exempts {}", self.name),
            SparedBecause::GivenByHand => "it was granted by hand".into(),
            SparedBecause::CostsNothing => "it has neither a price nor a limit".into(),
        };
        format!("{} keeps {} though idle: {because}.", self.user_name, self.name)
    }
}

impl HeldBack {
    /// Why nothing is taken, and what to do.
    pub fn sentence(&self) -> String {
        format!(
            "{}: {} of {} held seats would go at once and at most {} may. Look at the list and approve it, or raise `share_percent_max`.",
            self.name, self.count, self.held, self.allowed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, Product};

    const NOW: &str = "2026-11-24T00:00:00Z";

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn candidate(user: &str, change: impl FnOnce(&mut Candidate)) -> Candidate {
        let reason =
            Reason::Group { group: crate::GroupId("g".into()), name: "G".into(), path: vec![] };
        let price = Price { minor_units: 1499, currency: Currency::parse("EUR").unwrap() };
        let mut candidate = Candidate {
            idle: IdleSeat {
                user: UserId(user.into()),
                user_name: user.into(),
                pool: Pool::Product(key("phone")),
                name: "Phone".into(),
                idle_since: "2026-06-01T10:00:00Z".parse().unwrap(),
                last: None,
                reason,
                price: Some(price),
            },
            groups: vec!["Sales".into()],
            noticed_at: Some("2026-11-10T00:00:00Z".parse().unwrap()),
        };
        change(&mut candidate);
        candidate
    }

    fn plan(policy: &ReclaimPolicy, candidates: &[Candidate], held: u64) -> ReclaimPlan {
        let catalogue = Catalogue::new(vec![], vec![Product::new(key("phone"), "Phone")]);
        let held = BTreeMap::from([(Pool::Product(key("phone")), held)]);
        reclaim(policy, &catalogue, candidates, &held, NOW.parse().unwrap())
    }

    /// The sentences about one candidate.
    fn check(policy: ReclaimPolicy, change: impl FnOnce(&mut Candidate), expected: &str) {
        let plan = plan(&policy, &[candidate("ana", change)], 100);
        let proposals = plan.proposals.iter().map(Proposal::sentence);
        let all: Vec<_> = proposals.chain(plan.spared.iter().map(Spared::sentence)).collect();
        assert_eq!(all.join("\n"), expected);
    }

    fn policy() -> ReclaimPolicy {
        ReclaimPolicy { mode: ReclaimMode::Apply, ..ReclaimPolicy::default() }
    }

    #[test]
    fn a_seat_goes_when_the_grace_after_the_notice_is_over() {
        let due = "ana gives up Phone now: idle since 2026-06-01, 14.99 EUR a month. Signing in keeps it.";
        check(policy(), |_| {}, due);
        check(
            policy(),
            |c| c.noticed_at = None,
            "ana gives up Phone on 2026-12-08: idle since 2026-06-01, 14.99 EUR a month. Signing in keeps it.",
        );
        check(ReclaimPolicy { grace_days: 0, ..policy() }, |c| c.noticed_at = None, due);
    }

    #[test]
    fn what_the_policy_exempts_is_spared_with_the_reason() {
        let exempt_groups = vec!["sales ".into()];
        check(
            ReclaimPolicy { exempt_groups, ..policy() },
            |_| {},
            "ana keeps Phone though idle: the policy exempts group \"Sales\".",
        );
        check(
            ReclaimPolicy { exempt_users: vec!["ANA".into()], ..policy() },
            |_| {},
            "ana keeps Phone though idle: the policy exempts this user.",
        );
        check(
            ReclaimPolicy { exempt: vec![key("phone")], ..policy() },
            |_| {},
            "ana keeps Phone though idle: the policy exempts Phone.",
        );
        let by_hand = Reason::Direct { by: "cli:bo".into(), at: NOW.parse().unwrap(), until: None };
        check(
            policy(),
            |c| c.idle.reason = by_hand,
            "ana keeps Phone though idle: it was granted by hand.",
        );
        check(
            policy(),
            |c| c.idle.price = None,
            "ana keeps Phone though idle: it has neither a price nor a limit.",
        );
    }

    #[test]
    fn more_than_a_share_of_a_pool_never_goes_by_itself() {
        let candidates: Vec<_> = ["a", "b", "c"].map(|user| candidate(user, |_| {})).into();
        let check = |held, due: usize, sentences: &[&str]| {
            let plan = plan(&policy(), &candidates, held);
            assert_eq!(plan.due().count(), due);
            assert_eq!(
                plan.held_back.iter().map(HeldBack::sentence).collect::<Vec<_>>(),
                sentences
            );
        };
        check(30, 3, &[]);
        check(
            29,
            0,
            &[
                "Phone: 3 of 29 held seats would go at once and at most 2 may. Look at the list and approve it, or raise `share_percent_max`.",
            ],
        );
        // One may always go, however few there are.
        assert_eq!(plan(&policy(), &candidates[..1], 2).due().count(), 1);
    }

    #[test]
    fn a_policy_that_would_take_everything_is_refused() {
        assert!(ReclaimPolicy { idle_days: 0, ..policy() }.fault().is_some());
        assert!(ReclaimPolicy { share_percent_max: 101, ..policy() }.fault().is_some());
        assert_eq!(policy().fault(), None);
    }
}
