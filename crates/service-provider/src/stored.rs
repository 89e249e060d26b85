//! Reading back what this crate stored as text.

use db::Value;
use entitlement::{Key, Pool, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A key of the catalogue.
pub(crate) fn key(text: &str) -> Result<Key, db::Error> {
    Key::parse(text).map_err(|error| db::Error::unreadable("A stored key", error))
}

/// A pool from its two columns.
pub(crate) fn pool(kind: &str, key_text: &str) -> Result<Pool, db::Error> {
    let pool = Pool::from_parts(kind, key(key_text)?);
    pool.ok_or_else(|| db::Error::unreadable("A stored pool", format!("`{kind}` is no kind")))
}

/// One of a fixed set of words; `what` as in "a seat's state".
pub(crate) fn word<T>(
    what: &str,
    text: &str,
    from_name: impl Fn(&str) -> Option<T>,
) -> Result<T, db::Error> {
    from_name(text).ok_or_else(|| db::Error::unreadable(what, format!("`{text}` is not known")))
}

/// A document.
pub(crate) fn json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, db::Error> {
    serde_json::from_str(text).map_err(|error| db::Error::unreadable(what, error))
}

/// A document to be stored.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| db::Error::unreadable("A document to be stored", error).into())
}

/// The placeholders, from `$first`, and the values for `IN (…)` over these users. The list is filled
/// up by repetition to one of a few lengths, so that few statements are prepared.
pub(crate) fn in_users(first: usize, users: &[UserId]) -> (String, Vec<Value>) {
    const LENGTHS: [usize; 6] = [1, 4, 16, 64, 256, 1024];
    let length = LENGTHS.into_iter().find(|l| *l >= users.len()).unwrap_or(users.len());
    let last = users.last().map_or("", |user| user.0.as_str());
    let own = users.iter().map(|user| Value::from(user.0.as_str()));
    let values: Vec<_> = own.chain(std::iter::repeat_with(|| last.into())).take(length).collect();
    (db::placeholders(first, values.len()), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_filled_up_by_repetition() {
        let users = ["a", "b"].map(|id| UserId(id.into()));
        let (names, values) = in_users(2, &users);
        assert_eq!(names, "$2, $3, $4, $5");
        assert_eq!(values, ["a", "b", "b", "b"].map(Value::from));
        assert_eq!(in_users(1, &[]).1, [Value::from("")]);
    }
}
