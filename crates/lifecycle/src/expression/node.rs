//! The checked tree: every name resolved to where its value stands, every operator to one type.

use std::collections::BTreeSet;

use regex::Regex;

use super::ast::{Binary, Logic};
use super::functions::Function;
use super::lex::Span;
use super::types::{Shape, Type};
use super::value::Value;
use crate::limits;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Constant(Value),
    Read(Read),
    List(Vec<Node>),
    Index(Box<[Node; 2]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Logic(Logic, Vec<Node>),
    Choose(Box<[Node; 3]>),
    /// `==`, or `!=` when negated.
    Equal {
        negated: bool,
        sides: Box<[Node; 2]>,
    },
    /// `x == null`, or `x != null` when negated.
    IsNull {
        negated: bool,
        of: Box<Node>,
    },
    /// `<`, `<=`, `>`, `>=`.
    Order(Binary, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    /// `in` over strings that are written out.
    InTexts {
        item: Box<Node>,
        texts: Texts,
    },
    /// On two whole or two decimal numbers.
    Arithmetic(Binary, Box<[Node; 2]>),
    /// `+` on strings.
    Concatenate(Box<[Node; 2]>),
    /// `+` on lists.
    Append(Box<[Node; 2]>),
    Call(Function, Vec<Node>),
    Matches {
        text: Box<Node>,
        pattern: Regex,
    },
    Has(Box<Node>),
    MemberOf(String),
    Coalesce(Vec<Node>),
    Each(Each),
}

/// A value that stands in what is bound.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) base: Base,
    pub(super) keys: Vec<Box<str>>,
    pub(super) shape: Shape,
    /// The attribute's path, as [`reads`](super::Expression::reads) tells it.
    pub(super) path: Option<String>,
}

/// Where the keys of a [`Read`] start.
#[derive(Debug)]
pub(super) enum Base {
    /// At a name of the environment.
    Root(Box<str>),
    /// At the value the macro looks at.
    Variable,
    /// At another value.
    Node(Box<Node>),
}

/// Strings that are written out, sorted for a quick look-up.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) written: Vec<String>,
    sorted: Vec<String>,
}

/// A macro: its body is evaluated for each value.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) quantity: Quantity,
    pub(super) range: Box<Node>,
    pub(super) body: Box<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Exists,
    All,
    ExistsOne,
    Filter,
    Map,
}

impl Quantity {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "exists" => Self::Exists,
            "all" => Self::All,
            "exists_one" => Self::ExistsOne,
            "filter" => Self::Filter,
            "map" => Self::Map,
            _ => return None,
        })
    }

    pub(super) fn result(self, value: &Type, body: &Type) -> Type {
        match self {
            Self::Exists | Self::All | Self::ExistsOne => Type::Bool,
            Self::Filter => Type::list(value.clone()),
            Self::Map => Type::list(body.clone()),
        }
    }
}

impl Texts {
    pub(super) fn new(written: Vec<String>) -> Self {
        let mut sorted = written.clone();
        sorted.sort_unstable();
        Self { written, sorted }
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.sorted.binary_search_by(|known| known.as_str().cmp(text)).is_ok()
    }
}

/// Steps a regular expression counts for, beside a comparison's one.
const PATTERN_STEPS: u64 = 20;
/// Steps a function on strings counts for.
const FUNCTION_STEPS: u64 = 4;

impl Node {
    /// An upper bound of the steps an evaluation takes, known before anything is evaluated: each
    /// node once, and the body of a macro for as many values as there may be.
    pub(super) fn steps(&self) -> u64 {
        let values = limits::EXPRESSION_VALUE_COUNT_MAX as u64;
        let own = match &self.kind {
            NodeKind::Call(..) => FUNCTION_STEPS,
            NodeKind::Matches { .. } => PATTERN_STEPS,
            NodeKind::In(sides) => sides[1].length_max(),
            NodeKind::Equal { sides, .. } => sides[0].length_max().min(sides[1].length_max()),
            NodeKind::Append(_) => values,
            NodeKind::Each(each) => {
                each.range.length_max().saturating_mul(1 + each.body.steps()) + each.range.steps()
            }
            _ => 1,
        };
        if matches!(self.kind, NodeKind::Each(_)) {
            return own;
        }
        self.children().iter().fold(own, |sum, child| sum.saturating_add(child.steps()))
    }

