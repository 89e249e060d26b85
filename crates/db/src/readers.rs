//! The read connections: a bounded number, opened when they are first needed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::limits::{READER_WAIT_MILLIS, READERS_MAX};
use crate::session::Place;
use crate::tx::Read;

/// The connections that wait for a read, and how many there are in all.
pub(crate) struct Readers {
    place: Place,
    pool: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    idle: Vec<Read>,
    open_count: usize,
}

/// A connection on loan; dropping it ends its transaction and gives it back.
pub(crate) struct Loan<'a> {
    readers: &'a Readers,
    read: Option<Read>,
}

impl Readers {
    pub(crate) fn over(place: Place) -> Readers {
        let pool = Pool { idle: Vec::with_capacity(READERS_MAX), open_count: 0 };
        Readers { place, pool: Mutex::new(pool), returned: Condvar::new() }
    }

    /// Takes a connection: an idle one, a new one, or the next that is given back.
    pub(crate) fn take(&self) -> Result<Loan<'_>> {
        let deadline = Instant::now() + Duration::from_millis(READER_WAIT_MILLIS);
        let mut pool = self.lock();
        loop {
            if let Some(read) = pool.idle.pop() {
                return Ok(Loan { readers: self, read: Some(read) });
            }
            if pool.open_count < READERS_MAX {
                pool.open_count += 1;
                drop(pool);
                // The loan stands before the connection does, so a failure gives its place back.
                let mut loan = Loan { readers: self, read: None };
                loan.read = Some(Read::over(self.place.reader()?));
                return Ok(loan);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Busy);
            }
            let waited = self.returned.wait_timeout(pool, left);
            pool = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan<'_> {
    /// The connection, to read with.
    pub(crate) fn read(&mut self) -> Result<&mut Read> {
        self.read.as_mut().ok_or(Error::Closed)
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        // A connection whose transaction does not end is not used again.
        let sound = self.read.take().filter(|read| read.session().end_read().is_ok());
        let mut pool = self.readers.lock();
        match sound {
            Some(read) => pool.idle.push(read),
            None => pool.open_count -= 1,
        }
        drop(pool);
        self.readers.returned.notify_one();
    }
}
