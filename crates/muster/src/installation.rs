//! An installation: its configuration, its key file, and its halves. The halves are opened side by
//! side and never handed to each other; they meet over HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use db::Clock;
use directory::{Directory, DirectoryOptions, Outbound};
use service_provider::ServiceProvider;

use crate::cli::Context;
use crate::config::{Config, DirectoryConfig, ServiceProviderConfig};
use crate::error::CommandError;
use crate::listening::{Certificate, Front, Proxies};

/// Which of the two halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The identity-provider side.
    Directory,
    /// The application side.
    ServiceProvider,
}

/// An installation whose configuration has been read.
pub struct Installation {
    config: Config,
    clock: Clock,
}

impl Installation {
    /// Reads the configuration a command was given.
    ///
    /// # Errors
    /// It cannot be read, or has keys nobody knows.
    pub fn open(context: &Context) -> Result<Self, CommandError> {
        Self::read(&context.config, Clock::system())
    }

    /// Reads a configuration file; `clock` is the time both halves live in.
    ///
    /// # Errors
    /// As [`Installation::open`].
    pub fn read(config: &Path, clock: Clock) -> Result<Self, CommandError> {
        Ok(Self { config: Config::read(config)?, clock })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The key file.
    pub fn key_file(&self) -> PathBuf {
        self.config.path(&self.config.key_file)
    }

    /// The directory.
    ///
    /// # Errors
    /// It is not configured, or cannot be opened.
    pub fn directory(&self) -> Result<Directory, CommandError> {
        let config = self.directory_config()?;
        Ok(Directory::open(&DirectoryOptions {
            database: self.config.database(&config.database),
            key_file: self.key_file(),
            clock: self.clock.clone(),
            outbound: Outbound::allow(config.private_hosts.iter().cloned()),
        })?)
    }

    /// The service provider.
    ///
    /// # Errors
    /// It is not configured, or cannot be opened.
    pub fn service_provider(&self) -> Result<ServiceProvider, CommandError> {
        let config = self.service_provider_config()?;
        let outbound = Outbound::allow(config.private_hosts.iter().cloned());
        let config = service_provider::Config {
            database: self.config.database(&config.database),
            public_url: config.public_url.clone(),
            key_file: Some(self.key_file()),
            clock: self.clock.clone(),
        };
        Ok(ServiceProvider::open_reaching(config, outbound)?)
    }

    /// What stands between clients and a half: its certificate and its proxies.
    ///
    /// # Errors
    /// The half is not configured, its certificate cannot be used, or a proxy is no address.
    pub fn front(&self, half: Half) -> Result<Front, CommandError> {
        let (certificate, key, proxies) = match half {
            Half::Directory => {
                let config = self.directory_config()?;
                (&config.tls_certificate, &config.tls_key, &config.trusted_proxies)
            }
            Half::ServiceProvider => {
                let config = self.service_provider_config()?;
                if config.tls_certificate.is_some() && !config.public_url.starts_with("https://") {
                    return Err(CommandError::usage(format!(
                        "the service provider has a certificate, but its `public_url` is {}",
                        config.public_url
                    ))
                    .hint("Let `public_url` start with https://, as clients will write it."));
                }
                (&config.tls_certificate, &config.tls_key, &config.trusted_proxies)
            }
        };
        let certificate = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (self.config.path(certificate), self.config.path(key));
                Some(Certificate::read(&certificate, &key)?)
            }
            _ => {
                return Err(CommandError::usage("a certificate and its key go together")
                    .hint("Set both `tls_certificate` and `tls_key`, or neither."));
            }
        };
        let proxies = Proxies::parse(proxies).map_err(|text| {
            CommandError::usage(format!("`{text}` in `trusted_proxies` is no address"))
                .hint("Write an address such as 10.0.0.7 or a network such as 10.0.0.0/8.")
        })?;
        Ok(Front { certificate, proxies: Arc::new(proxies) })
    }

    fn service_provider_config(&self) -> Result<&ServiceProviderConfig, CommandError> {
        self.config.service_provider.as_ref().ok_or_else(|| {
            CommandError::usage("this installation has no service provider")
                .hint("Add a [service_provider] section to the configuration.")
        })
    }

    fn directory_config(&self) -> Result<&DirectoryConfig, CommandError> {
        self.config.directory.as_ref().ok_or_else(|| {
            CommandError::usage("this installation has no directory")
                .hint("Add a [directory] section to the configuration.")
        })
    }
}
