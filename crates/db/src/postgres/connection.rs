//! One connection: what is sent, what is put off, and which statements are prepared.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::address::{Address, Tls};
use super::tls::Handshake;
use super::wire::Wire;
use super::{Role, bound, explain, types, values};
use crate::error::{Error, Result};
use crate::limits::{SERVER_SILENT_SECS_MAX, STATEMENT_CACHE_MAX, TURNS_KNOWN_MAX};
use crate::value::Value;

const LOCK: &str = "SELECT turn FROM write_turns WHERE turn = $1 FOR UPDATE";
const ADD_TURN: &str = "INSERT INTO write_turns (turn) VALUES ($1) ON CONFLICT (turn) DO NOTHING";

type Driver = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;
type PutOff = Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send>>;

/// A connection to the server.
pub(super) struct Connection {
    /// None only while the connection is being closed.
    client: Option<Arc<Client>>,
    /// Reads and writes for the client; none once the connection has ended.
    driver: Option<Driver>,
    wire: Wire,
    /// What is sent before the next statement, or was sent and not looked at yet.
    put_off: VecDeque<PutOff>,
    statements: HashMap<String, Known>,
    /// The statements in the order in which they were first seen.
    seen: VecDeque<String>,
    /// Turns that have a row.
    turns: HashSet<String>,
}

/// A statement this connection has seen: what is run once need not be prepared.
enum Known {
    Once,
    Prepared(Statement),
}

/// Why something was not done.
pub(super) enum Trouble {
    /// The connection broke.
    Lost(io::Error),
    /// The server refused it.
    Refused(tokio_postgres::Error),
    /// The turn has no row, so nobody holds it.
    NoTurn,
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Trouble {
        if explain::ends_connection(&error) {
            Trouble::Lost(io::Error::other(error))
        } else {
            Trouble::Refused(error)
        }
    }
}

impl Connection {
    /// Connects.
    pub(super) fn open(address: &Address, role: Role) -> Result<Connection> {
        let cannot = |source: io::Error| Error::Connect {
            place: address.path().display().to_string(),
            source: Arc::new(source),
        };
        let config = address.config(role);
        let (wire, host) = Wire::connect(&config).map_err(cannot)?;
        let (client, driver) = match &address.tls {
            Tls::Off => {
                let mut connecting = pin!(config.connect_raw(wire.clone(), NoTls));
                let connected = wire.wait(|context| connecting.as_mut().poll(context));
                let (client, driver) =
                    connected.map_err(cannot)?.map_err(refused).map_err(cannot)?;
                (client, Box::pin(driver) as Driver)
            }
            Tls::Verified { roots } => {
                let handshake = Handshake::with(&host, roots.as_deref()).map_err(cannot)?;
                let mut connecting = pin!(config.connect_raw(wire.clone(), handshake));
                let connected = wire.wait(|context| connecting.as_mut().poll(context));
                let (client, driver) =
                    connected.map_err(cannot)?.map_err(refused).map_err(cannot)?;
                (client, Box::pin(driver) as Driver)
            }
        };
        Ok(Connection {
            client: Some(Arc::new(client)),
            driver: Some(driver),
            wire,
            put_off: VecDeque::new(),
            statements: HashMap::new(),
            seen: VecDeque::new(),
            turns: HashSet::new(),
        })
    }

    /// Whether it has ended, as far as is known.
    pub(super) fn is_lost(&self) -> bool {
        self.driver.is_none()
    }

    /// The rows of a query.
    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, Trouble> {
        match self.prepared(sql, params)? {
            None => self.query_once(sql, params),
            Some(statement) => {
                let client = self.client()?;
                self.run(async move { client.query(&statement, &bound(params)).await })
            }
        }
    }

    /// The rows of a query that is not prepared.
    pub(super) fn query_once(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, Trouble> {
        let client = self.client()?;
        let typed: Vec<_> = bound(params).into_iter().zip(types(params)).collect();
        self.run(async move { client.query_typed(sql, &typed).await })
    }

    /// Declares a cursor and fetches its first rows, in one round trip.
    pub(super) fn first_rows(
        &mut self,
        declare: &str,
        params: &[Value],
        fetch: &str,
    ) -> Result<Vec<Row>, Trouble> {
        let (client, declare) = (self.client()?, declare.to_owned());
        let params = params.to_vec();
        self.put_off.push_back(Box::pin(async move {
            let typed: Vec<_> = bound(&params).into_iter().zip(types(&params)).collect();
            client.execute_typed(&declare, &typed).await?;
            Ok(())
        }));
        self.query_once(fetch, &[])
    }

    /// Runs a statement; says how many rows it changed.
    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, Trouble> {
        let client = self.client()?;
        match self.prepared(sql, params)? {
            None => {
                let typed: Vec<_> = bound(params).into_iter().zip(types(params)).collect();
                self.run(async move { client.execute_typed(sql, &typed).await })
            }
            Some(statement) => {
                self.run(async move { client.execute(&statement, &bound(params)).await })
            }
        }
    }

    /// Runs several statements, however long they take.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Trouble> {
        let client = self.client()?;
        self.wire.be_patient(None);
        let outcome = self.run(async move { client.batch_execute(sql).await });
        self.wire.be_patient(Some(Duration::from_secs(SERVER_SILENT_SECS_MAX)));
        outcome
    }

