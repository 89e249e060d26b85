//! Whether discovery agrees with itself and with the endpoints it names.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::conformance::check::Stop;
use crate::conformance::value::{at, percent_encode};
use crate::conformance::walk::Scope;

/// One aspect of discovery.
pub async fn run(scope: &mut Scope<'_>, aspect: &str) -> Result<(), Stop> {
    let (types, schemas) = (scope.advertised.types.clone(), scope.advertised.schemas.clone());
    let urns: BTreeSet<&str> = schemas.iter().filter_map(|schema| schema["id"].as_str()).collect();
    match aspect {
        "endpoints" => {
            for one in &types {
                let endpoint = one["endpoint"].as_str().unwrap_or_default();
                let path = format!("{}?count=1", endpoint.trim_start_matches(scope.peer.base()));
                let status = scope.send("GET", &path, None).await.status;
                if status != 200 {
                    return Err(Stop::fail(format!(
                        "`{endpoint}` is advertised and answers {status}"
                    )));
                }
            }
            Ok(())
        }
        "type-schemas" => {
            let named = types.iter().filter_map(|one| one["schema"].as_str());
            let extended = types.iter().flat_map(|one| at(one, "schemaExtensions[].schema"));
            let extended = extended.filter_map(Value::as_str);
            absent(
                named.chain(extended),
                &urns,
                "is named by a resource type and not among /Schemas",
            )
        }
        "types-by-name" => by_id(scope, "/ResourceTypes", &types, &["id", "name"]).await,
        "schemas-by-id" => by_id(scope, "/Schemas", &schemas, &["id"]).await,
        "schema-ids" if urns.len() == schemas.len() => Ok(()),
        "schema-ids" => Err(Stop::fail("two schemas have the same id, or one has none")),
        "attributes" => attributes(&schemas),
        "type-names" => {
            let names: BTreeSet<String> = types.iter().map(|one| one["name"].to_string()).collect();
            let endpoints: BTreeSet<String> =
                types.iter().map(|one| one["endpoint"].to_string()).collect();
            match (names.len(), endpoints.len()) == (types.len(), types.len()) {
                true => Ok(()),
                false => Err(Stop::fail("two resource types share a name or an endpoint")),
            }
        }
        _ => Err(Stop::skip(format!("discovery has no aspect `{aspect}`"))),
    }
}

fn absent<'a>(
    named: impl Iterator<Item = &'a str>,
    urns: &BTreeSet<&str>,
    what: &str,
) -> Result<(), Stop> {
    let missing: Vec<&str> = named.filter(|urn| !urns.contains(urn)).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Stop::fail(format!("{} {what}", missing.join(", "))))
    }
}

/// Each listed one by itself, the same as in the list.
async fn by_id(
    scope: &mut Scope<'_>,
    endpoint: &str,
    listed: &[Value],
    keys: &[&str],
) -> Result<(), Stop> {
    for one in listed {
        let id = keys.iter().find_map(|key| one[*key].as_str()).unwrap_or_default();
        let answer = scope.send("GET", &format!("{endpoint}/{}", percent_encode(id)), None).await;
        if answer.status != 200 {
            return Err(Stop::fail(format!("{endpoint}/{id} is {}", answer.status)));
        }
        let own = answer.json.unwrap_or(Value::Null);
        if keys.iter().any(|key| own[*key] != one[*key]) || own["attributes"] != one["attributes"] {
            return Err(Stop::fail(format!("{endpoint}/{id} differs from what is listed")));
        }
    }
    Ok(())
}

/// RFC 7643 7: what an attribute's definition says, and with which words.
fn attributes(schemas: &[Value]) -> Result<(), Stop> {
    const TYPES: &[&str] =
        &["string", "boolean", "decimal", "integer", "dateTime", "reference", "complex", "binary"];
    const WORDS: &[(&str, &[&str])] = &[
        ("mutability", &["readOnly", "readWrite", "immutable", "writeOnly"]),
        ("returned", &["always", "never", "default", "request"]),
        ("uniqueness", &["none", "server", "global"]),
    ];
    fn walk(list: &[Value], place: &str) -> Result<(), Stop> {
        for one in list {
            let Some(name) = one["name"].as_str() else {
                return Err(Stop::fail(format!("an attribute of {place} has no name")));
            };
            let place = format!("{place} {name}");
            if !one["type"].as_str().is_some_and(|text| TYPES.contains(&text)) {
                return Err(Stop::fail(format!("{place} has type {}", one["type"])));
            }
            for (key, words) in WORDS {
                let said = one.get(*key);
                if said.is_some_and(|said| !said.as_str().is_some_and(|text| words.contains(&text)))
                {
                    return Err(Stop::fail(format!("{place} has {key} {}", one[*key])));
                }
            }
            for key in ["multiValued", "required", "caseExact"] {
                if one.get(key).is_some_and(|said| !said.is_boolean()) {
                    return Err(Stop::fail(format!("{place} has {key} {}", one[key])));
                }
            }
            let inner = one["subAttributes"].as_array().cloned().unwrap_or_default();
            if one["type"] == "complex" && inner.is_empty() {
                return Err(Stop::fail(format!("{place} is complex and has no subAttributes")));
            }
            walk(&inner, &place)?;
        }
        Ok(())
    }
    for schema in schemas {
        let list = schema["attributes"].as_array().cloned().unwrap_or_default();
        walk(&list, schema["id"].as_str().unwrap_or("a schema"))?;
    }
    Ok(())
}
