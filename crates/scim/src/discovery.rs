//! What a service provider tells about itself: ServiceProviderConfig, ResourceType and Schema
//! resources (RFC 7643 5 to 7, RFC 7644 4, RFC 9865 4).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::schema::discovery_schemas;
use crate::{ResourceType, Schema, urn};

/// What a service provider supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProviderConfig {
    /// A page for people about the service.
    pub documentation_uri: Option<String>,
    /// Whether PATCH is supported.
    pub patch: bool,
    /// Bulk operations, if supported.
    pub bulk: Option<BulkSupport>,
    /// The most resources in one answer to a filter; None if filters are not supported.
    pub filter_result_count_max: Option<u64>,
    /// Whether a password can be changed.
    pub change_password: bool,
    /// Whether sorting is supported.
    pub sort: bool,
    /// Whether entity tags are supported.
    pub etag: bool,
    /// How pages are asked for.
    pub pagination: Option<Pagination>,
    /// The security events that are told, if any are (RFC 9967).
    pub security_events: Option<SecurityEvents>,
    /// How a client may authenticate.
    pub authentication_schemes: Vec<AuthenticationScheme>,
}

/// The limits of bulk operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkSupport {
    /// The most operations in one request.
    pub operation_count_max: u64,
    /// The largest request in bytes.
    pub payload_bytes_max: u64,
}

/// How pages are asked for (RFC 9865 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pagination {
    /// Whether paging by cursor is supported.
    pub cursor: bool,
    /// Whether paging by index is supported. It is the default if it is: RFC 9865 4 wants that of
    /// servers which had it before cursors.
    pub index: bool,
    /// The page size when the client names none.
    pub default_page_size: u64,
    /// The largest page size.
    pub max_page_size: u64,
    /// How long a cursor is kept; None if no fixed time.
    pub cursor_timeout_secs: Option<u64>,
}

/// The security events that a service provider tells (RFC 9967).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvents {
    /// The events' URIs. Requests are not carried out asynchronously.
    pub event_uris: Vec<String>,
}

/// A way to authenticate (RFC 7643 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationScheme {
    /// `oauth`, `oauth2`, `oauthbearertoken`, `httpbasic` or `httpdigest`.
    pub scheme_type: String,
    /// A name for people.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The specification.
    pub spec_uri: Option<String>,
    /// A page about its use.
    pub documentation_uri: Option<String>,
    /// Whether it is the preferred one.
    pub primary: bool,
}

impl AuthenticationScheme {
    /// A bearer token in the Authorization header (RFC 6750).
    pub fn bearer_token() -> Self {
        Self {
            scheme_type: "oauthbearertoken".into(),
            name: "OAuth Bearer Token".into(),
            description: "A bearer token in the Authorization header.".into(),
            spec_uri: Some("https://www.rfc-editor.org/info/rfc6750".into()),
            documentation_uri: None,
            primary: true,
        }
    }

    fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("type".into(), Value::from(self.scheme_type.clone()));
        json.insert("name".into(), Value::from(self.name.clone()));
        json.insert("description".into(), Value::from(self.description.clone()));
        insert_some(&mut json, "specUri", self.spec_uri.clone());
        insert_some(&mut json, "documentationUri", self.documentation_uri.clone());
        json.insert("primary".into(), Value::from(self.primary));
        Value::Object(json)
    }
}

impl Pagination {
    fn to_json(self) -> Value {
        let mut json = Map::new();
        json.insert("cursor".into(), Value::from(self.cursor));
        json.insert("index".into(), Value::from(self.index));
        let method = if self.index { "index" } else { "cursor" };
        json.insert("defaultPaginationMethod".into(), Value::from(method));
        json.insert("defaultPageSize".into(), Value::from(self.default_page_size));
        json.insert("maxPageSize".into(), Value::from(self.max_page_size));
        insert_some(&mut json, "cursorTimeout", self.cursor_timeout_secs);
        Value::Object(json)
    }
}

