//! The background: whatever has changed wakes the same plan and apply that a person starts.

use std::collections::HashMap;
use std::time::Duration;

use db::{Ctx, generation, task};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lifecycle::ApplicationId;

use crate::application::StoredApplication;
use crate::apply::{ApplyOptions, ApplyOutcome};
use crate::directory::SCOPE;
use crate::observe::Progress;
use crate::worker::queue;
use crate::{Directory, Error, limits};

/// Who the background is in events.
const ACTOR: &str = "background";

/// What a plan follows from, apart from the application itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand {
    generations: [i64; 4],
    today: Date,
}

/// What the background knows of an application.
#[derive(Default)]
struct Known {
    /// What it was planned from last.
    planned: Option<Stand>,
    /// When it is looked at again.
    rests_until: Option<Timestamp>,
}

impl Directory {
    /// Applies the plans of applications that are kept up to date by themselves, whenever people,
    /// groups, rules or applications change, a day begins, or a task's time has come. Ends when
    /// `shutdown` does; what is under way then is finished by the next start.
    ///
    /// # Errors
    /// The database failed.
    pub async fn run_background(&self, shutdown: impl Future) -> Result<(), Error> {
        tokio::pin!(shutdown);
        let mut known: HashMap<ApplicationId, Known> = HashMap::new();
        loop {
            tokio::select! {
                _ = &mut shutdown => return Ok(()),
                result = self.look_around(&mut known) => result?,
            }
            tokio::select! {
                _ = &mut shutdown => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(limits::BACKGROUND_POLL_MILLIS)) => {}
            }
        }
    }

    async fn look_around(&self, known: &mut HashMap<ApplicationId, Known>) -> Result<(), Error> {
        self.seal_log()?;
        let stand = self.stand()?;
        for application in self.applications()? {
            if !application.config.auto {
                continue;
            }
            let known = known.entry(application.id.clone()).or_default();
            let now = self.clock.now();
            if known.rests_until.is_some_and(|until| until > now) {
                continue;
            }
            if known.planned == Some(stand) && !self.has_ready_tasks(&application.id)? {
                continue;
            }
            let rests = self.keep_up(&application, stand).await;
            known.planned = Some(stand);
            known.rests_until = rests.then(|| {
                let rest = SignedDuration::from_secs(limits::BACKGROUND_REST_SECS);
                self.clock.now().checked_add(rest).unwrap_or(Timestamp::MAX)
            });
            if rests {
                // Whatever stopped it, it is planned again after the rest.
                known.planned = None;
            }
        }
        Ok(())
    }

    /// Plans and applies. Says whether the application is left alone for a while.
    async fn keep_up(&self, application: &StoredApplication, stand: Stand) -> bool {
        let name = &application.config.name;
        let ctx: Ctx = self.ctx(ACTOR, "facts or the day have changed");
        let options = ApplyOptions { as_of: stand.today, approve: None };
        match self.apply_to(&ctx, name, &options, &|_: Progress| {}).await {
            Ok(report) => {
                if report.planned > 0 {
                    tracing::info!(
                        application = %name, planned = report.planned, done = report.done,
                        failed = report.failed_count, waiting = report.waiting, "applied"
                    );
                }
                matches!(report.outcome, ApplyOutcome::Stopped { .. })
            }
            Err(error) => {
                tracing::warn!(application = %name, %error, "not applied");
                true
            }
        }
    }

    fn stand(&self) -> Result<Stand, Error> {
        let generations = self.db.read(|r| {
            let mut at = |name| generation::generation(r, SCOPE, name);
            Ok::<_, Error>([at("people")?, at("groups")?, at("rules")?, at("applications")?])
        })?;
        let today = self.today();
        Ok(Stand { generations, today })
    }

    fn has_ready_tasks(&self, id: &ApplicationId) -> Result<bool, Error> {
        let (queue, now) = (queue(id), self.clock.now());
        Ok(self.db.read(|r| {
            if task::counts(r, SCOPE, &queue)?.ready > 0 {
                return Ok::<_, db::Error>(true);
            }
            let waiting = task::list(r, SCOPE, &queue, task::TaskState::Waiting, LOOKED_AT_COUNT)?;
            Ok(waiting.iter().any(|task| task.due_at.is_some_and(|due| due <= now)))
        })?)
    }
}

/// Waiting tasks that are looked at for one whose time has come.
const LOOKED_AT_COUNT: u32 = 1_000;
