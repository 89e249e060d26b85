//! Numbers that rise when something changes, so that a cache on any node can tell.

use crate::error::Result;
use crate::params;
use crate::tx::{Read, Tx};

/// Raises the generation of `name` by one and says what it is now.
pub fn bump(tx: &mut Tx, scope: &str, name: &str) -> Result<i64> {
    tx.query_one(
        "INSERT INTO generations (scope, name, value) VALUES ($1, $2, 1)
         ON CONFLICT (scope, name) DO UPDATE SET value = generations.value + 1
         RETURNING value",
        params![scope, name],
        |row| row.int(0),
    )
}

/// The generation of `name`: 0 if it was never bumped.
pub fn generation(r: &mut Read, scope: &str, name: &str) -> Result<i64> {
    let found = r.query_opt(
        "SELECT value FROM generations WHERE scope = $1 AND name = $2",
        params![scope, name],
        |row| row.int(0),
    )?;
    Ok(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn a_generation_rises_by_one_and_by_itself() {
        let Fixture { db, .. } = &Fixture::new();
        assert_eq!(db.read(|r| generation(r, "s", "tokens")).unwrap(), 0);
        assert_eq!(db.write("s", |tx| bump(tx, "s", "tokens")).unwrap(), 1);
        assert_eq!(db.write("s", |tx| bump(tx, "s", "tokens")).unwrap(), 2);
        assert_eq!(db.read(|r| generation(r, "s", "tokens")).unwrap(), 2);
        assert_eq!(db.read(|r| generation(r, "other", "tokens")).unwrap(), 0);
    }
}
