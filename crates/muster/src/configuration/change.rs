//! What applying a folder of files would change.

use serde::Serialize;
use serde_json::{Map, Value};

/// One thing that is made, changed, or only found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// Tenant, group, rule, source, application.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub verb: ConfigVerb,
    /// Which parts differ: `condition: "a" -> "b"`.
    pub details: Vec<String>,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigVerb {
    /// It is new.
    Create,
    /// It is there and differs.
    Change,
    /// It is there and no file names it; it is kept.
    Keep,
}

impl ConfigVerb {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Keep => "keep",
        }
    }
}

/// Compares what the files say with what is there.
pub fn changes<T: Serialize + PartialEq>(
    kind: &'static str,
    wanted: &[T],
    present: &[T],
    name: impl Fn(&T) -> &str,
) -> Vec<ConfigChange> {
    let same = |a: &T, b: &T| name(a).to_lowercase() == name(b).to_lowercase();
    let mut found = Vec::new();
    for thing in wanted {
        let before = present.iter().find(|other| same(thing, other));
        let (verb, details) = match before {
            None => (ConfigVerb::Create, Vec::new()),
            Some(before) if before == thing => continue,
            Some(before) => (ConfigVerb::Change, details(before, thing)),
        };
        found.push(ConfigChange { kind, name: name(thing).to_string(), verb, details });
    }
    for thing in present {
        if !wanted.iter().any(|other| same(thing, other)) {
            found.push(kept(kind, name(thing)));
        }
    }
    found
}

/// A thing that no file names.
pub fn kept(kind: &'static str, name: &str) -> ConfigChange {
    ConfigChange { kind, name: name.to_string(), verb: ConfigVerb::Keep, details: Vec::new() }
}

fn details<T: Serialize>(before: &T, after: &T) -> Vec<String> {
    let object = |thing: &T| match serde_json::to_value(thing) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let (before, after) = (object(before), object(after));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().flat_map(|key| difference(key, before.get(key), after.get(key))).collect()
}

/// What differs under a key: of a list which elements, of anything else the values.
fn difference(key: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let none = Vec::new();
    let list = |value: Option<&Value>| match value {
        Some(Value::Array(list)) => Some(list.clone()),
        None => Some(none.clone()),
        Some(_) => None,
    };
    let show = |value: Option<&Value>| {
        value.filter(|value| !value.is_null()).map_or_else(|| "nothing".into(), ToString::to_string)
    };
    let lists = list(before).zip(list(after));
    match lists {
        _ if before == after => Vec::new(),
        Some((old, new)) => {
            let gone = old.iter().filter(|element| !new.contains(element));
            let come = new.iter().filter(|element| !old.contains(element));
            let lines: Vec<String> = gone
                .map(|element| format!("{key}: - {element}"))
                .chain(come.map(|element| format!("{key}: + {element}")))
                .collect();
            if lines.is_empty() { vec![format!("{key}: in another order")] } else { lines }
        }
        None => vec![format!("{key}: {} -> {}", show(before), show(after))],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_says_what_differs() {
        let check = |before: Value, after: Value, expected: &[&str]| {
            let found = changes("thing", &[after], &[before], |_| "thing");
            let lines: Vec<_> = found.iter().flat_map(|change| &change.details).collect();
            assert_eq!(lines, expected);
        };
        check(json!({"a": 1}), json!({"a": 1}), &[]);
        check(
            json!({"a": 1, "b": null}),
            json!({"a": 2, "b": "x"}),
            &["a: 1 -> 2", "b: nothing -> \"x\""],
        );
        check(json!({"a": ["x", "y"]}), json!({"a": ["y", "z"]}), &["a: - \"x\"", "a: + \"z\""]);
        check(json!({"a": ["x", "y"]}), json!({"a": ["y", "x"]}), &["a: in another order"]);
        check(json!({}), json!({"a": ["x"]}), &["a: + \"x\""]);
        check(json!({"a": {"b": 1}}), json!({}), &["a: {\"b\":1} -> nothing"]);
    }

    #[test]
    fn what_no_file_names_is_kept() {
        let (wanted, present) = (["New".to_string()], ["Old".to_string()]);
        let found = changes("group", &wanted, &present, |thing| thing);
        let verbs: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.verb.as_str())).collect();
        assert_eq!(verbs, [("New", "create"), ("Old", "keep")]);
    }
}
