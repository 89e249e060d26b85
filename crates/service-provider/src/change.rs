//! What differs between two documents, as an event tells it: enough for whoever follows the log to
//! change a document of its own the same way.

use serde_json::{Map, Value, json};

use crate::limits::EVENT_VALUE_BYTES_MAX;

/// The attributes that differ between two documents.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// What they are now; null: gone.
    changed: Map<String, Value>,
    /// What they were; null: not there.
    formerly: Map<String, Value>,
}

impl Difference {
    /// Compares two documents. What `schemas` becomes is told with what it follows from.
    pub(crate) fn between(old: &Map<String, Value>, next: &Map<String, Value>) -> Self {
        let mut difference = Self::default();
        let names = old.keys().chain(next.keys().filter(|name| !old.contains_key(*name)));
        for name in names.filter(|name| *name != "password") {
            let (was, is) = (old.get(name), next.get(name));
            if was != is {
                difference.changed.insert(name.clone(), is.cloned().unwrap_or_default());
                difference.formerly.insert(name.clone(), was.cloned().unwrap_or_default());
            }
        }
        difference
    }

    /// Leaves out an attribute that another event tells of.
    pub(crate) fn leave_out(&mut self, name: &str) {
        self.changed.remove(name);
        self.formerly.remove(name);
    }

    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    /// The names of the attributes that differ, without `schemas`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.changed.keys().map(String::as_str).filter(|name| *name != "schemas")
    }

    /// The difference as part of a payload.
    pub(crate) fn told_in(self, mut payload: Value) -> Value {
        payload["attributes"] = self.names().map(Value::from).collect();
        payload["changed"] = bounded(self.changed.into());
        payload["formerly"] = bounded(self.formerly.into());
        payload
    }
}

/// A value for a payload; one that is too large for the log is named as such, and whoever needs it
/// reads the resource.
pub(crate) fn bounded(value: Value) -> Value {
    let bytes = value.to_string().len();
    if bytes <= EVENT_VALUE_BYTES_MAX { value } else { json!({"$omitted_bytes": bytes}) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_difference_tells_what_is_what_was_and_what_is_gone() {
        let old = map(json!({"a": 1, "b": [1], "c": "x", "password": "p", "schemas": ["s"]}));
        let next = map(json!({"a": 1, "b": [2], "d": true, "schemas": ["s", "t"]}));
        let difference = Difference::between(&old, &next);
        assert_eq!(difference.names().collect::<Vec<_>>(), ["b", "c", "d"]);
        assert_eq!(
            difference.told_in(json!({})),
            json!({
                "attributes": ["b", "c", "d"],
                "changed": {"b": [2], "c": null, "d": true, "schemas": ["s", "t"]},
                "formerly": {"b": [1], "c": "x", "d": null, "schemas": ["s"]},
            })
        );
        assert!(Difference::between(&old, &old).is_empty());
    }

    #[test]
    fn what_is_too_large_is_named_in_place_of_its_text() {
        let large = Value::from("x".repeat(EVENT_VALUE_BYTES_MAX));
        assert_eq!(bounded(large), json!({"$omitted_bytes": EVENT_VALUE_BYTES_MAX + 2}));
        assert_eq!(bounded(json!("x")), json!("x"));
    }
}
