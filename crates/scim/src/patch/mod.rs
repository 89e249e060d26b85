//! PATCH (RFC 7644 3.5.2): reading a request, and applying it to a resource of any type.
//!
//! `read` is the tolerant layer that leaves only the RFC's own forms; `apply` edits a document by
//! them, with `attribute` for whole attributes and `selection` for some values of one; `members`
//! is about the attribute that is kept as rows; `target` says where a path leads.

mod apply;
mod attribute;
mod expansion;
mod members;
mod read;
mod removal;
mod selection;
mod target;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::{Filter, PatchPath, Resource, Tolerated, urn};

use members::rows_are_immutable;

pub(crate) use members::read_members;

/// A PATCH request that has been read and checked against a resource type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PatchRequest {
    /// The operations, in order. They succeed or fail together.
    pub operations: Vec<PatchOperation>,
    /// Whether `replace` on a value filter that matches nothing creates the value
    /// ([`crate::Tolerance::ReplaceCreates`]); by RFC 7644 3.5.2.3 it is `noTarget`.
    pub replace_creates: bool,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchOperation {
    /// What to do.
    pub op: PatchOp,
    /// Where; None is the resource itself.
    pub path: Option<PatchPath>,
    /// With what; None only for `remove`.
    pub value: Option<Value>,
}

/// The operations of RFC 7644 3.5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatchOp {
    /// Adds values.
    Add,
    /// Removes values.
    Remove,
    /// Replaces values.
    Replace,
}

/// What a PATCH (or PUT) makes of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchOutcome {
    /// The next document, without the attribute that is kept as rows.
    pub resource: Resource,
    /// Whether the document differs from the one before. RFC 7644 3.5.2.1: adding a value that is
    /// already there shall not change the modify timestamp.
    pub changed: bool,
    /// What happens to the rows (`members`).
    pub members: MemberDelta,
    /// What was accepted only while applying, because it depends on the resource.
    pub tolerated: Vec<Tolerated>,
}

/// What happens to the rows of a resource, step by step in the order of the operations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemberDelta {
    /// The steps; none leaves the rows alone.
    pub steps: Vec<MemberStep>,
}

/// One step of a member delta. Applying it twice is the same as once.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberStep {
    /// These become members; who is one already stays as is.
    Add(Vec<Member>),
    /// The members with these `value`s go; who is none is ignored.
    Remove(Vec<String>),
    /// The members that satisfy the filter (over `value`, `type`, `display`, `$ref`) go.
    RemoveWhere(Filter),
    /// These are the members from now on, and nobody else.
    ReplaceAll(Vec<Member>),
}

/// A member as the client names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// The id of the member.
    pub value: String,
    /// `User` or `Group`, if the client said so.
    pub member_type: Option<String>,
    /// A name for people, if the client gave one. Never trusted, never stored.
    pub display: Option<String>,
}

impl PatchRequest {
    /// The request as a body by the letter of RFC 7644 3.5.2.
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".into(), Value::from(vec![urn::PATCH_OP]));
        let operations = self.operations.iter().map(PatchOperation::to_json).collect();
        body.insert("Operations".into(), Value::Array(operations));
        Value::Object(body)
    }
}

impl PatchOperation {
    fn to_json(&self) -> Value {
        let mut operation = Map::new();
        operation.insert("op".into(), Value::from(self.op.as_str()));
        if let Some(path) = &self.path {
            operation.insert("path".into(), Value::from(path.to_string()));
        }
        if let Some(value) = &self.value {
            operation.insert("value".into(), value.clone());
        }
        Value::Object(operation)
    }
}

impl PatchOp {
    /// The operation as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Add, Self::Remove, Self::Replace].into_iter().find(|op| op.as_str() == name)
    }
}
