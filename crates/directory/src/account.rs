//! Accounts in the database: ours, and those that were seen and belong to nobody here.

use db::{Ctx, Read, Row, Tx, params};
use jiff::Timestamp;
use lifecycle::{
    Account, ApplicationId, MatchKeys, Origin, PersonId, Presence, RemoteAccount, RemoteId,
    Situation,
};
use scim::{Resource, ResourceType, Tolerances};
use serde_json::{Map, Value};

use crate::Error;
use crate::person::parsed;

/// The format version of a stored account document.
const ACCOUNT_FORMAT_VERSION: i64 = 1;

const COLUMNS: &str = "person_id, remote_id, origin, situation, active, last_written, observed, \
                       observed_at";

/// Every account that is or was ours in an application.
pub(crate) fn all(r: &mut Read, application: &ApplicationId) -> Result<Vec<Account>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM accounts WHERE application_id = $1 ORDER BY person_id");
    Ok(r.query(&sql, params![application.as_str()], |row| account(row, application))?)
}

/// An account without its documents, of which everybody's would take much memory.
pub(crate) struct Standing {
    /// Whose.
    pub person: PersonId,
    /// What the application calls it, if it is there and ours.
    pub remote_id: Option<RemoteId>,
    /// Whether it can be a member of groups.
    pub presence: Presence,
}

/// How every account that is or was ours in an application stands.
pub(crate) fn standings(r: &mut Read, id: &ApplicationId) -> Result<Vec<Standing>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM accounts WHERE application_id = $1 ORDER BY person_id");
    Ok(r.query(&sql, params![id.as_str()], |row| {
        let account = account(row, id)?;
        let (remote_id, presence) = (account.linked().cloned(), Presence::of(Some(&account)));
        Ok(Standing { person: account.person, remote_id, presence })
    })?)
}

/// The account of one person.
pub(crate) fn one(
    r: &mut Read,
    application: &ApplicationId,
    person: &PersonId,
) -> Result<Option<Account>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM accounts WHERE application_id = $1 AND person_id = $2");
    let key = params![application.as_str(), person.as_str()];
    Ok(r.query_opt(&sql, key, |row| account(row, application))?)
}

/// Whose account this is.
pub(crate) fn owner(
    r: &mut Read,
    application: &ApplicationId,
    remote: &RemoteId,
) -> Result<Option<PersonId>, Error> {
    Ok(r.query_opt(
        "SELECT person_id FROM accounts WHERE application_id = $1 AND remote_id = $2",
        params![application.as_str(), remote.as_str()],
        |row| parsed("person id", row.text_ref(0)?, PersonId::parse),
    )?)
}

/// Writes an account whole. What went wrong with it before is settled with it.
pub(crate) fn put(tx: &mut Tx, ctx: &Ctx, account: &Account) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO accounts (application_id, person_id, remote_id, origin, situation, active, \
         last_written, observed, observed_at, last_error, format_version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11, $11) \
         ON CONFLICT (application_id, person_id) DO UPDATE SET remote_id = excluded.remote_id, \
         origin = excluded.origin, situation = excluded.situation, active = excluded.active, \
         last_written = excluded.last_written, observed = excluded.observed, \
         observed_at = excluded.observed_at, last_error = NULL, \
         format_version = excluded.format_version, updated_at = excluded.updated_at",
        params![
            account.application.as_str(),
            account.person.as_str(),
            account.remote_id.as_ref().map(RemoteId::as_str),
            account.origin.as_str(),
            account.situation.as_str(),
            account.active,
            account.last_written.as_ref().map(text),
            account.observed.as_ref().map(text),
            account.observed_at,
            ACCOUNT_FORMAT_VERSION,
            ctx.now
        ],
    )?;
    Ok(())
}

/// Notes what we own of an account, seen to be as it should be: as last written, though nothing was
/// sent.
pub(crate) fn settle(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    person: &PersonId,
    written: &Map<String, Value>,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE accounts SET last_written = $1, updated_at = $2 \
         WHERE application_id = $3 AND person_id = $4",
        params![
            serde_json::to_string(written).unwrap_or_default(),
            ctx.now,
            application.as_str(),
            person.as_str()
        ],
    )?;
    Ok(())
}

/// Notes what went wrong with the account of a person, whether they have one or not.
pub(crate) fn put_error(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    person: &PersonId,
    error: &str,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO accounts (application_id, person_id, origin, situation, active, last_error, \
         format_version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
         ON CONFLICT (application_id, person_id) DO UPDATE SET last_error = excluded.last_error, \
         updated_at = excluded.updated_at",
        params![
            application.as_str(),
            person.as_str(),
            Origin::Created.as_str(),
            Situation::Absent.as_str(),
            false,
            error,
            ACCOUNT_FORMAT_VERSION,
            ctx.now
        ],
    )?;
    Ok(())
}

