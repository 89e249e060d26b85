//! What an expression yields, and what its names stand for while it is evaluated.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value as Json};

use super::types::{Shape, Single};

/// The value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// There is none: the attribute, or a part that was needed, is missing.
    Absent,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A decimal number.
    Double(f64),
    /// A string.
    String(String),
    /// A point in time.
    Timestamp(Timestamp),
    /// Several values, none of them absent.
    List(Vec<Value>),
    /// A complex attribute as it stands in the document.
    Object(Map<String, Json>),
}

impl Value {
    /// Whether there is no value. An empty list is none (RFC 7643 2.5: unassigned).
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::List(values) => values.is_empty(),
            _ => false,
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a SCIM document holds it. None: absent, or a number JSON cannot write.
    pub fn into_json(self) -> Option<Json> {
        match self {
            Self::Absent => None,
            Self::Bool(bool) => Some(Json::Bool(bool)),
            Self::Int(int) => Some(Json::from(int)),
            Self::Double(double) => serde_json::Number::from_f64(double).map(Json::Number),
            Self::String(text) => Some(Json::String(text)),
            Self::Timestamp(timestamp) => Some(Json::String(timestamp.to_string())),
            Self::List(values) if values.is_empty() => None,
            Self::List(values) => {
                Some(Json::Array(values.into_iter().filter_map(Self::into_json).collect()))
            }
            Self::Object(object) => Some(Json::Object(object)),
        }
    }
}

/// Strings in quotes, lists in brackets, `null` for an absent value: as an expression would write it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("null"),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Double(double) => write!(f, "{double:?}"),
            Self::String(text) => f.write_str(&quote(text)),
            Self::Timestamp(timestamp) => write!(f, "{timestamp}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str("]")
            }
            Self::Object(object) => match serde_json::to_string(object) {
                Ok(text) => f.write_str(&text),
                Err(_) => f.write_str("{}"),
            },
        }
    }
}

/// A string as an expression writes it.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A row whose columns are found by name. An empty cell is no value.
pub trait Columns: Sync {
    /// The cell of that column; None: there is no such column.
    fn column(&self, name: &str) -> Option<&str>;
}

