//! From the rows of a table to records: columns become attributes, words become statuses, texts
//! become dates. A row that cannot be used is set aside with line and reason.

use std::collections::BTreeMap;

use lifecycle::{
    Bindings, CollisionPolicy, Columns, EmployeeNumber, Environment, Expect, Expression,
    ProfilePath, Record, StatusWord, UnreadableRow, profile_type,
};
use scim::Resource;
use serde_json::Value;

use super::config::SourceConfig;
use super::date::DateFormats;
use super::table::{Table, TableRow};
use crate::Error;
use crate::login::LOGIN;

/// A source's mapping, checked against the profile's schema and one file's columns.
pub(crate) struct Reader {
    employee_number: usize,
    hire_date: Option<(usize, DateFormats)>,
    termination_date: Option<(usize, DateFormats)>,
    status: Option<(usize, BTreeMap<String, StatusWord>)>,
    values: Vec<(ProfilePath, usize)>,
    generated: Vec<GeneratedValue>,
    columns: BTreeMap<String, usize>,
}

struct GeneratedValue {
    path: ProfilePath,
    expression: Expression,
    collision: CollisionPolicy,
}

/// A row as `row` in expressions.
pub(crate) struct Row<'a> {
    columns: &'a BTreeMap<String, usize>,
    fields: &'a [String],
}

impl Columns for Row<'_> {
    fn column(&self, name: &str) -> Option<&str> {
        let at = *self.columns.get(name)?;
        self.fields.get(at).map(String::as_str)
    }
}

impl Reader {
    /// Checks a mapping against the columns of a file.
    ///
    /// # Errors
    /// An attribute the profile does not have, an expression that is wrong (with its column), or a
    /// column the file lacks.
    pub fn new(config: &SourceConfig, columns: &[String]) -> Result<Self, Error> {
        let profile = profile_type();
        let positions: BTreeMap<String, usize> =
            columns.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        let column = |attribute: &str, name: &str| {
            positions.get(name).copied().ok_or_else(|| {
                config.wrong(format!(
                    "`{attribute}` is mapped to the column `{name}`, which the file does not have; it has {}",
                    columns.join(", ")
                ))
            })
        };
        let mut reader = Self {
            employee_number: match config.columns.get("employeeNumber") {
                Some(name) => column("employeeNumber", name)?,
                None => {
                    return Err(config.wrong(
                        "no column is mapped to `employeeNumber`, by which people are found again"
                            .into(),
                    ));
                }
            },
            hire_date: None,
            termination_date: None,
            status: None,
            values: Vec::new(),
            generated: Vec::new(),
            columns: positions.clone(),
        };
        for (attribute, name) in &config.columns {
            let at = column(attribute, name)?;
            match attribute.as_str() {
                "employeeNumber" => {}
                "hireDate" => reader.hire_date = Some((at, config.date_formats(attribute)?)),
                "terminationDate" => {
                    reader.termination_date = Some((at, config.date_formats(attribute)?));
                }
                "status" => {
                    reader.status = Some((at, status_words(config)?));
                    reader.values.push((path(config, attribute)?, at));
                }
                _ => reader.values.push((path(config, attribute)?, at)),
            }
        }
        let environment = Environment::new()
            .with_columns("row", columns.iter().map(String::as_str))
            .with_resource("user", &profile);
        for generated in &config.generated {
            let expression = Expression::parse(&generated.value, &environment, Expect::String)
                .map_err(|error| {
                    config.wrong(format!("the generated `{}`: {error}", generated.attribute))
                })?;
            reader.generated.push(GeneratedValue {
                path: path(config, &generated.attribute)?,
                expression,
                collision: generated.collision,
            });
        }
        Ok(reader)
    }

    /// The rows as records, in the order of the file, each with its place in the table. Generated
    /// values are not in them yet.
    pub fn records(&self, table: &Table) -> (Vec<(usize, Record)>, Vec<UnreadableRow>) {
        let mut records = Vec::with_capacity(table.rows.len());
        let mut unreadable: Vec<UnreadableRow> = table
            .broken
            .iter()
            .map(|row| UnreadableRow {
                line: row.line,
                employee_number: None,
                problem: row.reason.clone(),
            })
            .collect();
        for (at, row) in table.rows.iter().enumerate() {
            match self.record(row) {
                Ok(record) => records.push((at, record)),
                Err(row) => unreadable.push(row),
            }
        }
        (records, unreadable)
    }

