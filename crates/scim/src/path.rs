//! Attribute paths (RFC 7644 3.10) and PATCH paths (RFC 7644 3.5.2, figure 7).

use crate::Filter;

/// `[urn:]attribute[.subAttribute]`. The URN is kept as written; comparisons ignore case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributePath {
    /// The schema's URN, if the path names one.
    pub urn: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// The sub-attribute, if the path names one.
    pub sub_attribute: Option<String>,
}

/// The path of a PATCH operation: an attribute path, perhaps with a value filter before the
/// sub-attribute, or a bare extension URN (`attribute` is None then).
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    /// The schema's URN, if the path names one.
    pub urn: Option<String>,
    /// The attribute; None addresses the whole extension named by `urn`.
    pub attribute: Option<String>,
    /// Which values of a multi-valued attribute: `[type eq "work"]`.
    pub value_filter: Option<Filter>,
    /// The sub-attribute, if the path names one.
    pub sub_attribute: Option<String>,
}
