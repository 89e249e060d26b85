//! `muster token`: what clients prove themselves with. A token is shown once, alone on standard
//! output; everything else that is said goes to standard error.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use service_provider::{Dialect, IssuedToken, NewToken, Scopes, Token};

use crate::cli::Context;
use crate::duration::{after, duration};
use crate::error::CommandError;
use crate::listing::{listing, moment};
use crate::tenancy::{Tenancy, TenantOption};

/// The name of a token that was given none.
const DEFAULT_NAME: &str = "scim";
/// Names that are tried for it.
const DEFAULT_NAME_COUNT_MAX: u32 = 1_000;

/// Bearer tokens of a tenant.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    Create(CreateArgs),
    List(ListArgs),
    Rotate(RotateArgs),
    Revoke(RevokeArgs),
}

/// Make a token. It is printed alone on standard output, this once.
#[derive(Debug, Args)]
struct CreateArgs {
    /// What people call it; `scim` if left out, with a number if that is taken.
    #[arg(long)]
    name: Option<String>,
    /// Whose manners are expected of the client: any, okta, entra, onelogin, jumpcloud,
    /// google, ping, rfc.
    #[arg(long, value_parser = dialect, default_value = "any")]
    dialect: Dialect,
    /// What it may be used for: any of scim:read, scim:write, lifecycle, events:read; all if left out.
    #[arg(long, value_name = "SCOPES", value_parser = scopes)]
    scopes: Option<Scopes>,
    /// How long it is valid: 90d, 12h, 30m; without an end if left out.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<SignedDuration>,
    /// The user it stands for, who is then at /Me; none if left out.
    #[arg(long, value_name = "USERNAME")]
    subject: Option<String>,
}

/// List the tokens, newest first, with their last use and their end.
#[derive(Debug, Args)]
struct ListArgs {}

/// Make a successor; the old token stays valid for a while, so that nothing stops.
#[derive(Debug, Args)]
struct RotateArgs {
    /// The token, by id or name.
    id: String,
    /// How long the old one stays valid.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "7d")]
    overlap: SignedDuration,
    /// How long the new one is valid; as long as the old one was made for if left out.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<SignedDuration>,
}

/// Revoke a token: it opens nothing from this moment on.
#[derive(Debug, Args)]
struct RevokeArgs {
    /// The token, by id or name; a name stands for every token that goes by it.
    id: String,
}

/// Runs `muster token`.
///
/// # Errors
/// No such tenant or token; a name that is taken.
pub fn run(context: &Context, args: TokenArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        TokenCommand::Create(args) => create(context, &tenancy, args),
        TokenCommand::List(_) => list(context, &tenancy),
        TokenCommand::Rotate(args) => rotate(context, &tenancy, &args),
        TokenCommand::Revoke(args) => revoke(context, &tenancy, &args),
    }
}

fn create(context: &Context, tenancy: &Tenancy, args: CreateArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("token create");
    let expires_at = args.expires_in.map(|lives| after(ctx.now, lives)).transpose()?;
    let name = match args.name {
        Some(name) => name,
        None => free_name(&tenancy.provider.tokens(tenancy.id())?, ctx.now),
    };
    let new = NewToken {
        name,
        dialect: args.dialect,
        scopes: args.scopes.unwrap_or(Scopes::ALL),
        expires_at,
        subject: args.subject,
    };
    let issued = tenancy.provider.create_token(&ctx, tenancy.id(), &new)?;
    show(context, tenancy, &issued, ctx.now)
}

fn rotate(context: &Context, tenancy: &Tenancy, args: &RotateArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("token rotate");
    let expires_at = args.expires_in.map(|lives| after(ctx.now, lives)).transpose()?;
    let issued =
        tenancy.provider.rotate_token(&ctx, tenancy.id(), &args.id, args.overlap, expires_at)?;
    show(context, tenancy, &issued, ctx.now)?;
    if !context.output.json {
        let until = moment(after(ctx.now, args.overlap)?);
        eprintln!("The old one is valid until {until} at the latest.");
    }
    Ok(())
}

fn revoke(context: &Context, tenancy: &Tenancy, args: &RevokeArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("token revoke");
    let revoked = tenancy.provider.revoke_token(&ctx, tenancy.id(), &args.id)?;
    for token in &revoked {
        context.output.say(format!("Revoked token {} ({}).", token.name, token.id));
    }
    let values: Vec<Value> = revoked.iter().map(|token| value(token, ctx.now)).collect();
    context.output.value(&Value::from(values))
}

fn list(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let now = tenancy.provider.clock().now();
    let tokens = tenancy.provider.tokens(tenancy.id())?;
    let row = |token: &Token| {
        vec![
            token.name.clone(),
            state(token, now).into(),
            token.last_used_at.map_or_else(|| "never".into(), moment),
            token.expires_at.map_or_else(|| "never".into(), moment),
            token.dialect.as_str().into(),
            token.scopes.to_string(),
            token.id.clone(),
        ]
    };
    listing(
        &context.output,
        &["Name", "State", "Last used", "Expires", "Dialect", "Scopes", "Id"],
        tokens.iter().map(row).collect(),
        tokens.iter().map(|token| value(token, now)).collect(),
    )
}

/// The token, alone, on standard output; what is to be known about it on standard error.
fn show(
    context: &Context,
    tenancy: &Tenancy,
    issued: &IssuedToken,
    now: Timestamp,
) -> Result<(), CommandError> {
    let token = &issued.token;
    if context.output.json {
        let mut shown = value(token, now);
        shown["token"] = Value::from(issued.secret.clone());
        return context.output.value(&shown);
    }
    writeln!(std::io::stdout(), "{}", issued.secret)?;
    let end = token
        .expires_at
        .map_or_else(|| "without an end".into(), |end| format!("valid until {}", moment(end)));
    eprintln!("Token {} ({}) of tenant {}, {end}.", token.name, token.id, tenancy.tenant.name);
    eprintln!("It is shown this once. SCIM base URL: {}", tenancy.provider.base_url());
    Ok(())
}

fn value(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "state": state(token, now),
        "dialect": token.dialect.as_str(),
        "scopes": token.scopes.to_string(),
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
        "rotated_from": token.rotated_from,
        "subject": token.subject,
    })
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    match (token.revoked_at, token.is_valid(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "valid",
        (None, false) => "expired",
    }
}

fn free_name(tokens: &[Token], now: Timestamp) -> String {
    let is_taken = |name: &String| tokens.iter().any(|t| t.name == *name && t.is_valid(now));
    let numbered = (2..DEFAULT_NAME_COUNT_MAX).map(|number| format!("{DEFAULT_NAME}-{number}"));
    let mut names = std::iter::once(DEFAULT_NAME.to_string()).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or_else(|| DEFAULT_NAME.into())
}

fn dialect(text: &str) -> Result<Dialect, String> {
    Dialect::from_name(text)
        .ok_or_else(|| "there are any, okta, entra, onelogin, jumpcloud, google, ping, rfc".into())
}

fn scopes(text: &str) -> Result<Scopes, String> {
    Scopes::parse(&text.replace(',', " "))
        .ok_or_else(|| "there are scim:read, scim:write, lifecycle and events:read".to_string())
}
