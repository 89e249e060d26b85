//! What the HTTP face asks of whoever keeps the resources.
//!
//! A store never sees HTTP: it authenticates a bearer token, answers with resources, pages and
//! outcomes, and fails with a [`scim::Error`] that is shown to the client as it is.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use scim::{
    Error, IfMatch, MemberDelta, PatchRequest, Query, Resource, ResourceType, ScimType,
    ServiceProviderConfig, Tolerances, Tolerated,
};

use crate::View;

/// A store of resources, as the endpoints of RFC 7644 need it.
///
/// Cheap to clone: one clone serves each request.
pub trait Store: Clone + Send + Sync + 'static {
    /// Who sent a request, and with it which resources they may see (the tenant).
    type Caller: Clone + Send + Sync + 'static;

    /// Where the endpoints are reached from outside, without a slash at the end:
    /// `https://app.example.com/scim2`.
    fn base_url(&self) -> &str;

    /// The caller a bearer token stands for, or a 401 whose sentence says why there is none.
    fn authenticate(
        &self,
        bearer: Option<&str>,
    ) -> impl Future<Output = Result<Self::Caller, Error>> + Send;

    /// The resource types the caller sees.
    fn resource_types<'a>(&'a self, caller: &'a Self::Caller) -> &'a [Arc<ResourceType>];

    /// Which departures from the RFCs are accepted from the caller.
    fn tolerances<'a>(&'a self, caller: &'a Self::Caller) -> &'a Tolerances;

    /// What `/ServiceProviderConfig` says.
    fn config(&self, caller: &Self::Caller) -> ServiceProviderConfig;

    /// One resource, or a 404.
    fn get(
        &self,
        caller: &Self::Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        view: &View,
    ) -> impl Future<Output = Result<Stored, Error>> + Send;

    /// One page of the resources that a query finds.
    fn page(
        &self,
        caller: &Self::Caller,
        resource_type: &Arc<ResourceType>,
        query: &Query,
        view: &View,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Carries out a write, wholly or not at all.
    fn commit(
        &self,
        caller: &Self::Caller,
        command: Command,
    ) -> impl Future<Output = Result<Outcome, Error>> + Send;

    /// Carries out writes that refer to each other, all of them or none. The error says at which
    /// step it came up. Who cannot do that leaves this as it is: RFC 7644 3.7.1 lets a server give
    /// up on circles with a 409.
    fn commit_together(
        &self,
        _caller: &Self::Caller,
        steps: Vec<Step>,
    ) -> impl Future<Output = Result<Vec<Outcome>, (usize, Error)>> + Send {
        let detail = "this server does not make resources that name each other at once.";
        std::future::ready(Err((steps.len(), Error::new(409, detail))))
    }

    /// The resource that stands for the caller (RFC 7644 3.11, `/Me`), or a 501 that says why there
    /// is none.
    fn subject(&self, _caller: &Self::Caller) -> Result<(Arc<ResourceType>, String), Error> {
        Err(Error::new(501, "This server does not have /Me."))
    }

    /// Takes note of a request that has been answered. Must not block; may forget.
    fn log(&self, caller: Option<&Self::Caller>, record: RequestRecord);
}

/// A resource as the store gives it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its identifier.
    pub id: String,
    /// Its version, counted up with every change.
    pub version: u64,
    /// The resource with what only the server sets (`id`, `meta`, `groups`).
    pub shown: Shown,
}

/// The two forms a store may give a resource out in.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// As a document; the projection is applied to it.
    Resource(Resource),
    /// As the JSON text the client gets, written without parsing what is stored. Allowed only
    /// when [`View::is_plain`] says so.
    Json(String),
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The resources on it, in order.
    pub resources: Vec<Stored>,
    /// How many the query finds in all.
    pub total: u64,
}

/// A write: what, on which type of resource, and how the outcome shall be shown.
#[derive(Debug, Clone)]
pub struct Command {
    /// The type of resource.
    pub resource_type: Arc<ResourceType>,
    /// What to do.
    pub operation: Operation,
    /// How the client wants to see what came of it.
    pub view: View,
    /// What had to be tolerated to read the request: it tells what manner of client this is.
    pub tolerated: Vec<Tolerated>,
}

/// One of several writes that refer to each other: made from what came of those before it. It may
/// be asked more than once, as a transaction may have to begin anew.
pub struct Step(Box<MakeCommand>);

type MakeCommand = dyn Fn(&[Outcome]) -> Result<Command, Error> + Send + Sync;

impl Step {
    /// A step that this makes.
    pub fn new(
        make: impl Fn(&[Outcome]) -> Result<Command, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(make))
    }

    /// The write, after those before it came to this.
    pub fn command(&self, before: &[Outcome]) -> Result<Command, Error> {
        (self.0)(before)
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Step")
    }
}

/// The writes of RFC 7644.
#[derive(Debug, Clone)]
pub enum Operation {
    /// POST (3.3).
    Create {
        /// The new resource, without what only the server sets.
        resource: Resource,
        /// Its rows (`members`).
        members: MemberDelta,
    },
    /// PUT (3.5.1).
    Replace {
        /// Which.
        id: String,
        /// What the client wants it to be.
        resource: Resource,
        /// Its rows (`members`); no step leaves them alone.
        members: MemberDelta,
        /// The versions the client ties the write to.
        if_match: Option<IfMatch>,
    },
    /// PATCH (3.5.2).
    Patch {
        /// Which.
        id: String,
        /// The operations.
        request: PatchRequest,
        /// The versions the client ties the write to.
        if_match: Option<IfMatch>,
    },
    /// DELETE (3.6).
    Delete {
        /// Which.
        id: String,
        /// The versions the client ties the write to.
        if_match: Option<IfMatch>,
    },
}

/// What came of a write, and what had to be tolerated because of what was there.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What came of it.
    pub committed: Committed,
    /// What was accepted only while it was carried out.
    pub tolerated: Vec<Tolerated>,
}

impl From<Committed> for Outcome {
    fn from(committed: Committed) -> Self {
        Self { committed, tolerated: Vec::new() }
    }
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// 201: a resource that was not there before.
    Created(Stored),
    /// 200: the resource as it is now.
    Updated(Stored),
    /// 204: done, but the resource is too large to be sent back with every change.
    Unshown {
        /// Its identifier.
        id: String,
        /// Its version now.
        version: u64,
    },
    /// 204: it is gone.
    Deleted,
}

/// What a bulk request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkCount {
    /// The operations that were carried out or failed.
    pub operations: u64,
    /// Those that failed.
    pub failed: u64,
}

/// A request that has been answered.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// The path, relative to the base URL.
    pub path: String,
    /// The query string as it was sent. It may name people: redact before keeping it.
    pub query: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The detail error keyword of the answer.
    pub scim_type: Option<ScimType>,
    /// The sentence of the error, as the client got it.
    pub detail: Option<String>,
    /// What was accepted only because of a tolerance.
    pub tolerated: Vec<Tolerated>,
    /// What came of its operations, if it was a bulk request.
    pub bulk: Option<BulkCount>,
    /// From the head of the request to the head of the answer.
    pub elapsed: Duration,
    /// Who the client says it is.
    pub user_agent: Option<String>,
}
