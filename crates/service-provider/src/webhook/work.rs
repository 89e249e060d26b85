//! Who is delivered to, and when: looks for webhooks with work, and begins rounds of them, so many at
//! the same time and so many of one tenant. A receiver that takes its time keeps a place of its tenant
//! and nothing else.

use std::collections::{BTreeMap, VecDeque};

use db::{Read, lease};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::round::{Key, Round, lease_name};
use super::{Webhook, delivery, row};
use crate::error::Chain;
use crate::limits::{
    DELIVERY_LOOK_INTERVAL, DELIVERY_LOOK_INTERVAL_MIN, DELIVERY_QUEUE_MAX, WEBHOOK_PAGE_COUNT,
    WEBHOOKS_AT_ONCE_MAX, WEBHOOKS_AT_ONCE_OF_TENANT_MAX, WORK_OFF_ROUNDS_MAX,
};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// What delivering came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Deliveries {
    /// Messages that arrived.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
}

/// The rounds that are under way on this node, and the webhooks whose turn comes.
#[derive(Default)]
struct Crew {
    ready: VecDeque<Key>,
    under_way: BTreeMap<Key, String>,
    rounds: JoinSet<Result<Round>>,
    keys: BTreeMap<Id, Key>,
}

impl ServiceProvider {
    /// Seals events and delivers what is due, until nothing is. For a command where no server runs, and
    /// for tests.
    pub async fn work_off_events(&self) -> Result<Deliveries> {
        let (mut crew, mut sum) = (Crew::default(), Deliveries::default());
        for _ in 0..WORK_OFF_ROUNDS_MAX {
            self.look(&mut crew).await?;
            let mut did_something = false;
            crew.begin(self);
            while let Some((_, round)) = crew.next().await {
                did_something |= round.did_something();
                sum.delivered += round.delivered;
                sum.failed += round.failed;
                crew.begin(self);
            }
            if !did_something {
                break;
            }
        }
        Ok(sum)
    }

    /// Delivers what is due until it is told to stop. What is under way then is sent again by whoever
    /// takes over, and at once.
    pub(crate) async fn deliver_until(self, mut stop: watch::Receiver<bool>) {
        let mut crew = Crew::default();
        let mut sealed = self.feed_state().subscribe();
        let (mut looked_at, mut look_at) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                // It is told, or whoever would tell it is gone.
                _ = stop.changed() => break,
                () = tokio::time::sleep_until(look_at) => {
                    if let Err(error) = self.look(&mut crew).await {
                        tracing::error!(error = %Chain(&error), "looking for deliveries failed");
                    }
                    looked_at = Instant::now();
                    look_at = looked_at + DELIVERY_LOOK_INTERVAL;
                }
                _ = sealed.changed() => look_at = look_at.min(looked_at + DELIVERY_LOOK_INTERVAL_MIN),
                Some((key, round)) = crew.next() => {
                    if round.did_something() {
                        crew.ready.push_back(key);
                    }
                }
            }
            crew.begin(&self);
        }
        self.give_back(crew).await;
    }

    /// Finds the webhooks with something to take or to send.
    async fn look(&self, crew: &mut Crew) -> Result<()> {
        let provider = self.clone();
        let found = blocking(move || {
            provider.seal_events()?;
            let now = provider.clock().now();
            let (mut found, mut from) = (Vec::new(), None);
            loop {
                let page = provider.db().read(|r| with_work(r, now, from.as_ref()))?;
                found.extend(page.found);
                match page.next {
                    Some(next) => from = Some(next),
                    None => return Ok(found),
                }
            }
        });
        for key in found.await? {
            if !crew.under_way.contains_key(&key) && !crew.ready.contains(&key) {
                crew.ready.push_back(key);
            }
        }
        Ok(())
    }

    /// Stops what is under way, and gives its leases back, so that whoever comes next need not wait for
    /// their ends.
    async fn give_back(&self, mut crew: Crew) {
        crew.rounds.shutdown().await;
        let provider = self.clone();
        let given = blocking(move || {
            for ((tenant, webhook), holder) in crew.under_way {
                let turn = tenant.turn();
                provider.db().write(turn, move |tx| {
                    let name = lease_name(&webhook);
                    Ok::<_, Error>(lease::release(tx, tenant.as_str(), &name, &holder)?)
                })?;
            }
            Ok(())
        });
        if let Err(error) = given.await {
            tracing::warn!(error = %Chain(&error), "the leases of webhooks run out by themselves");
        }
    }
}

