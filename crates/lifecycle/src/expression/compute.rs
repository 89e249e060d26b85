//! What operators make of values, and what may go wrong with it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::ast::Binary;
use super::value::Val;
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

/// `-` before a number.
pub(super) fn negate<'a>(val: &Val<'a>, at: usize) -> Result<Val<'a>, Fault> {
    Ok(match val {
        Val::Int(int) => Val::Int(int.checked_neg().ok_or(overflow(at))?),
        Val::Double(double) => Val::Double(-double),
        _ => Val::Absent,
    })
}

/// Fails if a string of that many bytes is longer than an expression may make.
pub(super) fn fits(bytes: usize, at: usize) -> Result<(), Fault> {
    if bytes > limits::EXPRESSION_TEXT_BYTES_MAX { Err(Fault::too_long(at)) } else { Ok(()) }
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

pub(super) fn arithmetic<'a>(
    binary: Binary,
    a: &Val<'a>,
    b: &Val<'a>,
    at: usize,
) -> Result<Val<'a>, Fault> {
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
pub(super) fn concatenate<'a>(left: Val<'a>, right: &Val<'a>, at: usize) -> Result<Val<'a>, Fault> {
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

fn overflow(at: usize) -> Fault {
    Fault { at, kind: FaultKind::Overflow }
}
