//! Trying files: they are applied to an empty installation in a temporary folder, which finds the
//! mistakes that applying would find, also where there is no installation yet.

use db::{Clock, Ctx, KeyFile};
use directory::{Directory, DirectoryOptions, Outbound};
use service_provider::{Config, ServiceProvider};
use tempfile::TempDir;

use super::apply::apply;
use super::files::Files;
use crate::error::CommandError;

/// Tries files. People that applications are assigned to by name are not there, and are left out;
/// private hosts are taken to be allowed, and tokens are not read.
///
/// # Errors
/// The first mistake; the temporary folder cannot be written.
pub fn trial(files: &Files) -> Result<(), CommandError> {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    KeyFile::create(path("muster.key"))?;
    let clock = Clock::system();
    let hosts = files.applications.iter().filter_map(|file| host(&file.config.base_url));
    let directory = Directory::open(&DirectoryOptions {
        database: format!("sqlite:{}", path("directory.db").display()),
        key_file: path("muster.key"),
        clock: clock.clone(),
        outbound: Outbound::allow(hosts),
    })?;
    let service_provider = ServiceProvider::open(Config {
        database: format!("sqlite:{}", path("service-provider.db").display()),
        public_url: "http://127.0.0.1".into(),
        key_file: Some(path("muster.key")),
        clock: clock.clone(),
    })?;
    let mut tried = files.clone();
    for file in &mut tried.applications {
        file.token_file = None;
        file.config.assignments.retain(|assignment| assignment.person.is_none());
    }
    let ctx = Ctx::new("trial", "muster config test", &clock);
    apply(Some(&directory), Some(&service_provider), &ctx, &tried).map(drop).map_err(|error| {
        // Nothing was written that stays, so nothing is said about it.
        CommandError {
            hints: error.hints.into_iter().filter(|hint| hint != super::apply::STOPPED).collect(),
            ..error
        }
    })
}

fn host(url: &str) -> Option<String> {
    Some(reqwest::Url::parse(url).ok()?.host_str()?.to_string())
}
