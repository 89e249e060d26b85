//! The background of licensing: users marked stale are settled, pools with room are filled, effects
//! are run; tenant by tenant, batch by batch, each batch in a transaction of its own.

use db::{Ctx, Task, task};
use serde::Serialize;

use crate::error::Chain;
use crate::limits::{
    EFFECT_BATCH_MAX, EFFECT_LEASE_SECS, ENDING_BATCH_MAX, ROUND_BATCH_COUNT_MAX,
    ROUND_TENANT_COUNT_MAX, WORK_OFF_ROUNDS_MAX,
};
use crate::provider::ServiceProvider;
use crate::stale::Work;
use crate::{Result, TenantId, effect, license, licensing, stale};

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WorkedOff {
    /// Batches of stale users that were settled, and of pools that were filled.
    pub settlements: u64,
    /// Effects that were run, in vain or not.
    pub effects: u64,
}

impl ServiceProvider {
    /// Does what the background would do, until nothing is left that can be done now. For a command
    /// that changes something where no server runs, and for tests.
    pub fn work_off(&self) -> Result<WorkedOff> {
        let mut sum = WorkedOff::default();
        for _ in 0..WORK_OFF_ROUNDS_MAX {
            let round = self.licensing_round()?;
            if round == WorkedOff::default() {
                break;
            }
            sum.settlements += round.settlements;
            sum.effects += round.effects;
        }
        Ok(sum)
    }

    /// One round of the background. Effects come first: a leaver must be out.
    pub(crate) fn licensing_round(&self) -> Result<WorkedOff> {
        let mut done = WorkedOff::default();
        // What goes wrong with one tenant is told at the end, and keeps no other from its turn.
        let mut first_error = None;
        for work in [Work::Effects, Work::Stale, Work::Pools] {
            for tenant in self.tenants_with(work)? {
                let outcome = match work {
                    Work::Effects => self.effects_of(&tenant).map(|n| done.effects += n),
                    Work::Stale | Work::Pools => {
                        self.settlements_of(&tenant, work).map(|n| done.settlements += n)
                    }
                };
                if let Err(error) = outcome {
                    tracing::warn!(error = %Chain(&error), %tenant, "background work failed");
                    first_error.get_or_insert(error);
                }
            }
        }
        let rest = self.end_direct_grants().and_then(|ended| Ok(ended + self.reclaim_round()?));
        match rest {
            Ok(count) => done.settlements += count,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "background work failed");
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(done), Err)
    }

    /// Ends the direct grants whose last day is over.
    fn end_direct_grants(&self) -> Result<u64> {
        let now = self.clock().now();
        let ended = self.db().read(|r| license::ended(r, now, ENDING_BATCH_MAX))?;
        let mut count = 0;
        for (tenant, user) in ended {
            let ctx = self.background_ctx("a direct grant ended");
            self.db()
                .write(tenant.turn(), move |tx| license::end_directly(tx, &ctx, &tenant, &user))?;
            count += 1;
        }
        Ok(count)
    }

    fn tenants_with(&self, work: Work) -> Result<Vec<TenantId>> {
        self.db().read(|r| stale::tenants(r, work, ROUND_TENANT_COUNT_MAX))
    }

    fn settlements_of(&self, tenant: &TenantId, work: Work) -> Result<u64> {
        let mut count = 0;
        for _ in 0..ROUND_BATCH_COUNT_MAX {
            let (ctx, tenant) = (self.background_ctx("a pool has room"), tenant.clone());
            let more = self.db().write(tenant.turn(), move |tx| match work {
                Work::Stale => licensing::settle_stale(tx, &ctx, &tenant),
                _ => licensing::fill_pools(tx, &ctx, &tenant),
            })?;
            if !more {
                break;
            }
            count += 1;
        }
        Ok(count)
    }

    fn effects_of(&self, tenant: &TenantId) -> Result<u64> {
        let mut count = 0;
        for _ in 0..ROUND_BATCH_COUNT_MAX {
            let tasks = self.lease_effects(tenant)?;
            if tasks.is_empty() {
                break;
            }
            count += u64::try_from(tasks.len()).unwrap_or(u64::MAX);
            // All of them in one transaction; if one of them fails, each in its own.
            if let Err(error) = self.run_effects(tenant, &tasks) {
                tracing::warn!(error = %Chain(&error), %tenant, "a batch of effects failed");
                for task in &tasks {
                    self.run_or_note(tenant, task)?;
                }
            }
        }
        Ok(count)
    }

    /// The next effects; with none left at all, the tenant's work is closed in the same moment.
    fn lease_effects(&self, tenant: &TenantId) -> Result<Vec<Task>> {
        let (ctx, tenant) = (self.background_ctx("effects"), tenant.clone());
        let holder = format!("{}-{}", ctx.actor, std::process::id());
        self.db().write(tenant.turn(), move |tx| {
            let scope = tenant.as_str();
            let tasks = task::lease(
                tx,
                scope,
                effect::QUEUE,
                &holder,
                ctx.now,
                EFFECT_LEASE_SECS,
                EFFECT_BATCH_MAX,
            )?;
            if tasks.is_empty() {
                // What is left waits for its time: the tenants behind have their turn before it.
                match task::counts(tx, scope, effect::QUEUE)?.open() {
                    0 => stale::close(tx, &tenant, Work::Effects)?,
                    _ => stale::postpone(tx, &ctx, &tenant, Work::Effects)?,
                }
            }
            Ok(tasks)
        })
    }

    fn run_effects(&self, tenant: &TenantId, tasks: &[Task]) -> Result<()> {
        let (ctx, tenant, tasks) = (self.background_ctx("effects"), tenant.clone(), tasks.to_vec());
        self.db().write(tenant.turn(), move |tx| {
            for task in &tasks {
                effect::run(tx, &ctx, &tenant, task)?;
            }
            Ok(())
        })
    }

    fn run_or_note(&self, tenant: &TenantId, task: &Task) -> Result<()> {
        let Err(error) = self.run_effects(tenant, std::slice::from_ref(task)) else {
            return Ok(());
        };
        let why = Chain(&error).to_string();
        tracing::error!(error = why, %tenant, subject = task.subject, "an effect failed");
        let (ctx, tenant, task) = (self.background_ctx("effects"), tenant.clone(), task.clone());
        self.db().write(tenant.turn(), move |tx| effect::not_run(tx, &ctx, &tenant, &task, &why))
    }

    fn background_ctx(&self, cause: &str) -> Ctx {
        self.ctx("background", cause)
    }
}
