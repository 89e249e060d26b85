//! Phone numbers: in the pool, or assigned to a user.

use db::{Ctx, Read, Row, Tx, params};
use entitlement::UserId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::limits::{NUMBER_COUNT_MAX, NUMBER_DIGITS_MAX, NUMBER_DIGITS_MIN};
use crate::provider::ServiceProvider;
use crate::{Error, TenantId, account};

/// A phone number of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhoneNumber {
    /// Its id.
    pub id: String,
    /// The number, as it was added: `+1 555 0100`.
    pub number: String,
    /// Who has it; none: it lies in the pool.
    pub user: Option<UserId>,
    /// Since when.
    pub assigned_at: Option<Timestamp>,
}

/// Which phone numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumbersOf {
    /// All.
    All,
    /// Those that a user has.
    Assigned,
    /// Those in the pool.
    Unassigned,
}

impl ServiceProvider {
    /// Adds a number to the pool.
    pub fn add_number(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        number: &str,
    ) -> Result<PhoneNumber, Error> {
        let (ctx, tenant, number) = (ctx.clone(), tenant.clone(), number.to_owned());
        self.db().write(tenant.turn(), move |tx| add_number(tx, &ctx, &tenant, &number))
    }

    /// Assigns a number of the pool, named by id or as it reads, to an active user.
    pub fn assign_number(
        &self,
        ctx: &Ctx,
        tenant: &TenantId,
        user: &str,
        number: &str,
    ) -> Result<PhoneNumber, Error> {
        let (ctx, tenant) = (ctx.clone(), tenant.clone());
        let (user, number) = (user.to_owned(), number.to_owned());
        self.db().write(tenant.turn(), move |tx| {
            let user = account::find(tx, &tenant, &user)?;
            assign_number(tx, &ctx, &tenant, &user.id, &number)
        })
    }

    /// Numbers by how they read: `limit` of them after the first `offset`.
    pub fn numbers(
        &self,
        tenant: &TenantId,
        which: NumbersOf,
        (offset, limit): (u64, u32),
    ) -> Result<Vec<PhoneNumber>, Error> {
        self.db().read(|r| numbers(r, tenant, which, (offset, limit)))
    }
}

const COLUMNS: &str = "id, number, user_id, assigned_at";

/// Adds a number to the pool.
pub(crate) fn add_number(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    number: &str,
) -> Result<PhoneNumber, Error> {
    let number = readable(number)?;
    if find(tx, tenant, &number)?.is_some() {
        let sentence = format!("The number {number} is there already. Assign it, or add another.");
        return Err(scim::Error::uniqueness(sentence).into());
    }
    let count = count_numbers(tx, tenant, NumbersOf::All)?;
    if count >= NUMBER_COUNT_MAX {
        let sentence =
            format!("A tenant has at most {NUMBER_COUNT_MAX} numbers. Remove one first.");
        return Err(Error::Refused { sentence });
    }
    let id = db::new_id();
    tx.execute(
        "INSERT INTO phone_numbers (tenant, id, number, created_at) VALUES ($1, $2, $3, $4)",
        params![tenant.as_str(), &id, &number, ctx.now],
    )?;
    let payload = json!({"number": &number});
    db::event::append(tx, ctx, tenant.as_str(), "number.added", &id, &payload)?;
    Ok(PhoneNumber { id, number, user: None, assigned_at: None })
}

/// Assigns a number, named by id or as it reads, to an active user; it must be in the pool.
pub(crate) fn assign_number(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    number: &str,
) -> Result<PhoneNumber, Error> {
    let account = account::required(tx, tenant, user)?;
    account::refuse_inactive(&account, "be given a number")?;
    let mut found = find(tx, tenant, number)?
        .ok_or_else(|| Error::NotFound { noun: "phone number", id: number.to_owned() })?;
    match &found.user {
        Some(owner) if owner == user => return Ok(found),
        Some(owner) => {
            let owner = account::user_name(tx, tenant, owner)?;
            let sentence = format!(
                "The number {} belongs to {owner}. Release it there first, or take one from the pool.",
                found.number
            );
            return Err(scim::Error::uniqueness(sentence).into());
        }
        None => {}
    }
    tx.execute(
        "UPDATE phone_numbers SET user_id = $1, assigned_by = $2, assigned_at = $3
         WHERE tenant = $4 AND id = $5",
        params![&user.0, &ctx.actor, ctx.now, tenant.as_str(), &found.id],
    )?;
    let payload = json!({"number": &found.number});
    db::event::append(tx, ctx, tenant.as_str(), "number.assigned", &user.0, &payload)?;
    found.user = Some(user.clone());
    found.assigned_at = Some(ctx.now);
    Ok(found)
}

/// Releases a number of a user to the pool.
pub(crate) fn release_number(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    user: &UserId,
    number: &str,
) -> Result<(), Error> {
    let found = find(tx, tenant, number)?.filter(|found| found.user.as_ref() == Some(user));
    let found =
        found.ok_or_else(|| Error::NotFound { noun: "phone number", id: number.to_owned() })?;
    tx.execute(
        "UPDATE phone_numbers SET user_id = NULL, assigned_by = NULL, assigned_at = NULL
         WHERE tenant = $1 AND id = $2",
        params![tenant.as_str(), &found.id],
    )?;
    let payload = json!({"number": &found.number});
    db::event::append(tx, ctx, tenant.as_str(), "number.released", &user.0, &payload)?;
    Ok(())
}

