//! One page of a query.
//!
//! Without a filter, in the order of ids or of an indexed column, a page costs what is on it, and
//! the total comes from the counter. With a filter, an index gives the candidates where it can;
//! otherwise rows are looked at one batch after another, up to a limit, on a thread that may block.

use std::sync::Arc;

use db::{Read, params};
use scim::{
    AttributePath, Error as ScimError, Filter, Query, ResourceType, ScimType, SortKey, SortOrder,
    sort_key,
};
use scim_server::{Page, View};

use super::candidates::{Candidates, id_column};
use super::kind;
use super::prefilter::{Prefilter, prefilter};
use super::record::{Needs, Record, attach, fetch};
use crate::counter::{self, Kind};
use crate::limits::{SCAN_ROW_COUNT_MAX, SORT_ROW_COUNT_MAX};
use crate::provider::ServiceProvider;
use crate::tenant::TenantId;
use crate::{Error, Result};

/// What a page is made from.
struct Request<'a> {
    provider: &'a ServiceProvider,
    tenant: &'a TenantId,
    rt: &'a ResourceType,
    kind: Kind,
    query: &'a Query,
    view: &'a View,
}

/// The page a query asks for.
pub(super) async fn page(
    provider: &ServiceProvider,
    tenant: &TenantId,
    rt: &Arc<ResourceType>,
    query: &Query,
    view: &View,
) -> Result<Page> {
    let request = Request { provider, tenant, rt, kind: kind(rt), query, view };
    let indexed = query.filter.as_ref().and_then(|filter| prefilter(request.kind, rt, filter));
    let short = match &query.filter {
        None => request.column().is_some(),
        Some(_) => indexed.as_ref().is_some_and(|found| found.few),
    };
    if short {
        return provider.db().read(|r| request.answer(r, indexed.as_ref()));
    }
    // A scan must not keep point reads waiting for a connection.
    let _turn = provider.scans().acquire().await.map_err(|_| db::Error::Closed)?;
    let (provider, tenant, rt) = (provider.clone(), tenant.clone(), rt.clone());
    let (query, view) = (query.clone(), view.clone());
    let db = provider.db().clone();
    db.read_async(move |r| {
        let request = Request {
            provider: &provider,
            tenant: &tenant,
            rt: &rt,
            kind: kind(&rt),
            query: &query,
            view: &view,
        };
        request.answer(r, indexed.as_ref())
    })
    .await
}

impl Request<'_> {
    fn answer(&self, r: &mut Read, indexed: Option<&Prefilter>) -> Result<Page> {
        match (&self.query.filter, self.column()) {
            (None, Some(Column::Id)) if self.query.sort_order == SortOrder::Ascending => {
                self.by_place(r)
            }
            (None, Some(column)) => self.by_column(r, column),
            _ => self.by_looking(r, indexed),
        }
    }

    /// The indexed column the query is ordered by, if it is.
    fn column(&self) -> Option<Column> {
        let Some(path) = &self.query.sort_by else { return Some(Column::Id) };
        if path.sub_attribute.is_some() || !is_core(self.rt, path) {
            return None;
        }
        let named = |name: &str| path.attribute.eq_ignore_ascii_case(name);
        match self.kind {
            _ if named("id") => Some(Column::Id),
            Kind::Users if named("userName") => Some(Column::Key("u.user_name_key")),
            Kind::Groups if named("displayName") => Some(Column::Key("g.display_name_key")),
            _ => None,
        }
    }

    fn skip(&self) -> u64 {
        self.query.start_index - 1
    }

    /// In the order of ids: from the nearest place that is remembered.
    fn by_place(&self, r: &mut Read) -> Result<Page> {
        let counter = counter::read(r, self.tenant, self.kind)?;
        let skip = self.skip();
        if self.query.count == 0 || skip >= counter.count {
            return Ok(Page { resources: Vec::new(), total: counter.count });
        }
        let waypoints = self.provider.waypoints();
        let nearest = waypoints.nearest(self.tenant, self.kind, counter.shift, skip);
        let (place, id) = nearest.unwrap_or_default();
        let tail = format!("AND {0} >= $2 ORDER BY {0} LIMIT $3 OFFSET $4", id_column(self.kind));
        let mut found =
            fetch(r, self.kind, &tail, params![self.tenant, id, self.query.count, skip - place])?;
        let places =
            [(skip, found.first()), (skip + (found.len() as u64).saturating_sub(1), found.last())];
        for (place, record) in places {
            if let Some(record) = record {
                waypoints.remember(self.tenant, self.kind, counter.shift, place, record.id());
            }
        }
        attach(r, self.tenant, &mut found, &self.shown())?;
        self.show(&found, counter.count)
    }

    /// In the order of an indexed column.
    fn by_column(&self, r: &mut Read, column: Column) -> Result<Page> {
        let counter = counter::read(r, self.tenant, self.kind)?;
        let column = match column {
            Column::Id => id_column(self.kind),
            Column::Key(column) => column,
        };
        let direction = if self.query.sort_order == SortOrder::Descending { "DESC" } else { "ASC" };
        let tail = format!("ORDER BY {column} {direction} LIMIT $2 OFFSET $3");
        let mut found =
            fetch(r, self.kind, &tail, params![self.tenant, self.query.count, self.skip()])?;
        attach(r, self.tenant, &mut found, &self.shown())?;
        self.show(&found, counter.count)
    }

    /// By looking at every candidate.
    fn by_looking(&self, r: &mut Read, indexed: Option<&Prefilter>) -> Result<Page> {
        let needs = Needs::of(self.rt, self.query);
        let base_url = self.provider.base_url();
        let mut window = Window::of(self.query);
        let mut candidates = Candidates::of(r, self.tenant, self.kind, indexed)?;
        let mut looked = 0;
        loop {
            let mut batch = candidates.next(r)?;
            if batch.is_empty() {
                break;
            }
            looked += batch.len();
            if looked > SCAN_ROW_COUNT_MAX {
                return Err(too_many(&format!(
                    "look at more than {SCAN_ROW_COUNT_MAX} {}s",
                    self.rt.name
                )));
            }
            attach(r, self.tenant, &mut batch, &needs)?;
            for record in batch {
                let document = record.document(base_url, self.rt, &needs)?;
                let matches = |filter: &Filter| filter.matches(self.rt, &document);
                if !self.query.filter.as_ref().is_none_or(matches) {
                    continue;
                }
                let by = self.query.sort_by.as_ref();
                window.take(record, by.map(|path| sort_key(self.rt, path, &document)))?;
            }
        }
        let total = window.total;
        let mut found = window.page(r, self)?;
        attach(r, self.tenant, &mut found, &self.shown())?;
        self.show(&found, total)
    }

    /// What has to be read to show the page.
    fn shown(&self) -> Needs {
        let rows = match self.kind {
            Kind::Users => self.view.wants("groups"),
            Kind::Groups => self.view.wants_rows(),
            Kind::Resources(_) => false,
        };
        Needs { rows, ..Needs::default() }
    }

    fn show(&self, found: &[Record], total: u64) -> Result<Page> {
        let base_url = self.provider.base_url();
        let resources = found.iter().map(|record| record.show(base_url, self.rt, self.view));
        Ok(Page { resources: resources.collect::<Result<_>>()?, total })
    }
}

