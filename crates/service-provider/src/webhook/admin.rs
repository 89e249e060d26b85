//! Setting webhooks up, pausing, trying, replaying and removing them.

use db::{Ctx, Tx, params};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::round::{secret_name, with_maker};
use super::send::Outcome;
use super::work::blocking;
use super::{
    AddedWebhook, DeadDelivery, Form, NewWebhook, Trial, Webhook, WebhookState, delivery, row, sign,
};
use crate::event_kind::{EVENT_KINDS, fits};
use crate::limits::{DELIVERY_DEAD_LIST_MAX, WEBHOOK_COUNT_MAX, WEBHOOK_KIND_COUNT_MAX};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

impl ServiceProvider {
    /// Sets a webhook up. Its secret is in the answer and nowhere else.
    pub fn add_webhook(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        new: &NewWebhook,
    ) -> Result<AddedWebhook> {
        let keys = self.sealing_keys("A webhook's secret is sealed")?.clone();
        // It begins behind what has happened.
        self.seal_events()?;
        match &new.url {
            Some(url) => drop(self.sender().check(url)?),
            None if new.form.is_set() => {}
            None => {
                return Err(Error::refused(
                    "Only security event tokens can be polled. Give an address, or the signature `set`.",
                ));
            }
        }
        check_kinds(new.form, &new.kinds)?;
        if new.form.is_set() {
            self.ensure_signing_key(ctx)?;
        }
        let secret = if new.form.is_set() { None } else { Some(sign::new_secret(new.form)?) };
        let (ctx, name, new, kept) = (ctx.clone(), tenant.clone(), new.clone(), secret.clone());
        let webhook = self.db().write(tenant.turn(), move |tx| {
            let (id, scope) = (db::new_id(), name.as_str());
            if row::list(tx, &name)?.len() >= WEBHOOK_COUNT_MAX {
                return Err(Error::refused(format!(
                    "The tenant has {WEBHOOK_COUNT_MAX} webhooks, and more are not allowed. Remove one first."
                )));
            }
            let end = db::seal::head(tx, scope)?.place;
            if let Some(from) = new.from
                && let Some(point) = db::seal::checkpoint(tx, scope)?.filter(|point| from < point.place)
            {
                return Err(Error::Truncated { place: point.place });
            }
            let state = match new.form {
                Form::Zoom => WebhookState::Unconfirmed,
                _ => WebhookState::Active,
            };
            let webhook = Webhook {
                id,
                url: new.url.clone(),
                kinds: new.kinds.clone(),
                form: new.form,
                audience: new.audience.clone(),
                place: new.from.unwrap_or(end).clamp(0, end),
                due_at: None,
                state,
                state_at: ctx.now,
                state_by: ctx.actor.clone(),
                state_cause: ctx.cause.clone(),
                failure_count: 0,
                failing_since: None,
                retry_at: None,
                last_error: None,
                last_success_at: None,
                previous_until: None,
                created_at: ctx.now,
                created_by: ctx.actor.clone(),
            };
            row::insert(tx, &name, &webhook)?;
            let secrets = [("secret", &kept), ("authorization", &new.authorization)];
            for (part, text) in secrets.into_iter().filter_map(|(part, text)| Some((part, text.as_ref()?))) {
                let part = secret_name(&webhook.id, part);
                db::put_secret(tx, &keys, scope, &part, text.as_bytes(), ctx.now)?;
            }
            let told = json!({"form": webhook.form, "kinds": webhook.kinds});
            tell(tx, &ctx, &name, &webhook, "webhook.added", told)?;
            Ok(webhook)
        })?;
        Ok(AddedWebhook { webhook, secret })
    }

    /// The webhooks of a tenant, the oldest first.
    pub fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>> {
        self.db().read(|r| row::list(r, tenant))
    }

    /// The webhook of this id or URL.
    pub fn webhook(&self, tenant: &TenantId, id_or_url: &str) -> Result<Webhook> {
        self.db().read(|r| row::find(r, tenant, id_or_url))
    }

