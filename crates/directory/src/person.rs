//! People in the database: profile, employments, and the row they came from.

use db::{Ctx, Read, Row, Tx, params};
use jiff::Timestamp;
use lifecycle::{EmployeeNumber, Employment, Person, PersonId, SourceId};
use scim::Resource;
use serde::Serialize;
use serde_json::Value;

use crate::login::login_key;
use crate::{Directory, Error};

/// The format version of a stored profile.
const PROFILE_FORMAT_VERSION: i64 = 1;

/// The row of a source that last named a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonSource {
    /// The source.
    pub source: SourceId,
    /// The source's name.
    pub source_name: String,
    /// The line in its file.
    pub line: u64,
    /// The file.
    pub file_name: String,
    /// When it was imported.
    pub imported_at: Timestamp,
}

impl Directory {
    /// The person with this login, e-mail address, employee number or id.
    ///
    /// # Errors
    /// Nobody is called that, or several are.
    pub fn person(&self, name: &str) -> Result<Person, Error> {
        self.db.read(|r| find(r, name))
    }

    /// Everybody, in the order of their employee numbers.
    ///
    /// # Errors
    /// The database failed.
    pub fn people(&self) -> Result<Vec<Person>, Error> {
        self.db.read(everybody)
    }

    /// The row a person's values came from.
    ///
    /// # Errors
    /// The database failed.
    pub fn person_source(&self, person: &PersonId) -> Result<Option<PersonSource>, Error> {
        self.db.read(|r| source_of(r, person))
    }
}

/// Everybody, in the order of their employee numbers.
pub(crate) fn everybody(r: &mut Read) -> Result<Vec<Person>, Error> {
    let mut people = r.query(
        "SELECT p.id, p.employee_number, p.profile, s.source_id FROM people p \
         LEFT JOIN person_sources s ON s.person_id = p.id ORDER BY p.id",
        &[],
        person,
    )?;
    // A person of several sources stands there once for each; the first one owns them.
    people.dedup_by(|later, first| later.id == first.id);
    let employments = r.query(
        "SELECT person_id, start_date, end_date FROM employments ORDER BY person_id, start_date",
        &[],
        |row| Ok((row.text(0)?, employment(row, 1)?)),
    )?;
    let mut employments = employments.into_iter().peekable();
    for person in &mut people {
        while let Some((_, employment)) =
            employments.next_if(|(id, _)| id.as_str() == person.id.as_str())
        {
            person.employments.push(employment);
        }
        // Rows of people that do not exist are skipped; there are none while people are never deleted.
    }
    people.sort_by(|a, b| a.employee_number.cmp(&b.employee_number));
    Ok(people)
}

/// The person with this login, e-mail address, employee number or id.
pub(crate) fn find(r: &mut Read, name: &str) -> Result<Person, Error> {
    let mut found = r.query(
        "SELECT id FROM people WHERE login_key = $1 OR employee_number = $2 OR id = $2",
        params![name.to_lowercase(), name],
        |row| row.text(0),
    )?;
    if found.is_empty() {
        found = by_email(r, name)?;
    }
    match found.as_slice() {
        [id] => {
            one(r, id)?.ok_or_else(|| Error::NotFound { kind: "person", name: name.to_string() })
        }
        [] => Err(Error::NotFound { kind: "person", name: name.to_string() }),
        _ => Err(Error::Config {
            what: format!("person `{name}`"),
            message: "several people are called that; use the employee number".into(),
        }),
    }
}

