//! Leases: one holder at a time, until a moment. Whoever dies loses it when it runs out.
//!
//! A lease saves work; it cannot stop a holder that sleeps past its end. What must not happen
//! twice is guarded by a task's token or a version besides. One whose end no lease can have, because
//! a clock was ahead when it was made and has been set back since, holds nothing: nobody is locked
//! out for as long as the clock was wrong.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};
use crate::limits::LEASE_SECS_MAX;
use crate::params;
use crate::tx::{Read, Tx};

/// Who holds something, since when and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The holder.
    pub holder: String,
    /// Since when, through all renewals.
    pub acquired_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Takes or renews the lease on `name` for `secs` seconds; false if another holds it.
pub fn acquire(
    tx: &mut Tx,
    scope: &str,
    name: &str,
    holder: &str,
    now: Timestamp,
    secs: u32,
) -> Result<bool> {
    let taken = tx.execute(
        "INSERT INTO leases (scope, name, holder, acquired_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (scope, name) DO UPDATE SET
             acquired_at = CASE WHEN leases.holder = excluded.holder
                 THEN leases.acquired_at ELSE excluded.acquired_at END,
             holder = excluded.holder,
             expires_at = excluded.expires_at
         WHERE leases.holder = excluded.holder OR leases.expires_at <= excluded.acquired_at
             OR leases.expires_at > $6",
        params![scope, name, holder, now, end(now, secs)?, end(now, LEASE_SECS_MAX)?],
    )?;
    Ok(taken > 0)
}

/// Gives the lease back; false if `holder` did not have it.
pub fn release(tx: &mut Tx, scope: &str, name: &str, holder: &str) -> Result<bool> {
    let gone = tx.execute(
        "DELETE FROM leases WHERE scope = $1 AND name = $2 AND holder = $3",
        params![scope, name, holder],
    )?;
    Ok(gone > 0)
}

/// The lease on `name` that holds at `now`.
pub fn holder(r: &mut Read, scope: &str, name: &str, now: Timestamp) -> Result<Option<Lease>> {
    r.query_opt(
        "SELECT holder, acquired_at, expires_at FROM leases
         WHERE scope = $1 AND name = $2 AND expires_at > $3 AND expires_at <= $4",
        params![scope, name, now, end(now, LEASE_SECS_MAX)?],
        |row| {
            Ok(Lease {
                holder: row.text(0)?,
                acquired_at: row.timestamp(1)?,
                expires_at: row.timestamp(2)?,
            })
        },
    )
}

/// The end of a lease of `secs` seconds from `now`, or of the longest.
pub(crate) fn end(now: Timestamp, secs: u32) -> Result<Timestamp> {
    now.checked_add(SignedDuration::from_secs(i64::from(secs.min(LEASE_SECS_MAX))))
        .map_err(|error| Error::unreadable("The end of a lease", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, at};

    #[test]
    fn a_lease_has_one_holder_until_it_runs_out_or_is_given_back() {
        let Fixture { db, .. } = &Fixture::new();
        let take = |who: &'static str, secs| {
            db.write("s", move |tx| acquire(tx, "s", "app", who, at(secs), 60)).unwrap()
        };
        let held_by = |secs| {
            let lease = db.read(|r| holder(r, "s", "app", at(secs))).unwrap();
            lease.map(|lease| (lease.holder, lease.acquired_at, lease.expires_at))
        };
        assert_eq!(held_by(0), None);
        assert!(take("ana", 0));
        assert!(!take("bo", 59), "ana has it");
        assert!(take("ana", 30), "she renews it");
        assert_eq!(held_by(89), Some(("ana".into(), at(0), at(90))));
        assert_eq!(held_by(90), None);
        assert!(take("bo", 90));
        assert_eq!(held_by(91), Some(("bo".into(), at(90), at(150))));
        assert!(!db.write("s", |tx| release(tx, "s", "app", "ana")).unwrap());
        assert!(db.write("s", |tx| release(tx, "s", "app", "bo")).unwrap());
        assert!(take("ana", 92));
    }
    #[test]
    fn a_lease_made_by_a_clock_that_was_ahead_holds_nothing_once_it_is_set_right() {
        let Fixture { db, .. } = &Fixture::new();
        let take = |who: &'static str, secs| {
            db.write("s", move |tx| acquire(tx, "s", "app", who, at(secs), 60)).unwrap()
        };
        assert!(take("ana", 1_000_000));
        assert_eq!(db.read(|r| holder(r, "s", "app", at(0))).unwrap(), None);
        assert!(take("bo", 0));
        assert!(!take("ana", 1));
    }
}