    /// How many deliveries of a webhook wait, and how many were given up.
    pub fn delivery_counts(&self, tenant: &TenantId, id_or_url: &str) -> Result<(u64, u64)> {
        self.db().read(|r| {
            let id = row::find(r, tenant, id_or_url)?.id;
            Ok((delivery::waiting_count(r, tenant, &id)?, delivery::dead_count(r, tenant, &id)?))
        })
    }

    /// The deliveries of a webhook that were given up, the newest first.
    pub fn dead_deliveries(&self, tenant: &TenantId, id_or_url: &str) -> Result<Vec<DeadDelivery>> {
        self.db().read(|r| {
            let id = row::find(r, tenant, id_or_url)?.id;
            delivery::dead(r, tenant, &id, DELIVERY_DEAD_LIST_MAX)
        })
    }

    /// Sends nothing more until it is resumed. What happens meanwhile is sent then.
    pub fn pause_webhook(&self, ctx: &Ctx, tenant: &TenantId, id_or_url: &str) -> Result<Webhook> {
        self.change_webhook(ctx, tenant, id_or_url, |tx, ctx, tenant, webhook| {
            row::set_state(tx, ctx, tenant, &webhook.id, WebhookState::Paused)?;
            tell(tx, ctx, tenant, webhook, "webhook.paused", json!({}))
        })
    }

    /// Goes on where it was paused or given up. One whose receiver has yet to answer the handshake needs
    /// [`ServiceProvider::try_webhook`].
    pub fn resume_webhook(&self, ctx: &Ctx, tenant: &TenantId, id_or_url: &str) -> Result<Webhook> {
        self.change_webhook(ctx, tenant, id_or_url, |tx, ctx, tenant, webhook| {
            if webhook.state == WebhookState::Unconfirmed {
                return Err(Error::refused(format!(
                    "The receiver of webhook `{}` has not answered the handshake yet. Try it: `muster webhook test {}`.",
                    webhook.id, webhook.id
                )));
            }
            row::set_state(tx, ctx, tenant, &webhook.id, WebhookState::Active)?;
            // What waited for its time is tried now: somebody has mended something.
            tx.execute(
                "UPDATE webhook_deliveries SET due_at = $1
                 WHERE tenant = $2 AND webhook = $3 AND state = 'waiting' AND due_at > $1",
                params![ctx.now, tenant, &webhook.id],
            )?;
            row::set_due(tx, tenant, &webhook.id, Some(ctx.now))?;
            // While it was told nothing it held nothing back in the log.
            let point = db::seal::checkpoint(tx, tenant.as_str())?.map_or(0, |point| point.place);
            let missed = (point - webhook.place).max(0);
            if missed > 0 {
                row::set_place(tx, tenant, &webhook.id, point)?;
            }
            tell(tx, ctx, tenant, webhook, "webhook.resumed", json!({"missed": missed}))
        })
    }

