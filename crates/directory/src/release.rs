//! Releases: what a person has approved, what the guard let pass lately, and what it says now.
//!
//! An approval is a set of (subject, change digest) taken from a plan a person has seen. What the
//! guard lets pass is written down, so that many small plans are held as one large one, and so that
//! a run that was interrupted is not held when it is taken up again.

use std::collections::{BTreeMap, BTreeSet};

use db::{Ctx, Read, Tx, params};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{
    ApplicationId, Approval, Change, ChangeSubject, GuardPolicy, GuardVerdict, Plan, Population,
    Situation, Toll, guard,
};
use serde_json::json;

use crate::directory::SCOPE;
use crate::facts::World;
use crate::person::parsed;
use crate::{Error, limits};

/// What the guard measures with.
#[derive(Debug, Clone)]
pub(crate) struct Releases {
    /// What a person approved, and what was let pass before.
    pub covered: Approval,
    /// What a person approved.
    approved: Approval,
    /// What was let pass lately of each subject.
    recent: BTreeMap<ChangeSubject, Recent>,
}

/// What was let pass lately of one subject.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    /// What was made.
    done: Toll,
    /// What was not made yet; of several such releases the last one counts.
    open: Toll,
}

impl Releases {
    /// What was approved and let pass.
    pub fn load(r: &mut Read, id: &ApplicationId, now: Timestamp) -> Result<Self, Error> {
        let approved = Approval {
            changes: r
                .query(
                    "SELECT subject, change_digest FROM approvals WHERE application_id = $1",
                    params![id.as_str()],
                    |row| Ok((subject(row.text_ref(0)?)?, row.text(1)?)),
                )?
                .into_iter()
                .collect(),
        };
        let mut covered = approved.clone();
        let mut recent: BTreeMap<ChangeSubject, Recent> = BTreeMap::new();
        let rows = r.query(
            "SELECT subject, change_digest, deactivations, license_removals, recreations, done_at \
             FROM releases WHERE application_id = $1 AND released_at > $2 \
             ORDER BY released_at, done_at IS NULL",
            params![id.as_str(), hours_before(now, limits::GUARD_WINDOW_HOURS)],
            |row| {
                let toll = Toll {
                    deactivations: row.count(2)?,
                    license_removals: row.count(3)?,
                    recreations: row.count(4)?,
                };
                let open = row.opt_timestamp(5)?.is_none();
                Ok((subject(row.text_ref(0)?)?, row.text(1)?, toll, open))
            },
        )?;
        for (subject, digest, toll, open) in rows {
            let recent = recent.entry(subject.clone()).or_default();
            // What was let pass and made is used up: the same change again is a new one.
            if open {
                recent.open = toll;
                covered.changes.insert((subject, digest));
            } else {
                *recent = Recent { done: recent.done.and(toll), open: Toll::default() };
            }
        }
        Ok(Self { covered, approved, recent })
    }

    /// What the guard says about changes, and which of them are covered whatever it says.
    pub fn verdict(
        &self,
        changes: &[Change],
        population: &Population,
        policy: &GuardPolicy,
    ) -> GuardVerdict {
        guard(changes, population, policy, self.recent_toll(changes), &self.covered)
    }

    /// What was let pass lately. What was not made counts only for other subjects than are to be
    /// changed now: it is planned again, or not wanted any more. What was made counts always, so that
    /// a group is not emptied in small steps.
    fn recent_toll(&self, changes: &[Change]) -> Toll {
        let now: BTreeSet<&ChangeSubject> = changes.iter().map(|change| &change.subject).collect();
        self.recent.iter().fold(Toll::default(), |sum, (subject, recent)| {
            let open = if now.contains(subject) { Toll::default() } else { recent.open };
            sum.and(recent.done).and(open)
        })
    }

    /// Writes down what is let pass. What a person approved is theirs and counts for nothing.
    pub fn record(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        id: &ApplicationId,
        changes: &[Change],
        population: &Population,
    ) -> Result<(), Error> {
        for change in changes.iter().filter(|change| !self.approved.covers(change)) {
            let toll = Toll::of([change], population);
            if toll == Toll::default() {
                continue;
            }
            tx.execute(
                "INSERT INTO releases (application_id, subject, change_digest, deactivations, \
                 license_removals, recreations, released_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT (application_id, subject, change_digest) DO UPDATE SET \
                 released_at = excluded.released_at, done_at = NULL",
                params![
                    id.as_str(),
                    change.subject.to_string(),
                    change.digest.as_str(),
                    toll.deactivations,
                    toll.license_removals,
                    toll.recreations,
                    now
                ],
            )?;
        }
        tx.execute(
            "DELETE FROM releases WHERE application_id = $1 AND released_at <= $2",
            params![id.as_str(), hours_before(now, limits::GUARD_WINDOW_HOURS)],
        )?;
        Ok(())
    }
}

/// Uses up what let a change pass, once it was made: a release or an approval lets it pass once.
pub(crate) fn spend(
    tx: &mut Tx,
    now: Timestamp,
    id: &ApplicationId,
    change: &Change,
) -> Result<(), Error> {
    let subject = change.subject.to_string();
    tx.execute(
        "UPDATE releases SET done_at = $1 \
         WHERE application_id = $2 AND subject = $3 AND change_digest = $4",
        params![now, id.as_str(), subject.as_str(), change.digest.as_str()],
    )?;
    tx.execute(
        "DELETE FROM approvals WHERE application_id = $1 AND subject = $2 AND change_digest = $3",
        params![id.as_str(), subject, change.digest.as_str()],
    )?;
    Ok(())
}

/// Writes down that a person approved a plan, as they saw it.
pub(crate) fn approve(tx: &mut Tx, ctx: &Ctx, plan: &Plan) -> Result<(), Error> {
    let id = plan.application.as_str();
    for (subject, digest) in Approval::of(plan).changes {
        tx.execute(
            "INSERT INTO approvals (application_id, subject, change_digest, plan_digest, actor, \
             approved_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (application_id, subject, change_digest) DO NOTHING",
            params![
                id,
                subject.to_string(),
                digest,
                plan.digest.as_str(),
                ctx.actor.as_str(),
                ctx.now
            ],
        )?;
    }
    tx.execute(
        "DELETE FROM approvals WHERE application_id = $1 AND approved_at <= $2",
        params![id, hours_before(ctx.now, limits::APPROVAL_KEPT_HOURS)],
    )?;
    let payload = json!({ "plan": plan.digest, "changes": plan.changes.len() });
    db::event::append(tx, ctx, SCOPE, "plan.approved", &plan.application_name, &payload)?;
    Ok(())
}

/// What there is in an application at the moment, counted where it lies.
pub(crate) fn population(r: &mut Read, world: &World) -> Result<Population, Error> {
    let application = &world.application;
    let mut population = Population::of(&world.groups, &[], &[]);
    population.active_account_count = r.query_one(
        "SELECT COUNT(*) FROM accounts WHERE application_id = $1 AND situation = $2 AND active = $3",
        params![application.id.as_str(), Situation::Linked.as_str(), true],
        |row| row.count(0),
    )?;
    for group in &population.license_groups {
        population.license_membership_count += r.query_one(
            "SELECT COUNT(*) FROM pushed_members WHERE application_id = $1 AND group_id = $2",
            params![application.id.as_str(), group.as_str()],
            |row| row.count(0),
        )?;
    }
    Ok(population)
}

fn subject(text: &str) -> Result<ChangeSubject, db::Error> {
    parsed("subject", text, str::parse::<ChangeSubject>)
}

fn hours_before(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH)
}
