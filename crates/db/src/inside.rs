//! Keeps transactions from being begun inside one another, and panics from leaving one.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Stands for "this thread is inside a transaction" until it is dropped.
pub(crate) struct Inside(());

impl Inside {
    /// Enters, unless the thread is inside one already: a write would wait for itself, and a
    /// read would take a second connection and see another moment.
    pub(crate) fn enter() -> Result<Inside> {
        Inside::refuse()?;
        INSIDE.set(true);
        Ok(Inside(()))
    }

    /// Refuses when the thread is inside a transaction.
    pub(crate) fn refuse() -> Result<()> {
        if INSIDE.get() { Err(Error::Nested) } else { Ok(()) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// Runs `work`; a panic in it becomes an error.
pub(crate) fn caught<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome,
        Err(panic) => {
            let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
                (Some(text), _) => (*text).to_owned(),
                (_, Some(text)) => text.clone(),
                _ => "no message".to_owned(),
            };
            Err(Error::Panicked { message }.into())
        }
    }
}
