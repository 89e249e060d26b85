//! Security event tokens by poll (RFC 8936): the receiver comes for them, and says which it has.

use std::collections::BTreeMap;
use std::time::Duration;

use db::params;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::round::with_maker;
use super::work::blocking;
use super::{Webhook, WebhookState, delivery, row};
use crate::limits::{
    FEED_LOOK_INTERVAL, FEED_WAIT_MAX, POLL_ANSWER_COUNT_MAX, POLL_COUNT_DEFAULT, POLL_COUNT_MAX,
};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// What a receiver asks, and what it says of tokens it was given before (RFC 8936 2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// How many tokens at most; 0: it only acknowledges.
    pub max_events: Option<u32>,
    /// Whether to answer at once although there is nothing.
    #[serde(default)]
    pub return_immediately: bool,
    /// The tokens it has, by `jti`.
    #[serde(default)]
    pub ack: Vec<String>,
    /// The tokens it cannot use, by `jti`, and why.
    #[serde(default)]
    pub set_errs: BTreeMap<String, SetError>,
}

/// Why a receiver cannot use a token (RFC 8936 2.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SetError {
    /// The code: `invalid_key`, `jwtAud`, …
    #[serde(default)]
    pub err: String,
    /// The sentence.
    #[serde(default)]
    pub description: String,
}

/// Tokens for a receiver (RFC 8936 2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollAnswer {
    /// The tokens by `jti`, in the order of the log.
    pub sets: Vec<(String, String)>,
    /// Whether there are more.
    pub more_available: bool,
}

impl PollAnswer {
    /// The answer as it is sent. JSON objects have no order; the tokens' places are that of the log.
    pub(crate) fn to_json(&self) -> Value {
        let sets = self.sets.iter().map(|(jti, token)| (jti.clone(), Value::from(token.clone())));
        let mut body = Map::new();
        body.insert("sets".into(), sets.collect::<Map<_, _>>().into());
        body.insert("moreAvailable".into(), self.more_available.into());
        body.into()
    }
}

