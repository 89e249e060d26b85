//! Resource types: an endpoint, a core schema and its extensions (RFC 7643 6).

use std::sync::Arc;

use crate::schema::{common_attributes, group_schema, user_schema};
use crate::{Attribute, AttributePath, Schema};

/// A resource type, compiled for look-ups. Cheap to share, never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceType {
    /// The name, as in `meta.resourceType`: `User`.
    pub name: String,
    /// The endpoint relative to the base URL: `/Users`.
    pub endpoint: String,
    /// What it describes.
    pub description: String,
    /// The core schema.
    pub schema: Arc<Schema>,
    /// The extensions.
    pub extensions: Vec<Extension>,
    /// The multi-valued attribute that is kept as rows beside the document (`members` of a Group),
    /// so that adding one value costs the same whatever the number of values.
    pub rows: Option<String>,
}

/// An extension of a resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Whether a resource without it is invalid.
    pub required: bool,
}

impl Extension {
    /// An extension that a resource may do without.
    pub fn optional(schema: Arc<Schema>) -> Self {
        Self { schema, required: false }
    }

    /// An extension without which a resource is invalid.
    pub fn required(schema: Arc<Schema>) -> Self {
        Self { schema, required: true }
    }
}

impl ResourceType {
    /// The User of RFC 7643 4.1 with these extensions.
    pub fn user(extensions: Vec<Extension>) -> Self {
        Self {
            name: "User".into(),
            endpoint: "/Users".into(),
            description: "User Account".into(),
            schema: user_schema(),
            extensions,
            rows: None,
        }
    }

    /// The Group of RFC 7643 4.2 with these extensions; its members are kept as rows.
    pub fn group(extensions: Vec<Extension>) -> Self {
        Self {
            name: "Group".into(),
            endpoint: "/Groups".into(),
            description: "Group".into(),
            schema: group_schema(),
            extensions,
            rows: Some("members".into()),
        }
    }

    /// Whether this attribute of the core schema is kept as rows, whatever the case of its name.
    pub fn is_rows(&self, attribute: &str) -> bool {
        self.rows.as_ref().is_some_and(|rows| rows.eq_ignore_ascii_case(attribute))
    }

    /// The extension with this URN, whatever its case.
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.schema.id.eq_ignore_ascii_case(urn))
    }

    /// Every schema of the type: the core schema, then the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        std::iter::once(&self.schema)
            .chain(self.extensions.iter().map(|extension| &extension.schema))
    }

    /// Splits `urn:...:User:rest` at the schema of this type it starts with, whatever its case: the
    /// extension (None for the core schema) and what follows the colon. Known schemas are compared
    /// because a URN alone does not say where it ends: `...:2.0:User:name.givenName`.
    pub fn split_schema<'p>(&self, path: &'p str) -> Option<(Option<&Extension>, &'p str)> {
        let rest_after = |urn: &str| {
            let (head, rest) = path.split_at_checked(urn.len())?;
            head.eq_ignore_ascii_case(urn).then(|| rest.strip_prefix(':'))?
        };
        // The longest URN wins: one schema's URN may be the beginning of another's.
        let extension = self
            .extensions
            .iter()
            .filter_map(|extension| Some((extension, rest_after(&extension.schema.id)?)))
            .min_by_key(|(_, rest)| rest.len());
        let core = rest_after(&self.schema.id);
        match (extension, core) {
            (Some((extension, rest)), core) if core.is_none_or(|core| rest.len() < core.len()) => {
                Some((Some(extension), rest))
            }
            (_, core) => Some((None, core?)),
        }
    }

    /// The definition a path leads to: the attribute, and the sub-attribute if the path names one.
    /// Common attributes (`id`, `externalId`, `meta`, `schemas`; RFC 7643 3.1) are found too.
    /// None: the schemas do not define it.
    pub fn resolve(&self, path: &AttributePath) -> Option<Resolved<'_>> {
        let sub = path.sub_attribute.as_deref();
        let Some(urn) = &path.urn else {
            let (extension, attribute) = self.find(&path.attribute)?;
            return resolved(extension, attribute, sub);
        };
        if let Some(extension) = self.schema_of(urn) {
            return resolved(extension, self.attribute_of(extension, &path.attribute)?, sub);
        }
        // `urn:...:2.0:User.manager`, as some write `urn:...:2.0:User:manager`: the URN that was
        // read ends before the `User`.
        let extension = self.schema_of(&format!("{urn}:{}", path.attribute))?;
        resolved(extension, self.attribute_of(extension, sub?)?, None)
    }

    /// The attribute of a name without a URN: a core or common one, or the only one among the
    /// extensions. RFC 7644 3.10: clients "MAY omit core schema attribute URN prefixes but SHOULD
    /// fully qualify extended attributes ... to avoid naming conflicts"; where there is no conflict
    /// it is clear what is meant.
    pub(crate) fn find(&self, name: &str) -> Option<(Option<&Extension>, &Attribute)> {
        if let Some(attribute) = self.attribute(name) {
            return Some((None, attribute));
        }
        let mut named = self.extensions.iter().filter_map(|extension| {
            extension.schema.attribute(name).map(|attribute| (Some(extension), attribute))
        });
        let only = named.next()?;
        if named.next().is_some() { None } else { Some(only) }
    }

    /// The extension of this URN (None for the core schema), if it is one of the type's.
    fn schema_of(&self, urn: &str) -> Option<Option<&Extension>> {
        if urn.eq_ignore_ascii_case(&self.schema.id) {
            return Some(None);
        }
        self.extension(urn).map(Some)
    }

    fn attribute_of<'a>(
        &'a self,
        extension: Option<&'a Extension>,
        name: &str,
    ) -> Option<&'a Attribute> {
        match extension {
            Some(extension) => extension.schema.attribute(name),
            None => self.attribute(name),
        }
    }

    /// A core or common attribute by name, whatever its case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema.attribute(name).or_else(|| common_attribute(name))
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The extension it lies in, if not in the core schema.
    pub extension: Option<&'a Extension>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, if the path names one.
    pub sub_attribute: Option<&'a Attribute>,
}

