//! A round of one webhook, by whoever has its lease: take what the log says, choose what is due, send
//! it, write down what came of it. Whoever dies between sending and writing leaves it to be sent again:
//! at least once, and with the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use db::{Event, KeyFile, Read, Tx, lease, params};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::delivery::{self, Delivery, Wait, after, jittered, shortened};
use super::message::Maker;
use super::send::Outcome;
use super::work::blocking;
use super::{Webhook, WebhookState, row, set, signing_key};
use crate::limits::{
    DELIVERY_BATCH_MAX, DELIVERY_CONCURRENT_MAX, DELIVERY_LEASE_SECS, DELIVERY_QUEUE_MAX,
    DELIVERY_ROUND_SECS_MAX, ENDPOINT_FAILING_DAYS_MAX, ENDPOINT_FAILURE_COUNT_MAX,
    ENDPOINT_RETRY_SECS, ENDPOINT_RETRY_SECS_MAX,
};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// A webhook, by its tenant and its id.
pub(super) type Key = (TenantId, String);

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Round {
    /// Messages that arrived.
    pub(super) delivered: u64,
    /// Attempts that failed.
    pub(super) failed: u64,
    /// Events that were taken from the log.
    taken: usize,
}

impl Round {
    /// Whether there may be more to do at once.
    pub(super) fn did_something(&self) -> bool {
        *self != Self::default()
    }
}

/// What a round begins with.
struct Beginning {
    taken: usize,
    batch: Option<Batch>,
}

/// What a round sends: for each subject what is due, in order.
struct Batch {
    webhook: Webhook,
    chains: Vec<Vec<(Delivery, Option<Event>)>>,
    keys: Keys,
}

/// What messages are made with.
#[derive(Default)]
struct Keys {
    secrets: Vec<String>,
    authorization: Option<String>,
    signer: Option<set::Signer>,
}

/// What came of a delivery; none: its event is gone.
type Sent = (Delivery, Option<Outcome>);