/// Notes an account as it was read there; nothing, if it is not ours.
pub(crate) fn observe(
    tx: &mut Tx,
    application: &ApplicationId,
    remote: &RemoteId,
    observed: Option<&Resource>,
    now: Timestamp,
) -> Result<bool, Error> {
    let key = (application.as_str(), remote.as_str());
    let changed = match observed {
        Some(resource) => tx.execute(
            "UPDATE accounts SET observed = $1, observed_at = $2 \
             WHERE application_id = $3 AND remote_id = $4",
            params![text(resource), now, key.0, key.1],
        )?,
        None => tx.execute(
            "UPDATE accounts SET observed_at = $1 WHERE application_id = $2 AND remote_id = $3",
            params![now, key.0, key.1],
        )?,
    };
    Ok(changed > 0)
}

/// Takes what was read of an account for what we wrote: nobody knows what of ours was done.
pub(crate) fn acknowledge(
    tx: &mut Tx,
    application: &ApplicationId,
    remote: &RemoteId,
    observed: &Resource,
) -> Result<(), Error> {
    let active = observed.document().get("active").and_then(Value::as_bool).unwrap_or(true);
    tx.execute(
        "UPDATE accounts SET last_written = $1, active = $2 \
         WHERE application_id = $3 AND remote_id = $4",
        params![text(observed), active, application.as_str(), remote.as_str()],
    )?;
    Ok(())
}

/// The account is not there any more, and a member of nothing.
pub(crate) fn mark_gone(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &ApplicationId,
    person: &PersonId,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE accounts SET situation = $1, observed = NULL, observed_at = $2, updated_at = $2 \
         WHERE application_id = $3 AND person_id = $4",
        params![Situation::Gone.as_str(), ctx.now, application.as_str(), person.as_str()],
    )?;
    forget_memberships(tx, application, person)
}

/// An account that was just created, linked or lost is a member of nothing.
pub(crate) fn forget_memberships(
    tx: &mut Tx,
    application: &ApplicationId,
    person: &PersonId,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM pushed_members WHERE application_id = $1 AND person_id = $2",
        params![application.as_str(), person.as_str()],
    )?;
    Ok(())
}

/// Whether any account was seen that is linked to nobody.
pub(crate) fn any_unlinked(r: &mut Read, application: &ApplicationId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM unlinked_accounts WHERE application_id = $1 LIMIT 1";
    Ok(r.query_opt(sql, params![application.as_str()], |row| row.int(0))?.is_some())
}

/// Every account that was seen and is linked to nobody.
pub(crate) fn unlinked(
    r: &mut Read,
    application: &ApplicationId,
) -> Result<Vec<RemoteAccount>, Error> {
    let sql = "SELECT remote_id, document FROM unlinked_accounts WHERE application_id = $1 \
               ORDER BY remote_id";
    Ok(r.query(sql, params![application.as_str()], remote_account)?)
}

/// The accounts that are linked to nobody and agree with these keys in anything.
pub(crate) fn candidates(
    r: &mut Read,
    application: &ApplicationId,
    keys: &MatchKeys,
) -> Result<Vec<RemoteAccount>, Error> {
    let named = keys.user_name.iter().map(|value| ("user_name_key", value));
    let external = keys.external_id.iter().map(|value| ("external_id", value));
    let emails = keys.emails.iter().map(|value| ("email_key", value));
    let mut found: Vec<RemoteAccount> = Vec::new();
    for (column, value) in named.chain(external).chain(emails) {
        let sql = format!(
            "SELECT remote_id, document FROM unlinked_accounts \
             WHERE application_id = $1 AND {column} = $2 ORDER BY remote_id"
        );
        for account in r.query(&sql, params![application.as_str(), value], remote_account)? {
            if !found.iter().any(|known| known.remote_id == account.remote_id) {
                found.push(account);
            }
        }
    }
    Ok(found)
}

/// Notes an account that was seen and is linked to nobody.
pub(crate) fn put_unlinked(
    tx: &mut Tx,
    application: &ApplicationId,
    account: &RemoteAccount,
    now: Timestamp,
) -> Result<(), Error> {
    let keys = MatchKeys::of(&account.resource);
    tx.execute(
        "INSERT INTO unlinked_accounts (application_id, remote_id, user_name_key, external_id, \
         email_key, document, observed_at, first_seen_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
         ON CONFLICT (application_id, remote_id) DO UPDATE SET \
         user_name_key = excluded.user_name_key, external_id = excluded.external_id, \
         email_key = excluded.email_key, document = excluded.document, \
         observed_at = excluded.observed_at",
        params![
            application.as_str(),
            account.remote_id.as_str(),
            keys.user_name,
            keys.external_id,
            keys.emails.first(),
            text(&account.resource),
            now
        ],
    )?;
    Ok(())
}

