//! `muster tenant`: the customers of the service provider.

use clap::{Args, Subcommand};
use serde_json::json;
use service_provider::{RequestQuery, ServiceProvider, Tenant, TenantSettings};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::listing::{listing, moment, or};
use crate::output::bold;
use crate::tenancy::{TenantOption, ctx};

/// Tenants: customers whose users, groups, licenses and tokens are walled off from one another.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    Create(CreateArgs),
    List(ListArgs),
    Requests(RequestsArgs),
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

/// Show the SCIM requests of a tenant, newest first, with what was tolerated in each.
#[derive(Debug, Args)]
pub struct RequestsArgs {
    #[command(flatten)]
    pub tenant: TenantOption,
    /// Only requests that were refused.
    #[arg(long)]
    pub failed: bool,
    /// Only requests in which a departure from the RFCs was accepted.
    #[arg(long)]
    pub tolerated: bool,
    /// Only requests that opened no tenant: without a token, or with one nobody knows.
    #[arg(long, conflicts_with = "tenant")]
    pub strangers: bool,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub limit: u16,
}

/// The least status of an answer that refuses.
const REFUSED_STATUS_MIN: u16 = 400;

/// Runs `muster tenant`.
///
/// # Errors
/// A name that is taken or is none; the database failed.
pub fn run(context: &Context, command: TenantCommand) -> Result<(), CommandError> {
    match command {
        TenantCommand::Create(args) => create(context, &open(context)?, &args),
        TenantCommand::List(_) => list(context, &open(context)?),
        TenantCommand::Requests(args) => requests(context, &args),
    }
}

fn open(context: &Context) -> Result<ServiceProvider, CommandError> {
    Installation::open(context)?.service_provider()
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

fn requests(context: &Context, args: &RequestsArgs) -> Result<(), CommandError> {
    let query = RequestQuery {
        status_min: args.failed.then_some(REFUSED_STATUS_MIN),
        tolerated_only: args.tolerated,
        limit: args.limit.into(),
    };
    let requests = if args.strangers {
        open(context)?.requests(None, &query)?
    } else {
        let tenancy = args.tenant.open(context)?;
        tenancy.provider.requests(Some(tenancy.id()), &query)?
    };
    let rows = requests.iter().map(|request| {
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let operations = request.operation_count.map(|count| {
            let failed_count = request.failed_count.unwrap_or_default();
            format!("{count} operations, {failed_count} failed")
        });
        let said = request.detail.iter().chain(&operations).chain(&request.tolerated);
        let said: Vec<&str> = said.map(String::as_str).collect();
        vec![
            moment(request.at),
            or(request.token.as_ref(), "-"),
            format!("{} {}{query}", request.method, request.path),
            request.status.to_string(),
            format!("{:.1}", request.elapsed_micros as f64 / 1_000.0),
            said.join("; "),
        ]
    });
    listing(
        &context.output,
        &["At", "Token", "Request", "Status", "ms", "Refused because, or tolerated"],
        rows.collect(),
        requests.iter().map(|request| json!(request)).collect(),
    )
}
