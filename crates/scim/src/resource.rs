//! A resource: a document whose attribute names and values fit its resource type.

use serde_json::{Map, Value};

/// A resource of any type as a document in canonical form: attribute names in the schema's case,
/// extension attributes in an object under the extension's URN, no nulls, no empty arrays or
/// objects ("unassigned" is absent, RFC 7643 2.5).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    document: Map<String, Value>,
}

impl Resource {
    /// Wraps a document that is already canonical, such as one read back from a store.
    pub fn from_canonical(document: Map<String, Value>) -> Self {
        Self { document }
    }

    /// The document.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// Takes the document.
    pub fn into_document(self) -> Map<String, Value> {
        self.document
    }
}
