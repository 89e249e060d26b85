//! `muster webhook`: who is told what happens in a tenant. A secret is shown once, alone on standard
//! output; everything else that is said goes to standard error.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::{Value, json};
use service_provider::{AddedWebhook, DeadDelivery, Form, NewWebhook, Trial, Webhook};

use crate::cli::Context;
use crate::duration::duration;
use crate::error::CommandError;
use crate::listing::{joined, listing, moment};
use crate::tenancy::{Tenancy, TenantOption};

/// Webhooks, and streams of security event tokens, of a tenant.
#[derive(Debug, Args)]
pub struct WebhookArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: WebhookCommand,
}

#[derive(Debug, Subcommand)]
enum WebhookCommand {
    Add(AddArgs),
    List(ListArgs),
    Pause(WhichArgs),
    Resume(ResumeArgs),
    Remove(RemoveArgs),
    Test(TestArgs),
    Replay(ReplayArgs),
    Dead(DeadArgs),
    RotateSecret(RotateSecretArgs),
    RotateKey(RotateKeyArgs),
}

/// Set up a webhook. Its secret is printed alone on standard output, this once.
#[derive(Debug, Args)]
struct AddArgs {
    /// Where messages go; left out, a stream of security event tokens that its receiver polls.
    url: Option<String>,
    /// The events, separated by commas: user.created, user.*; all if left out.
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    events: Vec<String>,
    /// How it is spoken to: standard, zoom, set (RFC 9967 with what changed), set-notice.
    #[arg(long, value_parser = form, default_value = "standard")]
    signature: Form,
    /// Whom security event tokens are for; the address if left out.
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
    /// A file with what the receiver of security event tokens wants in the Authorization header.
    #[arg(long, value_name = "FILE")]
    authorization_file: Option<std::path::PathBuf>,
    /// The first place of the log it is told of; from now on if left out.
    #[arg(long, value_name = "PLACE")]
    from: Option<i64>,
}

/// List the webhooks, with how far along they are and what went wrong last.
#[derive(Debug, Args)]
struct ListArgs {}

/// Send nothing more until it is resumed; what happens meanwhile is sent then.
#[derive(Debug, Args)]
struct WhichArgs {
    /// The webhook, by id or address.
    webhook: String,
}

/// Go on where it was paused, or given up.
#[derive(Debug, Args)]
struct ResumeArgs {
    /// The webhook, by id or address.
    webhook: String,
}

/// Remove a webhook, with what waits for it.
#[derive(Debug, Args)]
struct RemoveArgs {
    /// The webhook, by id or address.
    webhook: String,
}

/// Send a message that tells nothing, and say what came of it.
#[derive(Debug, Args)]
struct TestArgs {
    /// The webhook, by id or address.
    webhook: String,
}

/// Deliver again: everything from a place on, or one event.
#[derive(Debug, Args)]
struct ReplayArgs {
    /// The webhook, by id or address.
    webhook: String,
    /// The first place.
    #[arg(long, value_name = "PLACE", required_unless_present = "event")]
    from: Option<i64>,
    /// The event.
    #[arg(long, value_name = "ID", conflicts_with = "from")]
    event: Option<String>,
}

/// List the deliveries that were given up, the newest first.
#[derive(Debug, Args)]
struct DeadArgs {
    /// The webhook, by id or address.
    webhook: String,
}

/// Give a webhook a new secret; the former one signs beside it for a while.
#[derive(Debug, Args)]
struct RotateSecretArgs {
    /// The webhook, by id or address.
    webhook: String,
    /// How long the former secret goes on signing.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "24h")]
    overlap: SignedDuration,
}

/// Sign the security event tokens of the whole installation with a new key.
#[derive(Debug, Args)]
struct RotateKeyArgs {}

