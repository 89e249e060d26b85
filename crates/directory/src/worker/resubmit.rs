//! Resubmitting: what is to be done about a subject has changed since it was released, so nothing is
//! sent, and the new change goes through the guard by itself.

use std::sync::Arc;

use db::task::{self, Task};
use lifecycle::{Change, GuardVerdict};
use serde_json::json;

use super::Run;
use super::tally::Ended;
use super::task::{about, enqueue, read};
use crate::Error;
use crate::directory::SCOPE;
use crate::facts::World;
use crate::release::{Releases, population};

/// Ends a task whose change is not the one that was released. The new one is enqueued, if the guard
/// lets it pass.
pub(super) async fn resubmit(
    run: &Run,
    world: &Arc<World>,
    task: &Task,
    change: Change,
) -> Result<Ended, Error> {
    let (ctx, id, as_of) = (run.ctx(), run.id().clone(), run.as_of);
    let (world, task) = (world.clone(), task.clone());
    let name = run.application.config.name.clone();
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            let releases = Releases::load(tx, &id, ctx.now)?;
            let population = population(tx, &world)?;
            let changes = std::slice::from_ref(&change);
            let verdict = releases.verdict(changes, &population, &world.policy);
            let payload = json!({
                "application": name, "application_id": id.as_str(),
                "action": change.action.verb(), "reasons": change.reasons, "verdict": verdict,
            });
            let (kind, ended) = match &verdict {
                GuardVerdict::Released => {
                    releases.record(tx, ctx.now, &id, changes, &population)?;
                    let plan = read(&task).map(|(_, payload)| payload.plan_digest);
                    enqueue(tx, &ctx, &id, &change, (as_of, &plan.unwrap_or_default()))?;
                    ("change.superseded", Ended::Superseded)
                }
                GuardVerdict::Held { holds } => {
                    let holds: Vec<String> = holds.iter().map(ToString::to_string).collect();
                    let failed = Ended::Failed {
                        reason: format!(
                            "what is to be done has changed and needs approval: {}",
                            holds.join(" ")
                        ),
                        next_step: format!("Look at `muster plan {name}`, then approve it."),
                        failure: None,
                    };
                    ("change.held", failed)
                }
            };
            task::complete(tx, &task)?;
            db::event::append(tx, &ctx, SCOPE, kind, about(&change.subject), &payload)?;
            Ok(ended)
        })
        .await
}

/// Ends a task about which there is nothing to do.
pub(super) async fn nothing(run: &Run, task: &Task) -> Result<Ended, Error> {
    let task = task.clone();
    run.directory
        .db
        .write_async(SCOPE, move |tx| {
            task::complete(tx, &task)?;
            Ok(Ended::Nothing)
        })
        .await
}

/// Whether a change may be made although it is not the one that was released: it goes on with
/// something whose outcome was unknown, and takes nothing away from anybody.
pub(super) fn goes_on(world: &World, change: &Change) -> bool {
    let population = lifecycle::Population::of(&world.groups, &[], &[]);
    lifecycle::Toll::of([change], &population) == lifecycle::Toll::default()
}
