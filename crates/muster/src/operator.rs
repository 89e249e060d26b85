//! Who runs a command, for which day, and what the files they name hold.

use std::io::Read;
use std::path::Path;

use db::Ctx;
use directory::Directory;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::CommandError;

/// Largest file with a token, in bytes.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;
/// Largest file with the configuration of one thing, in bytes.
const CONFIG_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Who does what is done next: the operator at this machine, by this command.
pub fn ctx(directory: &Directory, command: &str) -> Ctx {
    directory.ctx(&actor(), &format!("muster {command}"))
}

/// The operator at this machine: `cli:ana`.
pub fn actor() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    format!("cli:{}", user.filter(|user| !user.is_empty()).unwrap_or_else(|| "operator".into()))
}

/// The day a command is for: the one that was named, or today where this machine stands.
pub fn day(directory: &Directory, as_of: Option<Date>) -> Date {
    as_of.unwrap_or_else(|| directory.today())
}

/// The token in a file; `-` reads standard input, so that a token never stands on a command line.
///
/// # Errors
/// The file cannot be read, or holds nothing.
pub fn token(path: &Path) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| {
        CommandError::usage(format!("the token file {} cannot be read: {error}", path.display()))
    })?;
    match text.trim() {
        "" => Err(CommandError::usage(format!("the token file {} is empty", path.display()))
            .hint("`muster token create --tenant NAME > FILE` writes one.")),
        token => Ok(token.to_string()),
    }
}

/// A TOML file as what it should hold; unknown keys are refused.
///
/// # Errors
/// The file cannot be read, or does not fit, with the line.
pub fn toml_file<T: DeserializeOwned>(path: &Path) -> Result<T, CommandError> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CONFIG_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| {
            CommandError::usage(format!("{} cannot be read: {error}", path.display()))
        })?;
    toml::from_str(&text).map_err(|error| {
        CommandError::usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
    })
}

/// A JSON file; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or is no JSON, with the line.
pub fn json_file(path: &Path) -> Result<Value, CommandError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(CONFIG_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(CONFIG_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| {
        CommandError::usage(format!("{} cannot be read: {error}", path.display()))
    })?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::usage(format!("{} is no JSON: {error}", path.display())))
}

/// A count with its noun: `1 row`, `2 rows`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