impl<'a> Resolved<'a> {
    /// The last definition the path reaches.
    pub fn target(&self) -> &'a Attribute {
        self.sub_attribute.unwrap_or(self.attribute)
    }
}

fn resolved<'a>(
    extension: Option<&'a Extension>,
    attribute: &'a Attribute,
    sub: Option<&str>,
) -> Option<Resolved<'a>> {
    let sub_attribute = match sub {
        Some(name) => Some(attribute.sub_attribute(name)?),
        None => None,
    };
    Some(Resolved { extension, attribute, sub_attribute })
}

/// The attribute of RFC 7643 3.1 with this name, whatever its case.
fn common_attribute(name: &str) -> Option<&'static Attribute> {
    common_attributes().iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enterprise_user_schema;

    #[test]
    fn a_path_leads_to_one_attribute_with_or_without_its_schema() {
        let extra = |id: &str| {
            let json = format!(
                r#"{{"id": "{id}", "name": "X", "attributes": [{{"name": "badge"}}, {{"name": "title"}}]}}"#
            );
            Extension::optional(Arc::new(Schema::from_json(&json).unwrap()))
        };
        let enterprise = Extension::optional(enterprise_user_schema());
        let rt = ResourceType::user(vec![enterprise, extra("urn:x:1.0:A"), extra("urn:x:1.0:B")]);
        let told = |text: &str| {
            let path = AttributePath::parse(text).unwrap();
            rt.resolve(&path).map_or("nothing".to_owned(), |found| {
                let schema = found.extension.map_or("core", |extension| &extension.schema.name);
                let sub = found.sub_attribute.map_or("", |sub| &sub.name);
                format!("{schema} {} {sub}", found.attribute.name)
            })
        };
        let check = |text: &str, expected: &str| assert_eq!(told(text).trim(), expected, "{text}");
        check("USERNAME", "core userName");
        check("name.givenName", "core name givenName");
        check("urn:ietf:params:scim:schemas:core:2.0:User:userName", "core userName");
        check("department", "EnterpriseUser department");
        check("manager.value", "EnterpriseUser manager value");
        check(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "EnterpriseUser manager value",
        );
        check(
            "URN:ietf:params:scim:schemas:extension:enterprise:2.0:user.Manager",
            "EnterpriseUser manager",
        );
        check("urn:ietf:params:scim:schemas:core:2.0:User.userName", "core userName");
        // The core schema's comes first; between extensions nobody decides.
        check("title", "core title");
        check("badge", "nothing");
        check("urn:x:1.0:B:badge", "X badge");
        check("urn:x:1.0:C:badge", "nothing");
        check("urn:ietf:params:scim:schemas:core:2.0:User:department", "nothing");
    }
}
