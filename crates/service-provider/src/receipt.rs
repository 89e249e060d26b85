//! Receipts: the record of an offboarding, step by step, with what each effect did.
//!
//! A receipt is opened in the transaction that deactivates or deletes, with one step for every
//! effect, also for those whose policy is off. It closes when no step is left to do, and ends when
//! the user is reactivated, deactivated again or deleted; steps not done by then are skipped.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::{Effect, EffectPlan, Outcome, Restoration, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::RECEIPT_LIST_MAX;
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account, stored};

const FORMAT_VERSION: u32 = 1;

/// The record of one offboarding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Its id.
    pub id: String,
    /// The user.
    pub user: UserId,
    /// The login the user had.
    pub user_name: String,
    /// What happened to the account.
    pub kind: ReceiptKind,
    /// When.
    pub opened_at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Because of what.
    pub cause: String,
    /// When the last step was done; none while there is something left to do.
    pub closed_at: Option<Timestamp>,
    /// When it ended, because the user came back or went for good.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub ended_because: Option<String>,
    /// What the reactivation brought back and what it did not.
    pub restoration: Option<Restoration>,
    /// The steps, most urgent first.
    pub steps: Vec<ReceiptStep>,
}

/// One effect on a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptStep {
    /// The effect.
    pub effect: Effect,
    /// How far it is.
    pub state: StepState,
    /// What it did.
    pub outcome: Option<Outcome>,
    /// What it did, or why not, in one line.
    pub sentence: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When its state changed last.
    pub changed_at: Timestamp,
}

/// What a receipt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptKind {
    /// The account was deactivated.
    Deactivation,
    /// The account was deleted.
    Deletion,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It waits for the background.
    Pending,
    /// It is done.
    Done,
    /// Its policy is switched off.
    SwitchedOff,
    /// The receipt ended before it was done.
    Skipped,
    /// It was given up after many attempts.
    Failed,
}