    /// Removes a webhook with what waits for it, and its secrets.
    pub fn remove_webhook(&self, ctx: &Ctx, tenant: &TenantId, id_or_url: &str) -> Result<()> {
        let (ctx, name, wanted) = (ctx.clone(), tenant.clone(), id_or_url.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let webhook = row::find(tx, &name, &wanted)?;
            for part in ["secret", "previous", "authorization"] {
                db::delete_secret(tx, name.as_str(), &secret_name(&webhook.id, part))?;
            }
            delivery::forget(tx, &name, &webhook.id, 0)?;
            tx.execute(
                "DELETE FROM webhooks WHERE tenant = $1 AND id = $2",
                params![&name, &webhook.id],
            )?;
            tell(tx, &ctx, &name, &webhook, "webhook.removed", json!({}))
        })
    }

    /// Gives a webhook a new secret. For `overlap` messages carry a signature of the former one too.
    pub fn rotate_webhook_secret(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        id_or_url: &str,
        overlap: SignedDuration,
    ) -> Result<AddedWebhook> {
        let keys = self.sealing_keys("A webhook's secret is sealed")?.clone();
        let form = self.webhook(tenant, id_or_url)?.form;
        if form.is_set() {
            return Err(Error::refused(
                "Security event tokens are signed with the installation's key. Rotate that: `muster webhook rotate-key`.",
            ));
        }
        let secret = sign::new_secret(form)?;
        let (ctx, name, wanted, kept) =
            (ctx.clone(), tenant.clone(), id_or_url.to_owned(), secret.clone());
        let webhook = self.db().write(tenant.turn(), move |tx| {
            let webhook = row::find(tx, &name, &wanted)?;
            let until = ctx.now.checked_add(overlap).unwrap_or(jiff::Timestamp::MAX);
            let part = |part: &str| secret_name(&webhook.id, part);
            if let Some(former) = db::secret(tx, &keys, name.as_str(), &part("secret"))? {
                let former = former.bytes();
                db::put_secret(tx, &keys, name.as_str(), &part("previous"), former, ctx.now)?;
            }
            db::put_secret(tx, &keys, name.as_str(), &part("secret"), kept.as_bytes(), ctx.now)?;
            tx.execute(
                "UPDATE webhooks SET previous_until = $1 WHERE tenant = $2 AND id = $3",
                params![until, &name, &webhook.id],
            )?;
            let told = json!({"previousUntil": until.to_string()});
            tell(tx, &ctx, &name, &webhook, "webhook.secret-rotated", told)?;
            row::find(tx, &name, &webhook.id)
        })?;
        Ok(AddedWebhook { webhook, secret: Some(secret) })
    }

    /// Delivers everything from a place of the log on once more.
    pub fn replay_webhook_from(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        id_or_url: &str,
        from: i64,
    ) -> Result<Webhook> {
        self.change_webhook(ctx, tenant, id_or_url, move |tx, ctx, tenant, webhook| {
            let point = db::seal::checkpoint(tx, tenant.as_str())?;
            if let Some(point) = point.filter(|point| from <= point.place) {
                return Err(Error::Truncated { place: point.place });
            }
            let end = db::seal::head(tx, tenant.as_str())?.place;
            if !(1..=end).contains(&from) {
                return Err(Error::refused(format!(
                    "There is nothing at place {from}: the log has places 1 to {end}."
                )));
            }
            delivery::forget(tx, tenant, &webhook.id, from)?;
            row::set_place(tx, tenant, &webhook.id, webhook.place.min(from - 1))?;
            tell(tx, ctx, tenant, webhook, "webhook.replayed", json!({"from": from}))
        })
    }

    /// Delivers one event once more, given up or not.
    pub fn replay_webhook_event(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        id_or_url: &str,
        event: &str,
    ) -> Result<Webhook> {
        let event = event.to_owned();
        self.change_webhook(ctx, tenant, id_or_url, move |tx, ctx, tenant, webhook| {
            let found = db::event::event(tx, tenant.as_str(), &event)?;
            let found = found.ok_or_else(|| Error::not_found("event", &event))?;
            let Some(place) = found.place else {
                return Err(Error::refused("The event has no place yet. Try again in a moment."));
            };
            if !webhook.form.carries(&found.kind) {
                return Err(Error::refused(format!(
                    "A `{}` cannot be told in the form `{}`.",
                    found.kind,
                    webhook.form.as_str()
                )));
            }
            let heading = db::event::Heading {
                place,
                id: found.id,
                kind: found.kind,
                subject: found.subject,
            };
            delivery::enqueue(tx, ctx, tenant, &webhook.id, &heading)?;
            row::set_due(tx, tenant, &webhook.id, Some(ctx.now))?;
            tell(tx, ctx, tenant, webhook, "webhook.replayed", json!({"event": heading.id}))
        })
    }

    /// Sends a message that tells nothing, and says what came of it. Zoom's form has a handshake; once it
    /// is answered the webhook is told what happens.
    pub async fn try_webhook(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        id_or_url: &str,
    ) -> Result<Trial> {
        let (provider, name, wanted) = (self.clone(), tenant.clone(), id_or_url.to_owned());
        let found = blocking(move || {
            let webhook = provider.webhook(&name, &wanted)?;
            let token = db::new_id();
            let made = with_maker(&provider, &name, &webhook, |maker| {
                let answer = maker.secrets.first().map(|secret| sign::zoom_digest(secret, &token));
                (maker.trial(&token), answer)
            })?;
            Ok((webhook, token, made))
        });
        let (webhook, token, (message, digest)) = found.await?;
        let (Some(url), Some(message)) = (&webhook.url, message) else {
            return Err(Error::refused(
                "Nothing is sent to a stream that is polled. Let its receiver come for tokens.",
            ));
        };
        let outcome = self.sender().send(url, &message).await;
        let status = match &outcome {
            Outcome::Delivered(answer) | Outcome::Refused(answer) => Some(answer.status),
            Outcome::Unreached(_) => None,
        };
        let mut error = outcome.error();
        if let (Form::Zoom, Outcome::Delivered(answer)) = (webhook.form, &outcome) {
            let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
            if said["plainToken"] != token.as_str()
                || said["encryptedToken"].as_str() != digest.as_deref()
            {
                error = Some("The receiver did not answer {\"plainToken\", \"encryptedToken\"} with the HMAC-SHA256 of the token under the secret.".into());
            }
        }
        if error.is_none() && webhook.state == WebhookState::Unconfirmed {
            let (provider, ctx, name) = (self.clone(), ctx.clone(), tenant.clone());
            blocking(move || provider.confirm(&ctx, &name, &webhook.id)).await?;
        }
        Ok(Trial { delivered: error.is_none(), status, error })
    }

    fn confirm(&self, ctx: &Ctx, tenant: &TenantId, id: &str) -> Result<Webhook> {
        self.change_webhook(ctx, tenant, id, |tx, ctx, tenant, webhook| {
            row::set_state(tx, ctx, tenant, &webhook.id, WebhookState::Active)?;
            tell(tx, ctx, tenant, webhook, "webhook.confirmed", json!({}))
        })
    }

    fn change_webhook(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        id_or_url: &str,
        change: impl Fn(&mut Tx, &Ctx, &TenantId, &Webhook) -> Result<()> + Send + 'static,
    ) -> Result<Webhook> {
        let (ctx, name, wanted) = (ctx.clone(), tenant.clone(), id_or_url.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let webhook = row::find(tx, &name, &wanted)?;
            change(tx, &ctx, &name, &webhook)?;
            row::find(tx, &name, &webhook.id)
        })
    }
}

