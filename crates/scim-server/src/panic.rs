//! A fault in one request, or in one operation of it, is not another's.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use scim::Error;

/// Runs a future, and turns a panic in it into an error that says nothing of the fault; the log
/// does, and what the client was about to do.
pub(crate) async fn caught<T>(
    future: impl Future<Output = T>,
    doing: impl FnOnce() -> String,
) -> Result<T, Error> {
    let mut future = pin!(future);
    let outcome = std::future::poll_fn(|context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    outcome.map_err(|panic| {
        tracing::error!(request = doing(), panic = text(&*panic), "a request panicked");
        Error::new(
            500,
            "The server has a fault and could not carry out the request. It has been logged.",
        )
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