    /// How many values it may have, if it is a list; else one.
    fn length_max(&self) -> u64 {
        match &self.kind {
            NodeKind::Constant(Value::List(values)) => values.len() as u64,
            NodeKind::List(nodes) => nodes.len() as u64,
            NodeKind::Read(read) if !matches!(read.shape, Shape::List(_)) => 1,
            NodeKind::Constant(_) | NodeKind::Concatenate(_) | NodeKind::Arithmetic(..) => 1,
            NodeKind::Call(function, _) if *function != Function::Split => 1,
            _ => limits::EXPRESSION_VALUE_COUNT_MAX as u64,
        }
    }

    /// The nodes right below.
    pub(super) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            NodeKind::Constant(_) | NodeKind::MemberOf(_) => Vec::new(),
            NodeKind::Read(read) => match &read.base {
                Base::Node(node) => vec![node],
                Base::Root(_) | Base::Variable => Vec::new(),
            },
            NodeKind::List(nodes)
            | NodeKind::Logic(_, nodes)
            | NodeKind::Call(_, nodes)
            | NodeKind::Coalesce(nodes) => nodes.iter().collect(),
            NodeKind::Choose(nodes) => nodes.iter().collect(),
            NodeKind::Index(sides)
            | NodeKind::Equal { sides, .. }
            | NodeKind::Order(_, sides)
            | NodeKind::In(sides)
            | NodeKind::Arithmetic(_, sides)
            | NodeKind::Concatenate(sides)
            | NodeKind::Append(sides) => sides.iter().collect(),
            NodeKind::Not(node)
            | NodeKind::Negate(node)
            | NodeKind::Has(node)
            | NodeKind::IsNull { of: node, .. }
            | NodeKind::InTexts { item: node, .. }
            | NodeKind::Matches { text: node, .. } => vec![node],
            NodeKind::Each(each) => vec![&each.range, &each.body],
        }
    }

    /// Collects the paths of the attributes it reads. Where only a part of an attribute's values is
    /// read (`user.emails.type`), the whole is not listed beside it.
    pub(super) fn collect_reads(&self, reads: &mut BTreeSet<String>) {
        match &self.kind {
            NodeKind::Read(read) => {
                if let Some(path) = &read.path {
                    reads.insert(path.clone());
                }
                if let Base::Node(node) = &read.base {
                    node.collect_below(read.path.as_deref(), reads);
                }
            }
            NodeKind::Each(each) if each.quantity != Quantity::Filter => {
                let mut inner = BTreeSet::new();
                each.body.collect_reads(&mut inner);
                let part = inner.iter().find(|inner| each.range.is_above(inner)).cloned();
                each.range.collect_below(part.as_deref(), reads);
                reads.extend(inner);
            }
            _ => self.children().into_iter().for_each(|child| child.collect_reads(reads)),
        }
    }

    /// As [`Node::collect_reads`], leaving out the attribute that `part` is a part of.
    fn collect_below(&self, part: Option<&str>, reads: &mut BTreeSet<String>) {
        let covered = part.is_some_and(|part| self.is_above(part));
        match &self.kind {
            NodeKind::Read(read) if covered && matches!(read.base, Base::Root(_)) => {}
            NodeKind::Index(sides) if covered => {
                sides[0].collect_below(part, reads);
                sides[1].collect_reads(reads);
            }
            NodeKind::Each(each) if covered => {
                each.range.collect_below(part, reads);
                each.body.collect_reads(reads);
            }
            _ => self.collect_reads(reads),
        }
    }

    /// Whether the path is one of an attribute's parts, and this is the attribute.
    fn is_above(&self, part: &str) -> bool {
        match &self.kind {
            NodeKind::Read(read) => read.path.as_deref().is_some_and(|path| {
                part.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
            }),
            NodeKind::Index(sides) => sides[0].is_above(part),
            NodeKind::Each(each) => each.quantity == Quantity::Filter && each.range.is_above(part),
            _ => false,
        }
    }

    /// Collects the groups it asks for.
    pub(super) fn collect_groups(&self, groups: &mut BTreeSet<String>) {
        if let NodeKind::MemberOf(group) = &self.kind {
            groups.insert(group.clone());
        }
        self.children().into_iter().for_each(|child| child.collect_groups(groups));
    }
}
