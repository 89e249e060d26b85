//! A resource: a document whose attribute names and values fit its resource type.

mod key;
#[cfg(test)]
mod properties;
mod read;
mod replace;
mod schemas;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{AttributePath, ResourceType};

pub(crate) use read::{document_weight, too_large};
pub(crate) use schemas::refresh_schemas;

/// A resource of any type as a document in canonical form: attribute names in the schema's case,
/// extension attributes in an object under the extension's URN, no nulls, no empty arrays or
/// objects ("unassigned" is absent, RFC 7643 2.5).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    // Shared among clones: a document is handed on far more often than it is changed.
    document: Arc<Map<String, Value>>,
}

impl Resource {
    /// Wraps a document that is already canonical, such as one read back from a store.
    pub fn from_canonical(document: Map<String, Value>) -> Self {
        Self { document: Arc::new(document) }
    }

    /// The document.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// Takes the document.
    pub fn into_document(self) -> Map<String, Value> {
        Arc::unwrap_or_clone(self.document)
    }

    /// The values a path reaches, one by one: none if unassigned, several if the attribute is
    /// multi-valued. A path the schemas do not define reaches nothing.
    pub fn get(&self, path: &AttributePath, rt: &ResourceType) -> Vec<&Value> {
        values_at(&self.document, path, rt)
    }

    /// The text of a single-valued core attribute, or of a sub-attribute (`name.givenName`), by its
    /// canonical name.
    pub fn text(&self, name: &str) -> Option<&str> {
        let value = match name.split_once('.') {
            Some((attribute, sub)) => self.document.get(attribute)?.get(sub)?,
            None => self.document.get(name)?,
        };
        value.as_str()
    }

    /// The identifier the server gave the resource.
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// Sets an attribute the server manages (`id`, `meta`, `groups`) by its canonical name. Null
    /// and what is empty unassign it.
    pub fn set(&mut self, name: &str, value: Value) {
        let empty = match &value {
            Value::Null => true,
            Value::Array(values) => values.is_empty(),
            Value::Object(parts) => parts.is_empty(),
            _ => false,
        };
        let document = Arc::make_mut(&mut self.document);
        if empty {
            document.remove(name);
        } else {
            document.insert(name.to_owned(), value);
        }
    }
}

impl From<Resource> for Map<String, Value> {
    fn from(resource: Resource) -> Self {
        resource.into_document()
    }
}

/// The values a path reaches in a canonical document.
pub(crate) fn values_at<'d>(
    document: &'d Map<String, Value>,
    path: &AttributePath,
    rt: &ResourceType,
) -> Vec<&'d Value> {
    let Some(resolved) = rt.resolve(path) else { return Vec::new() };
    let owner = match resolved.extension {
        Some(extension) => match document.get(&extension.schema.id) {
            Some(Value::Object(values)) => values,
            _ => return Vec::new(),
        },
        None => document,
    };
    let values: &[Value] = match owner.get(&resolved.attribute.name) {
        Some(Value::Array(values)) => values,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    match resolved.sub_attribute {
        None => values.iter().collect(),
        Some(sub) => values.iter().filter_map(|value| value.get(&sub.name)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Extension, enterprise_user_schema, urn};

    fn path(urn: Option<&str>, attribute: &str, sub: Option<&str>) -> AttributePath {
        AttributePath {
            urn: urn.map(Into::into),
            attribute: attribute.into(),
            sub_attribute: sub.map(Into::into),
        }
    }

    #[test]
    fn a_path_reaches_every_value_of_a_multi_valued_attribute() {
        let rt = ResourceType::user(vec![Extension::optional(enterprise_user_schema())]);
        let Value::Object(document) = json!({
            "id": "1",
            "userName": "ana",
            "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}],
            urn::ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "7"}},
            "meta": {"resourceType": "User"},
        }) else {
            unreachable!()
        };
        let resource = Resource::from_canonical(document);
        let check = |path: AttributePath, expected: Value| {
            assert_eq!(json!(resource.get(&path, &rt)), expected, "{path:?}");
        };
        check(path(None, "USERNAME", None), json!(["ana"]));
        check(path(Some(urn::USER), "userName", None), json!(["ana"]));
        check(path(None, "emails", Some("value")), json!(["a@x", "b@x"]));
        check(path(None, "emails", Some("type")), json!(["work"]));
        check(path(None, "meta", Some("resourcetype")), json!(["User"]));
        check(path(Some(urn::ENTERPRISE_USER), "department", None), json!(["Sales"]));
        check(path(Some(urn::ENTERPRISE_USER), "manager", Some("value")), json!(["7"]));
        check(path(None, "department", None), json!(["Sales"]));
        check(path(None, "nothing", None), json!([]));
        assert_eq!(resource.text("userName"), Some("ana"));
        assert_eq!(resource.text("meta.resourceType"), Some("User"));
        assert_eq!(resource.text("emails"), None);
    }

    #[test]
    fn setting_something_empty_unassigns() {
        let mut resource = Resource::default();
        resource.set("groups", json!([{"value": "g"}]));
        assert_eq!(resource.document().len(), 1);
        resource.set("groups", json!([]));
        assert_eq!(resource.document().len(), 0);
    }
}
