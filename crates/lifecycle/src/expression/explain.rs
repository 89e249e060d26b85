//! Why an expression did or did not match: sentences by derivation, never by guess.
//!
//! Of an `&&` that is false only the sides that are false are told, of an `||` that is true only
//! those that are true: that is the reason, the rest is noise.

use std::fmt;

use serde::Serialize;

use super::ast::{Binary, Logic};
use super::compute::{Fault, equal, ordered};
use super::evaluate::Scope;
use super::functions::Function;
use super::lex::Span;
use super::node::{Each, Node, NodeKind, Quantity};
use super::value::{Val, Value, quote};

/// Most values of a list a sentence names.
const VALUES_SHOWN_MAX: usize = 8;
/// Longest string a sentence quotes whole, in characters.
const TEXT_SHOWN_MAX: usize = 80;

/// A sentence, and the sentences it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// What was found: `user.department is "Support", not "Sales"`.
    pub sentence: String,
    /// Why that is so, if it needs saying.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Trace>,
}

impl Trace {
    fn leaf(sentence: String) -> Self {
        Self { sentence, because: Vec::new() }
    }

    /// The sentences that need no reason: what decided, in the order of the expression.
    pub fn reasons(&self) -> Vec<&str> {
        if self.because.is_empty() {
            return vec![&self.sentence];
        }
        self.because.iter().flat_map(Trace::reasons).collect()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        let line = if indent == 0 { "" } else { "\n" };
        write!(f, "{line}{:indent$}{}", "", self.sentence)?;
        self.because.iter().try_for_each(|trace| trace.write(f, indent + 2))
    }
}

/// One line a sentence, reasons indented beneath.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// Tells sentences about the parts of one expression.
pub(super) struct Explainer<'a> {
    pub(super) text: &'a str,
}

impl<'a> Explainer<'a> {
    /// Why the node has the value it has.
    pub(super) fn explain(&self, scope: &Scope<'a>, node: &'a Node) -> Trace {
        match self.derive(scope, node) {
            Ok(trace) => trace,
            Err(fault) => Trace::leaf(format!(
                "{} cannot be evaluated: {}",
                self.quoted(node.span),
                fault.kind
            )),
        }
    }

