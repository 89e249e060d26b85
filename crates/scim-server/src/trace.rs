//! What is learnt about a request on its way, for the request log.

use std::time::Instant;

use axum::http::request::Parts;
use scim::{Error, Tolerated};

use crate::request;
use crate::store::{BulkCount, RequestRecord};

/// A request on its way: who sent it, and what was tolerated.
pub(crate) struct Trace<C> {
    pub(crate) caller: Option<C>,
    pub(crate) tolerated: Vec<Tolerated>,
    pub(crate) bearer_was_sent: bool,
    /// What `/Me` stands for: the permanent location of the resource.
    pub(crate) alias: Option<String>,
    /// What a bulk request came to.
    pub(crate) bulk: Option<BulkCount>,
    started: Instant,
    method: String,
    path: String,
    query: Option<String>,
    user_agent: Option<String>,
}

impl<C> Trace<C> {
    pub(crate) fn of(head: &Parts) -> Self {
        Self {
            caller: None,
            tolerated: Vec::new(),
            bearer_was_sent: false,
            alias: None,
            bulk: None,
            started: Instant::now(),
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            user_agent: request::user_agent(&head.headers),
        }
    }

    pub(crate) fn finish(self, status: u16, error: Option<&Error>) -> (Option<C>, RequestRecord) {
        let record = RequestRecord {
            method: self.method,
            path: self.path,
            query: self.query,
            status,
            scim_type: error.and_then(|error| error.scim_type),
            detail: error.map(|error| error.detail.clone()),
            tolerated: self.tolerated,
            bulk: self.bulk,
            elapsed: self.started.elapsed(),
            user_agent: self.user_agent,
        };
        (self.caller, record)
    }
}
