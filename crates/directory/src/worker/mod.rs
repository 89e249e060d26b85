//! Working off what was released: tasks become requests, answers become facts.
//!
//! The cast: a [`Run`] holds what everybody needs; the `crew` hands tasks out, one lane after the
//! other, and decides when nothing more is sent; `account` and `group` work on one subject each:
//! they plan it anew, send what was released and nothing else (`send`, `members`), and write down
//! what came of it; `settle` says how a task that met trouble ends. The order of events for a task:
//! leased and marked as sent in one transaction, planned anew, sent, and then account, event and end
//! of the task in one transaction. Whoever finds the mark looks before sending again.

mod account;
mod crew;
mod fallback;
mod group;
mod look;
mod members;
mod one;
mod rate;
mod resubmit;
mod send;
mod settle;
mod step;
mod streak;
mod tally;
mod task;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use db::{Ctx, Read, Tx, lease, new_id};
use jiff::civil::Date;
use lifecycle::{ApplicationId, ApplicationProfile};

use crate::application::StoredApplication;
use crate::directory::SCOPE;
use crate::facts::{Generation, World};
use crate::{Directory, Error, limits};

pub(crate) use crew::{Outcome, work};
pub use step::{Provisioned, Step, StepStatus};
pub(crate) use streak::Stopped;
pub use tally::Failed;
pub(crate) use tally::Tally;
pub(crate) use task::{enqueue, queue};
pub use wire::Exchange;
pub(crate) use wire::{Connection, Trouble, Wire};

/// One run over the queue of an application.
pub(crate) struct Run {
    /// The directory.
    pub directory: Directory,
    /// The application.
    pub application: StoredApplication,
    /// What it can do and bear.
    pub profile: ApplicationProfile,
    /// The connection to it.
    pub connection: Connection,
    /// The day that is decided for.
    pub as_of: Date,
    /// Who holds the application and its tasks.
    pub holder: String,
    actor: String,
    cause: String,
    world: Mutex<Option<Arc<World>>>,
}

impl Run {
    /// A run for whoever `ctx` names.
    pub fn new(
        directory: &Directory,
        ctx: &Ctx,
        application: &StoredApplication,
        connection: Connection,
        as_of: Date,
    ) -> Result<Self, Error> {
        Ok(Self {
            directory: directory.clone(),
            application: application.clone(),
            profile: application.config.application_profile()?,
            connection,
            as_of,
            holder: format!("{} (process {}, {})", ctx.actor, std::process::id(), new_id()),
            actor: ctx.actor.clone(),
            cause: ctx.cause.clone(),
            world: Mutex::new(None),
        })
    }

    /// The application's id.
    pub fn id(&self) -> &ApplicationId {
        &self.application.id
    }

    /// Who does what is done now, why, and when.
    pub fn ctx(&self) -> Ctx {
        self.directory.ctx(&self.actor, &self.cause)
    }

    /// What concerns everybody, loaded again if it has changed.
    pub fn world(&self, r: &mut Read) -> Result<Arc<World>, Error> {
        let generation = Generation::now(r)?;
        let mut kept = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = kept.as_ref().filter(|world| world.generation == generation) {
            return Ok(world.clone());
        }
        let world = Arc::new(World::load(r, &self.application.id)?);
        *kept = Some(world.clone());
        Ok(world)
    }

    /// Takes or renews the lease of the application; false: another holds it.
    pub fn hold(&self, tx: &mut Tx) -> Result<bool, Error> {
        let name = task::queue(&self.application.id);
        let now = self.directory.clock.now();
        Ok(lease::acquire(tx, SCOPE, &name, &self.holder, now, limits::LEASE_SECS)?)
    }

    /// Takes the application; false: another holds it.
    pub async fn take(self: &Arc<Self>) -> Result<bool, Error> {
        let run = self.clone();
        self.directory.db.write_async(SCOPE, move |tx| run.hold(tx)).await
    }

    /// Gives the application back.
    pub async fn give_back(self: &Arc<Self>) -> Result<(), Error> {
        let run = self.clone();
        self.directory
            .db
            .write_async(SCOPE, move |tx| {
                let name = task::queue(&run.application.id);
                lease::release(tx, SCOPE, &name, &run.holder)?;
                Ok(())
            })
            .await
    }
}
