//! One push group: planned anew, pushed as was released, written down batch by batch.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use db::task::{self, Task};
use jiff::civil::Date;
use lifecycle::{
    Action, Change, ChangeSubject, GroupDecision, GroupFacts, GroupId, MemberFacts, Memberships,
    Person, PersonId, Presence, PushGroup, PushedGroup, RemoteGroup, RemoteId, memberships,
    plan_group,
};
use serde_json::json;

use super::members::{Refused, carry_out};
use super::resubmit::{goes_on, nothing, resubmit};
use super::settle::{bury, settle};
use super::tally::Ended;
use super::task::Payload;
use super::wire::{Exchange, Trouble, Wire};
use super::{Run, look};
use crate::account::Standing;
use crate::client::Failure;
use crate::directory::SCOPE;
use crate::facts::World;
use crate::thread::apart;
use crate::{Error, account, person, pushed_group, release};

/// How often one task looks and plans again before it gives up.
const TURN_COUNT_MAX: u32 = 4;
/// How many members that were refused are named.
const REFUSED_SHOWN_COUNT: usize = 5;

/// What the application calls people's accounts.
pub(super) type RemoteIds = HashMap<PersonId, RemoteId>;

/// A push group as it stands, and what is done about it.
pub(super) struct Found {
    pub world: Arc<World>,
    pub push_group: PushGroup,
    pub pushed: Option<PushedGroup>,
    pub decision: GroupDecision,
    pub remote_ids: Arc<RemoteIds>,
}

/// One group while it is worked on.
pub(super) struct Job<'r> {
    pub run: &'r Run,
    pub task: &'r Task,
    pub payload: &'r Payload,
    pub group: GroupId,
    pub wire: Wire<'r>,
    looked: bool,
    conflict: Option<Failure>,
}

/// Plans several groups anew. This loads everybody, so it is done once for many groups, and not on a
/// thread that others wait for.
pub(super) fn decide(run: &Run, groups: &[GroupId]) -> Result<BTreeMap<GroupId, Found>, Error> {
    let (world, people, accounts, (mut pushed, doubts), unlinked) = run.directory.db.read(|r| {
        let world = run.world(r)?;
        let people = person::everybody(r)?;
        let accounts = account::standings(r, run.id())?;
        let pushed = (pushed_group::all(r, run.id())?, pushed_group::doubts(r, run.id())?);
        Ok::<_, Error>((world, people, accounts, pushed, pushed_group::unlinked(r, run.id())?))
    })?;
    let as_of = run.as_of;
    let memberships = memberships(&people, &world.groups, &world.rules, as_of);
    let assignments = &world.application.assignments;
    pushed_group::resolve(&mut pushed, &doubts, assignments, &memberships);
    let members = member_facts(&world, &people, &accounts, &memberships);
    let nobody = MemberFacts { person: None, assigned: false, presence: Presence::Absent };
    let remote_ids: Arc<RemoteIds> = Arc::new(
        accounts
            .iter()
            .filter_map(|account| Some((account.person.clone(), account.remote_id.clone()?)))
            .collect(),
    );
    let wanted = world.application.push_groups.iter();
    let found = wanted.filter(|push_group| groups.contains(&push_group.group)).map(|push_group| {
        let pushed = pushed.iter().find(|pushed| pushed.group == push_group.group);
        let name = push_group.remote_name.to_lowercase();
        let candidates: Vec<&RemoteGroup> =
            unlinked.iter().filter(|group| group.display_name.to_lowercase() == name).collect();
        let decision = plan_group(&GroupFacts {
            as_of,
            application: &world.application,
            push_group,
            group: world.groups.iter().find(|group| group.id == push_group.group),
            rules: &world.rules,
            members: memberships.of_group(&push_group.group),
            pushed,
            candidates: &candidates,
            member: &|person| members.get(person).copied().unwrap_or(nobody),
        });
        let found = Found {
            world: world.clone(),
            push_group: push_group.clone(),
            pushed: pushed.cloned(),
            decision,
            remote_ids: remote_ids.clone(),
        };
        (push_group.group.clone(), found)
    });
    Ok(found.collect())
}