impl ServiceProvider {
    /// Takes note of what a receiver has or cannot use, and gives it what comes next. With several
    /// streams `stream` says which.
    pub async fn poll(
        &self,
        tenant: &TenantId,
        stream: Option<&str>,
        poll: Poll,
    ) -> Result<PollAnswer> {
        let (provider, name, wanted) = (self.clone(), tenant.clone(), stream.map(str::to_owned));
        let answered = poll.clone();
        let webhook = blocking(move || provider.note_answers(&name, wanted.as_deref(), answered));
        let webhook = webhook.await?;
        let count = poll.max_events.unwrap_or(POLL_COUNT_DEFAULT).min(POLL_COUNT_MAX);
        if count == 0 {
            return Ok(PollAnswer::default());
        }
        let place = self.feed_state().wait();
        let waits = place.is_some() && !poll.return_immediately;
        let end = tokio::time::Instant::now() + if waits { FEED_WAIT_MAX } else { Duration::ZERO };
        let mut sealed = self.feed_state().subscribe();
        loop {
            let (provider, name, id) = (self.clone(), tenant.clone(), webhook.id.clone());
            let answer = blocking(move || provider.next_tokens(&name, &id, count)).await?;
            if !answer.sets.is_empty() || tokio::time::Instant::now() >= end {
                return Ok(answer);
            }
            let look = end.min(tokio::time::Instant::now() + FEED_LOOK_INTERVAL);
            tokio::select! {
                _ = sealed.changed() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    fn note_answers(&self, tenant: &TenantId, stream: Option<&str>, poll: Poll) -> Result<Webhook> {
        let webhook = self.db().read(|r| polled(r, tenant, stream))?;
        let count = poll.ack.len() + poll.set_errs.len();
        if count == 0 {
            return Ok(webhook);
        }
        if count > POLL_ANSWER_COUNT_MAX {
            return Err(Error::refused(format!(
                "{count} tokens are more than {POLL_ANSWER_COUNT_MAX}. Acknowledge some, then others."
            )));
        }
        let (ctx, name, id) = (self.ctx("background", "poll"), tenant.clone(), webhook.id.clone());
        self.db().write(tenant.turn(), move |tx| {
            for jti in &poll.ack {
                if let Some(place) = db::event::place(tx, name.as_str(), jti)? {
                    delivery::delivered(tx, &name, &id, place)?;
                }
            }
            for (jti, error) in &poll.set_errs {
                if let Some(place) = db::event::place(tx, name.as_str(), jti)? {
                    let why = format!("{}: {}", error.err, error.description);
                    delivery::bury(tx, &ctx, &name, &id, (place, 1), &why)?;
                }
            }
            delivery::trim_dead(tx, &name, &id)?;
            tx.execute(
                "UPDATE webhooks SET last_success_at = $1 WHERE tenant = $2 AND id = $3",
                params![ctx.now, &name, &id],
            )?;
            Ok::<_, Error>(())
        })?;
        Ok(webhook)
    }

    fn next_tokens(&self, tenant: &TenantId, id: &str, count: u32) -> Result<PollAnswer> {
        self.take_for_poll(tenant, id)?;
        let (webhook, found) = self.db().read(|r| {
            let webhook = row::find(r, tenant, id)?;
            let mut found = Vec::new();
            for delivery in delivery::waiting(r, tenant, id, u64::from(count) + 1)? {
                let event = db::event::event(r, tenant.as_str(), &delivery.event)?;
                found.push((delivery, event));
            }
            Ok::<_, Error>((webhook, found))
        })?;
        let size = usize::try_from(count).unwrap_or(usize::MAX);
        let more_available = found.len() > size;
        let mut gone = Vec::new();
        let sets = with_maker(self, tenant, &webhook, |maker| {
            let mut sets = Vec::new();
            for (delivery, event) in found.into_iter().take(size) {
                match event.and_then(|event| Some((event.id.clone(), maker.event(&event)?.body))) {
                    Some(set) => sets.push(set),
                    None => gone.push(delivery),
                }
            }
            sets
        })?;
        if !gone.is_empty() {
            // Nobody could ever acknowledge them.
            let (ctx, name, id) = (self.ctx("background", "poll"), tenant.clone(), id.to_owned());
            self.db().write(tenant.turn(), move |tx| {
                gone.iter().try_for_each(|delivery| {
                    let at = (delivery.place, delivery.attempt);
                    delivery::bury(tx, &ctx, &name, &id, at, delivery::GONE)
                })
            })?;
        }
        Ok(PollAnswer { sets, more_available })
    }

    /// Takes from the log what a stream has not been given yet.
    fn take_for_poll(&self, tenant: &TenantId, id: &str) -> Result<()> {
        let is_behind = self.db().read(|r| {
            let place = row::find(r, tenant, id)?.place;
            Ok::<_, Error>(db::seal::head(r, tenant.as_str())?.place > place)
        })?;
        if !is_behind {
            return Ok(());
        }
        let (ctx, name, id) = (self.ctx("background", "poll"), tenant.clone(), id.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            // Another poll may have been here in between.
            let webhook = row::find(tx, &name, &id)?;
            delivery::take(tx, &ctx, &name, &webhook)?;
            Ok(())
        })
    }
}

/// The stream that is polled: the one that is named, or the only one.
fn polled(r: &mut db::Read, tenant: &TenantId, stream: Option<&str>) -> Result<Webhook> {
    let streams: Vec<Webhook> = row::list(r, tenant)?
        .into_iter()
        .filter(|webhook| webhook.url.is_none())
        .filter(|webhook| stream.is_none_or(|stream| stream == webhook.id))
        .collect();
    let webhook = match streams.as_slice() {
        [only] => only.clone(),
        [] => {
            return Err(Error::not_found("stream to poll", stream.unwrap_or("without a name")));
        }
        [..] => {
            return Err(Error::refused(
                "The tenant has several streams. Name the one to poll: /v2/events/poll?stream=ID.",
            ));
        }
    };
    match webhook.state {
        WebhookState::Active => Ok(webhook),
        state => Err(Error::refused(format!(
            "The stream `{}` is {}. Resume it first.",
            webhook.id,
            state.as_str()
        ))),
    }
}
