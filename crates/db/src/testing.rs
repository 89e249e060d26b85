//! For tests: the same body on every engine.
//!
//! A test asks for the address that belongs to a file in its folder and opens it. The variable
//! `MUSTER_TEST_ENGINE` says which engine that is: `sqlite`, which is also the default, or
//! `postgres`. There each address is a schema of its own, in a database of its own for this
//! process, on the server that `MUSTER_TEST_POSTGRES` names by an administrator's address. Without
//! one, this process starts a cluster of its own, which goes away when the process does, however
//! it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::postgres;
use crate::{Error, Result};

/// What the tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A schema on a server.
    Postgres,
}

/// Starts a cluster, prints its address, and ends it when its input ends.
const CLUSTER: &str = include_str!("testing/cluster.sh");

/// The server, which is there until this process ends.
struct Server {
    /// The address of this process's database.
    url: String,
    /// Ends with its standard input, which ends with this process.
    _cluster: Option<Child>,
}

/// The engine that the environment asks for.
#[expect(
    clippy::panic,
    reason = "a test that ran on another engine than was asked for would be no test"
)]
pub fn engine() -> Engine {
    match std::env::var("MUSTER_TEST_ENGINE").as_deref() {
        Err(_) | Ok("" | "sqlite") => Engine::Sqlite,
        Ok("postgres") => Engine::Postgres,
        Ok(other) => panic!("MUSTER_TEST_ENGINE is sqlite or postgres, not `{other}`"),
    }
}

/// Whether the tests run on SQLite; a test about files says so first.
pub fn on_sqlite() -> bool {
    engine() == Engine::Sqlite
}

/// The address of the database that belongs to this file: the file, or a schema named after it.
pub fn url(file: &Path) -> String {
    match engine() {
        Engine::Sqlite => format!("sqlite:{}", file.display()),
        Engine::Postgres => {
            let digest =
                <sha2::Sha256 as sha2::Digest>::digest(file.as_os_str().as_encoded_bytes());
            format!("{}?schema=t{}", server().url, &crate::digest::hex(&digest)[..20])
        }
    }
}

#[expect(clippy::panic, reason = "without a server no test can run")]
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start().unwrap_or_else(|error| panic!("{error}")))
}

impl Server {
    fn start() -> Result<Server> {
        let (admin, cluster) = match std::env::var("MUSTER_TEST_POSTGRES") {
            Ok(url) if !url.is_empty() => (url, None),
            _ => start_cluster()?,
        };
        let name = format!("muster_test_{}", crate::new_id().replace('-', ""));
        postgres::run_alone(&admin, &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        let (place, _) = admin.rsplit_once('/').unwrap_or((&admin, ""));
        Ok(Server { url: format!("{place}/{name}"), _cluster: cluster })
    }
}

fn start_cluster() -> Result<(String, Option<Child>)> {
    let cannot = |problem: String| Error::Connect {
        place: "of the tests".to_owned(),
        source: std::sync::Arc::new(std::io::Error::other(problem)),
    };
    let mut cluster = Command::new("sh")
        .args(["-c", CLUSTER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cannot(error.to_string()))?;
    let mut url = String::new();
    if let Some(output) = cluster.stdout.take() {
        BufReader::new(output).read_line(&mut url).map_err(|error| cannot(error.to_string()))?;
    }
    if url.trim().is_empty() {
        return Err(cannot("no cluster could be started".to_owned()));
    }
    Ok((url.trim().to_owned(), Some(cluster)))
}
