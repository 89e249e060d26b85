//! Forward-only migrations, in trains: each part of the program has its own row of them.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::params;
use crate::tx::Tx;

/// One step of a schema. Its place in the train is its number; once released it never changes.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What it does, in a few words.
    pub name: &'static str,
    /// The statements, in the dialect every engine takes.
    pub sql: &'static str,
}

/// This crate's own train: tasks, events, secrets, leases, generations.
pub(crate) const OWN_TRAIN: &str = "db";

/// The migrations of [`OWN_TRAIN`].
pub(crate) const OWN_MIGRATIONS: &[Migration] = &[
    Migration { name: "tasks", sql: include_str!("../migrations/0001_tasks.sql") },
    Migration { name: "events", sql: include_str!("../migrations/0002_events.sql") },
    Migration { name: "secrets", sql: include_str!("../migrations/0003_secrets.sql") },
    Migration { name: "leases", sql: include_str!("../migrations/0004_leases.sql") },
    Migration { name: "seals", sql: include_str!("../migrations/0005_seals.sql") },
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    train TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (train, position)
);";

/// A migration as the database remembers it.
struct Applied {
    position: i64,
    name: String,
    checksum: String,
}

/// Brings the database to the end of `train`, each migration in a transaction of its own.
pub(crate) fn migrate(tx: &mut Tx, train: &str, migrations: &[Migration]) -> Result<()> {
    // Another process may be doing the same: what is applied is read again under the lock.
    loop {
        tx.session().begin_migration()?;
        let outcome = step(tx, train, migrations);
        match outcome {
            Ok(more) => {
                tx.session().commit()?;
                if !more {
                    return Ok(());
                }
            }
            Err(error) => {
                tx.session().roll_back()?;
                return Err(error);
            }
        }
    }
}

/// Applies the next migration; says whether there may be more.
fn step(tx: &mut Tx, train: &str, migrations: &[Migration]) -> Result<bool> {
    tx.session().batch(TABLE)?;
    refuse_other_train(tx, train)?;
    let applied = applied(tx, train)?;
    check(tx, train, migrations, &applied)?;
    let Some(next) = migrations.get(applied.len()) else { return Ok(false) };
    tx.session().batch(next.sql).map_err(|error| Error::Migration {
        train: train.to_owned(),
        name: next.name.to_owned(),
        source: std::sync::Arc::new(error),
    })?;
    tx.execute(
        "INSERT INTO schema_migrations (train, position, name, checksum) VALUES ($1, $2, $3, $4)",
        params![train, applied.len() + 1, next.name, checksum(next.sql)],
    )?;
    Ok(true)
}

fn applied(tx: &mut Tx, train: &str) -> Result<Vec<Applied>> {
    tx.query(
        "SELECT position, name, checksum FROM schema_migrations WHERE train = $1 ORDER BY position",
        params![train],
        |row| Ok(Applied { position: row.int(0)?, name: row.text(1)?, checksum: row.text(2)? }),
    )
}

fn check(tx: &Tx, train: &str, migrations: &[Migration], applied: &[Applied]) -> Result<()> {
    let path = || tx.session().path().to_owned();
    for (index, found) in applied.iter().enumerate() {
        match migrations.get(index) {
            None => {
                return Err(Error::Newer {
                    path: path(),
                    train: train.to_owned(),
                    position: found.position,
                    name: found.name.clone(),
                });
            }
            Some(known) if checksum(known.sql) != found.checksum => {
                return Err(Error::MigrationChanged {
                    path: path(),
                    train: train.to_owned(),
                    position: found.position,
                    name: known.name.to_owned(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Each part owns its database: a path given twice by mistake must not mix two of them.
fn refuse_other_train(tx: &mut Tx, train: &str) -> Result<()> {
    if train == OWN_TRAIN {
        return Ok(());
    }
    let other = tx.query_opt(
        "SELECT train FROM schema_migrations WHERE train <> $1 AND train <> $2 LIMIT 1",
        params![train, OWN_TRAIN],
        |row| row.text(0),
    )?;
    match other {
        None => Ok(()),
        Some(found) => Err(Error::OtherTrain {
            path: tx.session().path().to_owned(),
            train: train.to_owned(),
            found,
        }),
    }
}

fn checksum(sql: &str) -> String {
    crate::digest::hex(&Sha256::digest(sql.as_bytes()))
}

#[cfg(test)]
mod tests;
