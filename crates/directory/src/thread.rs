//! Work about everybody, on a thread of its own that ends with it.
//!
//! A thread of a pool lives on, and the allocator keeps for it what it took and others gave back: for
//! a plan, as much as everybody takes. The memory of a thread that has ended goes to whoever needs it.

use crate::Error;

/// Does work that takes long and much memory, without keeping anybody waiting who shares a thread.
///
/// # Errors
/// The work's; it panicked, or there is no thread to be had.
pub(crate) async fn apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, outcome) = tokio::sync::oneshot::channel();
    let work = move || drop(sender.send(work()));
    let begun = std::thread::Builder::new().name(name.to_string()).spawn(work);
    begun.map_err(|_| Error::Db(db::Error::Closed))?;
    outcome.await.unwrap_or(Err(Error::Db(db::Error::Closed)))
}
