//! The rows that a filter has to be held against, a batch at a time.

use db::{Read, params};

use super::prefilter::Prefilter;
use super::record::{Record, fetch};
use crate::Result;
use crate::counter::Kind;
use crate::limits::{SCAN_BATCH_COUNT, SCAN_ROW_COUNT_MAX};
use crate::tenant::TenantId;

/// Where the candidates come from.
pub(super) struct Candidates<'a> {
    tenant: &'a TenantId,
    kind: Kind,
    source: Source<'a>,
}

enum Source<'a> {
    /// An index that holds each value once.
    One(&'a Prefilter),
    /// Ids that an index gave, in order.
    Ids(std::vec::IntoIter<String>),
    /// Everything after this id.
    All(String),
    /// Nothing more.
    End,
}

impl<'a> Candidates<'a> {
    /// Asks the index, if there is one to be asked.
    pub(super) fn of(
        r: &mut Read,
        tenant: &'a TenantId,
        kind: Kind,
        indexed: Option<&'a Prefilter>,
    ) -> Result<Self> {
        let source = match indexed {
            None => Source::All(String::new()),
            Some(one @ Prefilter { ids: None, .. }) => Source::One(one),
            Some(Prefilter { ids: Some(sql), key, .. }) => {
                // One more than may be looked at is enough to see that there are too many.
                let sql = format!("{sql} LIMIT $3");
                let values = params![tenant, key.clone(), SCAN_ROW_COUNT_MAX + 1];
                let mut ids = r.query(&sql, values, |row| row.text(0))?;
                ids.sort_unstable();
                Source::Ids(ids.into_iter())
            }
        };
        Ok(Self { tenant, kind, source })
    }

    /// The next of them; none when there are no more.
    pub(super) fn next(&mut self, r: &mut Read) -> Result<Vec<Record>> {
        let id = id_column(self.kind);
        match std::mem::replace(&mut self.source, Source::End) {
            Source::End => Ok(Vec::new()),
            Source::One(found) => {
                let tail = format!("AND {} = $2", found.column);
                fetch(r, self.kind, &tail, params![self.tenant, found.key.clone()])
            }
            Source::Ids(mut ids) => {
                let mut batch = Vec::new();
                let tail = format!("AND {id} = $2");
                for one in ids.by_ref().take(SCAN_BATCH_COUNT) {
                    batch.extend(fetch(r, self.kind, &tail, params![self.tenant, one])?);
                }
                self.source = Source::Ids(ids);
                Ok(batch)
            }
            Source::All(after) => {
                let tail = format!("AND {id} > $2 ORDER BY {id} LIMIT $3");
                let batch =
                    fetch(r, self.kind, &tail, params![self.tenant, after, SCAN_BATCH_COUNT])?;
                if let Some(last) = batch.last() {
                    self.source = Source::All(last.id().to_owned());
                }
                Ok(batch)
            }
        }
    }
}

pub(super) fn id_column(kind: Kind) -> &'static str {
    match kind {
        Kind::Users => "u.id",
        Kind::Groups => "g.id",
        Kind::Resources(_) => "x.id",
    }
}
