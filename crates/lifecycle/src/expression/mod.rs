//! A small typed language for group rules and attribute mappings, in the syntax of CEL (the Common
//! Expression Language): `user.department == "Sales" && user.country in ["DE", "AT"]`.
//!
//! It is a strict subset of CEL: whatever is accepted here and uses no function of Muster's own, CEL
//! reads too, and where CEL has a value the value here is the same (`tests/expression_oracle.rs`
//! holds the two together). CEL alone would not do: its implementation checks no types before it
//! runs, and bounds no cost.
//!
//! The order of events: `lex` makes tokens, `parse` a tree (`ast`), `check` (with `operator` and
//! `call`) a tree of `node`s in which every name is a place in a document and every operator has one
//! type, or a sentence with the column of the mistake. `evaluate` (with `compute` and `functions`)
//! finds the value, `explain` tells why.
//!
//! # What is missing
//!
//! People's profiles have gaps, and a gap is no error. Where CEL fails because something is not
//! there, this language goes on, by these rules:
//!
//! - A missing attribute is *absent*, so is a part of it, a place beyond a list's end, the number in
//!   a string that holds none. An attribute with several values is never absent but an empty list
//!   (RFC 7643 2.5), so `size(user.emails) == 0` and `user.emails.exists(...)` say what they should.
//! - Nothing equals an absent value: `==` is false, `!=` is true, also between two absent values.
//!   Only `x == null` asks for absence, and `has(x)` for presence.
//! - Tests of an absent value are false: `<`, `in`, `startsWith`, `matches` and the like. Where a
//!   condition is needed, absent is false, so `!user.active` holds for who has no `active`.
//! - What is made of an absent value is absent: `user.name.givenName + "." + user.name.familyName`
//!   has no value if one of the names is missing, rather than being `ana.`. Whoever wants something
//!   else says so: `has(user.title) ? user.title : "n/a"`, `coalesce(user.displayName, "n/a")`, or
//!   `[user.name.givenName, user.name.familyName].join(" ")`, since a list leaves out what is absent.
//! - `substring` takes what there is of the characters it asks for; CEL fails when they are too few.
//!
//! An empty string is a value; an empty cell of a row ([`Columns`]) is none.
//!
//! # What may fail
//!
//! Evaluation fails only by arithmetic (overflow, division by zero), a string that becomes too long
//! or a list that is too long. As in CEL, `&&` and `||` do not fail if another side decides.
//!
//! # Muster's own functions
//!
//! | function | value |
//! |---|---|
//! | `lower(s)`, `upper(s)` | in lower or upper case, for all scripts |
//! | `ascii(s)` | in ASCII letters: `Zoë Müller` is `Zoe Muller` |
//! | `initial(s)` | the first character |
//! | `domain(s)`, `localPart(s)` | of an e-mail address |
//! | `coalesce(a, b, ...)` | the first that is not absent |
//! | `date(s)` | midnight, UTC, of a day `2026-01-31`, to compare with |
//! | `memberOf("group")` | whether the person is in the group, where groups may be asked for |

mod ast;
mod call;
mod check;
mod compute;
mod environment;
mod evaluate;
mod explain;
mod functions;
mod lex;
mod node;
mod operator;
mod parse;
mod signature;
mod suggest;
#[cfg(test)]
mod tests;
mod types;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use check::{Checked, Checker};
use compute::Fault;
use evaluate::Scope;
use explain::Explainer;
use node::Node;
use types::Type;

pub use environment::Environment;
pub use explain::Trace;
pub use value::{Bindings, Columns, Value};

use crate::limits;

/// A checked expression. Cheap to clone, shared between threads.
///
/// Two are equal if their text is.
#[derive(Clone)]
pub struct Expression {
    checked: Arc<Inner>,
}

struct Inner {
    text: String,
    expect: Expect,
    node: Node,
    reads: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// What the value of an expression has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// True or false: a rule. An absent value counts as false.
    Boolean,
    /// A string, or absent.
    String,
    /// A string or several, or absent.
    StringOrList,
    /// Whatever it is.
    Any,
}

/// Why a text is no expression that can be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ExpressionError {
    /// The column of the mistake: characters, counted from 1.
    pub column: usize,
    /// What is wrong and, where it can be said, what to write instead.
    pub message: String,
}

/// Why an expression came to no value for these bindings, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct EvaluationError {
    /// The column of the part that failed: characters, counted from 1.
    pub column: usize,
    /// What happened.
    pub message: String,
}

/// A mistake at a byte of the text.
#[derive(Debug)]
struct Problem {
    at: usize,
    message: String,
}

