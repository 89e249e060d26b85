//! The system log: what happened to whom, by whom and because of what, told in sentences.

use std::collections::BTreeMap;

use db::seal::{Checkpoint, Cut};
use db::{Ctx, Event, EventQuery, Read, Verification};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::directory::SCOPE;
use crate::{Directory, Error, group, limits, person};

/// Which entries of the log are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Only kinds that begin so: `account.`.
    pub kind: Option<String>,
    /// Only what happened to this person (login, e-mail address, employee number), group, rule,
    /// source or application.
    pub subject: Option<String>,
    /// Only what came after this entry.
    pub after: Option<String>,
    /// Only sealed entries behind this place of the log, in the order of their places.
    pub after_place: Option<i64>,
    /// How many at most; without a beginning these are the newest.
    pub limit: u32,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogEntry {
    /// The event as it was written.
    #[serde(flatten)]
    pub event: Event,
    /// What people call its subject.
    pub subject_name: String,
    /// The particulars, in a sentence.
    pub sentence: String,
}

impl LogQuery {
    /// Whether it begins nowhere in particular: then the newest entries are meant.
    fn is_open(&self) -> bool {
        self.after.is_none() && self.after_place.is_none()
    }
}

impl Directory {
    /// Gives the newest events their places in the log, unless another process is doing so; says how
    /// many.
    ///
    /// # Errors
    /// The database failed.
    pub fn seal_log(&self) -> Result<u64, Error> {
        Ok(self.db.seal_events_now(self.clock.now())?)
    }

    /// Holds the log against its chain of hashes.
    ///
    /// # Errors
    /// The database failed. A log that was tampered with is a finding.
    pub fn verify_log(&self) -> Result<Verification, Error> {
        self.db.read(|r| Ok(db::seal::verify(r, Some(&self.keys), SCOPE)?))
    }

    /// Removes entries that were written before a moment, behind a checkpoint that keeps the rest
    /// verifiable; none if there are none.
    ///
    /// # Errors
    /// The database failed.
    pub fn truncate_log(&self, ctx: &Ctx, before: Timestamp) -> Result<Option<Checkpoint>, Error> {
        let cut = Cut { before, place_max: None };
        Ok(self.db.truncate_events(&self.keys, ctx, SCOPE, cut)?)
    }

    /// The entries of the log that fit, the oldest first: those that follow `after`, or the newest.
    ///
    /// # Errors
    /// The database failed.
    pub fn log(&self, query: &LogQuery) -> Result<Vec<LogEntry>, Error> {
        self.db.read(|r| {
            let mut found = Vec::new();
            for subject in subjects(r, query.subject.as_deref())? {
                found.extend(db::event::events(
                    r,
                    SCOPE,
                    &EventQuery {
                        kind_prefix: query.kind.clone(),
                        subject,
                        after_id: query.after.clone(),
                        after_place: query.after_place,
                        limit: query.limit,
                        newest_first: query.is_open(),
                    },
                )?);
            }
            // One person may be the subject under several names; all of them are one log.
            match query.after_place {
                Some(_) => found.sort_by_key(|event| event.place),
                None => found.sort_by(|a, b| a.id.cmp(&b.id)),
            }
            let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
            if query.is_open() {
                found.drain(..found.len().saturating_sub(limit));
            } else {
                found.truncate(limit);
            }
            let sources = r.query("SELECT id, name FROM sources", &[], |row| {
                Ok((row.text(0)?, row.text(1)?))
            })?;
            let mut names = Names::default();
            found
                .into_iter()
                .map(|event| {
                    let subject_name = names.of(r, &event.subject)?;
                    let mut sentence = event.payload.as_ref().map(sentence).unwrap_or_default();
                    // Reasons carry the id of a source, which stays when it is renamed.
                    for (id, name) in &sources {
                        sentence = sentence.replace(id.as_str(), name);
                    }
                    Ok(LogEntry { event, subject_name, sentence })
                })
                .collect()
        })
    }
}

