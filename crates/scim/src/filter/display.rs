//! Printing filters: canonical text that reads back as the same filter, provided that every `And`
//! and `Or` has at least two parts, as the parser makes them.

use std::fmt::{self, Display, Formatter};

use super::{CompareOp, Filter, Literal};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare { path, op, value } => write!(f, "{path} {} {value}", op.as_str()),
            Self::Present(path) => write!(f, "{path} pr"),
            // `and` binds tighter than `or`, so only what would change the grouping is bracketed.
            Self::And(all) => {
                join(f, all, " and ", |part| matches!(part, Self::And(_) | Self::Or(_)))
            }
            Self::Or(any) => join(f, any, " or ", |part| matches!(part, Self::Or(_))),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Null => f.write_str("null"),
        }
    }
}

impl CompareOp {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Eq, "eq"),
        (Self::Ne, "ne"),
        (Self::Co, "co"),
        (Self::Sw, "sw"),
        (Self::Ew, "ew"),
        (Self::Gt, "gt"),
        (Self::Ge, "ge"),
        (Self::Lt, "lt"),
        (Self::Le, "le"),
    ];

    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(op, _)| *op == self).map_or("", |(_, name)| name)
    }

    /// The operator of this name, whatever its case (RFC 7644 3.4.2.2).
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(op, _)| *op)
    }
}

fn join(
    f: &mut Formatter<'_>,
    parts: &[Filter],
    word: &str,
    grouped: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        if grouped(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}