impl Problem {
    fn at(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl Expression {
    /// Reads and checks an expression.
    pub fn parse(
        text: &str,
        environment: &Environment,
        expect: Expect,
    ) -> Result<Self, ExpressionError> {
        let node = Self::check(text, environment, expect).map_err(|problem| ExpressionError {
            column: column(text, problem.at),
            message: problem.message,
        })?;
        let (mut reads, mut groups) = (BTreeSet::new(), BTreeSet::new());
        node.collect_reads(&mut reads);
        node.collect_groups(&mut groups);
        let text = text.to_owned();
        Ok(Self { checked: Arc::new(Inner { text, expect, node, reads, groups }) })
    }

    fn check(text: &str, environment: &Environment, expect: Expect) -> Result<Node, Problem> {
        let bytes_max = limits::EXPRESSION_BYTES_MAX;
        if text.len() > bytes_max {
            let message = format!(
                "the expression is {} bytes long; at most {bytes_max} are allowed",
                text.len()
            );
            return Err(Problem::at(0, message));
        }
        if text.trim().is_empty() {
            return Err(Problem::at(0, "the expression is empty"));
        }
        let ast = parse::parse(&lex::lex(text)?)?;
        let checked = Checker { environment, variable: None }.check(&ast)?;
        meets(&checked, expect)?;
        let steps = checked.node.steps();
        if steps > limits::EXPRESSION_STEP_COUNT_MAX {
            let message = format!(
                "the expression may take {steps} steps; at most {} are allowed: ask fewer questions of each value of a list",
                limits::EXPRESSION_STEP_COUNT_MAX
            );
            return Err(Problem::at(0, message));
        }
        Ok(checked.node)
    }

    /// Its value for these bindings.
    ///
    /// With [`Expect::Boolean`] this is always [`Value::Bool`].
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Result<Value, EvaluationError> {
        let value = Scope::new(bindings).evaluate(&self.checked.node).map(Value::from);
        match value {
            Ok(Value::Absent) if self.checked.expect == Expect::Boolean => Ok(Value::Bool(false)),
            Ok(value) => Ok(value),
            Err(Fault { at, kind }) => Err(EvaluationError {
                column: column(&self.checked.text, at),
                message: kind.to_string(),
            }),
        }
    }

    /// Whether it is true for these bindings.
    pub fn matches(&self, bindings: &Bindings<'_>) -> Result<bool, EvaluationError> {
        self.evaluate(bindings).map(|value| value.is_true())
    }

    /// Why it has its value for these bindings.
    pub fn explain(&self, bindings: &Bindings<'_>) -> Trace {
        let explainer = Explainer { text: &self.checked.text };
        explainer.explain(&Scope::new(bindings), &self.checked.node)
    }

    /// The attributes it reads, as it would write them: `user.department`, `user.name.givenName`,
    /// `login`. An attribute of an attribute with several values stands behind it:
    /// `user.emails.type`. A change of anything else cannot change its value, but for the groups.
    pub fn reads(&self) -> &BTreeSet<String> {
        &self.checked.reads
    }

    /// The groups it asks for by `memberOf`.
    pub fn groups(&self) -> &BTreeSet<String> {
        &self.checked.groups
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.checked.text
    }

    /// Its value, if it is the same for everybody.
    pub fn is_constant(&self) -> Option<Value> {
        let constant = self.checked.reads.is_empty() && self.checked.groups.is_empty();
        constant.then(|| self.evaluate(&Bindings::new()).ok()).flatten()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.checked.text).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.checked.text)
    }
}

fn column(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count()) + 1
}

fn meets(checked: &Checked, expect: Expect) -> Result<(), Problem> {
    let text_list = |of: &Type| matches!(of, Type::String | Type::Unknown);
    let shown = match &checked.path {
        Some(path) => format!("`{path}`"),
        None => "this".to_owned(),
    };
    if let Type::Object(structure) = &checked.r#type
        && structure.whole
    {
        let message = format!("{shown} is everything at once: name one of its attributes");
        return Err(Problem::at(checked.at(), message));
    }
    let (met, needed) = match (expect, &checked.r#type) {
        (Expect::Any, _) => return Ok(()),
        (Expect::Boolean, r#type) => (*r#type == Type::Bool, "true or false is needed here"),
        (Expect::String | Expect::StringOrList, Type::Null) => return Ok(()),
        (Expect::String, r#type) => (*r#type == Type::String, "a string is needed here"),
        (Expect::StringOrList, Type::List(of)) if text_list(of) => return Ok(()),
        (Expect::StringOrList, r#type) => {
            (*r#type == Type::String, "a string or a list of strings is needed here")
        }
    };
    if met {
        return Ok(());
    }
    let advice = match (expect, &checked.r#type, &checked.path) {
        (Expect::Boolean, Type::String, Some(path)) => {
            format!("; compare it, as in `{path} == \"...\"`")
        }
        (Expect::String | Expect::StringOrList, r#type, _)
            if r#type.is_number() || matches!(r#type, Type::Bool | Type::Timestamp) =>
        {
            "; write string(...) around it".to_owned()
        }
        (Expect::String, Type::List(_), _) => {
            "; pick one value with [0], or put them together with .join(\", \")".to_owned()
        }
        _ => String::new(),
    };
    let message = format!("{needed}, but {shown} is {}{advice}", checked.r#type.one());
    Err(Problem::at(checked.at(), message))
}
