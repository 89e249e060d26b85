//! The command line: every verb in one list, each in a file of its own.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command;
use crate::error::CommandError;
use crate::output::Output;

/// Joiners, movers and leavers over SCIM 2.0: a directory and a service provider in one binary.
#[derive(Debug, Parser)]
#[command(name = "muster", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What the options of every command share.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file of the installation.
    #[arg(long, global = true, default_value = "muster.toml", env = "MUSTER_CONFIG")]
    pub config: PathBuf,
    /// Print one JSON value for a program instead of text for a person.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a configuration and a key file for a new installation.
    Init(command::init::InitArgs),
    /// Run the halves that are configured.
    Serve(command::serve::ServeArgs),
    #[command(subcommand)]
    Source(command::source::SourceCommand),
    Log(command::log::LogArgs),
    #[command(subcommand)]
    Tenant(command::tenant::TenantCommand),
    Token(command::token::TokenArgs),
    License(command::license::LicenseArgs),
    Seats(command::seats::SeatsArgs),
    User(command::user::UserArgs),
}

/// What every command gets.
pub struct Context {
    /// The configuration file.
    pub config: PathBuf,
    /// Where and how to print.
    pub output: Output,
}

/// Runs a command.
///
/// # Errors
/// Whatever the command could not do, with its next step.
pub async fn run(cli: Cli) -> Result<(), CommandError> {
    let context = Context { config: cli.global.config, output: Output { json: cli.global.json } };
    match cli.command {
        Command::Init(args) => command::init::run(&context, args),
        Command::Serve(args) => command::serve::run(&context, args).await,
        Command::Source(command) => command::source::run(&context, command),
        Command::Log(args) => command::log::run(&context, args).await,
        Command::Tenant(command) => command::tenant::run(&context, command),
        Command::Token(args) => command::token::run(&context, args),
        Command::License(args) => command::license::run(&context, args),
        Command::Seats(args) => command::seats::run(&context, args),
        Command::User(args) => command::user::run(&context, args),
    }
}