/// Whether an account that is linked to nobody was first seen at that moment or later.
pub(crate) fn is_seen_since(
    r: &mut Read,
    application: &ApplicationId,
    remote: &RemoteId,
    since: Timestamp,
) -> Result<bool, Error> {
    let seen = r.query_opt(
        "SELECT 1 FROM unlinked_accounts \
         WHERE application_id = $1 AND remote_id = $2 AND first_seen_at >= $3",
        params![application.as_str(), remote.as_str(), since],
        |row| row.int(0),
    )?;
    Ok(seen.is_some())
}

/// Forgets an account that was seen: it is linked now, or not there any more.
pub(crate) fn forget_unlinked(
    tx: &mut Tx,
    application: &ApplicationId,
    remote: &RemoteId,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM unlinked_accounts WHERE application_id = $1 AND remote_id = $2",
        params![application.as_str(), remote.as_str()],
    )?;
    Ok(())
}

/// Forgets the accounts that a complete list did not show any more.
pub(crate) fn forget_unlinked_before(
    tx: &mut Tx,
    application: &ApplicationId,
    seen_since: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM unlinked_accounts WHERE application_id = $1 AND observed_at < $2",
        params![application.as_str(), seen_since],
    )?;
    Ok(())
}

/// The id an application gives in a resource.
pub(crate) fn remote_id(body: &Map<String, Value>) -> Option<RemoteId> {
    match body.get("id")? {
        Value::String(text) => RemoteId::parse(text).ok(),
        // Some applications count their users.
        Value::Number(number) => RemoteId::parse(&number.to_string()).ok(),
        _ => None,
    }
}

/// An account as an application shows it, in the form of our schemas. What cannot be read so is kept
/// as it came; what only the application sets is left out.
pub(crate) fn read(body: &Map<String, Value>, user_type: &ResourceType) -> Resource {
    let value = Value::Object(body.clone());
    match Resource::read(&value, user_type, &Tolerances::all()) {
        Ok((resource, _, _)) => resource,
        Err(_) => {
            let mut body = body.clone();
            for name in ["id", "meta", "groups"] {
                body.remove(name);
            }
            Resource::from_canonical(body)
        }
    }
}

fn account(row: &Row, application: &ApplicationId) -> Result<Account, db::Error> {
    let word = |what: &str, text: &str| db::Error::unreadable(what, format!("`{text}` is none"));
    let (origin, situation) = (row.text_ref(2)?, row.text_ref(3)?);
    let last_written = resource(row, 5)?;
    // Most are as they were written: then both are one document.
    let observed = match &last_written {
        Some(written) if row.text_ref(6).ok() == row.text_ref(5).ok() => Some(written.clone()),
        _ => resource(row, 6)?,
    };
    Ok(Account {
        application: application.clone(),
        person: parsed("person id", row.text_ref(0)?, PersonId::parse)?,
        remote_id: match row.opt_text(1)? {
            Some(id) => Some(parsed("remote id", &id, RemoteId::parse)?),
            None => None,
        },
        origin: Origin::parse(origin).ok_or_else(|| word("origin", origin))?,
        situation: Situation::parse(situation).ok_or_else(|| word("situation", situation))?,
        active: row.bool(4)?,
        last_written,
        observed,
        observed_at: row.opt_timestamp(7)?,
    })
}

fn remote_account(row: &Row) -> Result<RemoteAccount, db::Error> {
    Ok(RemoteAccount {
        remote_id: parsed("remote id", row.text_ref(0)?, RemoteId::parse)?,
        resource: resource(row, 1)?.unwrap_or_default(),
    })
}

fn resource(row: &Row, column: usize) -> Result<Option<Resource>, db::Error> {
    let Some(text) = row.opt_text(column)? else { return Ok(None) };
    match serde_json::from_str(&text) {
        Ok(Value::Object(document)) => Ok(Some(Resource::from_canonical(document))),
        Ok(_) => Err(db::Error::unreadable("account", "it is no object")),
        Err(error) => Err(db::Error::unreadable("account", error)),
    }
}

fn text(resource: &Resource) -> String {
    serde_json::to_string(resource.document()).unwrap_or_default()
}
