//! One account: planned anew, changed as was released, written down.

use std::sync::Arc;

use db::task::{self, Task};
use lifecycle::{
    Account, AccountDecision, Action, Change, ChangeSubject, Origin, PersonId, PlanFinding,
    RemoteId, Situation,
};
use scim::Resource;
use serde_json::{Value, json};

use super::resubmit::{goes_on, nothing, resubmit};
use super::send::{Written, send};
use super::settle::{bury, settle};
use super::tally::Ended;
use super::task::Payload;
use super::wire::{Exchange, Trouble, Wire};
use super::{Run, look};
use crate::client::Failure;
use crate::directory::SCOPE;
use crate::facts::{AccountSubject, World};
use crate::{Error, account, release};

/// How often one task looks and plans again before it gives up.
const TURN_COUNT_MAX: u32 = 4;

/// One account while it is worked on.
struct Job<'r> {
    run: &'r Run,
    task: &'r Task,
    payload: &'r Payload,
    wire: Wire<'r>,
    /// Whether it was looked for what is there.
    looked: bool,
    /// The application refused to be asked: that nothing was found is no answer.
    refusal: Option<Failure>,
    /// Creating it met one that is there already.
    conflict: Option<Failure>,
}

/// A person's account as it stands, and what is done about it.
struct Found {
    world: Arc<World>,
    subject: AccountSubject,
    decision: AccountDecision,
}

impl Found {
    /// What we own of the account before anything is sent.
    fn written(&self) -> Option<&Resource> {
        let last = self.subject.account.as_ref().and_then(|account| account.last_written.as_ref());
        self.decision.settled.as_ref().or(last)
    }
}

/// Works on one account. Says how it ended and what was sent.
pub(super) async fn work(
    run: &Run,
    task: &Task,
    person: &PersonId,
    payload: &Payload,
) -> Result<(Ended, Vec<Exchange>), Error> {
    let wire = run.connection.wire();
    let mut job = Job { run, task, payload, wire, looked: false, refusal: None, conflict: None };
    let ended = match job.act(person).await {
        Ok(ended) => ended,
        Err(trouble) => {
            let subject = ChangeSubject::Account(person.clone());
            settle(run, task, &subject, (trouble, job.in_doubt())).await?
        }
    };
    Ok((ended, job.wire.exchanges))
}

