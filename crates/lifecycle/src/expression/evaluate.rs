//! Evaluation of a checked expression against what its names stand for.
//!
//! It cannot recurse deeper, loop longer or make longer strings than the limits say: depth, length
//! and steps were bounded when the expression was checked, strings and lists are measured as they
//! are made. The type check has excluded what the arms at the bottom of each match catch; there it
//! answers "absent" or "false" rather than fail.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::ast::Logic;
use super::compute::{Fault, arithmetic, concatenate, equal, fits, negate, ordered};
use super::functions::{ARGUMENTS_MAX, Function};
use super::node::{Base, Each, Node, NodeKind, Quantity, Read};
use super::types::Shape;
use super::value::{Bindings, Items, Root, Val, read};
use crate::limits;

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
            NodeKind::Index(sides) => self.index(sides)?,
            NodeKind::Negate(inner) => negate(&self.evaluate(inner)?, at)?,
            NodeKind::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                self.evaluate(if self.truth(condition)? { yes } else { no })?
            }
            NodeKind::Arithmetic(binary, sides) => {
                let [left, right] = self.both(sides)?;
                arithmetic(*binary, &left, &right, at)?
            }
            NodeKind::Concatenate(sides) => {
                let [left, right] = self.both(sides)?;
                concatenate(left, &right, at)?
            }
            NodeKind::Append(sides) => self.append(sides, at)?,
            NodeKind::Call(function, args) => self.call(*function, args, at)?,
            NodeKind::Coalesce(nodes) => self.coalesce(nodes)?,
            NodeKind::Each(each) => self.each(each, at)?,
            NodeKind::Not(_)
            | NodeKind::Logic(..)
            | NodeKind::Equal { .. }
            | NodeKind::IsNull { .. }
            | NodeKind::Order(..)
            | NodeKind::In(_)
            | NodeKind::InTexts { .. }
            | NodeKind::Matches { .. }
            | NodeKind::Has(_)
            | NodeKind::MemberOf(_) => Val::Bool(self.test(node)?),
        })
    }

    /// Nodes that are true or false, never absent.
    fn test(&self, node: &'a Node) -> Result<bool, Fault> {
        Ok(match &node.kind {
            NodeKind::Not(inner) => !self.truth(inner)?,
            NodeKind::Logic(logic, operands) => self.logic(*logic, operands)?,
            NodeKind::Equal { negated, sides } => {
                let [left, right] = self.both(sides)?;
                equal(&left, &right) != *negated
            }
            NodeKind::IsNull { negated, of } => {
                matches!(self.evaluate(of)?, Val::Absent) != *negated
            }
            NodeKind::Order(binary, sides) => {
                let [left, right] = self.both(sides)?;
                ordered(*binary, &left, &right)
            }
            NodeKind::In(sides) => {
                let item = self.evaluate(&sides[0])?;
                self.items(&sides[1])?.iter().any(|other| equal(&item, &other))
            }
            NodeKind::InTexts { item, texts } => match self.evaluate(item)? {
                Val::Text(text) => texts.contains(&text),
                _ => false,
            },
            NodeKind::Matches { text, pattern } => match self.evaluate(text)? {
                Val::Text(text) => pattern.is_match(&text),
                _ => false,
            },
            NodeKind::Has(inner) => has(&self.evaluate(inner)?),
            NodeKind::MemberOf(group) => self.bindings.is_member_of(group),
            _ => self.truth(node)?,
        })
    }

    fn both(&self, sides: &'a [Node; 2]) -> Result<[Val<'a>; 2], Fault> {
        Ok([self.evaluate(&sides[0])?, self.evaluate(&sides[1])?])
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

    fn index(&self, sides: &'a [Node; 2]) -> Result<Val<'a>, Fault> {
        let items = self.items(&sides[0])?;
        Ok(match self.evaluate(&sides[1])? {
            Val::Int(place) => {
                usize::try_from(place).ok().and_then(|place| items.get(place)).unwrap_or_default()
            }
            _ => Val::Absent,
        })
    }

    fn append(&self, sides: &'a [Node; 2], at: usize) -> Result<Val<'a>, Fault> {
        let (left, right) = (self.items(&sides[0])?, self.items(&sides[1])?);
        let count = left.len() + right.len();
        if count > limits::EXPRESSION_VALUE_COUNT_MAX {
            return Err(Fault::too_many(at, count));
        }
        Ok(Val::List(Items::Own(left.iter().chain(right.iter()).collect())))
    }

    fn coalesce(&self, nodes: &'a [Node]) -> Result<Val<'a>, Fault> {
        for node in nodes {
            let val = self.evaluate(node)?;
            if has(&val) {
                return Ok(val);
            }
        }
        Ok(Val::Absent)
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

    fn each(&self, each: &'a Each, at: usize) -> Result<Val<'a>, Fault> {
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
                            fits(bytes, at)?;
                            mapped.push(val);
                        }
                    }
                }
                Ok(Val::List(Items::Own(mapped)))
            }
        }
    }
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