#[derive(Clone, Copy)]
enum Column {
    Id,
    Key(&'static str),
}

/// The part of the matches that is on the page.
struct Window<'a> {
    query: &'a Query,
    total: u64,
    /// In the order of ids: the records of the page.
    records: Vec<Record>,
    /// In another order: what every match is sorted by.
    keys: Vec<(SortKey, String)>,
}

impl<'a> Window<'a> {
    fn of(query: &'a Query) -> Self {
        Self { query, total: 0, records: Vec::new(), keys: Vec::new() }
    }

    fn take(&mut self, record: Record, key: Option<SortKey>) -> Result<()> {
        let first = self.query.start_index - 1;
        match key {
            Some(_) if self.keys.len() == SORT_ROW_COUNT_MAX => {
                return Err(too_many(&format!("sort more than {SORT_ROW_COUNT_MAX} resources")));
            }
            Some(key) => self.keys.push((key, record.id().to_owned())),
            None if self.total >= first && self.total - first < self.query.count => {
                self.records.push(record)
            }
            None => {}
        }
        self.total += 1;
        Ok(())
    }

    fn page(mut self, r: &mut Read, request: &Request<'_>) -> Result<Vec<Record>> {
        if self.query.sort_by.is_none() {
            return Ok(self.records);
        }
        // Equal keys stay in the order of ids, so that pages do not overlap.
        match self.query.sort_order {
            SortOrder::Ascending => self.keys.sort_by(|left, right| left.0.cmp(&right.0)),
            SortOrder::Descending => self.keys.sort_by(|left, right| right.0.cmp(&left.0)),
        }
        let skip = usize::try_from(self.query.start_index - 1).unwrap_or(usize::MAX);
        let count = usize::try_from(self.query.count).unwrap_or(usize::MAX);
        let tail = format!("AND {} = $2", id_column(request.kind));
        let mut found = Vec::new();
        for (_, id) in self.keys.into_iter().skip(skip).take(count) {
            found.extend(fetch(r, request.kind, &tail, params![request.tenant, id])?);
        }
        Ok(found)
    }
}

/// Whether a path leads into the core schema.
pub(super) fn is_core(rt: &ResourceType, path: &AttributePath) -> bool {
    path.urn.as_ref().is_none_or(|urn| urn.eq_ignore_ascii_case(&rt.schema.id))
}

/// RFC 7644 table 9, `tooMany`.
fn too_many(what: &str) -> Error {
    ScimError::bad_request(
        ScimType::TooMany,
        format!(
            "The server would have to {what}. Narrow the filter down with an `eq` on id, userName, \
             externalId, displayName or emails.value, or leave `sortBy` out."
        ),
    )
    .into()
}
