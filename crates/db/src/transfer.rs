//! Copying a whole database into an empty one, of this or the other engine, and the proof that
//! nothing is missing: rows and digests of every table, counted on both sides.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use sha2::{Digest, Sha256};

use crate::database::Db;
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::limits::{TRANSFER_BATCHES_MAX, TRANSFER_ROWS_MAX};
use crate::row::{Cell, Row};
use crate::tx::{Read, Tx};
use crate::value::{Value, placeholders};

/// The turn in which a copy is written.
const TURN: &str = "transfer";
/// What is not copied: how far the schema is, which both sides know for themselves, and what the
/// engine of one side needs beside it.
const NOT_COPIED: &[&str] = &["schema_migrations", "write_turns"];

/// A table as it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDigest {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 over every value of every row, in the order of the key, in hexadecimal.
    pub digest: String,
}

/// A table as the schema describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    name: String,
    columns: Vec<String>,
    key: Vec<String>,
}

/// What the reading side hands over.
enum Piece {
    Rows(Table, Vec<Vec<Value>>),
    End(TableDigest),
}

impl Db {
    /// Copies everything into `to`, which was opened with the same train and holds nothing yet, and
    /// proves it: every table is counted and digested on both sides. The source is read at one moment
    /// and may be written to meanwhile. `progress` hears of each table and the rows copied so far.
    ///
    /// Memory is bounded by a few batches of rows; cost grows with the rows.
    ///
    /// # Errors
    /// The target is not empty or has other tables, a table came out different, either side failed.
    /// The target is then to be thrown away.
    pub fn copy_to(
        &self,
        to: &Db,
        mut progress: impl FnMut(&str, u64),
    ) -> Result<Vec<TableDigest>> {
        let tables = self.read(tables)?;
        if to.read(self::tables)? != tables {
            return Err(refused("its tables differ from those of the source"));
        }
        for table in &tables {
            let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            if to.read(|r| r.query_opt(&sql, &[], |row| row.int(0)))?.is_some() {
                return Err(refused(&format!("`{}` has rows already", table.name)));
            }
        }
        let digests = std::thread::scope(|scope| {
            let (sender, pieces) = sync_channel(TRANSFER_BATCHES_MAX);
            let (from, tables) = (self, &tables);
            // The sender goes with the reader: when it ends, so do the pieces.
            let reader = scope.spawn(move || from.read(|r| hand_over(r, tables, &sender)));
            let mut digests = Vec::new();
            let mut copied = 0_u64;
            for piece in &pieces {
                match piece {
                    Piece::Rows(table, rows) => {
                        copied += u64::try_from(rows.len()).unwrap_or(u64::MAX);
                        progress(&table.name, copied);
                        insert(to, table, rows)?;
                    }
                    Piece::End(digest) => {
                        digests.push(digest);
                        copied = 0;
                    }
                }
            }
            match reader.join() {
                Ok(read) => read.map(|()| digests),
                Err(_) => Err(Error::Closed),
            }
        })?;
        let arrived = to.digests()?;
        match digests.iter().zip(&arrived).find(|(sent, there)| sent != there) {
            None => Ok(digests),
            Some((table, _)) => Err(refused(&format!("`{}` came out different", table.name))),
        }
    }

    /// Every table, counted and digested at one moment, by name.
    pub fn digests(&self) -> Result<Vec<TableDigest>> {
        self.read(|r| {
            let tables = tables(r)?;
            tables.iter().map(|table| walk(r, table, &mut |_| Ok(()))).collect()
        })
    }
}

fn refused(problem: &str) -> Error {
    Error::Transfer { problem: problem.to_owned() }
}

fn hand_over(r: &mut Read, tables: &[Table], sender: &SyncSender<Piece>) -> Result<()> {
    let gone = |_| Error::Closed;
    for table in tables {
        let mut batch = Vec::new();
        let digest = walk(r, table, &mut |row| {
            batch.push(row);
            if batch.len() == TRANSFER_ROWS_MAX {
                let rows = std::mem::take(&mut batch);
                sender.send(Piece::Rows(table.clone(), rows)).map_err(gone)?;
            }
            Ok(())
        })?;
        if !batch.is_empty() {
            sender.send(Piece::Rows(table.clone(), batch)).map_err(gone)?;
        }
        sender.send(Piece::End(digest)).map_err(gone)?;
    }
    Ok(())
}