/// The subjects that stand in events for what somebody calls a person, a group or anything else.
fn subjects(r: &mut Read, name: Option<&str>) -> Result<Vec<Option<String>>, Error> {
    let Some(name) = name else {
        return Ok(vec![None]);
    };
    let mut subjects = vec![name.to_string()];
    match person::find(r, name) {
        Ok(person) => {
            subjects.push(person.id.to_string());
            subjects.push(format!("account:{}", person.id));
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    match group::named(r, name) {
        Ok(group) => {
            subjects.push(group.config.name.clone());
            subjects.push(group.id.to_string());
            subjects.push(format!("group:{}", group.id));
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    subjects.sort();
    subjects.dedup();
    Ok(subjects.into_iter().map(Some).collect())
}

/// What people call the subjects of events, each looked up once.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, String>,
}

impl Names {
    fn of(&mut self, r: &mut Read, subject: &str) -> Result<String, Error> {
        if let Some(name) = self.known.get(subject) {
            return Ok(name.clone());
        }
        let name = look_up(r, subject)?.unwrap_or_else(|| subject.to_string());
        self.known.insert(subject.to_string(), name.clone());
        Ok(name)
    }
}

fn look_up(r: &mut Read, subject: &str) -> Result<Option<String>, Error> {
    let id = subject.split_once(':').map_or(subject, |(_, id)| id);
    if let Some(person) = person::one(r, id)? {
        return Ok(Some(format!("{} ({})", person.name(), person.employee_number)));
    }
    let groups = group::all(r)?;
    let found = groups.into_iter().find(|group| group.id.as_str() == id);
    Ok(found.map(|group| group.config.name))
}

/// The particulars of an event: the sentences it carries, or else its payload as it is.
fn sentence(payload: &Value) -> String {
    let Some(fields) = payload.as_object() else {
        return payload.to_string();
    };
    let mut told: Vec<String> = Vec::new();
    for key in ["sentence", "message", "reason", "reasons", "movements", "changes", "findings"] {
        if let Some(value) = fields.get(key) {
            sentences(value, &mut told);
        }
    }
    if told.is_empty() {
        return shown(payload);
    }
    let more = told.len().saturating_sub(limits::LOG_REASON_COUNT);
    told.truncate(limits::LOG_REASON_COUNT);
    let told = match fields.get("application").and_then(Value::as_str) {
        Some(application) => format!("{application}: {}", told.join(" ")),
        None => told.join(" "),
    };
    if more > 0 { format!("{told} And {more} more.") } else { told }
}

/// A field as people read it. None: ids, digests and structures are for programs.
fn part(key: &str, value: &Value) -> Option<String> {
    if ["_id", "digest", "plan", "import"].iter().any(|end| key.ends_with(end)) {
        return None;
    }
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(format!("{key} {text}")),
        Value::Number(_) | Value::Bool(_) => Some(format!("{key} {value}")),
        _ => None,
    }
}

/// Text as it stands, reasons and changes of attributes as the sentences they are.
fn sentences(value: &Value, told: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => told.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| sentences(value, told)),
        Value::Object(fields) => {
            if let Ok(reason) = serde_json::from_value::<lifecycle::Reason>(value.clone()) {
                told.push(reason.sentence());
            } else if let Some(text) = fields.get("sentence").and_then(Value::as_str) {
                told.push(text.to_string());
            } else if let Some(path) = fields.get("path").and_then(Value::as_str) {
                let (from, to) = (fields.get("from").cloned(), fields.get("to").cloned());
                let (from, to) = (from.filter(|v| !v.is_null()), to.filter(|v| !v.is_null()));
                let path = path.to_string();
                told.push(lifecycle::Reason::AttributeChanged { path, from, to }.sentence());
            }
        }
        _ => {}
    }
}

fn shown(payload: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in payload.as_object().into_iter().flatten() {
        match value {
            // What a rule or a group is now fits in a line; other configurations do not.
            Value::Object(inner) if key == "rule" || key == "group" => {
                parts.extend(inner.iter().filter_map(|(key, value)| part(key, value)));
            }
            value => parts.extend(part(key, value)),
        }
    }
    let text = parts.join(", ");
    match text.char_indices().nth(limits::LOG_PAYLOAD_CHAR_COUNT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_tells_its_reasons_in_sentences() {
        let check = |payload: Value, expected: &str| assert_eq!(sentence(&payload), expected);
        check(
            json!({"line": 4, "movements": ["Leaves on 2026-11-24."], "changes": [
                {"path": "department", "from": "Sales", "to": "Support"},
                {"path": "title", "from": null, "to": "Agent"}
            ]}),
            "Leaves on 2026-11-24. department was \"Sales\" and is now \"Support\". title is now \"Agent\".",
        );
        check(
            json!({"reason": {"kind": "hired", "on": "2026-11-24"}}),
            "Employed since 2026-11-24.",
        );
        check(
            json!({"rows": 3, "file": "hr.csv", "stopped": [], "note": null, "import_id": "01a2"}),
            "file hr.csv, rows 3",
        );
        check(json!({"application": "zoom", "reasons": ["Left."]}), "zoom: Left.");
        check(json!({"reasons": ["a", "b", "c", "d", "e", "f", "g"]}), "a b c d e And 2 more.");
        check(json!({"text": "x".repeat(300)}), &format!("text {}…", "x".repeat(195)));
        check(json!({}), "");
    }
}
