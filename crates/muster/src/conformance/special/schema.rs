//! Whether what a server shows is what its own schemas say (RFC 7643 2 and 7).

use serde_json::{Map, Value};

use crate::conformance::check::Stop;
use crate::conformance::walk::Scope;

/// Attributes that every resource has without being in a schema (RFC 7643 3.1).
const COMMON: &[&str] = &["id", "externalid", "meta", "schemas", "#endpoint"];
/// Most problems that one sentence names.
const PROBLEM_COUNT_MAX: usize = 8;

/// One aspect of the resource that was remembered by this name.
pub fn run(scope: &mut Scope<'_>, name: &str, aspect: &str) -> Result<(), Stop> {
    let known = scope.names.get(name).cloned();
    let Some(Value::Object(resource)) = known else {
        return Err(Stop::skip(format!("`{name}` could not be made")));
    };
    let mut problems = Vec::new();
    let urns: Vec<&str> = resource
        .get("schemas")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |urns| urns.iter().filter_map(Value::as_str).collect());
    let core = urns.iter().find(|urn| urn.contains(":core:")).copied().unwrap_or_default();
    for urn in &urns {
        let Some(schema) = scope.advertised.schema(urn) else {
            if aspect == "urns" {
                problems.push(format!("`schemas` has `{urn}`, which /Schemas has not"));
            }
            continue;
        };
        let body = match *urn == core {
            true => Some(&resource),
            false => resource.get(*urn).and_then(Value::as_object),
        };
        if let Some(body) = body {
            let attributes = list(schema, "attributes");
            look(body, &attributes, "", aspect, &mut problems);
        }
    }
    if aspect == "urns" {
        let unlisted = resource.keys().filter(|key| key.starts_with("urn:"));
        let unlisted = unlisted.filter(|key| !urns.contains(&key.as_str()));
        problems.extend(unlisted.map(|key| format!("`{key}` has data and is not in `schemas`")));
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.truncate(PROBLEM_COUNT_MAX);
    Err(Stop::fail(problems.join("; ")))
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn look(
    body: &Map<String, Value>,
    attributes: &[Value],
    above: &str,
    aspect: &str,
    problems: &mut Vec<String>,
) {
    let named = |key: &str| {
        let is =
            |one: &&Value| one["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(key));
        attributes.iter().find(is)
    };
    for (key, value) in body {
        let place = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let Some(attribute) = named(key) else {
            let is_common = above.is_empty() && COMMON.contains(&key.to_ascii_lowercase().as_str());
            if aspect == "unknown" && !is_common && !key.starts_with("urn:") {
                problems.push(format!("`{place}` is in no schema"));
            }
            continue;
        };
        if aspect == "case" && attribute["name"] != key.as_str() {
            problems.push(format!("`{place}` is called {}", attribute["name"]));
        }
        if aspect == "never" && matches!(attribute["returned"].as_str(), Some("never")) {
            problems.push(format!("`{place}` is returned, and is never to be"));
        }
        if aspect == "secret" && attribute["mutability"] == "writeOnly" {
            problems.push(format!("`{place}` is returned, and is writeOnly"));
        }
        let is_multiple = attribute["multiValued"] == true;
        if aspect == "plural" && value.is_array() != is_multiple && !value.is_null() {
            problems.push(format!("`{place}` has multiValued {is_multiple}, and is {value}"));
        }
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for value in &values {
            let kind = attribute["type"].as_str().unwrap_or("string");
            if aspect == "types" && !value.is_null() && !fits(value, kind) {
                problems.push(format!("`{place}` has type {kind}, and is {value}"));
            }
            if aspect == "canonical" {
                let canonical = list(attribute, "canonicalValues");
                let same = |one: &Value| {
                    one == value
                        || one
                            .as_str()
                            .zip(value.as_str())
                            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
                };
                if !canonical.is_empty() && !canonical.iter().any(same) {
                    problems.push(format!("`{place}` is {value}, which is no canonical value"));
                }
            }
            if let Some(inner) = value.as_object() {
                look(inner, &list(attribute, "subAttributes"), &place, aspect, problems);
            }
        }
        let is_primary = |one: &&Value| one["primary"] == true;
        if aspect == "primary" && values.iter().filter(is_primary).count() > 1 {
            problems.push(format!("`{place}` has more than one primary value"));
        }
    }
    if aspect == "required" {
        let missing = attributes.iter().filter(|attribute| {
            let name = attribute["name"].as_str().unwrap_or_default();
            let is_there = body.keys().any(|key| key.eq_ignore_ascii_case(name));
            let is_shown = !matches!(attribute["returned"].as_str(), Some("never" | "request"));
            attribute["required"] == true && is_shown && !is_there
        });
        problems
            .extend(missing.map(|one| format!("{above} {} is required and absent", one["name"])));
    }
}

fn fits(value: &Value, kind: &str) -> bool {
    match kind {
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "decimal" => value.is_number(),
        "complex" => value.is_object(),
        "dateTime" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        _ => value.is_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_schema_does_not_say_is_found() {
        let attributes = json!([
            {"name": "userName", "type": "string", "required": true},
            {"name": "age", "type": "integer"},
            {"name": "emails", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "type", "type": "string", "canonicalValues": ["work"]}]},
            {"name": "password", "type": "string", "returned": "never", "mutability": "writeOnly"},
        ]);
        let body =
            json!({"id": "1", "age": "4", "emails": {"type": "boat"}, "password": "x", "Extra": 1});
        let found = |aspect: &str| {
            let mut problems = Vec::new();
            let (body, list) = (body.as_object().unwrap(), attributes.as_array().unwrap());
            look(body, list, "", aspect, &mut problems);
            problems.join("; ")
        };
        assert_eq!(found("types"), "`age` has type integer, and is \"4\"");
        assert_eq!(found("unknown"), "`Extra` is in no schema");
        assert!(found("plural").starts_with("`emails` has multiValued true"));
        assert!(found("canonical").contains("boat") && found("never").contains("password"));
        assert!(found("required").contains("userName") && found("secret").contains("password"));
    }
}