/// What is known of everybody as a member: by what has been acknowledged, not by what is planned.
fn member_facts<'p>(
    world: &World,
    people: &'p [Person],
    accounts: &[Standing],
    memberships: &Memberships<'_>,
) -> HashMap<&'p PersonId, MemberFacts<'p>> {
    let presences: HashMap<&PersonId, Presence> =
        accounts.iter().map(|account| (&account.person, account.presence)).collect();
    let assignments = &world.application.assignments;
    people
        .iter()
        .map(|person| {
            let assigned = lifecycle::assigned(assignments, &person.id, |group| {
                memberships.contains(group, &person.id)
            });
            let facts = MemberFacts {
                person: Some(person),
                assigned: !assigned.is_empty(),
                presence: presences.get(&person.id).copied().unwrap_or(Presence::Absent),
            };
            (&person.id, facts)
        })
        .collect()
}

/// Works on one group that was planned anew. Says how it ended and what was sent.
pub(super) async fn work(
    run: &Arc<Run>,
    task: &Task,
    group: &GroupId,
    payload: &Payload,
    found: Option<Found>,
) -> Result<(Ended, Vec<Exchange>), Error> {
    let mut job = Job {
        run,
        task,
        payload,
        group: group.clone(),
        wire: run.connection.wire(),
        looked: false,
        conflict: None,
    };
    let ended = match job.act(run, found).await {
        Ok(ended) => ended,
        Err(trouble) => {
            let subject = ChangeSubject::Group(group.clone());
            let in_doubt = job.wire.in_doubt || (task.outcome_unknown() && !job.looked);
            settle(run, task, &subject, (trouble, in_doubt)).await?
        }
    };
    Ok((ended, job.wire.exchanges))
}