/// Goes through the rows of a table in the order of its key.
fn walk(
    r: &mut Read,
    table: &Table,
    take: &mut dyn FnMut(Vec<Value>) -> Result<()>,
) -> Result<TableDigest> {
    let (columns, key) = (table.columns.join(", "), table.key.join(", "));
    let sql = format!("SELECT {columns} FROM {} ORDER BY {key}", table.name);
    let (mut rows, mut hash) = (0_u64, Sha256::new());
    r.for_each(&sql, &[], |row| {
        let values: Vec<Value> =
            (0..table.columns.len()).map(|column| value(row, column)).collect::<Result<_>>()?;
        values.iter().for_each(|value| absorb(&mut hash, value));
        rows += 1;
        take(values)?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(TableDigest { name: table.name.clone(), rows, digest: hex(&hash.finalize()) })
}

/// A value with its kind and length, so that no two rows read alike.
fn absorb(hash: &mut Sha256, value: &Value) {
    let (kind, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Int(number) => return hash.update([&[1][..], &number.to_be_bytes()].concat()),
        Value::Bool(truth) => return absorb(hash, &Value::Int(i64::from(*truth))),
        Value::Text(text) => (2, text.as_bytes()),
        Value::Blob(bytes) => (3, bytes),
    };
    hash.update([kind]);
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}

fn value(row: &Row, column: usize) -> Result<Value> {
    Ok(match row.cell(column) {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Int(number),
        Cell::Text(text) => Value::Text(text.to_owned()),
        Cell::Blob(bytes) => Value::Blob(bytes.to_vec()),
        Cell::Real | Cell::NotUtf8 | Cell::Missing => {
            // It says which column this is.
            return row.text(column).map(Value::Text);
        }
    })
}

fn insert(to: &Db, table: Table, rows: Vec<Vec<Value>>) -> Result<()> {
    let sql: Arc<str> = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        table.name,
        table.columns.join(", "),
        placeholders(1, table.columns.len())
    )
    .into();
    to.write(TURN, move |tx: &mut Tx| {
        for row in &rows {
            tx.execute(&sql, row)?;
        }
        Ok(())
    })
}

fn tables(r: &mut Read) -> Result<Vec<Table>> {
    let mut names = r.session().tables()?;
    names.retain(|name| !NOT_COPIED.contains(&name.as_str()));
    names
        .into_iter()
        .map(|name| {
            let mut columns = r.session().columns(&name)?;
            let mut key: Vec<(i64, String)> = columns
                .iter()
                .filter(|(_, place)| *place > 0)
                .map(|(n, p)| (*p, n.clone()))
                .collect();
            key.sort();
            let key = key.into_iter().map(|(_, name)| name).collect();
            columns.sort();
            let columns = columns.into_iter().map(|(name, _)| name).collect();
            Ok(Table { name, columns, key })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Migration, params};

    const THINGS: &[Migration] = &[Migration {
        name: "things",
        sql: "CREATE TABLE things (tenant TEXT NOT NULL, id TEXT NOT NULL, number BIGINT, bytes BYTEA, PRIMARY KEY (tenant, id));",
    }];

    fn open(folder: &tempfile::TempDir, name: &str, engine: &str) -> Db {
        let path = folder.path().join(name);
        let url = if engine == "sqlite" {
            format!("sqlite:{}", path.display())
        } else {
            crate::testing::url(&path)
        };
        Db::open(&url, "things", THINGS).unwrap()
    }

    fn filled(db: &Db, count: i64) {
        db.write("acme", move |tx| {
            for number in 0..count {
                let (id, bytes) =
                    (format!("é{number:05}"), vec![u8::try_from(number % 256).unwrap()]);
                let kept = (number % 3 > 0).then_some(number);
                tx.execute(
                    "INSERT INTO things (tenant, id, number, bytes) VALUES ($1, $2, $3, $4)",
                    params!["acme", id, kept, bytes],
                )?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }

    /// From a file to whichever engine the tests run on, and back.
    #[test]
    fn a_copy_has_the_same_rows_and_digests_on_either_engine() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second, third) = (
            open(&folder, "first.db", "sqlite"),
            open(&folder, "second.db", "asked for"),
            open(&folder, "third.db", "sqlite"),
        );
        filled(&first, i64::try_from(TRANSFER_ROWS_MAX).unwrap() + 7);
        let mut heard = 0;
        let there = first.copy_to(&second, |_, rows| heard = heard.max(rows)).unwrap();
        let things = there.iter().find(|table| table.name == "things").unwrap();
        assert_eq!(things.rows, u64::try_from(TRANSFER_ROWS_MAX).unwrap() + 7);
        assert_eq!(heard, things.rows);
        let back = second.copy_to(&third, |_, _| {}).unwrap();
        assert_eq!(back, there);
        assert_eq!(third.digests().unwrap(), first.digests().unwrap());
    }

    #[test]
    fn a_target_that_holds_something_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (open(&folder, "a.db", "sqlite"), open(&folder, "b.db", "asked for"));
        filled(&from, 3);
        filled(&to, 1);
        let refused = from.copy_to(&to, |_, _| {}).unwrap_err().to_string();
        assert!(refused.contains("`things` has rows already"), "{refused}");
        let count = to.read(|r| r.query_one("SELECT COUNT(*) FROM things", &[], |row| row.int(0)));
        assert_eq!(count.unwrap(), 1);
    }

    #[test]
    fn a_change_of_one_value_changes_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder, "a.db", "asked for");
        filled(&db, 3);
        let before = db.digests().unwrap();
        db.write("acme", |tx| {
            tx.execute("UPDATE things SET number = NULL WHERE number = $1", params![1_i64])
        })
        .unwrap();
        let after = db.digests().unwrap();
        assert_ne!(before, after);
        assert_eq!(before.len(), after.len());
    }
}
