//! What a command prints: a table or sentences for a person, one JSON value for a program.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::error::CommandError;

/// One line beneath the headings, and nothing between the rows.
const TABLE_STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// One JSON value on standard output, and nothing else there.
    pub json: bool,
}

impl Output {
    /// Prints a sentence for a person; with `--json` it goes nowhere.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            let _ = writeln!(std::io::stdout(), "{}", line.as_ref());
        }
    }

    /// Prints the JSON value, if that is what was asked for.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn value(&self, value: &Value) -> Result<(), CommandError> {
        if self.json {
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
        }
        Ok(())
    }

    /// Prints a table for a person, or an array of objects keyed by the headings for a program.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn table(&self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), CommandError> {
        if self.json {
            let objects: Vec<Value> = rows
                .iter()
                .map(|row| {
                    headings
                        .iter()
                        .zip(row)
                        .map(|(heading, cell)| (key(heading), Value::from(cell.clone())))
                        .collect::<serde_json::Map<_, _>>()
                        .into()
                })
                .collect();
            return self.value(&Value::from(objects));
        }
        if rows.is_empty() {
            self.say("Nothing to show.");
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(TABLE_STYLE);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(headings.to_vec());
        for row in rows {
            table.add_row(row.clone());
        }
        self.say(table.to_string());
        Ok(())
    }

    /// A progress bar on standard error; none when it is no terminal or a program listens.
    pub fn progress(&self, total: u64, what: &str) -> ProgressBar {
        let target = if self.json || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(
            "{msg:<28} {bar:40.cyan/blue} {pos:>7}/{len} {per_sec:>12} {eta:>5}",
        ) {
            bar.set_style(style);
        }
        bar.set_message(what.to_string());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

fn key(heading: &str) -> String {
    heading.to_lowercase().replace([' ', '-'], "_")
}

/// Text in bold on a terminal, plain elsewhere.
pub fn bold(text: &str) -> String {
    paint(text, "1")
}

/// Text in green on a terminal, plain elsewhere.
pub fn green(text: &str) -> String {
    paint(text, "32")
}

/// Text in red on a terminal, plain elsewhere.
pub fn red(text: &str) -> String {
    paint(text, "31")
}

/// Text dimmed on a terminal, plain elsewhere.
pub fn dim(text: &str) -> String {
    paint(text, "2")
}

fn paint(text: &str, code: &str) -> String {
    // NO_COLOR (no-color.org) is honoured beside the check for a terminal.
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_string()
    }
}
