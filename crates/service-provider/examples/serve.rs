//! A service provider in a temporary folder, for trying a client or a conformance suite on it:
//!
//! ```text
//! cargo run --release -p service-provider --example serve -- 127.0.0.1:8081
//! ```
//!
//! The first line on stdout is the SCIM base URL, the second a token.

use db::Clock;
use service_provider::{Config, Dialect, NewToken, ServiceProvider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".into());
    let dialect = arguments.next().and_then(|name| Dialect::from_name(&name)).unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let provider = ServiceProvider::open(Config {
        database: format!("sqlite:{}", folder.path().join("service-provider.db").display()),
        public_url: format!("http://{}", listener.local_addr()?),
        key_file: None,
        clock: Clock::system(),
    })?;
    let ctx = provider.ctx("example", "serve");
    let tenant = provider.create_tenant(&ctx, "example")?;
    let token = NewToken { dialect, ..NewToken::named("example") };
    let issued = provider.create_token(&ctx, &tenant.id, &token)?;
    println!("{}\n{}", provider.base_url(), issued.secret);
    let background = provider.clone();
    tokio::spawn(async move { background.run_background(std::future::pending()).await });
    axum::serve(listener, provider.router()).await?;
    Ok(())
}
