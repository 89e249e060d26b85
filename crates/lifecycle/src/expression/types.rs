//! The types of the language, and the shapes in which values stand in a document.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    /// Of `null` alone.
    Null,
    /// Of a value of `[]`.
    Unknown,
    Bool,
    Int,
    Double,
    String,
    Timestamp,
    List(Box<Type>),
    Object(Arc<Structure>),
}

/// What an object holds: a resource, a complex attribute, an extension, a row of columns.
#[derive(Debug, PartialEq, Default)]
pub(super) struct Structure {
    /// The attributes that can be named directly, in their canonical case.
    pub(super) fields: BTreeMap<String, Field>,
    /// The parts that are reached by URN: the core schema and the extensions.
    pub(super) schemas: Vec<(String, Field)>,
    /// Names that several extensions define, with their URNs: only the URN tells them apart.
    pub(super) ambiguous: BTreeMap<String, Vec<String>>,
    /// Whether it is a whole document or row, which is no value of its own.
    pub(super) whole: bool,
}

/// An attribute: where it stands below its object, and what it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) keys: Vec<Box<str>>,
    pub(super) r#type: Type,
    /// Never to be read (RFC 7643 7: writeOnly, or returned `never`): a password.
    pub(super) secret: bool,
}

/// How a value in a document is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Int,
    Double,
    Text,
    Timestamp,
    Object,
    /// Several values of one shape.
    List(Single),
}

/// The shape of one of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Single {
    Bool,
    Int,
    Double,
    Text,
    Timestamp,
    Object,
}

impl From<Single> for Shape {
    fn from(single: Single) -> Self {
        match single {
            Single::Bool => Self::Bool,
            Single::Int => Self::Int,
            Single::Double => Self::Double,
            Single::Text => Self::Text,
            Single::Timestamp => Self::Timestamp,
            Single::Object => Self::Object,
        }
    }
}

impl Type {
    pub(super) fn list(of: Type) -> Type {
        Type::List(Box::new(of))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }

    /// The type of something that is now this and now that: the branches of a choice, the values of
    /// a list.
    pub(super) fn unify(&self, other: &Type) -> Option<Type> {
        match (self, other) {
            (Self::Null | Self::Unknown, other) | (other, Self::Null | Self::Unknown) => {
                Some(other.clone())
            }
            (Self::List(a), Self::List(b)) => a.unify(b).map(Type::list),
            (a, b) => (a == b).then(|| a.clone()),
        }
    }

    /// How a message speaks of one value of the type.
    pub(super) fn one(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Unknown => "nothing".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Int => "a whole number".to_owned(),
            Self::Double => "a decimal number".to_owned(),
            Self::String => "a string".to_owned(),
            Self::Timestamp => "a point in time".to_owned(),
            Self::List(of) if **of == Self::Unknown => "an empty list".to_owned(),
            Self::List(of) => format!("a list of {}", of.many()),
            Self::Object(_) => "an object".to_owned(),
        }
    }

    /// How a message speaks of several values of the type.
    pub(super) fn many(&self) -> String {
        match self {
            Self::Null | Self::Unknown => "nothing".to_owned(),
            Self::Bool => "true/false values".to_owned(),
            Self::Int => "whole numbers".to_owned(),
            Self::Double => "decimal numbers".to_owned(),
            Self::String => "strings".to_owned(),
            Self::Timestamp => "points in time".to_owned(),
            Self::List(_) => "lists".to_owned(),
            Self::Object(_) => "objects".to_owned(),
        }
    }

    /// As [`Type::one`], where the kind of number does not matter.
    pub(super) fn one_loosely(&self) -> String {
        if self.is_number() { "a number".to_owned() } else { self.one() }
    }

    /// The shape in which a document holds it. A list of lists has none: documents have none.
    pub(super) fn shape(&self) -> Option<Shape> {
        Some(match self {
            Self::List(of) => match of.shape()? {
                Shape::Bool => Shape::List(Single::Bool),
                Shape::Int => Shape::List(Single::Int),
                Shape::Double => Shape::List(Single::Double),
                Shape::Text => Shape::List(Single::Text),
                Shape::Timestamp => Shape::List(Single::Timestamp),
                Shape::Object => Shape::List(Single::Object),
                Shape::List(_) => return None,
            },
            Self::Bool => Shape::Bool,
            Self::Int => Shape::Int,
            Self::Double => Shape::Double,
            Self::String => Shape::Text,
            Self::Timestamp => Shape::Timestamp,
            Self::Object(_) => Shape::Object,
            Self::Null | Self::Unknown => return None,
        })
    }
}

impl Structure {
    /// The field behind `object["name"]`: an attribute, or the part a URN (whatever its case) names.
    pub(super) fn by_key(&self, name: &str) -> Option<&Field> {
        self.fields.get(name).or_else(|| {
            self.schemas
                .iter()
                .find(|(urn, _)| urn.eq_ignore_ascii_case(name))
                .map(|(_, field)| field)
        })
    }

    /// `name.givenName`, where `givenName` is no attribute of this object but of one below it.
    pub(super) fn below(&self, name: &str) -> Option<String> {
        self.fields.iter().find_map(|(outer, field)| match &field.r#type {
            Type::Object(inner) => inner
                .fields
                .keys()
                .find(|inner| inner.eq_ignore_ascii_case(name))
                .map(|inner| format!("{outer}.{inner}")),
            _ => None,
        })
    }
}
