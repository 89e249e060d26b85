//! Applying: a plan is made, judged, released as tasks, and worked off.
//!
//! An apply that is interrupted, even killed, is finished by applying again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::Ctx;
use db::task::{self, TaskState};
use jiff::civil::Date;
use lifecycle::{Change, GuardVerdict, Plan};
use serde::Serialize;
use serde_json::json;

use crate::client::Failure;
use crate::directory::SCOPE;
use crate::observe::Progress;
use crate::plan::Planned;
use crate::release::approve;
use crate::worker::{self, Failed, Outcome, Run, Stopped, Tally, enqueue, queue};
use crate::{Directory, Error, account, limits};

/// How a plan is applied.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The day it is made for.
    pub as_of: Date,
    /// The digest of a plan that a person has seen and approves, or its first eight characters.
    pub approve: Option<String>,
}

/// How an apply ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ApplyOutcome {
    /// Everything that was planned has been worked off.
    Applied,
    /// Some or all of it waits for a person's approval.
    Held {
        /// The digest of the plan to approve.
        digest: String,
        /// Why.
        reasons: Vec<String>,
        /// What to do.
        next_step: String,
    },
    /// Everybody met the same trouble; what is left waits, and nothing is lost.
    Stopped {
        /// What happened.
        failure: String,
        /// What to do.
        next_step: String,
    },
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApplyReport {
    /// How it ended.
    pub outcome: ApplyOutcome,
    /// The digest of the plan.
    pub plan: String,
    /// Changes that were planned.
    pub planned: u64,
    /// Subjects whose change was made.
    pub done: u64,
    /// Subjects whose change was not made and waits for a person, up to a limit.
    pub failed: Vec<Failed>,
    /// How many those are.
    pub failed_count: u64,
    /// Subjects whose change had changed, so that it was planned anew.
    pub superseded: u64,
    /// Subjects that wait: for another attempt, or for the application.
    pub waiting: u64,
    /// Those that are tried again later, with what happened.
    pub retrying: Vec<Failed>,
    /// All requests of this apply, the listing included.
    pub requests: u64,
    /// Requests that the plan takes, the listing not included.
    pub requests_planned: u64,
    /// Pages that were listed before.
    pub observed_pages: u64,
    /// How long it took.
    pub seconds: f64,
}

impl ApplyReport {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.outcome == ApplyOutcome::Applied && self.failed_count == 0 && self.waiting == 0
    }
}

/// An apply while it lasts.
struct Applying<'d> {
    directory: &'d Directory,
    ctx: &'d Ctx,
    run: Arc<Run>,
    options: &'d ApplyOptions,
    tally: Tally,
    observed_pages: u64,
    began: Instant,
}

/// What a report says of a plan.
struct Summary {
    digest: String,
    changes: u64,
    requests: u64,
}

impl Summary {
    fn of(plan: &Plan) -> Self {
        let changes = plan.changes.len() as u64;
        Self { digest: plan.digest.clone(), changes, requests: plan.cost.requests }
    }
}

