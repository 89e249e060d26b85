//! An installation in a temporary folder, and the real binary to work on it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// An installation in a temporary folder.
pub struct Office {
    folder: TempDir,
}

impl Office {
    /// A new installation, made by `muster init`.
    pub fn new() -> Self {
        let office = Self { folder: TempDir::new().unwrap() };
        assert!(office.run("init").starts_with("exit 0\n"));
        let file = office.path().join("muster.toml");
        let mut config = std::fs::read_to_string(&file).unwrap();
        for name in ["directory.db", "service-provider.db"] {
            let url = db::testing::url(&office.path().join(name));
            config = config.replace(&format!("\"sqlite:{name}\""), &format!("\"{url}\""));
        }
        std::fs::write(&file, config).unwrap();
        office
    }

    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs a command line in the folder. Says the exit code, then what was printed, with what
    /// differs from run to run made alike.
    pub fn run(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        let code = output.status.code().unwrap_or(-1);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = format!("exit {code}\n{}{}", text(&output.stdout), text(&output.stderr));
        let printed = printed.replace(&self.folder.path().display().to_string(), "[DIR]");
        let masked = mask(&printed);
        masked.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// A command line, to be run in the folder.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(words(line))
            .current_dir(self.folder.path())
            .env_remove("MUSTER_CONFIG")
            .env_remove("MUSTER_LOG")
            .env("NO_COLOR", "1")
            .env("USER", "tess");
        command
    }

    /// Runs a command line that has to succeed.
    pub fn done(&self, line: &str) -> String {
        let printed = self.run(line);
        assert!(printed.starts_with("exit 0\n"), "{line}: {printed}");
        printed
    }
}

/// The words of a command line; single quotes keep some together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, begun) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// Makes moments and ids alike: `2026-11-24 09:00:00 UTC` is `[TIME]`, a UUID is `[ID]`.
fn mask(text: &str) -> String {
    let text = replace(text, "0000-00-00 00:00:00 UTC", "[TIME]");
    let text = replace(&text, "0000-00-00T00:00:00Z", "[TIME]");
    let text = replace(&text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "[ID]");
    replace(&text, &"x".repeat(64), "[DIGEST]")
}

/// Replaces what looks like the pattern, in which `0` is any digit and `x` any hexadecimal one.
fn replace(text: &str, pattern: &str, with: &str) -> String {
    let fits = |part: &str| {
        part.len() == pattern.len()
            && part.chars().zip(pattern.chars()).all(|(found, wanted)| match wanted {
                '0' => found.is_ascii_digit(),
                'x' => found.is_ascii_digit() || ('a'..='f').contains(&found),
                _ => found == wanted,
            })
    };
    let mut replaced = String::new();
    let mut at = 0;
    while at < text.len() {
        match text.get(at..at + pattern.len()) {
            Some(part) if fits(part) => {
                replaced.push_str(with);
                at += pattern.len();
            }
            _ => {
                let c = text[at..].chars().next().unwrap_or_default();
                replaced.push(c);
                at += c.len_utf8();
            }
        }
    }
    replaced
}