impl Job<'_> {
    async fn act(&mut self, run: &Arc<Run>, found: Option<Found>) -> Result<Ended, Trouble> {
        let mut found = found;
        for _ in 0..TURN_COUNT_MAX {
            // It is pushed no longer.
            let Some(mut current) = found.take() else {
                return Ok(nothing(self.run, self.task).await?);
            };
            let linked = current.pushed.as_ref().is_some_and(|pushed| pushed.linked().is_some());
            if self.task.outcome_unknown() && !linked && !self.looked {
                look::group(self.run, &mut self.wire, &current.push_group.remote_name).await?;
                self.looked = true;
                found = self.decide_again(run).await?;
                continue;
            }
            let Some(change) = current.decision.change.take() else {
                return self.leave(&current).await;
            };
            if let (Some(conflict), Action::CreateGroup { .. }) = (&self.conflict, &change.action) {
                return Err(conflict.clone().into());
            }
            if !self.is_released(&current.world, &change) {
                return Ok(resubmit(self.run, &current.world, self.task, change).await?);
            }
            match carry_out(self, &current, &change).await {
                Ok(refused) => return self.end(&change, refused).await,
                Err(trouble) => self.recover(&current, &change, trouble).await?,
            }
            found = self.decide_again(run).await?;
        }
        Err(Failure::Conflict { detail: "it keeps changing while it is looked at".into() }.into())
    }

    async fn decide_again(&self, run: &Arc<Run>) -> Result<Option<Found>, Error> {
        let (run, group) = (run.clone(), self.group.clone());
        let decide = move || Ok(decide(&run, std::slice::from_ref(&group))?.remove(&group));
        apart("group", decide).await
    }

    /// Exactly what was released; or what follows from having looked; or the rest of what was begun
    /// with an unknown outcome, if it takes nothing away.
    fn is_released(&self, world: &World, change: &Change) -> bool {
        change.digest == self.payload.change_digest
            || (self.looked && matches!(change.action, Action::LinkGroup { .. }))
            || (self.task.outcome_unknown() && goes_on(world, change))
    }

    /// There is nothing to do; or nothing can be done, if a group stands in the way.
    async fn leave(&self, found: &Found) -> Result<Ended, Trouble> {
        let Some(conflict) = &self.conflict else {
            return Ok(nothing(self.run, self.task).await?);
        };
        let finding = found.decision.findings.last();
        let reason = finding.map_or_else(|| conflict.to_string(), |finding| finding.sentence());
        let next_step = finding.map_or(conflict.next_step(), |finding| finding.next_step());
        let subject = ChangeSubject::Group(self.group.clone());
        bury(self.run, self.task, &subject, &reason, next_step, true).await?;
        let next_step = next_step.to_string();
        Ok(Ended::Failed { reason, next_step, failure: Some(conflict.clone()) })
    }

    async fn recover(
        &mut self,
        found: &Found,
        change: &Change,
        trouble: Trouble,
    ) -> Result<(), Trouble> {
        let creates = matches!(change.action, Action::CreateGroup { .. });
        match trouble {
            Trouble::Failed(failure @ Failure::Conflict { .. }) if creates => {
                self.conflict = Some(failure);
                self.looked = true;
                look::group(self.run, &mut self.wire, &found.push_group.remote_name).await
            }
            Trouble::Failed(failure @ Failure::NotFound { .. }) if !creates => {
                let (id, group, reason) =
                    (self.run.id().clone(), self.group.clone(), failure.to_string());
                let links = matches!(change.action, Action::LinkGroup { .. });
                let name = found.push_group.remote_name.clone();
                let mark = move |tx: &mut db::Tx| match links {
                    true => pushed_group::forget_unlinked_named(tx, &id, &name),
                    false => pushed_group::mark_gone(tx, &id, &group, &reason),
                };
                Ok(self.run.directory.db.write_async(SCOPE, mark).await?)
            }
            trouble => Err(trouble),
        }
    }

    /// Everything was sent. What single members were refused for is told; the rest is done.
    async fn end(&self, change: &Change, refused: Vec<Refused>) -> Result<Ended, Trouble> {
        if refused.is_empty() {
            let (ctx, task, group) = (self.run.ctx(), self.task.clone(), self.group.clone());
            let (id, made) = (self.run.id().clone(), change.clone());
            let (added, removed) = change.action.member_changes();
            let payload = json!({
                "application": self.run.application.config.name,
                "application_id": self.run.id().as_str(),
                "group": change.name,
                "action": change.action.verb(),
                "reasons": change.reasons,
                "added": added.len(),
                "removed": removed.len(),
                "requests": self.wire.exchanges,
            });
            let end = move |tx: &mut db::Tx| {
                db::event::append(tx, &ctx, SCOPE, "push_group.pushed", group.as_str(), &payload)?;
                release::spend(tx, ctx.now, &id, &made)?;
                task::complete(tx, &task)?;
                Ok::<_, Error>(Ended::Done)
            };
            return Ok(self.run.directory.db.write_async(SCOPE, end).await?);
        }
        let shown: Vec<String> = refused
            .iter()
            .take(REFUSED_SHOWN_COUNT)
            .map(|refused| format!("{}: {}", refused.what, refused.failure))
            .collect();
        let reason = match refused.len() - shown.len() {
            0 => format!("the rest is done, but {}", shown.join("; ")),
            more => format!("the rest is done, but {}; and {more} more", shown.join("; ")),
        };
        let next_step = refused.first().map_or("", |refused| refused.failure.next_step());
        let subject = ChangeSubject::Group(self.group.clone());
        bury(self.run, self.task, &subject, &reason, next_step, true).await?;
        let failure = refused.into_iter().next().map(|refused| refused.failure);
        Ok(Ended::Failed { reason, next_step: next_step.to_string(), failure })
    }
}

/// The members of a group that concern one person: what `provision` pushes for them alone.
pub(super) fn memberships_of_one(world: &World, person: &Person, as_of: Date) -> Vec<GroupId> {
    let (assigned, _) = world.assigned(person, as_of);
    if assigned.is_empty() {
        return Vec::new();
    }
    lifecycle::memberships_of(person, &world.groups, &world.rules, as_of)
        .into_iter()
        .map(|membership| membership.group.id.clone())
        .collect()
}
