//! The functions: what each does.
//!
//! One absent value among the arguments makes the result absent, and a test false; [`Function::Size`]
//! and [`Function::Join`] count a missing list as empty.

use std::borrow::Cow;

use jiff::civil::Time;
use jiff::tz::Offset;

use super::compute::{Fault, fits};
use super::types::Type;
use super::value::{Items, Val, timestamp};
use crate::limits;

/// The functions that take evaluated arguments. `has`, `matches`, `memberOf`, `coalesce` and the
/// macros are nodes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
    LowerAscii,
    UpperAscii,
    Trim,
    Replace,
    Substring,
    Split,
    Join,
    Size,
    String,
    Int,
    Double,
    Timestamp,
    Date,
    Ascii,
    Lower,
    Upper,
    Initial,
    Domain,
    LocalPart,
}

/// The most values any function takes.
pub(super) const ARGUMENTS_MAX: usize = 4;

impl Function {
    /// The type of the result.
    pub(super) fn result(self) -> Type {
        match self {
            Self::StartsWith | Self::EndsWith | Self::Contains => Type::Bool,
            Self::Size | Self::Int => Type::Int,
            Self::Double => Type::Double,
            Self::Timestamp | Self::Date => Type::Timestamp,
            Self::Split => Type::list(Type::String),
            Self::LowerAscii
            | Self::UpperAscii
            | Self::Trim
            | Self::Replace
            | Self::Substring
            | Self::Join
            | Self::String
            | Self::Ascii
            | Self::Lower
            | Self::Upper
            | Self::Initial
            | Self::Domain
            | Self::LocalPart => Type::String,
        }
    }

    /// Applies it to what was evaluated; arguments that were left out are absent, `count` says how
    /// many there are.
    pub(super) fn apply<'a>(
        self,
        mut args: [Val<'a>; ARGUMENTS_MAX],
        count: usize,
        at: usize,
    ) -> Result<Val<'a>, Fault> {
        if matches!(self, Self::Size | Self::Join)
            && let Val::List(items) = &args[0]
        {
            let separator = match &args[1] {
                Val::Text(separator) => separator.as_ref(),
                _ if count == 2 => return Ok(Val::Absent),
                _ => "",
            };
            return match self {
                Self::Size => Ok(Val::Int(length(items.len()))),
                _ => join(items, separator, at),
            };
        }
        if args[..count].iter().any(|arg| matches!(arg, Val::Absent)) {
            let test = matches!(self, Self::StartsWith | Self::EndsWith | Self::Contains);
            return Ok(if test { Val::Bool(false) } else { Val::Absent });
        }
        let first = std::mem::take(&mut args[0]);
        let Val::Text(text) = first else {
            return Ok(convert(self, &first));
        };
        let word = |index: usize| match &args[index] {
            Val::Text(text) => text.as_ref(),
            _ => "",
        };
        let number = |index: usize| match &args[index] {
            Val::Int(int) => Some(*int),
            _ => None,
        };
        Ok(match self {
            Self::StartsWith => Val::Bool(text.starts_with(word(1))),
            Self::EndsWith => Val::Bool(text.ends_with(word(1))),
            Self::Contains => Val::Bool(text.contains(word(1))),
            Self::LowerAscii => own(text.to_ascii_lowercase()),
            Self::UpperAscii => own(text.to_ascii_uppercase()),
            Self::Trim => own(text.trim().to_owned()),
            Self::Replace => return replace(&text, word(1), word(2), number(3), at),
            Self::Substring => own(substring(&text, number(1).unwrap_or(0), number(2))),
            Self::Split => return split(&text, word(1), number(2).unwrap_or(-1), at),
            Self::Size => Val::Int(length(text.chars().count())),
            Self::String => Val::Text(text),
            Self::Int => text.parse().map(Val::Int).unwrap_or_default(),
            Self::Double => text.parse().map(Val::Double).unwrap_or_default(),
            Self::Timestamp | Self::Date => {
                timestamp(&text).map(Val::Timestamp).unwrap_or_default()
            }
            Self::Ascii => return ascii(&text, at),
            Self::Lower => return checked(text.to_lowercase(), at),
            Self::Upper => return checked(text.to_uppercase(), at),
            Self::Initial => {
                text.trim().chars().next().map(|c| own(c.to_string())).unwrap_or_default()
            }
            Self::Domain => {
                mail(&text).map(|(_, domain)| own(domain.to_owned())).unwrap_or_default()
            }
            Self::LocalPart => {
                mail(&text).map(|(local, _)| own(local.to_owned())).unwrap_or_default()
            }
            // The check lets only lists through.
            Self::Join => Val::Absent,
        })
    }
}

