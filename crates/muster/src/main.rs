//! Muster: joiners, movers and leavers over SCIM 2.0.

mod cli;
mod command;
mod config;
mod configuration;
mod conformance;
mod demo;
mod duration;
mod error;
mod installation;
mod listening;
mod listing;
mod operator;
mod output;
mod serving;
mod tenancy;
mod transfer;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            EnvFilter::try_from_env("MUSTER_LOG").unwrap_or_else(|_| EnvFilter::new("warn")),
        )
        .init();
    match cli::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error}", output::red("error:"));
            ExitCode::from(error.exit_code())
        }
    }
}
