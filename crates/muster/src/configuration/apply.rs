//! Applying files: what the plan says, in its order.

use std::path::PathBuf;

use db::Ctx;
use directory::Directory;
use serde::Serialize;
use service_provider::ServiceProvider;

use super::files::Files;
use super::plan::{ConfigPlan, plan};
use super::problem::{of_directory, of_tenant};
use crate::error::CommandError;
use crate::operator;

/// What is said beside a mistake that only came up while writing.
pub const STOPPED: &str = "What came before it is applied. Correct it and apply again.";

/// What applying files did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// What was changed.
    #[serde(flatten)]
    pub plan: ConfigPlan,
    /// The applications whose token was read from a file and sealed.
    pub sealed_tokens: Vec<String>,
}

/// Applies files to the halves that are there. Each thing is written whole or not at all; what has
/// been written before a mistake stays, and applying again goes on from there.
///
/// # Errors
/// A configuration that cannot be, with the thing it is of; a token file that cannot be read.
pub fn apply(
    directory: Option<&Directory>,
    service_provider: Option<&ServiceProvider>,
    ctx: &Ctx,
    files: &Files,
) -> Result<Applied, CommandError> {
    // Before anything is written: a token that is missing should stop all of it.
    let tokens = tokens(directory, files)?;
    let plan = plan(directory, service_provider, files)?;
    if let Some(service_provider) = service_provider {
        for tenant in &files.tenants {
            service_provider
                .put_tenant_config(ctx, tenant)
                .map_err(|error| stopped(of_tenant(&tenant.name, error)))?;
        }
    }
    if let Some(directory) = directory {
        put_in_directory(directory, ctx, files)?;
    }
    let mut sealed_tokens = Vec::new();
    if let Some(directory) = directory {
        for (application, token) in tokens {
            directory.set_application_token(ctx, &application, &token)?;
            sealed_tokens.push(application);
        }
    }
    Ok(Applied { plan, sealed_tokens })
}

fn put_in_directory(directory: &Directory, ctx: &Ctx, files: &Files) -> Result<(), CommandError> {
    for group in &files.groups {
        let put = directory.put_group(ctx, group);
        put.map_err(|error| stopped(of_directory("group", &group.name, error)))?;
    }
    for rule in &files.rules {
        let put = directory.put_rule(ctx, rule);
        put.map_err(|error| stopped(of_directory("rule", &rule.name, error)))?;
    }
    for source in &files.sources {
        let put = directory.put_source(ctx, source);
        put.map_err(|error| stopped(of_directory("source", &source.name, error)))?;
    }
    for file in &files.applications {
        let put = directory.put_application(ctx, &file.config);
        put.map_err(|error| stopped(of_directory("application", &file.config.name, error)))?;
    }
    Ok(())
}

fn tokens(
    directory: Option<&Directory>,
    files: &Files,
) -> Result<Vec<(String, String)>, CommandError> {
    let with_file = |file: &super::ApplicationFile| -> Option<(String, PathBuf)> {
        Some((file.config.name.clone(), file.token_file.clone()?))
    };
    let named = files.applications.iter().filter_map(with_file).filter(|_| directory.is_some());
    named.map(|(application, path)| Ok((application, operator::token(&path)?))).collect()
}

fn stopped(error: CommandError) -> CommandError {
    error.hint(STOPPED)
}
