//! One person now, step by step: the same plan, the same guard, the same worker, with a trace.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use db::task::{self, Task};
use db::{Ctx, params};
use jiff::civil::Date;
use lifecycle::{Change, GroupPatch, GuardVerdict, MemberBatch, Person, PlanFinding, Presence};

use super::members::{doubt, put_members, send_one};
use super::step::{Provisioned, Step, StepStatus};
use super::tally::Ended;
use super::task::{enqueue, queue, read};
use super::wire::{Exchange, Trouble};
use super::{Run, account, group, look};
use crate::application::StoredApplication;
use crate::directory::SCOPE;
use crate::facts::{AccountSubject, World};
use crate::release::{Releases, population};
use crate::{Directory, Error, limits, pushed_group};

/// One person while they are worked on.
struct One<'o> {
    run: Arc<Run>,
    person: &'o Person,
    trace: &'o mut dyn FnMut(Step),
    change: Option<Change>,
}

/// The next step for a person, where something was not done.
struct Failing(String);

impl Directory {
    /// Brings one person's account and memberships in an application up to date, telling each step.
    ///
    /// # Errors
    /// No token; somebody else works on the application for long; the database failed. What the
    /// application does not do is told in a step.
    pub async fn work_one(
        &self,
        ctx: &Ctx,
        application: &StoredApplication,
        person: &Person,
        as_of: Date,
        trace: &mut dyn FnMut(Step),
    ) -> Result<Provisioned, Error> {
        let connection = self.connection(application)?;
        let run = Arc::new(Run::new(self, ctx, application, connection, as_of)?);
        wait_for(&run).await?;
        let mut one = One { run: run.clone(), person, trace, change: None };
        let worked = one.work().await;
        let change = one.change.take();
        run.give_back().await?;
        let failing = worked?;
        Ok(Provisioned {
            change,
            ok: failing.is_none(),
            next_step: failing.map(|Failing(next_step)| next_step),
            requests: run.connection.request_count(),
        })
    }
}

/// Takes the application as soon as nobody else holds it.
async fn wait_for(run: &Arc<Run>) -> Result<(), Error> {
    let poll = Duration::from_millis(limits::FOLLOW_POLL_MILLIS);
    let mut polls = u64::from(limits::LEASE_SECS) * 2_000 / limits::FOLLOW_POLL_MILLIS;
    while !run.take().await? {
        if polls == 0 {
            let (queue, now) = (queue(run.id()), run.directory.clock.now());
            let lease = run.directory.db.read(|r| db::lease::holder(r, SCOPE, &queue, now))?;
            return Err(Error::Busy {
                application: run.application.config.name.clone(),
                holder: lease.map(|lease| lease.holder).unwrap_or_default(),
            });
        }
        polls -= 1;
        tokio::time::sleep(poll).await;
    }
    Ok(())
}

