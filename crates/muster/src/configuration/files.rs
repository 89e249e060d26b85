//! A folder of TOML files as the configuration of both halves.
//!
//! ```text
//! DIR/groups.toml                 [[group]] and [[rule]]
//! DIR/sources/*.toml              one source of people each
//! DIR/applications/*.toml         one application each
//! DIR/service-provider/*.toml     one tenant each
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use directory::{ApplicationConfig, GroupConfig, RuleConfig, SourceConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use service_provider::TenantConfig;

use super::problem::problem;
use crate::error::CommandError;

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most files in one folder.
const FILE_COUNT_MAX: usize = 1_000;

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
    /// A file that is no TOML, has a key nobody knows, or lacks one; two of a name; a folder without
    /// any file.
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
            return Err(CommandError::usage(format!("{} holds no configuration", dir.display()))
                .hint(
                    "It has groups.toml and the folders sources, applications and service-provider.",
                ));
        }
        files.refuse_twice(dir)?;
        Ok(files)
    }

    /// Whether a folder holds configuration already.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn are_in(dir: &Path) -> Result<bool, CommandError> {
        let folders = ["sources", "applications", "service-provider"];
        for folder in folders {
            if !tomls(&dir.join(folder))?.is_empty() {
                return Ok(true);
            }
        }
        Ok(dir.join("groups.toml").exists())
    }

    /// Writes a folder, one file a thing, over what is there.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>, CommandError> {
        let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
        if !self.groups.is_empty() || !self.rules.is_empty() {
            let groups = GroupsFile { groups: self.groups.clone(), rules: self.rules.clone() };
            texts.insert(dir.join("groups.toml"), to_toml(&groups)?);
        }
        let mut put = |folder: &str, name: &str, text: String| {
            let path = free(&texts, &dir.join(folder), &file_name(name));
            texts.insert(path, text);
        };
        for source in &self.sources {
            put("sources", &source.name, to_toml(source)?);
        }
        for application in &self.applications {
            put("applications", &application.config.name, to_toml(&application.config)?);
        }
        for tenant in &self.tenants {
            put("service-provider", &tenant.name, to_toml(tenant)?);
        }
        for (path, text) in &texts {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, text)?;
        }
        Ok(texts.into_keys().collect())
    }

    /// Two of a name would overwrite each other, and applying would never come to an end.
    fn refuse_twice(&self, dir: &Path) -> Result<(), CommandError> {
        let kinds: [(&str, Vec<&str>); 5] = [
            ("source", self.sources.iter().map(|thing| thing.name.as_str()).collect()),
            ("group", self.groups.iter().map(|thing| thing.name.as_str()).collect()),
            ("rule", self.rules.iter().map(|thing| thing.name.as_str()).collect()),
            ("application", self.applications.iter().map(|a| a.config.name.as_str()).collect()),
            ("tenant", self.tenants.iter().map(|thing| thing.name.as_str()).collect()),
        ];
        for (kind, names) in kinds {
            let mut seen = BTreeSet::new();
            for name in names {
                if !seen.insert(name.trim().to_lowercase()) {
                    return Err(CommandError::usage(format!(
                        "{} names the {kind} `{name}` twice",
                        dir.display()
                    ))
                    .hint("Names are unique whatever their case. Remove or rename one."));
                }
            }
        }
        Ok(())
    }
}

