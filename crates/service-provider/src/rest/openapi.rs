//! The OpenAPI document of the lifecycle endpoints, made from one table of operations in which bodies
//! and answers are samples: the types are read off the sample, and the sample is the example. A key
//! that ends in `?` may be left out.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::operations::{Operation, operations};
use crate::provider::ServiceProvider;

/// GET /openapi.json; needs no token, since it says nothing about anybody.
pub(super) async fn show(State(provider): State<ServiceProvider>) -> Json<Value> {
    Json(document(provider.public_url()))
}

fn document(public_url: &str) -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lifecycle endpoints",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Users, groups, meetings, recordings, phone numbers, calling plans, queues, \
                sessions and plan usage of a tenant. Users are named by id, login or e-mail address.",
        },
        "servers": [{"url": format!("{public_url}/v2")}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token with the scope `lifecycle`.",
            }},
            "responses": {"Failure": {
                "description": "Refused, with the reason.",
                "content": content(r#"{"code": 300, "message": "`x` is no status."}"#),
            }},
        },
    })
}

fn described(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = names_in(operation.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let asked = operation.query.split_whitespace();
    let paging = if operation.paged { "page_size:integer next_page_token" } else { "" };
    parameters.extend(asked.chain(paging.split_whitespace()).map(|parameter| {
        let (name, kind) = parameter.split_once(':').unwrap_or((parameter, "string"));
        let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        json!({"name": name, "in": "query", "required": required, "schema": {"type": kind}})
    }));
    let mut answer =
        json!({"description": if operation.answer.is_empty() { "Done." } else { "Answered." }});
    if !operation.answer.is_empty() {
        answer["content"] = content(operation.answer);
    }
    let mut described = json!({
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            operation.status.to_string(): answer,
            "default": {"$ref": "#/components/responses/Failure"},
        },
    });
    if !operation.body.is_empty() {
        described["requestBody"] = json!({"required": true, "content": content(operation.body)});
    }
    if operation.path == "/openapi.json" {
        described["security"] = json!([]);
    }
    described
}

/// `get /users/{user}/status` becomes `getUsersUserStatus`.
fn operation_id(operation: &Operation) -> String {
    let words = operation.path.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    let words = words.filter(|word| !word.is_empty()).map(capital);
    operation.method.to_owned() + &words.collect::<String>()
}

fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn content(sample: &str) -> Value {
    let sample: Value = serde_json::from_str(sample).unwrap_or_default();
    json!({"application/json": {"schema": schema(&sample), "example": plain(&sample)}})
}

/// The schema a sample shows.
fn schema(sample: &Value) -> Value {
    match sample {
        Value::Null => json!({}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => {
            json!({"type": "string", "format": "date-time"})
        }
        Value::String(_) => json!({"type": "string"}),
        Value::Array(items) => {
            json!({"type": "array", "items": items.first().map_or(json!({}), schema)})
        }
        Value::Object(members) => {
            let properties: Map<String, Value> =
                members.iter().map(|(name, value)| (bare(name), schema(value))).collect();
            let required: Vec<&String> =
                members.keys().filter(|name| !name.ends_with('?')).collect();
            json!({"type": "object", "properties": properties, "required": required})
        }
    }
}

/// The sample without its marks.
fn plain(sample: &Value) -> Value {
    match sample {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (bare(name), plain(value))).collect())
        }
        other => other.clone(),
    }
}

fn bare(name: &str) -> String {
    name.strip_suffix('?').unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The routes as `mod.rs` registers them: `("get", "/users")`.
    fn registered() -> BTreeSet<(String, String)> {
        let source = include_str!("mod.rs").split("#[cfg(test)]").next().unwrap();
        let mut found = BTreeSet::new();
        for route in source.split(".route(").skip(1) {
            let path = route.split('"').nth(1).unwrap();
            let handlers = route.split_once(',').unwrap().1;
            for method in ["get", "post", "put", "patch", "delete"] {
                let call = format!("{method}(");
                let calls = |at: usize| {
                    !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                };
                let end = handlers.find("\n        .").unwrap_or(handlers.len());
                if handlers[..end].match_indices(&call).any(|(at, _)| calls(at)) {
                    found.insert((method.to_owned(), path.to_owned()));
                }
            }
        }
        found
    }

    #[test]
    fn every_route_is_described_and_every_description_has_its_route() {
        let described: BTreeSet<_> = operations()
            .map(|operation| (operation.method.to_owned(), operation.path.to_owned()))
            .collect();
        assert_eq!(registered(), described);
        assert_eq!(described.len(), operations().count(), "an operation is described twice");
    }

    #[test]
    fn samples_are_json_and_operations_have_names_of_their_own() {
        let mut names = BTreeSet::new();
        for operation in operations() {
            for sample in [operation.body, operation.answer] {
                let read = serde_json::from_str::<Value>(sample);
                assert!(sample.is_empty() || read.is_ok(), "{} {sample}", operation.path);
            }
            assert!(names.insert(operation_id(operation)), "{}", operation.path);
        }
    }

    #[test]
    fn a_sample_shows_its_schema() {
        let sample = json!({"id": "a", "limit?": 3, "rows": [{"at": "2026-11-24T09:00:00Z"}]});
        insta::assert_json_snapshot!(schema(&sample), @r#"
        {
          "properties": {
            "id": {
              "type": "string"
            },
            "limit": {
              "type": "integer"
            },
            "rows": {
              "items": {
                "properties": {
                  "at": {
                    "format": "date-time",
                    "type": "string"
                  }
                },
                "required": [
                  "at"
                ],
                "type": "object"
              },
              "type": "array"
            }
          },
          "required": [
            "id",
            "rows"
          ],
          "type": "object"
        }
        "#);
    }
}
