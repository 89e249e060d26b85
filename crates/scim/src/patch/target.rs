//! Where a PATCH path leads in a resource type, and what may be done there.

use crate::{
    Attribute, AttributePath, Error, Extension, Filter, Mutability, PatchPath, ResourceType,
    ScimType,
};

/// What a PATCH path leads to.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// The extension it lies in, if not in the core schema.
    pub(super) extension: Option<&'a Extension>,
    /// The attribute; None is the whole extension or, without one, the resource itself.
    pub(super) attribute: Option<&'a Attribute>,
    /// Which values of the attribute.
    pub(super) filter: Option<&'a Filter>,
    /// The sub-attribute, if the path names one.
    pub(super) sub_attribute: Option<&'a Attribute>,
}

impl<'a> Target<'a> {
    /// A whole attribute.
    pub(super) fn attribute(extension: Option<&'a Extension>, attribute: &'a Attribute) -> Self {
        Self { extension, attribute: Some(attribute), filter: None, sub_attribute: None }
    }

    /// Resolves a path by the schemas that exist: where a URN ends cannot be seen from the text.
    pub(super) fn resolve(rt: &'a ResourceType, path: &'a PatchPath) -> Option<Self> {
        let filter = path.value_filter.as_ref();
        let plain = filter.is_none() && path.sub_attribute.is_none();
        let (urn, attribute) = match (&path.urn, &path.attribute) {
            (Some(urn), attribute) => {
                let whole = match attribute {
                    Some(attribute) => format!("{urn}:{attribute}"),
                    None => urn.clone(),
                };
                if plain && let Some(extension) = schema(rt, &whole) {
                    return Some(Self {
                        extension,
                        attribute: None,
                        filter: None,
                        sub_attribute: None,
                    });
                }
                match attribute {
                    Some(attribute) => (Some(urn.as_str()), attribute.as_str()),
                    None => urn.rsplit_once(':').map(|(urn, rest)| (Some(urn), rest))?,
                }
            }
            (None, attribute) => (None, attribute.as_deref()?),
        };
        let resolved = rt.resolve(&AttributePath {
            urn: urn.map(str::to_owned),
            attribute: attribute.to_owned(),
            sub_attribute: path.sub_attribute.clone(),
        })?;
        Some(Self {
            extension: resolved.extension,
            attribute: Some(resolved.attribute),
            filter,
            sub_attribute: resolved.sub_attribute,
        })
    }

    /// The path, with names as the schemas write them.
    pub(super) fn path(&self) -> PatchPath {
        PatchPath {
            urn: self.extension.map(|extension| extension.schema.id.clone()),
            attribute: self.attribute.map(|attribute| attribute.name.clone()),
            value_filter: self.filter.cloned(),
            sub_attribute: self.sub_attribute.map(|sub| sub.name.clone()),
        }
    }

    /// Whether the attribute is the one that is kept as rows.
    pub(super) fn is_rows(&self, rt: &ResourceType) -> bool {
        self.extension.is_none()
            && self.attribute.is_some_and(|attribute| rt.is_rows(&attribute.name))
    }

    /// Whether the attribute is the common `schemas`, which is computed from what a resource has.
    pub(super) fn is_schemas(&self) -> bool {
        self.extension.is_none()
            && self.attribute.is_some_and(|attribute| attribute.name == "schemas")
    }

    /// Whether only the server may set it.
    pub(super) fn is_read_only(&self) -> bool {
        [self.attribute, self.sub_attribute]
            .into_iter()
            .flatten()
            .any(|attribute| attribute.mutability == Mutability::ReadOnly)
    }

    /// RFC 7644 3.5.2: a modification must be compatible with the attribute's mutability.
    pub(super) fn check_writable(&self) -> Result<(), Error> {
        if !self.is_read_only() {
            return Ok(());
        }
        Err(mutability(format!("`{}` is read-only: only the server sets it.", self.path())))
    }
}

pub(super) fn mutability(detail: String) -> Error {
    Error::bad_request(ScimType::Mutability, detail)
}

/// The schema of this URN: an extension, or the core schema as None.
fn schema<'a>(rt: &'a ResourceType, urn: &str) -> Option<Option<&'a Extension>> {
    if rt.schema.id.eq_ignore_ascii_case(urn) {
        return Some(None);
    }
    rt.extension(urn).map(Some)
}
