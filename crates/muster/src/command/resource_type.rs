//! `muster resource-type`: kinds of resources of a tenant's own, in the form of RFC 7643 section 6.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use service_provider::{Putting, ResourceTypeDefinition, TenantResourceType};

use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{joined, listing};
use crate::operator::json_file;
use crate::tenancy::{Tenancy, TenantOption};

/// Resource types that a tenant adds to those every tenant has.
#[derive(Debug, Args)]
pub struct ResourceTypeArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: ResourceTypeCommand,
}

#[derive(Debug, Subcommand)]
enum ResourceTypeCommand {
    Add(AddArgs),
    List(ListArgs),
    Remove(RemoveArgs),
}

/// Add a resource type, or change the description and the extensions of the one with its name, also
/// of User and Group.
#[derive(Debug, Args)]
struct AddArgs {
    /// A file in the form of RFC 7643 section 6; `-` is standard input.
    file: PathBuf,
}

/// List the resource types, with their endpoints and extensions.
#[derive(Debug, Args)]
struct ListArgs {}

/// Remove a resource type that has no resources.
#[derive(Debug, Args)]
struct RemoveArgs {
    /// The resource type.
    name: String,
}

/// Runs `muster resource-type`.
///
/// # Errors
/// No such tenant or resource type; a definition that is wrong; resources that are in the way.
pub fn run(context: &Context, args: ResourceTypeArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        ResourceTypeCommand::Add(args) => add(context, &tenancy, &args),
        ResourceTypeCommand::List(_) => list(context, &tenancy),
        ResourceTypeCommand::Remove(args) => remove(context, &tenancy, &args),
    }
}

fn add(context: &Context, tenancy: &Tenancy, args: &AddArgs) -> Result<(), CommandError> {
    let definition = ResourceTypeDefinition::read(&json_file(&args.file)?)?;
    let ctx = tenancy.ctx("resource-type add");
    let added =
        tenancy.provider.put_resource_type(&ctx, tenancy.id(), &definition, Putting::Either)?;
    context.output.say(format!("{} resources are at {} now.", added.name, added.endpoint));
    context.output.value(&serde_json::to_value(&added)?)
}

fn list(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let types = tenancy.provider.resource_types(tenancy.id())?;
    let row = |rt: &TenantResourceType| {
        let extensions = rt.schema_extensions.iter().map(|extension| {
            let mark = if extension.required { " (required)" } else { "" };
            format!("{}{mark}", extension.schema)
        });
        vec![
            rt.name.clone(),
            rt.endpoint.clone(),
            if rt.own { "the tenant's" } else { "everybody's" }.into(),
            rt.schema.clone(),
            joined(extensions),
        ]
    };
    let values = types.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = ["Name", "Endpoint", "Whose", "Schema", "Extensions"];
    listing(&context.output, &headings, types.iter().map(row).collect(), values)
}

fn remove(context: &Context, tenancy: &Tenancy, args: &RemoveArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("resource-type remove");
    tenancy.provider.remove_resource_type(&ctx, tenancy.id(), &args.name)?;
    context.output.say(format!("The resource type {} is gone.", args.name));
    context.output.value(&json!({ "removed": args.name }))
}
