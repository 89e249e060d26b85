//! The resource types every tenant has, and the vendors' extensions, which are data.

use std::sync::{Arc, LazyLock};

use scim::{Extension, ResourceType, Schema, enterprise_user_schema};

/// The user extension that Zoom's directory integrations map plans and products to. It grows every
/// quarter: a new attribute is a line in its file.
const ZOOM_USER: &str = include_str!("schemas/zoom-user.json");
/// The older user extension that says how a user signs in.
const ZOOM_USER_LOGIN: &str = include_str!("schemas/zoom-user-login.json");
/// The group extension with the group's address.
const ZOOM_GROUP: &str = include_str!("schemas/zoom-group.json");

/// Users and groups, in the order `/ResourceTypes` lists them.
pub(crate) static RESOURCE_TYPES: LazyLock<[Arc<ResourceType>; 2]> = LazyLock::new(|| {
    let shipped = |texts: &[&str]| -> Vec<Extension> {
        // The files are part of the program; a test reads every one of them.
        let schemas = texts.iter().filter_map(|text| Schema::from_json(text).ok());
        schemas.map(|schema| Extension::optional(Arc::new(schema))).collect()
    };
    let mut of_users = vec![Extension::optional(enterprise_user_schema())];
    of_users.extend(shipped(&[ZOOM_USER, ZOOM_USER_LOGIN]));
    [Arc::new(ResourceType::user(of_users)), Arc::new(ResourceType::group(shipped(&[ZOOM_GROUP])))]
});

/// The URNs of the schemas that every tenant has.
pub(crate) static SHIPPED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schemas = RESOURCE_TYPES.iter().flat_map(|rt| rt.schemas());
    schemas.map(|schema| schema.id.clone()).collect()
});

/// The type of users.
pub(crate) fn user_type() -> &'static Arc<ResourceType> {
    &RESOURCE_TYPES[0]
}

/// The type of groups.
pub(crate) fn group_type() -> &'static Arc<ResourceType> {
    &RESOURCE_TYPES[1]
}

#[cfg(test)]
mod tests {
    use scim::{Attribute, Returned};

    use super::*;

    #[test]
    fn every_shipped_schema_can_be_read() {
        for text in [ZOOM_USER, ZOOM_USER_LOGIN, ZOOM_GROUP] {
            Schema::from_json(text).unwrap();
        }
        let urns = |rt: &ResourceType| -> Vec<String> {
            rt.extensions.iter().map(|extension| extension.schema.id.clone()).collect()
        };
        assert_eq!(
            urns(user_type()),
            [
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                "urn:ietf:params:scim:schemas:extension:zoom:1.0:User",
                "urn:us:zoom:scim:schemas:extension:1.0:ZoomUser",
            ]
        );
        assert_eq!(urns(group_type()), ["urn:ietf:params:scim:schemas:extension:zoom:2.0:Group"]);
    }

    /// The store gives documents out as they are stored when the client asks for no projection;
    /// that is right only while nothing in them is to be held back.
    #[test]
    fn nothing_that_is_stored_is_hidden_by_default() {
        fn hidden(attributes: &[Attribute]) -> Vec<&str> {
            let here = attributes.iter().filter(|attribute| {
                matches!(attribute.returned, Returned::Never | Returned::Request)
            });
            let below = attributes.iter().flat_map(|attribute| hidden(&attribute.sub_attributes));
            here.map(|attribute| attribute.name.as_str()).chain(below).collect()
        }
        for rt in &*RESOURCE_TYPES {
            let extensions = rt.extensions.iter().map(|extension| &*extension.schema);
            for schema in std::iter::once(&*rt.schema).chain(extensions) {
                let hidden = hidden(&schema.attributes);
                assert!(hidden.iter().all(|name| *name == "password"), "{}: {hidden:?}", schema.id);
            }
        }
    }
}