fn own<'a>(text: String) -> Val<'a> {
    Val::Text(Cow::Owned(text))
}

fn checked<'a>(text: String, at: usize) -> Result<Val<'a>, Fault> {
    fits(text.len(), at).map(|()| own(text))
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Conversions of what is no string.
fn convert<'a>(function: Function, val: &Val<'a>) -> Val<'a> {
    match (function, val) {
        (Function::String, Val::Bool(bool)) => own(bool.to_string()),
        (Function::String, Val::Int(int)) => own(int.to_string()),
        (Function::String, Val::Double(double)) => own(double.to_string()),
        (Function::String, Val::Timestamp(timestamp)) => own(timestamp.to_string()),
        (Function::Int, Val::Int(int)) => Val::Int(*int),
        // CEL: strictly between the smallest and the largest, which also leaves out NaN.
        (Function::Int, Val::Double(double))
            if *double > i64::MIN as f64 && *double < i64::MAX as f64 =>
        {
            Val::Int(*double as i64)
        }
        (Function::Double, Val::Double(double)) => Val::Double(*double),
        (Function::Double, Val::Int(int)) => Val::Double(*int as f64),
        (Function::Timestamp, Val::Timestamp(timestamp)) => Val::Timestamp(*timestamp),
        (Function::Date, Val::Timestamp(timestamp)) => {
            let day = Offset::UTC.to_datetime(*timestamp).date().to_datetime(Time::midnight());
            Offset::UTC.to_timestamp(day).map(Val::Timestamp).unwrap_or_default()
        }
        _ => Val::Absent,
    }
}

fn join<'a>(items: &Items<'a>, separator: &str, at: usize) -> Result<Val<'a>, Fault> {
    let mut text = String::new();
    for (index, item) in items.iter().filter(|item| !matches!(item, Val::Absent)).enumerate() {
        let Val::Text(item) = item else { continue };
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(&item);
        fits(text.len(), at)?;
    }
    Ok(own(text))
}

/// Replaces the first `count` occurrences, or all of them when it is negative or left out.
fn replace<'a>(
    text: &str,
    from: &str,
    to: &str,
    count: Option<i64>,
    at: usize,
) -> Result<Val<'a>, Fault> {
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    // Before it is made: a short text can become very long.
    let found = text.matches(from).take(count).count();
    fits((text.len() - found * from.len()).saturating_add(found.saturating_mul(to.len())), at)?;
    Ok(own(text.replacen(from, to, count)))
}

/// The characters from `start` to before `end`. Unlike in CEL it is no error if they do not reach
/// that far: names are sometimes shorter.
fn substring(text: &str, start: i64, end: Option<i64>) -> String {
    let place = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX);
    let start = place(start);
    let end = end.map_or(usize::MAX, place);
    text.chars().skip(start).take(end.saturating_sub(start)).collect()
}

/// At most `count` parts, the last with the rest; all of them when it is negative. Nothing between
/// separates single characters.
fn split<'a>(text: &str, separator: &str, count: i64, at: usize) -> Result<Val<'a>, Fault> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts: Vec<Val<'a>> = Vec::new();
    let mut rest = text;
    let mut open = count > 0;
    while open {
        let next = if separator.is_empty() {
            let mut chars = rest.chars();
            let first = chars.next().map(|c| (&rest[..c.len_utf8()], chars.as_str()));
            first.filter(|(_, after)| !after.is_empty())
        } else {
            rest.split_once(separator)
        };
        let part = match next {
            Some((part, after)) if parts.len() + 1 < count => {
                rest = after;
                part
            }
            _ => {
                open = false;
                rest
            }
        };
        if !(separator.is_empty() && part.is_empty()) {
            parts.push(own(part.to_owned()));
        }
        if parts.len() > limits::EXPRESSION_VALUE_COUNT_MAX {
            return Err(Fault::too_many(at, parts.len()));
        }
    }
    Ok(Val::List(Items::Own(parts)))
}

fn ascii<'a>(text: &str, at: usize) -> Result<Val<'a>, Fault> {
    // Han characters end in a blank, which is of use only between them.
    let plain = deunicode::deunicode_with_tofu(text, "");
    let plain = if text.ends_with(char::is_whitespace) { &plain } else { plain.trim_end() };
    checked(plain.to_owned(), at)
}

/// The two sides of the last `@`, if both are there.
fn mail(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}
