//! What can be found wrong with files before anything is written.

use std::collections::BTreeSet;

use directory::{Directory, RuleConfig};
use lifecycle::Rule;

use super::files::Files;
use super::problem::of_directory;
use crate::config::nearest;
use crate::error::CommandError;

/// Checks the directory's part of the files: conditions, mappings of columns, profiles, and that
/// every group that is named is in the files or in the directory.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(directory: &Directory, files: &Files) -> Result<(), CommandError> {
    let present = directory.groups()?;
    let mut groups: BTreeSet<&str> = present.iter().map(|one| one.config.name.trim()).collect();
    groups.extend(files.groups.iter().map(|one| one.name.trim()));
    for rule in &files.rules {
        condition(rule)?;
        for group in &rule.groups {
            known(&groups, "rule", &rule.name, group)?;
        }
    }
    for source in &files.sources {
        source.check().map_err(|error| of_directory("source", &source.name, error))?;
    }
    for file in &files.applications {
        let config = &file.config;
        let profile = config.application_profile().map(drop);
        profile.map_err(|error| of_directory("application", &config.name, error))?;
        let assigned = config.assignments.iter().filter_map(|one| one.group.as_deref());
        let pushed = config.push_groups.iter().map(|one| one.group.as_str());
        for group in assigned.chain(pushed) {
            known(&groups, "application", &config.name, group)?;
        }
    }
    Ok(())
}

fn condition(rule: &RuleConfig) -> Result<(), CommandError> {
    let checked = Rule::condition(&rule.condition).map(drop);
    checked.map_err(|error| {
        let before = error.column.saturating_sub(1);
        CommandError::usage(format!(
            "rule `{}`: the condition cannot be used\n  {}\n  {:before$}^ column {}: {}",
            rule.name, rule.condition, "", error.column, error.message
        ))
    })
}

fn known(groups: &BTreeSet<&str>, kind: &str, name: &str, group: &str) -> Result<(), CommandError> {
    let key = group.trim().to_lowercase();
    if groups.iter().any(|known| known.to_lowercase() == key) {
        return Ok(());
    }
    let error = CommandError::usage(format!(
        "{kind} `{name}` names the group `{group}`, which is neither in the files nor in the directory"
    ));
    let names: Vec<&str> = groups.iter().copied().collect();
    Err(match nearest(group, &names) {
        Some(near) => error.hint(format!("Did you mean `{near}`?")),
        None => error.hint("Add a [[group]] to groups.toml."),
    })
}
