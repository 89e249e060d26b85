//! Importing a file: read, correlate, and only then write. A file that breaks its source's contract
//! changes nothing. An import that is interrupted is finished by importing the file again.

use std::collections::BTreeMap;
use std::sync::Arc;

use db::{Ctx, Tx, new_id, params};
use jiff::civil::Date;
use lifecycle::{
    Acceptance, Correlation, EmployeeNumber, Finding, Movement, Person, PersonId, Record, Snapshot,
    UnreadableRow, Verdict, correlate,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::directory::SCOPE;
use crate::login::{Logins, disputed, login_key};
use crate::person;
use crate::source::{Reader, SourceConfig, Table, read_table};
use crate::source_store::{self, StoredSource};
use crate::{Directory, Error, limits};

/// The format version of a stored import summary.
const IMPORT_FORMAT_VERSION: i64 = 1;

/// How a file is imported.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The day it is imported for.
    pub as_of: Date,
    /// What somebody who looked at a stopped file allows, this once.
    pub acceptance: Acceptance,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// Its id.
    pub id: String,
    /// The source.
    pub source: String,
    /// The file.
    pub file_name: String,
    /// The day it was imported for.
    pub as_of: Date,
    /// Rows in the file.
    pub rows: u64,
    /// People who are new.
    pub joined: u64,
    /// People who changed.
    pub changed: u64,
    /// People of whom it said nothing new.
    pub unchanged: u64,
    /// People whom a complete file no longer names.
    pub missing: u64,
    /// Rows set aside.
    pub quarantined: Vec<QuarantinedRow>,
    /// Why nothing was changed; empty when the file was accepted.
    pub stopped: Vec<Stop>,
    /// What is odd, in sentences, beside the rows set aside.
    pub findings: Vec<String>,
}

/// A row set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantinedRow {
    /// Its line.
    pub line: u64,
    /// Whom it is about, if that could be read.
    pub employee_number: Option<String>,
    /// Why.
    pub reason: String,
}

/// A reason why a file was refused whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub next_step: String,
}

impl ImportReport {
    /// Whether the file was refused whole.
    pub fn is_stopped(&self) -> bool {
        !self.stopped.is_empty()
    }
}

impl Directory {
    /// Imports a file of a source.
    ///
    /// # Errors
    /// No such source, a file that is no table, a mapping that does not fit it; the database failed.
    /// A file that breaks the contract is no error: the report says why nothing was changed.
    pub fn import(
        &self,
        ctx: &Ctx,
        source: &str,
        file_name: &str,
        bytes: &[u8],
        options: &ImportOptions,
    ) -> Result<ImportReport, Error> {
        let stored = self.db.read(|r| source_store::named(r, source))?;
        let wrong_file = |message: String| Error::File { file: file_name.to_string(), message };
        let table = read_table(bytes, &stored.config.dialect()?)
            .map_err(|error| wrong_file(error.to_string()))?;
        let known = self.db.read(person::everybody)?;
        let (snapshot, refused) = snapshot(&stored, &table, &known)?;
        let correlation = correlate(
            &known,
            &snapshot,
            &contract(&stored.config),
            options.acceptance,
            options.as_of,
        );
        let lines = lines(&snapshot);
        let report = report(&stored.config, file_name, &snapshot, refused, &correlation, options);
        let import = Arc::new(Import {
            source: stored,
            digest: hex(&Sha256::digest(bytes)),
            report: report.clone(),
        });
        self.write_import(ctx, &import)?;
        if !report.is_stopped() {
            self.write_people(ctx, &import, known, correlation, lines)?;
        }
        Ok(report)
    }

    fn write_import(&self, ctx: &Ctx, import: &Arc<Import>) -> Result<(), Error> {
        let (ctx, import) = (ctx.clone(), import.clone());
        self.db.write(SCOPE, move |tx| import.write(tx, &ctx))
    }