impl ServiceProvider {
    /// One round of a webhook.
    pub(super) async fn deliver_to(&self, key: &Key, holder: &str) -> Result<Round> {
        let (provider, of, by) = (self.clone(), key.clone(), holder.to_owned());
        let begun = blocking(move || provider.begin(&of, &by)).await?;
        let mut round = Round { taken: begun.taken, ..Round::default() };
        let Some(batch) = begun.batch else { return Ok(round) };
        let sent = self.send_batch(&key.0, batch).await;
        let delivered = sent
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Some(Outcome::Delivered(_))))
            .count();
        round.delivered = u64::try_from(delivered).unwrap_or(u64::MAX);
        round.failed = u64::try_from(sent.len() - delivered).unwrap_or(u64::MAX);
        let (provider, of, by) = (self.clone(), key.clone(), holder.to_owned());
        blocking(move || provider.settle(&of, &by, sent)).await?;
        Ok(round)
    }

    /// Takes the lease, takes from the log, and chooses what is due; nothing if another node is at it.
    fn begin(&self, (tenant, id): &Key, holder: &str) -> Result<Beginning> {
        let keys = self.sealing_keys("Secrets of webhooks are sealed")?.clone();
        let (ctx, name, id) = (self.ctx("background", "events"), tenant.clone(), id.clone());
        let (holder, issuer) = (holder.to_owned(), self.public_url().to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let (scope, lease_name) = (name.as_str(), lease_name(&id));
            if !lease::acquire(tx, scope, &lease_name, &holder, ctx.now, DELIVERY_LEASE_SECS)? {
                return Ok(Beginning { taken: 0, batch: None });
            }
            // It may have been removed or paused since it was found.
            let found = row::by_id(tx, &name, &id)?;
            let Some(found) = found.filter(|found| found.state == WebhookState::Active) else {
                lease::release(tx, scope, &lease_name, &holder)?;
                return Ok(Beginning { taken: 0, batch: None });
            };
            let taken = delivery::take(tx, &ctx, &name, &found)?;
            let waiting = delivery::waiting(tx, &name, &id, DELIVERY_QUEUE_MAX)?;
            let next = next_due(&waiting);
            // Whoever dies after this leaves something that is due.
            row::set_due(tx, &name, &id, next)?;
            let chosen = due(waiting, ctx.now, found.failure_count);
            if chosen.is_empty() {
                lease::release(tx, scope, &lease_name, &holder)?;
                return Ok(Beginning { taken, batch: None });
            }
            let mut chains = Vec::with_capacity(chosen.len());
            for chain in chosen {
                let mut told = Vec::with_capacity(chain.len());
                for delivery in chain {
                    let event = db::event::event(tx, scope, &delivery.event)?;
                    told.push((delivery, event));
                }
                chains.push(told);
            }
            let keys = Keys::read(tx, &keys, &name, &found, ctx.now, &issuer)?;
            Ok(Beginning { taken, batch: Some(Batch { webhook: found, chains, keys }) })
        })
    }

    /// Sends subjects beside one another, and what is about one subject one after another up to the
    /// first failure.
    async fn send_batch(&self, tenant: &TenantId, batch: Batch) -> Vec<Sent> {
        let Batch { webhook, chains, keys } = batch;
        let shared = Arc::new((webhook, keys, tenant.clone()));
        let at_once = Arc::new(Semaphore::new(DELIVERY_CONCURRENT_MAX));
        let end = tokio::time::Instant::now() + Duration::from_secs(DELIVERY_ROUND_SECS_MAX);
        let mut sending = JoinSet::new();
        for chain in chains {
            let (provider, shared, at_once) = (self.clone(), shared.clone(), at_once.clone());
            sending.spawn(async move {
                let _place = at_once.acquire_owned().await;
                let mut sent: Vec<Sent> = Vec::new();
                for (delivery, event) in chain {
                    // What is left waits for the next round, under a lease that holds.
                    if tokio::time::Instant::now() >= end {
                        break;
                    }
                    let outcome = match event {
                        Some(event) => provider.send_one(&shared, &event).await,
                        None => None,
                    };
                    let goes_on =
                        !matches!(outcome, Some(Outcome::Refused(_) | Outcome::Unreached(_)));
                    sent.push((delivery, outcome));
                    if !goes_on {
                        break;
                    }
                }
                sent
            });
        }
        let mut sent = Vec::new();
        while let Some(chain) = sending.join_next().await {
            // A chain that panicked has told nothing: it is sent again.
            sent.extend(chain.unwrap_or_default());
        }
        sent
    }

    async fn send_one(&self, shared: &(Webhook, Keys, TenantId), event: &Event) -> Option<Outcome> {
        let (webhook, keys, tenant) = shared;
        let message = keys.maker(tenant, webhook, self.clock().now()).event(event)?;
        Some(self.sender().send(webhook.url.as_deref().unwrap_or_default(), &message).await)
    }

    /// Writes down what came of a round, and gives the lease back.
    fn settle(&self, (tenant, id): &Key, holder: &str, sent: Vec<Sent>) -> Result<()> {
        let ctx = self.ctx("background", "deliveries failed");
        let (name, id, holder) = (tenant.clone(), id.clone(), holder.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            for (delivery, outcome) in &sent {
                match outcome {
                    Some(Outcome::Delivered(_)) => {
                        delivery::delivered(tx, &name, &id, delivery.place)?;
                    }
                    Some(failure) => {
                        let error = failure.error().unwrap_or_default();
                        let told = (error.as_str(), wait(failure));
                        delivery::failed(tx, &ctx, &name, &id, delivery, told)?;
                    }
                    None => {
                        let at = (delivery.place, delivery.attempt);
                        delivery::bury(tx, &ctx, &name, &id, at, delivery::GONE)?;
                    }
                }
            }
            delivery::trim_dead(tx, &name, &id)?;
            let waiting = delivery::waiting(tx, &name, &id, DELIVERY_QUEUE_MAX)?;
            row::set_due(tx, &name, &id, next_due(&waiting))?;
            note_health(tx, &ctx, &name, &id, &sent)?;
            lease::release(tx, name.as_str(), &lease_name(&id), &holder)?;
            Ok(())
        })
    }
}

