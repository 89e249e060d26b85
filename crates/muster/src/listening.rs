//! Taking connections: only so many at once, and each has a time in which a request's head has to
//! arrive, so that whoever opens connections and says nothing does not keep others out.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections one listener serves at once; further ones wait for one of them to end. Below the
/// usual limit of open files, of which the databases need some too.
const CONNECTION_COUNT_MAX: usize = 512;
/// How long a client may take to send a request's head, and how long a connection may lie idle.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long no connection is taken after the system had none to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What one listener bears.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections served at once.
    pub connection_count_max: usize,
    /// How long a request's head may take.
    pub head_wait_max: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connection_count_max: CONNECTION_COUNT_MAX, head_wait_max: HEAD_WAIT_MAX }
    }
}

/// Serves a router until `stop` says so, then answers what is under way.
pub async fn listen(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(bounds.connection_count_max));
    let mut connections: JoinSet<()> = JoinSet::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await;
            (accept(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            () = stopped(stop.clone()) => break,
            next = next => next,
            Some(_) = connections.join_next() => continue,
        };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            serve(stream, router, bounds.head_wait_max, stop).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until it is told to stop.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that nobody can stop it any more, which is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Whoever called is gone again, or files have run out: neither ends the listener.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    router: Router,
    head_wait_max: Duration,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and whole: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_wait_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended: Result<(), hyper::Error> = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start(bounds: Bounds) -> (std::net::SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let router = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(listen(listener, router, bounds, stop.subscribe()));
        (address, stop)
    }

    async fn ask(address: std::net::SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn who_sends_half_a_request_is_let_go_and_keeps_nobody_out() {
        let head_wait_max = Duration::from_millis(100);
        let (address, _stop) = start(Bounds { connection_count_max: 2, head_wait_max }).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
        // Both places are taken until the time of the two is over.
        assert!(ask(address).await.ends_with("here"));
        for stream in [&mut silent, &mut slow] {
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
        }
    }

    #[tokio::test]
    async fn a_listener_that_stops_lets_idle_connections_go() {
        let (address, stop) = start(Bounds::default()).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        let mut first = [0_u8; 15];
        idle.read_exact(&mut first).await.unwrap();
        stop.send_replace(true);
        let mut rest = String::new();
        idle.read_to_string(&mut rest).await.unwrap();
        assert!(rest.ends_with("here"), "{rest}");
    }
}