impl ReceiptKind {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deactivation => "deactivation",
            Self::Deletion => "deletion",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Deactivation, Self::Deletion].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl StepState {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::SwitchedOff => "switched-off",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Done, Self::SwitchedOff, Self::Skipped, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

impl ServiceProvider {
    /// The receipts of a user, named by id, login or address, the newest first; of one who is
    /// deleted by id or login.
    pub fn receipts(&self, tenant: &TenantId, user: &str) -> Result<Vec<Receipt>, Error> {
        self.db().read(|r| receipts(r, tenant, user))
    }
}

/// The receipts of a user, also of one who is deleted; a refusal if there never was one.
pub(crate) fn receipts(r: &mut Read, tenant: &TenantId, user: &str) -> Result<Vec<Receipt>, Error> {
    let gone = match account::find(r, tenant, user) {
        Ok(account) => return receipts_of_user(r, tenant, &account.id),
        Err(error) => error,
    };
    let mut receipts = receipts_of_user(r, tenant, &UserId(user.to_owned()))?;
    if receipts.is_empty() {
        receipts = receipts_where(r, tenant, "user_name", user)?;
    }
    if receipts.is_empty() { Err(gone) } else { Ok(receipts) }
}

/// The receipts of a user, the newest first; also of one who is deleted.
pub(crate) fn receipts_of_user(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<Receipt>, Error> {
    receipts_where(r, tenant, "user_id", &user.0)
}

/// Opens a receipt with a step for every effect; says its id.
pub(crate) fn open(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    kind: ReceiptKind,
    plan: &EffectPlan,
) -> Result<String, Error> {
    let id = db::new_id();
    let user_name = account::user_name(tx, tenant, user)?;
    let closed_at = plan.run.is_empty().then_some(ctx.now);
    tx.execute(
        "INSERT INTO receipts (tenant, id, user_id, user_name, kind, opened_at, actor, cause,
             closed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            tenant.as_str(),
            &id,
            &user.0,
            user_name,
            kind.as_str(),
            ctx.now,
            &ctx.actor,
            &ctx.cause,
            closed_at,
        ],
    )?;
    let payload = json!({"user": user.0, "kind": kind.as_str(), "effects": plan.run});
    db::event::append(tx, ctx, tenant.as_str(), "receipt.opened", &id, &payload)?;
    let run = plan.run.iter().map(|effect| (effect, StepState::Pending));
    let off = plan.switched_off.iter().map(|effect| (effect, StepState::SwitchedOff));
    for (place, (effect, state)) in run.chain(off).enumerate() {
        tx.execute(
            "INSERT INTO receipt_steps (tenant, receipt_id, place, effect, state, format_version,
                 attempts, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
            params![
                tenant.as_str(),
                &id,
                place,
                effect.as_str(),
                state.as_str(),
                FORMAT_VERSION,
                ctx.now,
            ],
        )?;
    }
    Ok(id)
}

/// Ends the receipts of a user that have not ended: what is not done by now is skipped.
pub(crate) fn end_open(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    because: &str,
    restoration: Option<&Restoration>,
) -> Result<(), Error> {
    let ids = tx.query(
        "SELECT id FROM receipts WHERE tenant = $1 AND user_id = $2 AND ended_at IS NULL",
        params![tenant.as_str(), &user.0],
        |row| row.text(0),
    )?;
    let restoration = restoration.map(stored::to_json).transpose()?;
    for id in ids {
        tx.execute(
            "UPDATE receipt_steps SET state = 'skipped', note = $1, changed_at = $2
             WHERE tenant = $3 AND receipt_id = $4 AND state = 'pending'",
            params![because, ctx.now, tenant.as_str(), &id],
        )?;
        tx.execute(
            "UPDATE receipts SET ended_at = $1, ended_because = $2, restoration = $3,
                 closed_at = COALESCE(closed_at, $1)
             WHERE tenant = $4 AND id = $5",
            params![ctx.now, because, restoration.clone(), tenant.as_str(), &id],
        )?;
    }
    Ok(())
}

/// What the deactivation of a user did that has not ended; none: there is no such receipt.
pub(crate) fn outcomes_of_last(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Option<Vec<Outcome>>, Error> {
    let receipts = receipts_of_user(r, tenant, user)?;
    let last = receipts
        .into_iter()
        .find(|receipt| receipt.kind == ReceiptKind::Deactivation && receipt.ended_at.is_none());
    Ok(last.map(|receipt| receipt.steps.into_iter().filter_map(|step| step.outcome).collect()))
}

/// When a receipt was opened, if the step of `effect` is still to be done.
pub(crate) fn pending_since(
    r: &mut Read,
    tenant: &TenantId,
    receipt_id: &str,
    effect: Effect,
) -> Result<Option<Timestamp>, Error> {
    let opened_at = r.query_opt(
        "SELECT r.opened_at FROM receipts r
         JOIN receipt_steps s ON s.tenant = r.tenant AND s.receipt_id = r.id
         WHERE r.tenant = $1 AND r.id = $2 AND s.effect = $3 AND s.state = 'pending'",
        params![tenant.as_str(), receipt_id, effect.as_str()],
        |row| row.timestamp(0),
    )?;
    Ok(opened_at)
}

/// Writes what an effect did, and closes the receipt if that was the last.
pub(crate) fn done(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    receipt_id: &str,
    outcome: &Outcome,
) -> Result<(), Error> {
    let effect = outcome.effect();
    let outcome = Some(stored::to_json(outcome)?);
    finish(
        tx,
        ctx,
        tenant,
        receipt_id,
        effect,
        Finish { state: StepState::Done, outcome, note: None },
    )
}

/// Writes that an effect was given up, and closes the receipt if that was the last.
pub(crate) fn failed(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    receipt_id: &str,
    effect: Effect,
    why: &str,
) -> Result<(), Error> {
    let note = Some(why.to_owned());
    finish(
        tx,
        ctx,
        tenant,
        receipt_id,
        effect,
        Finish { state: StepState::Failed, outcome: None, note },
    )
}

/// Writes that an effect was tried in vain and will be tried again.
pub(crate) fn tried(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    receipt_id: &str,
    effect: Effect,
    why: &str,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE receipt_steps SET note = $1, attempts = attempts + 1, changed_at = $2
         WHERE tenant = $3 AND receipt_id = $4 AND effect = $5 AND state = 'pending'",
        params![why, ctx.now, tenant.as_str(), receipt_id, effect.as_str()],
    )?;
    Ok(())
}

struct Finish {
    state: StepState,
    outcome: Option<String>,
    note: Option<String>,
}

fn finish(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    receipt_id: &str,
    effect: Effect,
    finish: Finish,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE receipt_steps SET state = $1, outcome = $2, note = $3, attempts = attempts + 1,
             changed_at = $4
         WHERE tenant = $5 AND receipt_id = $6 AND effect = $7 AND state = 'pending'",
        params![
            finish.state.as_str(),
            finish.outcome,
            finish.note,
            ctx.now,
            tenant.as_str(),
            receipt_id,
            effect.as_str(),
        ],
    )?;
    let closed = tx.query_opt(
        "UPDATE receipts SET closed_at = $1
         WHERE tenant = $2 AND id = $3 AND closed_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM receipt_steps
             WHERE tenant = $2 AND receipt_id = $3 AND state = 'pending')
         RETURNING user_id",
        params![ctx.now, tenant.as_str(), receipt_id],
        |row| row.text(0),
    )?;
    if let Some(user) = closed {
        let payload = json!({"user": user});
        db::event::append(tx, ctx, tenant.as_str(), "receipt.closed", receipt_id, &payload)?;
    }
    Ok(())
}

