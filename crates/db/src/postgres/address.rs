//! Where a PostgreSQL database is, and how it is spoken to.

use std::fmt;
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::Role;
use crate::error::{Error, Result};
use crate::limits::{
    CONNECT_SECS, LOCK_WAIT_MILLIS, READ_IDLE_SECS_MAX, STATEMENT_SECS_MAX, WRITE_IDLE_SECS_MAX,
};

/// Characters of a schema's name at most: PostgreSQL cuts longer ones off.
const SCHEMA_CHARS_MAX: usize = 63;

/// A database, and the schema in it that holds the tables.
pub(crate) struct Address {
    config: Config,
    /// The schema, which is created if it is missing; none is whatever the server looks in first.
    pub(super) schema: Option<String>,
    pub(super) tls: Tls,
    path: PathBuf,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    /// Encrypted, and the server's certificate and name are checked.
    Verified {
        /// A file with the certificates to trust; none are those the system trusts.
        roots: Option<PathBuf>,
    },
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?schema=NAME&sslmode=MODE&sslrootcert=FILE`.
    pub(crate) fn parse(url: &str) -> Result<Address> {
        let shown = redacted(url);
        let wrong =
            |problem: &str| Error::Address { url: shown.clone(), problem: problem.to_owned() };
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut schema, mut sslmode, mut roots, mut rest) = (None, None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "schema" => schema = Some(value.to_owned()),
                "sslmode" => sslmode = Some(value),
                "sslrootcert" => roots = Some(PathBuf::from(value.replace("%2F", "/"))),
                "options" if value.contains("search_path") => {
                    return Err(wrong("name the schema as schema=NAME, not in options"));
                }
                _ => rest.push(pair),
            }
        }
        if schema.as_deref().is_some_and(|name| !is_schema_name(name)) {
            return Err(wrong(
                "a schema's name has small letters, digits and _, and begins with a letter",
            ));
        }
        let rest =
            if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: Config = rest.parse().map_err(|error| wrong(&said(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host"));
        }
        if config.get_dbname().is_none() {
            return Err(wrong("it names no database"));
        }
        let local = config.get_hosts().iter().all(is_local);
        let tls = match sslmode {
            None if local => Tls::Off,
            None => {
                return Err(wrong(
                    "the host is another machine: say sslmode=verify-full to have the connection \
                     encrypted, or sslmode=disable if the network between is trusted",
                ));
            }
            Some("disable") => Tls::Off,
            Some("require" | "verify-full") => Tls::Verified { roots },
            Some(_) => return Err(wrong("sslmode is disable, require or verify-full")),
        };
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(CONNECT_SECS));
        }
        let path = PathBuf::from(shown);
        Ok(Address { config, schema, tls, path })
    }

    /// The address of a database beside the one at `url`: in another schema, named after its own.
    pub(crate) fn beside(url: &str, suffix: &str) -> String {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut own = "public";
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.strip_prefix("schema=") {
                Some(name) => own = name,
                None => rest.push(pair),
            }
        }
        let schema = format!("schema={own}_{suffix}");
        rest.push(&schema);
        format!("{base}?{}", rest.join("&"))
    }

    /// Where it is, for messages: without the password.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How a session of this role connects.
    pub(super) fn config(&self, role: Role) -> Config {
        let mut config = self.config.clone();
        let idle_secs = match role {
            Role::Reader => READ_IDLE_SECS_MAX,
            Role::Writer => WRITE_IDLE_SECS_MAX,
        };
        let mut options = format!(
            "{} -c statement_timeout={}s -c lock_timeout={}ms \
             -c idle_in_transaction_session_timeout={idle_secs}s -c jit=off",
            config.get_options().unwrap_or_default(),
            STATEMENT_SECS_MAX,
            LOCK_WAIT_MILLIS,
        );
        if let Some(schema) = &self.schema {
            options.push_str(&format!(" -c search_path={schema}"));
        }
        config.options(options.trim());
        if config.get_application_name().is_none() {
            config.application_name("muster");
        }
        config
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address without its password.
pub(crate) fn redacted(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let mut shown = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    match rest.rsplit_once('@') {
        Some((who, place)) => {
            let user = who.split(':').next().unwrap_or_default();
            shown.push_str(&format!("{user}@{place}"));
        }
        None => shown.push_str(rest),
    }
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("password="))
        .collect();
    if !kept.is_empty() {
        shown.push_str(&format!("?{}", kept.join("&")));
    }
    shown
}

/// What the parser said, which quotes no value.
fn said(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

fn is_schema_name(name: &str) -> bool {
    name.len() <= SCHEMA_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_holds_the_password() {
        let check = |url: &str, expected: &str| assert_eq!(redacted(url), expected, "{url}");
        check("postgres://ana:s3cret@localhost:5432/m", "postgres://ana@localhost:5432/m");
        check("postgres://ana:a@b:c@localhost/m?schema=x", "postgres://ana@localhost/m?schema=x");
        check("postgres://localhost/m?user=a&password=s3cret&schema=x", {
            "postgres://localhost/m?user=a&schema=x"
        });
        check("postgres://localhost/m", "postgres://localhost/m");
        let address = Address::parse("postgres://ana:s3cret@localhost/m?schema=x").unwrap();
        assert_eq!(format!("{address:?} {address}").matches("s3cret").count(), 0);
        let error = Address::parse("postgres://ana:s3cret@localhost:65536/m");
        assert!(!error.unwrap_err().to_string().contains("s3cret"));
    }

    #[test]
    fn an_address_that_cannot_be_used_says_why() {
        let check = |url: &str, expected: &str| {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(expected), "{url}: {error}");
        };
        check("postgres:///m", "it names no host");
        check("postgres://localhost", "it names no database");
        check("postgres://localhost/m?schema=A-b", "small letters");
        check("postgres://localhost/m?sslmode=maybe", "sslmode is");
        check("postgres://db.example/m", "sslmode=verify-full");
        check("postgres://localhost/m?options=-csearch_path%3Dx", "schema=NAME");
    }

    #[test]
    fn what_is_kept_beside_a_database_is_in_a_schema_named_after_its_own() {
        let check = |url: &str, expected: &str| {
            assert_eq!(Address::beside(url, "requests"), expected, "{url}");
        };
        check("postgres://h/m", "postgres://h/m?schema=public_requests");
        check("postgres://h/m?schema=a&sslmode=disable", {
            "postgres://h/m?sslmode=disable&schema=a_requests"
        });
    }
}