impl Crew {
    /// Begins the rounds there is room for, in the order of their turns.
    fn begin(&mut self, provider: &ServiceProvider) {
        let mut passed_over = VecDeque::new();
        while self.under_way.len() < WEBHOOKS_AT_ONCE_MAX
            && let Some(key) = self.ready.pop_front()
        {
            if self.under_way.contains_key(&key) {
                continue;
            }
            let of_tenant = self.under_way.keys().filter(|(tenant, _)| *tenant == key.0).count();
            if of_tenant >= WEBHOOKS_AT_ONCE_OF_TENANT_MAX {
                passed_over.push_back(key);
                continue;
            }
            let (provider, holder) = (provider.clone(), db::new_id());
            let (of, by) = (key.clone(), holder.clone());
            let round = self.rounds.spawn(async move { provider.deliver_to(&of, &by).await });
            self.keys.insert(round.id(), key.clone());
            self.under_way.insert(key, holder);
        }
        passed_over.append(&mut self.ready);
        self.ready = passed_over;
    }

    /// The next round that ends; none if none is under way.
    async fn next(&mut self) -> Option<(Key, Round)> {
        let (id, round) = match self.rounds.join_next_with_id().await? {
            Ok((id, Ok(round))) => (id, round),
            Ok((id, Err(error))) => {
                tracing::error!(error = %Chain(&error), "a webhook's round failed");
                (id, Round::default())
            }
            Err(panic) => {
                tracing::error!(%panic, "a webhook's round panicked");
                (JoinError::id(&panic), Round::default())
            }
        };
        let key = self.keys.remove(&id)?;
        self.under_way.remove(&key);
        Some((key, round))
    }
}

/// Webhooks with work among some that were looked at, and from where to look on.
struct Page {
    found: Vec<Key>,
    next: Option<Key>,
}

fn with_work(r: &mut Read, now: Timestamp, from: Option<&Key>) -> Result<Page> {
    let from = from.map_or(("", ""), |(tenant, webhook)| (tenant.as_str(), webhook));
    let webhooks = row::active(r, now, from, WEBHOOK_PAGE_COUNT)?;
    let is_full = webhooks.len() >= usize::try_from(WEBHOOK_PAGE_COUNT).unwrap_or(usize::MAX);
    let last = webhooks.last().map(|(tenant, webhook)| (tenant.clone(), webhook.id.clone()));
    let mut heads: BTreeMap<TenantId, i64> = BTreeMap::new();
    let mut found = Vec::new();
    for (tenant, webhook) in webhooks {
        let head = match heads.get(&tenant) {
            Some(head) => *head,
            None => {
                let head = db::seal::head(r, tenant.as_str())?.place;
                heads.insert(tenant.clone(), head);
                head
            }
        };
        if has_work(r, &tenant, &webhook, now, head)? {
            found.push((tenant, webhook.id));
        }
    }
    Ok(Page { found, next: last.filter(|_| is_full) })
}

/// Whether there is something to take or to send at this moment, and no other node is at it.
fn has_work(
    r: &mut Read,
    tenant: &TenantId,
    webhook: &Webhook,
    now: Timestamp,
    head: i64,
) -> Result<bool> {
    let is_due = webhook.due_at.is_some_and(|at| at <= now);
    let is_behind = head > webhook.place;
    // Where as many wait as may, more is taken when some of them are gone.
    let work = is_due
        || (is_behind
            && (webhook.due_at.is_none()
                || delivery::waiting_count(r, tenant, &webhook.id)? < DELIVERY_QUEUE_MAX));
    Ok(work && lease::holder(r, tenant.as_str(), &lease_name(&webhook.id), now)?.is_none())
}

/// Database work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    // The runtime is going down, or the work panicked.
    done.unwrap_or_else(|_| Err(db::Error::Closed.into()))
}