/// Runs `muster webhook`.
///
/// # Errors
/// No such tenant or webhook; an address that may not be reached; no key file.
pub async fn run(context: &Context, args: WebhookArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        WebhookCommand::Add(args) => add(context, &tenancy, args).await,
        WebhookCommand::List(_) => list(context, &tenancy),
        WebhookCommand::Pause(args) => {
            let ctx = tenancy.ctx("webhook pause");
            let paused = tenancy.provider.pause_webhook(&ctx, tenancy.id(), &args.webhook)?;
            told(context, &tenancy, &paused, "Paused")
        }
        WebhookCommand::Resume(args) => {
            let ctx = tenancy.ctx("webhook resume");
            let resumed = tenancy.provider.resume_webhook(&ctx, tenancy.id(), &args.webhook)?;
            told(context, &tenancy, &resumed, "Resumed")
        }
        WebhookCommand::Remove(args) => {
            let webhook = tenancy.provider.webhook(tenancy.id(), &args.webhook)?;
            let ctx = tenancy.ctx("webhook remove");
            tenancy.provider.remove_webhook(&ctx, tenancy.id(), &webhook.id)?;
            context.output.say(format!("Removed webhook {}.", webhook.id));
            context.output.value(&json!({"id": webhook.id}))
        }
        WebhookCommand::Test(args) => test(context, &tenancy, &args.webhook).await,
        WebhookCommand::Replay(args) => replay(context, &tenancy, &args).await,
        WebhookCommand::Dead(args) => dead(context, &tenancy, &args.webhook),
        WebhookCommand::RotateSecret(args) => {
            let ctx = tenancy.ctx("webhook rotate-secret");
            let rotated = tenancy.provider.rotate_webhook_secret(
                &ctx,
                tenancy.id(),
                &args.webhook,
                args.overlap,
            )?;
            show_secret(context, &tenancy, &rotated, None)
        }
        WebhookCommand::RotateKey(_) => {
            let kid = tenancy.provider.rotate_signing_key(&tenancy.ctx("webhook rotate-key"))?;
            context.output.say(format!("Tokens are signed with key {kid} from now on."));
            context.output.value(&json!({"kid": kid}))
        }
    }
}

async fn add(context: &Context, tenancy: &Tenancy, args: AddArgs) -> Result<(), CommandError> {
    let authorization = match &args.authorization_file {
        None => None,
        Some(file) => Some(std::fs::read_to_string(file)?.trim().to_string()),
    };
    let new = NewWebhook {
        url: args.url,
        kinds: args.events,
        form: args.signature,
        audience: args.audience,
        authorization,
        from: args.from.map(|place| place.saturating_sub(1)),
    };
    let ctx = tenancy.ctx("webhook add");
    let mut added = tenancy.provider.add_webhook(&ctx, tenancy.id(), &new)?;
    let trial = match new.form {
        Form::Zoom => {
            let id = &added.webhook.id;
            Some(tenancy.provider.try_webhook(&ctx, tenancy.id(), id).await?)
        }
        _ => None,
    };
    added.webhook = tenancy.provider.webhook(tenancy.id(), &added.webhook.id)?;
    show_secret(context, tenancy, &added, trial)
}

/// The secret, alone, on standard output; what is to be known about it on standard error.
fn show_secret(
    context: &Context,
    tenancy: &Tenancy,
    added: &AddedWebhook,
    trial: Option<Trial>,
) -> Result<(), CommandError> {
    let webhook = &added.webhook;
    if context.output.json {
        let mut shown = value(tenancy, webhook)?;
        shown["secret"] = json!(added.secret);
        return context.output.value(&shown);
    }
    if let Some(secret) = &added.secret {
        writeln!(std::io::stdout(), "{secret}")?;
        eprintln!("The secret is shown this once.");
    }
    let to = webhook.url.as_deref().unwrap_or("whoever polls /v2/events/poll");
    eprintln!("Webhook {} to {to}, {}.", webhook.id, webhook.state.as_str());
    if webhook.form == Form::Set || webhook.form == Form::SetNotice {
        eprintln!("Keys: {}/.well-known/jwks.json", tenancy.provider.public_url());
    }
    if let Some(error) = trial.and_then(|trial| trial.error) {
        eprintln!(
            "The handshake failed: {error} Give the receiver the secret, then: muster webhook test {}",
            webhook.id
        );
    }
    Ok(())
}