    fn write_people(
        &self,
        ctx: &Ctx,
        import: &Arc<Import>,
        known: Vec<Person>,
        correlation: Correlation,
        lines: BTreeMap<EmployeeNumber, u64>,
    ) -> Result<(), Error> {
        let mut ids: BTreeMap<EmployeeNumber, PersonId> = known
            .iter()
            .map(|person| (person.employee_number.clone(), person.id.clone()))
            .collect();
        let by_id: BTreeMap<PersonId, Person> =
            known.into_iter().map(|person| (person.id.clone(), person)).collect();
        let mut writes = Vec::new();
        for joined in correlation.joined {
            let id = person::parsed("person id", &new_id(), PersonId::parse)?;
            ids.insert(joined.employee_number.clone(), id.clone());
            let payload = json!({ "reason": joined.reason() });
            writes.push(PersonWrite {
                person: joined.into_person(id),
                login_from: None,
                kind: "person.joined",
                payload,
            });
        }
        for changed in correlation.changed {
            let Some(mut person) = by_id.get(&changed.person).cloned() else { continue };
            let movements: Vec<String> = changed.movements.iter().map(Movement::sentence).collect();
            let payload =
                json!({ "changes": changed.changes, "movements": movements, "line": changed.line });
            changed.apply(&mut person);
            writes.push(PersonWrite { person, login_from: None, kind: "person.changed", payload });
        }
        pass_logins_on(&by_id, &mut writes);
        self.in_batches(ctx, import, writes, write_person)?;
        let sources: Vec<(PersonId, u64)> = lines
            .into_iter()
            .filter_map(|(number, line)| ids.get(&number).map(|id| (id.clone(), line)))
            .collect();
        self.in_batches(ctx, import, sources, write_line)
    }

    /// Writes many rows, some thousand in a transaction, so that nothing else waits for long.
    fn in_batches<T: Clone + Send + Sync + 'static>(
        &self,
        ctx: &Ctx,
        import: &Arc<Import>,
        items: Vec<T>,
        write: fn(&mut Tx, &Ctx, &Import, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for batch in items.chunks(limits::IMPORT_BATCH_ROWS) {
            let (ctx, import, batch) = (ctx.clone(), import.clone(), batch.to_vec());
            self.db.write(SCOPE, move |tx| {
                batch.iter().try_for_each(|item| write(tx, &ctx, &import, item))?;
                db::generation::bump(tx, SCOPE, "people")?;
                Ok::<(), Error>(())
            })?;
        }
        Ok(())
    }
}

/// An import as it is written.
struct Import {
    source: StoredSource,
    digest: String,
    report: ImportReport,
}

#[derive(Clone)]
struct PersonWrite {
    person: Person,
    /// Whoever had the login before and gets another one by the same import, perhaps later.
    login_from: Option<PersonId>,
    kind: &'static str,
    payload: Value,
}

impl Import {
    fn write(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Error> {
        let report = &self.report;
        let verdict = if report.is_stopped() { "stopped" } else { "accepted" };
        let summary = serde_json::to_value(report).unwrap_or_default();
        tx.execute(
            "INSERT INTO imports (id, source_id, file_name, file_digest, row_count, \
             quarantined_count, verdict, summary, format_version, actor, imported_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            params![
                report.id.as_str(),
                self.source.id.as_str(),
                report.file_name.as_str(),
                self.digest.as_str(),
                report.rows,
                report.quarantined.len(),
                verdict,
                summary.to_string(),
                IMPORT_FORMAT_VERSION,
                ctx.actor.as_str(),
                ctx.now
            ],
        )?;
        for row in &report.quarantined {
            tx.execute(
                "INSERT INTO quarantine (import_id, line, employee_number, reason) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT (import_id, line) DO NOTHING",
                params![
                    report.id.as_str(),
                    row.line,
                    row.employee_number.as_deref(),
                    row.reason.as_str()
                ],
            )?;
        }
        let kind = if report.is_stopped() { "import.stopped" } else { "import.accepted" };
        db::event::append(tx, ctx, SCOPE, kind, &report.source, &event_payload(report))?;
        Ok(())
    }
}

/// The particulars of the event; the rows set aside stand in `quarantine`, with what they say.
fn event_payload(report: &ImportReport) -> Value {
    json!({
        "import": report.id,
        "file": report.file_name,
        "rows": report.rows,
        "joined": report.joined,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "missing": report.missing,
        "quarantined": report.quarantined.len(),
        "stopped": report.stopped,
    })
}

fn write_person(tx: &mut Tx, ctx: &Ctx, import: &Import, write: &PersonWrite) -> Result<(), Error> {
    if let Some(holder) = &write.login_from {
        person::give_up_login(tx, holder, &write.person)?;
    }
    person::put(tx, ctx, &write.person)?;
    let ctx = Ctx { cause: format!("import {}", import.report.id), ..ctx.clone() };
    db::event::append(tx, &ctx, SCOPE, write.kind, write.person.id.as_str(), &write.payload)?;
    Ok(())
}

/// Notes whose login goes to somebody else, so that two people can change theirs for each other's.
fn pass_logins_on(known: &BTreeMap<PersonId, Person>, writes: &mut [PersonWrite]) {
    let changing: BTreeMap<String, PersonId> = writes
        .iter()
        .filter_map(|write| known.get(&write.person.id))
        .filter_map(|before| Some((login_key(before)?, before.id.clone())))
        .collect();
    for write in writes {
        let holder = login_key(&write.person).and_then(|login| changing.get(&login));
        write.login_from = holder.filter(|holder| **holder != write.person.id).cloned();
    }
}