/// Appends the event of a change of a webhook.
fn tell(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    webhook: &Webhook,
    kind: &str,
    mut payload: Value,
) -> Result<()> {
    payload["url"] = json!(webhook.url);
    db::event::append(tx, ctx, tenant.as_str(), kind, &webhook.id, &payload)?;
    Ok(())
}

/// Kinds that no event has, or that the form has no words for, are refused: nobody would hear of them.
fn check_kinds(form: Form, kinds: &[String]) -> Result<()> {
    if kinds.len() > WEBHOOK_KIND_COUNT_MAX {
        return Err(Error::refused(format!(
            "{} kinds are more than {WEBHOOK_KIND_COUNT_MAX}. Name where they begin: `user.*`.",
            kinds.len()
        )));
    }
    for pattern in kinds {
        let mut known = EVENT_KINDS.iter().filter(|kind| fits(kind.name, pattern)).peekable();
        if known.peek().is_none() {
            return Err(Error::refused(format!(
                "There is no event `{pattern}`. docs/events.md has every kind; `user.*` is all that begin so."
            )));
        }
        if !known.any(|kind| form.carries(kind.name)) {
            return Err(Error::refused(format!(
                "`{pattern}` cannot be told in the form `{}`. Choose `standard`, or other events.",
                form.as_str()
            )));
        }
    }
    Ok(())
}
