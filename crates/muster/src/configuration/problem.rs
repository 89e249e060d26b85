//! What is wrong with a configuration file: in which line, and what was probably meant; and which
//! thing a half found fault with.

use std::path::Path;

use crate::config::nearest;
use crate::error::{CommandError, Kind};

/// An error that names file and line; an unknown key or word comes with a suggestion.
pub fn problem(path: &Path, text: &str, error: &toml::de::Error) -> CommandError {
    let place = match error.span() {
        Some(span) => format!("{}:{}", path.display(), line(text, span.start)),
        None => path.display().to_string(),
    };
    let message = error.message();
    let sentence = match quoted(message).as_slice() {
        [key, ..] if message.starts_with("unknown field") => {
            format!("{place}: the key `{key}` is not known")
        }
        [word, ..] if message.starts_with("unknown variant") => {
            format!("{place}: the value `{word}` is not known")
        }
        [key] if message.starts_with("missing field") => {
            format!("{place}: the key `{key}` is missing")
        }
        _ => return CommandError::usage(format!("{place}: {message}")),
    };
    let words = quoted(message);
    let (word, known) =
        words.split_first().map_or(("", [].as_slice()), |(word, rest)| (*word, rest));
    let error = CommandError::usage(sentence);
    match nearest(word, known) {
        Some(near) => error.hint(format!("Did you mean `{near}`?")),
        None if known.is_empty() => error,
        None => error.hint(format!("Known are: {}.", known.join(", "))),
    }
}

/// What the directory found wrong with a thing of the files.
pub fn of_directory(kind: &str, name: &str, error: directory::Error) -> CommandError {
    use directory::Error::{Config, Exists, NotFound};
    let is_theirs = matches!(error, Config { .. } | NotFound { .. } | Exists { .. });
    about(kind, name, is_theirs, error.into())
}

/// What the service provider found wrong with a tenant of the files.
pub fn of_tenant(name: &str, error: service_provider::Error) -> CommandError {
    use service_provider::Error::{Config, NotFound, Refused};
    let is_theirs = matches!(error, Config { .. } | NotFound { .. } | Refused { .. });
    about("tenant", name, is_theirs, error.into())
}

/// Says what a mistake is about, if its sentence does not.
fn about(kind: &str, name: &str, is_of_the_files: bool, error: CommandError) -> CommandError {
    let subject = format!("{kind} `{name}`");
    let is_told = error.message.to_lowercase().contains(&subject.to_lowercase());
    let message = if is_told { error.message } else { format!("{subject}: {}", error.message) };
    let kind = if is_of_the_files { Kind::Usage } else { error.kind };
    CommandError { kind, message, ..error }
}

fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The words in backticks, as serde's messages quote what was found and what is known.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read to be refused")]
    struct Thing {
        name: String,
        #[serde(default)]
        mode: Mode,
        #[serde(default)]
        part: Vec<Part>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        #[default]
        LinkOnly,
        CreateOrLink,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read to be refused")]
    struct Part {
        size: u32,
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_was_probably_meant() {
        let check = |text: &str, expected: &str| {
            let error = toml::from_str::<Thing>(text).unwrap_err();
            assert_eq!(problem(Path::new("a.toml"), text, &error).to_string(), expected);
        };
        check(
            "# A thing\nnaem = \"x\"\n",
            "a.toml:2: the key `naem` is not known\n  -> Did you mean `name`?",
        );
        check(
            "name = \"x\"\n\n[[part]]\nweight = 1\n",
            "a.toml:4: the key `weight` is not known\n  -> Known are: size.",
        );
        check(
            "name = \"x\"\nmode = \"create-or-lnk\"\n",
            "a.toml:2: the value `create-or-lnk` is not known\n  -> Did you mean `create-or-link`?",
        );
        check("mode = \"link-only\"\n", "a.toml:1: the key `name` is missing");
        check("name = 7\n", "a.toml:1: invalid type: integer `7`, expected a string");
        check("name = \"x\"\nname = \"y\"\n", "a.toml:2: duplicate key");
    }
}
