//! The type check of operators between two values.

use super::Problem;
use super::ast::Binary;
use super::check::Checked;
use super::lex::Span;
use super::node::{Node, NodeKind, Texts};
use super::types::Type;
use super::value::Value;

/// Checks that the two sides go with the operator.
pub(super) fn operate(
    binary: Binary,
    left: Checked,
    right: Checked,
    span: Span,
) -> Result<Checked, Problem> {
    match binary {
        Binary::Equal | Binary::NotEqual => equal(binary, left, right, span),
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
            order(binary, left, right, span)
        }
        Binary::In => contained(left, right, span),
        Binary::Add => add(left, right, span),
        Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
            arithmetic(binary, left, right, span)
        }
    }
}

fn pair(left: Checked, right: Checked) -> Box<[Node; 2]> {
    Box::new([left.node, right.node])
}

fn equal(binary: Binary, left: Checked, right: Checked, span: Span) -> Result<Checked, Problem> {
    let negated = binary == Binary::NotEqual;
    let null = |checked: &Checked| checked.r#type == Type::Null;
    if null(&left) || null(&right) {
        let of = if null(&left) { right } else { left };
        if let Type::List(_) = of.r#type {
            let message = "a list is never null; ask for its size, as in size(user.emails) == 0";
            return Err(Problem::at(of.at(), message));
        }
        let kind = NodeKind::IsNull { negated, of: Box::new(of.node) };
        return Ok(Checked::new(kind, span, Type::Bool));
    }
    comparable(&left, &right, right.at())?;
    let kind = NodeKind::Equal { negated, sides: pair(left, right) };
    Ok(Checked::new(kind, span, Type::Bool))
}

