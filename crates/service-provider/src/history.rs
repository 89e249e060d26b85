//! The history of seats: the ledger read as seats with a start, an end and the reasons in between.

use std::ops::ControlFlow;

use db::{Read, Value};
use entitlement::{Pool, SeatState, Tenure, UserId, tenures};
use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::{LedgerRow, read_ledger};
use crate::limits::SEAT_LIST_MAX;
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account};

/// Which seats are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryQuery {
    /// Of this user, named by id, login or address; one who was deleted by id.
    pub user: Option<String>,
    /// Of this pool.
    pub pool: Option<Pool>,
    /// Those that were there at or after this moment.
    pub from: Option<Timestamp>,
    /// Those that were there at or before this moment.
    pub to: Option<Timestamp>,
    /// Those that were there at this moment.
    pub as_of: Option<Timestamp>,
    /// Only users after this one, by id: where the page before ended.
    pub after_user: Option<UserId>,
    /// How many at most; a user's seats are never parted, so there may be a few more.
    pub limit: u32,
}

/// A seat somebody had, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenureRow {
    /// The login, or that of a deleted user as it was last.
    pub user_name: String,
    /// The seat.
    #[serde(flatten)]
    pub tenure: Tenure,
}

impl ServiceProvider {
    /// The seats that were ever held or waited for, with reasons, start and end: by user, each
    /// user's in the order of time.
    pub fn seat_history(
        &self,
        tenant: &TenantId,
        query: &HistoryQuery,
    ) -> Result<Vec<TenureRow>, Error> {
        self.db().read(|r| history(r, tenant, query))
    }
}

fn history(r: &mut Read, tenant: &TenantId, query: &HistoryQuery) -> Result<Vec<TenureRow>, Error> {
    let mut sql = "SELECT user_id, pool_kind, pool_key, detail, reason, id, actor, cause, at
         FROM seat_ledger WHERE tenant = $1 AND user_id > $2"
        .to_owned();
    let after = query.after_user.as_ref().map_or("", |user| user.0.as_str());
    let mut params = vec![Value::from(tenant.as_str()), Value::from(after)];
    if let Some(user) = &query.user {
        let found = account::find(r, tenant, user).map(|account| account.id.0);
        params.push(found.unwrap_or_else(|_| user.clone()).into());
        sql.push_str(&format!(" AND user_id = ${}", params.len()));
    }
    if let Some(pool) = &query.pool {
        params.push(pool.kind().into());
        params.push(pool.key().as_str().into());
        sql.push_str(&format!(
            " AND pool_kind = ${} AND pool_key = ${}",
            params.len() - 1,
            params.len()
        ));
    }
    sql.push_str(" ORDER BY user_id, id");
    let limit = query.limit.min(SEAT_LIST_MAX) as usize;
    let mut found: Vec<Tenure> = Vec::new();
    let mut lines: Vec<LedgerRow> = Vec::new();
    r.for_each(&sql, &params, |row| {
        let line = read_ledger(row)?;
        if lines.last().is_some_and(|last| last.change.user != line.change.user) {
            found.extend(wanted(query, &lines));
            lines.clear();
            if found.len() >= limit {
                return Ok(ControlFlow::Break(()));
            }
        }
        lines.push(line);
        Ok(ControlFlow::Continue(()))
    })?;
    found.extend(wanted(query, &lines));
    named(r, tenant, found)
}

/// The seats of one user, read from their lines, as far as they are asked for.
fn wanted(query: &HistoryQuery, lines: &[LedgerRow]) -> Vec<Tenure> {
    let all = tenures(lines.iter().map(|line| (line.at, &line.change)));
    let is_wanted = |tenure: &Tenure| {
        query.as_of.is_none_or(|moment| tenure.covers(moment))
            && tenure.overlaps(query.from, query.to)
    };
    let mut found: Vec<Tenure> = all.into_iter().filter(is_wanted).collect();
    found.sort_by_key(|tenure| (tenure.since, tenure.state == SeatState::Held));
    found
}

fn named(r: &mut Read, tenant: &TenantId, found: Vec<Tenure>) -> Result<Vec<TenureRow>, Error> {
    let mut rows: Vec<TenureRow> = Vec::with_capacity(found.len());
    for tenure in found {
        let known = rows.last().filter(|row| row.tenure.user == tenure.user);
        let user_name = match known {
            Some(row) => row.user_name.clone(),
            None => name_of(r, tenant, &tenure.user)?,
        };
        rows.push(TenureRow { user_name, tenure });
    }
    Ok(rows)
}

/// The login of a user; of one who is gone, the login on the last receipt.
fn name_of(r: &mut Read, tenant: &TenantId, user: &UserId) -> Result<String, Error> {
    if let Some(account) = account::account(r, tenant, user)? {
        return Ok(account.user_name);
    }
    let receipt = r.query_opt(
        "SELECT user_name FROM receipts WHERE tenant = $1 AND user_id = $2
         ORDER BY id DESC LIMIT 1",
        db::params![tenant.as_str(), &user.0],
        |row| row.text(0),
    )?;
    Ok(receipt.unwrap_or_else(|| user.0.clone()))
}
