//! What is done without anybody asking: a loop that looks for work and does it in named batches.

use std::future::Future;
use std::pin::pin;
use std::time::Instant;

use tokio::sync::watch;

use crate::Result;
use crate::error::Chain;
use crate::limits::{BACKGROUND_INTERVAL, LAST_USED_FLUSH_INTERVAL};
use crate::provider::ServiceProvider;

impl ServiceProvider {
    /// Runs until `shutdown` is done, then writes down what waits in memory. A round that fails is
    /// logged and tried again: nothing here may stop because of one bad row.
    pub async fn run_background(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut flushed_at = Instant::now();
        // Receivers that take their time hold up nothing here.
        let (stop, stopped) = watch::channel(false);
        let delivering = tokio::spawn(self.clone().deliver_until(stopped));
        loop {
            let closing = tokio::select! {
                () = &mut shutdown => true,
                () = tokio::time::sleep(BACKGROUND_INTERVAL) => false,
            };
            let flush = closing || flushed_at.elapsed() >= LAST_USED_FLUSH_INTERVAL;
            if flush {
                flushed_at = Instant::now();
            }
            let provider = self.clone();
            let round = tokio::task::spawn_blocking(move || provider.round(flush, closing)).await;
            match round {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(error = %Chain(&error), "background work failed"),
                Err(panic) => tracing::error!(%panic, "background work panicked"),
            }
            if closing {
                drop(stop);
                if let Err(panic) = delivering.await {
                    tracing::error!(%panic, "delivering events panicked");
                }
                return;
            }
        }
    }

    fn round(&self, flush: bool, closing: bool) -> Result<()> {
        if flush {
            self.flush_last_used()?;
        }
        if !closing {
            self.licensing_round()?;
            self.seal_events()?;
        }
        if closing { self.request_log().flush() } else { Ok(()) }
    }
}
