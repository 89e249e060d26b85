//! A folder of TOML files as the configuration of both halves.
//!
//! ```text
//! DIR/groups.toml                 [[group]] and [[rule]]
//! DIR/sources/*.toml              one source of people each
//! DIR/applications/*.toml         one application each
//! DIR/service-provider/*.toml     one tenant each
//! ```

use std::path::{Path, PathBuf};

use directory::{ApplicationConfig, GroupConfig, RuleConfig, SourceConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use service_provider::TenantConfig;

use crate::error::CommandError;

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The configuration of both halves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    /// Sources of people.
    pub sources: Vec<SourceConfig>,
    /// Groups.
    pub groups: Vec<GroupConfig>,
    /// Rules.
    pub rules: Vec<RuleConfig>,
    /// Applications, each with the file its token is read from, if it names one.
    pub applications: Vec<ApplicationFile>,
    /// Tenants.
    pub tenants: Vec<TenantConfig>,
}

/// An application's file.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationFile {
    /// The application.
    pub config: ApplicationConfig,
    /// Where its token is read from, relative to the file. The token itself stands in no file that is
    /// written here.
    pub token_file: Option<PathBuf>,
}

/// `groups.toml`
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsFile {
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupConfig>,
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleConfig>,
}

impl Files {
    /// Reads a folder.
    ///
    /// # Errors
    /// A file that is no TOML, has a key nobody knows, or lacks one; a folder without any file.
    pub fn read(dir: &Path) -> Result<Self, CommandError> {
        let mut files = Self::default();
        let groups = dir.join("groups.toml");
        if groups.exists() {
            let file: GroupsFile = read(&groups)?;
            files.groups = file.groups;
            files.rules = file.rules;
        }
        for path in tomls(&dir.join("sources"))? {
            files.sources.push(read(&path)?);
        }
        for path in tomls(&dir.join("applications"))? {
            files.applications.push(application(&path)?);
        }
        for path in tomls(&dir.join("service-provider"))? {
            files.tenants.push(read(&path)?);
        }
        if files == Self::default() {
            return Err(CommandError::usage(format!(
                "{} holds no configuration",
                dir.display()
            ))
            .hint("It has groups.toml and the folders sources, applications and service-provider."));
        }
        Ok(files)
    }

    /// Writes a folder, one file a thing, over what is there.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>, CommandError> {
        let mut written = Vec::new();
        let mut put = |path: PathBuf, text: String| -> Result<(), CommandError> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, text)?;
            written.push(path);
            Ok(())
        };
        let groups = GroupsFile { groups: self.groups.clone(), rules: self.rules.clone() };
        put(dir.join("groups.toml"), to_toml(&groups)?)?;
        for source in &self.sources {
            put(dir.join("sources").join(file_name(&source.name)), to_toml(source)?)?;
        }
        for application in &self.applications {
            let path = dir.join("applications").join(file_name(&application.config.name));
            put(path, to_toml(&application.config)?)?;
        }
        for tenant in &self.tenants {
            let path = dir.join("service-provider").join(file_name(&tenant.name));
            put(path, to_toml(tenant)?)?;
        }
        Ok(written)
    }
}

fn application(path: &Path) -> Result<ApplicationFile, CommandError> {
    let mut table: toml::Table = parse(path, &text(path)?)?;
    let token_file = match table.remove("token_file") {
        Some(toml::Value::String(file)) => {
            Some(path.parent().unwrap_or(Path::new(".")).join(file))
        }
        Some(_) => {
            return Err(CommandError::usage(format!("{}: token_file is no text", path.display())));
        }
        None => None,
    };
    let config = table.try_into().map_err(|error: toml::de::Error| wrong(path, &error))?;
    Ok(ApplicationFile { config, token_file })
}

fn tomls(dir: &Path) -> Result<Vec<PathBuf>, CommandError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, CommandError> {
    parse(path, &text(path)?)
}

fn text(path: &Path) -> Result<String, CommandError> {
    let length = std::fs::metadata(path)?.len();
    if length > FILE_BYTES_MAX {
        return Err(CommandError::usage(format!(
            "{} has {length} bytes; a configuration file has at most {FILE_BYTES_MAX}",
            path.display()
        )));
    }
    Ok(std::fs::read_to_string(path)?)
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, CommandError> {
    toml::from_str(text).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &toml::de::Error) -> CommandError {
    CommandError::usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
}

fn to_toml<T: Serialize>(value: &T) -> Result<String, CommandError> {
    toml::to_string_pretty(value).map_err(|error| CommandError::failed(error.to_string()))
}

/// The file a thing of this name is written to.
fn file_name(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("{}.toml", plain.trim_matches('-'))
}
