//! Moving the whole database: to the other engine, into a backup and out of it.

use db::{Db, TableDigest};

use crate::Result;
use crate::migrations::{MIGRATIONS, REQUEST_LOG_MIGRATIONS, REQUEST_LOG_TRAIN, TRAIN};

/// Copies a service provider's database, and the request log beside it, into empty ones, and proves
/// it.
///
/// # Errors
/// As [`Db::copy_to`]; either side cannot be opened.
pub fn copy_database(
    from: &str,
    to: &str,
    mut progress: impl FnMut(&str, u64),
) -> Result<Vec<TableDigest>> {
    let (data, log) = open(from)?;
    let (new_data, new_log) = open(to)?;
    let mut copied = data.copy_to(&new_data, &mut progress)?;
    copied.extend(log.copy_to(&new_log, &mut progress)?.into_iter().map(of_the_log));
    Ok(copied)
}

/// Every table of a service provider's database, counted and digested, those of the request log with
/// `requests:` before their names.
///
/// # Errors
/// The database cannot be opened or read.
pub fn database_digests(url: &str) -> Result<Vec<TableDigest>> {
    let (data, log) = open(url)?;
    let mut found = data.digests()?;
    found.extend(log.digests()?.into_iter().map(of_the_log));
    Ok(found)
}

fn open(url: &str) -> Result<(Db, Db)> {
    let log = Db::beside(url, "requests");
    Ok((
        Db::open(url, TRAIN, MIGRATIONS)?,
        Db::open(&log, REQUEST_LOG_TRAIN, REQUEST_LOG_MIGRATIONS)?,
    ))
}

fn of_the_log(table: TableDigest) -> TableDigest {
    TableDigest { name: format!("requests:{}", table.name), ..table }
}
