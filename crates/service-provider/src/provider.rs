//! The service provider: what is open, and what everything else is a function over.

use std::sync::Arc;

use db::{Clock, Ctx, Db, KeyFile};
use outbound::Outbound;
use tokio::sync::Semaphore;

use crate::Result;
use crate::caller::Callers;
use crate::config::Config;
use crate::feed::Feed;
use crate::limits::SCAN_CONCURRENT_MAX;
use crate::migrations::{MIGRATIONS, TRAIN};
use crate::request_log::RequestLog;
use crate::schema::TypesInMemory;
use crate::store::Waypoints;
use crate::webhook::Sender;

/// The scope of what belongs to no tenant.
pub(crate) const PLATFORM: &str = "service-provider";

/// A service provider that is open: its tenants, tokens, users, groups and what hangs on them.
/// Clones share it.
#[derive(Debug, Clone)]
pub struct ServiceProvider {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    public_url: String,
    keys: Option<KeyFile>,
    feed: Feed,
    sender: Sender,
    base_url: Arc<str>,
    callers: Callers,
    types: TypesInMemory,
    waypoints: Waypoints,
    scans: Semaphore,
    request_log: RequestLog,
}

impl ServiceProvider {
    /// Opens the database, brings its schema up to date, and is ready to serve.
    pub fn open(config: Config) -> Result<Self> {
        Self::open_reaching(config, Outbound::default())
    }

    /// As [`ServiceProvider::open`]; webhooks may also lie on the private hosts that `outbound` names.
    pub fn open_reaching(config: Config, outbound: Outbound) -> Result<Self> {
        let public_url = config.trimmed_url()?;
        let keys = config.key_file.as_deref().map(KeyFile::open).transpose()?;
        let db = Db::open(&config.database, TRAIN, MIGRATIONS)?;
        let request_log = RequestLog::open(&config.request_log_database(), config.clock.clone())?;
        Ok(Self {
            inner: Arc::new(Inner {
                db,
                base_url: format!("{public_url}/scim2").into(),
                public_url,
                keys,
                feed: Feed::default(),
                sender: Sender::reaching(outbound.in_section("service_provider")),
                clock: config.clock,
                callers: Callers::default(),
                types: TypesInMemory::default(),
                waypoints: Waypoints::default(),
                scans: Semaphore::new(SCAN_CONCURRENT_MAX),
                request_log,
            }),
        })
    }

    /// A context for what `actor` does now, because of `cause`.
    pub fn ctx(&self, actor: impl Into<String>, cause: impl Into<String>) -> Ctx {
        Ctx::new(actor, cause, self.clock())
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The address clients reach it at, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.inner.public_url
    }

    /// The address of its SCIM endpoints.
    pub fn base_url(&self) -> &str {
        &self.inner.base_url
    }

    /// The database.
    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    /// The key file that secrets are sealed with, if the installation has one.
    pub(crate) fn keys(&self) -> Option<&KeyFile> {
        self.inner.keys.as_ref()
    }

    /// What messages are sent with.
    pub(crate) fn sender(&self) -> &Sender {
        &self.inner.sender
    }

    pub(crate) fn feed_state(&self) -> &Feed {
        &self.inner.feed
    }

    pub(crate) fn base_url_shared(&self) -> Arc<str> {
        self.inner.base_url.clone()
    }

    pub(crate) fn callers(&self) -> &Callers {
        &self.inner.callers
    }

    pub(crate) fn types_in_memory(&self) -> &TypesInMemory {
        &self.inner.types
    }

    pub(crate) fn waypoints(&self) -> &Waypoints {
        &self.inner.waypoints
    }

    pub(crate) fn scans(&self) -> &Semaphore {
        &self.inner.scans
    }

    pub(crate) fn request_log(&self) -> &RequestLog {
        &self.inner.request_log
    }
}
