//! What an expression may speak of: its names, and what lies beneath them.

use std::collections::BTreeMap;
use std::sync::Arc;

use scim::{Attribute, AttributeType, Mutability, ResourceType, Returned};

use super::types::{Field, Structure, Type};

/// The common attributes of RFC 7643 3.1 that schemas do not list.
const COMMON: [&str; 3] = ["id", "externalId", "meta"];

/// The names an expression may use, with the type of each. Built once, shared by many expressions.
///
/// ```
/// # use lifecycle::Environment;
/// let environment = Environment::new().with_columns("row", ["first_name", "last_name"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Environment {
    roots: BTreeMap<String, Type>,
    groups: bool,
}

impl Environment {
    /// Knows no name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a SCIM resource, usually the person's profile as `user`.
    ///
    /// Core and common attributes are reached by name. Attributes of extensions are, too, unless the
    /// core has the name or several extensions do; each is always reached by its URN:
    /// `user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].department`. Names are
    /// written in the case in which the schema defines them.
    pub fn with_resource(mut self, name: &str, resource_type: &ResourceType) -> Self {
        let r#type = Type::Object(Arc::new(resource(resource_type)));
        self.roots.insert(name.to_owned(), r#type);
        self
    }

    /// Adds a row of strings, such as `row` with the columns of an HR file, or `app` with `name`.
    pub fn with_columns<'a>(
        mut self,
        name: &str,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let fields = columns.into_iter().map(|column| {
            let keys = vec![Box::from(column)];
            (column.to_owned(), Field { keys, r#type: Type::String, secret: false })
        });
        let structure = Structure { fields: fields.collect(), whole: true, ..Structure::default() };
        self.roots.insert(name.to_owned(), Type::Object(Arc::new(structure)));
        self
    }

    /// Adds a single string, such as `login`.
    pub fn with_text(mut self, name: &str) -> Self {
        self.roots.insert(name.to_owned(), Type::String);
        self
    }

    /// Adds a single point in time, such as `as_of`.
    pub fn with_timestamp(mut self, name: &str) -> Self {
        self.roots.insert(name.to_owned(), Type::Timestamp);
        self
    }

    /// Allows `memberOf("group name")`.
    pub fn with_groups(mut self) -> Self {
        self.groups = true;
        self
    }

    pub(super) fn root(&self, name: &str) -> Option<&Type> {
        self.roots.get(name)
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.roots.iter().map(|(name, r#type)| (name.as_str(), r#type))
    }

    pub(super) fn knows_groups(&self) -> bool {
        self.groups
    }
}

fn resource(resource_type: &ResourceType) -> Structure {
    let mut core = structure(&resource_type.schema.attributes);
    for name in COMMON {
        if !core.fields.contains_key(name)
            && let Some(attribute) = resource_type.attribute(name)
        {
            core.fields.insert(attribute.name.clone(), field(attribute));
        }
    }
    let mut whole = Structure { fields: core.fields.clone(), whole: true, ..Structure::default() };
    let core_part = Field {
        keys: Vec::new(),
        r#type: Type::Object(Arc::new(Structure { whole: true, ..core })),
        secret: false,
    };
    let mut found: BTreeMap<String, Vec<(String, Field)>> = BTreeMap::new();
    let mut schemas = vec![(resource_type.schema.id.clone(), core_part)];
    for extension in &resource_type.extensions {
        let (urn, part) = (&extension.schema.id, structure(&extension.schema.attributes));
        for (name, field) in &part.fields {
            let keys = std::iter::once(Box::from(urn.as_str())).chain(field.keys.iter().cloned());
            let flat = Field { keys: keys.collect(), ..field.clone() };
            found.entry(name.clone()).or_default().push((urn.clone(), flat));
        }
        let keys = vec![Box::from(urn.as_str())];
        let part = Field { keys, r#type: Type::Object(Arc::new(part)), secret: false };
        schemas.push((urn.clone(), part));
    }
    for (name, mut fields) in found {
        if whole.fields.contains_key(&name) {
            continue;
        }
        if fields.len() > 1 {
            let urns = fields.into_iter().map(|(urn, _)| urn).collect();
            whole.ambiguous.insert(name, urns);
        } else if let Some((_, field)) = fields.pop() {
            whole.fields.insert(name, field);
        }
    }
    Structure { schemas, ..whole }
}

fn structure(attributes: &[Attribute]) -> Structure {
    let fields = attributes.iter().map(|attribute| (attribute.name.clone(), field(attribute)));
    Structure { fields: fields.collect(), ..Structure::default() }
}

fn field(attribute: &Attribute) -> Field {
    let single = match attribute.attribute_type {
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => Type::String,
        AttributeType::Boolean => Type::Bool,
        AttributeType::Decimal => Type::Double,
        AttributeType::Integer => Type::Int,
        AttributeType::DateTime => Type::Timestamp,
        AttributeType::Complex => Type::Object(Arc::new(structure(&attribute.sub_attributes))),
    };
    Field {
        keys: vec![Box::from(attribute.name.as_str())],
        r#type: if attribute.multi_valued { Type::list(single) } else { single },
        secret: attribute.returned == Returned::Never
            || attribute.mutability == Mutability::WriteOnly,
    }
}
