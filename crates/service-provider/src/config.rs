//! What the service provider needs to know to run.

use std::path::PathBuf;

use db::Clock;

use crate::{Error, Result};

/// The configuration of a service provider.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its data is: `sqlite:service-provider.db`. The request log lies beside it.
    pub database: String,
    /// The address clients reach it at: `https://app.example.com`.
    pub public_url: String,
    /// The key file that secrets are sealed with, if the installation has one.
    pub key_file: Option<PathBuf>,
    /// Where the present moment comes from.
    pub clock: Clock,
}

impl Config {
    /// The public address without a slash at its end.
    pub(crate) fn trimmed_url(&self) -> Result<String> {
        let url = self.public_url.trim_end_matches('/');
        let refuse = |message: &str| {
            Err(Error::Config {
                what: "public_url",
                message: format!(
                    "`{}` {message}. Write, for example, http://127.0.0.1:8081.",
                    self.public_url
                ),
            })
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return refuse("does not begin with http:// or https://");
        }
        // It is written into every answer and the Location header as it stands.
        if url.bytes().any(|byte| !byte.is_ascii_graphic() || b"\"\\<>?#".contains(&byte)) {
            return refuse("holds a character that no base address has");
        }
        Ok(url.to_owned())
    }

    /// The request log's database: its own file, so that it never makes data wait.
    pub(crate) fn request_log_database(&self) -> String {
        db::Db::beside(&self.database, "requests")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(database: &str, public_url: &str) -> Config {
        Config {
            database: database.into(),
            public_url: public_url.into(),
            key_file: None,
            clock: Clock::system(),
        }
    }

    #[test]
    fn the_request_log_lies_beside_the_data() {
        let check = |database: &str, expected: &str| {
            assert_eq!(config(database, "http://x").request_log_database(), expected);
        };
        check("sqlite:service-provider.db", "sqlite:service-provider-requests.db");
        check("sqlite:/var/lib/sp", "sqlite:/var/lib/sp-requests.db");
        check("postgres://h/m?schema=sp", "postgres://h/m?schema=sp_requests");
    }

    #[test]
    fn an_address_that_would_break_every_link_is_refused() {
        assert_eq!(
            config("", "https://a.example/x/").trimmed_url().unwrap(),
            "https://a.example/x"
        );
        for url in ["", "a.example", "ftp://a", "http://a b", "http://a\"", "http://a?x=1"] {
            assert!(config("", url).trimmed_url().is_err(), "{url}");
        }
    }
}
