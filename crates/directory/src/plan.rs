//! Plans in the database: made, judged by the guard, and kept so that they can be approved.

use db::{Ctx, Tx, new_id, params};
use jiff::civil::Date;
use lifecycle::{
    Action, ApplicationProfile, Finding, GuardVerdict, MappingFinding, PLAN_FORMAT_VERSION, Person,
    Plan, PlanInput, UpdateVerb, memberships,
};
use serde::Serialize;

use crate::application::StoredApplication;
use crate::directory::SCOPE;
use crate::facts::{self, World};
use crate::observe::{Observation, Progress};
use crate::release::Releases;
use crate::thread::apart;
use crate::{Directory, Error, account, limits, person, pushed_group};

/// A plan as it is stored, with what the guard says about it.
#[derive(Debug, Clone, Serialize)]
pub struct StoredPlan {
    /// What would change.
    pub plan: Plan,
    /// Whether it may be applied without a person.
    pub verdict: GuardVerdict,
    /// The fewest requests in which it could be done, the listing that came before included.
    pub requests_minimum: u64,
    /// Pages that were listed for it; 0 if the application was known already.
    pub observed_pages: u64,
    /// What is doubtful about the mappings.
    pub mapping_findings: Vec<MappingFinding>,
    /// What is doubtful about rules and groups.
    pub rule_findings: Vec<Finding>,
}

/// A plan just made, and what is needed to carry it out.
pub(crate) struct Planned {
    pub plan: Plan,
    pub verdict: GuardVerdict,
    pub releases: Releases,
    pub mapping_findings: Vec<MappingFinding>,
    pub rule_findings: Vec<Finding>,
}

impl Directory {
    /// What would change in an application on that day. An application that was never listed is
    /// listed first.
    ///
    /// # Errors
    /// No such application; it cannot be asked.
    pub async fn plan(&self, ctx: &Ctx, app: &str, as_of: Date) -> Result<StoredPlan, Error> {
        let application = self.application(app)?;
        let observed = if application.observed {
            None
        } else {
            let connection = self.connection(&application)?;
            Some(self.observe_over(ctx, &application, &connection, &|_: Progress| {}).await?)
        };
        let planned = self.plan_now(&application, as_of).await?;
        self.store_plan(ctx, &planned.plan, &planned.verdict).await?;
        let profile = application.config.application_profile()?;
        Ok(StoredPlan {
            requests_minimum: requests_minimum(&planned.plan, &profile, observed.as_ref()),
            observed_pages: observed.map_or(0, |observed| observed.pages),
            plan: planned.plan,
            verdict: planned.verdict,
            mapping_findings: planned.mapping_findings,
            rule_findings: planned.rule_findings,
        })
    }

    /// The plan of that digest, as a person has seen it.
    pub(crate) fn seen_plan(
        &self,
        application: &StoredApplication,
        digest: &str,
    ) -> Result<Plan, Error> {
        let name = &application.config.name;
        let unseen = || {
            application.config.wrong(format!(
                "no plan {digest} was made lately; run `muster plan {name}` and approve what it shows"
            ))
        };
        if digest.len() < DIGEST_LENGTH_MIN {
            return Err(unseen());
        }
        let found = self.db.read(|r| {
            Ok::<_, Error>(r.query_opt(
                "SELECT plan, format_version FROM plans WHERE application_id = $1 \
                 AND substr(digest, 1, CAST($2 AS INTEGER)) = $3 ORDER BY created_at DESC LIMIT 1",
                params![application.id.as_str(), digest.len(), digest],
                |row| Ok((row.text(0)?, row.int(1)?)),
            )?)
        })?;
        let (text, format_version) = found.ok_or_else(unseen)?;
        if format_version != i64::from(PLAN_FORMAT_VERSION) {
            return Err(unseen());
        }
        serde_json::from_str(&text)
            .map_err(|error| Error::Stored { what: "plan", message: error.to_string() })
    }

    /// Plans from what is stored at the moment.
    pub(crate) async fn plan_now(
        &self,
        application: &StoredApplication,
        as_of: Date,
    ) -> Result<Planned, Error> {
        let (directory, application) = (self.clone(), application.clone());
        apart("plan", move || directory.make_plan(&application, as_of)).await
    }