    /// Makes sure that the turn has a row, which can be locked.
    pub(super) fn know_turn(&mut self, turn: &str) -> Result<(), Trouble> {
        if !self.turns.contains(turn) {
            self.execute(ADD_TURN, &[Value::from(turn)])?;
            if self.turns.len() >= TURNS_KNOWN_MAX {
                self.turns.clear();
            }
            self.turns.insert(turn.to_owned());
        }
        Ok(())
    }

    /// Has a statement sent together with the next one.
    pub(super) fn put_off(&mut self, sql: &str) {
        let Ok(client) = self.client() else { return };
        let sql = sql.to_owned();
        self.put_off.push_back(Box::pin(async move { Ok(client.batch_execute(&sql).await?) }));
    }

    /// Has a turn locked together with the next statement.
    pub(super) fn put_off_lock(&mut self, turn: &str) {
        let Ok(client) = self.client() else { return };
        let turn = turn.to_owned();
        self.put_off.push_back(Box::pin(async move {
            let locked = client.query_typed(LOCK, &[(&turn, Type::TEXT)]).await?;
            if locked.is_empty() { Err(Trouble::NoTurn) } else { Ok(()) }
        }));
    }

    /// Ends a transaction and waits until it has ended.
    pub(super) fn end(&mut self, sql: &str) -> Result<(), Trouble> {
        let client = self.client()?;
        let ended = self.run(async move { client.batch_execute(sql).await });
        if matches!(ended, Err(Trouble::NoTurn)) {
            self.turns.clear();
        }
        ended
    }

    /// Sends what was put off, without waiting for its answers.
    pub(super) fn send(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        // What is answered at once is not sent at all: then the connection is lost, as it will tell.
        self.put_off.retain_mut(|waiting| waiting.as_mut().poll(&mut context).is_pending());
        self.drive(&mut context);
    }

    /// Forgets what was prepared.
    pub(super) fn forget_statements(&mut self) {
        self.statements.clear();
        self.seen.clear();
    }

    /// The statement, prepared if it is not the first time that it is run.
    fn prepared(&mut self, sql: &str, params: &[Value]) -> Result<Option<Statement>, Trouble> {
        match self.statements.get(sql) {
            Some(Known::Prepared(statement))
                if statement.params().len() == params.len()
                    && params.iter().zip(statement.params()).all(|(p, t)| values::fits(p, t)) =>
            {
                return Ok(Some(statement.clone()));
            }
            Some(_) => {}
            None => {
                if self.seen.len() >= STATEMENT_CACHE_MAX
                    && let Some(oldest) = self.seen.pop_front()
                {
                    self.statements.remove(&oldest);
                }
                self.seen.push_back(sql.to_owned());
                self.statements.insert(sql.to_owned(), Known::Once);
                return Ok(None);
            }
        }
        let (client, types) = (self.client()?, types(params));
        let statement = self.run(async move { client.prepare_typed(sql, &types).await })?;
        self.statements.insert(sql.to_owned(), Known::Prepared(statement.clone()));
        Ok(Some(statement))
    }

    /// Runs a request, after what was put off, and waits for both.
    fn run<T>(
        &mut self,
        request: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        let mut request = pin!(request);
        let wire = self.wire.clone();
        let mut first_trouble = None;
        let waited = wire.wait(|context| {
            // In order: polling one for the first time sends it.
            let mut index = 0;
            while let Some(waiting) = self.put_off.get_mut(index) {
                match waiting.as_mut().poll(context) {
                    Poll::Pending => index += 1,
                    Poll::Ready(outcome) => {
                        drop(self.put_off.remove(index));
                        if let Err(trouble) = outcome {
                            first_trouble.get_or_insert(trouble);
                        }
                    }
                }
            }
            let outcome = request.as_mut().poll(context);
            self.drive(context);
            outcome
        });
        let outcome = match waited {
            Ok(outcome) => outcome.map_err(Trouble::from),
            Err(error) => Err(Trouble::Lost(error)),
        };
        let outcome = match first_trouble {
            Some(trouble) => Err(trouble),
            None => outcome,
        };
        if matches!(outcome, Err(Trouble::Lost(_))) {
            self.driver = None;
            self.put_off.clear();
        }
        outcome
    }

    fn client(&self) -> Result<Arc<Client>, Trouble> {
        self.client.clone().ok_or_else(|| Trouble::Lost(io::ErrorKind::NotConnected.into()))
    }

    fn drive(&mut self, context: &mut Context) {
        let Some(driver) = &mut self.driver else { return };
        if let Poll::Ready(ended) = driver.as_mut().poll(context) {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection to the database ended");
            }
            self.driver = None;
            context.waker().wake_by_ref();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Says good-bye, so that the server does not complain of a client that vanished.
        self.put_off.clear();
        self.statements.clear();
        self.client = None;
        self.drive(&mut Context::from_waker(Waker::noop()));
    }
}

/// The server's own words, where it has some.
fn refused(error: tokio_postgres::Error) -> io::Error {
    match error.as_db_error() {
        Some(said) => io::Error::other(said.message().to_owned()),
        None => io::Error::other(error),
    }
}