impl Job<'_> {
    /// Whether something was written of which nobody knows: now, or before and not looked for since.
    fn in_doubt(&self) -> bool {
        let answered = self.looked && self.refusal.is_none();
        self.wire.in_doubt || (self.task.outcome_unknown() && !answered)
    }

    async fn act(&mut self, person: &PersonId) -> Result<Ended, Trouble> {
        for _ in 0..TURN_COUNT_MAX {
            let Some(mut found) = self.load(person)? else {
                return Ok(nothing(self.run, self.task).await?);
            };
            if self.task.outcome_unknown() && !self.looked {
                let (world, subject) = (&found.world, &found.subject);
                let doubt = look::Doubt::OutcomeUnknown;
                let looked = look::account(self.run, &mut self.wire, world, subject, doubt).await;
                self.refusal = looked?;
                self.looked = true;
                continue;
            }
            let Some(change) = found.decision.change.take() else {
                if self.adopt(&found).await? {
                    continue;
                }
                // Nobody can tell whether it was done, so it stays in doubt.
                if let Some(refusal) = &self.refusal {
                    return Err(refusal.clone().into());
                }
                return self.leave(&found).await;
            };
            if let (Some(conflict), Action::CreateAccount { .. }) = (&self.conflict, &change.action)
            {
                return Err(conflict.clone().into());
            }
            if !self.is_released(&found.world, &change) {
                return Ok(resubmit(self.run, &found.world, self.task, change).await?);
            }
            let account = (found.subject.account.as_ref(), found.written());
            match send(&mut self.wire, &found.world, account, &change.action).await {
                Ok(written) => return self.record(&found, &change, written).await,
                Err(trouble) => self.recover(&found, &change, trouble).await?,
            }
        }
        Err(Failure::Conflict { detail: "it keeps changing while it is looked at".into() }.into())
    }

    /// The account as it stands now. None: nobody knows the person.
    fn load(&self, person: &PersonId) -> Result<Option<Found>, Error> {
        let found = self.run.directory.db.read(|r| {
            let world = self.run.world(r)?;
            let subject = AccountSubject::load(r, &world, person, self.run.as_of)?;
            Ok::<_, Error>(subject.map(|subject| (world, subject)))
        })?;
        Ok(found.map(|(world, subject)| {
            let decision = world.decide(&subject, self.run.as_of);
            Found { world, subject, decision }
        }))
    }

    /// Exactly what was released; or what follows from having looked: the account that was created
    /// with an unknown outcome, or that stood in the way, is linked.
    fn is_released(&self, world: &World, change: &Change) -> bool {
        let unknown = self.task.outcome_unknown();
        change.digest == self.payload.change_digest
            || (self.looked && matches!(change.action, Action::LinkAccount { .. }))
            || (unknown && goes_on(world, change))
    }

    /// Somebody left while nobody knew whether their account had been created. If it had, it is ours,
    /// and has to be deactivated.
    async fn adopt(&self, found: &Found) -> Result<bool, Error> {
        let left = found.decision.findings.iter().find_map(|finding| match finding {
            PlanFinding::UnlinkedAccountOfLeaver { account, .. } => Some(account),
            _ => None,
        });
        // What was there before we tried is somebody else's.
        let (Some(remote_id), Some(since)) = (left, self.task.sent_at) else { return Ok(false) };
        let id = self.run.id();
        let read = &self.run.directory.db;
        if !read.read(|r| account::is_seen_since(r, id, remote_id, since))? {
            return Ok(false);
        }
        let candidates = &found.subject.candidates;
        let Some(there) = candidates.iter().find(|there| there.remote_id == *remote_id) else {
            return Ok(false);
        };
        let account = Account {
            application: self.run.id().clone(),
            person: found.subject.person.id.clone(),
            remote_id: Some(remote_id.clone()),
            origin: Origin::Created,
            situation: Situation::Linked,
            active: true,
            last_written: None,
            observed: Some(there.resource.clone()),
            observed_at: Some(self.run.ctx().now),
        };
        let (ctx, id) = (self.run.ctx(), self.run.id().clone());
        let payload = json!({
            "application": self.run.application.config.name, "application_id": id.as_str(),
            "remote_id": remote_id.as_str(),
            "reason": "it was created, though the answer never came",
        });
        let adopt = move |tx: &mut db::Tx| {
            account::put(tx, &ctx, &account)?;
            if let Some(remote_id) = &account.remote_id {
                account::forget_unlinked(tx, &id, remote_id)?;
            }
            let person = account.person.as_str();
            db::event::append(tx, &ctx, SCOPE, "account.created", person, &payload)?;
            Ok(true)
        };
        self.run.directory.db.write_async(SCOPE, adopt).await
    }

    /// There is nothing to do; or nothing can be done, if an account stands in the way.
    async fn leave(&self, found: &Found) -> Result<Ended, Trouble> {
        let Some(conflict) = &self.conflict else {
            self.note_settled(found).await?;
            return Ok(nothing(self.run, self.task).await?);
        };
        let finding = found.decision.findings.last();
        let reason = finding.map_or_else(
            || conflict.to_string(),
            |finding| format!("{conflict}. {}", finding.sentence()),
        );
        let next_step = finding.map_or(conflict.next_step(), PlanFinding::next_step);
        let subject = ChangeSubject::Account(found.subject.person.id.clone());
        bury(self.run, self.task, &subject, &reason, next_step, !self.in_doubt()).await?;
        let next_step = next_step.to_string();
        Ok(Ended::Failed { reason, next_step, failure: Some(conflict.clone()) })
    }

    /// An account that was seen to be as it should be is noted so.
    async fn note_settled(&self, found: &Found) -> Result<(), Error> {
        let Some(settled) = found.decision.settled.clone() else { return Ok(()) };
        let (ctx, id) = (self.run.ctx(), self.run.id().clone());
        let person = found.subject.person.id.clone();
        let note =
            move |tx: &mut db::Tx| account::settle(tx, &ctx, &id, &person, settled.document());
        self.run.directory.db.write_async(SCOPE, note).await
    }

    /// What can be recovered from is, so that it is planned again.
    async fn recover(
        &mut self,
        found: &Found,
        change: &Change,
        trouble: Trouble,
    ) -> Result<(), Trouble> {
        let creates = matches!(change.action, Action::CreateAccount { .. });
        match trouble {
            // It exists already: it is looked up and linked instead of failing.
            Trouble::Failed(failure @ Failure::Conflict { .. }) if creates => {
                self.conflict = Some(failure);
                self.looked = true;
                let (world, subject) = (&found.world, &found.subject);
                let doubt = look::Doubt::None;
                look::account(self.run, &mut self.wire, world, subject, doubt).await?;
                Ok(())
            }
            Trouble::Failed(Failure::NotFound { .. }) if !creates => self.lost(found, change).await,
            trouble => Err(trouble),
        }
    }

    /// The account that was to be changed is not there.
    async fn lost(&self, found: &Found, change: &Change) -> Result<(), Trouble> {
        let Action::LinkAccount { remote_id, .. } = &change.action else {
            return look::gone(self.run, &found.subject).await;
        };
        let (id, remote_id) = (self.run.id().clone(), remote_id.clone());
        let forget = move |tx: &mut db::Tx| account::forget_unlinked(tx, &id, &remote_id);
        Ok(self.run.directory.db.write_async(SCOPE, forget).await?)
    }

    /// Writes down what was acknowledged: account, event and end of the task in one transaction.
    async fn record(
        &self,
        found: &Found,
        change: &Change,
        written: Written,
    ) -> Result<Ended, Trouble> {
        let next = self.next(found, change, written);
        let differing = self.differing(found, &next);
        let (ctx, id, task) = (self.run.ctx(), self.run.id().clone(), self.task.clone());
        let payload = self.payload_of(change, &next);
        let application = self.run.application.config.name.clone();
        let (kind, made) = (kind_of(&change.action), change.clone());
        let links = matches!(change.action, Action::LinkAccount { .. });
        let creates = matches!(change.action, Action::CreateAccount { .. });
        // Somebody of whom nothing was known is a member of nothing.
        let forgets = (links || creates) && found.subject.account.is_some();
        let recorded = self.run.directory.db.write_async(SCOPE, move |tx| {
            account::put(tx, &ctx, &next)?;
            if forgets {
                account::forget_memberships(tx, &id, &next.person)?;
            }
            if let (true, Some(remote_id)) = (links, &next.remote_id) {
                account::forget_unlinked(tx, &id, remote_id)?;
            }
            let person = next.person.as_str();
            db::event::append(tx, &ctx, SCOPE, kind, person, &payload)?;
            if !differing.is_empty() {
                let payload = json!({ "application": application, "findings": differing });
                db::event::append(tx, &ctx, SCOPE, "account.differs", person, &payload)?;
            }
            release::spend(tx, ctx.now, &id, &made)?;
            task::complete(tx, &task)?;
            Ok::<_, Error>(Ended::Done)
        });
        recorded.await.map_err(|error| match error {
            Error::Db(db::Error::Unique { .. }) => {
                let detail = "the account belongs to somebody else here".to_string();
                Failure::Conflict { detail }.into()
            }
            error => error.into(),
        })
    }

    /// The account after what was acknowledged.
    fn next(&self, found: &Found, change: &Change, written: Written) -> Account {
        let before = found.subject.account.as_ref();
        let last_written = change.action.written(found.written());
        let active = last_written.as_ref().is_none_or(|resource| {
            resource.document().get("active").and_then(Value::as_bool).unwrap_or(true)
        });
        let origin = match &change.action {
            Action::CreateAccount { .. } => Origin::Created,
            // It is there as we would have created it, after we tried: we did.
            Action::LinkAccount { changes, .. }
                if self.task.outcome_unknown() && changes.is_empty() =>
            {
                Origin::Created
            }
            Action::LinkAccount { .. } => Origin::Linked,
            _ => before.map_or(Origin::Linked, |account| account.origin),
        };
        let observed = written.observed.or_else(|| match &change.action {
            // Linked as it was seen, and nothing was sent.
            Action::LinkAccount { remote_id, changes, .. } if changes.is_empty() => found
                .subject
                .candidates
                .iter()
                .find(|candidate| candidate.remote_id == *remote_id)
                .map(|candidate| candidate.resource.clone()),
            _ => None,
        });
        Account {
            application: self.run.id().clone(),
            person: found.subject.person.id.clone(),
            remote_id: Some(written.remote_id),
            origin,
            situation: Situation::Linked,
            active,
            last_written,
            observed_at: Some(self.run.ctx().now),
            observed,
        }
    }

    /// In what the account differs from what was acknowledged: told, never sent in a circle.
    fn differing(&self, found: &Found, next: &Account) -> Vec<String> {
        if next.observed.is_none() {
            return Vec::new();
        }
        let subject = AccountSubject {
            person: found.subject.person.clone(),
            account: Some(next.clone()),
            candidates: Vec::new(),
        };
        let decision = found.world.decide(&subject, self.run.as_of);
        let told = decision.findings.iter().filter(|finding| {
            matches!(
                finding,
                PlanFinding::Drifted { .. }
                    | PlanFinding::ReactivatedThere { .. }
                    | PlanFinding::DeactivatedThere { .. }
            )
        });
        told.map(PlanFinding::sentence).collect()
    }

    fn payload_of(&self, change: &Change, next: &Account) -> Value {
        let changes = match &change.action {
            Action::LinkAccount { changes, .. }
            | Action::UpdateAccount { changes }
            | Action::ReactivateAccount { changes } => json!(changes),
            _ => Value::Null,
        };
        json!({
            "application": self.run.application.config.name,
            "application_id": self.run.id().as_str(),
            "remote_id": next.remote_id.as_ref().map(RemoteId::as_str),
            "action": change.action.verb(),
            "reasons": change.reasons,
            "changes": changes,
            "requests": self.wire.exchanges,
        })
    }
}

fn kind_of(action: &Action) -> &'static str {
    match action {
        Action::CreateAccount { .. } => "account.created",
        Action::LinkAccount { .. } => "account.linked",
        Action::DeactivateAccount => "account.deactivated",
        Action::ReactivateAccount { .. } => "account.reactivated",
        _ => "account.updated",
    }
}
