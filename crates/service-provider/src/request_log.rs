//! The request log: what each tenant's clients asked, what they were told, and what was tolerated.
//!
//! It is kept apart from the data, in blocks, by a thread of its own. It may lose records, and
//! counts those it lost; what must not be lost are events. Bodies and values of filters are not in
//! it, tokens least of all.
//!
//! Requests leave their record in a bounded queue that the thread empties by the clock. Nobody is
//! woken for a record: that would cost more than the record.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use db::{Clock, Db, params};
use jiff::{SignedDuration, Timestamp};
use scim_server::RequestRecord;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::error::Chain;
use crate::limits::{
    REQUEST_AGE_DAYS_MAX, REQUEST_BLOCK_COUNT_MAX, REQUEST_COUNT_MAX, REQUEST_DETAIL_BYTES_MAX,
    REQUEST_FLUSH_INTERVAL, REQUEST_PRUNE_INTERVAL, REQUEST_QUEUE_MAX, REQUEST_TOLERATED_COUNT_MAX,
};
use crate::migrations::{REQUEST_LOG_MIGRATIONS, REQUEST_LOG_TRAIN};
use crate::provider::{PLATFORM, ServiceProvider};
use crate::tenant::TenantId;
use crate::{Error, Result};

const FORMAT_VERSION: i64 = 1;

/// Stands for the tenant where a request had no caller.
const NOBODY: &str = "";

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedRequest {
    /// When it was answered.
    pub at: Timestamp,
    /// The name of the token it carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The method.
    pub method: String,
    /// The path, relative to the SCIM base URL.
    pub path: String,
    /// The query, with the values of filters taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The detail error keyword of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim_type: Option<String>,
    /// The sentence of the error, as the client got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What was accepted only because of a tolerance, and where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerated: Vec<String>,
    /// How many operations of a bulk request were carried out or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_count: Option<u64>,
    /// How many of them failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_count: Option<u64>,
    /// How long it took, in microseconds.
    pub elapsed_micros: u64,
    /// Who the client said it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Which requests to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// Only answers with this status or a greater one: 400 shows what failed.
    pub status_min: Option<u16>,
    /// Only those in which something was tolerated.
    pub tolerated_only: bool,
    /// How many at most.
    pub limit: usize,
}

/// Where records are left, and the thread that writes them down.
#[derive(Debug)]
pub(crate) struct RequestLog {
    db: Db,
    shared: Arc<Shared>,
    thread: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    queue: Mutex<Queue>,
    closing: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    records: Vec<(Option<Caller>, Timestamp, RequestRecord)>,
    lost_count: u64,
    closed: bool,
}

impl ServiceProvider {
    /// The requests of a tenant, newest first. Requests without a tenant (no token, or one that is
    /// not known) are those of None.
    pub fn requests(
        &self,
        tenant: Option<&TenantId>,
        query: &RequestQuery,
    ) -> Result<Vec<LoggedRequest>> {
        self.request_log().flush()?;
        let tenant = tenant.map_or(NOBODY, TenantId::as_str);
        let mut found = Vec::new();
        let mut before = None::<String>;
        while found.len() < query.limit {
            let block = self.request_log().block_before(tenant, before.as_deref())?;
            let Some((id, records)) = block else { break };
            let wanted = records.into_iter().rev().filter(|record| {
                query.status_min.is_none_or(|status| record.status >= status)
                    && !(query.tolerated_only && record.tolerated.is_empty())
            });
            found.extend(wanted.take(query.limit - found.len()));
            before = Some(id);
        }
        Ok(found)
    }
}

impl RequestLog {
    pub(crate) fn open(url: &str, clock: Clock) -> Result<Self> {
        let db = Db::open(url, REQUEST_LOG_TRAIN, REQUEST_LOG_MIGRATIONS)?;
        let shared = Shared { clock, queue: Mutex::default(), closing: Condvar::new() };
        Ok(Self { db, shared: Arc::new(shared), thread: OnceLock::new() })
    }

    /// Leaves a record to be written down, or counts it as lost.
    pub(crate) fn note(&self, caller: Option<&Caller>, record: RequestRecord, at: Timestamp) {
        let mut queue = self.shared.lock();
        if queue.records.len() < REQUEST_QUEUE_MAX {
            queue.records.push((caller.cloned(), at, record));
        } else {
            queue.lost_count += 1;
        }
        drop(queue);
        // A command that serves nobody starts no thread.
        self.thread.get_or_init(|| self.start());
    }

    /// Writes down what waits.
    pub(crate) fn flush(&self) -> Result<()> {
        write_down(&self.db, &self.shared)
    }

    fn start(&self) -> Option<JoinHandle<()>> {
        let (db, shared) = (self.db.clone(), self.shared.clone());
        let started =
            std::thread::Builder::new().name("request-log".into()).spawn(move || run(&db, &shared));
        started.inspect_err(|error| tracing::error!(%error, "the request log has no thread")).ok()
    }

