//! Running the halves: each listens on its own address and does its own background work. The only
//! thing they share here is the signal to stop.

use axum::Router;
use axum::routing::get;
use directory::Directory;
use service_provider::ServiceProvider;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::CommandError;
use crate::listening::{self, Bounds, Front, listen};

/// Longest wait for requests under way when it stops.
const DRAIN_SECS_MAX: u64 = 20;

/// Halves that run until they are told to stop.
pub struct Serving {
    stop: watch::Sender<bool>,
    running: JoinSet<std::io::Result<()>>,
}

impl Default for Serving {
    fn default() -> Self {
        Self { stop: watch::Sender::new(false), running: JoinSet::new() }
    }
}

impl Serving {
    /// Serves the service provider on a listener.
    pub fn service_provider(
        &mut self,
        service_provider: ServiceProvider,
        listener: TcpListener,
        front: Front,
    ) {
        let router = service_provider.router();
        self.serve(listener, router, front);
        let stopped = self.stopped();
        self.running.spawn(async move {
            service_provider.run_background(stopped).await;
            Ok(())
        });
    }

    /// Serves the directory on a listener, and provisions by itself what may be provisioned so.
    pub fn directory(&mut self, directory: Directory, listener: TcpListener, front: Front) {
        let ready = directory.clone();
        let router = Router::new().route("/healthz", get(|| async { "ok\n" })).route(
            "/readyz",
            get(move || {
                let ready = ready.clone();
                async move {
                    match ready.sources() {
                        Ok(_) => (axum::http::StatusCode::OK, "ready\n"),
                        Err(_) => (
                            axum::http::StatusCode::SERVICE_UNAVAILABLE,
                            "the database does not answer\n",
                        ),
                    }
                }
            }),
        );
        self.serve(listener, router, front);
        let stopped = self.stopped();
        self.running.spawn(async move {
            directory.run_background(stopped).await.map_err(std::io::Error::other)
        });
    }

    fn serve(&mut self, listener: TcpListener, router: Router, front: Front) {
        let stop = self.stop.subscribe();
        self.running.spawn(async move {
            listen(listener, router, Bounds::default(), front, stop).await;
            Ok(())
        });
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        listening::stopped(self.stop.subscribe())
    }

    /// Waits until something ends by itself, which nothing should.
    ///
    /// # Errors
    /// What ended it.
    pub async fn ended(&mut self) -> Result<(), CommandError> {
        match self.running.join_next().await {
            Some(Ok(Ok(()))) | None => Ok(()),
            Some(Ok(Err(error))) => Err(error.into()),
            Some(Err(panic)) => Err(CommandError::failed(format!("a part panicked: {panic}"))),
        }
    }

    /// Stops: no new requests, those under way are answered, what waits in memory is written down.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let drained = async { while self.running.join_next().await.is_some() {} };
        let limit = std::time::Duration::from_secs(DRAIN_SECS_MAX);
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!("some requests were still under way after {DRAIN_SECS_MAX} s");
        }
    }
}
