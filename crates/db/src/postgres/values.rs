//! Values on their way to the server, and columns on their way back.

use std::error::Error as StdError;

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::row::Cell;
use crate::value::Value;

/// A row lent by a query.
pub(crate) struct PostgresRow<'a>(pub(super) &'a Row);

/// The type that a value has by itself.
pub(super) fn type_of(value: &Value) -> Type {
    match value {
        // The server finds it out from the place the value stands at.
        Value::Null => Type::UNKNOWN,
        Value::Bool(_) | Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

/// Whether a value can be sent where the server expects `expected`.
pub(super) fn fits(value: &Value, expected: &Type) -> bool {
    matches!(value, Value::Null) || type_of(value) == *expected
}

impl ToSql for Value {
    fn to_sql(
        &self,
        _expected: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => return Ok(IsNull::Yes),
            Value::Bool(value) => out.extend_from_slice(&i64::from(*value).to_be_bytes()),
            Value::Int(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::Text(value) => out.extend_from_slice(value.as_bytes()),
            Value::Blob(value) => out.extend_from_slice(value),
        }
        Ok(IsNull::No)
    }

    fn accepts(_expected: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A column as it came.
struct Raw<'a>(Option<&'a [u8]>, Type);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(Some(raw), kind.clone()))
    }

    fn from_sql_null(kind: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(None, kind.clone()))
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }
}

impl PostgresRow<'_> {
    pub(crate) fn cell(&self, column: usize) -> Cell<'_> {
        let Ok(Raw(bytes, kind)) = self.0.try_get::<_, Raw>(column) else { return Cell::Missing };
        let Some(bytes) = bytes else { return Cell::Null };
        match kind {
            Type::INT8 => whole(bytes, i64::from_be_bytes),
            Type::INT4 => whole(bytes, |bytes| i64::from(i32::from_be_bytes(bytes))),
            Type::INT2 => whole(bytes, |bytes| i64::from(i16::from_be_bytes(bytes))),
            Type::BOOL => Cell::Int(i64::from(bytes != [0])),
            Type::NUMERIC => numeric(bytes),
            Type::FLOAT4 | Type::FLOAT8 => Cell::Real,
            Type::BYTEA => Cell::Blob(bytes),
            _ => std::str::from_utf8(bytes).map_or(Cell::NotUtf8, Cell::Text),
        }
    }
}

fn whole<'a, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> i64) -> Cell<'a> {
    bytes.try_into().map_or(Cell::Missing, |bytes| Cell::Int(read(bytes)))
}

/// A number of any size, such as the sum of whole ones: a count of digits to the base 10,000, the
/// power of the first, the sign, and how many places follow the point; then the digits.
fn numeric<'a>(bytes: &[u8]) -> Cell<'a> {
    let words: Vec<i16> =
        bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect();
    let [_, power, sign, _, digits @ ..] = words.as_slice() else { return Cell::Missing };
    let places = usize::try_from(i32::from(*power) + 1).unwrap_or(0);
    if digits.len() > places || !matches!(*sign, 0 | 0x4000) {
        return Cell::Real;
    }
    let mut number = 0_i64;
    for place in 0..places {
        let digit = digits.get(place).copied().unwrap_or(0);
        let next = number.checked_mul(10_000).and_then(|n| n.checked_sub(i64::from(digit)));
        match next {
            Some(next) => number = next,
            None => return Cell::Real,
        }
    }
    // Counted downwards, since the least number has no positive counterpart.
    if *sign == 0 { number.checked_neg().map_or(Cell::Real, Cell::Int) } else { Cell::Int(number) }
}
