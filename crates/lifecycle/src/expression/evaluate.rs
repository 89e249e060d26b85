//! Evaluation of a checked expression against what its names stand for.
//!
//! It cannot recurse deeper, loop longer or make longer strings than the limits say: depth, length
//! and steps were bounded when the expression was checked, strings and lists are measured as they
//! are made. The type check has excluded what the arms at the bottom of each match catch; there it
//! answers "absent" or "false" rather than fail.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::functions::{ARGUMENTS_MAX, Function, fits};
use super::lex::Span;
use super::node::{Base, Each, Node, NodeKind, Quantity, Read};
use super::parse::{Binary, Logic};
use super::types::Shape;
use super::value::{Bindings, Items, Root, Val, read};
use crate::limits;

/// An evaluation that came to no value, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    Overflow,
    DivisionByZero,
    TextTooLong,
    TooManyValues { count: usize },
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("the number becomes too large"),
            Self::DivisionByZero => f.write_str("nothing can be divided by zero"),
            Self::TextTooLong => write!(
                f,
                "the string becomes longer than {} bytes",
                limits::EXPRESSION_TEXT_BYTES_MAX
            ),
            Self::TooManyValues { count } => write!(
                f,
                "the list has {count} values; at most {} are looked at",
                limits::EXPRESSION_VALUE_COUNT_MAX
            ),
        }
    }
}

impl Fault {
    pub(super) fn too_long(at: usize) -> Self {
        Self { at, kind: FaultKind::TextTooLong }
    }

    pub(super) fn too_many(at: usize, count: usize) -> Self {
        Self { at, kind: FaultKind::TooManyValues { count } }
    }
}

