//! `muster schema`: attributes of a tenant's own, as schemas in the form of RFC 7643 section 7.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use service_provider::{Putting, TenantSchema};

use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{joined, listing, moment};
use crate::operator::{counted, json_file};
use crate::tenancy::{Tenancy, TenantOption};

/// Schemas that a tenant adds to those every tenant has.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    Add(AddArgs),
    List(ListArgs),
    Show(ShowArgs),
    Remove(RemoveArgs),
}

/// Add a schema, or put it in the place of the one with its URN.
#[derive(Debug, Args)]
struct AddArgs {
    /// A file in the form of RFC 7643 section 7; `-` is standard input.
    file: PathBuf,
    /// The resource types it extends, separated by commas: User, Group or one of the tenant's.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    extends: Vec<String>,
    /// A resource of these types is invalid without it.
    #[arg(long, requires = "extends")]
    required: bool,
}

/// List the tenant's own schemas, and what uses them.
#[derive(Debug, Args)]
struct ListArgs {}

/// Print a schema as it is defined.
#[derive(Debug, Args)]
struct ShowArgs {
    /// The schema's URN.
    urn: String,
}

/// Remove a schema that no resource has data under.
#[derive(Debug, Args)]
struct RemoveArgs {
    /// The schema's URN.
    urn: String,
}

/// Runs `muster schema`.
///
/// # Errors
/// No such tenant or schema; a definition that is wrong; data that is in the way.
pub fn run(context: &Context, args: SchemaArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        SchemaCommand::Add(args) => add(context, &tenancy, &args),
        SchemaCommand::List(_) => list(context, &tenancy),
        SchemaCommand::Show(args) => show(context, &tenancy, &args),
        SchemaCommand::Remove(args) => remove(context, &tenancy, &args),
    }
}

fn add(context: &Context, tenancy: &Tenancy, args: &AddArgs) -> Result<(), CommandError> {
    let definition = json_file(&args.file)?;
    let extends: Vec<_> = args.extends.iter().map(|name| (name.clone(), args.required)).collect();
    let ctx = tenancy.ctx("schema add");
    let schema =
        tenancy.provider.put_schema(&ctx, tenancy.id(), &definition, &extends, Putting::Either)?;
    let attributes = counted(schema.schema.attributes.len() as u64, "attribute");
    context.output.say(format!("{} has {attributes}.", schema.schema.id));
    context.output.say(match users(&schema).as_str() {
        "-" => "No resource type uses it yet: add it again with --extends User.".to_owned(),
        types => format!("It is in force for {types}."),
    });
    context.output.value(&serde_json::to_value(&schema)?)
}

fn list(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let schemas = tenancy.provider.schemas(tenancy.id())?;
    let row = |row: &TenantSchema| {
        vec![
            row.schema.id.clone(),
            row.schema.name.clone(),
            row.schema.attributes.len().to_string(),
            users(row),
            row.used_by.iter().map(|used| used.resources).sum::<u64>().to_string(),
            row.changed_by.clone(),
            moment(row.changed_at),
        ]
    };
    let values = schemas.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = ["Schema", "Name", "Attributes", "Used by", "Resources", "Set by", "Since"];
    listing(&context.output, &headings, schemas.iter().map(row).collect(), values)
}

fn show(context: &Context, tenancy: &Tenancy, args: &ShowArgs) -> Result<(), CommandError> {
    let schema = tenancy.provider.schema(tenancy.id(), &args.urn)?;
    if context.output.json {
        return context.output.value(&serde_json::to_value(&schema)?);
    }
    context.output.say(serde_json::to_string_pretty(&schema.schema.to_json())?);
    Ok(())
}

fn remove(context: &Context, tenancy: &Tenancy, args: &RemoveArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("schema remove");
    tenancy.provider.remove_schema(&ctx, tenancy.id(), &args.urn)?;
    context.output.say(format!("{} is gone.", args.urn));
    context.output.value(&json!({ "removed": args.urn }))
}

/// The resource types that use a schema.
fn users(schema: &TenantSchema) -> String {
    joined(schema.used_by.iter().map(|used| {
        let mark = if used.core { " (its own)" } else { "" };
        let mark = if used.required && !used.core { " (required)" } else { mark };
        format!("{}{mark}", used.resource_type)
    }))
}
