//! `muster init`: a configuration and a key file for a new installation.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::Context;
use crate::error::CommandError;
use crate::output::bold;

/// Write `muster.toml` and the key file that seals secrets, both readable by their owner alone.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; it is made if it does not exist.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// What a new installation starts with. Both halves run on this machine and may reach each other.
const CONFIG: &str = r#"# Muster. Every key is described in docs/configuration.md; unknown keys are refused.

key_file = "muster.key"

[directory]
listen = "127.0.0.1:8080"
database = "sqlite:directory.db"
# Hosts of private networks that applications may live on. Remove it when there is none.
private_hosts = ["127.0.0.1"]

[service_provider]
listen = "127.0.0.1:8081"
public_url = "http://127.0.0.1:8081"
database = "sqlite:service-provider.db"
"#;

/// Runs `muster init`.
pub fn run(context: &Context, args: InitArgs) -> Result<(), CommandError> {
    std::fs::create_dir_all(&args.dir)?;
    let config = args.dir.join("muster.toml");
    let key = args.dir.join("muster.key");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&config).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            CommandError::usage(format!("{} exists already", config.display()))
                .hint("Nothing was changed. Name another folder, or edit the file.")
        }
        _ => CommandError::failed(format!("{} cannot be written: {error}", config.display())),
    })?;
    file.write_all(CONFIG.as_bytes())?;
    if !key.exists() {
        db::KeyFile::create(&key)?;
    }
    context.output.say(format!("Wrote {} and {}.", config.display(), key.display()));
    context.output.say(
        "Keep a copy of the key file apart from the databases: without it sealed secrets are lost.",
    );
    context.output.say(format!(
        "\nNext:\n  cd {}\n  {}\nThe directory listens on http://127.0.0.1:8080, the service provider on http://127.0.0.1:8081.",
        args.dir.display(),
        bold("muster serve")
    ));
    context.output.value(&json!({
        "config": config,
        "key_file": key,
        "directory": "http://127.0.0.1:8080",
        "service_provider": "http://127.0.0.1:8081",
    }))
}