/// Removes a number that lies in the pool.
pub(crate) fn remove_number(
    tx: &mut Tx,
    ctx: &Ctx,
    tenant: &TenantId,
    number: &str,
) -> Result<(), Error> {
    let found = find(tx, tenant, number)?
        .ok_or_else(|| Error::NotFound { noun: "phone number", id: number.to_owned() })?;
    if let Some(owner) = &found.user {
        let owner = account::user_name(tx, tenant, owner)?;
        let sentence = format!("The number {} belongs to {owner}. Release it first.", found.number);
        return Err(Error::Refused { sentence });
    }
    tx.execute(
        "DELETE FROM phone_numbers WHERE tenant = $1 AND id = $2",
        params![tenant.as_str(), &found.id],
    )?;
    let payload = json!({"number": &found.number});
    db::event::append(tx, ctx, tenant.as_str(), "number.removed", &found.id, &payload)?;
    Ok(())
}

/// Numbers by how they read: `limit` of them after the first `offset`.
pub(crate) fn numbers(
    r: &mut Read,
    tenant: &TenantId,
    which: NumbersOf,
    (offset, limit): (u64, u32),
) -> Result<Vec<PhoneNumber>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM phone_numbers WHERE tenant = $1 {}
         ORDER BY number LIMIT $2 OFFSET $3",
        condition(which)
    );
    Ok(r.query(&sql, params![tenant.as_str(), limit, offset], read_number)?)
}

/// How many numbers there are.
pub(crate) fn count_numbers(
    r: &mut Read,
    tenant: &TenantId,
    which: NumbersOf,
) -> Result<u64, Error> {
    let sql = format!("SELECT COUNT(*) FROM phone_numbers WHERE tenant = $1 {}", condition(which));
    Ok(r.query_one(&sql, params![tenant.as_str()], |row| row.count(0))?)
}

/// The numbers of a user.
pub(crate) fn numbers_of_user(
    r: &mut Read,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<PhoneNumber>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM phone_numbers WHERE tenant = $1 AND user_id = $2 ORDER BY number"
    );
    Ok(r.query(&sql, params![tenant.as_str(), &user.0], read_number)?)
}

/// Releases every number of a user; says which.
pub(crate) fn release_all_numbers(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<String>, Error> {
    let numbers = numbers_of_user(tx, tenant, user)?;
    tx.execute(
        "UPDATE phone_numbers SET user_id = NULL, assigned_by = NULL, assigned_at = NULL
         WHERE tenant = $1 AND user_id = $2",
        params![tenant.as_str(), &user.0],
    )?;
    Ok(numbers.into_iter().map(|number| number.number).collect())
}

/// A number by its id or as it reads.
fn find(r: &mut Read, tenant: &TenantId, id_or_number: &str) -> Result<Option<PhoneNumber>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM phone_numbers WHERE tenant = $1 AND (id = $2 OR number = $2)"
    );
    Ok(r.query_opt(&sql, params![tenant.as_str(), id_or_number.trim()], read_number)?)
}

fn condition(which: NumbersOf) -> &'static str {
    match which {
        NumbersOf::All => "",
        NumbersOf::Assigned => "AND user_id IS NOT NULL",
        NumbersOf::Unassigned => "AND user_id IS NULL",
    }
}

/// A number as it is kept: digits, perhaps with a plus sign in front and single spaces or hyphens
/// between.
fn readable(number: &str) -> Result<String, Error> {
    let number = number.split_whitespace().collect::<Vec<_>>().join(" ");
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let plain = number
        .chars()
        .enumerate()
        .all(|(i, c)| c.is_ascii_digit() || (i == 0 && c == '+') || (i > 0 && " -()".contains(c)));
    if plain && (NUMBER_DIGITS_MIN..=NUMBER_DIGITS_MAX).contains(&digits) {
        return Ok(number);
    }
    Err(Error::Refused {
        sentence: format!(
            "`{number}` is no phone number. Give {NUMBER_DIGITS_MIN} to {NUMBER_DIGITS_MAX} digits, as in +1 555 0100."
        ),
    })
}

fn read_number(row: &Row) -> Result<PhoneNumber, db::Error> {
    Ok(PhoneNumber {
        id: row.text(0)?,
        number: row.text(1)?,
        user: row.opt_text(2)?.map(UserId),
        assigned_at: row.opt_timestamp(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_as_people_write_them() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(readable(text).ok().as_deref(), expected, "{text:?}");
        };
        check(" +1  555 0100 ", Some("+1 555 0100"));
        check("+49 (30) 1234-5", Some("+49 (30) 1234-5"));
        check("12", None);
        check("call me", None);
        check("1+555", None);
        check("+1234567890123456", None);
        check("", None);
    }
}