impl Keys {
    fn read(
        r: &mut Read,
        keys: &KeyFile,
        tenant: &TenantId,
        webhook: &Webhook,
        now: Timestamp,
        issuer: &str,
    ) -> Result<Self> {
        let mut text = |name: &str| -> Result<Option<String>> {
            let name = secret_name(&webhook.id, name);
            let secret = db::secret(r, keys, tenant.as_str(), &name)?;
            Ok(secret.and_then(|secret| secret.text().map(str::to_owned)))
        };
        if webhook.form.is_set() {
            let authorization = text("authorization")?;
            let signer = signing_key::signer(r, keys, issuer)?;
            let signer = signer.ok_or_else(|| {
                Error::refused(
                    "There is no key to sign tokens with. Make one: `muster webhook rotate-key`.",
                )
            })?;
            return Ok(Self { secrets: Vec::new(), authorization, signer: Some(signer) });
        }
        let mut secrets: Vec<String> = text("secret")?.into_iter().collect();
        if webhook.previous_until.is_some_and(|until| now < until) {
            secrets.extend(text("previous")?);
        }
        if secrets.is_empty() {
            return Err(Error::refused(format!(
                "The secret of webhook `{0}` is gone, and nothing goes out unsigned. Make a new one: `muster webhook rotate-secret {0}`.",
                webhook.id
            )));
        }
        Ok(Self { secrets, authorization: None, signer: None })
    }

    pub(super) fn maker<'a>(
        &'a self,
        tenant: &'a TenantId,
        webhook: &'a Webhook,
        now: Timestamp,
    ) -> Maker<'a> {
        Maker {
            tenant,
            webhook,
            secrets: &self.secrets,
            signer: self.signer.as_ref(),
            authorization: self.authorization.as_deref(),
            now,
        }
    }
}

