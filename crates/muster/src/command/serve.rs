//! `muster serve`: the halves that are configured, until SIGTERM.

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::{Half, Installation};
use crate::listening::Front;
use crate::serving::Serving;

/// Run the halves that have a section in the configuration. SIGTERM and Ctrl-C stop it cleanly.
#[derive(Debug, Args)]
pub struct ServeArgs {}

/// Runs `muster serve`.
pub async fn run(context: &Context, _: ServeArgs) -> Result<(), CommandError> {
    let installation = Installation::open(context)?;
    let mut serving = Serving::default();
    let mut addresses = serde_json::Map::new();
    if let Some(config) = &installation.config().service_provider {
        let front = installation.front(Half::ServiceProvider)?;
        let listener = bind(&config.listen).await?;
        let address = address(&listener, &front)?;
        context.output.say(format!(
            "Service provider on {address}, SCIM base URL {}/scim2",
            config.public_url.trim_end_matches('/')
        ));
        addresses.insert("service_provider".into(), json!(address));
        serving.service_provider(installation.service_provider()?, listener, front);
    }
    if let Some(config) = &installation.config().directory {
        let front = installation.front(Half::Directory)?;
        let listener = bind(&config.listen).await?;
        let address = address(&listener, &front)?;
        context.output.say(format!("Directory on {address}"));
        addresses.insert("directory".into(), json!(address));
        serving.directory(installation.directory()?, listener, front);
    }
    if addresses.is_empty() {
        return Err(CommandError::usage("the configuration names no half to run")
            .hint("Add a [directory] or [service_provider] section."));
    }
    context.output.value(&addresses.into())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
        ended = serving.ended() => ended,
    };
    context.output.say("Stopping.");
    serving.stop().await;
    ended
}

fn address(listener: &TcpListener, front: &Front) -> Result<String, CommandError> {
    let scheme = if front.certificate.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{}", listener.local_addr()?))
}

async fn bind(address: &str) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).await.map_err(|error| {
        CommandError::failed(format!("cannot listen on {address}: {error}"))
            .hint("Another process may have the port: change `listen` in the configuration.")
    })
}