fn write_line(
    tx: &mut Tx,
    _: &Ctx,
    import: &Import,
    (person, line): &(PersonId, u64),
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO person_sources (person_id, source_id, line, import_id) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (person_id, source_id) DO UPDATE SET \
         line = excluded.line, import_id = excluded.import_id",
        params![person.as_str(), import.source.id.as_str(), *line, import.report.id.as_str()],
    )?;
    Ok(())
}

/// The rows as records with their generated values. Logins are given out in the order of employee
/// numbers, so that the same file gives the same logins.
fn snapshot(
    source: &StoredSource,
    table: &Table,
    known: &[Person],
) -> Result<(Snapshot, Vec<UnreadableRow>), Error> {
    let reader = Reader::new(&source.config, &table.columns)?;
    let (mut rows, mut unreadable) = reader.records(table);
    rows.sort_by(|(_, a), (_, b)| a.employee_number.cmp(&b.employee_number));
    let mut logins = Logins::of(known);
    let mut records: Vec<Record> = Vec::with_capacity(rows.len());
    for (at, mut record) in rows {
        let number = record.employee_number.clone();
        let generated = reader.generate(&mut record, &table.rows[at], |base, collision| {
            logins.give(&number, base, collision)
        });
        match generated {
            Ok(()) => records.push(record),
            Err(problem) => unreadable.push(UnreadableRow {
                line: record.line,
                employee_number: Some(number),
                problem,
            }),
        }
    }
    let mut disputed = disputed(&source.id, known, &records);
    let mut undisputed = Vec::with_capacity(records.len());
    for (at, record) in records.into_iter().enumerate() {
        match disputed.remove(&at) {
            None => undisputed.push(record),
            Some(problem) => unreadable.push(UnreadableRow {
                line: record.line,
                employee_number: Some(record.employee_number),
                problem,
            }),
        }
    }
    let snapshot = Snapshot {
        source: source.id.clone(),
        completeness: source.config.snapshot,
        columns: table.columns.clone(),
        records: undisputed,
        unreadable: unreadable.clone(),
    };
    Ok((snapshot, unreadable))
}

fn contract(config: &SourceConfig) -> lifecycle::SourceContract {
    let mut contract = config.contract.clone();
    contract.expected_columns.extend(config.columns.values().cloned());
    contract
}

fn lines(snapshot: &Snapshot) -> BTreeMap<EmployeeNumber, u64> {
    snapshot.records.iter().map(|record| (record.employee_number.clone(), record.line)).collect()
}

fn report(
    config: &SourceConfig,
    file_name: &str,
    snapshot: &Snapshot,
    refused: Vec<UnreadableRow>,
    correlation: &Correlation,
    options: &ImportOptions,
) -> ImportReport {
    let mut quarantined: Vec<QuarantinedRow> = refused
        .into_iter()
        .map(|row| QuarantinedRow {
            line: row.line,
            employee_number: row.employee_number.map(|number| number.to_string()),
            reason: row.problem,
        })
        .collect();
    // Findings carry the id of a source, which stays when it is renamed.
    let named = |sentence: String| sentence.replace(snapshot.source.as_str(), &config.name);
    let mut findings = Vec::new();
    for finding in &correlation.findings {
        match finding {
            Finding::RowUnreadable { .. } => {}
            Finding::DuplicateRows { employee_number, lines, .. } => {
                quarantined.extend(lines.iter().map(|line| QuarantinedRow {
                    line: *line,
                    employee_number: Some(employee_number.to_string()),
                    reason: named(finding.sentence()),
                }));
            }
            other => findings.push(named(other.sentence())),
        }
    }
    quarantined.sort_by_key(|row| row.line);
    let stopped = match &correlation.verdict {
        Verdict::Accept => Vec::new(),
        Verdict::Stop { reasons } => reasons
            .iter()
            .map(|reason| Stop { reason: named(reason.sentence()), next_step: reason.next_step() })
            .collect(),
    };
    ImportReport {
        id: new_id(),
        source: config.name.clone(),
        file_name: file_name.to_string(),
        as_of: options.as_of,
        rows: snapshot.row_count(),
        joined: correlation.joined.len() as u64,
        changed: correlation.changed.len() as u64,
        unchanged: correlation.unchanged_count,
        missing: correlation.missing.len() as u64,
        quarantined,
        stopped,
        findings,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