impl ServiceProviderConfig {
    /// The resource at `/ServiceProviderConfig`. RFC 7643 5: it needs no `id`.
    pub fn to_json(&self, base_url: &str) -> Map<String, Value> {
        let supported = |supported: bool| json!({ "supported": supported });
        let bulk =
            self.bulk.unwrap_or(BulkSupport { operation_count_max: 0, payload_bytes_max: 0 });
        let mut json = resource(
            urn::SERVICE_PROVIDER_CONFIG,
            "ServiceProviderConfig",
            format!("{}/ServiceProviderConfig", base_url.trim_end_matches('/')),
        );
        insert_some(&mut json, "documentationUri", self.documentation_uri.clone());
        json.insert("patch".into(), supported(self.patch));
        // RFC 7643 5: the limits are REQUIRED also where the operation is not supported.
        let bulk = json!({
            "supported": self.bulk.is_some(),
            "maxOperations": bulk.operation_count_max,
            "maxPayloadSize": bulk.payload_bytes_max,
        });
        json.insert("bulk".into(), bulk);
        let filter = json!({
            "supported": self.filter_result_count_max.is_some(),
            "maxResults": self.filter_result_count_max.unwrap_or(0),
        });
        json.insert("filter".into(), filter);
        json.insert("changePassword".into(), supported(self.change_password));
        json.insert("sort".into(), supported(self.sort));
        json.insert("etag".into(), supported(self.etag));
        insert_some(&mut json, "pagination", self.pagination.map(Pagination::to_json));
        let events = self.security_events.as_ref();
        let events =
            events.map(|told| json!({"asyncRequest": "none", "eventUris": told.event_uris}));
        insert_some(&mut json, "securityEvents", events);
        let schemes = self.authentication_schemes.iter().map(AuthenticationScheme::to_json);
        json.insert("authenticationSchemes".into(), Value::Array(schemes.collect()));
        json
    }
}

/// The resource at `/ResourceTypes/{name}` (RFC 7643 6).
pub fn resource_type_json(rt: &ResourceType, base_url: &str) -> Map<String, Value> {
    let location = format!("{}/ResourceTypes/{}", base_url.trim_end_matches('/'), rt.name);
    let mut json = resource(urn::RESOURCE_TYPE, "ResourceType", location);
    // RFC 7643 6: "id ... is OPTIONAL"; it is what the location ends in.
    json.insert("id".into(), Value::from(rt.name.clone()));
    json.insert("name".into(), Value::from(rt.name.clone()));
    json.insert("description".into(), Value::from(rt.description.clone()));
    json.insert("endpoint".into(), Value::from(rt.endpoint.clone()));
    json.insert("schema".into(), Value::from(rt.schema.id.clone()));
    let extensions = rt
        .extensions
        .iter()
        .map(|extension| json!({"schema": extension.schema.id, "required": extension.required}));
    json.insert("schemaExtensions".into(), Value::Array(extensions.collect()));
    json
}

/// The resource at `/Schemas/{urn}` (RFC 7643 7).
pub fn schema_json(schema: &Schema, base_url: &str) -> Map<String, Value> {
    let location = format!("{}/Schemas/{}", base_url.trim_end_matches('/'), schema.id);
    let mut json = resource(urn::SCHEMA, "Schema", location);
    if let Value::Object(definition) = schema.to_json() {
        json.extend(definition);
    }
    json
}

/// Every schema that resources of these types follow, each once, and then the schemas of the
/// discovery resources themselves (RFC 7643 8.7.2).
pub fn served_schemas<'a>(
    resource_types: impl IntoIterator<Item = &'a ResourceType>,
) -> Vec<Arc<Schema>> {
    let mut served: Vec<Arc<Schema>> = Vec::new();
    let own = resource_types.into_iter().flat_map(ResourceType::schemas).cloned();
    for schema in own.chain(discovery_schemas()) {
        if !served.iter().any(|known| known.id.eq_ignore_ascii_case(&schema.id)) {
            served.push(schema);
        }
    }
    served
}

fn resource(schema: &str, resource_type: &str, location: String) -> Map<String, Value> {
    let mut json = Map::new();
    json.insert("schemas".into(), json!([schema]));
    json.insert("meta".into(), json!({"resourceType": resource_type, "location": location}));
    json
}

