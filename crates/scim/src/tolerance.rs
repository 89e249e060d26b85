//! Departures from the RFCs that a server may accept, each with a name of its own.
//!
//! Which client needs which is no concern of this crate: a shell hands in a set. Whatever was
//! accepted only because of a tolerance is reported as [`Tolerated`].

use std::{collections::BTreeSet, fmt};

/// One departure from RFC 7643/7644 that can be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tolerance {
    /// `Add`, `Replace`, `Remove` with capital letters (RFC 7644 3.5.2 has lower case).
    CapitalisedOp,
    /// `"True"` or `"False"` (any case) where a boolean is due.
    BooleanAsString,
    /// A number as a string where a number is due.
    NumberAsString,
    /// A key with a dot, `"name.givenName"`, in a path-less PATCH value or a resource.
    DottedKey,
    /// A key `"urn:...:User:department"` in a path-less PATCH value or a resource.
    UrnKey,
    /// A key that is a path with a value filter, `"emails[type eq \"work\"].value"`, in a path-less value.
    FilterKey,
    /// `remove` with path `members` and a list of values: only those are removed.
    RemovalByValueList,
    /// An unquoted string literal in a filter: `userName eq a@b.c`.
    UnquotedLiteral,
    /// A read-only attribute (`id`, `meta`, `groups`) in a PATCH value; it is ignored.
    ReadOnlyInValue,
    /// An attribute no schema defines; it is ignored.
    UnknownAttribute,
    /// A schema URN the resource type does not have; it is ignored.
    UnknownSchema,
    /// `replace` on a value filter that matches nothing creates the value instead of `noTarget`.
    ReplaceCreates,
    /// A single value where a list is due.
    SingleForMultiple,
    /// A list of one where a single value is due.
    MultipleForSingle,
    /// A missing or wrong `schemas` in a message or resource.
    MissingSchemas,
    /// `manager` (or another complex attribute) given as its bare `value`.
    BareValueForComplex,
    /// `operations`, `OP`, `Path`: message keys in another case.
    MessageKeyCase,
    /// A PATCH request without operations (`"Operations": []`): it changes nothing.
    EmptyOperations,
    /// A member whose id nobody has: it is left out, and the other members of the request become
    /// members. Without it one member that has just been deleted refuses all of them.
    UnknownMember,
    /// A body without a `Content-Type`; it is read as JSON.
    MissingContentType,
}

impl Tolerance {
    /// Every tolerance there is.
    pub const ALL: [Self; 20] = [
        Self::CapitalisedOp,
        Self::BooleanAsString,
        Self::NumberAsString,
        Self::DottedKey,
        Self::UrnKey,
        Self::FilterKey,
        Self::RemovalByValueList,
        Self::UnquotedLiteral,
        Self::ReadOnlyInValue,
        Self::UnknownAttribute,
        Self::UnknownSchema,
        Self::ReplaceCreates,
        Self::SingleForMultiple,
        Self::MultipleForSingle,
        Self::MissingSchemas,
        Self::BareValueForComplex,
        Self::MessageKeyCase,
        Self::EmptyOperations,
        Self::UnknownMember,
        Self::MissingContentType,
    ];

    /// The name in configuration and in the request log: `booleanAsString`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CapitalisedOp => "capitalisedOp",
            Self::BooleanAsString => "booleanAsString",
            Self::NumberAsString => "numberAsString",
            Self::DottedKey => "dottedKey",
            Self::UrnKey => "urnKey",
            Self::FilterKey => "filterKey",
            Self::RemovalByValueList => "removalByValueList",
            Self::UnquotedLiteral => "unquotedLiteral",
            Self::ReadOnlyInValue => "readOnlyInValue",
            Self::UnknownAttribute => "unknownAttribute",
            Self::UnknownSchema => "unknownSchema",
            Self::ReplaceCreates => "replaceCreates",
            Self::SingleForMultiple => "singleForMultiple",
            Self::MultipleForSingle => "multipleForSingle",
            Self::MissingSchemas => "missingSchemas",
            Self::BareValueForComplex => "bareValueForComplex",
            Self::MessageKeyCase => "messageKeyCase",
            Self::EmptyOperations => "emptyOperations",
            Self::UnknownMember => "unknownMember",
            Self::MissingContentType => "missingContentType",
        }
    }

    /// The tolerance of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tolerance| tolerance.name() == name)
    }
}

/// A set of tolerances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tolerances(BTreeSet<Tolerance>);

/// One use of a tolerance, for the request log; displayed as `booleanAsString at active`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerated {
    /// Which tolerance made the difference.
    pub tolerance: Tolerance,
    /// Where in the request: an attribute path, or `Operations[2].op`.
    pub at: String,
}

impl Tolerances {
    /// The letter of the RFCs and nothing else.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every tolerance there is.
    pub fn all() -> Self {
        Self::of(Tolerance::ALL)
    }

    /// The set of these.
    pub fn of(tolerances: impl IntoIterator<Item = Tolerance>) -> Self {
        Self(tolerances.into_iter().collect())
    }

    /// Whether this departure is accepted.
    pub fn allows(&self, tolerance: Tolerance) -> bool {
        self.0.contains(&tolerance)
    }
}

impl fmt::Display for Tolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.tolerance.name(), self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tolerance_has_its_own_name() {
        for tolerance in Tolerance::ALL {
            assert_eq!(Tolerance::from_name(tolerance.name()), Some(tolerance));
        }
        assert_eq!(Tolerances::all().0.len(), Tolerance::ALL.len());
        assert_eq!(Tolerance::from_name("BooleanAsString"), None);
    }
}
