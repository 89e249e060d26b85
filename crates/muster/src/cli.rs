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
    /// Tell the whole lifecycle with made-up people, over real HTTP, in a temporary folder.
    Demo(command::demo::DemoArgs),
    /// Write a configuration and a key file for a new installation.
    Init(command::init::InitArgs),
    /// Run the halves that are configured.
    Serve(command::serve::ServeArgs),
    /// Service provider: tenants.
    #[command(subcommand)]
    Tenant(command::tenant::TenantCommand),
    /// Service provider: SCIM tokens.
    #[command(subcommand)]
    Token(command::token::TokenCommand),
    /// Service provider: license types, what groups grant, the default license.
    #[command(subcommand)]
    License(command::license::LicenseCommand),
    /// Service provider: pools, who holds a seat and why, who waits.
    #[command(subcommand)]
    Seats(command::seats::SeatsCommand),
    /// Service provider: users, their receipts, numbers and meetings.
    #[command(subcommand)]
    User(command::user::UserCommand),
    /// Directory: sources of people and their files.
    #[command(subcommand)]
    Source(command::source::SourceCommand),
    /// Directory: people.
    #[command(subcommand)]
    Person(command::person::PersonCommand),
    /// Directory: groups, members by hand and exclusions.
    #[command(subcommand)]
    Group(command::group::GroupCommand),
    /// Directory: rules that fill groups.
    #[command(subcommand)]
    Rule(command::rule::RuleCommand),
    /// Directory: applications, credentials, assignments and push groups.
    #[command(subcommand)]
    App(command::app::AppCommand),
    /// Directory: what would change in an application, with reasons and cost.
    Plan(command::plan::PlanArgs),
    /// Directory: do exactly what the plan says.
    Apply(command::apply::ApplyArgs),
    /// Directory: one person now, step by step.
    Provision(command::provision::ProvisionArgs),
    /// Why a person has, or lacks, each membership, account and license.
    Explain(command::explain::ExplainArgs),
    /// The system log.
    Log(command::log::LogArgs),
    /// The configuration of both halves as files.
    #[command(subcommand)]
    Config(command::config::ConfigCommand),
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
    let context =
        Context { config: cli.global.config, output: Output { json: cli.global.json } };
    match cli.command {
        Command::Demo(args) => command::demo::run(&context, args).await,
        Command::Init(args) => command::init::run(&context, args),
        Command::Serve(args) => command::serve::run(&context, args).await,
        Command::Tenant(command) => command::tenant::run(&context, command).await,
        Command::Token(command) => command::token::run(&context, command).await,
        Command::License(command) => command::license::run(&context, command).await,
        Command::Seats(command) => command::seats::run(&context, command).await,
        Command::User(command) => command::user::run(&context, command).await,
        Command::Source(command) => command::source::run(&context, command).await,
        Command::Person(command) => command::person::run(&context, command).await,
        Command::Group(command) => command::group::run(&context, command).await,
        Command::Rule(command) => command::rule::run(&context, command).await,
        Command::App(command) => command::app::run(&context, command).await,
        Command::Plan(args) => command::plan::run(&context, args).await,
        Command::Apply(args) => command::apply::run(&context, args).await,
        Command::Provision(args) => command::provision::run(&context, args).await,
        Command::Explain(args) => command::explain::run(&context, args).await,
        Command::Log(args) => command::log::run(&context, args).await,
        Command::Config(command) => command::config::run(&context, command).await,
    }
}
