//! What a source is, as configuration: which column is which attribute, how dates are written,
//! which values are generated, and when a file is refused.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use lifecycle::{CollisionPolicy, Completeness, SourceContract};
use serde::{Deserialize, Serialize};

use super::date::DateFormats;
use super::table::{TableDialect, encoding};
use crate::Error;

/// The format version of a stored source configuration.
pub const SOURCE_FORMAT_VERSION: u32 = 1;

/// A source of people from a delimited file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The source's name: `hr`.
    pub name: String,
    /// The kind of source.
    #[serde(default)]
    pub kind: SourceKind,
    /// Between fields: `comma`, `tab`, `semicolon`, `pipe`, or one character.
    #[serde(default = "default_delimiter")]
    pub delimiter: String,
    /// The encoding, as a WHATWG label: `utf-8`, `windows-1252`. A byte order mark overrides it.
    #[serde(default = "default_encoding")]
    pub encoding: String,
    /// The zone in which a moment is a day: `Europe/Berlin`.
    #[serde(default = "default_time_zone")]
    pub time_zone: String,
    /// Whether a file names everybody, so that absence can mean something.
    #[serde(default)]
    pub snapshot: Completeness,
    /// Attribute of the person's profile = column. Columns that are not named are never stored.
    pub columns: BTreeMap<String, String>,
    /// Attribute = the formats its dates are written in, tried in order, never guessed.
    #[serde(default)]
    pub dates: BTreeMap<String, Vec<String>>,
    /// What the words of the status column mean; needs `status` among the columns.
    #[serde(default)]
    pub status: StatusWords,
    /// Values that are made, not read, in this order.
    #[serde(default)]
    pub generated: Vec<Generated>,
    /// What the source promises, what absence means, and when a file is refused whole.
    #[serde(default)]
    pub contract: SourceContract,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A delimited text file with a header row.
    #[default]
    Csv,
}

/// The words of the status column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusWords {
    /// Employed, on leave, or hired for a later day.
    #[serde(default)]
    pub employed: Vec<String>,
    /// Gone, even if the termination date is missing.
    #[serde(default)]
    pub left: Vec<String>,
}

/// A generated value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// The attribute of the profile.
    pub attribute: String,
    /// An expression over `row` (the file's columns) and `user` (the attributes set so far).
    pub value: String,
    /// What happens when two people would get the same `userName`.
    #[serde(default)]
    pub collision: CollisionPolicy,
}

fn default_delimiter() -> String {
    "comma".into()
}
fn default_encoding() -> String {
    "utf-8".into()
}
fn default_time_zone() -> String {
    "UTC".into()
}
impl SourceConfig {
    /// Checks what can be checked without a file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        if self.name.trim().is_empty() {
            return Err(self.wrong("its name is empty".into()));
        }
        self.dialect()?;
        for attribute in self.dates.keys() {
            if !self.columns.contains_key(attribute) {
                return Err(self.wrong(format!(
                    "formats are declared for `{attribute}`, but no column is mapped to it"
                )));
            }
        }
        self.date_formats("hireDate")?;
        let columns: Vec<String> = self.columns.values().cloned().collect();
        // Expressions may use columns that are not mapped, so those are checked with the file.
        let mapping = Self { generated: Vec::new(), ..self.clone() };
        super::read::Reader::new(&mapping, &columns).map(drop)
    }

    /// How the file is written.
    ///
    /// # Errors
    /// A delimiter or encoding nobody knows.
    pub fn dialect(&self) -> Result<TableDialect, Error> {
        let delimiter = match self.delimiter.as_str() {
            "comma" => b',',
            "tab" => b'\t',
            "semicolon" => b';',
            "pipe" => b'|',
            other => match other.as_bytes() {
                [byte] if byte.is_ascii() => *byte,
                _ => {
                    return Err(self.wrong(format!(
                        "the delimiter `{other}` is none of comma, tab, semicolon, pipe or one ASCII character"
                    )));
                }
            },
        };
        let encoding = encoding(&self.encoding).ok_or_else(|| {
            self.wrong(format!(
                "the encoding `{}` is not known; use a WHATWG label such as `utf-8` or `windows-1252`",
                self.encoding
            ))
        })?;
        Ok(TableDialect { delimiter, encoding })
    }

    /// The declared formats of a date attribute; ISO 8601 dates where none are declared.
    ///
    /// # Errors
    /// A time zone nobody knows.
    pub fn date_formats(&self, attribute: &str) -> Result<DateFormats, Error> {
        let formats = self.dates.get(attribute).cloned().unwrap_or_else(|| vec!["%Y-%m-%d".into()]);
        let time_zone = TimeZone::get(&self.time_zone).map_err(|_| {
            self.wrong(format!(
                "the time zone `{}` is not known; use an IANA name such as `Europe/Berlin`",
                self.time_zone
            ))
        })?;
        Ok(DateFormats { formats, time_zone })
    }

    /// An error about this source's configuration.
    pub(crate) fn wrong(&self, message: String) -> Error {
        Error::Config { what: format!("source `{}`", self.name), message }
    }
}
