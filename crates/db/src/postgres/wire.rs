//! Bytes to and from the server, and how a thread waits for them.
//!
//! The engine's crate is made of futures. They are run on the thread that asks, and when none of
//! them can go on, the thread waits in a plain blocking read of the socket: there is no runtime
//! below, no other thread to wake, and it works inside any runtime and outside.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::limits::{CONNECT_SECS, SERVER_SILENT_SECS_MAX, WIRE_READ_BYTES};

/// One end of a connection. Clones share it.
#[derive(Clone)]
pub(super) struct Wire {
    socket: Arc<Socket>,
    inbox: Arc<Mutex<Inbox>>,
}

enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// What was received and not yet asked for.
struct Inbox {
    bytes: Vec<u8>,
    taken: usize,
    ended: bool,
}

/// Whether a future that could not go on can now.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Wire {
    /// Connects to the first of the hosts that answers; says which.
    pub(super) fn connect(config: &Config) -> io::Result<(Wire, String)> {
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the address names no host");
        for (index, host) in config.get_hosts().iter().enumerate() {
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match dial(host, port, config.get_connect_timeout().copied()) {
                Ok((socket, name)) => {
                    let inbox = Inbox { bytes: Vec::new(), taken: 0, ended: false };
                    let (socket, inbox) = (Arc::new(socket), Arc::new(Mutex::new(inbox)));
                    return Ok((Wire { socket, inbox }, name));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// How long the server may be silent while it is waited for; for ever if none is said.
    pub(super) fn be_patient(&self, patience: Option<Duration>) {
        let set = match &*self.socket {
            Socket::Tcp(socket) => socket.set_read_timeout(patience),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.set_read_timeout(patience),
        };
        if let Err(error) = set {
            tracing::debug!(%error, "a socket has no time limit");
        }
    }

    /// Runs `poll` until it is ready, blocking this thread while there is nothing to do.
    pub(super) fn wait<T>(&self, mut poll: impl FnMut(&mut Context) -> Poll<T>) -> io::Result<T> {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(woken.clone());
        loop {
            if let Poll::Ready(value) = poll(&mut Context::from_waker(&waker)) {
                return Ok(value);
            }
            if !woken.0.swap(false, Ordering::AcqRel) {
                self.receive()?;
            }
        }
    }

    /// Waits until the server says something, or ends the connection.
    fn receive(&self) -> io::Result<()> {
        let mut inbox = self.inbox();
        if inbox.ended {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = std::mem::take(&mut inbox.bytes);
        let taken = std::mem::take(&mut inbox.taken);
        bytes.drain(..taken);
        let kept = bytes.len();
        bytes.resize(kept + WIRE_READ_BYTES, 0);
        let read = loop {
            let read = match &*self.socket {
                Socket::Tcp(socket) => (&mut &*socket).read(&mut bytes[kept..]),
                #[cfg(unix)]
                Socket::Unix(socket) => (&mut &*socket).read(&mut bytes[kept..]),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        bytes.truncate(kept + read.as_ref().copied().unwrap_or(0));
        inbox.bytes = bytes;
        match read {
            Ok(0) => inbox.ended = true,
            Ok(_) => {}
            Err(error) => {
                inbox.ended = true;
                return Err(error);
            }
        }
        Ok(())
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        wanted: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inbox = self.inbox();
        let waiting = &inbox.bytes[inbox.taken..];
        if waiting.is_empty() {
            return if inbox.ended { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let count = waiting.len().min(wanted.remaining());
        wanted.put_slice(&waiting[..count]);
        inbox.taken += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(match &*self.socket {
            Socket::Tcp(socket) => (&mut &*socket).write(bytes),
            #[cfg(unix)]
            Socket::Unix(socket) => (&mut &*socket).write(bytes),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let both = std::net::Shutdown::Both;
        Poll::Ready(match &*self.socket {
            Socket::Tcp(socket) => socket.shutdown(both),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.shutdown(both),
        })
    }
}

fn dial(host: &Host, port: u16, patience: Option<Duration>) -> io::Result<(Socket, String)> {
    let silence = Some(Duration::from_secs(SERVER_SILENT_SECS_MAX));
    match host {
        Host::Tcp(name) => {
            let patience = patience.unwrap_or(Duration::from_secs(CONNECT_SECS));
            let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
            for address in (name.as_str(), port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, patience) {
                    Ok(socket) => {
                        socket.set_nodelay(true)?;
                        socket.set_read_timeout(silence)?;
                        socket.set_write_timeout(silence)?;
                        return Ok((Socket::Tcp(socket), name.clone()));
                    }
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
        #[cfg(unix)]
        Host::Unix(folder) => {
            let socket = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")))?;
            socket.set_read_timeout(silence)?;
            socket.set_write_timeout(silence)?;
            Ok((Socket::Unix(socket), String::new()))
        }
    }
}