fn receipts_where(
    r: &mut Read,
    tenant: &TenantId,
    column: &str,
    value: &str,
) -> Result<Vec<Receipt>, Error> {
    let sql = format!(
        "SELECT id, user_id, user_name, kind, opened_at, actor, cause, closed_at, ended_at,
             ended_because, restoration
         FROM receipts WHERE tenant = $1 AND {column} = $2 ORDER BY id DESC LIMIT $3"
    );
    let params = params![tenant.as_str(), value, RECEIPT_LIST_MAX];
    let mut receipts = r.query(&sql, params, read_receipt)?;
    for receipt in &mut receipts {
        receipt.steps = r.query(
            "SELECT effect, state, outcome, note, attempts, changed_at FROM receipt_steps
             WHERE tenant = $1 AND receipt_id = $2 ORDER BY place",
            params![tenant.as_str(), &receipt.id],
            read_step,
        )?;
    }
    Ok(receipts)
}

fn read_receipt(row: &Row) -> Result<Receipt, db::Error> {
    let restoration = row.opt_text(10)?;
    Ok(Receipt {
        id: row.text(0)?,
        user: UserId(row.text(1)?),
        user_name: row.text(2)?,
        kind: stored::word("A receipt's kind", row.text_ref(3)?, ReceiptKind::from_name)?,
        opened_at: row.timestamp(4)?,
        actor: row.text(5)?,
        cause: row.text(6)?,
        closed_at: row.opt_timestamp(7)?,
        ended_at: row.opt_timestamp(8)?,
        ended_because: row.opt_text(9)?,
        restoration: restoration.map(|json| stored::json("A restoration", &json)).transpose()?,
        steps: Vec::new(),
    })
}

fn read_step(row: &Row) -> Result<ReceiptStep, db::Error> {
    let effect = stored::word("An effect", row.text_ref(0)?, Effect::from_name)?;
    let state = stored::word("A step's state", row.text_ref(1)?, StepState::from_name)?;
    let outcome: Option<Outcome> =
        row.opt_text(2)?.map(|json| stored::json("An outcome", &json)).transpose()?;
    let note = row.opt_text(3)?;
    Ok(ReceiptStep {
        effect,
        state,
        sentence: sentence(state, outcome.as_ref(), note.as_deref()),
        outcome,
        attempts: u32::try_from(row.int(4)?).unwrap_or(u32::MAX),
        changed_at: row.timestamp(5)?,
    })
}

fn sentence(state: StepState, outcome: Option<&Outcome>, note: Option<&str>) -> String {
    match (state, outcome) {
        (StepState::Done, Some(outcome)) => outcome.sentence(),
        (StepState::Done, None) => "done".to_owned(),
        (StepState::Pending, _) => match note {
            None => "to be done".to_owned(),
            Some(note) => format!("to be tried again: {note}"),
        },
        (StepState::SwitchedOff, _) => "not done: the tenant's policy is off".to_owned(),
        (StepState::Skipped, _) => format!("not done: {}", note.unwrap_or("the receipt ended")),
        (StepState::Failed, _) => format!("failed: {}", note.unwrap_or("no reason was kept")),
    }
}