/// What is in sight while evaluating.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) bindings: &'a Bindings<'a>,
    /// The value a macro looks at. One is enough: macros do not nest.
    pub(super) variable: Val<'a>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(bindings: &'a Bindings<'a>) -> Self {
        Self { bindings, variable: Val::Absent }
    }

    pub(super) fn evaluate(&self, node: &'a Node) -> Result<Val<'a>, Fault> {
        let at = node.span.start;
        Ok(match &node.kind {
            NodeKind::Constant(value) => Val::from(value),
            NodeKind::Read(read) => self.read(read)?,
            NodeKind::List(nodes) => self.list(nodes)?,
            NodeKind::Index(sides) => {
                let place = self.evaluate(&sides[1])?;
                let items = self.items(&sides[0])?;
                match place {
                    Val::Int(index) => {
                        usize::try_from(index).ok().and_then(|index| items.get(index))
                    }
                    _ => None,
                }
                .unwrap_or_default()
            }
            NodeKind::Not(inner) => Val::Bool(!self.truth(inner)?),
            NodeKind::Negate(inner) => match self.evaluate(inner)? {
                Val::Int(int) => Val::Int(int.checked_neg().ok_or(overflow(at))?),
                Val::Double(double) => Val::Double(-double),
                _ => Val::Absent,
            },
            NodeKind::Logic(logic, operands) => Val::Bool(self.logic(*logic, operands)?),
            NodeKind::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                return self.evaluate(if self.truth(condition)? { yes } else { no });
            }
            NodeKind::Equal { negated, sides } => {
                let (left, right) = (self.evaluate(&sides[0])?, self.evaluate(&sides[1])?);
                Val::Bool(equal(&left, &right) != *negated)
            }
            NodeKind::IsNull { negated, of } => {
                let absent = matches!(self.evaluate(of)?, Val::Absent);
                Val::Bool(absent != *negated)
            }
            NodeKind::Order(binary, sides) => {
                let (left, right) = (self.evaluate(&sides[0])?, self.evaluate(&sides[1])?);
                Val::Bool(ordered(*binary, &left, &right))
            }
            NodeKind::In(sides) => {
                let item = self.evaluate(&sides[0])?;
                let items = self.items(&sides[1])?;
                Val::Bool(items.iter().any(|other| equal(&item, &other)))
            }
            NodeKind::InTexts { item, texts } => match self.evaluate(item)? {
                Val::Text(text) => Val::Bool(texts.contains(&text)),
                _ => Val::Bool(false),
            },
            NodeKind::Arithmetic(binary, sides) => {
                arithmetic(*binary, &self.evaluate(&sides[0])?, &self.evaluate(&sides[1])?, at)?
            }
            NodeKind::Concatenate(sides) => {
                concatenate(self.evaluate(&sides[0])?, &self.evaluate(&sides[1])?, at)?
            }
            NodeKind::Append(sides) => {
                let (left, right) = (self.items(&sides[0])?, self.items(&sides[1])?);
                let count = left.len() + right.len();
                if count > limits::EXPRESSION_VALUE_COUNT_MAX {
                    return Err(Fault::too_many(at, count));
                }
                Val::List(Items::Own(left.iter().chain(right.iter()).collect()))
            }
            NodeKind::Call(function, args) => self.call(*function, args, at)?,
            NodeKind::Matches { text, pattern } => match self.evaluate(text)? {
                Val::Text(text) => Val::Bool(pattern.is_match(&text)),
                _ => Val::Bool(false),
            },
            NodeKind::Has(inner) => Val::Bool(has(&self.evaluate(inner)?)),
            NodeKind::MemberOf(group) => Val::Bool(self.bindings.is_member_of(group)),
            NodeKind::Coalesce(nodes) => {
                for node in nodes {
                    let val = self.evaluate(node)?;
                    if has(&val) {
                        return Ok(val);
                    }
                }
                Val::Absent
            }
            NodeKind::Each(each) => self.each(each, node.span)?,
        })
    }

    /// Whether it is true; absent is not.
    pub(super) fn truth(&self, node: &'a Node) -> Result<bool, Fault> {
        self.evaluate(node).map(|val| matches!(val, Val::Bool(true)))
    }

    /// The values of a list; absent is an empty one.
    pub(super) fn items(&self, node: &'a Node) -> Result<Items<'a>, Fault> {
        let items = match self.evaluate(node)? {
            Val::List(items) => items,
            _ => Items::EMPTY,
        };
        let count = items.len();
        if count > limits::EXPRESSION_VALUE_COUNT_MAX {
            return Err(Fault::too_many(node.span.start, count));
        }
        Ok(items)
    }

    /// The macro's values, each with the scope in which its body is evaluated.
    pub(super) fn inner(&self, val: Val<'a>) -> Scope<'a> {
        Scope { bindings: self.bindings, variable: val }
    }

    fn read(&self, found: &'a Read) -> Result<Val<'a>, Fault> {
        Ok(match &found.base {
            Base::Root(root) => match self.bindings.root(root) {
                Some(Root::Document(document)) => below(document, &found.keys, found.shape),
                Some(Root::Columns(columns)) => match &found.keys[..] {
                    [column] => columns
                        .column(column)
                        .filter(|cell| !cell.is_empty())
                        .map(|cell| Val::Text(Cow::Borrowed(cell)))
                        .unwrap_or_default(),
                    _ => Val::Absent,
                },
                Some(Root::Text(text)) => Val::Text(Cow::Borrowed(text)),
                Some(Root::Timestamp(timestamp)) => Val::Timestamp(timestamp),
                None => missing(found.shape),
            },
            Base::Variable if found.keys.is_empty() => self.variable.clone(),
            Base::Variable => part(&self.variable, found),
            Base::Node(node) => part(&self.evaluate(node)?, found),
        })
    }

    /// A list has no holes: what is absent is left out.
    fn list(&self, nodes: &'a [Node]) -> Result<Val<'a>, Fault> {
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            match self.evaluate(node)? {
                Val::Absent => {}
                val => values.push(val),
            }
        }
        Ok(Val::List(Items::Own(values)))
    }

    /// As in CEL one side that decides outweighs another that fails, whichever comes first.
    fn logic(&self, logic: Logic, operands: &'a [Node]) -> Result<bool, Fault> {
        let decides = logic == Logic::Or;
        let mut fault = None;
        for operand in operands {
            match self.truth(operand) {
                Ok(truth) if truth == decides => return Ok(decides),
                Ok(_) => {}
                Err(found) => fault = fault.or(Some(found)),
            }
        }
        fault.map_or(Ok(!decides), Err)
    }

    fn call(&self, function: Function, nodes: &'a [Node], at: usize) -> Result<Val<'a>, Fault> {
        let mut args = [const { Val::Absent }; ARGUMENTS_MAX];
        for (arg, node) in args.iter_mut().zip(nodes) {
            *arg = self.evaluate(node)?;
        }
        if matches!(function, Function::Size | Function::Join)
            && let Val::List(items) = &args[0]
            && items.len() > limits::EXPRESSION_VALUE_COUNT_MAX
        {
            return Err(Fault::too_many(at, items.len()));
        }
        function.apply(args, nodes.len(), at)
    }

    fn each(&self, each: &'a Each, span: Span) -> Result<Val<'a>, Fault> {
        let items = self.items(&each.range)?;
        let values = items.iter().filter(|val| !matches!(val, Val::Absent));
        match each.quantity {
            Quantity::Exists | Quantity::All => {
                let decides = each.quantity == Quantity::Exists;
                let mut fault = None;
                for val in values {
                    match self.inner(val).truth(&each.body) {
                        Ok(truth) if truth == decides => return Ok(Val::Bool(decides)),
                        Ok(_) => {}
                        Err(found) => fault = fault.or(Some(found)),
                    }
                }
                fault.map_or(Ok(Val::Bool(!decides)), Err)
            }
            Quantity::ExistsOne => {
                let mut count = 0;
                for val in values {
                    count += usize::from(self.inner(val).truth(&each.body)?);
                }
                Ok(Val::Bool(count == 1))
            }
            Quantity::Filter => {
                let mut kept = Vec::new();
                for val in values {
                    if self.inner(val.clone()).truth(&each.body)? {
                        kept.push(val);
                    }
                }
                Ok(Val::List(Items::Own(kept)))
            }
            Quantity::Map => {
                let mut mapped = Vec::new();
                let mut bytes = 0;
                for val in values {
                    match self.inner(val).evaluate(&each.body)? {
                        Val::Absent => {}
                        val => {
                            bytes += if let Val::Text(text) = &val { text.len() } else { 0 };
                            fits(bytes, span.start)?;
                            mapped.push(val);
                        }
                    }
                }
                Ok(Val::List(Items::Own(mapped)))
            }
        }
    }
}

fn overflow(at: usize) -> Fault {
    Fault { at, kind: FaultKind::Overflow }
}

/// What an attribute without a value reads as: of several values there are none.
fn missing<'a>(shape: Shape) -> Val<'a> {
    if matches!(shape, Shape::List(_)) { Val::List(Items::EMPTY) } else { Val::Absent }
}

fn below<'a>(object: &'a Map<String, Json>, keys: &[Box<str>], shape: Shape) -> Val<'a> {
    let Some((last, path)) = keys.split_last() else {
        return Val::Object(object);
    };
    let inner = path.iter().try_fold(object, |object, key| object.get(&**key)?.as_object());
    match inner.and_then(|object| object.get(&**last)) {
        Some(json) => read(json, shape),
        None => missing(shape),
    }
}

fn part<'a>(val: &Val<'a>, found: &Read) -> Val<'a> {
    match val {
        Val::Object(object) => below(object, &found.keys, found.shape),
        _ => missing(found.shape),
    }
}

