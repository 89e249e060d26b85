//! A delimited file as a table: delimiter, quotes, encoding and byte order mark, and nothing else.
//! A row that cannot be read is set aside with its line and reason while the rest goes on.

use encoding_rs::{Encoding, UTF_8};

use crate::limits;

/// How a delimited file is written.
#[derive(Debug, Clone)]
pub struct TableDialect {
    /// The byte between fields.
    pub delimiter: u8,
    /// The encoding; a byte order mark at the start of the file overrides it.
    pub encoding: &'static Encoding,
}

/// A delimited file that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The column names of the first row, trimmed.
    pub columns: Vec<String>,
    /// The rows, in the order of the file.
    pub rows: Vec<TableRow>,
    /// The rows that could not be read.
    pub broken: Vec<BrokenRow>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The line it starts at, counted from 1 (the header is line 1).
    pub line: u64,
    /// One field for each column, trimmed.
    pub fields: Vec<String>,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRow {
    /// The line it starts at.
    pub line: u64,
    /// Why, in a sentence for a person.
    pub reason: String,
}

/// A file that is no table at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TableError {
    /// Nothing in it.
    #[error("The file is empty: not even a header row.")]
    Empty,
    /// A declared encoding that does not fit.
    #[error("The file is not valid {encoding}: declare the encoding it is written in.")]
    Encoding {
        /// The encoding that was tried.
        encoding: &'static str,
    },
    /// Two columns of one name.
    #[error("The header names the column `{column}` twice.")]
    ColumnTwice {
        /// The column.
        column: String,
    },
    /// Over a limit.
    #[error("The file has more than {limit} {what}.")]
    TooMany {
        /// Rows or columns.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The header could not be read.
    #[error("The header row cannot be read: {reason}.")]
    Header {
        /// Why.
        reason: String,
    },
}

/// Reads a delimited file.
///
/// # Errors
/// When the file is no table: empty, in another encoding, over a limit.
pub fn read_table(bytes: &[u8], dialect: &TableDialect) -> Result<Table, TableError> {
    let text = decode(bytes, dialect.encoding)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(dialect.delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = header(&mut reader)?;
    let mut table = Table { columns, rows: Vec::new(), broken: Vec::new() };
    let mut lines = Lines { bytes: text.as_bytes(), at: 0, line: 1 };
    for record in reader.records() {
        if table.rows.len() + table.broken.len() >= limits::SOURCE_ROW_COUNT_MAX {
            return Err(TableError::TooMany { what: "rows", limit: limits::SOURCE_ROW_COUNT_MAX });
        }
        match record {
            Ok(record) => {
                let line = lines.of(record.position());
                push_row(&mut table, &record, line);
            }
            Err(error) => {
                let line = lines.of(error.position());
                table.broken.push(BrokenRow { line, reason: error.to_string() });
            }
        }
    }
    Ok(table)
}

fn decode<'a>(
    bytes: &'a [u8],
    declared: &'static Encoding,
) -> Result<std::borrow::Cow<'a, str>, TableError> {
    let (encoding, bom_length) = Encoding::for_bom(bytes).unwrap_or((declared, 0));
    encoding
        .decode_without_bom_handling_and_without_replacement(&bytes[bom_length..])
        .ok_or(TableError::Encoding { encoding: encoding.name() })
}

fn header(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<String>, TableError> {
    let header = match reader.headers() {
        Ok(header) => header,
        Err(error) => return Err(TableError::Header { reason: error.to_string() }),
    };
    if header.is_empty() || header.iter().all(str::is_empty) {
        return Err(TableError::Empty);
    }
    if header.len() > limits::SOURCE_COLUMN_COUNT_MAX {
        return Err(TableError::TooMany {
            what: "columns",
            limit: limits::SOURCE_COLUMN_COUNT_MAX,
        });
    }
    let mut columns: Vec<String> = Vec::with_capacity(header.len());
    for column in header {
        if !column.is_empty() && columns.iter().any(|known| known == column) {
            return Err(TableError::ColumnTwice { column: column.to_string() });
        }
        columns.push(column.to_string());
    }
    Ok(columns)
}

/// Lines as an editor counts them. The reader's own count stands before the end of the line before
/// wherever lines end with CR LF, or empty ones are skipped.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line a row begins in; rows are asked about in their order.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let Some(position) = position else { return self.line };
        let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(self.bytes.len());
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let start = start + self.bytes[start..].iter().take_while(is_end).count();
        for at in self.at..start {
            let ends_line = match self.bytes[at] {
                b'\n' => true,
                b'\r' => self.bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends_line);
        }
        self.at = self.at.max(start);
        self.line
    }
}

