//! What the keys of a body mean.

use crate::{Attribute, Extension, ResourceType, Tolerance};

/// What a key of a body means.
pub(super) enum Key<'a> {
    /// An attribute of the schema at hand.
    Attribute(&'a Attribute),
    /// An extension's URN, or the core schema's (None).
    Schema(Option<&'a Extension>),
    /// A path written as a key: `name.givenName`, `urn:...:User:department`.
    Path(PathKey<'a>),
    /// The URN of a schema the resource type does not have, or a path into one.
    UnknownSchema,
    /// Nothing the schemas define.
    Unknown,
}

/// A path written as a key, resolved, and the tolerance it needs.
pub(super) struct PathKey<'a> {
    pub(super) tolerance: Tolerance,
    pub(super) extension: Option<&'a Extension>,
    pub(super) attribute: &'a Attribute,
    pub(super) sub_attribute: Option<&'a Attribute>,
}

/// What a key of a whole body means.
pub(super) fn classify<'a>(rt: &'a ResourceType, key: &str) -> Key<'a> {
    if let Some(attribute) = rt.attribute(key) {
        return Key::Attribute(attribute);
    }
    if let Some(extension) = rt.extension(key) {
        return Key::Schema(Some(extension));
    }
    if key.eq_ignore_ascii_case(&rt.schema.id) {
        return Key::Schema(None);
    }
    if let Some((extension, rest)) = rt.split_schema(key) {
        return match attribute_key(rt, extension, rest) {
            Key::Attribute(attribute) => Key::Path(PathKey {
                tolerance: Tolerance::UrnKey,
                extension,
                attribute,
                sub_attribute: None,
            }),
            Key::Path(path) => Key::Path(PathKey { tolerance: Tolerance::UrnKey, ..path }),
            other => other,
        };
    }
    if key.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:")) {
        return Key::UnknownSchema;
    }
    attribute_key(rt, None, key)
}

/// A key within one schema: an attribute, or `attribute.subAttribute`. One value of a multi-valued
/// attribute cannot be named so.
pub(super) fn attribute_key<'a>(
    rt: &'a ResourceType,
    extension: Option<&'a Extension>,
    key: &str,
) -> Key<'a> {
    let find = |name: &str| match extension {
        Some(extension) => extension.schema.attribute(name),
        None => rt.attribute(name),
    };
    if let Some(attribute) = find(key) {
        return Key::Attribute(attribute);
    }
    let path = key.split_once('.').and_then(|(name, sub)| {
        let attribute = find(name).filter(|attribute| !attribute.multi_valued)?;
        let sub_attribute = Some(attribute.sub_attribute(sub)?);
        Some(PathKey { tolerance: Tolerance::DottedKey, extension, attribute, sub_attribute })
    });
    path.map_or(Key::Unknown, Key::Path)
}