impl One<'_> {
    fn tell(&mut self, name: &'static str, status: StepStatus, detail: String) {
        self.tell_sent(name, status, detail, Vec::new());
    }

    fn tell_sent(
        &mut self,
        name: &'static str,
        status: StepStatus,
        detail: String,
        exchanges: Vec<Exchange>,
    ) {
        (self.trace)(Step { name, status, detail, exchanges });
    }

    async fn work(&mut self) -> Result<Option<Failing>, Error> {
        let Some((world, subject)) = self.load()? else {
            return Ok(Some(Failing("Import the person first.".into())));
        };
        self.tell_scope(&world);
        if let Some(failing) = self.look(&world, &subject).await? {
            return Ok(Some(failing));
        }
        let Some((world, subject)) = self.load()? else {
            return Ok(Some(Failing("Import the person first.".into())));
        };
        let decision = world.decide(&subject, self.run.as_of);
        let told: Vec<String> = decision.findings.iter().map(PlanFinding::sentence).collect();
        self.change = decision.change.clone();
        match decision.change {
            None => {
                let detail = match told.is_empty() {
                    true => format!("Nothing to do: the account is {}.", decision.situation),
                    false => told.join(" "),
                };
                self.tell("decide", StepStatus::Skipped, detail);
                let stuck = decision.findings.first().filter(|_| {
                    !matches!(decision.presence, Presence::Active | Presence::Inactive)
                });
                if let Some(finding) = stuck {
                    return Ok(Some(Failing(finding.next_step().to_string())));
                }
            }
            Some(change) => {
                let mut detail: Vec<String> = vec![format!("To do: {}.", change.action.verb())];
                detail.extend(change.reasons.iter().map(lifecycle::Reason::sentence));
                detail.extend(told);
                self.tell("decide", StepStatus::Done, detail.join(" "));
                if let Some(failing) = self.act(&world, change).await? {
                    return Ok(Some(failing));
                }
            }
        }
        self.push().await
    }

    fn load(&self) -> Result<Option<(Arc<World>, AccountSubject)>, Error> {
        self.run.directory.db.read(|r| {
            let world = self.run.world(r)?;
            let subject = AccountSubject::load(r, &world, &self.person.id, self.run.as_of)?;
            Ok(subject.map(|subject| (world, subject)))
        })
    }

    fn tell_scope(&mut self, world: &World) {
        let as_of = self.run.as_of;
        let (assigned, _) = world.assigned(self.person, as_of);
        let mut told = vec![self.person.standing_reason(as_of).sentence()];
        if assigned.is_empty() {
            told.push(lifecycle::Reason::NotAssigned.sentence());
        }
        told.extend(assigned.iter().map(lifecycle::Reason::sentence));
        let inside = self.person.is_employed(as_of) && !assigned.is_empty();
        let status = if inside { StepStatus::Done } else { StepStatus::Skipped };
        self.tell("scope", status, told.join(" "));
    }

    /// Asks the application what is there before anything is decided.
    async fn look(
        &mut self,
        world: &Arc<World>,
        subject: &AccountSubject,
    ) -> Result<Option<Failing>, Error> {
        let run = self.run.clone();
        let mut wire = run.connection.wire();
        let looked = look::account(&run, &mut wire, world, subject, look::Doubt::None).await;
        let exchanges = std::mem::take(&mut wire.exchanges);
        match looked {
            Ok(_) => {
                let after = self.load()?.map(|(_, subject)| subject);
                let linked = after.as_ref().and_then(|after| after.account.as_ref()?.linked());
                let candidates = after.as_ref().map_or(0, |after| after.candidates.len());
                let detail = match (linked, candidates) {
                    (Some(id), _) => format!("Account {id} is linked."),
                    (None, 0) => "No account there is the person's.".to_string(),
                    (None, 1) => "One account there could be the person's.".to_string(),
                    (None, count) => format!("{count} accounts there could be the person's."),
                };
                self.tell_sent("match", StepStatus::Done, detail, exchanges);
                Ok(None)
            }
            Err(Trouble::Internal(error)) => Err(error),
            Err(trouble) => {
                let (detail, next_step) = told(trouble);
                self.tell_sent("match", StepStatus::Failed, detail, exchanges);
                Ok(Some(Failing(next_step)))
            }
        }
    }

    /// Releases the change and does it.
    async fn act(&mut self, world: &Arc<World>, change: Change) -> Result<Option<Failing>, Error> {
        let task = match self.release(world, change).await? {
            Ok(task) => task,
            Err(holds) => {
                let name = &self.run.application.config.name;
                let next_step = format!("Look at `muster plan {name}`, then approve it.");
                self.tell("act", StepStatus::Failed, holds);
                return Ok(Some(Failing(next_step)));
            }
        };
        let Some((task, payload)) = task.and_then(|task| {
            let (_, payload) = read(&task)?;
            Some((task, payload))
        }) else {
            let detail = "Somebody else works on this person at the moment.".to_string();
            self.tell("act", StepStatus::Failed, detail);
            return Ok(Some(Failing("Try again in a moment.".into())));
        };
        let (ended, exchanges) = account::work(&self.run, &task, &self.person.id, &payload).await?;
        let failing = |detail: String, next_step: String| (detail, Some(Failing(next_step)));
        let (detail, failing) = match ended {
            Ended::Done => ("The application acknowledged it.".to_string(), None),
            Ended::Nothing => ("There was nothing to do any more.".to_string(), None),
            Ended::Superseded => failing(
                "What is to be done has changed meanwhile; nothing was sent.".into(),
                "Try again.".into(),
            ),
            Ended::Failed { reason, next_step, .. } => failing(reason, next_step),
            Ended::Retrying { failure } | Ended::Everybody(failure) => {
                failing(failure.to_string(), failure.next_step().to_string())
            }
            Ended::NotNow => failing("Nothing was sent.".into(), "Try again.".into()),
        };
        let status = if failing.is_some() { StepStatus::Failed } else { StepStatus::Done };
        self.tell_sent("act", status, detail, exchanges);
        Ok(failing)
    }

    /// Puts the change through the guard, enqueues it and takes its task. The error says why it is
    /// held.
    async fn release(
        &self,
        world: &Arc<World>,
        change: Change,
    ) -> Result<Result<Option<Task>, String>, Error> {
        let (run, world, ctx) = (self.run.clone(), world.clone(), self.run.ctx());
        let release = self.run.directory.db.write_async(SCOPE, move |tx| {
            let id = run.id();
            let releases = Releases::load(tx, id, ctx.now)?;
            let population = population(tx, &world)?;
            let changes = std::slice::from_ref(&change);
            if let GuardVerdict::Held { holds } =
                releases.verdict(changes, &population, &world.policy)
            {
                let holds: Vec<String> = holds.iter().map(ToString::to_string).collect();
                return Ok(Err(holds.join(" ")));
            }
            releases.record(tx, ctx.now, id, changes, &population)?;
            enqueue(tx, &ctx, id, &change, (run.as_of, ""))?;
            let subject = change.subject.to_string();
            let (queue, holder) = (queue(id), run.holder.as_str());
            let secs = limits::ANSWER_WAIT_SECS_MAX.saturating_mul(2);
            let secs = u32::try_from(secs).unwrap_or(limits::LEASE_SECS);
            let task = task::lease_one(tx, SCOPE, &queue, &subject, holder, ctx.now, secs)?;
            if let Some(task) = task.as_ref().filter(|task| !task.outcome_unknown()) {
                task::mark_sent(tx, task, ctx.now)?;
            }
            Ok::<_, Error>(Ok(task))
        });
        release.await
    }

    /// Makes the person a member where they should be one, and nobody else.
    async fn push(&mut self) -> Result<Option<Failing>, Error> {
        let Some((world, subject)) = self.load()? else { return Ok(None) };
        let linked = subject.account.as_ref().and_then(|account| account.linked()).cloned();
        let active = Presence::of(subject.account.as_ref()) == Presence::Active;
        let (Some(account), true) = (linked, active) else {
            let detail = "Without an active account there are no memberships to push.".to_string();
            self.tell("groups", StepStatus::Skipped, detail);
            return Ok(None);
        };
        let wanted: BTreeSet<_> =
            group::memberships_of_one(&world, self.person, self.run.as_of).into_iter().collect();
        let (pushed, present) = self.pushed()?;
        let profile = &world.application.profile;
        let (mut told, mut failing) = (Vec::new(), None);
        let run = self.run.clone();
        let mut wire = run.connection.wire();
        for push_group in &world.application.push_groups {
            let (is, should) =
                (present.contains(push_group.group.as_str()), wanted.contains(&push_group.group));
            let name = &push_group.remote_name;
            let there = pushed.iter().find(|there| there.group == push_group.group);
            let Some(remote) = there.and_then(|there| there.linked()) else {
                if should {
                    told.push(format!("{name} is not there yet; it comes with the next apply."));
                }
                continue;
            };
            if is == should || profile.group_patch == GroupPatch::Put {
                continue;
            }
            if !should && world.grants_licenses(&push_group.group) {
                told.push(format!("Leaving {name} takes a license; it comes with the next apply."));
                continue;
            }
            let one = || vec![self.person.id.clone()];
            let batch = match should {
                true => MemberBatch { add: one(), remove: Vec::new() },
                false => MemberBatch { add: Vec::new(), remove: one() },
            };
            doubt(&self.run, &push_group.group, &batch.add, &batch.remove).await?;
            match send_one(&mut wire, profile, (remote, &account), &batch).await {
                Ok(()) => {
                    told.push(format!("{} {name}.", if should { "Joined" } else { "Left" }));
                    self.note(&push_group.group, name, batch).await?;
                }
                Err(Trouble::Internal(error)) => return Err(error),
                Err(trouble) => {
                    let (detail, next_step) = self::told(trouble);
                    told.push(format!("{name}: {detail}"));
                    failing = Some(Failing(next_step));
                    break;
                }
            }
        }
        let exchanges = std::mem::take(&mut wire.exchanges);
        let status = match (&failing, exchanges.is_empty()) {
            (Some(_), _) => StepStatus::Failed,
            (None, true) => StepStatus::Skipped,
            (None, false) => StepStatus::Done,
        };
        if told.is_empty() {
            told.push("Every membership is as it should be.".into());
        }
        self.tell_sent("groups", status, told.join(" "), exchanges);
        Ok(failing)
    }

    /// The push groups as they are there, and those the person is a member of.
    fn pushed(&self) -> Result<(Vec<lifecycle::PushedGroup>, BTreeSet<String>), Error> {
        self.run.directory.db.read(|r| {
            let present = r.query(
                "SELECT group_id FROM pushed_members WHERE application_id = $1 AND person_id = $2 \
                 AND in_doubt = $3",
                params![self.run.id().as_str(), self.person.id.as_str(), false],
                |row| row.text(0),
            )?;
            let pushed = pushed_group::all(r, self.run.id())?;
            Ok((pushed, present.into_iter().collect()))
        })
    }

    async fn note(
        &self,
        group: &lifecycle::GroupId,
        name: &str,
        batch: MemberBatch,
    ) -> Result<(), Error> {
        match put_members(&self.run, group, name, batch).await {
            Err(Trouble::Internal(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

fn told(trouble: Trouble) -> (String, String) {
    match trouble {
        Trouble::Failed(failure) => (failure.to_string(), failure.next_step().to_string()),
        Trouble::NotNow | Trouble::Internal(_) => {
            ("nothing was sent".to_string(), "Try again.".to_string())
        }
    }
}
