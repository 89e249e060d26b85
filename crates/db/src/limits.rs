//! Every bound of this crate, by name.

/// Jobs that share one commit at most.
pub const GROUP_COMMIT_MAX: usize = 256;
/// A group is committed once its jobs have run this long, so that a short job never waits for
/// many long ones.
pub const GROUP_COMMIT_MILLIS_MAX: u64 = if cfg!(test) { 10_000 } else { 20 };
/// Writes of all turns that may wait in the queue; a further one waits for a place.
pub const WRITE_QUEUE_MAX: usize = if cfg!(test) { 512 } else { 8_192 };
/// Writes of one turn that may wait in the queue; a further one waits for a place and keeps no
/// other turn's from theirs.
pub const WRITE_TURN_QUEUE_MAX: usize = 256;
/// Turns that are remembered before those for which nothing waits are looked for and forgotten.
pub const TURNS_SWEPT_COUNT: usize = 64;
/// How often a transaction is run before another process's lock becomes the caller's error.
pub const ATTEMPTS_MAX: u32 = 30;
/// How long one attempt waits for another process's lock.
pub const BUSY_WAIT_MILLIS: u64 = if cfg!(test) { 2 } else { 1_000 };
/// How long to pause between two attempts.
pub const RETRY_PAUSE_MILLIS: u64 = 5;
/// Read connections that one [`Db`](crate::Db) opens at most.
pub const READERS_MAX: usize = 8;
/// How long a read waits for a free connection.
pub const READER_WAIT_MILLIS: u64 = 30_000;
/// Prepared statements that one connection keeps.
pub const STATEMENT_CACHE_MAX: usize = 256;
/// Parameters that one statement may have on every engine.
pub const PARAMETERS_MAX: usize = 32_766;
/// Page cache of the writer, in KiB.
pub const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of each reader, in KiB.
pub const READER_CACHE_KIB: u32 = 4_096;
/// Size to which the write-ahead log is cut back after a checkpoint.
pub const WAL_BYTES_KEPT: u64 = 64 * 1024 * 1024;
/// Characters of a statement that an error message shows.
pub const STATEMENT_SHOWN_MAX: usize = 300;
/// Delayed and expired tasks that one lease call makes ready.
pub const TASKS_PROMOTED_MAX: u32 = 1_000;
/// Tasks that one lease call hands out.
pub const TASKS_LEASED_MAX: u32 = 1_000;
/// Characters of a task's last error that are kept.
pub const TASK_ERROR_CHARS_MAX: usize = 4_000;
/// Rows that one list of tasks or events returns.
pub const LIST_MAX: u32 = 10_000;
/// Keys in one key file.
pub const KEYS_MAX: usize = 32;
/// Size of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;
/// Longest lease, on anything. One that ends later still was made by a clock that went wrong, and
/// holds nothing.
pub const LEASE_SECS_MAX: u32 = 3_600;
/// Events that are sealed in one transaction.
pub const SEAL_BATCH_MAX: u32 = 500;
/// Batches of one scope that one call of the sealer does, before other scopes have their turn.
pub const SEAL_ROUNDS_MAX: usize = 64;
/// Scopes that one call of the sealer looks at.
pub const SEAL_SCOPE_COUNT_MAX: u32 = 1_000;
/// How long the sealer's lease holds between two of its batches.
pub const SEAL_LEASE_SECS: u32 = 10;
/// Events that are removed in one transaction.
pub const PRUNE_BATCH_MAX: u32 = 500;
/// Connections that write to a PostgreSQL database, of one [`Db`](crate::Db); so many turns are
/// worked on at once.
pub const WRITERS_MAX: usize = 4;
/// Jobs of one turn that share one commit on PostgreSQL, whose transactions become slow to look at
/// from about twice as many savepoints.
pub const TURN_COMMIT_MAX: usize = 32;
/// A turn's group is committed on PostgreSQL once it has run so long beside its first job; more
/// than on one machine, since each statement is a round trip.
pub const TURN_COMMIT_MILLIS_MAX: u64 = if cfg!(test) { 10_000 } else { 50 };
/// Longest pause between two attempts at a write.
pub const RETRY_PAUSE_MILLIS_MAX: u64 = 500;
/// How long a write is attempted again on PostgreSQL, while connections break or cannot be made.
pub const WRITE_RETRY_MILLIS_MAX: u64 = if cfg!(test) { 500 } else { 20_000 };
/// Attempts at making the schema and the table that everything else is done under.
pub const CREATE_ATTEMPTS_MAX: u32 = 5;
/// How long it may take to reach a PostgreSQL server.
pub const CONNECT_SECS: u64 = 10;
/// How long one statement may run on PostgreSQL; a migration may take as long as it needs.
pub const STATEMENT_SECS_MAX: u64 = 60;
/// How long a statement waits on PostgreSQL for a lock, such as a turn's.
pub const LOCK_WAIT_MILLIS: u64 = if cfg!(test) { 300 } else { 15_000 };
/// How long a read may leave its connection idle before the server ends it.
pub const READ_IDLE_SECS_MAX: u64 = 600;
/// How long a write may leave its connection idle: so long a node that hangs can hold a turn.
pub const WRITE_IDLE_SECS_MAX: u64 = 60;
/// How long a PostgreSQL server may be silent before its connection counts as broken.
pub const SERVER_SILENT_SECS_MAX: u64 = 90;
/// Bytes that are read from a server at once.
pub const WIRE_READ_BYTES: usize = 32 * 1024;
/// Rows of a streamed query that are in memory at once on PostgreSQL.
pub const FETCH_ROWS: usize = 512;
/// Turns of which a connection remembers that they have a row.
pub const TURNS_KNOWN_MAX: usize = 10_000;
/// Rows that are written at once when a database is copied.
pub const TRANSFER_ROWS_MAX: usize = 500;
/// Batches of rows that wait to be written when a database is copied.
pub const TRANSFER_BATCHES_MAX: usize = 4;
