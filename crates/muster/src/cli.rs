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
    /// Tell the whole lifecycle with made-up people, over real HTTP, and check it.
    Demo(command::demo::DemoArgs),
    /// Write a configuration and a key file for a new installation.
    Init(command::init::InitArgs),
    /// Run the halves that are configured.
    Serve(command::serve::ServeArgs),
    #[command(subcommand)]
    Source(command::source::SourceCommand),
    #[command(subcommand)]
    Person(command::person::PersonCommand),
    #[command(subcommand)]
    Group(command::group::GroupCommand),
    #[command(subcommand)]
    Rule(command::rule::RuleCommand),
    #[command(subcommand)]
    App(command::app::AppCommand),
    Plan(command::plan::PlanArgs),
    Apply(command::apply::ApplyArgs),
    Provision(command::provision::ProvisionArgs),
    Explain(command::explain::ExplainArgs),
    Log(command::log::LogArgs),
    #[command(subcommand)]
    Tenant(command::tenant::TenantCommand),
    Token(command::token::TokenArgs),
    License(command::license::LicenseArgs),
    Seats(command::seats::SeatsArgs),
    User(command::user::UserArgs),
    Webhook(command::webhook::WebhookArgs),
    Schema(command::schema::SchemaArgs),
    ResourceType(command::resource_type::ResourceTypeArgs),
    #[command(subcommand)]
    Config(command::config::ConfigCommand),
    Conformance(command::conformance::ConformanceArgs),
    Backup(command::backup::BackupArgs),
    Restore(command::backup::RestoreArgs),
    Migrate(command::migrate::MigrateArgs),
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
        Command::Demo(args) => command::demo::run(&context, args).await,
        Command::Init(args) => command::init::run(&context, args),
        Command::Serve(args) => command::serve::run(&context, args).await,
        Command::Source(command) => command::source::run(&context, command),
        Command::Person(command) => command::person::run(&context, command),
        Command::Group(command) => command::group::run(&context, command),
        Command::Rule(command) => command::rule::run(&context, command),
        Command::App(command) => command::app::run(&context, command).await,
        Command::Plan(args) => command::plan::run(&context, args).await,
        Command::Apply(args) => command::apply::run(&context, args).await,
        Command::Provision(args) => command::provision::run(&context, args).await,
        Command::Explain(args) => command::explain::run(&context, args).await,
        Command::Log(args) => command::log::run(&context, args).await,
        Command::Tenant(command) => command::tenant::run(&context, command),
        Command::Token(args) => command::token::run(&context, args),
        Command::License(args) => command::license::run(&context, args),
        Command::Seats(args) => command::seats::run(&context, args),
        Command::User(args) => command::user::run(&context, args),
        Command::Webhook(args) => command::webhook::run(&context, args).await,
        Command::Schema(args) => command::schema::run(&context, args),
        Command::ResourceType(args) => command::resource_type::run(&context, args),
        Command::Config(command) => command::config::run(&context, command),
        Command::Conformance(args) => command::conformance::run(&context, args).await,
        Command::Backup(args) => command::backup::backup(&context, args),
        Command::Restore(args) => command::backup::restore(&context, args),
        Command::Migrate(args) => command::migrate::run(&context, args),
    }
}
