//! Moving the whole database: to the other engine, into a backup and out of it.

use db::{Db, TableDigest};

use crate::directory::{MIGRATIONS, TRAIN};
use crate::error::Error;

/// Copies a directory's database into an empty one, and proves it.
///
/// # Errors
/// As [`Db::copy_to`]; either side cannot be opened.
pub fn copy_database(
    from: &str,
    to: &str,
    progress: impl FnMut(&str, u64),
) -> Result<Vec<TableDigest>, Error> {
    let (from, to) = (Db::open(from, TRAIN, MIGRATIONS)?, Db::open(to, TRAIN, MIGRATIONS)?);
    Ok(from.copy_to(&to, progress)?)
}

/// Every table of a directory's database, counted and digested.
///
/// # Errors
/// The database cannot be opened or read.
pub fn database_digests(url: &str) -> Result<Vec<TableDigest>, Error> {
    Ok(Db::open(url, TRAIN, MIGRATIONS)?.digests()?)
}
