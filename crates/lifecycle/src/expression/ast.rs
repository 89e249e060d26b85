//! The tree as it is written: names and operators, not checked yet.

use super::lex::Span;

/// A tree that is not checked yet.
#[derive(Debug, Clone)]
pub(super) struct Ast {
    pub(super) kind: AstKind,
    pub(super) span: Span,
    /// How many levels it has. Kept within the limit, so that whoever walks the tree may recurse.
    pub(super) depth: usize,
}

#[derive(Debug, Clone)]
pub(super) enum AstKind {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Name(String),
    List(Vec<Ast>),
    Member(Box<Ast>, Name),
    Index(Box<Ast>, Box<Ast>),
    /// `name(...)`, or `target.name(...)`.
    Call {
        target: Option<Box<Ast>>,
        name: Name,
        args: Vec<Ast>,
    },
    Not(Box<Ast>),
    Negate(Box<Ast>),
    /// `&&` or `||` over two or more. A chain is one node: a rule may have many alternatives.
    Logic(Logic, Vec<Ast>),
    Binary(Binary, Box<[Ast; 2]>),
    Choose(Box<[Ast; 3]>),
}

/// A name and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
