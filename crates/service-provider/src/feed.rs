//! The feed: a tenant's events by place, without gaps. A consumer that keeps the last place it was
//! given can stop and go on, and rebuild users, groups, memberships and licenses from the beginning.

use std::time::Duration;

use db::Event;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use crate::limits::{
    FEED_BYTES_MAX, FEED_COUNT_MAX, FEED_LOOK_INTERVAL, FEED_WAIT_MAX, FEED_WAITER_COUNT_MAX,
};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// Who is told that events have been sealed, and how many may wait for it.
#[derive(Debug)]
pub(crate) struct Feed {
    sealed: watch::Sender<u64>,
    waiters: Semaphore,
}

impl Default for Feed {
    fn default() -> Self {
        Self { sealed: watch::Sender::new(0), waiters: Semaphore::new(FEED_WAITER_COUNT_MAX) }
    }
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPage {
    /// The events, by place.
    pub events: Vec<Event>,
    /// The place to go on from.
    pub next: i64,
    /// Whether nothing more has happened yet.
    pub caught_up: bool,
}

impl Feed {
    /// Wakes whoever waits for events on this node.
    pub(crate) fn sealed(&self, count: u64) {
        if count > 0 {
            self.sealed.send_modify(|sum| *sum = sum.wrapping_add(count));
        }
    }

    /// A place for a client that waits; none if too many do.
    pub(crate) fn wait(&self) -> Option<SemaphorePermit<'_>> {
        self.waiters.try_acquire().ok()
    }

    /// Hears of events that are sealed on this node from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.sealed.subscribe()
    }
}

impl ServiceProvider {
    /// The events of a tenant that follow the place `after`.
    pub fn feed(&self, tenant: &TenantId, after: i64, limit: u32) -> Result<FeedPage> {
        let limit = limit.clamp(1, FEED_COUNT_MAX);
        self.db().read(|r| {
            let scope = tenant.as_str();
            if let Some(point) = db::seal::checkpoint(r, scope)?
                && after < point.place
            {
                return Err(Error::Truncated { place: point.place });
            }
            let mut events = db::event::events_after(r, scope, after, limit)?;
            let mut bytes = 0;
            let fits = events.iter().take_while(|event| {
                let fits = bytes < FEED_BYTES_MAX;
                bytes += event.payload.as_ref().map_or(0, |payload| payload.to_string().len());
                fits
            });
            let fits = fits.count();
            events.truncate(fits);
            let next = events.last().and_then(|event| event.place).unwrap_or(after);
            let caught_up =
                db::seal::head(r, scope)?.place <= next && !db::seal::has_unsealed(r, scope)?;
            Ok(FeedPage { events, next, caught_up })
        })
    }

    /// As [`ServiceProvider::feed`]; where nothing has happened yet, waits for it, at most `wait`.
    pub async fn feed_wait(
        &self,
        tenant: &TenantId,
        after: i64,
        limit: u32,
        wait: Duration,
    ) -> Result<FeedPage> {
        let end = Instant::now() + wait.min(FEED_WAIT_MAX);
        let place = self.feed_state().wait();
        let mut sealed = self.feed_state().subscribe();
        loop {
            let (provider, name) = (self.clone(), tenant.clone());
            let page =
                tokio::task::spawn_blocking(move || provider.feed(&name, after, limit)).await;
            let page = page.unwrap_or_else(|_| Err(db::Error::Closed.into()))?;
            if !page.events.is_empty() || place.is_none() || Instant::now() >= end {
                return Ok(page);
            }
            let look = end.min(Instant::now() + FEED_LOOK_INTERVAL);
            tokio::select! {
                _ = sealed.changed() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }
}

/// An event as the feed shows it.
pub(crate) fn shown(event: &Event) -> Value {
    json!({
        "place": event.place,
        "id": event.id,
        "kind": event.kind,
        "subject": event.subject,
        "actor": event.actor,
        "cause": event.cause,
        "at": event.at,
        "payload": event.payload,
    })
}
