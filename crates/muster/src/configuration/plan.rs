//! What applying files would change, in the order in which it is done: tenants, groups, rules,
//! sources, applications.

use directory::{ApplicationConfig, Directory, GroupConfig, RuleConfig, SourceConfig};
use serde::Serialize;
use service_provider::ServiceProvider;

use super::change::{ConfigChange, ConfigVerb, changes, kept};
use super::check::check;
use super::files::{ApplicationFile, Files};
use super::problem::of_tenant;
use crate::error::CommandError;

/// What applying files would change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ConfigPlan {
    /// The changes, and what is kept though no file names it.
    pub changes: Vec<ConfigChange>,
    /// What the files say to a half that this installation does not have, a sentence each.
    pub skipped: Vec<String>,
}

impl ConfigPlan {
    /// Whether applying would change nothing.
    pub fn is_nothing(&self) -> bool {
        self.changes.iter().all(|change| change.verb == ConfigVerb::Keep)
    }

    /// How many things are to be made, changed, or kept.
    pub fn count(&self, verb: ConfigVerb) -> usize {
        self.changes.iter().filter(|change| change.verb == verb).count()
    }
}

/// Says what applying the files would change.
///
/// # Errors
/// A configuration that cannot be; a database failed.
pub fn plan(
    directory: Option<&Directory>,
    service_provider: Option<&ServiceProvider>,
    files: &Files,
) -> Result<ConfigPlan, CommandError> {
    let mut plan = ConfigPlan::default();
    match service_provider {
        Some(service_provider) => plan.changes.extend(tenants(service_provider, files)?),
        None => skip(&mut plan, "service provider", &[(files.tenants.len(), "tenant")]),
    }
    match directory {
        Some(directory) => plan.changes.extend(of_directory(directory, files)?),
        None => skip(
            &mut plan,
            "directory",
            &[
                (files.groups.len(), "group"),
                (files.rules.len(), "rule"),
                (files.sources.len(), "source"),
                (files.applications.len(), "application"),
            ],
        ),
    }
    Ok(plan)
}

/// What is there, as files that change nothing when they are applied.
///
/// # Errors
/// A database failed.
pub fn export(
    directory: Option<&Directory>,
    service_provider: Option<&ServiceProvider>,
) -> Result<Files, CommandError> {
    let mut files = Files::default();
    if let Some(service_provider) = service_provider {
        for tenant in service_provider.tenants()? {
            files.tenants.push(service_provider.tenant_config(tenant.id.as_str())?);
        }
    }
    if let Some(directory) = directory {
        files.groups = groups(directory)?;
        files.rules = rules(directory)?;
        files.sources = sources(directory)?;
        files.applications = applications(directory)?
            .into_iter()
            .map(|config| ApplicationFile { config, token_file: None })
            .collect();
    }
    Ok(files)
}

fn tenants(
    service_provider: &ServiceProvider,
    files: &Files,
) -> Result<Vec<ConfigChange>, CommandError> {
    let mut found = Vec::new();
    for tenant in &files.tenants {
        let change = service_provider
            .tenant_change(tenant)
            .map_err(|error| of_tenant(&tenant.name, error))?;
        if change.is_nothing() {
            continue;
        }
        let verb = if change.is_new { ConfigVerb::Create } else { ConfigVerb::Change };
        let details = change.differences;
        found.push(ConfigChange { kind: "tenant", name: change.name, verb, details });
    }
    let named: Vec<String> = files.tenants.iter().map(|one| one.name.to_lowercase()).collect();
    let present = service_provider.tenants()?;
    let unnamed = present.iter().filter(|one| !named.contains(&one.name.to_lowercase()));
    found.extend(unnamed.map(|one| kept("tenant", &one.name)));
    Ok(found)
}

fn of_directory(directory: &Directory, files: &Files) -> Result<Vec<ConfigChange>, CommandError> {
    check(directory, files)?;
    let present_groups = groups(directory)?;
    let present_applications = applications(directory)?;
    let wanted_rules = rules_as_stored(files, &present_groups);
    let wanted_applications: Vec<ApplicationConfig> =
        files.applications.iter().map(|file| file.config.clone()).collect();
    let mut found = changes("group", &files.groups, &present_groups, |one| &one.name);
    found.extend(changes("rule", &wanted_rules, &rules(directory)?, |one| &one.name));
    found.extend(changes("source", &files.sources, &sources(directory)?, |one| &one.name));
    found.extend(changes("application", &wanted_applications, &present_applications, |one| {
        &one.name
    }));
    Ok(found)
}

/// The rules of the files as the directory keeps them: their groups in its order and spelling.
fn rules_as_stored(files: &Files, present: &[GroupConfig]) -> Vec<RuleConfig> {
    let spelled = |name: &String| {
        let key = name.trim().to_lowercase();
        let known = files.groups.iter().chain(present);
        let found = known.map(|group| &group.name).find(|known| known.trim().to_lowercase() == key);
        found.unwrap_or(name).clone()
    };
    let stored = |rule: &RuleConfig| {
        let mut groups: Vec<String> = rule.groups.iter().map(spelled).collect();
        groups.sort();
        groups.dedup();
        RuleConfig { groups, ..rule.clone() }
    };
    files.rules.iter().map(stored).collect()
}

fn groups(directory: &Directory) -> Result<Vec<GroupConfig>, CommandError> {
    Ok(directory.groups()?.into_iter().map(|stored| stored.config).collect())
}

fn rules(directory: &Directory) -> Result<Vec<RuleConfig>, CommandError> {
    Ok(directory.rules()?.into_iter().map(|stored| stored.config).collect())
}

fn sources(directory: &Directory) -> Result<Vec<SourceConfig>, CommandError> {
    Ok(directory.sources()?.into_iter().map(|stored| stored.config).collect())
}

fn applications(directory: &Directory) -> Result<Vec<ApplicationConfig>, CommandError> {
    Ok(directory.applications()?.into_iter().map(|stored| stored.config).collect())
}

fn skip(plan: &mut ConfigPlan, half: &str, counts: &[(usize, &str)]) {
    let counted: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| format!("{count} {noun}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if !counted.is_empty() {
        plan.skipped
            .push(format!("This installation has no {half}: {} skipped.", counted.join(", ")));
    }
}
