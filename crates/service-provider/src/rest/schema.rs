//! A tenant's own schemas and resource types, in the forms of RFC 7643 7 and 6.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Authorized, Body, Path, Query};
use crate::provider::ServiceProvider;
use crate::schema::{Putting, ResourceTypeDefinition, TenantResourceType, TenantSchema};

/// What a new schema extends.
#[derive(Debug, Deserialize)]
pub(super) struct Extending {
    /// Names of resource types, separated by commas.
    #[serde(default)]
    extends: String,
    /// Whether a resource without it is invalid.
    #[serde(default)]
    required: bool,
}

impl Extending {
    fn types(&self) -> Vec<(String, bool)> {
        let names = self.extends.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| (name.to_owned(), self.required)).collect()
    }
}

/// GET /scim/schemas (ours): the schemas this tenant defined, with who uses them.
pub(super) async fn list(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"schemas": provider.schemas(caller.tenant())?})))
}

/// POST /scim/schemas?extends=User (ours): adds a schema.
pub(super) async fn add(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Query(extending): Query<Extending>,
    Body(definition): Body<Value>,
) -> Result<(StatusCode, Json<TenantSchema>), Failure> {
    let ctx = caller.ctx("POST /v2/scim/schemas", provider.clock().now());
    let extends = extending.types();
    let schema =
        provider.put_schema(&ctx, caller.tenant(), &definition, &extends, Putting::Adding)?;
    Ok((StatusCode::CREATED, Json(schema)))
}

/// GET /scim/schemas/{urn} (ours)
pub(super) async fn show(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(urn): Path<String>,
) -> Result<Json<TenantSchema>, Failure> {
    Ok(Json(provider.schema(caller.tenant(), &urn)?))
}

/// PUT /scim/schemas/{urn} (ours): the schema as it shall be.
pub(super) async fn change(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(urn): Path<String>,
    Query(extending): Query<Extending>,
    Body(definition): Body<Value>,
) -> Result<Json<TenantSchema>, Failure> {
    named_alike("id", &definition, &urn)?;
    let ctx = caller.ctx(format!("PUT /v2/scim/schemas/{urn}"), provider.clock().now());
    let extends = extending.types();
    let schema =
        provider.put_schema(&ctx, caller.tenant(), &definition, &extends, Putting::Changing)?;
    Ok(Json(schema))
}

/// DELETE /scim/schemas/{urn} (ours)
pub(super) async fn remove(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(urn): Path<String>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /v2/scim/schemas/{urn}"), provider.clock().now());
    provider.remove_schema(&ctx, caller.tenant(), &urn)?;
    Ok(StatusCode::NO_CONTENT)
}

/// GET /scim/resource_types (ours)
pub(super) async fn types(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"resource_types": provider.resource_types(caller.tenant())?})))
}

/// POST /scim/resource_types (ours): adds a resource type.
pub(super) async fn add_type(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Body(definition): Body<Value>,
) -> Result<(StatusCode, Json<TenantResourceType>), Failure> {
    let definition = ResourceTypeDefinition::read(&definition)?;
    let ctx = caller.ctx("POST /v2/scim/resource_types", provider.clock().now());
    let added = provider.put_resource_type(&ctx, caller.tenant(), &definition, Putting::Adding)?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// GET /scim/resource_types/{name} (ours)
pub(super) async fn show_type(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(name): Path<String>,
) -> Result<Json<TenantResourceType>, Failure> {
    let types = provider.resource_types(caller.tenant())?;
    let found = types.into_iter().find(|rt| rt.name.eq_ignore_ascii_case(&name));
    Ok(Json(found.ok_or_else(|| crate::Error::not_found("resource type", &name))?))
}

/// PUT /scim/resource_types/{name} (ours): its description and its extensions as they shall be.
pub(super) async fn change_type(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(name): Path<String>,
    Body(definition): Body<Value>,
) -> Result<Json<TenantResourceType>, Failure> {
    named_alike("name", &definition, &name)?;
    let definition = ResourceTypeDefinition::read(&definition)?;
    let ctx = caller.ctx(format!("PUT /v2/scim/resource_types/{name}"), provider.clock().now());
    let changed =
        provider.put_resource_type(&ctx, caller.tenant(), &definition, Putting::Changing)?;
    Ok(Json(changed))
}

/// DELETE /scim/resource_types/{name} (ours)
pub(super) async fn remove_type(
    State(provider): State<ServiceProvider>,
    Authorized(caller): Authorized,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    let ctx = caller.ctx(format!("DELETE /v2/scim/resource_types/{name}"), provider.clock().now());
    provider.remove_resource_type(&ctx, caller.tenant(), &name)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The path and the body are about the same thing.
fn named_alike(key: &str, definition: &Value, named: &str) -> Result<(), Failure> {
    let told = definition.get(key).and_then(Value::as_str).unwrap_or_default();
    if told.eq_ignore_ascii_case(named) {
        return Ok(());
    }
    Err(Failure::invalid(&format!(
        "The path names `{named}` and the `{key}` of the body is `{told}`. Send one of them to the other's path."
    )))
}
