//! How a client wants to see a resource (RFC 7644 3.9).

use scim::{Error, Projection, Resource, ResourceType, Returned};

/// A projection, and what a store can tell from it before it reads anything.
#[derive(Debug, Clone, Default)]
pub struct View {
    projection: Projection,
    document: Document,
    rows: Rows,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Document {
    #[default]
    Plain,
    Narrowed,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Rows {
    #[default]
    Wanted,
    Unwanted,
}

impl View {
    /// The view that query parameters ask for.
    pub(crate) fn of(parameters: &[(String, String)], rt: &ResourceType) -> Result<Self, Error> {
        if parameters.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self::through(Projection::of_parameters(parameters, rt)?, rt))
    }

    /// The view through a projection.
    pub fn through(projection: Projection, rt: &ResourceType) -> Self {
        if projection == Projection::default() {
            return Self::default();
        }
        let rows = rt.rows.as_deref();
        // `excludedAttributes=members` is what every directory sends for every group: it leaves
        // the document alone.
        let without_rows = rows.and_then(|rows| Projection::parse(None, Some(rows), rt).ok());
        let document = if without_rows.as_ref() == Some(&projection) {
            Document::Plain
        } else {
            Document::Narrowed
        };
        let rows = if rows.is_some_and(|rows| !projection.wants(rows)) {
            Rows::Unwanted
        } else {
            Rows::Wanted
        };
        Self { projection, document, rows }
    }

    /// The view after a write, which also shows what is returned on request, if the client has
    /// just written it (RFC 7643 7).
    pub(crate) fn after_write(mut self, rt: &ResourceType, written: &Resource) -> Self {
        let on_request = rt.schemas().any(|schema| {
            schema.attributes.iter().any(|attribute| attribute.returned == Returned::Request)
        });
        if on_request {
            self.projection = self.projection.after_write(rt, written.document());
        }
        self
    }

    /// The same view over a document that holds more than is returned by default: a store may not
    /// answer in text.
    pub fn narrowed(mut self) -> Self {
        self.document = Document::Narrowed;
        self
    }

    /// The projection, for a store's document.
    pub fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Whether the rows of the resource (`members`) are shown.
    pub fn wants_rows(&self) -> bool {
        self.rows == Rows::Wanted
    }

    /// Whether everything else that is returned by default is shown, and nothing besides: only
    /// then may a store answer in text.
    pub fn is_plain(&self) -> bool {
        self.document == Document::Plain
    }

    /// Whether an attribute of the core schema is shown.
    pub fn wants(&self, attribute: &str) -> bool {
        self.projection.wants(attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_learns_what_it_need_not_read() {
        let group = ResourceType::group(vec![]);
        let check = |name: &str, value: &str, plain: bool, rows: bool| {
            let view = View::of(&[(name.to_owned(), value.to_owned())], &group).unwrap();
            assert_eq!((view.is_plain(), view.wants_rows()), (plain, rows), "{name}={value}");
        };
        check("startIndex", "1", true, true);
        check("attributes", "", true, true);
        check("excludedAttributes", "Members", true, false);
        check("excludedAttributes", " members ", true, false);
        check("excludedAttributes", "members,displayName", false, false);
        check("excludedAttributes", "displayName", false, true);
        check("attributes", "displayName", false, false);
        check("attributes", "members.value", false, true);
    }
}
