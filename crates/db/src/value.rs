//! Values that go into a statement.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::error::{Error, Result};

/// One parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number; a moment is one too, in microseconds since 1970 UTC.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// Builds the parameters of a statement: `params![tenant, name, now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*] as &[$crate::Value]
    };
}

/// Numbered placeholders for a list: `placeholders(2, 3)` is `$2, $3, $4`.
pub fn placeholders(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    names.join(", ")
}

/// Refuses texts that PostgreSQL cannot keep, on every engine alike.
pub(crate) fn refuse_nul(params: &[Value]) -> Result<()> {
    let holds_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if params.iter().any(holds_nul) { Err(Error::Nul) } else { Ok(()) }
}

/// The moment as it is stored: microseconds since 1970 UTC.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Value {
                $make
            }
        })*
    };
}

from! {
    bool => |value| Value::Bool(value);
    i64 => |value| Value::Int(value);
    i32 => |value| Value::Int(i64::from(value));
    u32 => |value| Value::Int(i64::from(value));
    u16 => |value| Value::Int(i64::from(value));
    u8 => |value| Value::Int(i64::from(value));
    // The columns are signed; a count or limit beyond them is as good as their largest number.
    u64 => |value| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    usize => |value| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    &str => |value| Value::Text(value.to_owned());
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    std::borrow::Cow<'_, str> => |value| Value::Text(value.into_owned());
    Vec<u8> => |value| Value::Blob(value);
    &[u8] => |value| Value::Blob(value.to_vec());
    Timestamp => |value| Value::Int(micros(value));
    Date => |value| Value::Text(value.to_string());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl From<&serde_json::Value> for Value {
    /// Canonical JSON: the keys of every object are sorted.
    fn from(value: &serde_json::Value) -> Value {
        Value::Text(value.to_string())
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Value {
        value.as_deref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_values_become_null() {
        assert_eq!(Value::from(None::<String>), Value::Null);
        assert_eq!(params![Some("a"), 1_i64, true][0], Value::Text("a".into()));
    }

    #[test]
    fn placeholders_ascend_from_the_first() {
        assert_eq!(placeholders(2, 3), "$2, $3, $4");
        assert_eq!(placeholders(1, 0), "");
    }
}