fn comparable(left: &Checked, right: &Checked, at: usize) -> Result<(), Problem> {
    let (a, b) = (&left.r#type, &right.r#type);
    let objects = |r#type: &Type| match r#type {
        Type::Object(_) => true,
        Type::List(of) => matches!(**of, Type::Object(_)),
        _ => false,
    };
    if let Some(object) = [left, right].into_iter().find(|side| objects(&side.r#type)) {
        let message =
            format!("{} cannot be compared: compare one of its attributes", object.r#type.one());
        return Err(Problem::at(object.at(), message));
    }
    if (a.is_number() && b.is_number()) || a.unify(b).is_some() {
        return Ok(());
    }
    let message = format!(
        "cannot compare {} with {}{}",
        a.one_loosely(),
        b.one_loosely(),
        advice(left, right)
    );
    Err(Problem::at(at, message))
}

/// What to write instead of a comparison that cannot be made.
fn advice(left: &Checked, right: &Checked) -> String {
    let (a, b) = (&left.r#type, &right.r#type);
    match (a, b, &right.node.kind) {
        (Type::String, Type::Int, NodeKind::Constant(number)) => {
            format!("; in quotes it is a string: \"{number}\"")
        }
        (Type::Bool, Type::String, NodeKind::Constant(Value::String(text)))
            if text == "true" || text == "false" =>
        {
            format!("; write {text} without quotes")
        }
        (Type::Int | Type::Double, Type::String, NodeKind::Constant(Value::String(text)))
            if text.parse::<f64>().is_ok() =>
        {
            format!("; write {text} without quotes")
        }
        (Type::Timestamp, Type::String, _) | (Type::String, Type::Timestamp, _) => {
            "; write date(...) or timestamp(...) around the string".to_owned()
        }
        (Type::List(_), _, _) => "; ask with `in`, the list on the right".to_owned(),
        (_, Type::List(_), _) => "; ask with `in` instead of `==`".to_owned(),
        _ => String::new(),
    }
}

fn order(binary: Binary, left: Checked, right: Checked, span: Span) -> Result<Checked, Problem> {
    for side in [&left, &right] {
        if !(side.r#type.is_number() || matches!(side.r#type, Type::String | Type::Timestamp)) {
            let message = format!(
                "`{}` compares numbers, strings and points in time, but this is {}",
                binary.symbol(),
                side.r#type.one()
            );
            return Err(Problem::at(side.at(), message));
        }
    }
    comparable(&left, &right, right.at())?;
    Ok(Checked::new(NodeKind::Order(binary, pair(left, right)), span, Type::Bool))
}

fn contained(item: Checked, list: Checked, span: Span) -> Result<Checked, Problem> {
    let of = match &list.r#type {
        Type::List(of) => (**of).clone(),
        Type::String => {
            let message = "`in` needs a list on its right, but this is a string; to look inside a string use `.contains(...)`";
            return Err(Problem::at(list.at(), message));
        }
        other => {
            let message = format!("`in` needs a list on its right, but this is {}", other.one());
            return Err(Problem::at(list.at(), message));
        }
    };
    if let (Type::Object(_), Some(path)) = (&of, &list.path) {
        let message = format!(
            "`{path}` holds objects; ask each of them, as in `{path}.exists(x, x.value == \"...\")`"
        );
        return Err(Problem::at(list.at(), message));
    }
    if item.r#type == Type::Null {
        return Err(Problem::at(item.at(), "null is in no list"));
    }
    let (item_at, list_at) = (item.at(), list.at());
    let value = Checked::new(NodeKind::Constant(Value::Absent), list.node.span, of);
    comparable(&item, &value, list_at).map_err(|problem| {
        if problem.at == item_at {
            return problem;
        }
        let message =
            format!("cannot look for {} among {}", item.r#type.one_loosely(), value.r#type.many());
        Problem::at(list_at, message)
    })?;
    let written = match &list.node.kind {
        NodeKind::Constant(Value::List(values)) => {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    let kind = match written {
        Some(written) => {
            NodeKind::InTexts { item: Box::new(item.node), texts: Texts::new(written) }
        }
        None => NodeKind::In(pair(item, list)),
    };
    Ok(Checked::new(kind, span, Type::Bool))
}

fn add(left: Checked, right: Checked, span: Span) -> Result<Checked, Problem> {
    let (a, b) = (&left.r#type, &right.r#type);
    match (a, b) {
        (Type::String, Type::String) => {
            Ok(Checked::new(NodeKind::Concatenate(pair(left, right)), span, Type::String))
        }
        (Type::List(_), Type::List(_)) => match a.unify(b) {
            Some(r#type) => Ok(Checked::new(NodeKind::Append(pair(left, right)), span, r#type)),
            None => {
                let message = format!("cannot join {} with {}", a.one(), b.one());
                Err(Problem::at(right.at(), message))
            }
        },
        (Type::String, b) if b.is_number() || *b == Type::Bool => Err(Problem::at(
            right.at(),
            format!("cannot add {} to a string; write string(...) around it", b.one_loosely()),
        )),
        (a, Type::String) if a.is_number() || *a == Type::Bool => Err(Problem::at(
            left.at(),
            format!("cannot add a string to {}; write string(...) around it", a.one_loosely()),
        )),
        _ => arithmetic(Binary::Add, left, right, span),
    }
}

fn arithmetic(
    binary: Binary,
    left: Checked,
    right: Checked,
    span: Span,
) -> Result<Checked, Problem> {
    let symbol = binary.symbol();
    for side in [&left, &right] {
        if !side.r#type.is_number() {
            let message = format!("`{symbol}` needs numbers, but this is {}", side.r#type.one());
            return Err(Problem::at(side.at(), message));
        }
    }
    if left.r#type != right.r#type {
        let message = format!(
            "`{symbol}` cannot mix whole and decimal numbers; write double(...) around the whole one"
        );
        return Err(Problem::at(right.at(), message));
    }
    if binary == Binary::Remainder && left.r#type == Type::Double {
        return Err(Problem::at(right.at(), "`%` needs whole numbers"));
    }
    let division = matches!(binary, Binary::Divide | Binary::Remainder);
    if division && matches!(right.node.kind, NodeKind::Constant(Value::Int(0))) {
        return Err(Problem::at(right.at(), "nothing can be divided by zero"));
    }
    let r#type = left.r#type.clone();
    Ok(Checked::new(NodeKind::Arithmetic(binary, pair(left, right)), span, r#type))
}