    fn derive(&self, scope: &Scope<'a>, node: &'a Node) -> Result<Trace, Fault> {
        Ok(match &node.kind {
            NodeKind::Logic(logic, operands) => self.logic(scope, node, *logic, operands)?,
            // The sentence tells what was found, not whether that was wanted.
            NodeKind::Not(inner) => self.derive(scope, inner)?,
            NodeKind::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                let taken = if scope.truth(condition)? { yes } else { no };
                Trace {
                    sentence: match Value::from(scope.evaluate(taken)?) {
                        Value::Absent => "the outcome is no value".to_owned(),
                        value => format!("the outcome is {}", shown(&value)),
                    },
                    because: vec![self.explain(scope, condition), self.explain(scope, taken)],
                }
            }
            NodeKind::Each(each) if is_test(each.quantity) => self.each(scope, node, each)?,
            NodeKind::Equal { sides, .. } => Trace::leaf(self.equal(scope, sides)?),
            NodeKind::IsNull { of, .. } | NodeKind::Has(of) => Trace::leaf(self.is(scope, of)?),
            NodeKind::Order(binary, sides) => Trace::leaf(self.order(scope, *binary, sides)?),
            NodeKind::In(sides) => {
                let items: Vec<Value> = scope.items(&sides[1])?.iter().map(Value::from).collect();
                let found = scope.truth(node)?;
                Trace::leaf(self.among(scope, &sides[0], found, &items)?)
            }
            NodeKind::InTexts { item, texts } => {
                let texts: Vec<Value> = texts.written.iter().cloned().map(Value::String).collect();
                let found = scope.truth(node)?;
                Trace::leaf(self.among(scope, item, found, &texts)?)
            }
            NodeKind::Matches { text, pattern } => {
                let verb = if scope.truth(node)? { "matches" } else { "does not match" };
                let clause = format!("{verb} the pattern {}", quote(pattern.as_str()));
                Trace::leaf(self.test(scope, text, &clause)?)
            }
            NodeKind::Call(function, args) if args.len() == 2 && verbs(*function).is_some() => {
                let (yes, no) = verbs(*function).unwrap_or_default();
                let verb = if scope.truth(node)? { yes } else { no };
                let clause = format!("{verb} {}", self.other(scope, &args[1])?);
                Trace::leaf(self.test(scope, &args[0], &clause)?)
            }
            NodeKind::MemberOf(group) => {
                let verb = if scope.truth(node)? { "is" } else { "is not" };
                Trace::leaf(format!("the person {verb} a member of {}", quote(group)))
            }
            NodeKind::Read(_) | NodeKind::Constant(_) => Trace::leaf(self.is(scope, node)?),
            _ => self.made(scope, node)?,
        })
    }

    fn logic(
        &self,
        scope: &Scope<'a>,
        node: &'a Node,
        logic: Logic,
        operands: &'a [Node],
    ) -> Result<Trace, Fault> {
        let truth = scope.truth(node)?;
        let decides = logic == Logic::Or;
        let sentence = match (logic, truth) {
            (Logic::And, true) => "all conditions hold",
            (Logic::And, false) => "not all conditions hold",
            (Logic::Or, true) => "one of the conditions holds",
            (Logic::Or, false) => "none of the conditions holds",
        };
        let told = operands
            .iter()
            .filter(|operand| truth != decides || scope.truth(operand) == Ok(decides));
        Ok(Trace {
            sentence: sentence.to_owned(),
            because: told.map(|operand| self.explain(scope, operand)).collect(),
        })
    }

    /// For each value that decided, why it did.
    fn each(&self, scope: &Scope<'a>, node: &'a Node, each: &'a Each) -> Result<Trace, Fault> {
        let truth = scope.truth(node)?;
        let items = scope.items(&each.range)?;
        let range = self.quoted(each.range.span);
        let values: Vec<Val<'a>> = items.iter().collect();
        let holding =
            values.iter().filter(|val| scope.inner((*val).clone()).truth(&each.body) == Ok(true));
        let (count, holding) = (values.len(), holding.count());
        let body = self.quoted(each.body.span);
        let sentence = match (count, holding) {
            (0, _) => format!("{range} has no value"),
            (1, 1) => format!("{body} holds for the only value of {range}"),
            (1, _) => format!("{body} does not hold for the only value of {range}"),
            (_, 0) => format!("{body} holds for none of the {count} values of {range}"),
            (_, all) if all == count => format!("{body} holds for all {count} values of {range}"),
            (_, some) => format!("{body} holds for {some} of the {count} values of {range}"),
        };
        // `exists` that is true and `all` that is false are decided by one side only.
        let told = match (each.quantity, truth) {
            (Quantity::Exists, true) => Some(true),
            (Quantity::All, false) => Some(false),
            _ => None,
        };
        let because = values
            .into_iter()
            .filter(|val| {
                told.is_none_or(|told| scope.inner(val.clone()).truth(&each.body) == Ok(told))
            })
            .take(VALUES_SHOWN_MAX)
            .map(|val| self.explain(&scope.inner(val), &each.body))
            .collect();
        Ok(Trace { sentence, because })
    }

    fn equal(&self, scope: &Scope<'a>, sides: &'a [Node; 2]) -> Result<String, Fault> {
        // A constant on the left is told as if it stood on the right.
        let constant = |node: &Node| matches!(node.kind, NodeKind::Constant(_));
        let [left, right] = if constant(&sides[0]) && !constant(&sides[1]) {
            [&sides[1], &sides[0]]
        } else {
            [&sides[0], &sides[1]]
        };
        let (name, other) = (self.quoted(left.span), self.other(scope, right)?);
        let value = scope.evaluate(left)?;
        let same = equal(&value, &scope.evaluate(right)?);
        Ok(match (value, same) {
            (_, true) => format!("{name} is {other}"),
            (Val::Absent, _) => format!("{name} has no value, so it is not {other}"),
            (value, _) => format!("{name} is {}, not {other}", shown(&value.into())),
        })
    }

    fn order(
        &self,
        scope: &Scope<'a>,
        binary: Binary,
        sides: &'a [Node; 2],
    ) -> Result<String, Fault> {
        let [left, right] = sides;
        let (a, b) = (scope.evaluate(left)?, scope.evaluate(right)?);
        let truth = ordered(binary, &a, &b);
        let (a, b) = (Value::from(a), Value::from(b));
        let name = self.quoted(left.span);
        let other = self.other(scope, right)?;
        if a == Value::Absent {
            return Ok(format!("{name} has no value to compare with {other}"));
        }
        if b == Value::Absent {
            let right = self.quoted(right.span);
            return Ok(format!("{name} is {}, but {right} has no value", shown(&a)));
        }
        let time = matches!(a, Value::Timestamp(_));
        let words = match binary {
            Binary::Less if time => "before",
            Binary::LessOrEqual if time => "at or before",
            Binary::Greater if time => "after",
            Binary::GreaterOrEqual if time => "at or after",
            Binary::Less => "less than",
            Binary::LessOrEqual => "at most",
            Binary::Greater => "greater than",
            _ => "at least",
        };
        let not = if truth { "" } else { "not " };
        Ok(format!("{name} is {}, {not}{words} {other}", shown(&a)))
    }

    fn among(
        &self,
        scope: &Scope<'a>,
        item: &'a Node,
        found: bool,
        values: &[Value],
    ) -> Result<String, Fault> {
        let name = self.quoted(item.span);
        let value = Value::from(scope.evaluate(item)?);
        let constant = matches!(item.kind, NodeKind::Constant(_));
        let list = listed(values);
        Ok(match (&value, found) {
            (Value::Absent, _) => format!("{name} has no value, so it is not among {list}"),
            (value, true) if constant => format!("{} is among {list}", shown(value)),
            (value, false) if constant => format!("{} is not among {list}", shown(value)),
            (value, true) => format!("{name} is {}, one of {list}", shown(value)),
            (value, false) => format!("{name} is {}, none of {list}", shown(value)),
        })
    }

    fn test(&self, scope: &Scope<'a>, text: &'a Node, clause: &str) -> Result<String, Fault> {
        let name = self.quoted(text.span);
        Ok(match Value::from(scope.evaluate(text)?) {
            Value::Absent => format!("{name} has no value, so it {clause}"),
            value => format!("{name} is {}, which {clause}", shown(&value)),
        })
    }

    /// A value that was made of others: what it is, and what they are.
    fn made(&self, scope: &Scope<'a>, node: &'a Node) -> Result<Trace, Fault> {
        let mut because = Vec::new();
        for child in node.children() {
            if !matches!(child.kind, NodeKind::Constant(_))
                && !matches!(node.kind, NodeKind::Each(_))
            {
                because.extend(match self.explain(scope, child) {
                    // Steps in between say nothing of their own.
                    Trace { because, .. } if !because.is_empty() => because,
                    trace => vec![trace],
                });
            }
        }
        because.dedup();
        Ok(Trace { sentence: self.is(scope, node)?, because })
    }

    /// `user.title is "Engineer"`, `user.title has no value`.
    fn is(&self, scope: &Scope<'a>, node: &'a Node) -> Result<String, Fault> {
        let name = self.quoted(node.span);
        Ok(match scope.evaluate(node)? {
            Val::Absent => format!("{name} has no value"),
            Val::List(items) if items.len() == 0 => format!("{name} has no value"),
            val if matches!(node.kind, NodeKind::Constant(_)) => shown(&Value::from(val)),
            val => format!("{name} is {}", shown(&Value::from(val))),
        })
    }

    /// The value something is compared with, and where it is from.
    fn other(&self, scope: &Scope<'a>, node: &'a Node) -> Result<String, Fault> {
        let value = Value::from(scope.evaluate(node)?);
        let name = self.quoted(node.span);
        Ok(match (&node.kind, &value) {
            (NodeKind::Constant(value), _) => shown(value),
            (_, Value::Absent) => format!("{name}, which has no value"),
            (_, value) => format!("{name}, which is {}", shown(value)),
        })
    }

    /// How the expression writes it, on one line.
    fn quoted(&self, span: Span) -> String {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn is_test(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Exists | Quantity::All | Quantity::ExistsOne)
}

fn verbs(function: Function) -> Option<(&'static str, &'static str)> {
    Some(match function {
        Function::StartsWith => ("starts with", "does not start with"),
        Function::EndsWith => ("ends with", "does not end with"),
        Function::Contains => ("contains", "does not contain"),
        _ => return None,
    })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_SHOWN_MAX) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(&shortened(text)),
        Value::List(values) => format!("[{}]", listed(values)),
        Value::Object(_) => shortened(&value.to_string()),
        value => value.to_string(),
    }
}

fn listed(values: &[Value]) -> String {
    if values.is_empty() {
        return "nothing".to_owned();
    }
    let mut texts: Vec<String> = values.iter().take(VALUES_SHOWN_MAX).map(shown).collect();
    if values.len() > VALUES_SHOWN_MAX {
        texts.push(format!("and {} more", values.len() - VALUES_SHOWN_MAX));
    }
    texts.join(", ")
}