fn application(path: &Path) -> Result<ApplicationFile, CommandError> {
    let mut text = text(path)?;
    let table = toml::de::DeTable::parse(&text).map_err(|error| problem(path, &text, &error))?;
    let entry = table.get_ref().iter().find(|(key, _)| key.get_ref() == "token_file");
    let Some((key, value)) = entry else {
        return Ok(ApplicationFile { config: parse(path, &text)?, token_file: None });
    };
    let Some(file) = value.get_ref().as_str() else {
        return Err(CommandError::usage(format!("{}: token_file is no text", path.display())));
    };
    let token_file = path.parent().unwrap_or(Path::new(".")).join(file);
    // The key is this file's alone; where it stood stays blank, so that lines keep their numbers.
    let stood = key.span().start..value.span().end;
    let blank = " ".repeat(stood.len());
    drop(table);
    text.replace_range(stood, &blank);
    Ok(ApplicationFile { config: parse(path, &text)?, token_file: Some(token_file) })
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
        if paths.len() > FILE_COUNT_MAX {
            return Err(CommandError::usage(format!(
                "{} holds more than {FILE_COUNT_MAX} files",
                dir.display()
            )));
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
    std::fs::read_to_string(path)
        .map_err(|error| CommandError::usage(format!("{} cannot be read: {error}", path.display())))
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, CommandError> {
    toml::from_str(text).map_err(|error| problem(path, text, &error))
}

fn to_toml<T: Serialize>(value: &T) -> Result<String, CommandError> {
    toml::to_string_pretty(value).map_err(|error| CommandError::failed(error.to_string()))
}

/// The stem of the file a thing of this name is written to.
fn file_name(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    match plain.trim_matches('-') {
        "" => "unnamed".into(),
        stem => stem.into(),
    }
}

/// A path of this stem that no other thing is written to.
fn free(taken: &BTreeMap<PathBuf, String>, folder: &Path, stem: &str) -> PathBuf {
    let first = folder.join(format!("{stem}.toml"));
    let numbered = (2..=taken.len() + 2).map(|number| folder.join(format!("{stem}-{number}.toml")));
    let mut paths = std::iter::once(first.clone()).chain(numbered);
    paths.find(|path| !taken.contains_key(path)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    fn message(dir: &tempfile::TempDir) -> String {
        let error = Files::read(dir.path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string().replace(&dir.path().display().to_string(), "DIR")
    }

    #[test]
    fn the_token_file_lies_beside_the_application_and_moves_no_line() {
        let text = "name = \"zoom\"\ntoken_file = \"zoom.token\"\nbase_url = \"http://a\"\n";
        let dir = folder(&[("applications/zoom.toml", text)]);
        let files = Files::read(dir.path()).unwrap();
        let token_file = dir.path().join("applications").join("zoom.token");
        assert_eq!(files.applications[0].token_file, Some(token_file));
        assert_eq!(files.applications[0].config.name, "zoom");

        let dir = folder(&[("applications/zoom.toml", &format!("{text}match = 1\n"))]);
        assert_eq!(
            message(&dir),
            "DIR/applications/zoom.toml:4: the key `match` is not known\n  -> Did you mean `match_by`?"
        );
        let dir = folder(&[("applications/a.toml", "token_file = 1\n")]);
        assert_eq!(message(&dir), "DIR/applications/a.toml: token_file is no text");
    }

    #[test]
    fn two_of_a_name_and_a_folder_without_files_are_refused() {
        let dir = folder(&[("groups.toml", "[[group]]\nname = \"A\"\n[[group]]\nname = \"a\"\n")]);
        assert_eq!(
            message(&dir),
            "DIR names the group `a` twice\n  -> Names are unique whatever their case. Remove or rename one."
        );
        let dir = folder(&[("readme.md", "")]);
        assert!(message(&dir).starts_with("DIR holds no configuration\n"));
    }

    #[test]
    fn names_become_files_of_their_own() {
        let tenants = ["A b", "a-b", "日本"]
            .map(|name| TenantConfig { name: name.into(), ..TenantConfig::default() });
        let dir = tempfile::tempdir().unwrap();
        let files = Files { tenants: tenants.into(), ..Files::default() };
        let paths = files.write(dir.path()).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["a-b-2.toml", "a-b.toml", "unnamed.toml"]);
        let mut read = Files::read(dir.path()).unwrap();
        read.tenants.sort_by_key(|tenant| tenant.name.clone());
        assert_eq!(read, files);
    }
}
