//! Transactions, tasks, events and sealed secrets over SQLite or PostgreSQL.
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
//! db.write("notes", move |tx| {
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
pub mod event;
#[cfg(test)]
mod fixture;
pub mod generation;
mod inside;
mod job;
mod keys;
pub mod lease;
pub mod limits;
mod migration;
mod postgres;
mod queue;
mod readers;
mod row;
pub mod seal;
pub mod secret;
mod session;
mod sqlite;
pub mod task;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transfer;
mod turn;
mod tx;
mod value;
mod visit;
mod writer;

pub use ctx::{Clock, Ctx, new_id};
pub use database::Db;
pub use error::{Error, Result, Source};
pub use event::{Event, EventQuery};
pub use keys::{KeyFile, Secret};
pub use lease::Lease;
pub use migration::Migration;
pub use row::Row;
pub use seal::Verification;
pub use secret::{delete_secret, put_secret, secret};
pub use task::{NewTask, Task, TaskCounts, TaskState};
pub use transfer::TableDigest;
pub use turn::Turn;
pub use tx::{Read, Tx};
pub use value::{Value, placeholders};
