//! What applying a folder of files would change.

use serde::Serialize;

/// One thing that is made, changed, or only found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// Source, group, rule, application, tenant.
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
            let verb = ConfigVerb::Keep;
            found.push(ConfigChange {
                kind,
                name: name(thing).to_string(),
                verb,
                details: Vec::new(),
            });
        }
    }
    found
}

fn details<T: Serialize>(before: &T, after: &T) -> Vec<String> {
    let object = |thing: &T| match serde_json::to_value(thing) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (object(before), object(after));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let show = |value: Option<&serde_json::Value>| {
                value.map_or_else(|| "nothing".to_string(), ToString::to_string)
            };
            format!("{key}: {} -> {}", show(before.get(key)), show(after.get(key)))
        })
        .collect()
}