/// Whether there is a value. Of an empty list there is none (RFC 7643 2.5).
fn has(val: &Val<'_>) -> bool {
    match val {
        Val::Absent => false,
        Val::List(items) => items.len() > 0,
        _ => true,
    }
}

/// Nothing equals an absent value, not even another one.
pub(super) fn equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::List(a), Val::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(&a, &b))
        }
        (a, b) => compare(a, b) == Some(Ordering::Equal),
    }
}

/// Strings by code points, as in CEL; numbers of both kinds with each other.
fn compare(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
        (Val::Int(a), Val::Double(b)) => (*a as f64).partial_cmp(b),
        (Val::Double(a), Val::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Val::Text(a), Val::Text(b)) => Some(a.cmp(b)),
        (Val::Timestamp(a), Val::Timestamp(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whether `a < b`, or whatever the operator says. With nothing there is no order.
pub(super) fn ordered(binary: Binary, a: &Val<'_>, b: &Val<'_>) -> bool {
    compare(a, b).is_some_and(|found| match binary {
        Binary::Less => found.is_lt(),
        Binary::LessOrEqual => found.is_le(),
        Binary::Greater => found.is_gt(),
        _ => found.is_ge(),
    })
}

fn arithmetic<'a>(binary: Binary, a: &Val<'a>, b: &Val<'a>, at: usize) -> Result<Val<'a>, Fault> {
    let zero = Fault { at, kind: FaultKind::DivisionByZero };
    match (a, b) {
        (Val::Int(_), Val::Int(0)) if matches!(binary, Binary::Divide | Binary::Remainder) => {
            Err(zero)
        }
        (Val::Int(a), Val::Int(b)) => match binary {
            Binary::Add => a.checked_add(*b),
            Binary::Subtract => a.checked_sub(*b),
            Binary::Multiply => a.checked_mul(*b),
            Binary::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map(Val::Int)
        .ok_or(overflow(at)),
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(match binary {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            _ => a / b,
        })),
        _ => Ok(Val::Absent),
    }
}

/// A string with a part that is missing is missing: nobody is to get the address `@acme.com`.
fn concatenate<'a>(left: Val<'a>, right: &Val<'a>, at: usize) -> Result<Val<'a>, Fault> {
    match (left, right) {
        (Val::Text(left), Val::Text(right)) => {
            fits(left.len() + right.len(), at)?;
            let mut text = left.into_owned();
            text.push_str(right);
            Ok(Val::Text(Cow::Owned(text)))
        }
        _ => Ok(Val::Absent),
    }
}