/// Makes something with what messages of a webhook are made with.
pub(super) fn with_maker<T>(
    provider: &ServiceProvider,
    tenant: &TenantId,
    webhook: &Webhook,
    make: impl FnOnce(&Maker<'_>) -> T,
) -> Result<T> {
    let keys = provider.sealing_keys("Secrets of webhooks are sealed")?;
    let now = provider.clock().now();
    let keys =
        provider.db().read(|r| Keys::read(r, keys, tenant, webhook, now, provider.public_url()))?;
    Ok(make(&keys.maker(tenant, webhook, now)))
}

/// The name of a secret of a webhook.
pub(super) fn secret_name(webhook: &str, name: &str) -> String {
    format!("webhook/{webhook}/{name}")
}

/// The lease of whoever delivers to a webhook.
pub(super) fn lease_name(webhook: &str) -> String {
    format!("webhook/{webhook}")
}

/// When the first subject is due: what else is about a subject waits for its first.
fn next_due(waiting: &[Delivery]) -> Option<Timestamp> {
    let mut subjects = BTreeSet::new();
    let firsts = waiting.iter().filter(|delivery| subjects.insert(&delivery.subject));
    firsts.map(|delivery| delivery.due_at).min()
}

/// What is due, by subject: a subject whose first delivery is not due waits whole. An endpoint that has
/// failed throughout is tried with one message.
fn due(waiting: Vec<Delivery>, now: Timestamp, failures: u64) -> Vec<Vec<Delivery>> {
    let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
    let mut chains: Vec<Option<Vec<Delivery>>> = Vec::new();
    let mut count = 0;
    for delivery in waiting {
        match subjects.get(&delivery.subject) {
            Some(at) => {
                if let Some(chain) = &mut chains[*at]
                    && count < DELIVERY_BATCH_MAX
                {
                    chain.push(delivery);
                    count += 1;
                }
            }
            None => {
                let is_due = delivery.due_at <= now && count < DELIVERY_BATCH_MAX;
                subjects.insert(delivery.subject.clone(), chains.len());
                count += usize::from(is_due);
                chains.push(is_due.then(|| vec![delivery]));
            }
        }
    }
    let chains: Vec<Vec<Delivery>> = chains.into_iter().flatten().collect();
    if failures < ENDPOINT_FAILURE_COUNT_MAX {
        return chains;
    }
    // With one that has failed the least: perhaps it is a few messages that it stumbles over.
    let one = chains.into_iter().min_by_key(|chain| chain.first().map(|first| first.attempt));
    one.into_iter().map(|chain| chain.into_iter().take(1).collect()).collect()
}

/// When a failed delivery is tried again.
fn wait(outcome: &Outcome) -> Wait {
    match outcome {
        // RFC 8935 2.4: the receiver cannot use the token, and will not be able to.
        Outcome::Refused(answer) if answer.status == 400 && answer.body.contains("\"err\"") => {
            Wait::Never
        }
        Outcome::Refused(answer) => answer.retry_after_secs.map_or(Wait::Planned, Wait::AtLeast),
        _ => Wait::Planned,
    }
}

/// Notes whether the endpoint answers: one that does not is left alone for longer and longer, and in
/// the end given up.
fn note_health(
    tx: &mut Tx,
    ctx: &db::Ctx,
    tenant: &TenantId,
    id: &str,
    sent: &[Sent],
) -> Result<()> {
    let Some(webhook) = row::by_id(tx, tenant, id)? else { return Ok(()) };
    if sent.iter().any(|(_, outcome)| matches!(outcome, Some(Outcome::Delivered(_)))) {
        tx.execute(
            "UPDATE webhooks SET failure_count = 0, failing_since = NULL, retry_at = NULL,
                 last_success_at = $1
             WHERE tenant = $2 AND id = $3",
            params![ctx.now, tenant, id],
        )?;
        return Ok(());
    }
    let failures = sent.iter().filter_map(|(_, outcome)| outcome.as_ref());
    let failures: Vec<&Outcome> = failures.collect();
    let Some(error) = failures.last().and_then(|outcome| outcome.error()) else { return Ok(()) };
    let count = webhook.failure_count + u64::try_from(failures.len()).unwrap_or(u64::MAX);
    let since = webhook.failing_since.unwrap_or(ctx.now);
    let backs_off = count >= ENDPOINT_FAILURE_COUNT_MAX;
    let doublings = count.saturating_sub(ENDPOINT_FAILURE_COUNT_MAX).min(16);
    let secs = ENDPOINT_RETRY_SECS << doublings;
    let retry_at = backs_off.then(|| after(ctx.now, jittered(secs.min(ENDPOINT_RETRY_SECS_MAX))));
    tx.execute(
        "UPDATE webhooks SET failure_count = $1, failing_since = $2, retry_at = $3, last_error = $4
         WHERE tenant = $5 AND id = $6",
        params![count, since, retry_at, shortened(&error), tenant, id],
    )?;
    let failing = ctx.now.duration_since(since).as_secs();
    let is_gone = failures
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Refused(answer) if answer.status == 410));
    let because = if is_gone {
        "the receiver answered 410: it is gone".to_owned()
    } else if failing >= ENDPOINT_FAILING_DAYS_MAX * 24 * 60 * 60 {
        format!("nothing has arrived for {ENDPOINT_FAILING_DAYS_MAX} days: {error}")
    } else {
        return Ok(());
    };
    row::set_state(tx, ctx, tenant, id, WebhookState::Disabled)?;
    let payload = serde_json::json!({"url": webhook.url, "because": because});
    db::event::append(tx, ctx, tenant.as_str(), "webhook.disabled", id, &payload)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(place: i64, subject: &str, due_secs: i64) -> Delivery {
        let due_at = jiff::Timestamp::from_second(due_secs).unwrap();
        let event = place.to_string();
        Delivery { place, event, subject: subject.into(), attempt: 0, due_at }
    }

    #[test]
    fn a_subject_that_is_not_due_holds_up_itself_and_nobody_else() {
        let check = |waiting: Vec<Delivery>, failures, expected: &[&[i64]]| {
            let now = jiff::Timestamp::from_second(10).unwrap();
            let chains = due(waiting, now, failures);
            let places: Vec<Vec<i64>> =
                chains.iter().map(|chain| chain.iter().map(|d| d.place).collect()).collect();
            assert_eq!(places, expected);
        };
        let waiting = || {
            vec![
                delivery(1, "ana", 11),
                delivery(2, "bo", 10),
                delivery(3, "ana", 0),
                delivery(4, "bo", 0),
                delivery(5, "cy", 0),
            ]
        };
        check(waiting(), 0, &[&[2, 4], &[5]]);
        check(waiting(), ENDPOINT_FAILURE_COUNT_MAX, &[&[2]]);
        check(vec![delivery(1, "ana", 11)], 0, &[]);
        assert_eq!(next_due(&waiting()), jiff::Timestamp::from_second(0).ok());
        assert_eq!(next_due(&waiting()[..3]), jiff::Timestamp::from_second(10).ok());
        let many: Vec<Delivery> =
            (0..1_000).map(|place| delivery(place, &(place % 3).to_string(), 0)).collect();
        let now = jiff::Timestamp::from_second(10).unwrap();
        assert_eq!(due(many, now, 0).iter().map(Vec::len).sum::<usize>(), DELIVERY_BATCH_MAX);
    }
}