impl Directory {
    /// Makes a plan and carries it out, if the guard lets it pass or a person approved it.
    ///
    /// # Errors
    /// No such application, no token, a digest of a plan that nobody has seen; the database failed.
    /// What the application does not do is no error: the report says it.
    pub async fn apply(
        &self,
        ctx: &Ctx,
        app: &str,
        options: ApplyOptions,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<ApplyReport, Error> {
        self.apply_to(ctx, app, &options, progress).await
    }

    pub(crate) async fn apply_to<P: Fn(Progress) + ?Sized>(
        &self,
        ctx: &Ctx,
        app: &str,
        options: &ApplyOptions,
        progress: &P,
    ) -> Result<ApplyReport, Error> {
        let application = self.application(app)?;
        let connection = self.connection(&application)?;
        let run = Arc::new(Run::new(self, ctx, &application, connection, options.as_of)?);
        let mut applying = Applying {
            directory: self,
            ctx,
            run,
            options,
            tally: Tally::default(),
            observed_pages: 0,
            began: Instant::now(),
        };
        applying.apply(progress).await
    }
}

impl Applying<'_> {
    async fn apply<P: Fn(Progress) + ?Sized>(
        &mut self,
        progress: &P,
    ) -> Result<ApplyReport, Error> {
        if !self.run.application.observed {
            let (application, connection) = (&self.run.application, &self.run.connection);
            let observed =
                self.directory.observe_over(self.ctx, application, connection, progress).await;
            match observed {
                Ok(observed) => self.observed_pages = observed.pages,
                Err(Error::Application { failure, .. }) => {
                    return self.report(None, stopped(&Stopped { failure, until: None }));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(digest) = &self.options.approve {
            let seen = self.directory.seen_plan(&self.run.application, digest)?;
            let ctx = self.ctx.clone();
            self.directory.db.write_async(SCOPE, move |tx| approve(tx, &ctx, &seen)).await?;
        }
        let planned = self.directory.plan_now(&self.run.application, self.options.as_of).await?;
        let summary = Summary::of(&planned.plan);
        let outcome = self.carry_out(planned, progress).await?;
        self.finish(summary, outcome).await
    }

    /// Releases what may be released and works it off; then plans again for what had to wait for
    /// something else, such as members whose accounts came late.
    async fn carry_out<P: Fn(Progress) + ?Sized>(
        &mut self,
        planned: Planned,
        progress: &P,
    ) -> Result<ApplyOutcome, Error> {
        let (mut outcome, released) = self.release(planned).await?;
        if matches!(outcome, ApplyOutcome::Held { .. }) && released == 0 {
            return Ok(outcome);
        }
        for _ in 0..limits::APPLY_ROUND_COUNT_MAX {
            let worked = self.follow_or_work(progress).await?;
            self.tally.add(worked.tally);
            if let Some(why) = &worked.stopped {
                return Ok(stopped(why));
            }
            if !worked.late || outcome != ApplyOutcome::Applied {
                break;
            }
            let again = self.directory.plan_now(&self.run.application, self.options.as_of).await?;
            if again.plan.is_empty() {
                break;
            }
            outcome = self.release(again).await?.0;
        }
        Ok(outcome)
    }

    /// Writes down what is let pass and enqueues it; says how much that is. What is held stays out.
    /// The plan ends here: what is worked off is planned anew, subject by subject.
    async fn release(&self, planned: Planned) -> Result<(ApplyOutcome, usize), Error> {
        let plan = &planned.plan;
        let (changes, outcome): (Vec<&Change>, _) = match &planned.verdict {
            GuardVerdict::Released => (plan.changes.iter().collect(), ApplyOutcome::Applied),
            GuardVerdict::Held { holds } => {
                self.directory.store_plan(self.ctx, plan, &planned.verdict).await?;
                let covered = |change: &&Change| planned.releases.covered.covers(change);
                let name = &self.run.application.config.name;
                let held = ApplyOutcome::Held {
                    digest: plan.digest.clone(),
                    reasons: holds.iter().map(ToString::to_string).collect(),
                    next_step: format!(
                        "Look at `muster plan {name}`. If it is meant: `muster apply {name} \
                         --approve {}`. If not, correct the HR file, the rules or the groups.",
                        plan.digest
                    ),
                };
                (plan.changes.iter().filter(covered).collect(), held)
            }
        };
        self.tell_release(plan, &outcome, changes.len()).await?;
        self.settle(plan).await?;
        self.revive().await?;
        self.enqueue(&planned, &changes).await?;
        Ok((outcome, changes.len()))
    }

    async fn tell_release(
        &self,
        plan: &Plan,
        outcome: &ApplyOutcome,
        released: usize,
    ) -> Result<(), Error> {
        let kind = match outcome {
            ApplyOutcome::Held { .. } => "plan.held",
            _ if plan.is_empty() => return Ok(()),
            _ => "plan.released",
        };
        let (ctx, name) = (self.ctx.clone(), plan.application_name.clone());
        let payload = json!({
            "plan": plan.digest, "as_of": plan.as_of, "changes": plan.changes.len(),
            "released": released, "cost": plan.cost, "outcome": outcome,
        });
        let tell = move |tx: &mut db::Tx| db::event::append(tx, &ctx, SCOPE, kind, &name, &payload);
        self.directory.db.write_async(SCOPE, tell).await?;
        Ok(())
    }

    /// Notes the accounts that are as they should be already, though we did not know it.
    async fn settle(&self, plan: &Plan) -> Result<(), Error> {
        let settled: Vec<_> = plan.settled.iter().collect();
        for batch in settled.chunks(limits::ENQUEUE_BATCH) {
            let (ctx, id) = (self.ctx.clone(), plan.application.clone());
            let batch: Vec<_> =
                batch.iter().map(|(person, it)| ((*person).clone(), (*it).clone())).collect();
            let note = move |tx: &mut db::Tx| {
                batch.iter().try_for_each(|(person, it)| account::settle(tx, &ctx, &id, person, it))
            };
            self.directory.db.write_async(SCOPE, note).await?;
        }
        Ok(())
    }

    /// What was given up with an unknown outcome is looked at again: it may have been done, and the
    /// person may have left since.
    async fn revive(&self) -> Result<(), Error> {
        let queue = queue(self.run.id());
        let revive = move |tx: &mut db::Tx| {
            let dead = task::list(tx, SCOPE, &queue, TaskState::Dead, db::limits::LIST_MAX)?;
            for given_up in dead.iter().filter(|task| task.outcome_unknown()) {
                task::revive(tx, SCOPE, &queue, &given_up.subject)?;
            }
            Ok(())
        };
        self.directory.db.write_async(SCOPE, revive).await
    }

    async fn enqueue(&self, planned: &Planned, changes: &[&Change]) -> Result<(), Error> {
        let plan = &planned.plan;
        let releases = Arc::new((planned.releases.clone(), plan.population.clone()));
        for batch in changes.chunks(limits::ENQUEUE_BATCH) {
            let (ctx, id) = (self.ctx.clone(), plan.application.clone());
            let (as_of, digest) = (plan.as_of, plan.digest.clone());
            let (releases, batch) = (releases.clone(), batch.iter().copied().cloned());
            let batch: Vec<Change> = batch.collect();
            let write = move |tx: &mut db::Tx| {
                let (releases, population) = &*releases;
                releases.record(tx, ctx.now, &id, &batch, population)?;
                batch.iter().try_for_each(|change| enqueue(tx, &ctx, &id, change, (as_of, &digest)))
            };
            self.directory.db.write_async(SCOPE, write).await?;
        }
        Ok(())
    }

    /// Works the queue, if nobody else holds the application; else waits until they have.
    async fn follow_or_work<P: Fn(Progress) + ?Sized>(
        &self,
        progress: &P,
    ) -> Result<Outcome, Error> {
        let queue = queue(self.run.id());
        let open = || {
            let counts = self.directory.db.read(|r| task::counts(r, SCOPE, &queue))?;
            Ok::<u64, Error>(counts.open())
        };
        let total = open()?;
        loop {
            if self.run.take().await? {
                let worked = worker::work(&self.run, progress).await;
                self.run.give_back().await?;
                return worked;
            }
            let left = open()?;
            let done = total.saturating_sub(left);
            progress(Progress { done, total, what: "changes" });
            if left == 0 {
                let tally = Tally { done, ..Tally::default() };
                return Ok(Outcome { tally, stopped: None, late: false });
            }
            tokio::time::sleep(Duration::from_millis(limits::FOLLOW_POLL_MILLIS)).await;
        }
    }

    async fn finish(&self, plan: Summary, outcome: ApplyOutcome) -> Result<ApplyReport, Error> {
        let report = self.report(Some(&plan), outcome)?;
        if report.planned > 0 || report.done > 0 {
            let (ctx, name) = (self.run.ctx(), self.run.application.config.name.clone());
            let payload = json!({
                "plan": report.plan, "outcome": report.outcome, "planned": report.planned,
                "done": report.done, "failed": report.failed_count,
                "superseded": report.superseded, "waiting": report.waiting,
                "requests": report.requests,
            });
            let tell = move |tx: &mut db::Tx| {
                db::event::append(tx, &ctx, SCOPE, "plan.applied", &name, &payload)
            };
            self.directory.db.write_async(SCOPE, tell).await?;
        }
        Ok(report)
    }

    fn report(&self, plan: Option<&Summary>, outcome: ApplyOutcome) -> Result<ApplyReport, Error> {
        let queue = queue(self.run.id());
        let counts = self.directory.db.read(|r| task::counts(r, SCOPE, &queue))?;
        Ok(ApplyReport {
            outcome,
            plan: plan.map(|plan| plan.digest.clone()).unwrap_or_default(),
            planned: plan.map_or(0, |plan| plan.changes),
            done: self.tally.done,
            failed: self.tally.failed.clone(),
            failed_count: self.tally.failed_count,
            superseded: self.tally.superseded,
            waiting: counts.open(),
            retrying: self.tally.retrying.values().cloned().collect(),
            requests: self.run.connection.request_count(),
            requests_planned: plan.map_or(0, |plan| plan.requests),
            observed_pages: self.observed_pages,
            seconds: self.began.elapsed().as_secs_f64(),
        })
    }
}

fn stopped(stopped: &Stopped) -> ApplyOutcome {
    let next_step = match (&stopped.failure, stopped.until) {
        (Failure::Refused { .. }, _) => {
            "The first of many were all refused: correct the mapping or the values, then apply \
             again."
                .to_string()
        }
        (failure, Some(until)) => {
            format!("{} Apply again after {until}; nothing is lost.", failure.next_step())
        }
        (failure, None) => format!("{} Nothing is lost.", failure.next_step()),
    };
    ApplyOutcome::Stopped { failure: stopped.failure.to_string(), next_step }
}
