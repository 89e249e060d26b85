//! An installation: its configuration, its key file, and its halves. The halves are opened side by
//! side and never handed to each other; they meet over HTTP.

use std::path::{Path, PathBuf};

use db::Clock;
use directory::{Directory, DirectoryOptions, Outbound};
use service_provider::ServiceProvider;

use crate::cli::Context;
use crate::config::{Config, DirectoryConfig};
use crate::error::CommandError;

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
        let config = self.config.service_provider.as_ref().ok_or_else(|| {
            CommandError::usage("this installation has no service provider")
                .hint("Add a [service_provider] section to the configuration.")
        })?;
        Ok(ServiceProvider::open(service_provider::Config {
            database: self.config.database(&config.database),
            public_url: config.public_url.clone(),
            key_file: Some(self.key_file()),
            clock: self.clock.clone(),
        })?)
    }

    fn directory_config(&self) -> Result<&DirectoryConfig, CommandError> {
        self.config.directory.as_ref().ok_or_else(|| {
            CommandError::usage("this installation has no directory")
                .hint("Add a [directory] section to the configuration.")
        })
    }
}
