//! What the server can do and which resources it has (RFC 7644 4).

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use scim::{
    Error, ResourceType, Schema, list_response, resource_type_json, schema_json, served_schemas,
};
use serde_json::{Map, Value};

use crate::respond;
use crate::store::Store;

/// RFC 7644 4: "If a filter is provided, the service provider SHOULD respond with HTTP status
/// code 403 (Forbidden)", so that nobody takes the unfiltered list for the filtered one.
pub(crate) fn refuse_filter(parameters: &[(String, String)]) -> Result<(), Error> {
    if parameters.iter().any(|(name, _)| name == "filter") {
        return Err(Error::new(403, "Discovery endpoints cannot be filtered. Leave `filter` out."));
    }
    Ok(())
}

/// `/ServiceProviderConfig`
pub(crate) fn config<S: Store>(store: &S, caller: &S::Caller) -> Response<Body> {
    respond::json(StatusCode::OK, &Value::Object(store.config(caller).to_json(store.base_url())))
}

/// `/ResourceTypes`
pub(crate) fn resource_types(base_url: &str, types: &[Arc<ResourceType>]) -> Response<Body> {
    list(types.iter().map(|rt| resource_type_json(rt, base_url)).collect())
}

/// `/ResourceTypes/{name}`
pub(crate) fn resource_type(
    base_url: &str,
    types: &[Arc<ResourceType>],
    name: &str,
) -> Result<Response<Body>, Error> {
    let found = types
        .iter()
        .find(|rt| rt.name == name)
        .ok_or_else(|| Error::not_found("ResourceType", name))?;
    Ok(respond::json(StatusCode::OK, &Value::Object(resource_type_json(found, base_url))))
}

/// `/Schemas`
pub(crate) fn schemas(base_url: &str, types: &[Arc<ResourceType>]) -> Response<Body> {
    list(every_schema(types).iter().map(|schema| schema_json(schema, base_url)).collect())
}

/// `/Schemas/{urn}`
pub(crate) fn schema(
    base_url: &str,
    types: &[Arc<ResourceType>],
    urn: &str,
) -> Result<Response<Body>, Error> {
    let found = every_schema(types).into_iter().find(|schema| schema.id.eq_ignore_ascii_case(urn));
    let found = found.ok_or_else(|| Error::not_found("Schema", urn))?;
    Ok(respond::json(StatusCode::OK, &Value::Object(schema_json(&found, base_url))))
}

/// The schemas the resource types follow, and those of the discovery resources.
fn every_schema(types: &[Arc<ResourceType>]) -> Vec<Arc<Schema>> {
    served_schemas(types.iter().map(|rt| &**rt))
}

fn list(resources: Vec<Map<String, Value>>) -> Response<Body> {
    let total = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    respond::json(StatusCode::OK, &list_response(total, 1, resources))
}
