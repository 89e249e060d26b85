//! The wire to one application: every request waits for its turn, and is noted as it went.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lifecycle::ApplicationProfile;
use scim::PatchRequest;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::rate::Bucket;
use super::settle::backoff;
use crate::client::{Answer, Failure, ListPage, ScimClient};
use crate::{Error, limits};

/// The connection to one application, shared by everybody who works on it.
pub(crate) struct Connection {
    client: ScimClient,
    permits: Semaphore,
    bucket: Bucket,
    closed: AtomicBool,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The application did not do it.
    Failed(Failure),
    /// It was not sent, because nothing is sent at the moment.
    NotNow,
    /// We failed.
    Internal(Error),
}

/// A request and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// `GET`, `POST`, `PUT` or `PATCH`.
    pub method: &'static str,
    /// The path below the base URL.
    pub path: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// What came of it.
    pub outcome: String,
}

/// The wire as one subject uses it.
pub(crate) struct Wire<'c> {
    connection: &'c Connection,
    /// What was sent so far.
    pub exchanges: Vec<Exchange>,
    /// Whether something was written that is not written down here yet.
    pub in_doubt: bool,
}

impl Connection {
    /// A connection that keeps to the profile's rate and concurrency.
    pub fn new(client: ScimClient, profile: &ApplicationProfile) -> Self {
        let concurrency = usize::try_from(profile.concurrency).unwrap_or(1).max(1);
        Self {
            client,
            permits: Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)),
            bucket: Bucket::new(profile.rate),
            closed: AtomicBool::new(false),
        }
    }

    /// Requests sent so far.
    pub fn request_count(&self) -> u64 {
        self.client.request_count()
    }

    /// Lets nothing more out, or lets it out again. What is under way is not called back.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// The wire for one subject.
    pub fn wire(&self) -> Wire<'_> {
        Wire { connection: self, exchanges: Vec::new(), in_doubt: false }
    }

    async fn send<T>(
        &self,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Trouble> {
        // The semaphore is never closed; if it were, sending without a permit would do no harm.
        let _permit = self.permits.acquire().await.ok();
        self.bucket.take().await;
        if self.closed.load(Ordering::SeqCst) {
            return Err(Trouble::NotNow);
        }
        let answer = request.await;
        // Before the next one gets its turn: everybody would meet the same.
        if answer.as_ref().is_err_and(Failure::concerns_everybody) {
            self.close(true);
        }
        answer.map_err(Trouble::Failed)
    }
}

impl Wire<'_> {
    /// How long to wait before asking again; none: longer than anybody wants to wait.
    pub fn patience(&self, failure: &Failure, attempt: u32) -> Option<Duration> {
        let until = match failure {
            Failure::RateLimited { until, .. } | Failure::Broken { until, .. } => *until,
            _ => None,
        };
        let Some(until) = until else { return Some(backoff(attempt)) };
        let wait = until.duration_since(self.connection.client.now());
        (wait.as_secs() <= limits::PAUSE_WAIT_SECS_MAX)
            .then(|| if wait.is_positive() { wait.unsigned_abs() } else { backoff(attempt) })
    }

    /// Lets requests out again after a wait.
    pub fn reopen(&self) {
        self.connection.close(false);
    }

    /// One page of a list.
    pub async fn list(
        &mut self,
        endpoint: &str,
        (start_index, count): (u64, u64),
        excluded: Option<&str>,
    ) -> Result<ListPage, Trouble> {
        let request = self.connection.client.list(endpoint, start_index, count, excluded);
        let answer = self.connection.send(request).await;
        let path = format!("{endpoint}?startIndex={start_index}&count={count}");
        self.note("GET", path, &answer, |page| (200, format!("{} found", page.resources.len())));
        answer
    }

    /// The resources whose attribute equals the value.
    pub async fn find(
        &mut self,
        endpoint: &str,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<Map<String, Value>>, Trouble> {
        let answer =
            self.connection.send(self.connection.client.find(endpoint, attribute, value)).await;
        let path = format!("{endpoint}?filter={attribute} eq \"{value}\"");
        self.note("GET", path, &answer, |found| (200, format!("{} found", found.len())));
        answer
    }

    /// One resource.
    pub async fn get(&mut self, endpoint: &str, id: &str) -> Result<Map<String, Value>, Trouble> {
        let answer = self.connection.send(self.connection.client.get(endpoint, id)).await;
        self.note("GET", format!("{endpoint}/{id}"), &answer, |_| (200, "read".into()));
        answer
    }

    /// Creates a resource.
    pub async fn create(
        &mut self,
        endpoint: &str,
        resource: &Map<String, Value>,
    ) -> Result<Answer, Trouble> {
        let answer = self.connection.send(self.connection.client.create(endpoint, resource)).await;
        self.note("POST", endpoint.to_string(), &answer, |answer| {
            (answer.status, "created".into())
        });
        answer
    }

    /// Changes a resource.
    pub async fn patch(
        &mut self,
        endpoint: &str,
        id: &str,
        request: &PatchRequest,
    ) -> Result<Answer, Trouble> {
        let answer =
            self.connection.send(self.connection.client.patch(endpoint, id, request)).await;
        let operations = request.operations.len();
        self.note("PATCH", format!("{endpoint}/{id}"), &answer, |answer| {
            (answer.status, format!("{operations} operations"))
        });
        answer
    }

    /// Replaces a resource.
    pub async fn put(
        &mut self,
        endpoint: &str,
        id: &str,
        resource: &Map<String, Value>,
    ) -> Result<Answer, Trouble> {
        let answer = self.connection.send(self.connection.client.put(endpoint, id, resource)).await;
        self.note("PUT", format!("{endpoint}/{id}"), &answer, |answer| {
            (answer.status, "replaced".into())
        });
        answer
    }

    fn note<T>(
        &mut self,
        method: &'static str,
        path: String,
        answer: &Result<T, Trouble>,
        success: impl FnOnce(&T) -> (u16, String),
    ) {
        let done = match answer {
            Ok(_) => true,
            Err(Trouble::Failed(failure)) => !failure.is_definite(),
            Err(Trouble::NotNow | Trouble::Internal(_)) => false,
        };
        self.in_doubt |= done && method != "GET";
        let (status, outcome) = match answer {
            Ok(answer) => {
                let (status, outcome) = success(answer);
                (Some(status), outcome)
            }
            Err(Trouble::Failed(failure)) => (failure.status(), failure.to_string()),
            Err(Trouble::NotNow | Trouble::Internal(_)) => return,
        };
        self.exchanges.push(Exchange { method, path, status, outcome });
    }
}

impl Failure {
    /// Whether the application certainly did nothing.
    pub(crate) fn is_definite(&self) -> bool {
        !matches!(self, Self::Unknown { .. } | Self::Broken { .. } | Self::Unreadable { .. })
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NotSent { .. }
            | Self::Unreachable { .. }
            | Self::Unknown { .. }
            | Self::WithoutEffect { .. } => None,
            Self::Unauthorized { .. } => Some(401),
            Self::Forbidden { .. } => Some(403),
            Self::NotFound { .. } => Some(404),
            Self::Conflict { .. } => Some(409),
            Self::RateLimited { status, .. }
            | Self::Refused { status, .. }
            | Self::Broken { status, .. }
            | Self::Unreadable { status, .. } => Some(*status),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl From<db::Error> for Trouble {
    fn from(error: db::Error) -> Self {
        Self::Internal(error.into())
    }
}
