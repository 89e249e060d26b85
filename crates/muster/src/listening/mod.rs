//! Taking connections: only so many at once, and each has a time in which a request's head has to
//! arrive, so that whoever opens connections and says nothing does not keep others out. A listener
//! with a certificate speaks TLS and nothing else.

mod certificate;
mod proxies;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, header};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use certificate::Certificate;
pub use proxies::Proxies;

/// Connections one listener serves at once; further ones wait for one of them to end. Below the
/// usual limit of open files, of which the databases need some too.
const CONNECTION_COUNT_MAX: usize = 512;
/// How long a client may take to send a request's head, and how long a connection may lie idle.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long no connection is taken after the system had none to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How often the files of a certificate are looked at.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(30);
/// The first byte of a TLS handshake (RFC 8446 5.1).
const TLS_HANDSHAKE: u8 = 22;
/// What somebody hears who speaks HTTP where TLS is spoken.
const SPEAK_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
    This address speaks HTTPS: write https:// in the URL.\n";
/// A client that has seen us with TLS does not come without (RFC 6797), for a year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

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

/// What stands between clients and the router.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// With a certificate, TLS is spoken.
    pub certificate: Option<Certificate>,
    /// Who is believed about whom they speak for.
    pub proxies: Arc<Proxies>,
}

/// Serves a router until `stop` says so, then answers what is under way. Each request carries the
/// client's address as [`ConnectInfo`].
pub async fn listen(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    front: Front,
    stop: watch::Receiver<bool>,
) {
    let tls = front.certificate.as_ref().map(|found| TlsAcceptor::from(found.server_config()));
    let places = Arc::new(Semaphore::new(bounds.connection_count_max));
    let mut connections: JoinSet<()> = JoinSet::new();
    let mut renewal = tokio::time::interval(CERTIFICATE_INTERVAL);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await;
            (accept(&listener).await, place)
        };
        let ((stream, peer), place) = tokio::select! {
            () = stopped(stop.clone()) => break,
            next = next => next,
            Some(_) = connections.join_next() => continue,
            _ = renewal.tick() => {
                if let Some(certificate) = &front.certificate {
                    renew(certificate);
                }
                continue;
            }
        };
        let connection = Connection {
            peer,
            router: router.clone(),
            tls: tls.clone(),
            proxies: front.proxies.clone(),
            head_wait_max: bounds.head_wait_max,
        };
        let stop = stop.clone();
        connections.spawn(async move {
            connection.serve(stream, stop).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Reads a certificate again if its files were written since.
fn renew(certificate: &Certificate) {
    match certificate.refresh() {
        Ok(true) => tracing::info!(?certificate, "a renewed certificate is shown from now on"),
        Ok(false) => {}
        Err(error) => {
            tracing::error!(%error, "the certificate could not be renewed; the one before it is shown on")
        }
    }
}

/// Waits until it is told to stop.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that nobody can stop it any more, which is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Whoever called is gone again, or files have run out: neither ends the listener.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection.
struct Connection {
    peer: SocketAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    proxies: Arc<Proxies>,
    head_wait_max: Duration,
}

impl Connection {
    async fn serve(self, mut stream: TcpStream, stop: watch::Receiver<bool>) {
        // Answers are small and whole: waiting to fill a packet would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let Some(tls) = self.tls.clone() else { return self.speak(stream, stop).await };
        let greeting = async {
            let mut first = [0_u8; 1];
            if stream.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
                stream.write_all(SPEAK_TLS).await?;
                stream.shutdown().await?;
                // Closing with a request unread would take the answer back.
                let mut rest = [0_u8; 1024];
                while stream.read(&mut rest).await? > 0 {}
                return Ok(None);
            }
            tls.accept(stream).await.map(Some)
        };
        let greeted: std::io::Result<_> = tokio::select! {
            () = stopped(stop.clone()) => return,
            greeted = tokio::time::timeout(self.head_wait_max, greeting) => {
                greeted.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            }
        };
        match greeted {
            Ok(Some(stream)) => self.speak(stream, stop).await,
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, peer = %self.peer, "no TLS connection came about")
            }
        }
    }

    async fn speak<S>(self, stream: S, stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { peer, router, tls, proxies, head_wait_max } = self;
        let (router, secure) = (TowerToHyperService::new(router), tls.is_some());
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            let client = proxies.client(peer.ip(), request.headers());
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, peer.port())));
            let answer = router.call(request);
            async move {
                let mut response = answer.await?;
                if secure {
                    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;

    async fn start(bounds: Bounds) -> (std::net::SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let router = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(listen(listener, router, bounds, Front::default(), stop.subscribe()));
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

    /// A listener with a certificate for `localhost`, and a client that trusts it.
    async fn start_with_tls() -> (u16, reqwest::Client, tempfile::TempDir, watch::Sender<bool>) {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let proxies = Arc::new(Proxies::parse(&["127.0.0.1".into()]).unwrap());
        let certificate = Some(Certificate::read(&certificate, &key).unwrap());
        let front = Front { certificate, proxies };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = watch::Sender::new(false);
        let who =
            |ConnectInfo(address): ConnectInfo<SocketAddr>| async move { address.ip().to_string() };
        let router = Router::new().route("/", get(who));
        tokio::spawn(listen(listener, router, Bounds::default(), front, stop.subscribe()));
        let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
        (port, client, folder, stop)
    }

    #[tokio::test]
    async fn a_listener_with_a_certificate_speaks_tls_and_knows_whom_a_proxy_speaks_for() {
        let (port, client, _folder, _stop) = start_with_tls().await;
        let request = client.get(format!("https://localhost:{port}/"));
        let answer = request.header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
        assert_eq!(answer.text().await.unwrap(), "192.0.2.1");
    }

    #[tokio::test]
    async fn whoever_speaks_http_to_a_tls_listener_is_told_so() {
        let (port, _client, _folder, _stop) = start_with_tls().await;
        let answer = ask(SocketAddr::from(([127, 0, 0, 1], port))).await;
        assert!(answer.contains("write https:// in the URL"), "{answer}");
    }
}
