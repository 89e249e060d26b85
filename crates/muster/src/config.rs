//! `muster.toml`: one typed configuration; unknown keys are refused with a suggestion.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::CommandError;

/// The whole configuration of an installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file with the key that seals secrets, relative to the configuration.
    #[serde(default = "default_key_file")]
    pub key_file: PathBuf,
    /// The identity-provider side; without this section it does not run.
    pub directory: Option<DirectoryConfig>,
    /// The application side; without this section it does not run.
    pub service_provider: Option<ServiceProviderConfig>,
    /// The folder that relative paths start from: where the file lies.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[directory]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// Address and port to listen on.
    #[serde(default = "default_directory_listen")]
    pub listen: String,
    /// `sqlite:PATH`, relative to the configuration.
    #[serde(default = "default_directory_database")]
    pub database: String,
    /// Hosts of private or loopback networks that applications may live on, such as `127.0.0.1`.
    #[serde(default)]
    pub private_hosts: Vec<String>,
    /// The file with the certificate chain, in PEM; with it the address speaks HTTPS.
    pub tls_certificate: Option<PathBuf>,
    /// The file with the certificate's private key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// Addresses and networks of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
}

/// `[service_provider]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceProviderConfig {
    /// Address and port to listen on.
    #[serde(default = "default_service_provider_listen")]
    pub listen: String,
    /// The address clients reach it under; resource locations start with it.
    #[serde(default = "default_public_url")]
    pub public_url: String,
    /// `sqlite:PATH`, relative to the configuration.
    #[serde(default = "default_service_provider_database")]
    pub database: String,
    /// The file with the certificate chain, in PEM; with it the address speaks HTTPS.
    pub tls_certificate: Option<PathBuf>,
    /// The file with the certificate's private key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// Addresses and networks of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// Hosts of private or loopback networks that webhooks may go to, such as `127.0.0.1`.
    #[serde(default)]
    pub private_hosts: Vec<String>,
}

const SECTIONS: &[(&str, &[&str])] = &[
    ("", &["key_file", "directory", "service_provider"]),
    (
        "directory",
        &["listen", "database", "private_hosts", "tls_certificate", "tls_key", "trusted_proxies"],
    ),
    (
        "service_provider",
        &[
            "listen",
            "public_url",
            "database",
            "private_hosts",
            "tls_certificate",
            "tls_key",
            "trusted_proxies",
        ],
    ),
];

fn default_key_file() -> PathBuf {
    "muster.key".into()
}
fn default_directory_listen() -> String {
    "127.0.0.1:8080".into()
}
fn default_directory_database() -> String {
    "sqlite:directory.db".into()
}
fn default_service_provider_listen() -> String {
    "127.0.0.1:8081".into()
}
fn default_public_url() -> String {
    "http://127.0.0.1:8081".into()
}
fn default_service_provider_database() -> String {
    "sqlite:service-provider.db".into()
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or has a key nobody knows.
    pub fn read(path: &Path) -> Result<Self, CommandError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            CommandError::usage(format!("{} cannot be read: {error}", path.display()))
                .hint("`muster init` writes one here; `--config FILE` names another.")
        })?;
        let mut config = Self::parse(&text).map_err(|error| CommandError {
            message: format!("{}: {}", path.display(), error.message),
            ..error
        })?;
        config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(config)
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| CommandError::usage(error.to_string()))?;
        for (section, known) in SECTIONS {
            let keys = if section.is_empty() {
                Some(&table)
            } else {
                table.get(*section).and_then(toml::Value::as_table)
            };
            for key in keys.into_iter().flat_map(toml::Table::keys) {
                if !known.contains(&key.as_str()) {
                    return Err(unknown_key(section, key, known));
                }
            }
        }
        toml::from_str(text).map_err(|error| CommandError::usage(error.to_string()))
    }

    /// A path of the configuration, from the folder the file lies in.
    pub fn path(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { path.to_path_buf() } else { self.folder.join(path) }
    }

    /// A database URL whose relative SQLite path starts from the folder the file lies in.
    pub fn database(&self, url: &str) -> String {
        match url.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", self.path(Path::new(path)).display()),
            None => url.to_string(),
        }
    }
}

fn unknown_key(section: &str, key: &str, known: &[&str]) -> CommandError {
    let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
    let error = CommandError::usage(format!("the key `{key}`{place} is not known"));
    match nearest(key, known) {
        Some(near) => error.hint(format!("Did you mean `{near}`?")),
        None => error.hint(format!("Known keys: {}.", known.join(", "))),
    }
}

/// The known word nearest to this one, if one is near at all.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.75;
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_without_its_section_does_not_run() {
        let config = Config::parse("[service_provider]\n").unwrap();
        assert!(config.directory.is_none());
        assert_eq!(config.service_provider.unwrap().listen, "127.0.0.1:8081");
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Config::parse(text).unwrap_err().to_string(), expected);
        };
        check(
            "[directory]\nlisten_on = \"127.0.0.1:1\"\n",
            "the key `listen_on` in [directory] is not known\n  -> Did you mean `listen`?",
        );
        check("[directry]\n", "the key `directry` is not known\n  -> Did you mean `directory`?");
    }

    #[test]
    fn relative_paths_start_where_the_file_lies() {
        let mut config = Config::parse("[directory]\n").unwrap();
        config.folder = "/etc/muster".into();
        assert_eq!(config.database("sqlite:directory.db"), "sqlite:/etc/muster/directory.db");
        assert_eq!(config.database("sqlite:/var/a.db"), "sqlite:/var/a.db");
        assert_eq!(config.path(Path::new("muster.key")), Path::new("/etc/muster/muster.key"));
    }
}