fn list(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let webhooks = tenancy.provider.webhooks(tenancy.id())?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for webhook in &webhooks {
        let (waiting, dead) = tenancy.provider.delivery_counts(tenancy.id(), &webhook.id)?;
        rows.push(vec![
            webhook.url.clone().unwrap_or_else(|| "(polled)".into()),
            webhook.state.as_str().into(),
            webhook.form.as_str().into(),
            if webhook.kinds.is_empty() { "all".into() } else { joined(&webhook.kinds) },
            webhook.place.to_string(),
            waiting.to_string(),
            dead.to_string(),
            webhook.last_error.clone().filter(|_| webhook.failure_count > 0).unwrap_or_default(),
            webhook.id.clone(),
        ]);
        values.push(value(tenancy, webhook)?);
    }
    let headings =
        ["URL", "State", "Signature", "Events", "Place", "Waiting", "Dead", "Last error", "Id"];
    listing(&context.output, &headings, rows, values)
}

async fn test(context: &Context, tenancy: &Tenancy, webhook: &str) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("webhook test");
    let trial = tenancy.provider.try_webhook(&ctx, tenancy.id(), webhook).await?;
    context.output.value(&serde_json::to_value(&trial)?)?;
    match &trial.error {
        None => {
            context.output.say("The receiver took the message.");
            Ok(())
        }
        Some(error) => Err(CommandError::failed(format!("the message did not arrive: {error}"))
            .hint("`muster webhook list` shows how the webhook stands.")),
    }
}

async fn replay(
    context: &Context,
    tenancy: &Tenancy,
    args: &ReplayArgs,
) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("webhook replay");
    let (provider, tenant) = (&tenancy.provider, tenancy.id());
    let webhook = match (&args.event, args.from) {
        (Some(event), _) => provider.replay_webhook_event(&ctx, tenant, &args.webhook, event)?,
        (None, from) => {
            provider.replay_webhook_from(&ctx, tenant, &args.webhook, from.unwrap_or(1))?
        }
    };
    // Where no server runs nobody else would deliver it.
    let done = provider.work_off_events().await?;
    if done.delivered + done.failed > 0 {
        context
            .output
            .say(format!("{} delivered, {} attempts failed.", done.delivered, done.failed));
    }
    told(context, tenancy, &webhook, "Replaying")
}

fn dead(context: &Context, tenancy: &Tenancy, webhook: &str) -> Result<(), CommandError> {
    let dead = tenancy.provider.dead_deliveries(tenancy.id(), webhook)?;
    let row = |delivery: &DeadDelivery| {
        vec![
            delivery.place.to_string(),
            delivery.kind.clone(),
            delivery.subject.clone(),
            delivery.attempts.to_string(),
            moment(delivery.dead_at),
            delivery.error.clone(),
            delivery.event.clone(),
        ]
    };
    let values = dead.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let headings = ["Place", "Event", "Subject", "Attempts", "Given up", "Error", "Id"];
    listing(&context.output, &headings, dead.iter().map(row).collect(), values)
}

fn told(
    context: &Context,
    tenancy: &Tenancy,
    webhook: &Webhook,
    what: &str,
) -> Result<(), CommandError> {
    context.output.say(format!("{what} webhook {}.", webhook.id));
    context.output.value(&value(tenancy, webhook)?)
}

fn value(tenancy: &Tenancy, webhook: &Webhook) -> Result<Value, CommandError> {
    let (waiting, dead) = tenancy.provider.delivery_counts(tenancy.id(), &webhook.id)?;
    let mut value = serde_json::to_value(webhook)?;
    value["waiting"] = waiting.into();
    value["dead"] = dead.into();
    Ok(value)
}

fn form(text: &str) -> Result<Form, String> {
    Form::from_name(text).ok_or_else(|| "there are standard, zoom, set and set-notice".to_string())
}