fn insert_some(json: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        json.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extension, Resource, Tolerances, enterprise_user_schema};

    const BASE: &str = "https://example.com/scim2/";

    fn config() -> ServiceProviderConfig {
        ServiceProviderConfig {
            documentation_uri: Some("https://example.com/docs".into()),
            patch: true,
            bulk: None,
            filter_result_count_max: Some(200),
            change_password: true,
            sort: true,
            etag: true,
            pagination: Some(Pagination {
                cursor: false,
                index: true,
                default_page_size: 100,
                max_page_size: 200,
                cursor_timeout_secs: None,
            }),
            security_events: None,
            authentication_schemes: vec![AuthenticationScheme::bearer_token()],
        }
    }

    fn user() -> ResourceType {
        ResourceType::user(vec![Extension::optional(enterprise_user_schema())])
    }

    #[test]
    fn the_config_says_what_is_supported() {
        insta::assert_snapshot!(json!(config().to_json(BASE)), @r#"{"authenticationSchemes":[{"description":"A bearer token in the Authorization header.","name":"OAuth Bearer Token","primary":true,"specUri":"https://www.rfc-editor.org/info/rfc6750","type":"oauthbearertoken"}],"bulk":{"maxOperations":0,"maxPayloadSize":0,"supported":false},"changePassword":{"supported":true},"documentationUri":"https://example.com/docs","etag":{"supported":true},"filter":{"maxResults":200,"supported":true},"meta":{"location":"https://example.com/scim2/ServiceProviderConfig","resourceType":"ServiceProviderConfig"},"pagination":{"cursor":false,"defaultPageSize":100,"defaultPaginationMethod":"index","index":true,"maxPageSize":200},"patch":{"supported":true},"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"sort":{"supported":true}}"#);
    }

    #[test]
    fn a_resource_type_names_its_schemas() {
        insta::assert_snapshot!(json!(resource_type_json(&user(), BASE)), @r#"{"description":"User Account","endpoint":"/Users","id":"User","meta":{"location":"https://example.com/scim2/ResourceTypes/User","resourceType":"ResourceType"},"name":"User","schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"required":false,"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}],"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"]}"#);
        let group = resource_type_json(&ResourceType::group(Vec::new()), BASE);
        assert_eq!(group["schemaExtensions"], json!([]));
    }

    #[test]
    fn each_schema_is_served_once_at_its_own_location() {
        let types = [user(), user(), ResourceType::group(Vec::new())];
        let served = served_schemas(&types);
        let locations: Vec<_> = served
            .iter()
            .map(|schema| schema_json(schema, BASE)["meta"]["location"].to_string())
            .collect();
        insta::assert_snapshot!(locations.join("\n"), @r#"
            "https://example.com/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"
            "https://example.com/scim2/Schemas/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            "https://example.com/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group"
            "https://example.com/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
            "https://example.com/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:ResourceType"
            "https://example.com/scim2/Schemas/urn:ietf:params:scim:schemas:core:2.0:Schema"
            "#);
    }

    /// The discovery resources follow the schemas that are served for them: read as resources of a
    /// type of their own, nothing has to be tolerated. (All their attributes are read-only, so the
    /// definitions are made writable first.)
    #[test]
    fn discovery_resources_follow_their_own_schemas() {
        fn writable(json: &mut Value) {
            match json {
                Value::Object(parts) => {
                    if parts.get("mutability") == Some(&json!("readOnly")) {
                        parts.insert("mutability".into(), json!("readWrite"));
                    }
                    parts.values_mut().for_each(writable);
                }
                Value::Array(values) => values.iter_mut().for_each(writable),
                _ => {}
            }
        }
        let resources = [
            config().to_json(BASE),
            resource_type_json(&user(), BASE),
            schema_json(&enterprise_user_schema(), BASE),
        ];
        for (schema, resource) in discovery_schemas().into_iter().zip(resources) {
            let mut definition = schema.to_json();
            writable(&mut definition);
            let rt = ResourceType {
                schema: Arc::new(serde_json::from_value(definition).unwrap()),
                rows: None,
                ..ResourceType::group(Vec::new())
            };
            let body = json!(resource);
            let (read, _, _) = Resource::read(&body, &rt, &Tolerances::none()).unwrap();
            for key in read.document().keys() {
                assert_eq!(read.document()[key], body[key], "{key} of {}", schema.name);
            }
            assert!(read.document().len() >= schema.attributes.len().min(5), "{}", schema.name);
        }
    }
}