fn by_email(r: &mut Read, email: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    r.for_each("SELECT id, profile FROM people", &[], |row| {
        let profile = row.text(1)?;
        if mentions_email(&profile, email) {
            found.push(row.text(0)?);
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn mentions_email(profile: &str, email: &str) -> bool {
    let Ok(Value::Object(profile)) = serde_json::from_str::<Value>(profile) else {
        return false;
    };
    let emails = profile.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().any(|value| {
        value
            .get("value")
            .and_then(Value::as_str)
            .is_some_and(|value| value.eq_ignore_ascii_case(email))
    })
}

/// One person by id.
pub(crate) fn one(r: &mut Read, id: &str) -> Result<Option<Person>, Error> {
    let found = r.query_opt(
        "SELECT p.id, p.employee_number, p.profile, s.source_id FROM people p \
         LEFT JOIN person_sources s ON s.person_id = p.id WHERE p.id = $1 \
         ORDER BY s.source_id LIMIT 1",
        params![id],
        person,
    )?;
    let Some(mut person) = found else {
        return Ok(None);
    };
    person.employments = r.query(
        "SELECT start_date, end_date FROM employments WHERE person_id = $1 ORDER BY start_date",
        params![id],
        |row| employment(row, 0),
    )?;
    Ok(Some(person))
}

/// Writes a person whole: profile and employments.
pub(crate) fn put(tx: &mut Tx, ctx: &Ctx, person: &Person) -> Result<(), Error> {
    let profile = serde_json::to_string(person.profile.document()).unwrap_or_default();
    let login_key = login_key(person);
    tx.execute(
        "INSERT INTO people (id, employee_number, login_key, profile, format_version, version, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $6) \
         ON CONFLICT (id) DO UPDATE SET login_key = excluded.login_key, \
         profile = excluded.profile, format_version = excluded.format_version, \
         version = people.version + 1, updated_at = excluded.updated_at",
        params![
            person.id.as_str(),
            person.employee_number.as_str(),
            login_key,
            profile,
            PROFILE_FORMAT_VERSION,
            ctx.now
        ],
    )?;
    tx.execute("DELETE FROM employments WHERE person_id = $1", params![person.id.as_str()])?;
    for employment in &person.employments {
        tx.execute(
            "INSERT INTO employments (person_id, start_date, end_date) VALUES ($1, $2, $3) \
             ON CONFLICT (person_id, start_date) DO UPDATE SET end_date = excluded.end_date",
            params![
                person.id.as_str(),
                employment.start.to_string(),
                employment.end.map(|end| end.to_string())
            ],
        )?;
    }
    Ok(())
}

/// Takes the login that `next` gets from who has it so far.
pub(crate) fn give_up_login(tx: &mut Tx, holder: &PersonId, next: &Person) -> Result<(), Error> {
    tx.execute(
        "UPDATE people SET login_key = NULL WHERE id = $1 AND login_key = $2",
        params![holder.as_str(), login_key(next)],
    )?;
    Ok(())
}

pub(crate) fn source_of(r: &mut Read, person: &PersonId) -> Result<Option<PersonSource>, Error> {
    let found = r.query_opt(
        "SELECT s.id, s.name, ps.line, i.file_name, i.imported_at FROM person_sources ps \
         JOIN sources s ON s.id = ps.source_id JOIN imports i ON i.id = ps.import_id \
         WHERE ps.person_id = $1 ORDER BY s.id LIMIT 1",
        params![person.as_str()],
        |row| Ok((row.text(0)?, row.text(1)?, row.int(2)?, row.text(3)?, row.timestamp(4)?)),
    )?;
    let Some((id, source_name, line, file_name, imported_at)) = found else {
        return Ok(None);
    };
    Ok(Some(PersonSource {
        source: parsed("source id", &id, SourceId::parse)?,
        source_name,
        line: line.unsigned_abs(),
        file_name,
        imported_at,
    }))
}

fn person(row: &Row) -> Result<Person, db::Error> {
    let profile = match serde_json::from_str(row.text_ref(2)?) {
        Ok(Value::Object(profile)) => profile,
        Ok(_) => return Err(db::Error::unreadable("profile", "it is no object")),
        Err(error) => return Err(db::Error::unreadable("profile", error)),
    };
    Ok(Person {
        id: parsed("person id", row.text_ref(0)?, PersonId::parse)?,
        employee_number: parsed("employee number", row.text_ref(1)?, EmployeeNumber::parse)?,
        source: match row.opt_text(3)? {
            Some(source) => Some(parsed("source id", &source, SourceId::parse)?),
            None => None,
        },
        profile: Resource::from_canonical(profile),
        employments: Vec::new(),
    })
}

fn employment(row: &Row, at: usize) -> Result<Employment, db::Error> {
    Ok(Employment { start: row.date(at)?, end: row.opt_date(at + 1)? })
}

/// Something stored as text, read again by its own parser.
pub(crate) fn parsed<T, E: std::fmt::Display>(
    what: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, db::Error> {
    parse(text).map_err(|error| db::Error::unreadable(what, error))
}
