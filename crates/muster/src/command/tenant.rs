//! `muster tenant`: the customers of the service provider.

use clap::{Args, Subcommand};
use serde_json::json;
use service_provider::{ServiceProvider, Tenant, TenantSettings};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::listing::{listing, moment, or};
use crate::output::bold;
use crate::tenancy::ctx;

/// Tenants: customers whose users, groups, licenses and tokens are walled off from one another.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    Create(CreateArgs),
    List(ListArgs),
}

/// Create a tenant.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The name; unique whatever its case.
    pub name: String,
}

/// List the tenants.
#[derive(Debug, Args)]
pub struct ListArgs {}

/// Runs `muster tenant`.
///
/// # Errors
/// A name that is taken or is none; the database failed.
pub fn run(context: &Context, command: TenantCommand) -> Result<(), CommandError> {
    let provider = Installation::open(context)?.service_provider()?;
    match command {
        TenantCommand::Create(args) => create(context, &provider, &args),
        TenantCommand::List(_) => list(context, &provider),
    }
}

fn create(
    context: &Context,
    provider: &ServiceProvider,
    args: &CreateArgs,
) -> Result<(), CommandError> {
    let tenant = provider.create_tenant(&ctx(provider, "tenant create"), &args.name)?;
    context.output.say(format!("Created tenant {}.", tenant.name));
    let next = format!("muster token create --tenant {}", tenant.name);
    context.output.say(format!("Next: {}", bold(&next)));
    context.output.value(&json!({
        "id": tenant.id,
        "name": tenant.name,
        "created_at": tenant.created_at,
    }))
}

fn list(context: &Context, provider: &ServiceProvider) -> Result<(), CommandError> {
    let mut tenants: Vec<(Tenant, TenantSettings)> = Vec::new();
    for tenant in provider.tenants()? {
        let settings = provider.tenant_settings(&tenant.id)?;
        tenants.push((tenant, settings));
    }
    let rows = tenants.iter().map(|(tenant, settings)| {
        vec![
            tenant.name.clone(),
            or(settings.default_license.as_ref(), "none"),
            settings.self_signup.as_str().into(),
            settings.adopt.as_str().into(),
            moment(tenant.created_at),
        ]
    });
    let values = tenants.iter().map(|(tenant, settings)| {
        json!({
            "id": tenant.id,
            "name": tenant.name,
            "created_at": tenant.created_at,
            "settings": settings,
        })
    });
    listing(
        &context.output,
        &["Name", "Default license", "Self-signup", "Adopts", "Created"],
        rows.collect(),
        values.collect(),
    )
}
