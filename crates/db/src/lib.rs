//! Transactions, tasks, events and sealed secrets over SQLite