    fn make_plan(&self, application: &StoredApplication, as_of: Date) -> Result<Planned, Error> {
        let now = self.clock.now();
        let id = &application.id;
        let (world, people, seen, releases) = self.db.read(|r| {
            let world = World::load(r, id)?;
            let seen = Seen {
                accounts: account::all(r, id)?,
                unlinked: account::unlinked(r, id)?,
                pushed_groups: pushed_group::all(r, id)?,
                doubts: pushed_group::doubts(r, id)?,
                unlinked_groups: pushed_group::unlinked(r, id)?,
            };
            Ok::<_, Error>((world, person::everybody(r)?, seen, Releases::load(r, id, now)?))
        })?;
        let (plan, rule_findings) = decide(&world, &people, seen, as_of);
        let verdict = releases.verdict(&plan.changes, &plan.population, &world.policy);
        let mapping_findings = lifecycle::lint(
            &facts::mapping_list(&application.config),
            &application.config.user_type(),
        );
        Ok(Planned { plan, verdict, releases, mapping_findings, rule_findings })
    }

    /// Keeps a plan, so that it can be approved as it was seen; the oldest go.
    pub(crate) async fn store_plan(
        &self,
        ctx: &Ctx,
        plan: &Plan,
        verdict: &GuardVerdict,
    ) -> Result<(), Error> {
        let (id, digest) = (plan.application.clone(), plan.digest.clone());
        // Of a plan about everybody there is one text, and not one for each attempt.
        let row: [db::Value; 8] = [
            new_id().into(),
            id.as_str().into(),
            plan.as_of.into(),
            digest.as_str().into(),
            serde_json::to_string(plan).unwrap_or_default().into(),
            PLAN_FORMAT_VERSION.into(),
            serde_json::to_string(verdict).unwrap_or_default().into(),
            ctx.now.into(),
        ];
        self.db
            .write_async(SCOPE, move |tx| {
                tx.execute(
                    "DELETE FROM plans WHERE application_id = $1 AND digest = $2",
                    params![id.as_str(), digest.as_str()],
                )?;
                tx.execute(
                    "INSERT INTO plans (id, application_id, as_of, digest, plan, format_version, \
                     verdict, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                    &row,
                )?;
                forget_old_plans(tx, id.as_str())
            })
            .await
    }
}

/// The shortest beginning of a digest that names a plan.
const DIGEST_LENGTH_MIN: usize = 8;

/// What was seen in an application.
struct Seen {
    accounts: Vec<lifecycle::Account>,
    unlinked: Vec<lifecycle::RemoteAccount>,
    pushed_groups: Vec<lifecycle::PushedGroup>,
    /// Members of whom nobody knows whether they are there.
    doubts: Vec<(lifecycle::GroupId, lifecycle::PersonId)>,
    unlinked_groups: Vec<lifecycle::RemoteGroup>,
}

fn decide(world: &World, people: &[Person], mut seen: Seen, as_of: Date) -> (Plan, Vec<Finding>) {
    let mut memberships = memberships(people, &world.groups, &world.rules, as_of);
    let findings = std::mem::take(&mut memberships.findings);
    let assignments = &world.application.assignments;
    pushed_group::resolve(&mut seen.pushed_groups, &seen.doubts, assignments, &memberships);
    let plan = lifecycle::plan(&PlanInput {
        as_of,
        application: &world.application,
        mappings: &world.mappings,
        people,
        groups: &world.groups,
        rules: &world.rules,
        memberships: &memberships,
        accounts: &seen.accounts,
        unlinked: &seen.unlinked,
        pushed_groups: &seen.pushed_groups,
        unlinked_groups: &seen.unlinked_groups,
    });
    (plan, findings)
}

fn forget_old_plans(tx: &mut Tx, application: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM plans WHERE application_id = $1 AND id NOT IN (SELECT id FROM plans \
         WHERE application_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)",
        params![application, limits::PLAN_COUNT_MAX],
    )?;
    Ok(())
}

/// The fewest requests in which a plan could be carried out, were every answer trusted and every
/// change a PATCH. For a first push this is [`lifecycle::minimum_requests`].
fn requests_minimum(
    plan: &Plan,
    profile: &ApplicationProfile,
    observed: Option<&Observation>,
) -> u64 {
    let plain = ApplicationProfile {
        trusts_write_response: true,
        update_verb: UpdateVerb::Patch,
        ..profile.clone()
    };
    let pages = |count: u64| count.div_ceil(u64::from(profile.page_size.max(1))).max(1);
    let listed = observed.map_or(0, |seen| pages(seen.accounts) + pages(seen.groups));
    let cost = |action: &Action| u64::from(action.requests(&plain));
    listed + plan.changes.iter().map(|change| cost(&change.action)).sum::<u64>()
}
