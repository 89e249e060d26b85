//! Transactions, tasks, events and sealed secrets over SQLite.
//!
//! ```no_run
//! # fn main() -> Result<(), db::Error> {
//! use db::{Db, Migration, params};
//!
//! const MIGRATIONS: &[Migration] = &[Migration {
//!     name: "notes",
//!     sql: "CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL);",
//! }];
//! let db = Db::open("sqlite:notes.db", "notes", MIGRATIONS)?;
//! let id = db::new_id();
//! let key = id.clone();
//! db.write(move |tx| {
//!     tx.execute("INSERT INTO notes (id, text) VALUES ($1, $2)", params![&key, "hello"])
//! })?;
//! let text = db.read(|r| {
//!     r.query_one("SELECT text FROM notes WHERE id = $1", params![&id], |row| row.text(0))
//! })?;
//! assert_eq!(text, "hello");
//! # Ok(())
//! # }
//! ```

mod ctx;
mod database;
mod digest;
mod error;
mod inside;
pub mod limits;
mod migration;
mod readers;
mod row;
mod sqlite;
mod tx;
mod value;
mod writer;

pub use ctx::{Clock, Ctx, new_id};
pub use database::Db;
pub use error::{Error, Result, Source};
pub use migration::Migration;
pub use row::Row;
pub use tx::{Read, Tx};
pub use value::{Value, placeholders};