    fn block_before(
        &self,
        tenant: &str,
        before: Option<&str>,
    ) -> Result<Option<(String, Vec<LoggedRequest>)>> {
        let sql = "SELECT id, records FROM request_blocks WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT 1";
        // No id sorts after this: a UUID begins with a hexadecimal digit.
        let before = before.unwrap_or("g");
        let found = self.db.read(|r| {
            r.query_opt(sql, params![tenant, before], |row| Ok((row.text(0)?, row.text(1)?)))
        })?;
        let Some((id, text)) = found else { return Ok(None) };
        let records =
            serde_json::from_str(&text).map_err(|error| Error::stored("request log", error))?;
        Ok(Some((id, records)))
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.closing.notify_all();
        if let Some(Some(thread)) = self.thread.take() {
            // It writes down what waits; a thread that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(db: &Db, shared: &Shared) {
    let mut pruned_at = None::<Instant>;
    loop {
        let queue = shared.lock();
        let waited =
            shared.closing.wait_timeout_while(queue, REQUEST_FLUSH_INTERVAL, |queue| !queue.closed);
        let closed = waited.unwrap_or_else(PoisonError::into_inner).0.closed;
        let mut outcome = write_down(db, shared);
        if outcome.is_ok() && pruned_at.is_none_or(|at| at.elapsed() >= REQUEST_PRUNE_INTERVAL) {
            pruned_at = Some(Instant::now());
            outcome = prune(db, shared.clock.now());
        }
        if let Err(error) = outcome {
            tracing::warn!(error = %Chain(&error), "requests could not be logged");
        }
        if closed {
            return;
        }
    }
}

/// Writes one block for each tenant that has records waiting.
fn write_down(db: &Db, shared: &Shared) -> Result<()> {
    let mut queue = shared.lock();
    if queue.records.is_empty() && queue.lost_count == 0 {
        return Ok(());
    }
    let lost_count = std::mem::take(&mut queue.lost_count);
    let records = std::mem::take(&mut queue.records);
    drop(queue);
    let mut by_tenant: BTreeMap<String, Vec<LoggedRequest>> = BTreeMap::new();
    for (caller, at, record) in records {
        let tenant = caller.as_ref().map_or(NOBODY, |caller| caller.tenant().as_str());
        let token = caller.as_ref().map(|caller| caller.token().name.clone());
        by_tenant.entry(tenant.to_owned()).or_default().push(redacted(token, at, record));
    }
    let mut blocks = Vec::new();
    for (tenant, records) in by_tenant {
        for part in records.chunks(REQUEST_BLOCK_COUNT_MAX) {
            let text =
                serde_json::to_string(part).map_err(|error| Error::stored("request log", error))?;
            blocks.push((tenant.clone(), part.last().map(|record| record.at), part.len(), text));
        }
    }
    db.write(PLATFORM, move |tx| {
        // Whose the lost ones were is lost with them: the first block says how many.
        let mut lost_count = lost_count;
        for (tenant, last_at, count, text) in &blocks {
            tx.execute(
                "INSERT INTO request_blocks (tenant, id, last_at, record_count, lost_count, format_version, records) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![tenant, db::new_id(), *last_at, *count, std::mem::take(&mut lost_count), FORMAT_VERSION, text],
            )?;
        }
        Ok(())
    })
}

/// Removes what is too old, and what is too much.
fn prune(db: &Db, now: Timestamp) -> Result<()> {
    db.write(PLATFORM, move |tx| {
        let oldest = now - SignedDuration::from_hours(24 * REQUEST_AGE_DAYS_MAX);
        tx.execute("DELETE FROM request_blocks WHERE last_at < $1", params![oldest])?;
        tx.execute(
            "DELETE FROM request_blocks WHERE (tenant, id) IN (SELECT b.tenant, b.id FROM (\
             SELECT tenant, id, SUM(record_count) OVER (PARTITION BY tenant ORDER BY id DESC) AS so_far \
             FROM request_blocks) b WHERE b.so_far > $1)",
            params![REQUEST_COUNT_MAX],
        )?;
        Ok(())
    })
}

fn redacted(token: Option<String>, at: Timestamp, record: RequestRecord) -> LoggedRequest {
    let mut detail = record.detail;
    if let Some(detail) = &mut detail {
        let mut end = detail.len().min(REQUEST_DETAIL_BYTES_MAX);
        while !detail.is_char_boundary(end) {
            end -= 1;
        }
        detail.truncate(end);
    }
    LoggedRequest {
        at,
        token,
        method: record.method,
        path: record.path,
        query: record.query.as_deref().map(redact_query),
        status: record.status,
        scim_type: record.scim_type.map(|keyword| keyword.as_str().to_owned()),
        detail,
        tolerated: record
            .tolerated
            .iter()
            .take(REQUEST_TOLERATED_COUNT_MAX)
            .map(ToString::to_string)
            .collect(),
        operation_count: record.bulk.map(|bulk| bulk.operations),
        failed_count: record.bulk.map(|bulk| bulk.failed),
        elapsed_micros: u64::try_from(record.elapsed.as_micros()).unwrap_or(u64::MAX),
        user_agent: record.user_agent,
    }
}

/// The query with its shape and without whom it was about: parameters that hold no values of
/// people stay, a filter keeps its words up to the first value.
fn redact_query(query: &str) -> String {
    const HARMLESS: [&str; 6] =
        ["startIndex", "count", "sortBy", "sortOrder", "attributes", "excludedAttributes"];
    let parts = query.split('&').map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(name)) {
            return part.to_owned();
        }
        if !name.eq_ignore_ascii_case("filter") {
            return format!("{name}=…");
        }
        let words = value.replace("%20", " ").replace('+', " ");
        let mut shape: Vec<&str> = Vec::new();
        for word in words.split(' ').filter(|word| !word.is_empty()).take(2) {
            if word.contains(['"', '@']) || word.contains("%22") || word.contains("%40") {
                break;
            }
            shape.push(word);
        }
        format!("filter={} …", shape.join(" "))
    });
    parts.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_query_keeps_its_shape_and_loses_its_values() {
        let check = |query: &str, expected: &str| assert_eq!(redact_query(query), expected);
        check("startIndex=1&count=100", "startIndex=1&count=100");
        check("filter=userName%20eq%20%22ana%40x%22&count=1", "filter=userName eq …&count=1");
        check("filter=userName+eq+ana@x", "filter=userName eq …");
        check("filter=emails%5Btype+eq+%22work%22%5D", "filter=emails%5Btype eq …");
        check("filter=%22ana%22", "filter= …");
        check("ana@x", "ana@x=…");
    }

    fn record(status: u16) -> RequestRecord {
        RequestRecord {
            method: "GET".into(),
            path: "/Users".into(),
            query: None,
            status,
            scim_type: None,
            detail: Some("ü".repeat(REQUEST_DETAIL_BYTES_MAX)),
            bulk: None,
            tolerated: Vec::new(),
            elapsed: Duration::from_micros(5),
            user_agent: None,
        }
    }

    fn count(log: &RequestLog) -> i64 {
        let sql = "SELECT COALESCE(SUM(record_count), 0) FROM request_blocks";
        log.db.read(|r| r.query_one(sql, &[], |row| row.int(0))).unwrap()
    }

    #[test]
    fn records_are_written_down_when_the_log_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let url = db::testing::url(&folder.path().join("log.db"));
        let log = RequestLog::open(&url, Clock::system()).unwrap();
        log.note(None, record(200), Timestamp::now());
        drop(log);
        let log = RequestLog::open(&url, Clock::system()).unwrap();
        assert_eq!(count(&log), 1);
    }

    #[test]
    fn what_is_too_old_or_too_much_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let url = db::testing::url(&folder.path().join("log.db"));
        let clock = Clock::fixed("2026-11-24T00:00:00Z".parse().unwrap());
        let log = RequestLog::open(&url, clock.clone()).unwrap();
        let block = |at: Timestamp, record_count: u64| {
            log.db
                .write(PLATFORM, move |tx| {
                    tx.execute(
                        "INSERT INTO request_blocks VALUES ('t', $1, $2, $3, 0, 1, '[]')",
                        params![db::new_id(), at, record_count],
                    )
                })
                .unwrap();
        };
        block(clock.now() - SignedDuration::from_hours(24 * REQUEST_AGE_DAYS_MAX + 1), 7);
        block(clock.now(), REQUEST_COUNT_MAX);
        block(clock.now(), 5);
        prune(&log.db, clock.now()).unwrap();
        assert_eq!(count(&log), 5);
    }

    #[test]
    fn a_full_queue_loses_records_and_says_how_many() {
        let folder = tempfile::tempdir().unwrap();
        let url = db::testing::url(&folder.path().join("log.db"));
        let log = RequestLog::open(&url, Clock::system()).unwrap();
        // As if the thread were started and slow.
        log.thread.set(None).unwrap();
        for _ in 0..REQUEST_QUEUE_MAX + 3 {
            log.note(None, record(200), Timestamp::now());
        }
        log.flush().unwrap();
        assert_eq!(count(&log), i64::try_from(REQUEST_QUEUE_MAX).unwrap());
        let sql = "SELECT SUM(lost_count) FROM request_blocks";
        assert_eq!(log.db.read(|r| r.query_one(sql, &[], |row| row.int(0))).unwrap(), 3);
    }
}
