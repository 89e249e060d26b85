//! The type check: a tree of names becomes a tree of values, or a sentence that says what is wrong.

use super::Problem;
use super::ast::{Ast, AstKind, Name};
use super::environment::Environment;
use super::lex::Span;
use super::node::{Base, Node, NodeKind, Read};
use super::operator::operate;
use super::suggest::closest;
use super::types::{Field, Shape, Structure, Type};
use super::value::{Value, quote};

/// Checks an expression against the names it may use.
pub(super) struct Checker<'e> {
    pub(super) environment: &'e Environment,
    /// The variable of the macro whose body is being checked.
    pub(super) variable: Option<Variable>,
}

pub(super) struct Variable {
    pub(super) name: String,
    pub(super) r#type: Type,
    pub(super) path: Option<String>,
}

/// A checked part of the expression.
pub(super) struct Checked {
    pub(super) node: Node,
    pub(super) r#type: Type,
    /// The attribute whose value it is, or whose values it is one of.
    pub(super) path: Option<String>,
}

impl Checked {
    pub(super) fn new(kind: NodeKind, span: Span, r#type: Type) -> Self {
        Self { node: Node { kind, span }, r#type, path: None }
    }

    pub(super) fn at(&self) -> usize {
        self.node.span.start
    }
}

impl Checker<'_> {
    pub(super) fn check(&mut self, ast: &Ast) -> Result<Checked, Problem> {
        let span = ast.span;
        let constant = |value, r#type| Ok(Checked::new(NodeKind::Constant(value), span, r#type));
        match &ast.kind {
            AstKind::Null => constant(Value::Absent, Type::Null),
            AstKind::Bool(bool) => constant(Value::Bool(*bool), Type::Bool),
            AstKind::Int(int) => constant(Value::Int(*int), Type::Int),
            AstKind::Double(double) => constant(Value::Double(*double), Type::Double),
            AstKind::Text(text) => constant(Value::String(text.clone()), Type::String),
            AstKind::Name(name) => self.name(name, span),
            AstKind::List(items) => self.list(items, span),
            AstKind::Member(base, name) => {
                let base = self.check(base)?;
                self.select(base, &name.text, name.span, span, false)
            }
            AstKind::Index(base, index) => self.index(base, index, span),
            AstKind::Call { target, name, args } => self.call(target.as_deref(), name, args, span),
            AstKind::Not(inner) => {
                let inner = self.condition(inner, "`!` turns a condition around")?;
                Ok(Checked::new(NodeKind::Not(Box::new(inner)), span, Type::Bool))
            }
            AstKind::Negate(inner) => {
                let inner = self.check(inner)?;
                if !inner.r#type.is_number() {
                    let message = format!("`-` needs a number, but this is {}", inner.r#type.one());
                    return Err(Problem::at(inner.at(), message));
                }
                let r#type = inner.r#type;
                Ok(Checked::new(NodeKind::Negate(Box::new(inner.node)), span, r#type))
            }
            AstKind::Logic(logic, operands) => {
                let operands = operands
                    .iter()
                    .map(|operand| self.condition(operand, "conditions are joined here"))
                    .collect::<Result<_, _>>()?;
                Ok(Checked::new(NodeKind::Logic(*logic, operands), span, Type::Bool))
            }
            AstKind::Binary(binary, sides) => {
                let [left, right] = &**sides;
                operate(*binary, self.check(left)?, self.check(right)?, span)
            }
            AstKind::Choose(parts) => self.choose(parts, span),
        }
    }

    /// Checks a part that has to be true or false.
    pub(super) fn condition(&mut self, ast: &Ast, why: &str) -> Result<Node, Problem> {
        let checked = self.check(ast)?;
        if checked.r#type == Type::Bool {
            return Ok(checked.node);
        }
        let advice = match (&checked.r#type, &checked.path) {
            (Type::String, Some(path)) => {
                format!("; compare it, as in `{path} == \"...\"`, or ask `has({path})`")
            }
            _ => String::new(),
        };
        let message = format!("{why}, but this is {}{advice}", checked.r#type.one());
        Err(Problem::at(checked.at(), message))
    }

    fn name(&self, name: &str, span: Span) -> Result<Checked, Problem> {
        let (base, r#type, path) = match &self.variable {
            Some(variable) if variable.name == name => {
                (Base::Variable, variable.r#type.clone(), variable.path.clone())
            }
            _ => match self.environment.root(name) {
                Some(r#type) => {
                    (Base::Root(Box::from(name)), r#type.clone(), Some(name.to_owned()))
                }
                None => return Err(Problem::at(span.start, self.unknown_name(name))),
            },
        };
        let shape = r#type.shape().unwrap_or(Shape::Text);
        let read = Read { base, keys: Vec::new(), shape, path: path.clone() };
        Ok(Checked { node: Node { kind: NodeKind::Read(read), span }, r#type, path })
    }

    fn unknown_name(&self, name: &str) -> String {
        let inside = self.environment.roots().find_map(|(root, r#type)| match r#type {
            Type::Object(structure) => structure
                .fields
                .keys()
                .find(|field| field.eq_ignore_ascii_case(name))
                .map(|field| member(root, field)),
            _ => None,
        });
        let variable = self.variable.iter().map(|variable| variable.name.as_str());
        let names = self.environment.roots().map(|(root, _)| root).chain(variable);
        match inside.or_else(|| closest(name, names).map(str::to_owned)) {
            Some(meant) => format!("unknown name `{name}`; did you mean `{meant}`?"),
            None => {
                let roots: Vec<_> =
                    self.environment.roots().map(|(root, _)| format!("`{root}`")).collect();
                format!("unknown name `{name}`; the names here are {}", roots.join(", "))
            }
        }
    }

    /// `base.name`, or `base["name"]` by key.
    fn select(
        &self,
        base: Checked,
        name: &str,
        at: Span,
        span: Span,
        by_key: bool,
    ) -> Result<Checked, Problem> {
        let shown = base.path.clone();
        let structure = match &base.r#type {
            Type::Object(structure) => structure,
            other => {
                return Err(Problem::at(at.start, no_attributes(shown.as_deref(), other, name)));
            }
        };
        let field =
            if by_key { structure.by_key(name) } else { structure.fields.get(name) }.cloned();
        let Some(field) = field else {
            let shown = shown.as_deref().unwrap_or("the object");
            return Err(Problem::at(at.start, unknown_attribute(shown, structure, name)));
        };
        if field.secret {
            let message = format!("`{name}` can never be read");
            return Err(Problem::at(at.start, message));
        }
        Ok(self.read(base, name, field, span))
    }

    fn read(&self, base: Checked, name: &str, field: Field, span: Span) -> Checked {
        let shape = field.r#type.shape().unwrap_or(Shape::Text);
        let mut read = match base.node.kind {
            NodeKind::Read(read) => Read { shape, ..read },
            kind => {
                let base = Node { kind, span: base.node.span };
                Read { base: Base::Node(Box::new(base)), keys: Vec::new(), shape, path: None }
            }
        };
        read.keys.extend(field.keys);
        read.path = match &read.base {
            Base::Root(root) => Some(self.path(root, &read.keys)),
            Base::Variable | Base::Node(_) => base.path.map(|path| member(&path, name)),
        };
        let path = read.path.clone();
        Checked { node: Node { kind: NodeKind::Read(read), span }, r#type: field.r#type, path }
    }

    /// The shortest way to write the attribute: `user.department` also where it was reached by URN.
    fn path(&self, root: &str, keys: &[Box<str>]) -> String {
        let Some(Type::Object(structure)) = self.environment.root(root) else {
            return root.to_owned();
        };
        let flat = keys.iter().take(2).enumerate().find(|(index, key)| {
            structure.fields.get(&***key).is_some_and(|field| field.keys == keys[..=*index])
        });
        match flat {
            Some((index, key)) => {
                keys[index + 1..].iter().fold(member(root, key), |path, key| member(&path, key))
            }
            None => keys.iter().fold(root.to_owned(), |path, key| member(&path, key)),
        }
    }

    fn index(&mut self, base: &Ast, index: &Ast, span: Span) -> Result<Checked, Problem> {
        let base = self.check(base)?;
        match &base.r#type {
            Type::List(of) => {
                let r#type = if **of == Type::Unknown { Type::Null } else { (**of).clone() };
                let index = self.check(index)?;
                if index.r#type != Type::Int {
                    let message = format!(
                        "a place in a list is a whole number, counted from 0, but this is {}",
                        index.r#type.one()
                    );
                    return Err(Problem::at(index.at(), message));
                }
                let path = base.path;
                let kind = NodeKind::Index(Box::new([base.node, index.node]));
                Ok(Checked { path, ..Checked::new(kind, span, r#type) })
            }
            Type::Object(_) => match &index.kind {
                AstKind::Text(name) => self.select(base, name, index.span, span, true),
                _ => Err(Problem::at(
                    index.span.start,
                    "the name of an attribute has to be written out in quotes",
                )),
            },
            other => {
                let message = format!("{} has no places to pick from", other.one());
                Err(Problem::at(index.span.start, message))
            }
        }
    }

    fn list(&mut self, items: &[Ast], span: Span) -> Result<Checked, Problem> {
        let mut of = Type::Unknown;
        let mut nodes = Vec::new();
        for item in items {
            let item = self.check(item)?;
            let at = item.at();
            match &item.r#type {
                Type::Null => {
                    return Err(Problem::at(at, "null cannot stand in a list: leave it out"));
                }
                Type::List(_) => {
                    return Err(Problem::at(at, "a list cannot hold lists: join them with `+`"));
                }
                _ => {}
            }
            of = of.unify(&item.r#type).ok_or_else(|| {
                let message = format!(
                    "a list holds values of one type: the first is {}, this is {}",
                    of.one(),
                    item.r#type.one()
                );
                Problem::at(at, message)
            })?;
            nodes.push(item.node);
        }
        let constants: Option<Vec<Value>> = nodes
            .iter()
            .map(|node| match &node.kind {
                NodeKind::Constant(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let kind = match constants {
            Some(values) => NodeKind::Constant(Value::List(values)),
            None => NodeKind::List(nodes),
        };
        Ok(Checked::new(kind, span, Type::list(of)))
    }

    fn choose(&mut self, parts: &[Ast; 3], span: Span) -> Result<Checked, Problem> {
        let [condition, yes, no] = parts;
        let condition = self.condition(condition, "`?` needs a condition before it")?;
        let (yes, no) = (self.check(yes)?, self.check(no)?);
        let r#type = yes.r#type.unify(&no.r#type).ok_or_else(|| {
            let message = format!(
                "both outcomes must be of one type: the first is {}, this is {}",
                yes.r#type.one(),
                no.r#type.one()
            );
            Problem::at(no.at(), message)
        })?;
        let kind = NodeKind::Choose(Box::new([condition, yes.node, no.node]));
        Ok(Checked::new(kind, span, r#type))
    }

    pub(super) fn is_taken(&self, name: &Name) -> bool {
        self.environment.root(&name.text).is_some()
    }
}

/// `path.name`, or `path["name"]` where the name is no identifier.
pub(super) fn member(path: &str, name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(name, "true" | "false" | "null" | "in");
    if plain { format!("{path}.{name}") } else { format!("{path}[{}]", quote(name)) }
}

fn no_attributes(path: Option<&str>, r#type: &Type, name: &str) -> String {
    let Some(path) = path else {
        return format!("{} has no attributes", r#type.one());
    };
    match r#type {
        Type::List(of) if matches!(**of, Type::Object(_)) => format!(
            "`{path}` holds several values: pick one, as in `{path}[0].{name}`, or ask them all, as in `{path}.exists(x, x.{name} == \"...\")`"
        ),
        other => format!("`{path}` is {} and has no attributes", other.one()),
    }
}

fn unknown_attribute(path: &str, structure: &Structure, name: &str) -> String {
    if let Some(urns) = structure.ambiguous.get(name) {
        let ways: Vec<_> =
            urns.iter().map(|urn| format!("`{}`", member(&member(path, urn), name))).collect();
        return format!("several extensions define `{name}`: write {}", ways.join(" or "));
    }
    let names = structure.fields.keys().map(String::as_str);
    let urns = structure.schemas.iter().map(|(urn, _)| urn.as_str());
    let suggestion = match structure.below(name) {
        Some(below) => Some(format!("{path}.{below}")),
        None => closest(name, names.chain(urns)).map(str::to_owned),
    };
    match suggestion {
        Some(meant) => format!("`{path}` has no attribute `{name}`; did you mean `{meant}`?"),
        None => format!("`{path}` has no attribute `{name}`"),
    }
}
