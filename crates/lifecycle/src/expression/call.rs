//! The type check of calls: functions, `has`, `matches`, `memberOf`, `coalesce` and the macros.

use regex::RegexBuilder;

use super::Problem;
use super::ast::{Ast, AstKind, Name};
use super::check::{Checked, Checker, Variable};
use super::functions::Function;
use super::lex::Span;
use super::node::{Each, Node, NodeKind, Quantity};
use super::signature::{Form, SIGNATURES, Signature, Takes};
use super::suggest::closest;
use super::types::Type;
use super::value::{Value, timestamp};
use crate::limits;

/// What is called like a function, but is none of [`SIGNATURES`]; with an example of each.
const SPECIAL: [(&str, &str); 9] = [
    ("has", "has(user.title)"),
    ("matches", "user.title.matches(\"(?i)engineer\")"),
    ("memberOf", "memberOf(\"Sales\")"),
    ("coalesce", "coalesce(user.displayName, user.userName)"),
    ("exists", "user.emails.exists(x, x.type == \"work\")"),
    ("all", "user.emails.all(x, x.value.endsWith(\"@acme.com\"))"),
    ("exists_one", "user.emails.exists_one(x, x.primary)"),
    ("filter", "user.emails.filter(x, x.type == \"work\")"),
    ("map", "user.emails.map(x, x.value)"),
];

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        target: Option<&Ast>,
        name: &Name,
        args: &[Ast],
        span: Span,
    ) -> Result<Checked, Problem> {
        match (name.text.as_str(), target) {
            ("has", None) => self.has(name, args, span),
            ("memberOf", None) => self.member_of(name, args, span),
            ("coalesce", None) => self.coalesce(name, args, span),
            ("matches", target) => {
                let all: Vec<&Ast> = target.into_iter().chain(args).collect();
                self.matches(name, &all, span)
            }
            (text, Some(target)) if Quantity::named(text).is_some() => {
                self.each(target, name, args, span)
            }
            (text, target) => match SIGNATURES.iter().find(|signature| signature.name == text) {
                Some(signature) => self.function(signature, target, name, args, span),
                None => Err(Problem::at(name.span.start, unknown_function(text, target))),
            },
        }
    }

    fn function(
        &mut self,
        signature: &Signature,
        target: Option<&Ast>,
        name: &Name,
        args: &[Ast],
        span: Span,
    ) -> Result<Checked, Problem> {
        let placed = match signature.form {
            Form::Behind => target.is_some(),
            Form::Around => target.is_none(),
            Form::Either => true,
        };
        if !placed {
            return Err(misplaced(signature.name, signature.example, target.is_some(), name));
        }
        let all: Vec<&Ast> = target.into_iter().chain(args).collect();
        let (most, least) = (signature.takes.len(), signature.takes.len() - signature.optional);
        if all.len() < least || all.len() > most {
            return Err(miscounted(name, signature.example));
        }
        let mut nodes = Vec::new();
        for (takes, ast) in signature.takes.iter().zip(&all) {
            let arg = self.check(ast)?;
            if !takes.accepts(&arg.r#type) {
                let message = format!(
                    "`{}` needs {} here, but this is {}{}",
                    name.text,
                    takes.describe(),
                    arg.r#type.one(),
                    match arg.r#type {
                        Type::Int | Type::Double | Type::Bool if *takes == Takes::Text => {
                            "; write string(...) around it"
                        }
                        _ => "",
                    }
                );
                return Err(Problem::at(arg.at(), message));
            }
            nodes.push(arg.node);
        }
        if let Some(constant) = moment(signature.function, &nodes)? {
            return Ok(Checked::new(constant, span, Type::Timestamp));
        }
        let r#type = signature.function.result();
        Ok(Checked::new(NodeKind::Call(signature.function, nodes), span, r#type))
    }

    /// `has(user.title)`: as in CEL only around an attribute.
    fn has(&mut self, name: &Name, args: &[Ast], span: Span) -> Result<Checked, Problem> {
        let [arg] = args else {
            return Err(miscounted(name, "has(user.title)"));
        };
        if !matches!(arg.kind, AstKind::Member(..)) {
            let message = "`has` asks for an attribute of something, as in has(user.title)";
            return Err(Problem::at(arg.span.start, message));
        }
        let arg = self.check(arg)?;
        Ok(Checked::new(NodeKind::Has(Box::new(arg.node)), span, Type::Bool))
    }

    fn member_of(&mut self, name: &Name, args: &[Ast], span: Span) -> Result<Checked, Problem> {
        if !self.environment.knows_groups() {
            return Err(Problem::at(name.span.start, "groups cannot be asked for here"));
        }
        match args {
            [Ast { kind: AstKind::Text(group), .. }] => {
                Ok(Checked::new(NodeKind::MemberOf(group.clone()), span, Type::Bool))
            }
            [other] => {
                let message = "the group's name has to be written out in quotes";
                Err(Problem::at(other.span.start, message))
            }
            _ => Err(miscounted(name, "memberOf(\"Sales\")")),
        }
    }

    fn coalesce(&mut self, name: &Name, args: &[Ast], span: Span) -> Result<Checked, Problem> {
        if args.len() < 2 {
            return Err(miscounted(name, "coalesce(user.displayName, user.userName)"));
        }
        let mut r#type = Type::Null;
        let mut nodes = Vec::new();
        for arg in args {
            let arg = self.check(arg)?;
            r#type = r#type.unify(&arg.r#type).ok_or_else(|| {
                let message = format!(
                    "all values must be of one type: the first is {}, this is {}",
                    r#type.one(),
                    arg.r#type.one()
                );
                Problem::at(arg.at(), message)
            })?;
            nodes.push(arg.node);
        }
        Ok(Checked::new(NodeKind::Coalesce(nodes), span, r#type))
    }

    fn matches(&mut self, name: &Name, all: &[&Ast], span: Span) -> Result<Checked, Problem> {
        let [text, pattern] = all else {
            return Err(miscounted(name, "user.title.matches(\"(?i)engineer\")"));
        };
        let text = self.check(text)?;
        if text.r#type != Type::String {
            let message =
                format!("`matches` needs a string here, but this is {}", text.r#type.one());
            return Err(Problem::at(text.at(), message));
        }
        let at = pattern.span.start;
        let AstKind::Text(pattern) = &pattern.kind else {
            return Err(Problem::at(at, "the pattern has to be written out in quotes"));
        };
        let pattern = RegexBuilder::new(pattern)
            .size_limit(limits::EXPRESSION_PATTERN_BYTES_MAX)
            .dfa_size_limit(limits::EXPRESSION_PATTERN_BYTES_MAX)
            .build()
            .map_err(|error| Problem::at(at, bad_pattern(&error)))?;
        let kind = NodeKind::Matches { text: Box::new(text.node), pattern };
        Ok(Checked::new(kind, span, Type::Bool))
    }

    /// `range.exists(x, ...)` and its kin.
    fn each(
        &mut self,
        range: &Ast,
        name: &Name,
        args: &[Ast],
        span: Span,
    ) -> Result<Checked, Problem> {
        let (quantity, example) = match Quantity::named(&name.text) {
            Some(quantity) => (quantity, example(&name.text).unwrap_or_default()),
            None => return Err(Problem::at(name.span.start, unknown_function(&name.text, None))),
        };
        let [variable, body] = args else {
            return Err(miscounted(name, example));
        };
        let AstKind::Name(text) = &variable.kind else {
            let message =
                format!("`{}` needs a name for each value first, as in `{example}`", name.text);
            return Err(Problem::at(variable.span.start, message));
        };
        if self.variable.is_some() {
            let message = format!("`{}` cannot stand within another of its kind", name.text);
            return Err(Problem::at(name.span.start, message));
        }
        if self.is_taken(&Name { text: text.clone(), span: variable.span }) {
            let message = format!("`{text}` is taken: choose another name for each value");
            return Err(Problem::at(variable.span.start, message));
        }
        let range = self.check(range)?;
        let Type::List(of) = &range.r#type else {
            let message = format!(
                "`{}` needs a list before it, but this is {}",
                name.text,
                range.r#type.one()
            );
            return Err(Problem::at(range.at(), message));
        };
        let of = if **of == Type::Unknown { Type::Null } else { (**of).clone() };
        self.variable =
            Some(Variable { name: text.clone(), r#type: of.clone(), path: range.path.clone() });
        let body = if quantity == Quantity::Map {
            self.mapped(body)
        } else {
            let why = format!("`{}` needs a condition", name.text);
            self.condition(body, &why).map(|node| (node, Type::Bool))
        };
        self.variable = None;
        let (body, mapped) = body?;
        let path = if quantity == Quantity::Filter { range.path } else { None };
        let each = Each { quantity, range: Box::new(range.node), body: Box::new(body) };
        let r#type = quantity.result(&of, &mapped);
        Ok(Checked { path, ..Checked::new(NodeKind::Each(each), span, r#type) })
    }

    fn mapped(&mut self, body: &Ast) -> Result<(Node, Type), Problem> {
        let body = self.check(body)?;
        match body.r#type {
            Type::List(_) => Err(Problem::at(body.at(), "a list cannot hold lists")),
            Type::Null => Err(Problem::at(body.at(), "null cannot stand in a list")),
            r#type => Ok((body.node, r#type)),
        }
    }
}

/// A point in time that is written out is read at once, so that a slip is found at once.
fn moment(function: Function, nodes: &[Node]) -> Result<Option<NodeKind>, Problem> {
    let ([Node { kind: NodeKind::Constant(Value::String(text)), span }], true) =
        (nodes, matches!(function, Function::Timestamp | Function::Date))
    else {
        return Ok(None);
    };
    let (parsed, like) = match function {
        // CEL: RFC 3339, with an offset.
        Function::Timestamp => (text.parse().ok(), "2026-01-31T00:00:00Z"),
        _ => (timestamp(text), "2026-01-31"),
    };
    match parsed {
        Some(timestamp) => Ok(Some(NodeKind::Constant(Value::Timestamp(timestamp)))),
        None => {
            let message = format!("\"{text}\" cannot be read; write it as in \"{like}\"");
            Err(Problem::at(span.start, message))
        }
    }
}

fn example(name: &str) -> Option<&'static str> {
    let special = SPECIAL.iter().find(|(special, _)| *special == name).map(|(_, example)| *example);
    let signature = || SIGNATURES.iter().find(|signature| signature.name == name);
    special.or_else(|| signature().map(|signature| signature.example))
}

fn miscounted(name: &Name, example: &str) -> Problem {
    let message = format!("`{}` is written with other values, as in `{example}`", name.text);
    Problem::at(name.span.start, message)
}

fn misplaced(function: &str, example: &str, behind: bool, name: &Name) -> Problem {
    let place = if behind { "around its value" } else { "behind its value" };
    let message = format!("`{function}` stands {place}, as in `{example}`");
    Problem::at(name.span.start, message)
}

fn unknown_function(name: &str, target: Option<&Ast>) -> String {
    if let Some(example) = example(name) {
        let place = if target.is_some() { "around its value" } else { "behind its value" };
        return format!("`{name}` stands {place}, as in `{example}`");
    }
    let names = SIGNATURES.iter().map(|signature| signature.name);
    let names = names.chain(SPECIAL.iter().map(|(name, _)| *name));
    match closest(name, names) {
        Some(meant) => format!("unknown function `{name}`; did you mean `{meant}`?"),
        None => format!("unknown function `{name}`"),
    }
}

fn bad_pattern(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this pattern is too large: shorten it".to_owned(),
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            format!("this pattern is wrong: {}", reason.trim_start_matches("error: "))
        }
    }
}