    fn record(&self, row: &TableRow) -> Result<Record, UnreadableRow> {
        let problem = |employee_number: Option<&EmployeeNumber>, problem: String| UnreadableRow {
            line: row.line,
            employee_number: employee_number.cloned(),
            problem,
        };
        let number = EmployeeNumber::parse(&row.fields[self.employee_number])
            .map_err(|error| problem(None, error.to_string()))?;
        let date = |column: &Option<(usize, DateFormats)>, what: &str| match column {
            Some((at, formats)) if !row.fields[*at].is_empty() => formats
                .read(&row.fields[*at])
                .map(Some)
                .map_err(|error| problem(Some(&number), format!("{what}: {error}"))),
            _ => Ok(None),
        };
        let mut record = Record {
            line: row.line,
            employee_number: number.clone(),
            values: BTreeMap::new(),
            hire_date: date(&self.hire_date, "the hire date")?,
            termination_date: date(&self.termination_date, "the termination date")?,
            status: self.status(row).map_err(|text| problem(Some(&number), text))?,
        };
        for (path, at) in &self.values {
            let field = &row.fields[*at];
            let value = (!field.is_empty()).then(|| Value::from(field.as_str()));
            record.values.insert(path.clone(), value);
        }
        Ok(record)
    }

    fn status(&self, row: &TableRow) -> Result<Option<StatusWord>, String> {
        let Some((at, words)) = &self.status else {
            return Ok(None);
        };
        let field = &row.fields[*at];
        if field.is_empty() {
            return Ok(None);
        }
        match words.get(&field.to_lowercase()) {
            Some(word) => Ok(Some(*word)),
            None => Err(format!("the status `{field}` is not declared")),
        }
    }

    /// Fills in the generated values of a record. `login` is asked for a login nobody else has, given
    /// what the expression made and the policy.
    ///
    /// # Errors
    /// Why the row is set aside.
    pub fn generate(
        &self,
        record: &mut Record,
        row: &TableRow,
        mut login: impl FnMut(&str, CollisionPolicy) -> Result<String, String>,
    ) -> Result<(), String> {
        if self.generated.is_empty() {
            return Ok(());
        }
        let row = Row { columns: &self.columns, fields: &row.fields };
        let mut profile = Resource::default();
        for (path, value) in &record.values {
            path.set(&mut profile, value.clone());
        }
        for generated in &self.generated {
            let bindings =
                Bindings::new().columns("row", &row).document("user", profile.document());
            let value = generated
                .expression
                .evaluate(&bindings)
                .map_err(|error| format!("the generated `{}`: {error}", generated.path))?;
            let mut value = value.into_json().filter(|value| value.as_str() != Some(""));
            if generated.path.as_str() == LOGIN {
                let base = value.as_ref().and_then(Value::as_str).unwrap_or_default();
                value = Some(Value::from(login(base, generated.collision)?));
            }
            drop(bindings);
            generated.path.set(&mut profile, value.clone());
            record.values.insert(generated.path.clone(), value);
        }
        Ok(())
    }
}

fn path(config: &SourceConfig, attribute: &str) -> Result<ProfilePath, Error> {
    ProfilePath::parse(attribute, &profile_type()).map_err(|error| config.wrong(error.to_string()))
}

fn status_words(config: &SourceConfig) -> Result<BTreeMap<String, StatusWord>, Error> {
    let employed = config.status.employed.iter().map(|word| (word, StatusWord::Employed));
    let left = config.status.left.iter().map(|word| (word, StatusWord::Left));
    let mut words = BTreeMap::new();
    for (word, meaning) in employed.chain(left) {
        if words.insert(word.to_lowercase(), meaning).is_some() {
            return Err(config.wrong(format!("the status word `{word}` is declared twice")));
        }
    }
    if words.is_empty() {
        return Err(config
            .wrong("a status column is mapped, but no words are declared under [status]".into()));
    }
    Ok(words)
}