fn push_row(table: &mut Table, record: &csv::StringRecord, line: u64) {
    if record.iter().all(str::is_empty) {
        return; // A blank line says nothing.
    }
    if record.len() != table.columns.len() {
        table.broken.push(BrokenRow {
            line,
            reason: format!(
                "The row has {} fields, the header has {}",
                record.len(),
                table.columns.len()
            ),
        });
        return;
    }
    if record.iter().any(|field| field.len() > limits::SOURCE_FIELD_BYTES_MAX) {
        table.broken.push(BrokenRow {
            line,
            reason: format!("A field is longer than {} bytes", limits::SOURCE_FIELD_BYTES_MAX),
        });
        return;
    }
    table.rows.push(TableRow { line, fields: record.iter().map(str::to_string).collect() });
}

/// The encoding of this name (WHATWG labels: `utf-8`, `windows-1252`, `utf-16le`).
pub fn encoding(label: &str) -> Option<&'static Encoding> {
    if label.is_empty() { Some(UTF_8) } else { Encoding::for_label(label.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], delimiter: u8, label: &str) -> Result<Table, TableError> {
        read_table(bytes, &TableDialect { delimiter, encoding: encoding(label).unwrap() })
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_column() {
        let table = read(b"\xEF\xBB\xBFid,name\r\n1,Ana\r\n", b',', "utf-8").unwrap();
        assert_eq!(table.columns, ["id", "name"]);
        assert_eq!(table.rows[0].fields, ["1", "Ana"]);
    }

    #[test]
    fn other_encodings_are_read_when_declared() {
        let table = read(b"id\tname\n1\tJos\xE9\n", b'\t', "windows-1252").unwrap();
        assert_eq!(table.rows[0].fields[1], "Jos\u{e9}");
        let utf16: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("id,name\n1,Zoë\n".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(read(&utf16, b',', "utf-8").unwrap().rows[0].fields[1], "Zoë");
    }

    #[test]
    fn a_file_in_another_encoding_is_refused_not_mangled() {
        assert_eq!(
            read(b"id,name\n1,Jos\xE9\n", b',', "utf-8").unwrap_err(),
            TableError::Encoding { encoding: "UTF-8" }
        );
    }

    #[test]
    fn a_broken_row_is_set_aside_and_the_rest_goes_on() {
        let table = read(b"id,name\n1,Ana\n2\n3,Bo,extra\n\n4,\"Cy, Jr\"\n", b',', "").unwrap();
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[1].fields, ["4", "Cy, Jr"]);
        assert_eq!(
            table.broken,
            [
                BrokenRow { line: 3, reason: "The row has 1 fields, the header has 2".into() },
                BrokenRow { line: 4, reason: "The row has 3 fields, the header has 2".into() },
            ]
        );
    }

    #[test]
    fn a_quoted_field_may_hold_line_breaks_and_the_next_row_keeps_its_line() {
        let table = read(b"id,note\n1,\"two\nlines\"\n2,x\n", b',', "").unwrap();
        assert_eq!(table.rows[0].fields[1], "two\nlines");
        assert_eq!(table.rows[1].line, 4);
    }

    #[test]
    fn lines_are_counted_as_an_editor_does_however_they_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["id,note", "1,a", "", "", "2,\"b", "c\"", "3", "4,d"].join(end);
            let table = read(text.as_bytes(), b',', "").unwrap();
            let lines: Vec<u64> = table.rows.iter().map(|row| row.line).collect();
            assert_eq!((lines, table.broken[0].line), (vec![2, 5, 8], 7), "{end:?}");
        }
    }

    #[test]
    fn an_empty_file_and_a_doubled_column_are_refused() {
        assert_eq!(read(b"", b',', "").unwrap_err(), TableError::Empty);
        assert_eq!(
            read(b"id,id\n", b',', "").unwrap_err(),
            TableError::ColumnTwice { column: "id".into() }
        );
        assert_eq!(read(b"id,name\n", b',', "").unwrap().rows.len(), 0);
    }
}