impl Columns for BTreeMap<String, String> {
    fn column(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl Columns for HashMap<String, String> {
    fn column(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }
}

impl<const N: usize> Columns for [(&str, &str); N] {
    fn column(&self, name: &str) -> Option<&str> {
        self.iter().find(|(column, _)| *column == name).map(|(_, cell)| *cell)
    }
}

/// What the names of an expression stand for while it is evaluated. It only borrows.
///
/// A name of the environment that is not bound is absent.
#[derive(Clone, Default)]
pub struct Bindings<'a> {
    roots: Vec<(&'a str, Root<'a>)>,
    groups: Option<&'a BTreeSet<String>>,
}

#[derive(Clone, Copy)]
pub(super) enum Root<'a> {
    Document(&'a Map<String, Json>),
    Columns(&'a dyn Columns),
    Text(&'a str),
    Timestamp(Timestamp),
}

impl<'a> Bindings<'a> {
    /// Binds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds the name to a resource in canonical form.
    pub fn document(self, name: &'a str, document: &'a Map<String, Json>) -> Self {
        self.bind(name, Root::Document(document))
    }

    /// Binds the name to a row.
    pub fn columns(self, name: &'a str, columns: &'a dyn Columns) -> Self {
        self.bind(name, Root::Columns(columns))
    }

    /// Binds the name to a string.
    pub fn text(self, name: &'a str, text: &'a str) -> Self {
        self.bind(name, Root::Text(text))
    }

    /// Binds the name to a point in time.
    pub fn timestamp(self, name: &'a str, timestamp: Timestamp) -> Self {
        self.bind(name, Root::Timestamp(timestamp))
    }

    /// Says in which groups the person is, for `memberOf`.
    pub fn groups(mut self, names: &'a BTreeSet<String>) -> Self {
        self.groups = Some(names);
        self
    }

    fn bind(mut self, name: &'a str, root: Root<'a>) -> Self {
        self.roots.retain(|(bound, _)| *bound != name);
        self.roots.push((name, root));
        self
    }

    pub(super) fn root(&self, name: &str) -> Option<Root<'a>> {
        self.roots.iter().find(|(bound, _)| *bound == name).map(|(_, root)| *root)
    }

    pub(super) fn is_member_of(&self, group: &str) -> bool {
        self.groups.is_some_and(|groups| groups.contains(group))
    }
}

/// A value while evaluating: borrowed from the documents and from the expression where possible.
#[derive(Debug, Clone, Default)]
pub(super) enum Val<'a> {
    #[default]
    Absent,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Timestamp(Timestamp),
    Object(&'a Map<String, Json>),
    List(Items<'a>),
}

/// The values of a list.
#[derive(Debug, Clone)]
pub(super) enum Items<'a> {
    Json(&'a [Json], Single),
    Constant(&'a [Value]),
    Own(Vec<Val<'a>>),
}

impl<'a> Items<'a> {
    pub(super) const EMPTY: Items<'static> = Items::Constant(&[]);

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(values, _) => values.len(),
            Self::Constant(values) => values.len(),
            Self::Own(values) => values.len(),
        }
    }

    /// The value at that place.
    pub(super) fn get(&self, index: usize) -> Option<Val<'a>> {
        match self {
            Self::Json(values, shape) => values.get(index).map(|json| read(json, (*shape).into())),
            Self::Constant(values) => values.get(index).map(Val::from),
            Self::Own(values) => values.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Val<'a>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// What stands in a document, read as what its schema says. What is not that is absent.
pub(super) fn read(json: &Json, shape: Shape) -> Val<'_> {
    let val = match (shape, json) {
        (Shape::Bool, Json::Bool(bool)) => Some(Val::Bool(*bool)),
        (Shape::Int, Json::Number(number)) => number.as_i64().map(Val::Int),
        (Shape::Double, Json::Number(number)) => number.as_f64().map(Val::Double),
        (Shape::Text, Json::String(text)) => Some(Val::Text(Cow::Borrowed(text))),
        (Shape::Timestamp, Json::String(text)) => timestamp(text).map(Val::Timestamp),
        (Shape::Object, Json::Object(object)) => Some(Val::Object(object)),
        (Shape::List(_), Json::Null) => Some(Val::List(Items::EMPTY)),
        (Shape::List(single), Json::Array(values)) => Some(Val::List(Items::Json(values, single))),
        (Shape::List(single), value) => {
            Some(Val::List(Items::Json(std::slice::from_ref(value), single)))
        }
        _ => None,
    };
    val.unwrap_or_default()
}

/// A dateTime (RFC 7643 2.3.5), or a day as its midnight. Without an offset it is UTC.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let civil = || Offset::UTC.to_timestamp(text.parse().ok()?).ok();
    text.parse().ok().or_else(civil)
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Absent => Self::Absent,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Int(int) => Self::Int(*int),
            Value::Double(double) => Self::Double(*double),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Timestamp(timestamp) => Self::Timestamp(*timestamp),
            Value::List(values) => Self::List(Items::Constant(values)),
            Value::Object(object) => Self::Object(object),
        }
    }
}

impl From<Val<'_>> for Value {
    fn from(val: Val<'_>) -> Self {
        match val {
            Val::Absent => Self::Absent,
            Val::Bool(bool) => Self::Bool(bool),
            Val::Int(int) => Self::Int(int),
            Val::Double(double) => Self::Double(double),
            Val::Text(text) => Self::String(text.into_owned()),
            Val::Timestamp(timestamp) => Self::Timestamp(timestamp),
            Val::Object(object) => Self::Object(object.clone()),
            Val::List(items) => {
                let values = items.iter().filter(|val| !matches!(val, Val::Absent));
                Self::List(values.map(Value::from).collect())
            }
        }
    }
}
